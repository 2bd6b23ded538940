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
        let mut ids = Self::default();
        let all = whole.directives.iter().filter(|_| !whole.per_listener_settings);
        let its_own = whole.of_listener(own).filter(|_| whole.per_listener_settings);
        for d in all.chain(its_own) {
            match d.keyword.as_str() {
                "allow_zero_length_clientid" => ids.may_be_empty = d.value != "false",
                "auto_id_prefix" => ids.prefix.clone_from(&d.value),
                _ => {}
            }
        }
        if let Some(d) = whole.directives.iter().rfind(|d| d.keyword == "clientid_prefixes") {
            ids.required.clone_from(&d.value);
        }
        ids
    }
}
