//! CONNECT: who it is, whether it gets in, and which session is its own, in the order and with the answers of
//! Mosquitto 2.0 (`handle__connect`).

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::mqtt::connect::{Announced, announced_will};
use crate::mqtt::packet::Connect;
use crate::mqtt::{Frame, Properties, Property, QoS, Version, encode, property};

use super::access::Identity;
use super::core::{Core, End, session_weight};
use super::message::{Message, Passing};
use super::packets::{BROUGHT, mounted};
use super::session::{Session, Will};

impl Core {
    /// Whether the configuration rules out the will that a CONNECT announces; only MQTT 5 is told.
    pub(super) fn admits_will(&mut self, key: usize, f: Frame<'_>) -> Result<(), End> {
        let Some(Announced { answered, qos, retain }) = announced_will(f) else { return Ok(()) };
        let most = self.listener_bounds(key).qos;
        let reason = match (retain && !self.bounds.retain, qos.is_some_and(|qos| qos > most)) {
            (true, _) => 0x9a,
            (false, true) => 0x9b,
            (false, false) => return Ok(()),
        };
        if let Some(conn) = self.conns.get_mut(&key).filter(|_| answered) {
            let list = Properties(maximum_qos(most).into_iter().collect());
            encode::connack(&mut conn.out, Version::V5, false, reason, &list);
        }
        Err(End::NotSupported)
    }

    pub(super) fn connect(&mut self, key: usize, c: &Connect<'_>, now: Instant) -> Result<(), End> {
        let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
        conn.version = c.version;
        let (v5, listener, peer) = (c.version == Version::V5, conn.listener, conn.peer);
        let most_qos = self.listener_bounds(key).qos;
        let refuse = |core: &mut Self, v3: u8, reason: u8, end: End| {
            if let Some(conn) = core.conns.get_mut(&key) {
                let code = if v5 { reason } else { v3 };
                let list = Properties(maximum_qos(most_qos).into_iter().collect());
                encode::connack(&mut conn.out, c.version, false, code, &list);
            }
            Err(end)
        };
        let policy = self.policies.get(listener).cloned().unwrap_or_default();
        if c.properties.text(property::AUTH_METHOD).is_some() {
            return refuse(self, 0, 0x8c, End::NotSupported);
        }
        let mut id: Rc<str> = Rc::from(c.client_id);
        let assigned = id.is_empty();
        let ids = &policy.ids;
        if assigned {
            if !ids.may_be_empty {
                return refuse(self, 2, 0x80, End::Protocol);
            }
            id = self.auto_id(&ids.prefix);
        }
        if !id.starts_with(&ids.required) {
            return refuse(self, 5, 0x87, End::NotAuthorised);
        }
        if c.will.as_ref().is_some_and(|w| w.payload.len() > self.bounds.payload) {
            return refuse(self, 5, 0x95, End::TooLarge);
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
            // Where the session goes on, the will of the connection before is nobody's any more.
            if let Some(s) = self.sessions.get_mut(&old).filter(|s| !c.clean && s.expiry > 0) {
                s.will = None;
            }
            // Where it ends, and its client had subscribed to its own will, that still hears it.
            if !c.clean {
                self.publish_will(old, now);
            }
            if let Some(previous) = self.sessions.get(&old).and_then(|s| s.conn) {
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
        let in_flight = self.bounds.in_flight();
        let quota = c.properties.two(property::RECEIVE_MAXIMUM).map_or(in_flight, usize::from);
        if let Some(s) = self.sessions.get_mut(&number) {
            self.held = (self.held + brought).saturating_sub(s.brought);
            s.brought = brought;
            s.conn = Some(key);
            s.version = c.version;
            s.listener = listener;
            s.username = user.clone();
            s.expiry = expiry;
            s.ends = None;
            s.quota = quota;
            s.told_dropping = false;
            s.receive_quota = in_flight.saturating_sub(s.incoming.len());
            s.will = c.will.as_ref().map(|w| Will {
                delay: w.properties.four(property::WILL_DELAY).unwrap_or(0),
                expiry: w.properties.four(property::MESSAGE_EXPIRY).filter(|s| *s > 0),
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
        let most = self.bounds.keep_alive;
        let mut keep_alive = c.keep_alive;
        let mut list = Vec::new();
        if v5 {
            if policy.bounds.aliases > 0 {
                list.push(Property::Two(property::TOPIC_ALIAS_MAXIMUM, policy.bounds.aliases));
            }
            if most > 0 && (keep_alive == 0 || keep_alive > most) {
                keep_alive = most;
                list.push(Property::Two(property::SERVER_KEEP_ALIVE, keep_alive));
            }
            if assigned {
                list.push(Property::Text(property::ASSIGNED_CLIENT_ID, &id));
            }
            if !self.bounds.retain {
                list.push(Property::Byte(property::RETAIN_AVAILABLE, 0));
            }
            if let Some(most) = self.bounds.packet {
                list.push(Property::Four(property::MAXIMUM_PACKET_SIZE, most.get()));
            }
            if let Some(most) = self.bounds.in_flight {
                list.push(Property::Two(property::RECEIVE_MAXIMUM, most));
            }
            list.extend(maximum_qos(policy.bounds.qos));
        }
        conn.max_out = c.properties.four(property::MAXIMUM_PACKET_SIZE).map_or(usize::MAX, |n| n as usize);
        let before = conn.out.len();
        encode::connack(&mut conn.out, c.version, present, 0, &Properties(list));
        // A CONNACK that the client would not take is not sent, and nothing else.
        let too_large = conn.out.len() - before - 1 > conn.max_out;
        if too_large {
            conn.out.truncate(before);
        }
        conn.session = Some(number);
        conn.id = id.clone();
        conn.user = user.clone();
        conn.unrestricted = unrestricted;
        conn.bridge = c.bridge && !v5;
        conn.session_expiry_at_connect = expiry;
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
        if too_large {
            return Err(End::TooLarge);
        }
        if present {
            self.resend(number, now);
        }
        Ok(())
    }
}

/// What CONNACK says of `max_qos`: nothing where every QoS is served (MQTT 5 §3.2.2.3.4).
fn maximum_qos(most: QoS) -> Option<Property<'static>> {
    (most != QoS::ExactlyOnce).then_some(Property::Byte(property::MAXIMUM_QOS, most.bits()))
}
