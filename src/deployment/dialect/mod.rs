//! What a service's code says about TLS: whether it speaks it, on what condition, with which CA file, and what it
//! does when its flag is on.

mod anchors;
mod arguments;
mod condition;
mod others;
mod python;
mod variables;

use std::rc::Rc;

pub(super) use arguments::Setting;

use super::code::{File, Language};
use super::{FlagEffect, Transport};
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
    /// Where the path of that file comes from.
    pub(super) ca_origin: Origin,
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
    /// It hands a key and a certificate to mqtt.js, which then speaks TLS behind `mqtt://` too
    /// (`connect` in mqtt.js 5: `opts.cert && opts.key`).
    pub(super) paired: bool,
    /// It builds its own context with `ssl.create_default_context`.
    pub(super) default_context: bool,
    /// It asks for exactly TLS 1.2 (`PROTOCOL_TLSv1_2`).
    pins_tls_1_2: bool,
}

/// Where a path in code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Origin {
    /// A variable of the environment, or its default.
    #[default]
    Variable,
    /// A literal: nothing but the code changes it.
    Literal,
    /// Put together from parts, as seen from the source file's own folder.
    Joined,
}

impl Dialect {
    /// Whether the Python that speaks TLS pins it to 1.2; `None` where no such code was seen.
    pub(super) fn pins_tls_1_2(&self) -> Option<bool> {
        (self.python && self.tls.is_some()).then_some(self.pins_tls_1_2)
    }

    /// Takes the first CA file that is found.
    fn take_ca(&mut self, found: Option<(Located<String>, Origin)>) {
        if let (None, Some((path, origin))) = (&self.ca, found) {
            (self.ca, self.ca_origin) = (Some(path), origin);
        }
    }
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

/// Reads the dialect of a service's code as it runs in this setting.
pub(super) fn read(files: &[Rc<File>], setting: &Setting<'_>) -> Dialect {
    let mut out = Dialect::default();
    for file in files.iter().filter(|f| f.language != Language::Data && speaks_mqtt(f)) {
        out.seen = true;
        match file.language {
            Language::Python => {
                out.python = true;
                python::read(files, file, setting, &mut out);
            }
            _ => others::read(files, file, setting, &mut out),
        }
        anchors::read(files, file, setting, &mut out);
    }
    if out.tls.is_some() && differ(files) {
        out.tls = Some(When::Somehow);
    }
    out
}

/// Whether some Python makes a client and speaks TLS, and other makes one without a word of it: which of them dials an
/// address cannot be told.
fn differ(files: &[Rc<File>]) -> bool {
    let makes = |f: &&Rc<File>| {
        f.language == Language::Python
            && ["mqtt.Client(", "mqtt_client.Client("].iter().any(|w| f.text.contains(w))
    };
    let speaks = |f: &Rc<File>| {
        let text = f.text.to_ascii_lowercase();
        text.contains("tls") || text.contains("ssl")
    };
    let makers: Vec<&Rc<File>> = files.iter().filter(makes).collect();
    makers.iter().any(|f| speaks(f)) && makers.iter().any(|f| !speaks(f))
}

/// Whether a file is one of an MQTT client.
pub(super) fn speaks_mqtt(file: &File) -> bool {
    let t = &file.text;
    ["mqtt", "Mqtt", "MQTT", "mosquitto"].iter().any(|w| t.contains(w))
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

fn is_comment(text: &str, at: usize) -> bool {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let head = text[start..at].trim_start();
    head.starts_with('#') || head.starts_with("//") || head.starts_with('*')
}
