//! mosquitto.conf, password and ACL files as Mosquitto itself reads them, with places and without judgement.

use std::path::{Path, PathBuf};

use crate::place::{Located, Place};
use crate::tree::Tree;

pub mod acl;
pub mod ciphers;
pub mod edit;
mod force;
pub mod keywords;
mod lines;
pub mod passwd;
mod reader;
pub mod serving;
mod special;
pub(crate) mod topics;
mod values;
pub mod version;

pub use version::Version;

/// Reads a mosquitto.conf as the 2.0 series does ([`Version::V2_0`]). `resolve` maps the container's path of an
/// `include_dir` to this side. What cannot be read is named in [`MosquittoConf::unread`].
#[must_use]
pub fn read(tree: &dyn Tree, path: &Path, resolve: &dyn Fn(&str) -> Option<PathBuf>) -> MosquittoConf {
    read_as(tree, path, resolve, Version::V2_0)
}

/// Reads a mosquitto.conf as this release does.
#[must_use]
pub fn read_as(
    tree: &dyn Tree,
    path: &Path,
    resolve: &dyn Fn(&str) -> Option<PathBuf>,
    version: Version,
) -> MosquittoConf {
    let mut reader = reader::Reader::new(tree, path, resolve, version);
    reader.file(path, false);
    reader.finish()
}

/// What a listener speaks on top of TCP (or TLS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `protocol mqtt`, the default.
    Mqtt,
    /// `protocol websockets`.
    Websockets,
}

/// One line of a configuration file: keyword and the rest, as Mosquitto splits them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The keyword as written (Mosquitto compares it exactly).
    pub keyword: String,
    /// What follows it, without leading and trailing blanks.
    pub value: String,
    /// The line; the span is the value's.
    pub place: Place,
}

/// A line (or a whole file) with which Mosquitto does not start, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where.
    pub place: Place,
    /// What Mosquitto prints, e.g. `Unknown configuration variable "foo".`.
    pub message: String,
}

/// A listener with everything that is in force on it: its own lines, or the global ones where
/// `per_listener_settings` is off (mosquitto.conf(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConf {
    /// The TCP port; 0 for a unix socket.
    pub port: u16,
    /// The address it binds to, where the line gives one.
    pub bind: Option<String>,
    /// MQTT or websockets.
    pub protocol: Protocol,
    /// The `listener` line (or the file, for the default listener).
    pub place: Place,
    /// `cafile`: container path.
    pub cafile: Option<Located<String>>,
    /// `capath`: container path.
    pub capath: Option<Located<String>>,
    /// `certfile`: container path.
    pub certfile: Option<Located<String>>,
    /// `keyfile`: container path.
    pub keyfile: Option<Located<String>>,
    /// `crlfile`: container path.
    pub crlfile: Option<Located<String>>,
    /// `tls_engine`: a module of OpenSSL's.
    pub tls_engine: Option<Located<String>>,
    /// `dhparamfile`.
    pub dhparamfile: Option<Located<String>>,
    /// `tls_version` as written: the lowest version served.
    pub tls_version: Option<Located<String>>,
    /// `ciphers`, for TLS 1.2 and below.
    pub ciphers: Option<Located<String>>,
    /// `ciphers_tls1.3`.
    pub ciphers_tls13: Option<Located<String>>,
    /// `psk_hint`.
    pub psk_hint: Option<Located<String>>,
    /// `require_certificate`.
    pub require_certificate: Option<Located<bool>>,
    /// `use_identity_as_username`.
    pub use_identity_as_username: Option<Located<bool>>,
    /// `use_subject_as_username`.
    pub use_subject_as_username: Option<Located<bool>>,
    /// `use_username_as_clientid`.
    pub use_username_as_clientid: Option<Located<bool>>,
    /// `allow_anonymous` in force, with its default for this file (2.0: false where a listener is declared).
    pub allow_anonymous: bool,
    /// The `allow_anonymous` line, where there is one.
    pub allow_anonymous_place: Option<Place>,
    /// `password_file` in force: container path.
    pub password_file: Option<Located<String>>,
    /// `acl_file` in force: container path.
    pub acl_file: Option<Located<String>>,
    /// `plugin` or `auth_plugin` lines in force.
    pub plugins: Vec<Located<String>>,
    /// `max_connections`, -1 for no limit.
    pub max_connections: i64,
    /// `mount_point`.
    pub mount_point: Option<Located<String>>,
    /// The socket's path, where the port is 0.
    pub socket_path: Option<String>,
    /// No line of the file opens it: it listens on the loopback addresses only, because there is no `listener`.
    pub local_only: bool,
}

