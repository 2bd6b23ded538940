//! Keywords with a reader of their own.

use super::keywords::Keyword;
use super::lines::Line;
use super::reader::{BridgeDraft, Draft, FileState, Reader, Taken};
use super::topics;
use super::values::{self, atoi, empty, invalid};
use super::{Directive, Protocol};
use crate::place::{Located, Place};

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

    fn listener(&mut self, state: &mut FileState, line: &Line<'_>) -> Taken {
        self.local_only = false;
        let mut words = line.words();
        let Some((port, span)) = words.next() else {
            let name = if self.version.at_least(2, 1, 0) { "listener port" } else { "listener" };
            return Err(empty(name, self.version));
        };
        let number = atoi(port);
        if !(0..=65535).contains(&number) {
            let name = if self.version.at_least(2, 1, 0) { "'port'" } else { "port" };
            return Err(format!("Invalid {name} value ({number})."));
        }
        let bind = words.next().filter(|(word, _)| !word.starts_with(b"#"));
        if number == 0 && bind.is_none() {
            return Err("A listener with port 0 must provide a Unix socket path.".to_owned());
        }
        let bind = bind.map(|(word, _)| String::from_utf8_lossy(word).into_owned());
        let place = Place { file: state.file.clone(), line: line.number, span: span.into() };
        self.listeners.push(Draft::new(number, bind, place));
        state.listener = Some(self.listeners.len() - 1);
        Ok(())
    }

    fn port(&mut self, state: &FileState, line: &Line<'_>, keyword: &Keyword) -> Taken {
        self.local_only = false;
        let (number, span) = values::int(line, keyword, self.version)?;
        values::check_range("port", number, self.version)?;
        self.default.port = number;
        self.default.place = Place { file: state.file.clone(), line: line.number, span: span.into() };
        Ok(())
    }

    fn bind_address(&mut self, state: &FileState, line: &Line<'_>, keyword: &Keyword) -> Taken {
        self.local_only = false;
        if self.default.bind.is_some() {
            return Err(format!("Duplicate {} value in configuration.", keyword.called));
        }
        let read = values::string(line, keyword, self.version)?;
        let value = self.located(state, line, read);
        self.default.bind = Some(value.value);
        if self.default.port == 0 {
            self.default.place = value.place;
        }
        Ok(())
    }

    fn protocol(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
        let version = self.version;
        let protocol = match line.words().next() {
            Some((b"mqtt", _)) => Protocol::Mqtt,
            Some((b"websockets", _)) => Protocol::Websockets,
            Some((b"http_api", _)) if version.at_least(2, 1, 0) => Protocol::Websockets,
            Some((other, _)) => return Err(invalid("protocol", String::from_utf8_lossy(other), version)),
            // 2.0 complains and goes on.
            None if !version.at_least(2, 1, 0) => return Ok(()),
            None => return Err(empty("protocol", version)),
        };
        self.draft(state).protocol = protocol;
        Ok(())
    }

    fn max_connections(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
        let version = self.version;
        match line.words().next() {
            Some((word, _)) => {
                let number = i64::from(atoi(word)).max(-1);
                let draft = self.draft(state);
                draft.max_connections = number;
                draft.wanted |= number != -1;
                Ok(())
            }
            None if !version.at_least(2, 1, 0) => Ok(()),
            None => Err(empty("max_connections", version)),
        }
    }

    fn max_topic_alias(&self, line: &Line<'_>) -> Taken {
        match line.words().next() {
            None => Err(empty("max_topic_alias", self.version)),
            Some((word, _)) if (0..=65535).contains(&atoi(word)) => Ok(()),
            Some(_) => Err("Invalid max_topic_alias value in configuration.".to_owned()),
        }
    }

    fn socket_domain(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
        match line.words().next() {
            Some((b"ipv4" | b"ipv6", _)) => {
                self.draft(state).wanted = true;
                Ok(())
            }
            Some((other, _)) => Err(format!(
                "Invalid socket_domain value \"{}\" in configuration.",
                String::from_utf8_lossy(other)
            )),
            None => Err(empty("socket_domain", self.version)),
        }
    }

    fn mount_point(&mut self, state: &FileState, line: &Line<'_>, keyword: &'static Keyword) -> Taken {
        if self.listeners.is_empty() {
            return Err("You must use create a listener before using the mount_point option in the \
                        configuration file."
                .to_owned());
        }
        let (text, span) = values::string(line, keyword, self.version)?;
        if self.draft(state).strings.contains_key("mount_point") && !self.version.at_least(2, 1, 0) {
            return Err("Duplicate mount_point value in configuration.".to_owned());
        }
        if !topics::is_topic(&text) {
            return Err(format!("Invalid mount_point '{text}'. Does it contain a wildcard character?"));
        }
        let value = self.located(state, line, (text, span));
        self.draft(state).strings.insert("mount_point", value);
        Ok(())
    }

    fn tls_keyform(&mut self, state: &FileState, line: &Line<'_>, keyword: &'static Keyword) -> Taken {
        let read = values::string(line, keyword, self.version)?;
        let value = self.located(state, line, read);
        let draft = self.draft(state);
        draft.wanted |= value.value == "engine";
        draft.strings.insert("tls_keyform", value);
        Ok(())
    }

    fn tls_engine_kpass(&mut self, state: &FileState, line: &Line<'_>, keyword: &'static Keyword) -> Taken {
        let read = values::string(line, keyword, self.version)?;
        let value = self.located(state, line, read);
        if value.value.len() != 40 || !value.value.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid(keyword.name, &value.value, self.version));
        }
        self.draft(state).strings.insert(keyword.name, value);
        Ok(())
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

    fn plugin(&mut self, state: &mut FileState, line: &Line<'_>, keyword: &'static Keyword) -> Taken {
        state.plugin = true;
        let read = values::string(line, keyword, self.version)?;
        let value = self.located(state, line, read);
        if keyword.name == "global_plugin" {
            self.security_seen = true;
            self.global.plugins.push(value);
        } else {
            self.security(state).plugins.push(value);
        }
        Ok(())
    }

    fn plugin_load(&mut self, state: &mut FileState, line: &Line<'_>) -> Taken {
        let mut words = line.words();
        match (words.next(), words.next()) {
            (None, _) => Err(empty("plugin_load", self.version)),
            (Some((name, _)), None) => {
                Err(format!("Missing plugin path for plugin name '{}'.", String::from_utf8_lossy(name)))
            }
            _ => {
                state.plugin = true;
                Ok(())
            }
        }
    }

    fn plugin_use(&mut self, state: &mut FileState, line: &Line<'_>, keyword: &'static Keyword) -> Taken {
        let read = values::string(line, keyword, self.version)?;
        let value = self.located(state, line, read);
        state.plugin = true;
        self.draft(state).security.plugins.push(value);
        Ok(())
    }

    fn plugin_bool(&self, state: &FileState, line: &Line<'_>, keyword: &Keyword) -> Taken {
        if !state.plugin {
            let what = if self.version.at_least(2, 1, 0) { "a plugin" } else { "an auth_plugin" };
            return Err(format!(
                "An auth_plugin_deny_special_chars option exists in the config file without {what}."
            ));
        }
        values::boolean(line, keyword, self.version).map(|_| ())
    }

    fn plugin_option(&self, state: &FileState, line: &Line<'_>) -> Taken {
        let keyword = String::from_utf8_lossy(line.keyword);
        if !state.plugin {
            return if self.version.at_least(2, 1, 0) {
                Err(format!(
                    "The '{keyword}' option requires plugin/global_plugin/plugin_load to be defined first."
                ))
            } else {
                Err("An auth_opt_ option exists in the config file without an auth_plugin.".to_owned())
            };
        }
        let key = keyword.trim_start_matches("auth_opt_").trim_start_matches("plugin_opt_");
        if key.len() < 3 {
            return Err("Invalid auth_opt_ config option.".to_owned());
        }
        if line.trimmed().is_none_or(|(text, _)| text.is_empty()) {
            return Err(empty(key, self.version));
        }
        Ok(())
    }

    fn connection(&mut self, state: &mut FileState, line: &Line<'_>) -> Taken {
        let Some((word, span)) = line.words().next() else { return Err(empty("connection", self.version)) };
        let name = String::from_utf8_lossy(word).into_owned();
        if self.bridges.iter().any(|b| b.name.value == name) {
            return Err(format!("Duplicate bridge name \"{name}\"."));
        }
        let name = self.located(state, line, (name, span));
        self.bridges.push(BridgeDraft {
            name,
            addresses: Vec::new(),
            strings: Default::default(),
            bools: Default::default(),
            topics: 0,
            lines: Vec::<Directive>::new(),
        });
        state.bridge = Some(self.bridges.len() - 1);
        Ok(())
    }

    fn addresses(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
        let version = self.version;
        let words: Vec<Located<String>> = line
            .words()
            .take_while(|(word, _)| !word.starts_with(b"#"))
            .map(|(word, span)| self.located(state, line, (String::from_utf8_lossy(word).into_owned(), span)))
            .collect();
        let Some(bridge) = state.bridge.and_then(|b| self.bridges.get_mut(b)) else { return Ok(()) };
        if !bridge.addresses.is_empty() {
            return Err(if version.at_least(2, 1, 0) {
                "Invalid bridge configuration, 'address' only allowed once.".to_owned()
            } else {
                "Invalid bridge configuration.".to_owned()
            });
        }
        for address in &words {
            if let Some((_, port)) = address.value.rsplit_once(':') {
                let number = atoi(port.as_bytes());
                if !(1..=65535).contains(&number) {
                    return Err(format!("Invalid port value ({number})."));
                }
            }
        }
        if words.is_empty() {
            return Err(empty("address", version));
        }
        bridge.addresses = words;
        Ok(())
    }

    fn topic(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
        let words: Vec<String> = line.words().map(|(w, _)| String::from_utf8_lossy(w).into_owned()).collect();
        bridge_topic(&words, self.version)?;
        if let Some(bridge) = state.bridge.and_then(|b| self.bridges.get_mut(b)) {
            bridge.topics += 1;
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

    fn start_type(&self, line: &Line<'_>) -> Taken {
        match line.words().next() {
            Some((b"automatic" | b"lazy" | b"once", _)) => Ok(()),
            Some((b"manual", _)) => Err("Manual start_type not supported.".to_owned()),
            Some((other, _)) => Err(format!(
                "Invalid start_type value in configuration ({}).",
                String::from_utf8_lossy(other)
            )),
            None => Err(empty("start_type", self.version)),
        }
    }

    fn restart_timeout(&self, line: &Line<'_>) -> Taken {
        let mut words = line.words().map(|(word, _)| atoi(word));
        let Some(base) = words.next() else { return Err(empty("restart_timeout", self.version)) };
        match words.next() {
            Some(cap) if cap < base.max(1) => {
                Err("backoff cap is lower than the base in restart_timeout.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn tcp_keepalive(&self, line: &Line<'_>) -> Taken {
        let numbers: Vec<i32> = line.words().map(|(word, _)| atoi(word)).collect();
        for (at, what) in ["idle", "interval", "counter"].into_iter().enumerate() {
            match numbers.get(at) {
                None => return Err(empty(&format!("bridge_tcp_keepalive_{what}"), self.version)),
                Some(n) if *n <= 0 => return Err(format!("invalid TCP keepalive {what} value.")),
                Some(_) => {}
            }
        }
        Ok(())
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

/// `topic PATTERN [out|in|both [QOS [LOCAL-PREFIX [REMOTE-PREFIX]]]]`.
fn bridge_topic(words: &[String], version: super::Version) -> Taken {
    let Some(pattern) = words.first() else { return Err(empty("topic", version)) };
    if let Some(direction) = words.get(1)
        && !["out", "in", "both"].iter().any(|d| direction.eq_ignore_ascii_case(d))
    {
        return Err(format!("Invalid bridge topic direction '{direction}'."));
    }
    if let Some(qos) = words.get(2) {
        let number = atoi(qos.as_bytes()) as u8;
        if number > 2 {
            return Err(format!("Invalid bridge QoS level '{qos}'."));
        }
    }
    // A `#` where the QoS or the local prefix belongs ends the line.
    let ended = words.get(2).is_some_and(|w| w.starts_with('#'));
    let prefix = |at: usize| words.get(at).filter(|w| *w != "\"\"" && !w.starts_with('#') && !ended);
    let local = prefix(3);
    let remote = prefix(4).filter(|_| words.get(3).is_none_or(|w| !w.starts_with('#')));
    for (which, text) in [("local", local), ("remote", remote)] {
        if let Some(text) = text
            && !topics::is_topic(text)
        {
            return Err(format!("Invalid bridge topic {which} prefix '{text}'."));
        }
    }
    let is_empty = pattern == "\"\"";
    if is_empty && (local.is_none() || remote.is_none()) {
        return Err("Invalid bridge remapping.".to_owned());
    }
    for prefix in [local, remote].into_iter().flatten() {
        let whole = if is_empty { prefix.clone() } else { format!("{prefix}{pattern}") };
        if !topics::is_filter(&whole) {
            return Err(format!("Invalid bridge topic local prefix and pattern combination '{whole}'."));
        }
    }
    Ok(())
}
