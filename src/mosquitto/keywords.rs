//! Every keyword of Mosquitto 2.0 and 2.1: what it takes, and what it belongs to.

use super::version::Version;

/// What a keyword belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole broker.
    Global,
    /// The broker, or with `per_listener_settings true` the listener above it.
    Security,
    /// The listener above it, or the default listener.
    Listener,
    /// The `connection` above it in the same file.
    Bridge,
    /// The `plugin` above it in the same file.
    Plugin,
}

/// What a keyword takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `true`, `1`, `false`, `0`; what follows is not looked at.
    Bool,
    /// A number (2.0: as `atoi` reads it); what follows is not looked at.
    Int,
    /// The rest of the line, once.
    Str,
    /// One of the readers of its own in `reader.rs`.
    Special,
    /// Taken and ignored.
    Ignored,
}

/// One keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword {
    /// As it is written.
    pub name: &'static str,
    /// What it belongs to.
    pub scope: Scope,
    /// What it takes.
    pub kind: Kind,
    /// The first release of 2.0 or later that knows it.
    pub since: Version,
    /// How Mosquitto calls it in its complaints.
    pub called: &'static str,
    /// From 2.1 on a second line replaces the first, where 2.0 refuses.
    pub replaces_in_2_1: bool,
    /// From 2.1 on it needs a `listener` line above it.
    pub needs_listener_in_2_1: bool,
}

impl Keyword {
    const fn called(mut self, called: &'static str) -> Self {
        self.called = called;
        self
    }

    const fn since(mut self, major: u16, minor: u16, patch: u16) -> Self {
        self.since = Version::new(major, minor, patch);
        self
    }

    const fn replaces(mut self) -> Self {
        self.replaces_in_2_1 = true;
        self
    }

    const fn needs_listener(mut self) -> Self {
        self.needs_listener_in_2_1 = true;
        self
    }
}

const fn key(name: &'static str, scope: Scope, kind: Kind) -> Keyword {
    Keyword {
        name,
        scope,
        kind,
        since: Version::new(0, 0, 0),
        called: name,
        replaces_in_2_1: false,
        needs_listener_in_2_1: false,
    }
}

/// The keyword of that name, or the two families `auth_opt_…` and `plugin_opt_…`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Keyword> {
    let family = ["auth_opt_", "plugin_opt_"].into_iter().find(|f| name.starts_with(f));
    let name = family.unwrap_or(name);
    KEYWORDS.iter().find(|k| k.name == name)
}

use Kind::{Bool, Ignored, Int, Special, Str};
use Scope::{Bridge, Global, Listener, Plugin, Security};

