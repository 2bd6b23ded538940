//! What is in force once every line is read: the listeners with their settings, and what only then is refused.

use std::collections::BTreeMap;

use super::reader::{BridgeDraft, Draft, Reader, Security};
use super::{Bridge, ListenerConf, Protocol, Refusal};
use crate::place::{Located, Place};

type Strings = BTreeMap<&'static str, Located<String>>;

/// Lines that, before any `listener`, bring the default listener to life in 2.0. `tls_version` does not.
const WAKING_STRINGS: &[&str] = &[
    "bind_interface",
    "cafile",
    "capath",
    "certfile",
    "keyfile",
    "tls_engine",
    "tls_engine_kpass_sha1",
    "ciphers",
    "ciphers_tls1.3",
    "dhparamfile",
    "psk_hint",
    "crlfile",
    "mount_point",
];

const WAKING_BOOLS: &[&str] = &[
    "require_certificate",
    "use_identity_as_username",
    "use_subject_as_username",
    "use_username_as_clientid",
];

impl Reader<'_> {
    /// The listeners that Mosquitto opens, in its order: those of `listener` lines, then the default one.
    pub(super) fn listeners_in_force(&self) -> Vec<ListenerConf> {
        let mut listeners: Vec<ListenerConf> =
            self.listeners.iter().map(|d| self.in_force(d, false)).collect();
        if self.default_is_wanted() {
            listeners.push(self.in_force(&self.default, true));
        }
        // Since 2.0.12 a file without `listener`, `port` and `bind_address` is served on loopback only, whatever
        // else it says; before, only if nothing asked for the default listener.
        let modern = self.version.at_least(2, 0, 12);
        if self.version.major >= 2 && self.local_only && (modern || listeners.is_empty()) {
            let draft = Draft::new(1883, Some("127.0.0.1".to_owned()), Place::file(self.main.to_path_buf()));
            let mut local = self.in_force(&draft, true);
            let anonymous = self.global.allow_anonymous.as_ref().is_none_or(|a| a.value);
            local.allow_anonymous = anonymous || !self.version.at_least(2, 0, 21);
            local.local_only = true;
            return vec![local];
        }
        if listeners.is_empty() {
            listeners.push(self.in_force(&self.default, true));
        }
        listeners
    }

    fn default_is_wanted(&self) -> bool {
        let draft = &self.default;
        draft.wanted
            || draft.port != 0
            || draft.bind.is_some()
            || draft.protocol != Protocol::Mqtt
            || WAKING_STRINGS.iter().any(|k| draft.strings.contains_key(k))
            || WAKING_BOOLS.iter().any(|k| draft.bools.get(k).is_some_and(|b| b.value))
            || !draft.security.plugins.is_empty()
            || ["password_file", "psk_file"].iter().any(|k| draft.security.strings.contains_key(k))
            || draft.security.bools.get("allow_zero_length_clientid").is_some_and(|b| !b.value)
    }

    fn in_force(&self, draft: &Draft, is_default: bool) -> ListenerConf {
        let security = if self.per_listener { &draft.security } else { &self.global };
        let own_anonymous = draft.security.allow_anonymous.as_ref();
        let anonymous = if self.version.at_least(2, 1, 0) {
            own_anonymous.or(security.allow_anonymous.as_ref())
        } else {
            security.allow_anonymous.as_ref()
        };
        let string = |key: &str| draft.strings.get(key).cloned();
        let bool = |key: &str| draft.bools.get(key).cloned();
        let port = match draft.port {
            0 if is_default => 1883,
            port => u16::try_from(port).unwrap_or(0),
        };
        let is_socket = port == 0;
        ListenerConf {
            port,
            bind: draft.bind.clone().filter(|_| !is_socket),
            protocol: draft.protocol,
            place: draft.place.clone(),
            cafile: string("cafile"),
            capath: string("capath"),
            certfile: string("certfile"),
            keyfile: string("keyfile"),
            crlfile: string("crlfile"),
            dhparamfile: string("dhparamfile"),
            tls_engine: string("tls_engine"),
            tls_version: string("tls_version"),
            ciphers: string("ciphers"),
            ciphers_tls13: string("ciphers_tls1.3"),
            psk_hint: string("psk_hint"),
            require_certificate: bool("require_certificate"),
            use_identity_as_username: bool("use_identity_as_username"),
            use_subject_as_username: bool("use_subject_as_username"),
            use_username_as_clientid: bool("use_username_as_clientid"),
            allow_anonymous: anonymous
                .map_or_else(|| self.anonymous_by_default(security, is_default), |a| a.value),
            allow_anonymous_place: anonymous.map(|a| a.place.clone()),
            password_file: security.strings.get("password_file").cloned(),
            acl_file: security.strings.get("acl_file").cloned(),
            plugins: security.plugins.clone(),
            max_connections: draft.max_connections,
            mount_point: string("mount_point"),
            socket_path: draft.bind.clone().filter(|_| is_socket),
            local_only: false,
        }
    }

    /// 2.0: nobody, where a `listener` line stands. A default listener under `per_listener_settings` is added too
    /// late for that and lets everybody in (measured on 2.0.11). Before 2.0: everybody, unless something asks for
    /// a password.
    fn anonymous_by_default(&self, security: &Security, is_default: bool) -> bool {
        if self.version.major < 2 {
            let asks = !security.plugins.is_empty()
                || ["acl_file", "password_file", "psk_file"].iter().any(|k| security.strings.contains_key(k));
            return !asks;
        }
        let late = self.per_listener && is_default && !self.version.at_least(2, 1, 0);
        late || self.local_only
    }

    /// Bridges are looked at when everything is read.
    pub(super) fn refuse_bridges(&mut self) {
        let refuse = |bridge: &BridgeDraft, what: &str| Refusal {
            place: bridge.name.place.clone(),
            message: format!("Invalid bridge configuration: {what}."),
        };
        let mut found = Vec::new();
        for bridge in &self.bridges {
            let has = |key: &str| bridge.strings.contains_key(key);
            if bridge.addresses.is_empty() {
                found.push(refuse(bridge, "no remote addresses defined"));
            } else if bridge.topics == 0 {
                found.push(refuse(bridge, "no topics defined"));
            } else if has("bridge_psk") && !has("bridge_identity") {
                found.push(refuse(bridge, "missing bridge_identity"));
            } else if has("bridge_identity") && !has("bridge_psk") {
                found.push(refuse(bridge, "missing bridge_psk"));
            }
        }
        let id = |bridge: &BridgeDraft| {
            let of = |s: &Strings, key| s.get(key).map(|v| v.value.clone());
            of(&bridge.strings, "bridge local clientd").unwrap_or_else(|| {
                let remote = of(&bridge.strings, "bridge remote clientid");
                format!("local.{}", remote.unwrap_or_else(|| format!("\u{0}.{}", bridge.name.value)))
            })
        };
        for (at, bridge) in self.bridges.iter().enumerate() {
            if self.bridges.iter().take(at).any(|other| id(other) == id(bridge)) {
                found.push(Refusal {
                    place: bridge.name.place.clone(),
                    message: format!(
                        "Bridge local_clientid '{}' is not unique. Try changing or setting the local_clientid \
                         value for one of the bridges.",
                        id(bridge)
                    ),
                });
            }
        }
        self.refusals.extend(found);
    }

    /// What the listeners' lines alone make impossible, whatever their files hold.
    pub(super) fn refuse_listeners(&mut self, listeners: &[ListenerConf]) {
        let mut found = Vec::new();
        for (at, listener) in listeners.iter().enumerate() {
            found.extend(self.incomplete_tls(listener));
            found.extend(unsupported_tls_version(listener, self.version));
            let taken = listeners.iter().take(at).any(|earlier| collide(earlier, listener));
            if taken {
                found.push(Refusal {
                    place: listener.place.clone(),
                    message: "Address already in use".to_owned(),
                });
            }
        }
        // The way in which 2.0.11 finds its websockets sockets fails with Debian's libwebsockets.
        let only_websockets = listeners.iter().all(|l| l.protocol == Protocol::Websockets);
        if self.version == super::Version::DEBIAN_12 && only_websockets && !listeners.is_empty() {
            found.push(Refusal {
                place: Place::file(self.main.to_path_buf()),
                message: "Unable to start any listening sockets, exiting.".to_owned(),
            });
        }
        self.refusals.extend(found);
    }

    /// 2.0.21 and later refuse half of a TLS configuration; earlier ones serve plaintext. On websockets a keyfile
    /// without certfile has always failed.
    fn incomplete_tls(&self, listener: &ListenerConf) -> Option<Refusal> {
        let refuse = |line: &Located<String>, message: &str| {
            Some(Refusal { place: line.place.clone(), message: message.to_owned() })
        };
        if !self.version.at_least(2, 0, 21) {
            return match (&listener.keyfile, &listener.certfile) {
                (Some(key), None) if listener.protocol == Protocol::Websockets => {
                    let message = format!("Unable to create websockets listener on port {}.", listener.port);
                    refuse(key, &message)
                }
                _ => None,
            };
        }
        match (&listener.certfile, &listener.keyfile, &listener.cafile, &listener.capath) {
            (Some(line), None, ..) | (None, Some(line), ..) => {
                refuse(line, "Both certfile and keyfile must be provided to enable a TLS listener.")
            }
            (None, None, Some(line), _) => refuse(line, "cafile specified without certfile and keyfile."),
            (None, None, None, Some(line)) => refuse(line, "capath specified without certfile and keyfile."),
            _ => None,
        }
    }
}

