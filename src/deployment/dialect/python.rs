//! TLS in Python: paho-mqtt, aiomqtt and the `ssl` module.

use std::rc::Rc;

use super::super::FlagEffect;
use super::super::code::File;
use super::arguments::Setting;
use super::condition::{condition, enclosing_if};
use super::variables::{value_of, variable_in};
use super::{Dialect, When, is_comment};

/// Calls that turn TLS on, then arguments that hand something over which was made (or not) elsewhere.
const TLS_CALLS: [&str; 10] = [
    "tls_set(",
    "tls_set_context(",
    "TLSParameters(",
    "create_default_context(",
    "ssl.wrap_socket",
    "tls_context =",
    "tls_context=",
    "tls_params=",
    "ssl_context=",
    "ssl=ssl",
];

/// `publish.single(…, tls={"ca_certs": …})` and its kin of paho's helper modules.
fn helper_tls(files: &[Rc<File>], file: &Rc<File>, env: &Setting<'_>, out: &mut Dialect) {
    let text = &file.text;
    let helper = [
        "paho.mqtt.publish",
        "paho.mqtt.subscribe",
        "paho.mqtt import publish",
        "paho.mqtt import subscribe",
    ];
    if !helper.iter().any(|w| text.contains(w)) {
        return;
    }
    for (at, _) in text.match_indices("tls=") {
        let own = text[..at].ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | ','));
        let value = text[at + "tls=".len()..].trim_start();
        if !own || is_comment(text, at) || value.starts_with("None") {
            continue;
        }
        if let Some(i) = text.find("\"ca_certs\"").or_else(|| text.find("'ca_certs'")) {
            let rest = text[i + "'ca_certs'".len()..].trim_start().trim_start_matches(':');
            let expression = rest.split([',', '}', '\n']).next().unwrap_or("").trim();
            out.take_ca(value_of(files, file, expression, env));
        }
        out.client_certificate |= text.contains("\"certfile\"") || text.contains("'certfile'");
        let when = condition(files, file, at, env, out.ca.as_ref());
        out.tls = out.tls.take().or(Some(when));
    }
}

/// Reads one file.
pub(super) fn read(files: &[Rc<File>], file: &Rc<File>, env: &Setting<'_>, out: &mut Dialect) {
    let text = &file.text;
    if text.contains("create_default_context") {
        out.default_context = true;
    }
    out.pins_tls_1_2 |= text.contains("PROTOCOL_TLSv1_2");
    helper_tls(files, file, env, out);
    for call in TLS_CALLS {
        for (at, _) in text.match_indices(call) {
            let for_https = call == "create_default_context("
                && !["tls_context", "tls_set_context", "ssl_context", "ssl=ctx"]
                    .iter()
                    .any(|w| text.contains(w));
            if is_comment(text, at) || for_https || text[at + call.len()..].trim_start().starts_with("None") {
                continue;
            }
            let handed_over = call.ends_with('=') && out.tls.is_some();
            let arguments = &text[at + call.len()..];
            let arguments =
                &arguments[..arguments.char_indices().nth(300).map_or(arguments.len(), |(i, _)| i)];
            if call == "tls_set(" || arguments.starts_with("TLSParameters(") || call == "TLSParameters(" {
                let first = argument(arguments, "ca_certs").or_else(|| {
                    arguments.split([',', ')']).next().map(str::trim).filter(|a| !a.contains('='))
                });
                match first.filter(|f| !f.is_empty() && *f != "None") {
                    Some(expression) => out.take_ca(value_of(files, file, expression, env)),
                    None => out.system_trust = true,
                }
                // `tls_set(ca_certs, certfile, keyfile)` by position.
                let second = arguments.split([',', ')']).nth(1).map(str::trim);
                let second = second.filter(|a| !a.contains('=') && !a.is_empty() && call == "tls_set(");
                out.client_certificate |=
                    argument(arguments, "certfile").or(second).is_some_and(|a| a != "None");
            } else if let Some(i) =
                text.find("load_verify_locations(").or_else(|| text.find("create_default_context("))
            {
                let call = text[i..].find('(').map_or(i, |o| i + o + 1);
                let arguments = &text[call..];
                let first = argument(arguments, "cafile").or_else(|| {
                    arguments.split([',', ')']).next().map(str::trim).filter(|a| !a.contains('='))
                });
                match first.filter(|f| !f.is_empty() && !f.starts_with("ssl.")) {
                    Some(expression) => out.take_ca(value_of(files, file, expression, env)),
                    None => out.system_trust = true,
                }
                out.client_certificate |= text.contains("load_cert_chain(");
            }
            let when = condition(files, file, at, env, out.ca.as_ref());
            let unverified = argument(arguments, "cert_reqs").is_some_and(|a| a.ends_with("CERT_NONE"));
            if unverified && when != When::Asked(false) {
                out.always_insecure = Some(("cert_reqs".into(), file.place(at, call.len())));
                out.effect = Some(FlagEffect::Everything);
            }
            let certain = matches!(when, When::Always | When::Asked(true));
            if out.tls.is_none() || (certain && !handed_over && call != "tls_set_context(") {
                out.tls = Some(when);
            }
        }
    }
    for (pattern, effect) in [
        ("tls_insecure_set(", FlagEffect::Hostname),
        ("tls_insecure=", FlagEffect::Hostname),
        ("check_hostname = False", FlagEffect::Hostname),
        ("check_hostname=False", FlagEffect::Hostname),
        ("verify_mode = ssl.CERT_NONE", FlagEffect::Everything),
        ("verify_mode=ssl.CERT_NONE", FlagEffect::Everything),
        ("_create_unverified_context", FlagEffect::Everything),
    ] {
        for (at, _) in text.match_indices(pattern) {
            if is_comment(text, at) {
                continue;
            }
            if out.effect != Some(FlagEffect::Everything) {
                out.effect = Some(effect);
            }
            let argument = text[at + pattern.len()..].split([')', ',', '\n']).next().unwrap_or("").trim();
            let literal = !pattern.ends_with(['(', '=']) || argument == "True";
            // In a branch that does not run it switches nothing.
            if argument == "False" || condition(files, file, at, env, None) == When::Asked(false) {
                continue;
            }
            let asked = if literal { enclosing_if(text, at) } else { Some(argument) };
            match asked.and_then(|c| variable_in(files, c)) {
                Some(key) => out.flag = Some(key),
                None if literal && enclosing_if(text, at).is_none_or(is_only_about_tls) => {
                    let name = pattern.split(['(', '=', ' ']).next().unwrap_or(pattern);
                    out.always_insecure = Some((name.to_owned(), file.place(at, pattern.len())));
                }
                None => {}
            }
        }
    }
}

/// Whether a test asks for TLS, and not for verification: below `if use_tls:` a literal always counts, below
/// `if tls_insecure:` it does not.
fn is_only_about_tls(test: &str) -> bool {
    let test = test.to_ascii_lowercase();
    let switches = ["insecure", "verif", "unsafe", "skip", "self_signed", "selfsigned", "hostname"];
    (test.contains("ssl") || test.contains("tls")) && !switches.iter().any(|w| test.contains(w))
}

/// A keyword argument's expression.
fn argument<'t>(arguments: &'t str, name: &str) -> Option<&'t str> {
    let at = arguments.find(name)?;
    let rest = arguments[at + name.len()..].trim_start().strip_prefix('=')?;
    Some(rest.split([',', ')', '\n']).next()?.trim())
}