impl ListenerConf {
    /// Whether Mosquitto 2.0 speaks TLS here: only with both `certfile` and `keyfile`, or with a PSK hint. A
    /// websockets listener with `certfile` alone speaks TLS too, but has no key: every handshake fails.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        match self.protocol {
            Protocol::Mqtt => self.has_pair() || self.psk_hint.is_some(),
            Protocol::Websockets => self.certfile.is_some(),
        }
    }

    /// Whether others than the broker's own machine or container can reach it.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        let is_loopback =
            self.bind.as_deref().is_some_and(|b| b == "localhost" || b == "::1" || b.starts_with("127."));
        self.port != 0 && !self.local_only && !is_loopback
    }

    /// Whether both `certfile` and `keyfile` stand there.
    #[must_use]
    pub fn has_pair(&self) -> bool {
        self.certfile.is_some() && self.keyfile.is_some()
    }
}

/// One mosquitto.conf with everything that it includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MosquittoConf {
    /// The main file.
    pub place: Place,
    /// The release that it was read as.
    pub version: Version,
    /// Every line in the order in which Mosquitto takes them, `include_dir` files after their line.
    pub directives: Vec<Directive>,
    /// The listeners, the default one included where it is in force.
    pub listeners: Vec<ListenerConf>,
    /// `per_listener_settings`.
    pub per_listener_settings: bool,
    /// `user` that root drops to (default `mosquitto`).
    pub user: Option<Located<String>>,
    /// `bridge` sections: connections that this broker opens to others.
    pub bridges: Vec<Bridge>,
    /// Lines with which it does not start; empty if it would.
    pub refusals: Vec<Refusal>,
    /// Files it includes that could not be read, and why.
    pub unread: Vec<(String, String)>,
}

impl MosquittoConf {
    /// Whether a line is refused that says which listeners there are or what belongs to each; also one that is meant to,
    /// with a byte order mark before it or in capitals.
    #[must_use]
    pub fn refuses_a_scope(&self) -> bool {
        let says = |d: &Directive| {
            let letters = d.keyword.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase());
            matches!(letters.collect::<String>().as_str(), "listener" | "perlistenersettings")
        };
        self.refusals.iter().any(|r| self.directives.iter().any(|d| says(d) && d.place == r.place))
    }

    /// The lines that stand behind a listener's own, up to the next listener; the default listener's are those before
    /// the first.
    pub(crate) fn of_listener<'a>(&'a self, own: &'a ListenerConf) -> impl Iterator<Item = &'a Directive> {
        let begins = |d: &Directive| d.keyword == "listener";
        let is_own = move |d: &Directive| {
            begins(d) && d.place.line == own.place.line && d.place.file == own.place.file
        };
        let mut inside = !self.directives.iter().any(is_own);
        self.directives.iter().filter(move |d| {
            if begins(d) {
                inside = is_own(d);
            }
            inside
        })
    }
}

/// A number as Mosquitto 2.0 reads it: what follows the digits is not looked at, and no digits are 0.
pub(crate) fn number(text: &str) -> i32 {
    values::atoi(text.as_bytes())
}

