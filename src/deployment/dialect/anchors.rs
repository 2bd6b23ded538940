//! The CA file and the client's own certificate in languages other than Python: which file a client reads them from.

use std::rc::Rc;

use super::super::code::{File, Language};
use super::arguments::Setting;
use super::condition::condition;
use super::variables::value_of;
use super::{Dialect, Origin, When, is_comment};
use crate::place::Located;

/// Marks of a client certificate, whatever the language.
const CLIENT_CERTIFICATE: [&str; 7] = [
    "LoadX509KeyPair(",
    "X509KeyPair(",
    "KeyManagerFactory",
    "with_client_auth",
    "client_auth:",
    "WithClientCertificates",
    "mosquitto_tls_set",
];

/// How far apart the two halves of a key pair stand among the options of one call.
const PAIR_REACH: usize = 400;

/// Reads one file.
pub(super) fn read(files: &[Rc<File>], file: &Rc<File>, env: &Setting<'_>, out: &mut Dialect) {
    if file.language == Language::Python {
        return;
    }
    out.client_certificate |= CLIENT_CERTIFICATE.iter().any(|w| file.text.contains(w));
    let readers: &[&str] = match file.language {
        Language::JavaScript => &["readFileSync(", "readFile("],
        Language::Go => &["os.ReadFile(", "ioutil.ReadFile("],
        _ => return,
    };
    for reader in readers {
        for (at, _) in file.text.match_indices(reader) {
            if is_comment(&file.text, at) || out.ca.is_some() {
                continue;
            }
            let argument = file.text[at + reader.len()..].split([',', ')', '\n']).next().unwrap_or("").trim();
            let whole = file.text[at + reader.len()..].lines().next().unwrap_or("");
            let line = file.text[..at].rfind('\n').map_or(0, |i| i + 1);
            // A path that is put together by a call is not followed.
            let plain = !argument.contains(['(', '$', '+']);
            let literal = |text: &str| beside(files, file, text).map(|path| (path, Origin::Literal));
            if plain && (names_ca(&file.text[line..at]) || names_ca(argument)) {
                out.take_ca(literal(argument).or_else(|| value_of(files, file, argument, env)));
            } else if names_ca(&file.text[line..at]) || names_ca(whole) {
                out.take_ca(literal(whole));
            }
        }
    }
    if file.language == Language::JavaScript {
        key_pair(files, file, env, out);
    }
}

/// A path beside the source file, `path.join(__dirname, 'certs', 'ca.crt')`, also through a constant: as the folder
/// of the package sees it, which is where it runs.
fn beside(files: &[Rc<File>], file: &Rc<File>, expression: &str) -> Option<Located<String>> {
    let mut text = expression;
    if expression.chars().all(|c| c.is_alphanumeric() || c == '_') {
        let at = file.text.find(&format!("{expression} = "))?;
        text = file.text[at..].lines().next()?;
    }
    let (_, parts) = text.split_once("__dirname")?;
    let words: Vec<&str> = parts.split(['"', '\'', '`']).skip(1).step_by(2).collect();
    let folder = file.path.parent()?;
    let package = files
        .iter()
        .filter(|f| f.path.file_name().is_some_and(|n| n == "package.json"))
        .filter_map(|f| f.path.parent())
        .filter(|p| folder.starts_with(p))
        .max_by_key(|p| p.components().count())?;
    let named = words
        .iter()
        .fold(folder.strip_prefix(package).ok()?.to_owned(), |p, w| p.join(w.trim_start_matches('/')));
    let named = crate::tree::normalize(&named).to_string_lossy().into_owned();
    let at = text.as_ptr() as usize - file.text.as_ptr() as usize;
    (!words.is_empty()).then(|| Located::new(named, file.place(at, text.len())))
}

/// mqtt.js turns `mqtt://` into `mqtts://` where its options hold a key and a certificate.
fn key_pair(files: &[Rc<File>], file: &Rc<File>, env: &Setting<'_>, out: &mut Dialect) {
    let text = &file.text;
    let keys = properties(text, "key");
    for (at, value) in properties(text, "cert") {
        let Some((_, key)) = keys.iter().find(|(k, _)| k.abs_diff(at) < PAIR_REACH) else { continue };
        let before = text[..at].char_indices().rev().nth(120).map_or(0, |(i, _)| i);
        if is_comment(text, at) || text[before..at].contains("createServer") {
            continue;
        }
        // A file that is read is there; a variable may hold nothing.
        let certain = [value, key].iter().all(|v| v.contains("readFileSync(") && !v.contains('?'));
        let when = if certain { condition(files, file, at, env, None) } else { When::Somehow };
        out.paired = true;
        out.client_certificate |= certain;
        if out.tls.is_none() || when == When::Always {
            out.tls = Some(when);
        }
    }
}

/// Every `name: value` and `.name = value`: the byte of the name and the rest of its line.
fn properties<'t>(text: &'t str, name: &str) -> Vec<(usize, &'t str)> {
    text.match_indices(name)
        .filter_map(|(at, _)| {
            let whole =
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\''));
            let rest = text[at + name.len()..].lines().next()?.trim_start();
            let value = match text[..at].ends_with('.') {
                true => rest.strip_prefix('=').filter(|v| !v.starts_with('='))?,
                false => rest.strip_prefix(':')?,
            };
            whole.then(|| (at, value.trim()))
        })
        .collect()
}

/// Whether an expression is about a CA: `ca`, `caFile`, `rootCa`, `CA_PATH`, `'/certs/ca.crt'`.
fn names_ca(expression: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for c in expression.chars().chain(std::iter::once(' ')) {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && before.is_ascii_lowercase()) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.iter().any(|w| matches!(w.as_str(), "ca" | "cafile" | "cacert" | "cacerts" | "capath" | "rootca"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_is_told_by_whole_words() {
        for text in
            ["ca: fs.", "const caFile = ", "'/certs/ca.crt'", "process.env.MQTT_CA_PATH", "rootCa := "]
        {
            assert!(names_ca(text), "{text}");
        }
        for text in ["cache = ", "local: ", "'/certs/client.crt'", "scale"] {
            assert!(!names_ca(text), "{text}");
        }
    }
}
