//! Findings: what a rule says about a deployment. They are values, never errors.

use std::fmt;

use crate::place::Place;

/// How bad the consequence is. `Error` only if a known client is refused, the broker would not start, somebody
/// gets in who should not, or a private key is exposed; what merely will hurt later is a `Warning`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Will hurt later.
    Warning,
    /// Hurts now.
    Error,
}

impl Severity {
    /// The word of the JSON contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether `check --fix` can cure a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fix {
    /// By `--fix`: nobody is cut off.
    Safe,
    /// By `--unsafe-fixes`: it cuts off whoever relied on the hole.
    Unsafe,
    /// By a person.
    None,
}

impl Fix {
    /// The word of the JSON contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::None => "none",
        }
    }
}

/// One thing that is wrong, where it stands, what follows from it, and what cures it.
/// Texts may hold characters from outside; every renderer escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's stable id, kebab case.
    pub rule: &'static str,
    /// By consequence.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// The file and line.
    pub place: Option<Place>,
    /// The compose service it is about.
    pub service: Option<String>,
    /// The listener's port.
    pub listener: Option<u16>,
    /// The names it is about.
    pub names: Vec<String>,
    /// The next step.
    pub help: String,
    /// The authority: an RFC section, a man page, a measurement.
    pub source: &'static str,
    /// Whether `check --fix` cures it.
    pub fix: Fix,
}

/// Something that could not be judged, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NotDecided {
    /// What was not judged, e.g. `server.crt`.
    pub what: String,
    /// Why, e.g. `compose/mosquitto/certs/server.crt is not there`.
    pub because: String,
}

/// What `check` says about one project.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Findings, in the order file, line, rule.
    pub findings: Vec<Finding>,
    /// What was left unjudged.
    pub not_decided: Vec<NotDecided>,
    /// Findings that an ignore or `mqttcert.toml` took away.
    pub suppressed: usize,
}

impl Report {
    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// `false` with an error, `true` if everything was judged and none was found, else `None`.
    #[must_use]
    pub fn ok(&self) -> Option<bool> {
        if self.count(Severity::Error) > 0 {
            Some(false)
        } else if self.not_decided.is_empty() {
            Some(true)
        } else {
            None
        }
    }

    /// Puts the findings into their stable order: file, line, rule, message.
    pub fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            let key = |f: &Finding| f.place.as_ref().map(|p| (p.file.clone(), p.line));
            (key(a), a.rule, &a.service, &a.message).cmp(&(key(b), b.rule, &b.service, &b.message))
        });
        // Two brokers that share a configuration share what is wrong with it.
        self.findings.dedup_by(|a, b| {
            a == b || (a.rule, &a.place, &a.message, a.severity) == (b.rule, &b.place, &b.message, b.severity)
        });
        let mut seen = std::collections::HashSet::new();
        self.not_decided.retain(|n| seen.insert(n.clone()));
    }
}
