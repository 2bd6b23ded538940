//! The switch for verification: which words mean it, with which polarity, and what the code makes of its value.

use std::rc::Rc;

use super::super::code::{self, File, Truth};
use super::super::dialect::Dialect;
use super::super::{EnvVar, Flag, FlagEffect, FlagLocation};

/// Which way round a switch is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::deployment) enum Polarity {
    /// On means "do not verify".
    Insecure,
    /// On means "verify".
    Verify,
}

/// The polarity of a key, if it is a switch for verification.
pub(in crate::deployment) fn polarity(key: &str) -> Option<Polarity> {
    let k = key.to_ascii_uppercase().replace(['.', '-', '_'], "");
    if [
        "INSECURE",
        "SKIPVERIFY",
        "VERIFYSKIP",
        "SKIPTLSVERIFY",
        "ALLOWSELFSIGNED",
        "NOVERIFY",
        "DISABLEVERIFY",
        "IGNORECERT",
        "SKIPCERT",
        "TRUSTALL",
        "ALLOWUNTRUSTED",
        "SKIPHOSTNAME",
        "DISABLEHOSTNAME",
    ]
    .iter()
    .any(|w| k.contains(w))
    {
        return Some(Polarity::Insecure);
    }
    if [
        "REJECTUNAUTHORIZED",
        "CHECKHOSTNAME",
        "VERIFYHOSTNAME",
        "TLSVERIFY",
        "SSLVERIFY",
        "VERIFYTLS",
        "VERIFYSSL",
        "VERIFYCERT",
        "CERTVERIFY",
        "VERIFYSERVERCERT",
        "VALIDATECERT",
        "VERIFYPEER",
        "HOSTNAMEVERIFICATION",
        "VERIFYSERVER",
        "ENABLESERVERCERTAUTH",
        "STRICTSSL",
    ]
    .iter()
    .any(|w| k.contains(w))
    {
        return Some(Polarity::Verify);
    }
    None
}

/// The flag of a client among its variables; `related` says which keys may be about MQTT.
pub(in crate::deployment) fn of_env(
    env: &[EnvVar],
    files: &[Rc<File>],
    dialect: &Dialect,
    related: &dyn Fn(&str) -> bool,
) -> Option<Flag> {
    let node = env.iter().find(|v| v.key == "NODE_TLS_REJECT_UNAUTHORIZED");
    let var = env.iter().find(|v| polarity(&v.key).is_some() && related(&v.key)).or(node)?;
    let (mut truth, read) = match code::env_use(files, &var.key) {
        Some(used) => (used.truth, true),
        None => (Truth::Usual, code::mentions(files, &var.key)),
    };
    if var.key == "NODE_TLS_REJECT_UNAUTHORIZED" {
        // Node.js compares with "0" and nothing else.
        truth = Truth::AllBut(vec!["0".into()], code::Case::Matters);
    }
    let readable = dialect.seen && !files.is_empty();
    let value = var.value.clone().unwrap_or_default();
    let is_set = truth.of(&value);
    let polarity = polarity(&var.key).unwrap_or(Polarity::Insecure);
    let insecure_now = match polarity {
        Polarity::Insecure => is_set,
        Polarity::Verify => !is_set && !value.is_empty(),
    };
    let meant = match polarity {
        Polarity::Insecure => code::is_true_word(&value),
        Polarity::Verify => !code::is_true_word(&value) && !value.is_empty(),
    };
    let unread = readable && !read && var.key != "NODE_TLS_REJECT_UNAUTHORIZED";
    let effect = if unread || (meant && !insecure_now) {
        FlagEffect::Nothing
    } else {
        dialect.effect.unwrap_or(if var.key.starts_with("NODE_") {
            FlagEffect::Everything
        } else {
            default_effect(files, &var.key)
        })
    };
    let digits = matches!(value.as_str(), "0" | "1");
    let secure_value = match (polarity, &truth) {
        (Polarity::Insecure, Truth::NonEmpty) => "",
        (Polarity::Insecure, _) if digits => "0",
        (Polarity::Insecure, _) => "false",
        (Polarity::Verify, _) if digits => "1",
        (Polarity::Verify, _) => "true",
    };
    Some(Flag {
        spelling: var.key.clone(),
        value,
        insecure_now: insecure_now && !unread,
        effect,
        location: if var.from_env_file { FlagLocation::EnvFile } else { FlagLocation::Environment },
        secure_value: secure_value.to_owned(),
        place: Some(var.place.clone()),
    })
}

fn default_effect(files: &[Rc<File>], key: &str) -> FlagEffect {
    use super::super::code::Language;
    let name = key.to_ascii_uppercase();
    if name.contains("HOSTNAME")
        || name.contains("TLS_INSECURE")
            && !files.iter().any(|f| matches!(f.language, Language::JavaScript | Language::Go))
    {
        FlagEffect::Hostname
    } else {
        FlagEffect::Everything
    }
}

/// What stands in the code where verification is off, and what has to stand there.
fn literal_values(spelling: &str) -> (&'static str, &'static str) {
    match spelling {
        "rejectUnauthorized" => ("false", "true"),
        "InsecureSkipVerify" | "AllowUntrustedCertificates" => ("true", "false"),
        "check_hostname" => ("False", "True"),
        "cert_reqs" | "verify_mode" => ("CERT_NONE", "CERT_REQUIRED"),
        "tls_insecure_set" | "tls_insecure" | "mosquitto_tls_insecure_set" => ("True", "False"),
        // `setInsecure()`, `verify_none`, `_create_unverified_context` say it by their name.
        _ => ("", ""),
    }
}

/// The flag that code switches by a literal, or by the default of a variable that nobody sets.
pub(in crate::deployment) fn of_code(env: &[EnvVar], files: &[Rc<File>], dialect: &Dialect) -> Option<Flag> {
    let effect = dialect.effect.unwrap_or(FlagEffect::Hostname);
    if let Some((spelling, place)) = &dialect.always_insecure {
        let (value, secure_value) = literal_values(spelling);
        return Some(Flag {
            spelling: spelling.clone(),
            value: value.into(),
            insecure_now: true,
            effect,
            location: FlagLocation::Code,
            secure_value: secure_value.into(),
            place: Some(place.clone()),
        });
    }
    let key = dialect.flag.as_ref()?;
    if env.iter().any(|v| v.key == *key) {
        return None;
    }
    let used = code::env_use(files, key)?;
    let default = used.default?;
    let set = used.truth.of(&default);
    let insecure = if polarity(key) == Some(Polarity::Verify) { !set } else { set };
    insecure.then(|| Flag {
        spelling: key.clone(),
        value: default,
        insecure_now: true,
        effect,
        location: FlagLocation::Code,
        secure_value: if polarity(key) == Some(Polarity::Verify) { "true".into() } else { "false".into() },
        place: Some(used.place),
    })
}
