//! What a service's code says about TLS: whether it speaks it, on what condition, with which CA file, and what it
//! does when its flag is on.

use std::rc::Rc;

use super::code::{self, File, Language};
use super::{EnvVar, FlagEffect, Transport};
use crate::place::{Located, Place};

/// How code speaks TLS.
#[derive(Debug, Clone, Default)]
pub(super) struct Dialect {
    /// There is code that speaks MQTT at all.
    pub(super) seen: bool,
    /// Some of it is Python, which takes a URL apart itself: `mqtt://` there does not rule TLS out.
    pub(super) python: bool,
    /// Whether it speaks TLS when it runs with this environment.
    pub(super) tls: Option<When>,
    /// The CA file it loads, as a container path.
    pub(super) ca: Option<Located<String>>,
    /// It loads a CA or a client certificate from its own code.
    pub(super) client_certificate: bool,
    /// It uses the system's trust store.
    pub(super) system_trust: bool,
    /// What its flag switches off.
    pub(super) effect: Option<FlagEffect>,
    /// Verification is switched off by a literal, whatever the environment says.
    pub(super) always_insecure: Option<(String, Place)>,
    /// The variable that its code asks before it switches verification off.
    pub(super) flag: Option<String>,
    /// It builds its own context with `ssl.create_default_context`.
    pub(super) default_context: bool,
}

/// When code speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    /// Always.
    Always,
    /// When its CA file is there; else it falls back to plaintext.
    CaExists,
    /// When a variable says so, and whether it does.
    Asked(bool),
    /// On some condition that cannot be followed.
    Somehow,
}

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

/// Reads the dialect of a service's code.
pub(super) fn read(files: &[Rc<File>], env: &[EnvVar]) -> Dialect {
    let mut out = Dialect::default();
    for file in files.iter().filter(|f| f.language != Language::Data && speaks_mqtt(f)) {
        out.seen = true;
        match file.language {
            Language::Python => {
                out.python = true;
                python(files, file, env, &mut out);
            }
            _ => others(files, file, env, &mut out),
        }
    }
    out
}

/// Whether a file is one of an MQTT client.
pub(super) fn speaks_mqtt(file: &File) -> bool {
    let t = &file.text;
    ["mqtt", "Mqtt", "MQTT", "mosquitto"].iter().any(|w| t.contains(w))
}

fn python(files: &[Rc<File>], file: &Rc<File>, env: &[EnvVar], out: &mut Dialect) {
    let text = &file.text;
    if text.contains("create_default_context") {
        out.default_context = true;
    }
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
                    Some(expression) => {
                        out.ca = out.ca.take().or_else(|| value_of(files, file, expression, env))
                    }
                    None => out.system_trust = true,
                }
                out.client_certificate |= argument(arguments, "certfile").is_some_and(|a| a != "None");
            } else if let Some(i) =
                text.find("load_verify_locations(").or_else(|| text.find("create_default_context("))
            {
                let call = text[i..].find('(').map_or(i, |o| i + o + 1);
                let arguments = &text[call..];
                let first = argument(arguments, "cafile").or_else(|| {
                    arguments.split([',', ')']).next().map(str::trim).filter(|a| !a.contains('='))
                });
                match first.filter(|f| !f.is_empty() && !f.starts_with("ssl.")) {
                    Some(expression) => {
                        out.ca = out.ca.take().or_else(|| value_of(files, file, expression, env))
                    }
                    None => out.system_trust = true,
                }
                out.client_certificate |= text.contains("load_cert_chain(");
            }
            if argument(arguments, "cert_reqs").is_some_and(|a| a.ends_with("CERT_NONE")) {
                out.always_insecure = Some(("cert_reqs".into(), file.place(at, call.len())));
                out.effect = Some(FlagEffect::Everything);
            }
            let when = condition(files, file, at, env, out.ca.as_ref());
            if out.tls.is_none() || (when == When::Always && !handed_over && call != "tls_set_context(") {
                out.tls = Some(when);
            }
        }
    }
    for (pattern, effect) in [
        ("tls_insecure_set(", FlagEffect::Hostname),
        ("tls_insecure=", FlagEffect::Hostname),
        ("check_hostname = False", FlagEffect::Hostname),
        ("verify_mode = ssl.CERT_NONE", FlagEffect::Everything),
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
            if argument == "False" {
                continue;
            }
            let asked = if literal { enclosing_if(text, at) } else { Some(argument) };
            match asked.and_then(|c| variable_in(files, c)) {
                Some(key) => out.flag = Some(key),
                None if literal
                    && enclosing_if(text, at).is_none_or(|c| c.contains("ssl") || c.contains("tls")) =>
                {
                    out.always_insecure = Some((
                        pattern.trim_end_matches(['(', '=']).to_owned(),
                        file.place(at, pattern.len()),
                    ));
                }
                None => {}
            }
        }
    }
}

