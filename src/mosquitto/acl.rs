//! acl_file as Mosquitto reads and applies it: `user`, `topic`, `pattern` with `%c` and `%u`, `deny` before all else.
//!
//! Measured on 2.0.11: a subscription is always granted; the list is asked when a message is published and when it is
//! delivered. An empty file denies everything.

use std::fmt;

use super::lines;
use super::topics;

/// What a client wants to do with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Receive a message.
    Read,
    /// Publish one.
    Write,
}

/// What a line grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Grant {
    Read,
    Write,
    ReadWrite,
    Deny,
}

impl Grant {
    fn allows(self, access: Access) -> bool {
        match self {
            Self::ReadWrite => true,
            Self::Read => access == Access::Read,
            Self::Write => access == Access::Write,
            Self::Deny => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    grant: Grant,
    filter: String,
}

/// A whole acl_file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acl {
    /// Lines below `user NAME`; `None` holds those above the first, for clients without user name.
    users: Vec<(Option<String>, Vec<Rule>)>,
    patterns: Vec<Rule>,
}

/// A line with which Mosquitto does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclError {
    /// Counted from 1.
    pub line: u32,
    /// In Mosquitto's words, without the file's name.
    pub message: String,
}

impl fmt::Display for AclError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for AclError {}

impl Acl {
    /// Reads the file.
    ///
    /// # Errors
    /// [`AclError`] for the first line that Mosquitto refuses.
    pub fn parse(text: &[u8]) -> Result<Self, AclError> {
        let mut acl = Self::default();
        let mut user: Option<String> = None;
        for line in lines::lines(text) {
            let refuse = |message: String| AclError { line: line.number, message };
            let keyword = String::from_utf8_lossy(line.keyword);
            let keyword = keyword.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
            let rest = line.trimmed().map(|(t, _)| String::from_utf8_lossy(t).into_owned());
            let rest = rest.filter(|r| !r.is_empty());
            match keyword {
                "" => {}
                "user" => match rest {
                    Some(name) => user = Some(name),
                    None => return Err(refuse("Missing username".to_owned())),
                },
                "topic" | "pattern" => {
                    let Some(rest) = rest else { return Err(refuse("Empty topic".to_owned())) };
                    let rule = rule(&rest).map_err(refuse)?;
                    if keyword == "pattern" {
                        acl.patterns.push(rule);
                    } else {
                        acl.rules_of(user.as_deref()).push(rule);
                    }
                }
                _ => return Err(refuse(format!("Invalid line: {keyword}"))),
            }
        }
        Ok(acl)
    }

    /// Whether no line grants anything.
    #[must_use]
    pub fn grants_nothing(&self) -> bool {
        let mut all = self.users.iter().flat_map(|(_, rules)| rules).chain(&self.patterns);
        all.all(|rule| rule.grant == Grant::Deny)
    }

    /// The user names that have lines of their own.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.users.iter().filter_map(|(name, _)| name.as_deref())
    }

    /// Whether there is a pattern line, which holds for every client.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Whether this client may do this with this topic.
    #[must_use]
    pub fn allows(&self, user: Option<&str>, client_id: &str, access: Access, topic: &str) -> bool {
        let own = self.users.iter().find(|(name, _)| name.as_deref() == user).map(|(_, rules)| rules);
        if let Some(rules) = own
            && let Some(answer) = decide(rules, access, |filter| topics::matches(filter, topic))
        {
            return answer;
        }
        if self.patterns.is_empty() {
            return false;
        }
        // Otherwise a client could name itself `#`.
        let dangerous = |text: &str| text.contains(['+', '#']);
        if user.is_some_and(dangerous) || dangerous(client_id) {
            return false;
        }
        let covers = |filter: &str| {
            if filter.contains("%u") && user.is_none() {
                return false;
            }
            topics::matches(&filled_in(filter, user, client_id), topic)
        };
        decide(&self.patterns, access, covers).unwrap_or(false)
    }

    fn rules_of(&mut self, user: Option<&str>) -> &mut Vec<Rule> {
        let at = self.users.iter().position(|(name, _)| name.as_deref() == user);
        let at = at.unwrap_or_else(|| {
            self.users.push((user.map(str::to_owned), Vec::new()));
            self.users.len() - 1
        });
        &mut self.users[at].1
    }
}

/// `deny` lines are looked at before all others; the rest in any order, for they only allow.
fn decide(rules: &[Rule], access: Access, covers: impl Fn(&str) -> bool) -> Option<bool> {
    let hits = |wanted: &dyn Fn(Grant) -> bool| rules.iter().any(|r| wanted(r.grant) && covers(&r.filter));
    if hits(&|grant| grant == Grant::Deny) {
        return Some(false);
    }
    hits(&|grant| grant.allows(access)).then_some(true)
}

/// One pass, so that a client called `%u` gains nothing.
fn filled_in(filter: &str, user: Option<&str>, client_id: &str) -> String {
    let mut out = String::with_capacity(filter.len());
    let mut rest = filter;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (with, length) = match (rest.get(..2), user) {
            (Some("%c"), _) => (client_id, 2),
            (Some("%u"), Some(user)) => (user, 2),
            _ => ("%", 1),
        };
        out.push_str(with);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn rule(rest: &str) -> Result<Rule, String> {
    let (grant, filter) = match rest.split_once(' ') {
        None => (Grant::ReadWrite, rest),
        Some((access, filter)) => {
            let grant = match access {
                "read" => Grant::Read,
                "write" => Grant::Write,
                "readwrite" => Grant::ReadWrite,
                "deny" => Grant::Deny,
                other => return Err(format!("Invalid topic access type \"{other}\"")),
            };
            (grant, filter.trim())
        }
    };
    if !topics::is_filter(filter) {
        return Err(format!("Invalid ACL topic \"{filter}\""));
    }
    Ok(Rule { grant, filter: filter.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(text: &str) -> Acl {
        Acl::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_empty_file_denies_everything() {
        let a = acl("# nothing\n\n");
        assert!(a.grants_nothing());
        assert!(!a.allows(Some("u"), "c", Access::Read, "t"));
    }

    #[test]
    fn deny_wins_wherever_it_stands() {
        let a = acl("user u\ntopic readwrite a/#\ntopic deny a/secret\n");
        assert!(a.allows(Some("u"), "c", Access::Write, "a/b"));
        assert!(!a.allows(Some("u"), "c", Access::Read, "a/secret"));
        assert!(!a.allows(Some("v"), "c", Access::Read, "a/b"));
        assert!(!a.allows(None, "c", Access::Read, "a/b"));
    }

    #[test]
    fn patterns_hold_for_everybody_but_dangerous_names() {
        let a = acl("topic read open\npattern write d/%u/%c/#\n");
        assert!(a.allows(Some("u"), "c", Access::Write, "d/u/c/x"));
        assert!(!a.allows(Some("u"), "c", Access::Read, "d/u/c/x"));
        assert!(!a.allows(None, "c", Access::Write, "d/u/c/x"));
        assert!(!a.allows(Some("+"), "c", Access::Write, "d/+/c/x"));
        assert!(a.allows(None, "c", Access::Read, "open"));
        assert!(!a.allows(Some("u"), "c", Access::Read, "open"));
    }

    #[test]
    fn refuses_what_mosquitto_refuses() {
        let e = |text: &str| Acl::parse(text.as_bytes()).unwrap_err();
        assert_eq!(e("user\n").message, "Missing username");
        assert_eq!((e("\ntopic all a\n").line, e("topic a/b#\n").line), (2, 1));
        assert!(e("allow x\n").message.starts_with("Invalid line"));
    }
}