/// A `connection` section: this broker as a client of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name and line.
    pub name: Located<String>,
    /// `address` / `addresses`, one `host[:port]` each.
    pub addresses: Vec<Located<String>>,
    /// `bridge_cafile`: container path.
    pub cafile: Option<Located<String>>,
    /// `bridge_capath`: container path.
    pub capath: Option<Located<String>>,
    /// `bridge_certfile`: container path.
    pub certfile: Option<Located<String>>,
    /// `bridge_insecure`.
    pub insecure: Option<Located<bool>>,
    /// `bridge_tls_version`.
    pub tls_version: Option<Located<String>>,
    /// `bridge_alpn`, `bridge_psk` and other keys, as they stand.
    pub other: Vec<Directive>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    fn conf(text: &str) -> MosquittoConf {
        conf_as(text, Version::V2_0)
    }

    fn conf_as(text: &str, version: Version) -> MosquittoConf {
        let tree = MemoryTree::new().with("m.conf", text);
        read_as(&tree, Path::new("m.conf"), &|_| None, version)
    }

    fn refusals(text: &str) -> Vec<(u32, String)> {
        conf(text).refusals.into_iter().map(|r| (r.place.line, r.message)).collect()
    }

    #[test]
    fn acl_file_after_the_last_listener_covers_only_that_one() {
        let c = conf(
            "per_listener_settings true\nlistener 1883\nallow_anonymous false\npassword_file /p\n\
             listener 9001\nprotocol websockets\npassword_file /p\n\nacl_file /acl\n",
        );
        assert_eq!(c.refusals, []);
        let acls: Vec<_> = c.listeners.iter().map(|l| (l.port, l.acl_file.is_some())).collect();
        assert_eq!(acls, [(1883, false), (9001, true)]);
        assert_eq!(c.listeners[1].protocol, Protocol::Websockets);
        assert_eq!(c.listeners[1].acl_file.as_ref().unwrap().place.line, 9);
    }

    #[test]
    fn global_security_reaches_every_listener() {
        let c = conf("listener 1883\nlistener 8883\nacl_file /acl\nallow_anonymous true\n");
        assert!(c.listeners.iter().all(|l| l.acl_file.is_some() && l.allow_anonymous));
    }

    #[test]
    fn refuses_in_mosquittos_words() {
        assert_eq!(
            refusals(
                "listener 1883\n\tuser x\nallow_anonymous yes\npassword_file /a\npassword_file /b\nfoo\n"
            ),
            [
                (2, "Unknown configuration variable \"\tuser\".".to_owned()),
                (3, "Invalid allow_anonymous value (yes).".to_owned()),
                (5, "Duplicate password_file value in configuration.".to_owned()),
                (6, "Unknown configuration variable \"foo\".".to_owned()),
            ]
        );
    }

    #[test]
    fn nothing_is_repeated_of_a_file_that_is_no_configuration() {
        let hidden = "Unknown configuration variable \"…\".".to_owned();
        assert_eq!(
            refusals("root:*:20228:0:99999:7:::\nhunter2\n"),
            [(1, hidden.clone()), (2, hidden.clone())]
        );
        assert_eq!(refusals("listener 1883\nroot:$y$x:2\n"), [(2, hidden)]);
    }

    #[test]
    fn tls_lines_before_the_first_listener_open_the_default_listener() {
        let c = conf("certfile /c\nkeyfile /k\nlistener 8883\n");
        let tls: Vec<_> = c.listeners.iter().map(|l| (l.port, l.is_tls())).collect();
        assert_eq!(tls, [(8883, false), (1883, true)]);
    }

    #[test]
    fn no_listener_line_means_loopback_only() {
        let c = conf("allow_anonymous true\n");
        assert!(c.listeners[0].local_only);
        assert_eq!(c.listeners[0].bind.as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn half_of_a_tls_pair_is_refused_only_since_2_0_21() {
        let text = "listener 8883\ncertfile /c\n";
        assert_eq!(conf(text).refusals, []);
        assert!(!conf(text).listeners[0].is_tls());
        assert_eq!(conf_as(text, Version::LAST_2_0).refusals[0].place.line, 2);
    }

    #[test]
    fn included_files_come_in_mosquittos_order_and_start_without_a_listener() {
        let tree = MemoryTree::new()
            .with("m.conf", "listener 1884\ninclude_dir /mosquitto/conf.d\nallow_anonymous true\n")
            .with("d/b.conf", "listener 2000\n")
            .with("d/A.conf", "max_connections 5\n")
            .with("d/c.txt", "nonsense\n");
        let resolve = |p: &str| (p == "/mosquitto/conf.d").then(|| PathBuf::from("d"));
        let c = read(&tree, Path::new("m.conf"), &resolve);
        assert_eq!(c.refusals, []);
        let ports: Vec<_> = c.listeners.iter().map(|l| (l.port, l.max_connections)).collect();
        assert_eq!(ports, [(1884, -1), (2000, -1), (1883, 5)]);
    }
}
