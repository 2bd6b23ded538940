//! JSON as the contract fixes it: one object, keys in a stable order, times in RFC 3339 and UTC. serde_json escapes
//! C0 controls; everything else that could move a cursor is escaped by `name::escape` before.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use mqttcert::deployment::{Flag, FlagEffect, FlagLocation};
use mqttcert::finding::{Finding, NotDecided, Report, Severity};
use mqttcert::judgement::Reason;
use mqttcert::name::escape;
use mqttcert::place::Place;
use mqttcert::verdict::{ClientVerdict, Verdict};

/// `mqttcert.check/1` without its `schema`: one project.
pub fn check(report: &Report) -> Value {
    json!({
        "ok": report.ok(),
        "counts": {
            "error": report.count(Severity::Error),
            "warning": report.count(Severity::Warning),
            "note": report.count(Severity::Note),
        },
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "suppressed": report.suppressed,
        "not_decided": report.not_decided.iter().map(not_decided).collect::<Vec<_>>(),
    })
}

/// `mqttcert.check/1`: one project, or several with their folders.
pub fn check_all(projects: &[(&std::path::Path, &Report)]) -> Value {
    let with = |first: (&str, Value), report: &Report| {
        let mut object = json!({ first.0: first.1 });
        if let (Some(all), Value::Object(fields)) = (object.as_object_mut(), check(report)) {
            all.extend(fields);
        }
        object
    };
    match projects {
        [(_, report)] => with(("schema", json!("mqttcert.check/1")), report),
        several => json!({
            "schema": "mqttcert.check/1",
            "projects": several
                .iter()
                .map(|(dir, report)| with(("dir", json!(escape(&dir.to_string_lossy()))), report))
                .collect::<Vec<_>>(),
        }),
    }
}

fn finding(f: &Finding) -> Value {
    json!({
        "rule": f.rule,
        "severity": f.severity.as_str(),
        "message": escape(&f.message),
        "file": file(f.place.as_ref()),
        "line": f.place.as_ref().and_then(Place::line_number),
        "service": f.service.as_deref().map(escape),
        "listener": f.listener,
        "names": f.names.iter().map(|n| escape(n)).collect::<Vec<_>>(),
        "help": escape(&f.help),
        "source": f.source,
        "fix": f.fix.as_str(),
    })
}

/// `mqttcert.verdict/1`.
pub fn verdict(v: &Verdict) -> Value {
    json!({
        "schema": "mqttcert.verdict/1",
        "MQTT_TLS_INSECURE": v.decision.insecure().map(|on| if on { "true" } else { "false" }),
        "decision": v.decision.as_str(),
        "as_of": time(v.as_of),
        "holds_until": v.holds_until.map(time),
        "certificate_sha256": v.certificate_sha256.map(|h| hex(&h)),
        "clients": v.clients.iter().map(client).collect::<Vec<_>>(),
        "not_decided": v.not_decided.iter().map(not_decided).collect::<Vec<_>>(),
    })
}

fn client(c: &ClientVerdict) -> Value {
    let place = c.client.place.as_ref();
    json!({
        "service": c.client.service.as_deref().map(escape),
        "file": file(place),
        "line": place.and_then(Place::line_number),
        "name": escape(c.client.name.as_str()),
        "port": c.client.port,
        "verifies_name": c.client.verifies_name.as_ref().map(|n| escape(n.as_str())),
        "stack": c.stack().map(|s| s.as_str()),
        "flag": c.client.flag.as_ref().map(flag),
        "verify": c.verify.as_str(),
        "chain_only": c.chain_only.as_str(),
        "with_flag": c.with_flag.as_str(),
        "decision": c.decision.as_str(),
        "relies_on": c.relies_on().iter().map(|l| l.as_str()).collect::<Vec<_>>(),
        "reasons": c.reasons().iter().map(reason).collect::<Vec<_>>(),
        "cure": c.cure.map(|c| c.as_str()),
    })
}

fn flag(f: &Flag) -> Value {
    json!({
        "spelling": escape(&f.spelling),
        "value": escape(&f.value),
        "insecure_now": f.insecure_now,
        "effect": match f.effect {
            FlagEffect::Hostname => "hostname",
            FlagEffect::Everything => "everything",
            FlagEffect::Nothing => "nothing",
        },
        "where": match f.location {
            FlagLocation::Environment => "environment",
            FlagLocation::EnvFile => "env_file",
            FlagLocation::Config => "config",
            FlagLocation::Code => "code",
        },
        "set_to": escape(&f.secure_value),
    })
}

/// A reason and its evidence.
pub fn reason(r: &Reason) -> Value {
    json!({ "code": r.code.as_str(), "detail": escape(&r.detail) })
}

/// What was left unjudged.
pub fn not_decided(n: &NotDecided) -> Value {
    json!({ "what": escape(&n.what), "because": escape(&n.because) })
}

/// A time as the contract writes it.
pub fn time(t: OffsetDateTime) -> String {
    let utc = t.to_offset(time::UtcOffset::UTC);
    utc.replace_nanosecond(0).unwrap_or(utc).format(&Rfc3339).unwrap_or_default()
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// One object and a line end.
pub fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn file(place: Option<&Place>) -> Option<String> {
    place.map(|p| escape(&p.file.to_string_lossy()))
}
