//! Rules: each a value with id, usual severity, citation and check. They judge a deployment without touching disk,
//! clock or terminal; what they found is a [`Report`].

mod access;
mod acl;
mod certificate;
mod chain;
mod clients;
mod code;
mod conf;
mod context;
mod crl;
mod dates;
mod exposure;
mod flags;
mod healthcheck;
mod judged;
mod keys;
mod listener;
mod malformed;
mod mounts;
mod names;
mod policy;
mod project;
mod scripts;
mod shell;
mod undecided;
mod usage;

use time::OffsetDateTime;

use crate::deployment::Deployment;
use crate::finding::{Finding, Fix, Report, Severity};
use crate::place::Place;
use crate::tree::Tree;

use context::Context;

/// How a run differs from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Days ahead of an end at which to warn; `None`: `mqttcert.toml`'s threshold, else 30.
    pub warn_days: Option<u32>,
    /// Inline ignores and the rule levels of `mqttcert.toml` are not read.
    pub isolated: bool,
}

/// Days ahead of an end at which to warn, where nobody says otherwise.
pub const WARN_DAYS: u32 = 30;

/// What a rule makes of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing that it could judge.
    NotApplicable,
    /// All is well.
    Pass,
    /// What is wrong.
    Found(Vec<Finding>),
}

impl Outcome {
    /// `Found` if there is anything, else `Pass`.
    fn of(findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Self::Pass } else { Self::Found(findings) }
    }

    /// Like [`Self::of`], where the rule had something to look at.
    fn of_seen(seen: bool, findings: Vec<Finding>) -> Self {
        if seen { Self::of(findings) } else { Self::NotApplicable }
    }
}

/// A rule.
pub struct Rule {
    /// Stable, kebab case.
    pub id: &'static str,
    /// The gravest severity that its findings have.
    pub severity: Severity,
    /// What it looks at, one line.
    pub what: &'static str,
    /// What follows where it is broken.
    pub why: &'static str,
    /// What to do.
    pub cure: &'static str,
    /// The authority: an RFC section, a man page, a measurement.
    pub source: &'static str,
    /// Whether `check --fix` cures it.
    pub fix: Fix,
    check: fn(&Rule, &Context<'_>) -> Outcome,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

impl Rule {
    /// A finding of this rule with its usual severity, citation and cure.
    fn finding(&self, place: Option<Place>, message: impl Into<String>) -> Finding {
        Finding {
            rule: self.id,
            severity: self.severity,
            message: message.into(),
            place,
            service: None,
            listener: None,
            names: Vec::new(),
            help: self.cure.to_owned(),
            source: self.source,
            fix: self.fix,
        }
    }
}

/// Every rule, in the order of the contract.
pub const ALL: &[&Rule] = &[
    &names::SAN_MISSING,
    &names::CN_ONLY,
    &malformed::MALFORMED_CERTIFICATE,
    &certificate::V1_CERTIFICATE,
    &dates::EXPIRED,
    &dates::EXPIRING,
    &dates::NOT_YET_VALID,
    &chain::UNTRUSTED_CHAIN,
    &keys::KEY_MISMATCH,
    &dates::OUTLIVES_CA,
    &dates::CA_EXPIRED,
    &usage::CA_KEY_USAGE,
    &certificate::LEAF_IS_CA,
    &usage::PURPOSE,
    &usage::KEY_USAGE,
    &chain::KEY_IDENTIFIER,
    &certificate::WEAK_KEY,
    &certificate::WEAK_SIGNATURE,
    &dates::LONG_VALIDITY,
    &listener::PLAINTEXT_LISTENER,
    &listener::TLS_INCOMPLETE,
    &listener::TLS_VERSION,
    &access::ANONYMOUS_ACCESS,
    &access::PASSWORD_FILE,
    &acl::ACL_SCOPE,
    &acl::ACL_EMPTY,
    &crl::CRL_MISSING,
    &crl::CRL_EXPIRED,
    &crl::CRL_IGNORED,
    &access::IDENTITY_WITHOUT_CERTIFICATE,
    &conf::CONF_REFUSED,
    &keys::KEY_ENCRYPTED,
    &keys::KEY_UNREADABLE,
    &conf::FILE_MISSING,
    &exposure::CA_KEY_EXPOSED,
    &exposure::KEY_COMMITTED,
    &mounts::SINGLE_FILE_MOUNT,
    &clients::CA_NOT_TRUSTED,
    &names::NAME_NOT_COVERED,
    &clients::NO_LISTENER,
    &clients::TLS_MISMATCH,
    &mounts::PUBLISHED_WITHOUT_LISTENER,
    &flags::INSECURE_UNNEEDED,
    &flags::INSECURE_NEEDED,
    &flags::INSECURE_WITHOUT_EFFECT,
    &flags::INSECURE_EVERYTHING,
    &healthcheck::HEALTHCHECK_FAILS,
    &code::PAHO_API,
    &code::PLAINTEXT_FALLBACK,
    &scripts::SCRIPT_LOSES_SAN,
    &policy::UNUSED_IGNORE,
];

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|r| r.id == id)
}

/// A part of a project that `--require` can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Every TLS listener's certificate.
    Certificate,
    /// Every broker's configuration.
    Conf,
    /// Every client.
    Clients,
}

/// Whether a part of the project could be judged.
#[must_use]
pub fn is_judged(deployment: &Deployment, report: &Report, part: Part) -> bool {
    let undecided =
        |starts: &[&str]| report.not_decided.iter().any(|n| starts.iter().any(|s| n.what.starts_with(s)));
    let mut listeners = deployment.brokers.iter().flat_map(|b| &b.listeners);
    match part {
        Part::Certificate => {
            let seen = listeners.any(|l| l.certfile.as_ref().is_some_and(|f| f.path().is_some()));
            seen && !undecided(&["certificate", "private key", "CA file"])
        }
        Part::Conf => {
            let seen =
                deployment.brokers.iter().all(|b| b.conf.as_ref().is_some_and(|c| c.unread.is_empty()));
            seen && !deployment.brokers.is_empty() && !undecided(&["mosquitto.conf"])
        }
        Part::Clients => {
            let who: Vec<String> = deployment.clients.iter().map(crate::verdict::who).collect();
            let open =
                report.not_decided.iter().any(|n| who.contains(&n.what) || n.what.starts_with("client"));
            !deployment.clients.is_empty() && !open
        }
    }
}

/// Judges a deployment by every rule, then applies what `mqttcert.toml` and inline ignores say.
#[must_use]
pub fn run(deployment: &Deployment, tree: &dyn Tree, now: OffsetDateTime, options: &Options) -> Report {
    let context = Context::new(deployment, tree, now, options);
    let mut report = Report::default();
    for rule in ALL {
        if let Outcome::Found(found) = (rule.check)(rule, &context) {
            report.findings.extend(found);
        }
    }
    report.not_decided = undecided::of(&context);
    if !options.isolated {
        policy::apply(&context, &mut report);
    }
    report.sort();
    report
}
