//! `mqttcert ca show`

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, bail};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use time::OffsetDateTime;

use mqttcert::ca::fresh::{self, KeyKind};
use mqttcert::ca::ledger::Status;
use mqttcert::ca::serial::serial_hex;
use mqttcert::ca::server::{ServerCertificate, Validity, sign_server};
use mqttcert::ca::template::{SERIAL_LEN, Serial, serial_from};
use mqttcert::ca::trial::{self, Leaf};
use mqttcert::ca::{Signer, book, pem};
use mqttcert::cert::{Certificate, load_pem};
use mqttcert::judgement::Judgement;
use mqttcert::name::{San, escape};

use crate::args::{self, Format, Output};
use crate::authority::{self, Found};
use crate::exit::{Answer, Outcome};
use crate::render::json::{line, time};

/// Who the CA is, until when, what it signed, which stacks dislike it and why.
pub fn run(args: &args::CaShow, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("ca show speaks human and json");
    }
    let found = authority::find(&args.ca, output)?;
    let file = escape(&found.files.certificate.to_string_lossy());
    let all = load_pem(&found.pem).with_context(|| file.clone())?;
    let ca = all.first().with_context(|| format!("{file}: holds no certificate"))?;
    let entries = book::read_all(&found.files.ledger)?;
    let now = found.now;
    let valid = entries.iter().filter(|e| e.is_valid_at(now)).count();
    let revoked = entries.iter().filter(|e| matches!(e.status, Status::Revoked { .. })).count();
    let over = entries.len() - valid - revoked;
    let next = entries.iter().filter(|e| e.is_valid_at(now)).min_by_key(|e| e.expires);
    let lying = found.signed(ca);
    let trials = sample(&found, args, ca, &lying)?
        .map(|leaf| trial::under(Leaf { certfile: &leaf }, ca, &found.pem, now))
        .unwrap_or_default();
    let mut dislikes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (stack, judgement) in &trials {
        if let Judgement::Refuse(reasons) = judgement {
            let why =
                reasons.iter().map(|r| format!("{}: {}", r.code, r.detail)).collect::<Vec<_>>().join("; ");
            dislikes.entry(why).or_default().push(stack.as_str());
        }
    }
    let judged = trials.iter().filter(|(_, j)| !matches!(j, Judgement::Unknown(_))).count();
    let end = ca.not_after();
    let key = found.files.key.as_ref().map(|k| escape(&k.to_string_lossy()));
    if output.format == Format::Json {
        let stacks = |j: &Judgement| match j {
            Judgement::Refuse(r) => r.iter().map(|r| escape(&r.detail)).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        return Ok(Answer::new(
            line(&json!({
                "schema": "mqttcert.ca/1",
                "file": file,
                "key": key,
                "subject": escape(&ca.subject().display()),
                "serial": serial_hex(ca.serial()),
                "not_before": ca.not_before().map(time),
                "not_after": end.map(time),
                "public_key": ca.public_key().display(),
                "key_usage": ca.key_usage().map(|k| k.display()),
                "sha256": hex(&ca.sha256()),
                "ledger": escape(&found.files.ledger.to_string_lossy()),
                "signed": {"valid": valid, "revoked": revoked, "over": over, "in_no_ledger": lying.len()},
                "stacks": trials.iter().map(|(s, j)| json!({
                    "stack": s.as_str(), "verify": j.as_str(), "why": stacks(j),
                })).collect::<Vec<_>>(),
            })),
            Outcome::Holds,
        ));
    }
    let mut out = String::new();
    let left = |t: OffsetDateTime| (t - now).whole_days();
    let _ = writeln!(out, "{file}   {}   {}", escape(&ca.subject().display()), ca.public_key().display());
    if let Some(end) = end {
        let _ = writeln!(out, "until    {}   {} days", end.date(), left(end));
    }
    let usage = ca.key_usage().map_or("no keyUsage".to_owned(), |k| k.display());
    let id = if ca.subject_key_id().is_some() { "with" } else { "no" };
    let _ = writeln!(out, "may      {usage}, {id} subjectKeyIdentifier");
    let _ = writeln!(out, "key      {}", key.as_deref().unwrap_or("not found; name it by --ca-key"));
    let ledger = escape(&found.files.ledger.to_string_lossy());
    match entries.is_empty() {
        true => {
            let _ = writeln!(out, "signed   {ledger} is empty or not there");
        }
        false => {
            let _ = writeln!(out, "signed   {valid} valid, {revoked} revoked, {over} over   {ledger}");
        }
    }
    if let Some(next) = next {
        let _ = writeln!(out, "         next to end: {} on {}", escape(&next.subject), next.expires.date());
    }
    for (path, leaf) in lying
        .iter()
        .filter(|(_, l)| !entries.iter().any(|e| e.serial == mqttcert::ca::serial::magnitude(l.serial())))
    {
        let _ = writeln!(
            out,
            "         in no ledger: {}   {}",
            escape(&path.to_string_lossy()),
            escape(&leaf.subject().display())
        );
    }
    for (why, stacks) in &dislikes {
        let _ = writeln!(out, "refused  by {}: {}", stacks.join(", "), escape(why));
    }
    if judged == 0 {
        let _ = writeln!(out, "stacks   not judged");
    } else if dislikes.is_empty() {
        let _ = writeln!(out, "stacks   {judged} judged, none refuses it");
    } else {
        let _ =
            writeln!(out, "next     mqttcert ca renew     the same key and subject, with what is missing");
    }
    Ok(Answer::new(out, Outcome::Holds))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A leaf in good order under the CA, so that only the CA is judged; without the key, a certificate that is there.
fn sample(
    found: &Found,
    args: &args::CaShow,
    ca: &Certificate,
    lying: &[(std::path::PathBuf, Certificate)],
) -> anyhow::Result<Option<Vec<u8>>> {
    let quiet = args.ca.inputs.passphrase_file.is_some() || !found.key_is_encrypted();
    if found.files.key.is_some() && quiet {
        let signer = found.signer(&args.ca.inputs)?;
        if signer.spki_der() == ca.spki_der() {
            return Ok(leaf(ca, &signer, found.now)?);
        }
    }
    Ok(lying.first().map(|(_, c)| pem::file("CERTIFICATE", c.der())))
}

/// A server certificate in good order with a key that nobody keeps; `None` where the CA has no time left.
pub fn leaf(
    ca: &Certificate,
    signer: &dyn Signer,
    now: OffsetDateTime,
) -> Result<Option<Vec<u8>>, mqttcert::ca::SignError> {
    let Some(validity) = Validity::of(now, 30, ca) else { return Ok(None) };
    let rng = SystemRandom::new();
    let key = fresh::generate(KeyKind::P256, &rng)?;
    let spki = mqttcert::ca::signer::spki_of(KeyKind::P256.spki_algorithm(), &key.public);
    let serial = random_serial(&rng)?;
    let subject = mqttcert::ca::subject::Subject::new("localhost", &[]).map(|s| s.der()).unwrap_or_default();
    let what = ServerCertificate {
        subject: &subject,
        spki: &spki,
        sans: &[San::Dns(b"localhost".to_vec())],
        validity,
        serial: &serial,
    };
    Ok(Some(pem::file("CERTIFICATE", &sign_server(&what, ca, signer)?)))
}

/// A fresh serial number.
pub fn random_serial(rng: &SystemRandom) -> Result<Serial, mqttcert::ca::SignError> {
    let mut serial: Serial = [0; SERIAL_LEN];
    rng.fill(&mut serial).map_err(|e| mqttcert::ca::SignError::Failed(e.to_string()))?;
    Ok(serial_from(serial))
}
