//! `mqttcert check --expiring`

use std::fmt::Write;

use anyhow::bail;
use serde_json::json;
use time::OffsetDateTime;

use mqttcert::ca::expiring::{self, End};
use mqttcert::ca::place;
use mqttcert::name::escape;

use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::json::{line, time};

/// Lists what ends when: certificates and CRLs below the folders, and the ledger's.
pub fn run(args: &args::Check, output: &Output) -> anyhow::Result<Answer> {
    let now = inputs::now(output);
    let warn = i64::from(args.warn_days.unwrap_or(30));
    let mut ends: Vec<End> = Vec::new();
    for dir in &args.dirs {
        let tree = inputs::tree(&args.inputs, dir)?;
        let named = (args.inputs.ca.as_deref(), args.inputs.ca_key.as_deref(), args.ledger.as_deref());
        // A ledger need not be there; one that is named must be readable.
        let ledger =
            place::locate(&tree, dir, named, &[]).ok().map(|f| f.ledger).or_else(|| args.ledger.clone());
        if let Some(ledger) = &args.ledger
            && !ledger.exists()
        {
            bail!("{}: there is no such ledger", escape(&ledger.to_string_lossy()));
        }
        let mut here = match &ledger {
            Some(ledger) => expiring::of_ledger(ledger, now)?,
            None => Vec::new(),
        };
        let known: Vec<String> = here.iter().map(|e| e.serial.clone()).collect();
        let files = [&args.inputs.cert, &args.inputs.ca].into_iter().flatten();
        let lying = expiring::of_folder(&tree, dir)
            .into_iter()
            .chain(files.flat_map(|f| expiring::of_file(&tree, f)));
        // A certificate that the ledger names is told once.
        here.extend(lying.filter(|e| e.serial.is_empty() || !known.contains(&e.serial)));
        for end in here {
            if !ends.contains(&end) {
                ends.push(end);
            }
        }
    }
    if ends.is_empty() {
        bail!("nothing that ends is found; name a folder with certificates, or --ledger FILE");
    }
    ends.sort_by(|a, b| (a.at, &a.what, &a.file).cmp(&(b.at, &b.what, &b.file)));
    let over = ends.iter().filter(|e| e.at <= now).count();
    let soon = ends.iter().filter(|e| e.at > now && e.days_left(now) < warn).count();
    let text = match output.format {
        Format::Human => human(&ends, (over, soon, warn), now),
        Format::Json => line(&json!({
            "schema": "mqttcert.expiring/1",
            "as_of": time(now),
            "over": over,
            "soon": soon,
            "ends": ends.iter().map(|e| json!({
                "not_after": time(e.at),
                "days_left": e.days_left(now),
                "what": escape(&e.what),
                "serial": (!e.serial.is_empty()).then_some(&e.serial),
                "file": escape(&e.file.to_string_lossy()),
                "line": e.line,
            })).collect::<Vec<_>>(),
        })),
        Format::Prometheus => prometheus(&ends),
        _ => bail!("check --expiring speaks human, json and prometheus"),
    };
    Ok(Answer::new(text, Outcome::of(over == 0 && !(args.strict && soon > 0))))
}

fn human(ends: &[End], (over, soon, warn): (usize, usize, i64), now: OffsetDateTime) -> String {
    const SHOWN: usize = 50;
    let mut out = String::new();
    for end in ends.iter().take(SHOWN) {
        let days = end.days_left(now);
        let word = match days {
            d if d < 0 => "OVER",
            d if d < warn => "soon",
            _ => "",
        };
        let place = match end.line {
            Some(n) => format!("{}:{n}", escape(&end.file.to_string_lossy())),
            None => escape(&end.file.to_string_lossy()),
        };
        let _ =
            writeln!(out, "{}  {days:>6} days  {word:<4}  {}   {place}", end.at.date(), escape(&end.what));
    }
    if let Some(more @ 1..) = ends.len().checked_sub(SHOWN) {
        let _ = writeln!(out, "… and {more} later ones (--format json lists all)");
    }
    let _ = writeln!(out, "{} in all: {over} over, {soon} within {warn} days", ends.len());
    out
}

/// The text format of Prometheus 0.0.4.
fn prometheus(ends: &[End]) -> String {
    let label = |text: &str| escape(text).replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = String::from(
        "# HELP mqttcert_not_after_timestamp_seconds When a certificate or CRL ends.\n\
         # TYPE mqttcert_not_after_timestamp_seconds gauge\n",
    );
    let mut told = std::collections::HashSet::new();
    for end in ends {
        let labels = format!(
            "what=\"{}\",serial=\"{}\",file=\"{}\"",
            label(&end.what),
            end.serial,
            label(&end.file.to_string_lossy())
        );
        // One sample per label set.
        if told.insert(labels.clone()) {
            let _ =
                writeln!(out, "mqttcert_not_after_timestamp_seconds{{{labels}}} {}", end.at.unix_timestamp());
        }
    }
    out
}
