//! The client's ca.crt as it is met: line ends, marks, comments, other blocks.

use mqttcert_fixtures::pem;

use super::{Case, Kit, root};

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    let text = kit.ca.pem();
    let other = root(&kit.other_ca_key).named(&mqttcert_fixtures::Dn::of("CN=Other")).self_sign().pem();
    let body: String = text.lines().filter(|l| !l.starts_with('-')).collect();
    let lines: Vec<&str> = text.lines().collect();
    let wide = |n: usize| {
        let rows: Vec<&str> = (0..body.len()).step_by(n).map(|i| &body[i..(i + n).min(body.len())]).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", rows.join("\n"))
    };
    let broken = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n";
    let noise = "-----BEGIN CERTIFICATE-----\n!!!!not base64!!!!\n-----END CERTIFICATE-----\n";
    let key = kit.ca_key.pkcs8_pem();
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("crlf", text.replace('\n', "\r\n").into()),
        ("cr", text.replace('\n', "\r").into()),
        ("bom", format!("\u{feff}{text}").into()),
        ("no-final-newline", text.trim_end().into()),
        ("leading-text", format!("subject=CN = Conformance CA\nissuer=x\n{text}").into()),
        ("trailing-text", format!("{text}that was all\n").into()),
        ("utf8-comment", format!("# Prüfstelle\n{text}").into()),
        ("blank-lines", text.replace('\n', "\n\n").into()),
        ("blank-line-inside", format!("{}\n{}\n\n{}\n", lines[0], lines[1], lines[2..].join("\n")).into()),
        ("spaces-at-line-ends", text.replace('\n', "  \n").into()),
        ("indented", text.lines().map(|l| format!("  {l}\n")).collect::<String>().into()),
        ("width-76", wide(76).into()),
        ("one-line", wide(body.len()).into()),
        ("width-48", wide(48).into()),
        ("x509-label", text.replace("CERTIFICATE", "X509 CERTIFICATE").into()),
        ("trusted-label", text.replace("CERTIFICATE", "TRUSTED CERTIFICATE").into()),
        ("lower-label", text.replace("CERTIFICATE", "certificate").into()),
        ("four-dashes", text.replace("-----", "----").into()),
        ("no-end", lines[..lines.len() - 1].join("\n").into()),
        ("no-begin", lines[1..].join("\n").into()),
        ("headers", text.replacen("-----\n", "-----\nComment: made by hand\n\n", 1).into()),
        ("with-key", format!("{text}{key}").into()),
        ("key-first", format!("{key}{text}").into()),
        ("key-only", key.into()),
        ("der", kit.ca.der.clone()),
        ("empty", Vec::new()),
        ("broken-first", format!("{broken}{text}").into()),
        ("broken-second", format!("{text}{broken}").into()),
        ("noise-first", format!("{noise}{text}").into()),
        ("noise-second", format!("{text}{noise}").into()),
        ("other-first", format!("{other}{text}").into()),
        ("glued", format!("{}{other}", text.trim_end()).into()),
        ("utf16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("crl-first", format!("{}{text}", pem::armour("X509 CRL", &[0x30, 0])).into()),
        ("garbage", b"\x00\x01\x02 this is no certificate\n".to_vec()),
    ];
    let leaf = kit.good().sign(&kit.ca);
    for (id, file) in files {
        let case = Case::new(format!("pem-{id}"), &kit.ca, &leaf).trusts(file);
        out.push(if matches!(id, "crlf" | "bom" | "with-key") { case.quick() } else { case });
    }
}
