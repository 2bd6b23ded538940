//! Keywords of a listener.

use crate::mosquitto::Protocol;
use crate::mosquitto::keywords::Keyword;
use crate::mosquitto::lines::Line;
use crate::mosquitto::reader::Taken;
use crate::mosquitto::reader::{Draft, FileState, Reader};
use crate::mosquitto::topics;
use crate::mosquitto::values::{self, atoi, empty, invalid};
use crate::place::Place;

impl Reader<'_> {
    pub(super) fn listener(&mut self, state: &mut FileState, line: &Line<'_>) -> Taken {
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
        // A path that does not begin at the root is meant against `/`, where the image and Debian's service start it and
        // where its user may not write (measured on 2.0.11: exit 1).
        if let Some(path) = bind.as_ref().filter(|path| number == 0 && !path.starts_with('/')) {
            return Err(format!("Error binding unix socket {path}: Permission denied."));
        }
        let place = Place { file: state.file.clone(), line: line.number, span: span.into() };
        self.listeners.push(Draft::new(number, bind, place));
        state.listener = Some(self.listeners.len() - 1);
        Ok(())
    }

    pub(super) fn port(&mut self, state: &FileState, line: &Line<'_>, keyword: &Keyword) -> Taken {
        self.local_only = false;
        let (number, span) = values::int(line, keyword, self.version)?;
        values::check_range("port", number, self.version)?;
        self.default.port = number;
        self.default.place = Place { file: state.file.clone(), line: line.number, span: span.into() };
        Ok(())
    }

    pub(super) fn bind_address(&mut self, state: &FileState, line: &Line<'_>, keyword: &Keyword) -> Taken {
        self.local_only = false;
        if self.default.bind.is_some() {
            return Err(format!("Duplicate {} value in configuration.", keyword.called));
        }
        let value = self.text(state, line, keyword)?;
        self.default.bind = Some(value.value);
        if self.default.port == 0 {
            self.default.place = value.place;
        }
        Ok(())
    }

    pub(super) fn protocol(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
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

    pub(super) fn max_connections(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
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

    pub(super) fn socket_domain(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
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

    pub(super) fn mount_point(
        &mut self,
        state: &FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
    ) -> Taken {
        if self.listeners.is_empty() {
            return Err("You must use create a listener before using the mount_point option in the \
                        configuration file."
                .to_owned());
        }
        let value = self.text(state, line, keyword)?;
        if self.draft(state).strings.contains_key("mount_point") && !self.version.at_least(2, 1, 0) {
            return Err("Duplicate mount_point value in configuration.".to_owned());
        }
        if !topics::is_topic(&value.value) {
            let why = "Does it contain a wildcard character?";
            return Err(format!("Invalid mount_point '{}'. {why}", value.value));
        }
        self.draft(state).strings.insert("mount_point", value);
        Ok(())
    }

    pub(super) fn tls_keyform(
        &mut self,
        state: &FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
    ) -> Taken {
        let value = self.text(state, line, keyword)?;
        let draft = self.draft(state);
        draft.wanted |= value.value == "engine";
        draft.strings.insert("tls_keyform", value);
        Ok(())
    }

    pub(super) fn tls_engine_kpass(
        &mut self,
        state: &FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
    ) -> Taken {
        let value = self.text(state, line, keyword)?;
        if value.value.len() != 40 || !value.value.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid(keyword.name, &value.value, self.version));
        }
        self.draft(state).strings.insert(keyword.name, value);
        Ok(())
    }
}