fn others(files: &[Rc<File>], file: &Rc<File>, env: &[EnvVar], out: &mut Dialect) {
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
            if is_comment(text, at) || !near_mqtt(text, at) {
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

fn is_comment(text: &str, at: usize) -> bool {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let head = text[start..at].trim_start();
    head.starts_with('#') || head.starts_with("//") || head.starts_with('*')
}

/// A keyword argument's expression.
fn argument<'t>(arguments: &'t str, name: &str) -> Option<&'t str> {
    let at = arguments.find(name)?;
    let rest = arguments[at + name.len()..].trim_start().strip_prefix('=')?;
    Some(rest.split([',', ')', '\n']).next()?.trim())
}

/// The condition on which the statement at a byte runs.
fn condition(
    files: &[Rc<File>],
    file: &Rc<File>,
    at: usize,
    env: &[EnvVar],
    ca: Option<&Located<String>>,
) -> When {
    let Some(test) = same_line_if(&file.text, at).or_else(|| enclosing_if(&file.text, at)) else {
        return When::Always;
    };
    let looks =
        ["exists", "isfile", "is_file", "Path(", "existsSync", "access("].iter().any(|w| test.contains(w));
    if looks {
        return When::CaExists;
    }
    if let Some(key) = variable_in(files, test) {
        let negated = test.trim_start().starts_with("not ")
            || test.contains("(!")
            || test.trim_start().starts_with('!');
        let used = code::env_use(files, &key);
        let value = env.iter().find(|v| v.key == key).map(|v| v.value.clone());
        let value = match value {
            Some(v) => v,
            None => used.as_ref().and_then(|u| u.default.clone()).or(Some(String::new())),
        };
        let Some(value) = value else { return When::Somehow };
        let upper = key.to_ascii_uppercase();
        if upper.contains("PORT") {
            return match digits_in(test) {
                Some(port) => When::Asked((value == port) != negated),
                None => When::Somehow,
            };
        }
        let path_like = upper.contains("CA") && !upper.contains("ENABLE")
            || upper.contains("CERT")
            || upper.contains("FILE");
        if path_like {
            return if value.is_empty() {
                When::Asked(negated)
            } else if ca.is_some() {
                When::CaExists
            } else {
                When::Asked(true)
            };
        }
        let truth = used.map_or(code::Truth::Usual, |u| u.truth);
        return When::Asked(truth.of(&value) != negated);
    }
    if test.contains("__name__") || test.contains("is None") || test.contains("self._client") {
        return When::Always;
    }
    When::Somehow
}

fn digits_in(test: &str) -> Option<String> {
    let start = test.find(|c: char| c.is_ascii_digit())?;
    Some(test[start..].chars().take_while(char::is_ascii_digit).collect())
}

/// The test of an `if` on the line itself: `x(…) if test else None`, `if test: x(…)`, `test ? x : y`.
fn same_line_if(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = text[start..].lines().next()?;
    let (head, tail) = (line.get(..at - start)?, line.get(at - start..)?);
    if let Some((_, rest)) = tail.split_once(" if ") {
        return rest.split_once(" else ").map(|(test, _)| test);
    }
    let head = head.trim_start();
    if let Some(test) = head.strip_prefix("if ").and_then(|h| h.split_once(':')) {
        return Some(test.0);
    }
    let (test, _) = head.rsplit_once(" ? ")?;
    Some(test.rsplit_once(['=', ':', '(']).map_or(test, |(_, t)| t))
}

/// The test of the `if` that holds a statement, by its indentation.
fn enclosing_if(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = &text[start..];
    let indent = |l: &str| l.len() - l.trim_start().len();
    let mut limit = indent(line.lines().next().unwrap_or(""));
    for line in text[..start].lines().rev().take(30) {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || indent(line) >= limit {
            continue;
        }
        limit = indent(line);
        let test = trimmed
            .strip_prefix("if ")
            .or_else(|| trimmed.strip_prefix("elif "))
            .or_else(|| trimmed.strip_prefix("if("))
            .or_else(|| trimmed.strip_prefix("} else if "));
        if let Some(test) = test {
            return Some(test.trim_end_matches([':', '{', ' ']));
        }
        if ["def ", "async def ", "class ", "func ", "function ", "fn "]
            .iter()
            .any(|w| trimmed.starts_with(w))
        {
            return None;
        }
    }
    None
}

