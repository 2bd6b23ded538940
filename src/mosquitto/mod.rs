//! mosquitto.conf, password and ACL files as Mosquitto itself reads them, with places and without judgement.

use crate::place::{Located, Place};

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
}

impl ListenerConf {
    /// Whether Mosquitto 2.0 speaks TLS here: only with both `certfile` and `keyfile` (or a PSK hint).
    #[must_use]
    pub fn is_tls(&self) -> bool {
        (self.certfile.is_some() && self.keyfile.is_some()) || self.psk_hint.is_some()
    }
}

/// One mosquitto.conf with everything that it includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MosquittoConf {
    /// The main file.
    pub place: Place,
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