/// All of them (mosquitto.conf(5) and the behaviour of 2.0.11, 2.0.22 and 2.1.2).
pub const KEYWORDS: &[Keyword] = &[
    key("accept_protocol_versions", Listener, Special).since(2, 1, 0).needs_listener(),
    key("acl_file", Security, Str).replaces(),
    key("address", Bridge, Special),
    key("addresses", Bridge, Special),
    key("allow_anonymous", Security, Bool),
    key("allow_duplicate_messages", Global, Bool),
    key("allow_zero_length_clientid", Security, Bool),
    key("auth_opt_", Plugin, Special),
    key("auth_plugin", Security, Special).called("auth_plugin"),
    key("auth_plugin_deny_special_chars", Plugin, Special),
    key("auto_id_prefix", Security, Str),
    key("autosave_interval", Global, Int),
    key("autosave_on_changes", Global, Bool),
    key("bind_address", Listener, Special).called("default listener bind_address"),
    key("bind_interface", Listener, Str),
    key("bridge_alpn", Bridge, Str),
    key("bridge_attempt_unsubscribe", Bridge, Bool),
    key("bridge_bind_address", Bridge, Str),
    key("bridge_cafile", Bridge, Str),
    key("bridge_capath", Bridge, Str),
    key("bridge_certfile", Bridge, Str),
    key("bridge_ciphers", Bridge, Str).since(2, 1, 0),
    key("bridge_ciphers_tls1.3", Bridge, Str).since(2, 1, 0),
    key("bridge_identity", Bridge, Str),
    key("bridge_insecure", Bridge, Bool),
    key("bridge_keyfile", Bridge, Str).replaces(),
    key("bridge_max_packet_size", Bridge, Int),
    key("bridge_max_topic_alias", Bridge, Int).since(2, 1, 0),
    key("bridge_outgoing_retain", Bridge, Bool),
    key("bridge_protocol_version", Bridge, Special),
    key("bridge_psk", Bridge, Str),
    key("bridge_receive_maximum", Bridge, Int).since(2, 1, 0),
    key("bridge_reload_type", Bridge, Special).since(2, 1, 0),
    key("bridge_require_ocsp", Bridge, Bool),
    key("bridge_session_expiry_interval", Bridge, Int).since(2, 1, 0),
    key("bridge_tcp_keepalive", Bridge, Special).since(2, 1, 0),
    key("bridge_tcp_user_timeout", Bridge, Int).since(2, 1, 0),
    key("bridge_tls_use_os_certs", Bridge, Bool).since(2, 1, 0),
    key("bridge_tls_version", Bridge, Str),
    key("cafile", Listener, Str).replaces().needs_listener(),
    key("capath", Listener, Str).replaces(),
    key("certfile", Listener, Str).replaces(),
    key("check_retain_source", Security, Bool),
    key("ciphers", Listener, Str).replaces(),
    key("ciphers_tls1.3", Listener, Str).replaces(),
    key("cleansession", Bridge, Bool),
    key("clientid", Bridge, Str).called("bridge remote clientid"),
    key("clientid_prefixes", Global, Str).replaces(),
    key("connection", Bridge, Special),
    key("connection_messages", Global, Bool),
    key("crlfile", Listener, Str).replaces(),
    key("dhparamfile", Listener, Str).replaces(),
    key("disable_client_cert_date_checks", Listener, Bool).since(2, 1, 0).needs_listener(),
    key("enable_control_api", Global, Bool).since(2, 1, 0),
    key("enable_proxy_protocol", Listener, Int).since(2, 1, 0).needs_listener(),
    key("global_max_clients", Global, Int).since(2, 1, 0),
    key("global_max_connections", Global, Int).since(2, 1, 0),
    key("global_plugin", Global, Special).since(2, 1, 0),
    key("http_dir", Listener, Str).needs_listener(),
    key("idle_timeout", Bridge, Int),
    key("include_dir", Global, Special),
    key("keepalive_interval", Bridge, Int),
    key("keyfile", Listener, Str).replaces(),
    key("listener", Listener, Special),
    key("listener_allow_anonymous", Listener, Bool).since(2, 1, 0).needs_listener(),
    key("listener_auto_id_prefix", Listener, Str).since(2, 1, 0).needs_listener(),
    key("local_cleansession", Bridge, Bool),
    key("local_clientid", Bridge, Str).called("bridge local clientd"),
    key("local_password", Bridge, Str).called("bridge local_password"),
    key("local_username", Bridge, Str).called("bridge local_username"),
    key("log_dest", Global, Special),
    key("log_facility", Global, Int),
    key("log_timestamp", Global, Bool),
    key("log_timestamp_format", Global, Str),
    key("log_type", Global, Special),
    key("max_connections", Listener, Special),
    key("max_inflight_bytes", Global, Int),
    key("max_inflight_messages", Global, Int),
    key("max_keepalive", Global, Int),
    key("max_packet_size", Global, Int),
    key("max_qos", Listener, Int),
    key("max_queued_bytes", Global, Int),
    key("max_queued_messages", Global, Int),
    key("max_topic_alias", Listener, Special).needs_listener(),
    key("max_topic_alias_broker", Listener, Int).since(2, 1, 0).needs_listener(),
    key("maximum_qos", Listener, Int),
    key("memory_limit", Global, Int),
    key("message_size_limit", Global, Int),
    key("mount_point", Listener, Special).replaces().needs_listener(),
    key("notification_topic", Bridge, Str),
    key("notifications", Bridge, Bool),
    key("notifications_local_only", Bridge, Bool),
    key("packet_buffer_size", Global, Int).since(2, 1, 0),
    key("password", Bridge, Str).called("bridge remote_password"),
    key("password_file", Security, Str).replaces(),
    key("per_listener_settings", Global, Special),
    key("persistence", Global, Bool),
    key("persistence_file", Global, Str),
    key("persistence_location", Global, Str),
    key("persistent_client_expiration", Global, Special),
    key("pid_file", Global, Str),
    key("plugin", Security, Special).called("auth_plugin"),
    key("plugin_load", Global, Special).since(2, 1, 0),
    key("plugin_opt_", Plugin, Special),
    key("plugin_use", Listener, Special).since(2, 1, 0).needs_listener(),
    key("port", Listener, Special),
    key("protocol", Listener, Special),
    key("proxy_protocol_v2_require_tls", Listener, Bool).since(2, 1, 0).needs_listener(),
    key("psk_file", Security, Str).replaces(),
    key("psk_hint", Listener, Str),
    key("queue_qos0_messages", Global, Bool),
    key("remote_clientid", Bridge, Str).called("bridge remote clientid"),
    key("remote_password", Bridge, Str).called("bridge remote_password"),
    key("remote_username", Bridge, Str).called("bridge remote_username"),
    key("require_certificate", Listener, Bool),
    key("restart_timeout", Bridge, Special),
    key("retain_available", Global, Bool),
    key("retain_expiry_interval", Global, Int).since(2, 0, 21),
    key("retained_persistence", Global, Bool),
    key("retry_interval", Global, Ignored),
    key("round_robin", Bridge, Bool),
    key("set_tcp_nodelay", Global, Bool),
    key("socket_domain", Listener, Special),
    key("start_type", Bridge, Special),
    key("sys_interval", Global, Int),
    key("threshold", Bridge, Int),
    key("tls_engine", Listener, Str),
    key("tls_engine_kpass_sha1", Listener, Special),
    key("tls_keyform", Listener, Special),
    key("tls_version", Listener, Str).needs_listener(),
    key("topic", Bridge, Special),
    key("try_private", Bridge, Bool),
    key("upgrade_outgoing_qos", Global, Bool),
    key("use_identity_as_username", Listener, Bool),
    key("use_subject_as_username", Listener, Bool),
    key("use_username_as_clientid", Listener, Bool),
    key("user", Global, Str).replaces(),
    key("username", Bridge, Str).called("bridge remote_username"),
    key("websockets_headers_size", Global, Int),
    key("websockets_log_level", Global, Int),
    key("websockets_origin", Listener, Special).since(2, 1, 0).needs_listener(),
];
