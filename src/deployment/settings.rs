//! `mqttcert.toml`: what the project knows and no file says.
//!
//! ```toml
//! names = ["mqtt.example.com", "192.0.2.7:8883"]   # names the broker must be reachable by
//!
//! [paths]                                           # like the flags of the same names, relative to this file
//! compose = ["docker-compose.yml"]
//! conf = "mosquitto/mosquitto.conf"
//! cert = "certs/server.crt"
//! key = "certs/server.key"
//! ca = "certs/ca.crt"
//! ca-key = "certs/ca.key"
//!
//! [stacks]                                          # per compose service: an id, several, or "all"
//! ingest = "python-paho"
//! bridge = ["go", "rustls"]
//!
//! [[device]]                                        # a client outside Compose
//! label = "field gateway"                           # optional
//! name = "mqtt.example.com"
//! port = 8883                                       # optional
//! stack = "mbedtls-3"                               # an id, several, or "all"; absent: unknown
//! ca = "certs/ca.crt"                               # optional: its trust file
//! insecure = false                                  # optional: whether its flag is on
//! tls = true                                        # optional, default true
//!
//! [rules.long-validity]                             # off, or re-rated; a reason is required
//! level = "off"                                     # off | note | warning | error
//! reason = "internal CA, renewed by hand"
//!
//! [thresholds]
//! warn-days = 45
//! ```

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::GivenName;
use crate::finding::Severity;
use crate::name::{PeerName, escape};
use crate::place::{Located, Place};
use crate::stack_id::StackId;

/// The content of `mqttcert.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// `names`.
    pub names: Vec<GivenName>,
    /// `paths.compose`, joined to the file's folder (as are all paths here).
    pub compose: Vec<PathBuf>,
    /// `paths.conf`.
    pub conf: Option<PathBuf>,
    /// `paths.cert`.
    pub cert: Option<PathBuf>,
    /// `paths.key`.
    pub key: Option<PathBuf>,
    /// `paths.ca`.
    pub ca: Option<PathBuf>,
    /// `paths.ca-key`.
    pub ca_key: Option<PathBuf>,
    /// `[stacks]`: service and the stacks it may be.
    pub stacks: Vec<(Located<String>, Vec<StackId>)>,
    /// `[[device]]`.
    pub devices: Vec<Device>,
    /// `[rules.ID]`. Ids are not checked here: the rules know them.
    pub rules: Vec<IgnoredRule>,
    /// `thresholds.warn-days`.
    pub warn_days: Option<u32>,
}

/// A client outside Compose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What people call it.
    pub label: Option<String>,
    /// The name it dials.
    pub name: PeerName,
    /// The port it dials.
    pub port: Option<u16>,
    /// Its stacks; empty if unknown.
    pub stacks: Vec<StackId>,
    /// Its trust file on this side.
    pub ca: Option<PathBuf>,
    /// Whether its flag is on; `None` if it has none or nobody said.
    pub insecure: Option<bool>,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Where `name` stands.
    pub place: Place,
}

/// A rule that the project switches off or re-rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredRule {
    /// The rule's id, and where it stands.
    pub rule: Located<String>,
    /// What becomes of its findings.
    pub level: RuleLevel,
    /// Why: never empty.
    pub reason: String,
}

/// What becomes of a rule's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleLevel {
    /// They are dropped and counted as suppressed.
    Off,
    /// They get this severity.
    Rated(Severity),
}

