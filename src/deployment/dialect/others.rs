//! TLS in the other languages.

use std::rc::Rc;

use super::super::FlagEffect;
use super::super::code::{File, Language};
use super::arguments::Setting;
use super::condition::{condition, enclosing_if, prefix_asked};
use super::variables::variable_in;
use super::{Dialect, When, is_comment};

/// Reads one file.
pub(super) fn read(files: &[Rc<File>], file: &Rc<File>, env: &Setting<'_>, out: &mut Dialect) {
    let text = &file.text;
    let calls: &[&str] = match file.language {
        Language::JavaScript => &[
            "rejectUnauthorized",
            "mqtts://",
            "'mqtts'",
            "\"mqtts\"",
            "ca: fs",
            "ca: readFile",
            "caPaths",
            "'wss'",
            "wss://",
        ],
        Language::Go => &["SetTLSConfig(", "TLSCfg", "TLSConfig:", "ssl://", "tls://", "mqtts://"],
        Language::Java => &["setSocketFactory(", "ssl://", "sslConfig(", "sslWithDefaultConfig(", "mqtts://"],
        Language::Rust => {
            &["Transport::tls", "TlsConfiguration", "set_transport", "ssl_options(", "mqtts://", "ssl://"]
        }
        Language::C => {
            &["mosquitto_tls_set", "ssl_opts", "WiFiClientSecure", "setCACert", "ssl://", "mqtts://"]
        }
        _ => &[
            "mqtts://",
            "ssl://",
            "WithTlsOptions",
            "WithTls",
            "cafile",
            "--cafile",
            "verify_peer",
            "ssl: true",
            "setUseTls",
        ],
    };
    for call in calls {
        for (at, _) in text.match_indices(call) {
            // A scheme that is asked for is none that is spoken.
            let line = text[..at].rfind('\n').map_or(0, |i| i + 1);
            let whole = text[line..].lines().next().unwrap_or("");
            let asked = prefix_asked(whole)
                .is_some_and(|(from, word)| (from..from + word.len()).contains(&(at - line)));
            if is_comment(text, at) || !near_mqtt(text, at) || asked {
                continue;
            }
            let when = condition(files, file, at, env, None);
            if out.tls.is_none() {
                out.tls = Some(if matches!(when, When::CaExists) { When::Somehow } else { when });
            }
        }
    }
    for pattern in [
        "InsecureSkipVerify: true",
        "InsecureSkipVerify:true",
        "rejectUnauthorized: false",
        "rejectUnauthorized:false",
        "setInsecure()",
        "mosquitto_tls_insecure_set",
        "AllowUntrustedCertificates = true",
        "verify: :verify_none",
    ] {
        for (at, _) in text.match_indices(pattern) {
            if is_comment(text, at) || !near_mqtt(text, at) {
                continue;
            }
            out.effect = Some(if pattern == "mosquitto_tls_insecure_set" {
                FlagEffect::Hostname
            } else {
                FlagEffect::Everything
            });
            match enclosing_if(text, at).and_then(|c| variable_in(files, c)) {
                Some(key) => out.flag = Some(key),
                None => {
                    let name = pattern.split([':', '(', ' ']).next().unwrap_or(pattern);
                    out.always_insecure = Some((name.to_owned(), file.place(at, pattern.len())));
                }
            }
        }
    }
    for pattern in ["InsecureSkipVerify", "rejectUnauthorized"] {
        for (at, _) in text.match_indices(pattern) {
            let rest = text[at + pattern.len()..].lines().next().unwrap_or("");
            if let Some(key) = variable_in(files, rest) {
                out.effect = Some(FlagEffect::Everything);
                out.flag = out.flag.take().or(Some(key));
            }
        }
    }
}

fn near_mqtt(text: &str, at: usize) -> bool {
    let from = text[..at].char_indices().rev().nth(1500).map_or(0, |(i, _)| i);
    let to = text[at..].char_indices().nth(1500).map_or(text.len(), |(i, _)| at + i);
    text[from..to].to_ascii_lowercase().contains("mqtt")
}
