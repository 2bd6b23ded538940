//! The verdict for people: the certificate, a line per client, the answer, the next step.

use std::fmt::Write as _;

use colored::Colorize;

use mqttcert::deployment::{Client, Deployment, FlagLocation};
use mqttcert::judgement::{Judgement, ReasonCode};
use mqttcert::name::escape;
use mqttcert::verdict::{ClientVerdict, Cure, Decision, Verdict};

/// One screen, the answer last.
pub fn human(deployment: &Deployment, v: &Verdict, explain: bool) -> String {
    let mut out = String::new();
    for line in headline(deployment) {
        let _ = writeln!(out, "{line}");
    }
    if !v.clients.is_empty() {
        table(&mut out, v, explain);
    }
    out.push('\n');
    for line in answer(v) {
        let _ = writeln!(out, "{line}");
    }
    for n in &v.not_decided {
        let _ = writeln!(out, "not judged: {}: {}", escape(&n.what), escape(&n.because));
    }
    out
}

fn headline(deployment: &Deployment) -> Vec<String> {
    let files: Vec<String> = deployment.compose_files.iter().map(|p| escape(&p.to_string_lossy())).collect();
    let brokers = deployment.brokers.iter().map(|b| {
        let names: Vec<String> = b.names.iter().map(|n| escape(n.name.as_str())).collect();
        let service = b.service.as_ref().map(|s| format!("broker {}", escape(&s.value)));
        let ports: Vec<String> = b
            .listeners
            .iter()
            .filter(|l| l.port != 0)
            .map(|l| format!("{} {}", l.port, if l.tls { "tls" } else { "plain" }))
            .collect();
        let mut parts = vec![service.unwrap_or_else(|| "broker".into())];
        if !names.is_empty() {
            parts.push(format!("= {}", names.join(", ")));
        }
        if !ports.is_empty() {
            parts.push(format!("  listens on {}", ports.join(", ")));
        }
        parts.join(" ")
    });
    files.into_iter().chain(brokers).collect()
}

fn table(out: &mut String, v: &Verdict, explain: bool) {
    let mut rows = vec![["service", "dials", "stack", "flag", "without the flag"].map(str::to_owned)];
    rows.extend(v.clients.iter().map(row));
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    out.push('\n');
    for (n, r) in rows.iter().enumerate() {
        let mut line = String::from("  ");
        for (cell, width) in r.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        line.push_str(&r[4]);
        let _ = writeln!(out, "{}", line.trim_end());
        if explain && n > 0 {
            explained(out, &v.clients[n - 1]);
        }
    }
}

fn row(c: &ClientVerdict) -> [String; 5] {
    let stack = match c.client.stacks.len() {
        0 => "unknown".to_owned(),
        1 => c.client.stacks[0].to_string(),
        n => format!("one of {n}"),
    };
    let flag = match &c.client.flag {
        Some(f) if f.insecure_now => "on",
        Some(_) => "off",
        None => "-",
    };
    let place = c.client.place.as_ref().map(|p| format!("   {p}")).unwrap_or_default();
    let text = match c.decision {
        Decision::Broken => format!("{}  {}{place}", "BROKEN".red(), why(&c.verify)),
        Decision::NoTls => format!("no TLS on either side{place}"),
        Decision::Undecided => format!("{}  {}", "undecided".yellow(), why(&c.verify)),
        Decision::KeepOn => format!("{}  {}", "refuses".red(), why(&c.verify)),
        Decision::Verified | Decision::SwitchOff => format!("{}{}", "accepts".green(), leaning(c)),
    };
    [
        c.client.service.as_deref().map_or_else(|| "-".into(), escape),
        escape(&dialled(&c.client)),
        stack,
        flag.into(),
        text,
    ]
}

fn dialled(client: &Client) -> String {
    match client.port {
        Some(port) if client.name.as_str().contains(':') => format!("[{}]:{port}", client.name),
        Some(port) => format!("{}:{port}", client.name),
        None => client.name.to_string(),
    }
}

fn leaning(c: &ClientVerdict) -> String {
    let leans = c.relies_on();
    if leans.is_empty() {
        return String::new();
    }
    let words: Vec<&str> = leans
        .iter()
        .map(|l| match l.as_str() {
            "common-name-fallback" => "falling back to the common name",
            "lenient-version" => "taking an old version",
            "lenient-ca" => "overlooking what the CA lacks",
            "partial-chain" => "trusting a CA that is no root",
            "dates-unchecked" => "not checking every date",
            "usage-unchecked" => "not checking the key's usage",
            "constraints-unchecked" => "not checking constraints",
            "lenient-parsing" => "reading a malformed file",
            "weak-algorithm" => "taking a weak algorithm",
            "loose-wildcard" => "taking a loose wildcard",
            "address-in-dns-name" => "taking an address for a DNS name",
            "ca-as-leaf" => "taking a CA for a server",
            other => other,
        })
        .collect();
    format!(", but only by {}", words.join(", "))
}

