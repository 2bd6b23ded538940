//! CONNECT: who it is, whether it gets in, and which session is its own, in the order and with the answers of
//! Mosquitto 2.0 (`handle__connect`).

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::mqtt::packet::Connect;
use crate::mqtt::{Properties, Property, Version, encode, property};

use super::access::Identity;
use super::core::{Core, End, session_weight};
use super::message::{Message, Passing};
use super::packets::{BROUGHT, MAX_ALIAS, mounted};
use super::session::{Session, Will};

impl Core {
    pub(super) fn connect(&mut self, key: usize, c: &Connect<'_>, now: Instant) -> Result<(), End> {
        let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
        conn.version = c.version;
        let (v5, listener, peer) = (c.version == Version::V5, conn.listener, conn.peer);
        let refuse = |core: &mut Self, v3: u8, reason: u8, end: End| {
            if let Some(conn) = core.conns.get_mut(&key) {
                let code = if v5 { reason } else { v3 };
                encode::connack(&mut conn.out, c.version, false, code, &Properties::default());
            }
            Err(end)
        };
        if c.properties.text(property::AUTH_METHOD).is_some() {
            return refuse(self, 0, 0x8c, End::NotSupported);
        }
        let mut id: Rc<str> = Rc::from(c.client_id);
        let assigned = id.is_empty();
        let ids = self.policies.get(listener).map(|p| p.ids.clone()).unwrap_or_default();
        if assigned {
            if !ids.may_be_empty {
                return refuse(self, 2, 0x80, End::Protocol);
            }
            id = self.auto_id(&ids.prefix);
        }
        if !id.starts_with(&ids.required) {
            return refuse(self, 5, 0x87, End::NotAuthorised);
        }
        // Sessions that outlive their connections must not take everything: who comes back still gets in.
        let outlives = match c.version {
            Version::V5 => c.properties.four(property::SESSION_EXPIRY).unwrap_or(0) > 0,
            _ => !c.clean,
        };
        let will = c.will.as_ref().map_or(0, |w| w.topic.len() + w.payload.len() + 160);
        let brought = will + c.username.map_or(0, str::len);
        let new = !self.by_id.contains_key(&id) && (outlives || id.len() > BROUGHT);
        let weight = brought + session_weight(&id);
        if (new || brought > BROUGHT) && self.held + weight > self.limits.held {
            return refuse(self, 3, 0x97, End::NotSupported);
        }
        let policy = self.policies.get(listener).cloned().unwrap_or_default();
        let identity = if policy.certificate_names_user {
            match self.conns.get(&key).and_then(|c| c.certificate_name.clone()) {
                Some(name) => Identity::User(Some(name)),
                None => return refuse(self, 4, 0x86, End::NotAuthorised),
            }
        } else {
            match self.login(listener, c.username, c.password) {
                Some(identity) => identity,
                None => return refuse(self, 5, 0x87, End::NotAuthorised),
            }
        };
        let (user, unrestricted) = match identity {
            Identity::User(u) => (u, false),
            Identity::Unrestricted(u) => (Some(u), true),
        };
        if policy.username_as_client_id {
            match &user {
                Some(u) => id = Rc::from(u.as_str()),
                None => return refuse(self, 5, 0x87, End::NotAuthorised),
            }
        }
        let expiry = match c.version {
            Version::V5 => c.properties.four(property::SESSION_EXPIRY).unwrap_or(0),
            _ if c.clean => 0,
            _ => u32::MAX,
        };
        let mut present = false;
        let mut number = None;
        if let Some(&old) = self.by_id.get(&id) {
            if let Some(previous) = self.sessions.get(&old).and_then(|s| s.conn) {
                if let Some(p) = self.conns.get_mut(&previous)
                    && p.version == Version::V5
                {
                    encode::disconnect(&mut p.out, Version::V5, 0x8e);
                }
                self.end(previous, End::TakenOver, now);
            }
            match self.sessions.get_mut(&old) {
                // A session that ends with its connection is nobody's to take over, even if its end was not yet seen.
                Some(s) if !c.clean && s.expiry > 0 => {
                    s.will_at = None;
                    present = true;
                    number = Some(old);
                }
                Some(_) => {
                    self.publish_will(old, now);
                    self.forget(old);
                }
                None => {}
            }
        }
        let number =
            number.unwrap_or_else(|| self.new_session(Session::new(id.clone(), c.version, listener)));
        let user: Option<Rc<str>> = user.map(Rc::from);
        let quota = c.properties.two(property::RECEIVE_MAXIMUM).map_or(usize::MAX, usize::from);
        if let Some(s) = self.sessions.get_mut(&number) {
            self.held = (self.held + brought).saturating_sub(s.brought);
            s.brought = brought;
            s.conn = Some(key);
            s.version = c.version;
            s.listener = listener;
            s.username = user.clone();
            s.expiry = expiry;
            s.ends = None;
            s.quota = quota.min(self.limits.in_flight);
            s.receive_quota = self.limits.in_flight.saturating_sub(s.incoming.len());
            s.will = c.will.as_ref().map(|w| Will {
                delay: w.properties.four(property::WILL_DELAY).unwrap_or(0),
                expiry: w.properties.four(property::MESSAGE_EXPIRY),
                message: Message::keep(&Passing {
                    topic: &mounted(policy.mount_point.as_deref(), w.topic),
                    payload: w.payload,
                    qos: w.qos,
                    retain: w.retain,
                    properties: &w.properties.0,
                    expires: None,
                }),
            });
        }
        let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
        let mut keep_alive = c.keep_alive;
        let mut list = Vec::new();
        if v5 {
            list.push(Property::Two(property::TOPIC_ALIAS_MAXIMUM, MAX_ALIAS));
            if assigned {
                list.push(Property::Text(property::ASSIGNED_CLIENT_ID, &id));
            }
            if keep_alive == 0 {
                keep_alive = u16::MAX;
                list.push(Property::Two(property::SERVER_KEEP_ALIVE, keep_alive));
            }
            list.push(Property::Two(property::RECEIVE_MAXIMUM, self.limits.in_flight.min(0xffff) as u16));
        }
        encode::connack(&mut conn.out, c.version, present, 0, &Properties(list));
        conn.session = Some(number);
        conn.id = id.clone();
        conn.user = user.clone();
        conn.unrestricted = unrestricted;
        conn.session_expiry_at_connect = expiry;
        conn.max_out = c.properties.four(property::MAXIMUM_PACKET_SIZE).map_or(usize::MAX, |n| n as usize);
        conn.keep_alive = (keep_alive > 0).then(|| Duration::from_millis(u64::from(keep_alive) * 1500));
        conn.deadline = conn.keep_alive.map(|k| now + k);
        self.log.notice(|| {
            let user = user.map_or(String::new(), |u| format!(", u'{u}'"));
            let (p, clean) = (c.version.log_digit(), u8::from(c.clean));
            let (ip, port) = (peer.ip(), peer.port());
            format!(
                "New client connected from {ip}:{port} as {id} (p{p}, c{clean}, k{}{user}).",
                c.keep_alive
            )
        });
        if present {
            self.resend(number, now);
        }
        Ok(())
    }
}
