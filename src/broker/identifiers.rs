//! What a listener makes of client identifiers (mosquitto.conf(5)).

use crate::mosquitto::{ListenerConf, MosquittoConf};

/// What a listener makes of client identifiers.
#[derive(Debug, Clone)]
pub(super) struct Identifiers {
    /// `allow_zero_length_clientid`.
    pub may_be_empty: bool,
    /// `auto_id_prefix`.
    pub prefix: String,
    /// `clientid_prefixes`: with what all must begin.
    pub required: String,
}

impl Default for Identifiers {
    fn default() -> Self {
        Self { may_be_empty: true, prefix: "auto-".into(), required: String::new() }
    }
}

impl Identifiers {
    /// The lines in force on a listener: its own, or all where `per_listener_settings` is off; of two the last counts.
    pub(super) fn of(whole: &MosquittoConf, own: &ListenerConf) -> Self {
        let is_own = |d: &crate::mosquitto::Directive| {
            d.keyword == "listener" && d.place.line == own.place.line && d.place.file == own.place.file
        };
        let declared = whole.directives.iter().any(is_own);
        let mut ids = Self::default();
        // Lines before the first listener are the default listener's.
        let mut behind_own = !declared;
        for d in &whole.directives {
            if d.keyword == "listener" {
                behind_own = is_own(d);
            }
            match d.keyword.as_str() {
                "clientid_prefixes" => ids.required.clone_from(&d.value),
                _ if whole.per_listener_settings && !behind_own => {}
                "allow_zero_length_clientid" => ids.may_be_empty = d.value != "false",
                "auto_id_prefix" => ids.prefix.clone_from(&d.value),
                _ => {}
            }
        }
        ids
    }
}