fn why(j: &Judgement) -> String {
    match j {
        Judgement::Accept { .. } => String::new(),
        Judgement::Unknown(because) => escape(because),
        Judgement::Refuse(reasons) => reasons
            .iter()
            .map(|r| format!("{}: {}", r.code, escape(&r.detail)))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

fn explained(out: &mut String, c: &ClientVerdict) {
    for s in &c.stacks {
        let said = |j: &Judgement| match j {
            Judgement::Accept { relies_on } if relies_on.is_empty() => "accepts".to_owned(),
            Judgement::Accept { relies_on } => {
                let leans: Vec<&str> = relies_on.iter().map(|l| l.as_str()).collect();
                format!("accepts, leaning on {}", leans.join(", "))
            }
            Judgement::Refuse(_) => format!("refuses: {}", why(j)),
            Judgement::Unknown(_) => format!("unknown: {}", why(j)),
        };
        let _ = writeln!(
            out,
            "      {:<18} name: {}; chain alone: {}",
            s.stack,
            said(&s.verify),
            said(&s.chain_only)
        );
    }
}

fn answer(v: &Verdict) -> Vec<String> {
    let named = |d: Decision| -> Vec<String> {
        let mut names: Vec<String> = v
            .clients
            .iter()
            .filter(|c| c.decision == d)
            .map(|c| match (&c.client.service, c.stack()) {
                (Some(service), _) => escape(service),
                (None, Some(stack)) => format!("{} ({stack})", escape(c.client.name.as_str())),
                (None, None) => escape(c.client.name.as_str()),
            })
            .collect();
        names.dedup();
        names
    };
    let mut lines = Vec::new();
    let mut say = |d: Decision, words: &str| {
        let names = named(d);
        if !names.is_empty() {
            lines.push(format!("{}: {words}", names.join(", ")));
        }
    };
    say(Decision::Verified, "verifies, and the flag is off");
    say(Decision::SwitchOff, "MQTT_TLS_INSECURE can be switched off today");
    say(Decision::KeepOn, "the flag must stay on until the certificate is mended");
    say(Decision::NoTls, "no TLS: there is nothing that the flag could switch off");
    say(Decision::Undecided, "undecided");
    say(Decision::Broken, "cannot connect at all");
    lines.push(match v.decision.insecure() {
        Some(false) => "MQTT_TLS_INSECURE=false".bold().to_string(),
        Some(true) => "MQTT_TLS_INSECURE=true   (for the whole project, until every client verifies)".into(),
        None => "MQTT_TLS_INSECURE: not settled".into(),
    });
    for (cure, next) in [
        (
            Cure::Reissue,
            "mqttcert reissue          replaces the certificate by one that names what they dial",
        ),
        (Cure::RenewCa, "mqttcert ca renew         renews the CA with its key; no new leaf alone cures it"),
        (
            Cure::Rename,
            "dial another name         no certificate cures it: the client refuses the name itself",
        ),
        (Cure::Code, "mqttcert check            says what has to change in the configuration"),
    ] {
        if v.clients.iter().any(|c| c.cure == Some(cure)) {
            lines.push(format!("next: {next}"));
        }
    }
    let fallback = |c: &ClientVerdict| c.relies_on().iter().any(|l| l.as_str() == "common-name-fallback");
    let refused = |c: &ClientVerdict| c.reasons().iter().any(|r| r.code == ReasonCode::NoSan);
    if v.clients.iter().any(fallback) && !v.clients.iter().any(refused) {
        lines.push(
            "next: mqttcert reissue          go, rustls and strict Python would refuse this certificate"
                .into(),
        );
    }
    lines
}

/// An override file with each service's own spelling and polarity, for the flags that can be switched off.
pub fn compose(v: &Verdict) -> String {
    let mut out = String::from(
        "# Made by `mqttcert verdict --format compose`: the flags that can be switched off today.\n",
    );
    let mut services: Vec<(&str, Vec<String>)> = Vec::new();
    for c in v.clients.iter().filter(|c| c.decision == Decision::SwitchOff) {
        let (Some(service), Some(flag)) = (&c.client.service, &c.client.flag) else { continue };
        // One environment serves every broker that a service dials: all of its clients must agree.
        let all = v.clients.iter().filter(|o| o.client.service.as_ref() == Some(service));
        if !all.clone().all(|o| matches!(o.decision, Decision::SwitchOff | Decision::Verified)) {
            continue;
        }
        // A literal of the code, or a key of the client's own file, is no variable; a variable's default is one.
        let capitals = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let variable = match flag.location {
            FlagLocation::Environment | FlagLocation::EnvFile => true,
            FlagLocation::Code => flag.spelling.chars().all(capitals),
            FlagLocation::Config => false,
        };
        if !variable {
            continue;
        }
        let line = format!("      {}: {}", quoted(&flag.spelling), quoted(&flag.secure_value));
        match services.iter_mut().find(|(s, _)| s == service) {
            Some((_, lines)) if !lines.contains(&line) => lines.push(line),
            Some(_) => {}
            None => services.push((service, vec![line])),
        }
    }
    if services.is_empty() {
        out.push_str("services: {}\n");
        return out;
    }
    out.push_str("services:\n");
    for (service, lines) in services {
        let _ = writeln!(out, "  {}:\n    environment:\n{}", quoted(service), lines.join("\n"));
    }
    out
}

/// A YAML scalar in double quotes unless it is plainly a word (YAML 1.2 §7.3.1).
fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    if plain { text.to_owned() } else { format!("{:?}", escape(text)) }
}