/// The environment variable behind an expression: named there, or what one of its names was assigned from.
fn variable_in(files: &[Rc<File>], expression: &str) -> Option<String> {
    if let Some(key) = env_key(expression) {
        return Some(key);
    }
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    for word in words.filter(|w| w.len() > 1 && w.chars().any(char::is_alphabetic)) {
        if matches!(
            word,
            "not"
                | "and"
                | "self"
                | "config"
                | "settings"
                | "process"
                | "env"
                | "true"
                | "True"
                | "false"
                | "lower"
                | "port"
                | "args"
        ) {
            continue;
        }
        for file in files {
            for (at, _) in file.text.match_indices(word) {
                let rest = &file.text[at + word.len()..];
                let tail = rest.trim_start();
                let is_assignment =
                    (tail.starts_with('=') && !tail.starts_with("==")) || tail.starts_with(':');
                let whole = !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if is_assignment && whole {
                    let statement: String = tail.chars().take(160).collect();
                    let statement = statement.split('\n').next().unwrap_or("").to_owned()
                        + if statement.contains("getenv(\n") || statement.contains("get(\n") {
                            statement.split('\n').nth(1).unwrap_or("")
                        } else {
                            ""
                        };
                    if let Some(key) = env_key(&statement) {
                        return Some(key);
                    }
                }
            }
        }
    }
    None
}

/// The key of `os.getenv("KEY"…)`, `os.environ["KEY"]`, `process.env.KEY`, `os.Getenv("KEY")`.
fn env_key(text: &str) -> Option<String> {
    for mark in ["process.env.", "import.meta.env."] {
        if let Some(at) = text.find(mark) {
            let rest = &text[at + mark.len()..];
            let key: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            return Some(key).filter(|k| !k.is_empty());
        }
    }
    for mark in [
        "getenv(",
        "environ.get(",
        "environ[",
        "Getenv(",
        "env(",
        "env.bool(",
        "env.str(",
        "config(",
        "env::var(",
        "getEnv(",
        "LookupEnv(",
        "process.env[",
    ] {
        if let Some(at) = text.find(mark) {
            let rest = text[at + mark.len()..].trim_start().strip_prefix(['"', '\'', '`'])?;
            let key: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            return Some(key).filter(|k| !k.is_empty());
        }
    }
    None
}

/// What a path expression holds: a literal, or the variable (or its default) behind a name.
fn value_of(
    files: &[Rc<File>],
    file: &Rc<File>,
    expression: &str,
    env: &[EnvVar],
) -> Option<Located<String>> {
    if let Some(literal) = expression.strip_prefix(['"', '\'']).and_then(|l| l.strip_suffix(['"', '\''])) {
        let at = file.text.find(expression).unwrap_or(0) + 1;
        return Some(Located::new(literal.to_owned(), file.place(at, literal.len())));
    }
    let name = expression.trim_start_matches("str(").trim_end_matches(')').trim();
    let name = name.rsplit('.').next().unwrap_or(name);
    if let Some(key) = variable_in(files, expression).or_else(|| variable_in(files, name)) {
        if let Some(var) = env.iter().find(|v| v.key == key) {
            return Some(Located::new(var.value.clone()?, var.place.clone()));
        }
        let used = code::env_use(files, &key)?;
        return Some(Located::new(used.default?, used.place));
    }
    for file in files {
        for (at, _) in file.text.match_indices(name) {
            let rest = &file.text[at + name.len()..];
            let tail = rest.trim_start().strip_prefix('=').map(str::trim_start);
            if let Some(literal) =
                tail.and_then(|t| t.strip_prefix(['"', '\''])).and_then(|t| t.split(['"', '\'', '\n']).next())
                && (literal.contains('/') || literal.contains('.'))
            {
                let offset = literal.as_ptr() as usize - file.text.as_ptr() as usize;
                return Some(Located::new(literal.to_owned(), file.place(offset, literal.len())));
            }
        }
    }
    None
}

/// The transport that code speaks with this environment.
pub(super) fn transport(dialect: &Dialect, ca_present: Option<bool>) -> Transport {
    match (&dialect.tls, dialect.seen) {
        (Some(When::Always | When::Asked(true)), _) => Transport::Tls,
        (Some(When::Asked(false)), _) => Transport::Plain,
        (Some(When::CaExists), _) => match ca_present {
            Some(true) => Transport::Tls,
            Some(false) => Transport::Plain,
            None => Transport::Unknown,
        },
        (Some(When::Somehow), _) | (None, false) => Transport::Unknown,
        (None, true) => Transport::Plain,
    }
}
