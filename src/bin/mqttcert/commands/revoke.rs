//! `mqttcert revoke`

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::json;

use mqttcert::ca::Authority;
use mqttcert::ca::book::Book;
use mqttcert::ca::ledger::{Entry, Reason};
use mqttcert::ca::revoke::{self, CrlJob, RevokeError, Which};
use mqttcert::ca::subject::oneline_of;
use mqttcert::cert::load_pem;
use mqttcert::cert::signature::{self, Check};
use mqttcert::disk::books;
use mqttcert::name::escape;

use crate::args::{self, Format, Output};
use crate::authority;
use crate::commands::ca::{crl_next, crl_next_json, same_to_all};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::json::{line, time};

/// Revokes one certificate and writes the CRL.
pub fn run(args: &args::Revoke, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("revoke speaks human and json");
    }
    inputs::refuse_now(output)?;
    let found = authority::find(&args.ca, output)?;
    let signer = found.signer(&args.ca.inputs)?;
    let authority = found.authority(&signer)?;
    let (book, mended) = Book::open(&found.files.ledger, found.now)?;
    authority::say_mended(&mended, output);
    authority::pay_owed(&book, &authority, found.now, args.crl_days, output)?;
    let file = found.crl_file(args.out.as_deref());
    let job = CrlJob { authority: &authority, file: &file, days: args.crl_days, now: found.now };
    let which = which(&args.which, &authority)?;
    let done = revoke::revoke(&book, &which, args.reason.unwrap_or(Reason::Unspecified), &job)?;
    same_to_all(&found, &authority, &file)?;
    let e = &done.entry;
    if output.format == Format::Json {
        return Ok(Answer::new(
            line(&json!({
                "schema": "mqttcert.revoke/1",
                "result": if done.before { "revoked-before" } else { "revoked" },
                "serial": e.serial_hex(),
                "subject": escape(&e.subject),
                "not_after": time(e.expires),
                "crl": crl_json(&file, &done.crl),
                "ledger": escape(&book.path().to_string_lossy()),
                "reload": crl_next_json(&found, &file),
            })),
            Outcome::Holds,
        ));
    }
    let mut text = format!(
        "{}   {}   serial {}\n",
        if done.before { "revoked before" } else { "revoked " },
        escape(&e.subject),
        e.serial_hex()
    );
    text.push_str(&crl_line(&file, &done.crl));
    text.push_str(&crl_next(&found, &file));
    Ok(Answer::new(text, Outcome::Holds))
}

/// The line about a CRL that was written.
pub fn crl_line(file: &Path, crl: &revoke::Written) -> String {
    format!(
        "crl      {}   number {}, {} revoked, until {}: from then on Mosquitto refuses every client\n",
        escape(&file.to_string_lossy()),
        crl.number,
        crl.entries,
        crl.next_update.date()
    )
}

/// The same as JSON.
pub fn crl_json(file: &Path, crl: &revoke::Written) -> serde_json::Value {
    json!({
        "file": escape(&file.to_string_lossy()),
        "number": crl.number,
        "entries": crl.entries,
        "next_update": time(crl.next_update),
    })
}

/// A file of a certificate that this CA signed, or a serial or name.
fn which(text: &str, authority: &Authority<'_>) -> anyhow::Result<Which> {
    let path = Path::new(text);
    let is_path = text.contains('/') || [".crt", ".pem", ".cer"].iter().any(|s| text.ends_with(s));
    let named = path.is_file() || (is_path && path.exists());
    if !named {
        return Ok(Which::Text(text.to_owned()));
    }
    let bytes = books::read(path).with_context(|| escape(text))?;
    let certificates = load_pem(&bytes).with_context(|| escape(text))?;
    let Some(certificate) = certificates.first() else {
        return Ok(Which::Text(text.to_owned()));
    };
    let ca = authority.certificate();
    if certificate.subject().der() == ca.subject().der() && certificate.spki_der() == ca.spki_der() {
        return Err(RevokeError::Itself(escape(text)).into());
    }
    let ours = certificate.issuer().der() == ca.subject().der()
        && signature::verify(ca.spki_der(), certificate) == Check::Good;
    if !ours {
        return Err(RevokeError::Foreign(escape(text)).into());
    }
    let end = certificate.not_after().with_context(|| format!("{}: its end cannot be read", escape(text)))?;
    Ok(Which::Entry(Entry::issued(
        mqttcert::ca::serial::magnitude(certificate.serial()),
        end,
        oneline_of(certificate.subject()),
    )))
}
