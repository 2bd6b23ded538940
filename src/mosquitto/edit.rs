//! Edits of mosquitto.conf: lines added to the block of a listener. Text and change in, text out; the text is read
//! again and must mean the old configuration plus exactly these lines, else nothing is changed.

use std::path::{Path, PathBuf};

use super::{ListenerConf, MosquittoConf};
use crate::tree::MemoryTree;

/// Lines for one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddLines {
    /// The line of its `listener` keyword, counted from 1.
    pub listener_line: u32,
    /// Keyword and value, in order. Only keywords of [`ListenerConf`] that belong to one listener.
    pub lines: Vec<(&'static str, String)>,
}

/// Adds the lines behind the last line of the listener's block, with the file's own line ending. Lines that stand
/// there already cost no byte.
///
/// # Errors
/// The reason, in one sentence, where the configuration would not mean the old one plus these lines.
pub fn add(text: &str, change: &AddLines) -> Result<String, String> {
    if change.lines.iter().any(|(_, v)| v.is_empty() || v.chars().any(crate::name::is_unprintable)) {
        return Err("a value is empty or holds a control character".into());
    }
    let before = read(text);
    let Some(listener) = before.listeners.iter().find(|l| l.place.line == change.listener_line) else {
        return Err(format!("line {} declares no listener", change.listener_line));
    };
    let missing: Vec<&(&str, String)> =
        change.lines.iter().filter(|(k, v)| value_of(listener, k) != Some(v.as_str())).collect();
    if missing.is_empty() {
        return Ok(text.to_owned());
    }
    if let Some((keyword, _)) = missing.iter().find(|(k, _)| value_of(listener, k).is_some()) {
        return Err(format!("the listener has another {keyword} already"));
    }
    let edited = insert(text, block_end(&before, change.listener_line), &missing);
    if same(&with(&before, |l| l.place.line == change.listener_line, change), &read(&edited)) {
        Ok(edited)
    } else {
        Err("the lines would mean something else there".into())
    }
}

/// The configuration as it is meant to be: the lines added to the listeners that `which` picks.
#[must_use]
pub fn with(conf: &MosquittoConf, which: impl Fn(&ListenerConf) -> bool, change: &AddLines) -> MosquittoConf {
    let mut meant = conf.clone();
    for listener in meant.listeners.iter_mut().filter(|l| which(l)) {
        for (keyword, value) in &change.lines {
            set(listener, keyword, value);
        }
    }
    meant
}

/// The last line of the block that begins with the listener's line: the last directive before the next `listener`
/// or `connection`.
fn block_end(conf: &MosquittoConf, from: u32) -> u32 {
    conf.directives
        .iter()
        .filter(|d| d.place.line > from)
        .take_while(|d| {
            !matches!(d.keyword.as_str(), "listener" | "connection" | "plugin" | "per_listener_settings")
        })
        // A block's own lines stand together: an acl_file after a blank line still belongs to it, for Mosquitto.
        .map(|d| d.place.line)
        .last()
        .unwrap_or(from)
}

fn insert(text: &str, line: u32, lines: &[&(&str, String)]) -> String {
    let mut out = String::with_capacity(text.len() + 200);
    let mut rest = text;
    for _ in 0..line {
        let end = rest.find('\n').map_or(rest.len(), |i| i + 1);
        let (head, tail) = rest.split_at(end);
        out.push_str(head);
        rest = tail;
    }
    let eol =
        if out.ends_with("\r\n") || (!out.ends_with('\n') && out.contains("\r\n")) { "\r\n" } else { "\n" };
    let open = !out.ends_with('\n') && !out.is_empty();
    for (keyword, value) in lines {
        if open {
            out.push_str(&format!("{eol}{keyword} {value}"));
        } else {
            out.push_str(&format!("{keyword} {value}{eol}"));
        }
    }
    out.push_str(rest);
    out
}

fn read(text: &str) -> MosquittoConf {
    let tree = MemoryTree::new().with("mosquitto.conf", text);
    super::read(&tree, Path::new("mosquitto.conf"), &|_: &str| -> Option<PathBuf> { None })
}

fn value_of<'a>(listener: &'a ListenerConf, keyword: &str) -> Option<&'a str> {
    let field = match keyword {
        "cafile" => &listener.cafile,
        "certfile" => &listener.certfile,
        "keyfile" => &listener.keyfile,
        "tls_version" => &listener.tls_version,
        "acl_file" => &listener.acl_file,
        "password_file" => &listener.password_file,
        _ => return None,
    };
    field.as_ref().map(|l| l.value.as_str())
}

fn set(listener: &mut ListenerConf, keyword: &str, value: &str) {
    let located = crate::place::Located::new(value.to_owned(), listener.place.clone());
    let field = match keyword {
        "cafile" => &mut listener.cafile,
        "certfile" => &mut listener.certfile,
        "keyfile" => &mut listener.keyfile,
        "tls_version" => &mut listener.tls_version,
        "acl_file" => &mut listener.acl_file,
        "password_file" => &mut listener.password_file,
        _ => return,
    };
    *field = Some(located);
}

