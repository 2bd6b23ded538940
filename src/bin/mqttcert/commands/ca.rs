//! `mqttcert ca crl`; what a broker has to do afterwards

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use mqttcert::ca::Authority;
use mqttcert::ca::book::Book;
use mqttcert::ca::revoke::{self, CrlJob};
use mqttcert::disk::books;
use mqttcert::mosquitto::Protocol;
use mqttcert::name::{escape, shell_word};

use crate::args::{self, Format, Output};
use crate::authority::{self, Found};
use crate::commands::revoke::{crl_json, crl_line};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::json::line;

/// Writes a fresh CRL from the ledger.
pub fn crl(args: &args::CaCrl, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("ca crl speaks human and json");
    }
    inputs::refuse_now(output)?;
    let found = authority::find(&args.ca, output)?;
    let signer = found.signer(&args.ca.inputs)?;
    let authority = found.authority(&signer)?;
    let (book, mended) = Book::open(&found.files.ledger, found.now)?;
    authority::say_mended(&mended, output);
    let file = found.crl_file(args.out.as_deref());
    let job = CrlJob { authority: &authority, file: &file, days: args.days, now: found.now };
    let written = revoke::write_crl(&book, &job)?;
    same_to_all(&found, &authority, &file)?;
    let text = match output.format {
        Format::Json => line(&json!({
            "schema": "mqttcert.crl/1",
            "crl": crl_json(&file, &written),
            "ledger": escape(&book.path().to_string_lossy()),
            "reload": crl_next_json(&found, &file),
        })),
        _ => crl_line(&file, &written) + &crl_next(&found, &file),
    };
    Ok(Answer::new(text, Outcome::Holds))
}

/// Other listeners may read other files: each gets the same CRL.
pub fn same_to_all(found: &Found, authority: &Authority<'_>, file: &Path) -> anyhow::Result<()> {
    for other in found.crlfiles().iter().filter(|f| f.as_path() != file) {
        revoke::may_replace(other, authority)?;
        let content = books::read(file).with_context(|| escape(&file.to_string_lossy()))?;
        books::replace(other, &content, 0o644).with_context(|| escape(&other.to_string_lossy()))?;
    }
    Ok(())
}

/// What makes the broker read the CRL, in words.
pub fn crl_next(found: &Found, file: &Path) -> String {
    let steps = steps(found, file);
    let mut out = String::new();
    for (i, step) in steps.iter().enumerate() {
        out.push_str(if i == 0 { "next     " } else { "         " });
        out.push_str(&escape(step));
        out.push('\n');
    }
    out
}

/// The same for scripts.
pub fn crl_next_json(found: &Found, file: &Path) -> Value {
    steps(found, file).into()
}

/// Measured on Mosquitto 2.0.11: SIGHUP makes a TCP listener with `crlfile` and `require_certificate` read it again;
/// who is connected stays until the connection ends; websockets listeners ignore it.
fn steps(found: &Found, file: &Path) -> Vec<String> {
    let shown = file.to_string_lossy();
    let mut out = Vec::new();
    let brokers = found.deployment.iter().flat_map(|d| &d.brokers);
    for broker in brokers {
        let reads: Vec<u16> = broker
            .listeners
            .iter()
            .filter(|l| l.crlfile.is_some() && l.protocol != Protocol::Websockets)
            .map(|l| l.port)
            .collect();
        let ports = reads.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let reload = match &broker.service {
            Some(service) => format!("docker compose exec {} kill -HUP 1", shell_word(&service.value)),
            None => "kill -HUP $(pidof mosquitto)".to_owned(),
        };
        if reads.is_empty() {
            out.push(format!(
                "no listener reads a CRL yet: add `crlfile` (with require_certificate true) for {shown}, and restart the broker"
            ));
        } else {
            out.push(format!(
                "{reload}     {ports}: refused from then on; who is connected stays until its connection ends"
            ));
        }
    }
    if out.is_empty() {
        out.push(format!(
            "let the broker's crlfile be {shown}, and make it reload: kill -HUP of its process"
        ));
    }
    out
}
