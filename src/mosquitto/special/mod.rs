//! Keywords with a reader of their own.

mod bridge;
mod listener;
mod plugins;

use super::keywords::Keyword;
use super::lines::Line;
use super::reader::{FileState, Reader, Taken};
use super::values::{self, atoi, empty, invalid};

impl Reader<'_> {
    pub(super) fn special(
        &mut self,
        state: &mut FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
    ) -> Taken {
        match keyword.name {
            "listener" => self.listener(state, line),
            "port" => self.port(state, line, keyword),
            "bind_address" => self.bind_address(state, line, keyword),
            "protocol" => self.protocol(state, line),
            "max_connections" => self.max_connections(state, line),
            "max_topic_alias" => self.max_topic_alias(line),
            "socket_domain" => self.socket_domain(state, line),
            "mount_point" => self.mount_point(state, line, keyword),
            "tls_keyform" => self.tls_keyform(state, line, keyword),
            "tls_engine_kpass_sha1" => self.tls_engine_kpass(state, line, keyword),
            "per_listener_settings" => self.per_listener_settings(line, keyword),
            "include_dir" => self.include_dir(state, line),
            "log_dest" => self.log_dest(line),
            "log_type" => self.log_type(line),
            "persistent_client_expiration" => self.expiration(line),
            "plugin" | "auth_plugin" | "global_plugin" => self.plugin(state, line, keyword),
            "plugin_load" => self.plugin_load(state, line),
            "plugin_use" => self.plugin_use(state, line, keyword),
            "auth_plugin_deny_special_chars" => self.plugin_bool(state, line, keyword),
            "auth_opt_" | "plugin_opt_" => self.plugin_option(state, line),
            "connection" => self.connection(state, line),
            "address" | "addresses" => self.addresses(state, line),
            "topic" => self.topic(state, line),
            "bridge_protocol_version" => self.one_of(line, "bridge_protocol_version", BRIDGE_VERSIONS),
            "bridge_reload_type" => self.one_of(line, "bridge_reload_type", &["lazy", "immediate"]),
            "start_type" => self.start_type(line),
            "restart_timeout" => self.restart_timeout(line),
            "bridge_tcp_keepalive" => self.tcp_keepalive(line),
            "accept_protocol_versions" => match line.words().next() {
                Some(_) => Ok(()),
                None => Err(empty(keyword.name, self.version)),
            },
            "websockets_origin" => values::string(line, keyword, self.version).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn max_topic_alias(&self, line: &Line<'_>) -> Taken {
        match line.words().next() {
            None => Err(empty("max_topic_alias", self.version)),
            Some((word, _)) if (0..=65535).contains(&atoi(word)) => Ok(()),
            Some(_) => Err("Invalid max_topic_alias value in configuration.".to_owned()),
        }
    }

    fn per_listener_settings(&mut self, line: &Line<'_>, keyword: &Keyword) -> Taken {
        if self.version.at_least(2, 1, 0) && self.per_listener {
            return Ok(());
        }
        let (value, _) = values::boolean(line, keyword, self.version)?;
        self.per_listener = value;
        if value && self.security_seen {
            return Err("per_listener_settings must be set before any other security settings.".to_owned());
        }
        Ok(())
    }

    /// The folder's `*.conf`, in the order of their names without regard to case; a nested one is left out (2.0) or
    /// refused (2.1).
    fn include_dir(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
        if state.nested {
            return if self.version.at_least(2, 1, 0) {
                Err("The include_dir option is only valid in the main configuration file.".to_owned())
            } else {
                Ok(())
            };
        }
        let Some(rest) = line.rest else { return Err(empty("include_dir", self.version)) };
        let named = String::from_utf8_lossy(rest).into_owned();
        let Some(dir) = (self.resolve)(&named) else {
            self.unread.push((named, "it cannot be seen from here".to_owned()));
            return Ok(());
        };
        let names = match self.tree.list(&dir) {
            Ok(names) => names,
            Err(error) => {
                self.unread.push((named, error.to_string()));
                return Ok(());
            }
        };
        let mut names: Vec<String> =
            names.into_iter().filter(|n| n.len() > 5 && n.ends_with(".conf")).collect();
        names.sort_by_cached_key(|n| n.bytes().map(|b| (b.to_ascii_uppercase(), b)).collect::<Vec<_>>());
        for name in names {
            self.file(&dir.join(name), true);
        }
        Ok(())
    }

    fn log_dest(&mut self, line: &Line<'_>) -> Taken {
        let mut words = line.words();
        match words.next() {
            None => Err(empty("log_dest", self.version)),
            Some((b"none" | b"syslog" | b"stdout" | b"stderr" | b"topic" | b"dlt", _)) => Ok(()),
            Some((b"file", _)) if self.log_file => Err("Duplicate \"log_dest file\" value.".to_owned()),
            Some((b"file", _)) if words.next().is_none() => {
                Err("Empty \"log_dest file\" value in configuration.".to_owned())
            }
            Some((b"file", _)) => {
                self.log_file = true;
                Ok(())
            }
            Some((other, _)) => Err(invalid("log_dest", String::from_utf8_lossy(other), self.version)),
        }
    }

    fn log_type(&self, line: &Line<'_>) -> Taken {
        match line.words().next() {
            Some((word, _)) => {
                let word = String::from_utf8_lossy(word);
                if LOG_TYPES.contains(&word.as_ref()) {
                    Ok(())
                } else {
                    Err(invalid("log_type", word, self.version))
                }
            }
            None if !self.version.at_least(2, 1, 0) => Ok(()),
            None => Err(empty("log_type", self.version)),
        }
    }

    fn expiration(&self, line: &Line<'_>) -> Taken {
        let bad = || Err("Invalid persistent_client_expiration duration in configuration.".to_owned());
        let Some((word, _)) = line.words().next() else {
            return if self.version.at_least(2, 1, 0) {
                Err(empty("persistent_client_expiration", self.version))
            } else {
                Ok(())
            };
        };
        let Some((unit, number)) = word.split_last() else { return bad() };
        let seconds = self.version.at_least(2, 1, 0) && *unit == b's';
        if !seconds && !matches!(unit, b'h' | b'd' | b'w' | b'm' | b'y') || atoi(number) <= 0 {
            return bad();
        }
        Ok(())
    }

    fn one_of(&self, line: &Line<'_>, name: &str, allowed: &[&str]) -> Taken {
        let text = line.rest.map(|r| String::from_utf8_lossy(r).into_owned());
        match text {
            None => Err(empty(name, self.version)),
            Some(text) if allowed.contains(&text.as_str()) => Ok(()),
            Some(text) => Err(invalid(name, text, self.version)),
        }
    }
}

const BRIDGE_VERSIONS: &[&str] = &["mqttv31", "mqttv311", "mqttv50"];

const LOG_TYPES: &[&str] = &[
    "none",
    "information",
    "notice",
    "warning",
    "error",
    "debug",
    "subscribe",
    "unsubscribe",
    "internal",
    "websockets",
    "all",
];
