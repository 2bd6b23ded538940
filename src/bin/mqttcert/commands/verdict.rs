//! `mqttcert verdict`: can MQTT_TLS_INSECURE be switched off?

use anyhow::bail;

use mqttcert::verdict::{self, Decision, Options, Verdict};

use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs::{self, Loaded};
use crate::render;

/// Judges every client, and says it in the format that is asked for.
pub fn run(args: &args::Verdict, output: &Output) -> anyhow::Result<Answer> {
    let loaded = inputs::load(&args.inputs, &args.dir, output)?;
    known_clients(args, &loaded)?;
    let options = Options { only: args.client.clone() };
    let v = verdict::judge(&loaded.deployment, &loaded.tree, loaded.now, &options);
    let text = match output.format {
        Format::Human => render::verdict::human(&loaded.deployment, &v, args.explain),
        Format::Json => render::json::line(&render::json::verdict(&v)),
        Format::Env => env(&v),
        Format::Compose => render::verdict::compose(&v),
        _ => bail!("verdict speaks human, json, env and compose"),
    };
    Ok(Answer::new(text, outcome(&v, args.allow_undecided)))
}

fn outcome(v: &Verdict, allow_undecided: bool) -> Outcome {
    let good = matches!(v.decision, Decision::Verified | Decision::SwitchOff);
    Outcome::of(good || (allow_undecided && v.decision == Decision::Undecided))
}

/// Exactly one line, or nothing and a word on standard error.
fn env(v: &Verdict) -> String {
    match v.decision.insecure() {
        Some(on) => format!("MQTT_TLS_INSECURE={on}\n"),
        None => {
            eprint_line(&format!("mqttcert: MQTT_TLS_INSECURE is not settled: {}", v.decision));
            String::new()
        }
    }
}

fn eprint_line(text: &str) {
    use std::io::Write;
    // A closed standard error leaves only the status to tell.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// `--client` must name a client: a mistyped name would otherwise judge nothing.
fn known_clients(args: &args::Verdict, loaded: &Loaded) -> anyhow::Result<()> {
    for name in &args.client {
        let known = loaded.deployment.clients.iter().any(|c| c.service.as_deref() == Some(name));
        if !known {
            bail!("--client {name}: no such client; `mqttcert verdict` lists those that were found");
        }
    }
    Ok(())
}
