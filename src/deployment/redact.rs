//! Passwords, tokens and inline secrets: they are taken out before a service leaves this floor.

use crate::compose::{EnvVar, Mount, MountSource};

/// What stands in the place of a secret.
pub(super) const HIDDEN: &str = "***";

/// A variable without the secret that its key or its URL shows.
pub(super) fn variable(var: &EnvVar) -> EnvVar {
    let mut out = var.clone();
    let key = var.key.to_ascii_uppercase();
    let secret = ["PASS", "SECRET", "TOKEN", "CREDENTIAL", "APIKEY", "API_KEY", "PRIVATE_KEY", "AUTH_KEY"];
    // A path to a secret's file is no secret.
    let is_path = var.value.as_ref().is_some_and(|v| v.starts_with('/'));
    if let Some(value) = &mut out.value {
        if secret.iter().any(|w| key.contains(w)) && !value.is_empty() && !is_path {
            *value = HIDDEN.to_owned();
        } else {
            *value = url(value);
        }
    }
    out
}

/// A text whose URLs have lost their passwords.
pub(super) fn url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | ','))
            .unwrap_or(tail.len());
        // A password may hold a slash; the last `@` before a blank ends the user's part.
        let word = tail.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(tail.len());
        let at =
            tail[..end].rfind('@').or_else(|| tail[..word].rfind('@').filter(|at| tail[..*at].contains(':')));
        match at {
            Some(at) => {
                match tail[..at].split_once(':') {
                    Some((user, _)) => out.push_str(&format!("{user}:{HIDDEN}")),
                    None => out.push_str(&tail[..at]),
                }
                rest = &tail[at..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
}

/// Words of a command line without the passwords behind `-P`, `--pw` and `--password`.
pub(super) fn words(list: &[String]) -> Vec<String> {
    let mut hide = false;
    list.iter()
        .map(|word| {
            if std::mem::take(&mut hide) && !word.starts_with('$') {
                return HIDDEN.to_owned();
            }
            hide = is_password_flag(word);
            match word.split_once('=') {
                Some((flag, _)) if is_password_flag(flag) => format!("{flag}={HIDDEN}"),
                _ if word.contains(char::is_whitespace) => in_line(&url(word)),
                _ => url(word),
            }
        })
        .collect()
}

fn is_password_flag(word: &str) -> bool {
    matches!(word, "-P" | "--pw" | "--password" | "--mqtt-password" | "--pass" | "--token")
}

/// A line for the shell, word by word, its blanks kept.
fn in_line(line: &str) -> String {
    let mut hide = false;
    line.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_end();
            let blank = &piece[word.len()..];
            if hide && !word.is_empty() {
                hide = false;
                return if word.contains('$') { piece.to_owned() } else { format!("{HIDDEN}{blank}") };
            }
            if !word.is_empty() {
                hide = is_password_flag(word);
            }
            piece.to_owned()
        })
        .collect()
}

/// A mount without the content of an inline secret.
pub(super) fn mount(mount: &Mount) -> Mount {
    let mut out = mount.clone();
    if let MountSource::Inline { content, .. } = &mut out.source
        && mount.target.starts_with("/run/secrets")
    {
        *content = HIDDEN.to_owned();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_passwords_out_of_urls_and_command_lines() {
        assert_eq!(
            url("mqtt://u:p@h:1883/x postgres://a:b/c@d/e"),
            "mqtt://u:***@h:1883/x postgres://a:***@d/e"
        );
        assert_eq!(url("mqtt://h/x@y"), "mqtt://h/x@y");
        let list =
            ["mosquitto_pub", "-u", "a", "-P", "b", "--pw=c", "x -P  d -t e", "-P", "$PW"].map(str::to_owned);
        assert_eq!(
            words(&list),
            ["mosquitto_pub", "-u", "a", "-P", "***", "--pw=***", "x -P  *** -t e", "-P", "$PW"]
        );
    }
}
