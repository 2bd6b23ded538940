//! `mqttcert ca renew`

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use ring::rand::SystemRandom;
use serde_json::json;

use mqttcert::ca::book::Book;
use mqttcert::ca::pem;
use mqttcert::ca::root::{self, Renewed};
use mqttcert::ca::trial::{self, Leaf, Trial};
use mqttcert::cert::Certificate;
use mqttcert::cert::extension::SERVER_AUTH;
use mqttcert::disk::books;
use mqttcert::judgement::Judgement;
use mqttcert::name::escape;

use super::ca_show::{leaf, random_serial};
use crate::args::{self, Format, Output};
use crate::authority::{self, Found};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::json::{line, time};

/// Renews the CA certificate with the same key and subject, after proving that nobody is cut off.
pub fn run(args: &args::CaRenew, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("ca renew speaks human and json");
    }
    if !args.dry_run {
        inputs::refuse_now(output)?;
    }
    let found = authority::find(&args.ca, output)?;
    let signer = found.signer(&args.ca.inputs)?;
    let authority = found.authority(&signer)?;
    let old = authority.certificate().clone();
    let (book, mended) = Book::open(&found.files.ledger, found.now)?;
    authority::say_mended(&mended, output);
    authority::pay_owed(&book, &authority, found.now, 30, output)?;
    let known = found.signed(&old);
    let certificates: Vec<Certificate> = known.iter().map(|(_, c)| c.clone()).collect();
    let serial = random_serial(&SystemRandom::new())?;
    let renewed = root::renew(&old, &certificates, args.days, found.now, &serial, &signer)
        .with_context(|| shown(&found.files.certificate))?;
    let new = Certificate::from_der(&renewed.der).context("the renewed certificate does not read back")?;
    let new_pem = pem::file("CERTIFICATE", &renewed.der);

    // Both ways, before anything is written: every leaf that is known, and a new one.
    let mut trials = Vec::new();
    if let Some(sample) = leaf(&old, &signer, found.now)?.or(leaf(&new, &signer, found.now)?) {
        trials.push(("a new certificate".to_owned(), both(&found, &sample, &old, &new, &new_pem)));
    }
    for (path, certificate) in known.iter().filter(|(_, c)| is_server(c)).take(10) {
        let file = pem::file("CERTIFICATE", certificate.der());
        trials.push((shown(path), both(&found, &file, &old, &new, &new_pem)));
    }
    let broken: Vec<String> = trials
        .iter()
        .flat_map(|(what, all)| {
            all.iter().filter(|t| t.breaks()).map(move |t| format!("{} ({what})", t.stack))
        })
        .collect();
    let copies = found.copies(&old);
    let mut written = Vec::new();
    if broken.is_empty() && !args.dry_run {
        written = replace(&found.files.certificate, &copies, &old, &new_pem)?;
    }
    let answer = Done {
        args,
        found: &found,
        old: &old,
        new: &new,
        renewed: &renewed,
        trials,
        broken,
        copies,
        written,
    };
    let outcome = Outcome::of(answer.broken.is_empty());
    let text = if output.format == Format::Json { answer.json() } else { answer.human() };
    Ok(Answer::new(text, outcome))
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

/// Client certificates are judged by the broker, not by a client's stack.
fn is_server(certificate: &Certificate) -> bool {
    certificate.extended_key_usage().is_none_or(|uses| uses.iter().any(|u| u == SERVER_AUTH))
}

fn both(found: &Found, leaf: &[u8], old: &Certificate, new: &Certificate, new_pem: &[u8]) -> Vec<Trial> {
    trial::both_ways(Leaf { certfile: leaf }, (old, &found.pem), (new, new_pem), found.now)
}

/// Copies first, the CA's own file last: an interrupted run is finished by running it again. The old certificate
/// stays beside it.
fn replace(file: &Path, copies: &[PathBuf], old: &Certificate, new: &[u8]) -> anyhow::Result<Vec<PathBuf>> {
    for path in copies.iter().map(PathBuf::as_path).chain([file]) {
        books::can_replace(path).with_context(|| shown(path))?;
    }
    let mark: String = old.sha256().iter().take(4).map(|b| format!("{b:02x}")).collect();
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{mark}.old"));
    let backup = file.with_file_name(name);
    keep(&backup, &pem::file("CERTIFICATE", old.der())).with_context(|| shown(&backup))?;
    let mut written = Vec::new();
    for path in copies.iter().map(PathBuf::as_path).chain([file]) {
        books::replace(path, new, 0o644).with_context(|| {
            let before = written.iter().map(|p: &PathBuf| shown(p)).collect::<Vec<_>>().join(", ");
            match written.is_empty() {
                true => shown(path),
                false => format!("{before}: replaced, but not {}; run it again", shown(path)),
            }
        })?;
        written.push(path.to_owned());
    }
    written.push(backup);
    Ok(written)
}

