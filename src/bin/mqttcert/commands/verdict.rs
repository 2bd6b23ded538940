//! `mqttcert verdict`: can MQTT_TLS_INSECURE be switched off?

use anyhow::bail;

use mqttcert::tree::OverlayTree;
use mqttcert::verdict::{self, Decision, Options, Verdict};

use super::env_file;
use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs::{self, Loaded};
use crate::render;

/// Judges every client, and says it in the format that is asked for.
pub fn run(args: &args::Verdict, output: &Output) -> anyhow::Result<Answer> {
    let loaded = inputs::load(&args.inputs, &args.dir, output)?;
    known_clients(args, &loaded)?;
    let options = Options { only: args.client.clone(), remedies: Some(mqttcert::reissue::what_if::remedies) };
    let v = if args.after_reissue {
        let ahead = args::Reissue::ahead(&args.dir, &args.inputs);
        match super::reissue::foresee(&ahead, &loaded.tree, &loaded.deployment, loaded.now)? {
            Some((cert, pem)) => {
                let candidate = OverlayTree::new(&loaded.tree).with(&cert, pem);
                verdict::judge(&loaded.deployment, &candidate, loaded.now, &options)
            }
            None => verdict::judge(&loaded.deployment, &loaded.tree, loaded.now, &options),
        }
    } else {
        verdict::judge(&loaded.deployment, &loaded.tree, loaded.now, &options)
    };
    if let Some(file) = &args.update_env {
        update_env(file, &v)?;
    }
    literal_wins(&loaded, &v, output, args.update_env.is_some());
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

/// Sets or removes the line in an env file; a file that is not there yet is made only to hold it.
fn update_env(file: &std::path::Path, v: &Verdict) -> anyhow::Result<()> {
    let shown = mqttcert::name::escape(&file.to_string_lossy());
    let text = match std::fs::symlink_metadata(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        _ => {
            let folder =
                file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
            let tree = mqttcert::disk::DiskTree::new([folder])?.with_file(file);
            String::from_utf8(mqttcert::tree::Tree::read(&tree, file)?)
                .map_err(|_| anyhow::anyhow!("{shown}: is not UTF-8; set MQTT_TLS_INSECURE there by hand"))?
        }
    };
    match env_file::updated(&text, v.decision.insecure()) {
        Some(new) => mqttcert::disk::write_report(file, new.as_bytes())
            .map_err(|e| anyhow::anyhow!("{shown}: {e}; nothing was changed")),
        None => Ok(()),
    }
}

/// A literal in `environment:` wins over `.env` (the Compose specification's order of precedence): whoever writes the
/// line there must know.
fn literal_wins(loaded: &Loaded, v: &Verdict, output: &Output, updating: bool) {
    let Some(answer) = v.decision.insecure() else { return };
    if output.quiet || !(updating || output.format == Format::Env) {
        return;
    }
    for service in &loaded.deployment.services {
        for variable in
            service.environment.iter().filter(|v| v.key == "MQTT_TLS_INSECURE" && !v.from_env_file)
        {
            if let Some(value) =
                variable.value.as_ref().filter(|value| value.to_lowercase() != answer.to_string())
            {
                eprint_line(&format!(
                    "warning: {}: {} sets MQTT_TLS_INSECURE to {:?} there, which wins over .env; write ${{MQTT_TLS_INSECURE}} there, or {answer} itself",
                    variable.place,
                    mqttcert::name::escape(&service.name.value),
                    mqttcert::name::escape(value)
                ));
            }
        }
    }
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