/// Whether two configurations mean the same, wherever their lines stand.
#[must_use]
pub fn same(a: &MosquittoConf, b: &MosquittoConf) -> bool {
    let text = |l: &Option<crate::place::Located<String>>| l.as_ref().map(|l| l.value.clone());
    let flag = |l: &Option<crate::place::Located<bool>>| l.as_ref().map(|l| l.value);
    let listener = |l: &ListenerConf| {
        let strings = [
            &l.cafile,
            &l.capath,
            &l.certfile,
            &l.keyfile,
            &l.crlfile,
            &l.dhparamfile,
            &l.tls_engine,
            &l.tls_version,
            &l.ciphers,
            &l.ciphers_tls13,
            &l.psk_hint,
            &l.password_file,
            &l.acl_file,
            &l.mount_point,
        ]
        .map(text);
        let bools = [
            &l.require_certificate,
            &l.use_identity_as_username,
            &l.use_subject_as_username,
            &l.use_username_as_clientid,
        ]
        .map(flag);
        let plugins: Vec<String> = l.plugins.iter().map(|p| p.value.clone()).collect();
        (l.port, l.bind.clone(), l.protocol, l.allow_anonymous, l.max_connections, strings, bools, plugins)
    };
    let listeners = |c: &MosquittoConf| c.listeners.iter().map(listener).collect::<Vec<_>>();
    let refusals = |c: &MosquittoConf| c.refusals.iter().map(|r| r.message.clone()).collect::<Vec<_>>();
    let bridges = |c: &MosquittoConf| c.bridges.iter().map(|b| b.name.value.clone()).collect::<Vec<_>>();
    listeners(a) == listeners(b)
        && refusals(a) == refusals(b)
        && bridges(a) == bridges(b)
        && a.per_listener_settings == b.per_listener_settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS: [(&str, &str); 4] = [
        ("cafile", "/mosquitto/certs/ca.crt"),
        ("certfile", "/mosquitto/certs/server.crt"),
        ("keyfile", "/mosquitto/certs/server.key"),
        ("tls_version", "tlsv1.2"),
    ];

    fn lines(line: u32, what: &[(&'static str, &str)]) -> AddLines {
        AddLines { listener_line: line, lines: what.iter().map(|(k, v)| (*k, (*v).to_owned())).collect() }
    }

    fn edited(text: &str, change: &AddLines) -> String {
        let once = add(text, change).unwrap();
        assert_eq!(add(&once, change).as_deref(), Ok(once.as_str()), "a second run changes something");
        once
    }

    #[test]
    fn tls_lines_go_behind_the_block_and_before_the_next_comment() {
        let text = "per_listener_settings true\n# in\nlistener 1883\nallow_anonymous false\n\n# out\nlistener 8883\n";
        assert_eq!(
            edited(text, &lines(3, &TLS)),
            "per_listener_settings true\n# in\nlistener 1883\nallow_anonymous false\ncafile /mosquitto/certs/ca.crt\n\
             certfile /mosquitto/certs/server.crt\nkeyfile /mosquitto/certs/server.key\ntls_version tlsv1.2\n\n# out\n\
             listener 8883\n"
        );
    }

    #[test]
    fn crlf_and_a_missing_final_newline_stay() {
        assert_eq!(
            edited("listener 1\r\nlistener 2\r\nallow_anonymous true", &lines(2, &[("cafile", "/ca")])),
            "listener 1\r\nlistener 2\r\nallow_anonymous true\r\ncafile /ca"
        );
        assert_eq!(
            edited("listener 1\r\nlistener 2\r\n", &lines(1, &[("cafile", "/ca")])),
            "listener 1\r\ncafile /ca\r\nlistener 2\r\n"
        );
    }

    #[test]
    fn an_acl_file_reaches_its_own_listener_only() {
        let text = "per_listener_settings true\nlistener 1883\nlistener 9001\nacl_file /a\n";
        assert_eq!(
            edited(text, &lines(2, &[("acl_file", "/a")])),
            "per_listener_settings true\nlistener 1883\nacl_file /a\nlistener 9001\nacl_file /a\n"
        );
        // Without per_listener_settings the line is global: a second one is refused by Mosquitto.
        let global = "listener 1883\nlistener 9001\n";
        assert!(add(global, &lines(2, &[("acl_file", "/a")])).is_err());
    }

    #[test]
    fn another_value_is_left_alone_and_a_wrong_line_is_named() {
        let text = "listener 1883\ncertfile /other\n";
        assert!(add(text, &lines(1, &TLS)).unwrap_err().contains("certfile"));
        assert!(add(text, &lines(2, &TLS)).unwrap_err().contains("line 2"));
        assert!(add(text, &lines(1, &[("cafile", "/a\nuser root")])).is_err());
    }
}
