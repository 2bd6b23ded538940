//! What the formats of `check` know about a project: findings, who dials what, and how long certificates live.

use std::path::{Component, Path, PathBuf};

use time::OffsetDateTime;

use mqttcert::finding::{Finding, Report};
use mqttcert::name::escape;
use mqttcert::tree::normalize;

/// What is the same for every project of one run.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The time as of which everything was judged.
    pub now: OffsetDateTime,
    /// The working folder: paths below it are written relative to it.
    pub root: PathBuf,
    /// Warnings count as errors.
    pub strict: bool,
}

/// One project as the formats see it.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder, as the user gave it.
    pub dir: PathBuf,
    /// A file of it that stands for the whole where a finding names none: the first compose file, or the conf.
    pub main_file: Option<PathBuf>,
    /// What the rules say.
    pub report: Report,
    /// The verdict, where one was made.
    pub answer: Option<Verdict>,
    /// The brokers.
    pub brokers: Vec<Broker>,
    /// The certificates that were found.
    pub lives: Vec<Life>,
}

/// The project's verdict in the words of the contract.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The worst of its clients.
    pub decision: &'static str,
    /// What `MQTT_TLS_INSECURE` may be.
    pub insecure: Option<bool>,
    /// Until when it holds.
    pub holds_until: Option<OffsetDateTime>,
    /// Every client.
    pub dials: Vec<Dial>,
}

/// One client, and what it dials.
#[derive(Debug, Clone)]
pub struct Dial {
    /// The compose service, or what else it is called.
    pub who: String,
    /// The name and port dialled.
    pub to: String,
    /// The broker it reaches and the port there, by index into [`Project::brokers`].
    pub broker: Option<(usize, u16)>,
    /// Its TLS stack in words.
    pub stack: String,
    /// The contract's word.
    pub decision: &'static str,
    /// One sentence.
    pub why: String,
}

/// A broker.
#[derive(Debug, Clone)]
pub struct Broker {
    /// The compose service, or the file that stands for it.
    pub label: String,
    /// Port, whether it speaks TLS, and the protocol.
    pub listeners: Vec<(u16, bool, &'static str)>,
}

/// A certificate or a CRL, from when until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// `server`, `ca`, `client` or `crl`.
    pub kind: &'static str,
    /// Whose it is.
    pub subject: String,
    /// The file.
    pub file: PathBuf,
    /// From.
    pub not_before: OffsetDateTime,
    /// Until.
    pub not_after: OffsetDateTime,
}

impl Setting {
    /// A path as people and machines on the same checkout understand it: relative to the working folder where it
    /// lies below, with `/` between its parts, escaped.
    pub fn path(&self, path: &Path) -> String {
        escape(&self.relative(path).to_string_lossy())
    }

    /// The same as a URI reference (RFC 3986 §4.2), without a scheme where it is relative.
    pub fn uri(&self, path: &Path) -> String {
        let relative = self.relative(path);
        let mut out = String::new();
        for part in relative.components() {
            match part {
                Component::Normal(p) => {
                    if !out.is_empty() && !out.ends_with('/') {
                        out.push('/');
                    }
                    percent(&p.to_string_lossy(), &mut out);
                }
                Component::ParentDir => out.push_str(if out.is_empty() { ".." } else { "/.." }),
                Component::RootDir => out.push_str("file:///"),
                Component::CurDir if out.is_empty() => out.push('.'),
                _ => {}
            }
        }
        // A first part with a colon would be read as a scheme; `percent` has none left.
        if out.is_empty() { ".".to_owned() } else { out }
    }

    fn relative(&self, path: &Path) -> PathBuf {
        let plain = normalize(path);
        plain.strip_prefix(&self.root).map_or(plain.clone(), |p| {
            if p.as_os_str().is_empty() { PathBuf::from(".") } else { p.to_owned() }
        })
    }
}

impl Project {
    /// The file that a finding is shown at.
    pub fn file_of<'a>(&'a self, finding: &'a Finding) -> &'a Path {
        match &finding.place {
            Some(place) => &place.file,
            None => self.main_file.as_deref().unwrap_or(&self.dir),
        }
    }
}

