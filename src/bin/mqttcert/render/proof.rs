//! Proofs, for people and scripts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use mqttcert::name::escape;
use mqttcert::prove::{Proof, ProofKind, all_hold};

/// `mqttcert.proof/1`.
pub fn json(proofs: &[Proof]) -> String {
    let value = json!({
        "schema": "mqttcert.proof/1",
        "ok": all_hold(proofs),
        "proofs": proofs.iter().map(proof).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

/// One proof of the contract.
pub fn proof(p: &Proof) -> Value {
    json!({
        "listener": p.listener,
        "name": p.name.as_deref().map(escape),
        "service": p.service.as_deref().map(escape),
        "proof": p.kind.as_str(),
        "ok": p.ok,
        "skipped": p.skipped.as_deref().map(escape),
        "detail": escape(&p.detail),
        "ms": p.ms,
    })
}

/// One line a proof; the answer last.
pub fn human(what: &str, proofs: &[Proof], elapsed_ms: u128) -> String {
    let mut out = String::new();
    let wide = proofs.iter().map(|p| about(p).chars().count()).max().unwrap_or(0).min(60);
    for p in proofs {
        let word = match p.ok {
            Some(true) => "ok",
            Some(false) => "FAILED",
            None => "-",
        };
        let told = p.skipped.as_deref().map_or_else(|| p.detail.clone(), |s| format!("not tried: {s}"));
        let _ = writeln!(
            out,
            "{word:<7}{:<6}{:<24} {:<wide$}  {:>4} ms  {}",
            p.listener,
            p.kind.as_str(),
            about(p),
            p.ms,
            escape(&told)
        );
    }
    let count = |ok: Option<bool>| proofs.iter().filter(|p| p.ok == ok).count();
    let _ = writeln!(
        out,
        "{what}: {} proofs hold, {} failed, {} not tried     {elapsed_ms} ms",
        count(Some(true)),
        count(Some(false)),
        count(None)
    );
    out
}

/// One line: how many listeners and names, and what was shown.
pub fn summary(proofs: &[Proof]) -> String {
    let held = |kind: ProofKind| proofs.iter().any(|p| p.kind == kind && p.ok == Some(true));
    let mut listeners: Vec<u16> = proofs.iter().map(|p| p.listener).collect();
    listeners.sort_unstable();
    listeners.dedup();
    let mut names: Vec<&str> = proofs.iter().filter_map(|p| p.name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut text = format!("{} × {}", counted(listeners.len(), "listener"), counted(names.len(), "name"));
    for (kind, words) in [
        (ProofKind::PlaintextRefused, "plaintext refused"),
        (ProofKind::BadLoginRefused, "wrong password refused"),
        (ProofKind::RoundTrip, "message returned"),
    ] {
        if held(kind) {
            text.push_str(", ");
            text.push_str(words);
        }
    }
    if let Some(skipped) = proofs.iter().find_map(|p| p.skipped.as_deref()) {
        text.push_str(&format!("; not tried: {}", escape(skipped)));
    }
    let slowest = proofs.iter().map(|p| p.ms).max().unwrap_or(0);
    format!("{text}     {slowest} ms")
}

fn about(p: &Proof) -> String {
    match (&p.name, &p.service) {
        (Some(n), Some(s)) => format!("{} ({})", escape(n), escape(s)),
        (Some(n), None) => escape(n),
        _ => String::new(),
    }
}
