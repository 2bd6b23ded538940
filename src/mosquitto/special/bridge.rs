//! Keywords of a bridge.

use crate::mosquitto::lines::Line;
use crate::mosquitto::reader::Taken;
use crate::mosquitto::reader::{BridgeDraft, FileState, Reader};
use crate::mosquitto::values::{atoi, empty};
use crate::mosquitto::{Directive, Version, topics};
use crate::place::Located;

impl Reader<'_> {
    pub(super) fn connection(&mut self, state: &mut FileState, line: &Line<'_>) -> Taken {
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

    pub(super) fn addresses(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
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

    pub(super) fn topic(&mut self, state: &FileState, line: &Line<'_>) -> Taken {
        let words: Vec<String> = line.words().map(|(w, _)| String::from_utf8_lossy(w).into_owned()).collect();
        bridge_topic(&words, self.version)?;
        if let Some(bridge) = state.bridge.and_then(|b| self.bridges.get_mut(b)) {
            bridge.topics += 1;
        }
        Ok(())
    }

    pub(super) fn start_type(&self, line: &Line<'_>) -> Taken {
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

    pub(super) fn restart_timeout(&self, line: &Line<'_>) -> Taken {
        let mut words = line.words().map(|(word, _)| atoi(word));
        let Some(base) = words.next() else { return Err(empty("restart_timeout", self.version)) };
        match words.next() {
            Some(cap) if cap < base.max(1) => {
                Err("backoff cap is lower than the base in restart_timeout.".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn tcp_keepalive(&self, line: &Line<'_>) -> Taken {
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

/// `topic PATTERN [out|in|both [QOS [LOCAL-PREFIX [REMOTE-PREFIX]]]]`.
fn bridge_topic(words: &[String], version: Version) -> Taken {
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