/// Why `mqttcert.toml` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// File and line.
    pub place: Place,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; mend it, or leave it out with --isolated", self.place, escape(&self.reason))
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the text of `file`. Unknown keys are errors: a mistyped key would otherwise silently do nothing.
    ///
    /// # Errors
    /// [`SettingsError`] with the line.
    pub fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let at = |offset: usize| {
            let before = text.get(..offset).unwrap_or(text);
            let line = u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX);
            Place::line(file, line)
        };
        let raw: Raw = toml::from_str(text).map_err(|e| SettingsError {
            place: at(e.span().map_or(0, |s| s.start)),
            reason: e.message().to_owned(),
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let join = |p: &String| folder.join(p);
        let fail =
            |span: std::ops::Range<usize>, reason: String| SettingsError { place: at(span.start), reason };

        let mut out =
            Self { file: Some(file.to_owned()), warn_days: raw.thresholds.warn_days, ..Self::default() };
        for name in &raw.names {
            let (peer, port) = PeerName::parse_with_port(name.get_ref())
                .map_err(|e| fail(name.span(), format!("names: {e}")))?;
            out.names.push(GivenName { name: peer, port });
        }
        out.compose = raw.paths.compose.iter().map(join).collect();
        out.conf = raw.paths.conf.as_ref().map(join);
        out.cert = raw.paths.cert.as_ref().map(join);
        out.key = raw.paths.key.as_ref().map(join);
        out.ca = raw.paths.ca.as_ref().map(join);
        out.ca_key = raw.paths.ca_key.as_ref().map(join);
        for (service, ids) in raw.stacks {
            let place = at(ids.span().start);
            let stacks = stacks(ids.get_ref()).map_err(|e| fail(ids.span(), e))?;
            out.stacks.push((Located::new(service, place), stacks));
        }
        for device in raw.device {
            let (name, port) = PeerName::parse_with_port(device.name.get_ref())
                .map_err(|e| fail(device.name.span(), format!("device: {e}")))?;
            let stacks = match &device.stack {
                Some(s) => stacks(s.get_ref()).map_err(|e| fail(s.span(), e))?,
                None => Vec::new(),
            };
            out.devices.push(Device {
                label: device.label,
                name,
                port: device.port.or(port),
                stacks,
                ca: device.ca.as_ref().map(join),
                insecure: device.insecure,
                tls: device.tls.unwrap_or(true),
                place: at(device.name.span().start),
            });
        }
        for (id, rule) in raw.rules {
            let span = rule.span();
            let rule = rule.into_inner();
            let level = match rule.level.as_str() {
                "off" => RuleLevel::Off,
                "note" => RuleLevel::Rated(Severity::Note),
                "warning" => RuleLevel::Rated(Severity::Warning),
                "error" => RuleLevel::Rated(Severity::Error),
                other => {
                    return Err(fail(span, format!("level {other:?} is none of off, note, warning, error")));
                }
            };
            if rule.reason.trim().is_empty() {
                return Err(fail(span, format!("rule {id}: the reason is empty")));
            }
            out.rules.push(IgnoredRule {
                rule: Located::new(id, at(span.start)),
                level,
                reason: rule.reason,
            });
        }
        Ok(out)
    }
}

fn stacks(ids: &OneOrMany) -> Result<Vec<StackId>, String> {
    let list: Vec<&String> = match ids {
        OneOrMany::One(id) => vec![id],
        OneOrMany::Many(ids) => ids.iter().collect(),
    };
    let mut out = Vec::new();
    for id in list {
        if id == "all" {
            return Ok(StackId::ALL.to_vec());
        }
        out.push(id.parse::<StackId>().map_err(|e| e.to_string())?);
    }
    Ok(out)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Raw {
    names: Vec<toml::Spanned<String>>,
    paths: RawPaths,
    stacks: std::collections::BTreeMap<String, toml::Spanned<OneOrMany>>,
    device: Vec<RawDevice>,
    rules: std::collections::BTreeMap<String, toml::Spanned<RawRule>>,
    thresholds: RawThresholds,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RawPaths {
    compose: Vec<String>,
    conf: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    ca: Option<String>,
    ca_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevice {
    label: Option<String>,
    name: toml::Spanned<String>,
    port: Option<u16>,
    stack: Option<toml::Spanned<OneOrMany>>,
    ca: Option<String>,
    insecure: Option<bool>,
    tls: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    level: String,
    reason: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RawThresholds {
    warn_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        Settings::parse(Path::new("p/mqttcert.toml"), text)
    }

    #[test]
    fn reads_devices_stacks_and_rules_with_their_lines() {
        let s = parse(
            "names = [\"mqtt.example.com:8883\"]\n[stacks]\ningest = \"python-paho\"\nbridge = [\"go\", \"rustls\"]\n\
             [[device]]\nname = \"mqtt.example.com\"\nstack = \"mbedtls-3\"\nca = \"ca.crt\"\n\
             [rules.long-validity]\nlevel = \"off\"\nreason = \"internal\"\n[thresholds]\nwarn-days = 45\n",
        )
        .unwrap();
        assert_eq!(s.names[0].port, Some(8883));
        assert_eq!(
            s.stacks.iter().map(|(n, i)| (n.value.as_str(), i.len())).collect::<Vec<_>>(),
            [("bridge", 2), ("ingest", 1)]
        );
        assert_eq!(s.devices[0].ca.as_deref(), Some(Path::new("p/ca.crt")));
        assert_eq!(s.devices[0].place.line, 6);
        assert_eq!((s.rules[0].level, s.rules[0].reason.as_str()), (RuleLevel::Off, "internal"));
        assert_eq!(s.warn_days, Some(45));
    }

    #[test]
    fn refuses_mistyped_keys_unknown_stacks_and_empty_reasons_with_the_line() {
        assert_eq!(parse("\nnmaes = []\n").unwrap_err().place.line, 2);
        assert_eq!(parse("[stacks]\na = \"pyhton\"\n").unwrap_err().place.line, 2);
        assert!(parse("[rules.x]\nlevel = \"off\"\nreason = \" \"\n").unwrap_err().reason.contains("empty"));
        assert!(parse("[rules.x]\nlevel = \"mild\"\nreason = \"y\"\n").is_err());
    }
}