/// Mosquitto knows three values, in lower case; it looks only where it opens a TLS context of its own.
fn unsupported_tls_version(listener: &ListenerConf, release: super::Version) -> Option<Refusal> {
    let version = listener.tls_version.as_ref()?;
    // src/net.c: 1.6 dropped TLS 1.0, and brought 1.3.
    let old = version.value == "tlsv1" && !release.at_least(1, 6, 0);
    let known = old || matches!(version.value.as_str(), "tlsv1.1" | "tlsv1.2" | "tlsv1.3");
    if known || !listener.is_tls() || listener.protocol == Protocol::Websockets {
        return None;
    }
    Some(Refusal {
        place: version.place.clone(),
        message: format!("Unsupported tls_version \"{}\".", version.value),
    })
}

/// Whether the second of two listeners finds its address taken.
fn collide(earlier: &ListenerConf, later: &ListenerConf) -> bool {
    if earlier.port != later.port || later.port == 0 {
        return false;
    }
    match (address(earlier), address(later)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// The one address that a listener binds to; `None` for every address.
fn address(listener: &ListenerConf) -> Option<String> {
    let bind = listener.bind.as_deref()?;
    match bind {
        "0.0.0.0" | "::" => None,
        "localhost" => Some("127.0.0.1".to_owned()),
        other => Some(other.to_owned()),
    }
}

/// A bridge as everything else sees it.
pub(super) fn bridge_of(draft: BridgeDraft) -> Bridge {
    let string = |key: &str| draft.strings.get(key).cloned();
    let read = ["bridge_cafile", "bridge_capath", "bridge_certfile", "bridge_insecure", "bridge_tls_version"];
    let own = ["connection", "address", "addresses"];
    Bridge {
        cafile: string("bridge_cafile"),
        capath: string("bridge_capath"),
        certfile: string("bridge_certfile"),
        insecure: draft.bools.get("bridge_insecure").cloned(),
        tls_version: string("bridge_tls_version"),
        other: draft
            .lines
            .iter()
            .filter(|d| !read.contains(&d.keyword.as_str()) && !own.contains(&d.keyword.as_str()))
            .cloned()
            .collect(),
        name: draft.name,
        addresses: draft.addresses,
    }
}