/// A backup, whole and durable before its name is there. One of the same bytes is from a run that was stopped.
fn keep(backup: &Path, content: &[u8]) -> std::io::Result<()> {
    match books::read(backup) {
        Ok(there) if there == content => Ok(()),
        Ok(_) => Err(std::io::Error::other("is there, and is not the CA certificate that it is named after")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => books::replace(backup, content, 0o644),
        Err(e) => Err(e),
    }
}

struct Done<'a> {
    args: &'a args::CaRenew,
    found: &'a Found,
    old: &'a Certificate,
    new: &'a Certificate,
    renewed: &'a Renewed,
    trials: Vec<(String, Vec<Trial>)>,
    broken: Vec<String>,
    copies: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

impl Done<'_> {
    fn result(&self) -> &'static str {
        match (self.broken.is_empty(), self.args.dry_run) {
            (false, _) => "refused",
            (true, true) => "would-renew",
            (true, false) => "renewed",
        }
    }

    /// Stacks that only the new file lets in.
    fn cured(&self) -> Vec<&'static str> {
        self.stacks(Trial::cured)
    }

    fn stacks(&self, which: fn(&Trial) -> bool) -> Vec<&'static str> {
        let mut out = Vec::new();
        for t in self.trials.iter().flat_map(|(_, all)| all).filter(|t| which(t)) {
            if !out.contains(&t.stack.as_str()) {
                out.push(t.stack.as_str());
            }
        }
        out
    }

    fn judged(&self) -> usize {
        let known = |t: &&Trial| !matches!(t.old_trust, Judgement::Unknown(_));
        self.trials.first().map_or(0, |(_, all)| all.iter().filter(known).count())
    }

    fn json(&self) -> String {
        let dates = |c: &Certificate| {
            json!({
                "serial": mqttcert::ca::serial::serial_hex(c.serial()),
                "not_before": c.not_before().map(time),
                "not_after": c.not_after().map(time),
                "sha256": c.sha256().iter().map(|b| format!("{b:02x}")).collect::<String>(),
            })
        };
        let trial = |t: &Trial| {
            json!({
                "stack": t.stack.as_str(),
                "old_trust": t.old_trust.as_str(),
                "new_trust": t.new_trust.as_str(),
                "old_trust_new_chain": t.mixed.as_str(),
                "new_trust_old_chain": t.other.as_str(),
            })
        };
        line(&json!({
            "schema": "mqttcert.ca-renew/1",
            "result": self.result(),
            "file": shown(&self.found.files.certificate),
            "added": self.renewed.added,
            "before": dates(self.old),
            "after": dates(self.new),
            "need_new_file": self.cured(),
            "need_both_at_once": self.stacks(Trial::needs_both_at_once),
            "would_break": self.broken,
            "proved": self.trials.iter().map(|(what, all)| json!({
                "leaf": what, "stacks": all.iter().map(trial).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "written": self.written.iter().map(|p| shown(p)).collect::<Vec<_>>(),
        }))
    }

    fn human(&self) -> String {
        let mut out = String::new();
        let day = |c: &Certificate| c.not_after().map_or("?".to_owned(), |t| t.date().to_string());
        let added = match self.renewed.added.is_empty() {
            true => "nothing but the dates".to_owned(),
            false => self.renewed.added.join(", "),
        };
        let _ = writeln!(out, "adds     {added}");
        let _ = writeln!(out, "until    {} (was {})", day(self.new), day(self.old));
        let serial = if self.renewed.same_serial { ", serial (certificates name the CA by it)" } else { "" };
        let _ = writeln!(out, "kept     key, subject, key identifier{serial}");
        if !self.broken.is_empty() {
            let _ =
                writeln!(out, "refused  would be cut off: {}; nothing was replaced", self.broken.join(", "));
            return out;
        }
        match self.judged() {
            0 => {
                let _ = writeln!(out, "proved   signatures and names; the stacks could not be judged");
            }
            n => {
                let _ = writeln!(
                    out,
                    "proved   {n} stacks × {} certificates, with the old ca.crt and with the new one: nobody is cut off",
                    self.trials.len()
                );
            }
        }
        let cured = self.cured();
        if !cured.is_empty() {
            let _ = writeln!(out, "need it  {}: refuse the old ca.crt, accept the new one", cured.join(", "));
        }
        let at_once = self.stacks(Trial::needs_both_at_once);
        if !at_once.is_empty() {
            let _ = writeln!(
                out,
                "at once  {}: the serial stays, and it takes no two certificates with one; give client and broker the \
                 new file together",
                at_once.join(", ")
            );
        }
        let _ = writeln!(out, "others   go on with the old ca.crt until {}", day(self.old));
        if self.args.dry_run {
            let _ = writeln!(out, "would    replace {}", self.targets());
            return out;
        }
        let _ = writeln!(out, "replaced {}", self.targets());
        if let Some(backup) = self.written.last() {
            let _ = writeln!(out, "         the old one: {}", shown(backup));
        }
        let _ = writeln!(
            out,
            "next     give the new file to the clients above; brokers read cafile only when they start"
        );
        out
    }

    fn targets(&self) -> String {
        self.copies
            .iter()
            .chain([&self.found.files.certificate])
            .map(|p| shown(p))
            .collect::<Vec<_>>()
            .join(", ")
    }
}