fn percent(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// What a finding is about, in words: service, listener.
pub fn about(finding: &Finding) -> String {
    let mut parts = Vec::new();
    if let Some(service) = &finding.service {
        parts.push(format!("service {}", escape(service)));
    }
    if let Some(port) = finding.listener {
        parts.push(format!("listener {port}"));
    }
    parts.join(", ")
}

/// A deployment for the renderers' tests: every text that can come from outside holds what must not get through.
#[cfg(test)]
pub mod sample {
    use time::macros::datetime;

    use mqttcert::finding::{Fix, NotDecided, Severity};
    use mqttcert::place::Place;

    use super::*;

    /// What an attacker writes into names, paths and messages.
    pub const EVIL: &str =
        "a\u{1b}[31m\r\n::error::x%0A\u{202e}\u{0}\u{7}<script>alert(1)</script>\"'&]]>\\n,:{}";

    pub fn setting() -> Setting {
        Setting { now: datetime!(2026-11-24 03:29:30 UTC), root: PathBuf::from("/repo"), strict: false }
    }

    pub fn finding(rule: &'static str, severity: Severity, place: Option<Place>) -> Finding {
        Finding {
            rule,
            severity,
            message: format!("{rule} says so"),
            place,
            service: None,
            listener: None,
            names: Vec::new(),
            help: "do this".into(),
            source: "RFC 9525 §6.3",
            fix: Fix::None,
        }
    }

    /// A project with an error, a warning and a note.
    pub fn plain() -> Project {
        let conf = "/repo/compose/mosquitto/mosquitto.conf";
        let compose = "compose/docker-compose.yml";
        let mut first = finding("acl-scope", Severity::Error, Some(Place::line(conf, 40)));
        first.listener = Some(9001);
        let mut second = finding("single-file-mount", Severity::Warning, Some(Place::line(compose, 85)));
        second.service = Some("ingest".into());
        second.fix = Fix::Safe;
        let third = finding("cn-only", Severity::Note, None);
        let dial = |who: &str, decision, port, why: &str| Dial {
            who: who.into(),
            to: format!("iot-mqtt:{port}"),
            broker: Some((0, port)),
            stack: "python-paho".into(),
            decision,
            why: why.into(),
        };
        Project {
            dir: PathBuf::from("compose"),
            main_file: Some(PathBuf::from(compose)),
            report: Report {
                findings: vec![first, second, third],
                not_decided: vec![NotDecided {
                    what: "password file".into(),
                    because: "volume mosquitto-passwd".into(),
                }],
                suppressed: 1,
            },
            answer: Some(Verdict {
                decision: "broken",
                insecure: None,
                holds_until: Some(datetime!(2028-02-15 00:00 UTC)),
                dials: vec![
                    dial("ingest", "switch-off", 1883, "accepts, by falling back to the common name"),
                    dial("ui", "keep-on", 1883, "refuses: no SAN"),
                    dial("device_sim", "broken", 1883, "speaks plaintext to a TLS listener"),
                    Dial { broker: None, ..dial("gateway", "undecided", 8883, "stack unknown") },
                ],
            }),
            brokers: vec![Broker {
                label: "mqtt".into(),
                listeners: vec![(1883, true, "mqtt"), (8883, true, "mqtt"), (9001, true, "websockets")],
            }],
            lives: vec![
                Life {
                    kind: "server",
                    subject: "CN=iot-mqtt".into(),
                    file: PathBuf::from("compose/mosquitto/certs/server.crt"),
                    not_before: datetime!(2026-02-15 00:00 UTC),
                    not_after: datetime!(2028-02-15 00:00 UTC),
                },
                Life {
                    kind: "ca",
                    subject: "CN=Pulse CA".into(),
                    file: PathBuf::from("compose/mosquitto/certs/ca.crt"),
                    not_before: datetime!(2026-02-15 00:00 UTC),
                    not_after: datetime!(2036-02-13 00:00 UTC),
                },
            ],
        }
    }

    /// The same with [`EVIL`] wherever a text comes from outside.
    pub fn evil() -> Project {
        let mut p = plain();
        p.dir = PathBuf::from(EVIL);
        p.main_file = Some(PathBuf::from(format!("{EVIL}/x.yml")));
        for f in &mut p.report.findings {
            f.message = EVIL.into();
            f.help = EVIL.into();
            f.service = Some(EVIL.into());
            f.names = vec![EVIL.into()];
            if let Some(place) = &mut f.place {
                *place = Place::line(format!("{EVIL}/f"), 3);
            }
        }
        p.report.not_decided = vec![NotDecided { what: EVIL.into(), because: EVIL.into() }];
        if let Some(answer) = &mut p.answer {
            for d in &mut answer.dials {
                (d.who, d.to, d.stack, d.why) = (EVIL.into(), EVIL.into(), EVIL.into(), EVIL.into());
            }
        }
        for b in &mut p.brokers {
            b.label = EVIL.into();
        }
        for l in &mut p.lives {
            (l.subject, l.file) = (EVIL.into(), PathBuf::from(EVIL));
        }
        p
    }

    /// Holds where no character got through that moves a cursor, reorders text or is invisible.
    pub fn assert_clean(text: &str) {
        let bad: Vec<char> =
            text.chars().filter(|c| *c != '\n' && mqttcert::name::is_unprintable(*c)).collect();
        assert!(bad.is_empty(), "{bad:?} got through");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_working_folder_become_relative() {
        let s = sample::setting();
        assert_eq!(s.path(Path::new("/repo/a/b.yml")), "a/b.yml");
        assert_eq!(s.path(Path::new("./a/../b.yml")), "b.yml");
        assert_eq!(s.path(Path::new("/repo")), ".");
    }

    #[test]
    fn a_uri_holds_no_character_that_rfc_3986_reserves_elsewhere() {
        let s = sample::setting();
        assert_eq!(s.uri(Path::new("/repo/a b/c%d:é.yml")), "a%20b/c%25d%3A%C3%A9.yml");
        assert_eq!(s.uri(Path::new("/etc/x")), "file:///etc/x");
        assert_eq!(s.uri(Path::new("../x/../../y")), "../../y");
    }
}
