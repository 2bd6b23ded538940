//! What each packet does to the state, in the order and with the answers of Mosquitto 2.0.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::mqtt::packet::{AckKind, Connect, Packet, Subscription};
use crate::mqtt::{Fault, Properties, Property, Publish, QoS, Version, encode, property, topic};

use super::access::{Action, Identity};
use super::core::{Core, End, session_weight, subscription_weight};
use super::message::{Message, Passing};
use super::session::{Session, Step, Will};
use super::subscriptions::Subscriber;

const MAX_ALIAS: u16 = 10;
/// What every session may take, however full the broker is.
pub(super) const ALLOWANCE: usize = 8192;
/// What every CONNECT may bring.
const BROUGHT: usize = 1024;

/// A filter's share group, if it has one, and the filter itself.
pub(super) fn split(filter: &str) -> (Option<&str>, &str) {
    match topic::shared(filter) {
        Ok(Some(s)) => (Some(s.group), s.filter),
        _ => (None, filter),
    }
}

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
        if assigned {
            if c.version == Version::V31 || (c.version == Version::V311 && !c.clean) {
                return refuse(self, 2, 0x85, End::Protocol);
            }
            id = self.auto_id();
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
                Some(s) if !c.clean => {
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

    pub(super) fn packet(
        &mut self,
        key: usize,
        session: usize,
        packet: Packet<'_>,
        now: Instant,
    ) -> Result<(), Fault> {
        let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
        let version = conn.version;
        match packet {
            Packet::Publish(p) => return self.publish(key, session, &p, now),
            Packet::Ack { kind, id, .. } => self.acknowledged(key, session, kind, id, now),
            Packet::Subscribe { id, filters, properties } => {
                let sub_id = properties.four(property::SUBSCRIPTION_ID);
                self.subscribe(key, session, id, &filters, sub_id, now)?;
            }
            Packet::Unsubscribe { id, filters } => {
                let mount = self.mount_of(session);
                let mut codes = Vec::new();
                for f in filters {
                    let (group, inner) = split(f);
                    let full = mounted(mount.as_deref(), inner);
                    let stored = stored_filter(group, &full);
                    let known = self.subscriptions.remove(group, &full, session);
                    if let Some(s) = self.sessions.get_mut(&session)
                        && s.filters.remove(stored.as_str())
                    {
                        let weight = subscription_weight(&stored);
                        s.subscribed = s.subscribed.saturating_sub(weight);
                        self.held = self.held.saturating_sub(weight);
                    }
                    codes.push(if known { 0 } else { 0x11 });
                }
                if let Some(conn) = self.conns.get_mut(&key) {
                    encode::unsuback(&mut conn.out, version, id, &codes);
                }
            }
            Packet::PingReq => encode::pingresp(&mut conn.out),
            Packet::Disconnect { reason, properties } => {
                if let Some(e) = properties.four(property::SESSION_EXPIRY) {
                    if conn.session_expiry_at_connect == 0 && e != 0 {
                        return Err(Fault::Protocol);
                    }
                    if let Some(s) = self.sessions.get_mut(&session) {
                        s.expiry = e;
                    }
                }
                self.end(key, End::Disconnected { with_will: reason == 4 }, now);
            }
            Packet::PingResp | Packet::SubAck { .. } => {}
            Packet::Connect(_) | Packet::ConnAck { .. } | Packet::UnsubAck { .. } => {
                return Err(Fault::Protocol);
            }
            Packet::Auth { .. } => return Err(Fault::Unanswered),
        }
        Ok(())
    }

    fn publish(&mut self, key: usize, session: usize, p: &Publish<'_>, now: Instant) -> Result<(), Fault> {
        let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
        let version = conn.version;
        let mut name: Rc<str>;
        let mut topic = p.topic;
        if let Some(alias) = p.properties.two(property::TOPIC_ALIAS) {
            if alias == 0 {
                return Err(Fault::Malformed);
            }
            if alias > MAX_ALIAS {
                return Err(Fault::TopicAlias);
            }
            let slot = usize::from(alias);
            if conn.aliases.len() <= slot {
                conn.aliases.resize(slot + 1, None);
            }
            let Some(entry) = conn.aliases.get_mut(slot) else { return Err(Fault::TopicAlias) };
            if topic.is_empty() {
                name = entry.clone().ok_or(Fault::Protocol)?;
                topic = &name;
            } else {
                let before = entry.as_ref().map_or(0, |old| old.len());
                *entry = Some(Rc::from(topic));
                self.held = (self.held + topic.len()).saturating_sub(before);
                if self.held > self.limits.held && conn.alias_weight() > BROUGHT {
                    return Err(Fault::TooLarge);
                }
            }
        }
        let listener = conn.listener;
        let allowed = conn.unrestricted
            || self.policies.get(listener).is_some_and(|policy| {
                policy.access.allows(conn.user.as_deref(), &conn.id, topic, Action::Write)
            });
        if let Some(mount) = self.policies.get(listener).and_then(|p| p.mount_point.as_deref()) {
            name = Rc::from(mounted(Some(mount), topic));
            topic = &name;
        }
        let expires =
            p.properties.four(property::MESSAGE_EXPIRY).map(|s| now + Duration::from_secs(u64::from(s)));
        let passing = Passing {
            topic,
            payload: p.payload,
            qos: p.qos,
            retain: p.retain,
            properties: &p.properties.0,
            expires,
        };
        let mut reason = if allowed { 0 } else { 0x87 };
        if !allowed {
            let (id, q, r, m) = (conn.id.clone(), p.qos.bits(), u8::from(p.retain), p.id);
            let (d, n) = (u8::from(p.dup), p.payload.len());
            self.log.notice(|| {
                format!("Denied PUBLISH from {id} (d{d}, q{q}, r{r}, m{m}, '{topic}', ... ({n} bytes))")
            });
        }
        let most = self.limits.in_flight;
        // A client that opens more than it may (Mosquitto 2.0, `handle__publish`): the message is dropped, only MQTT 5
        // is told, and every answer but PUBREC gives one back; so does a PUBREC with an error.
        let over = |s: &Session| s.receive_quota == 0 && !s.incoming.contains_key(&p.id);
        let over = allowed && p.qos != QoS::AtMostOnce && self.sessions.get(&session).is_some_and(over);
        if over {
            reason = 0x97;
            if let Some(s) = self.sessions.get_mut(&session)
                && (version == Version::V5 || p.qos == QoS::AtLeastOnce)
            {
                s.receive_quota = (s.receive_quota + 1).min(most);
            }
        }
        let allowed = allowed && !over;
        match p.qos {
            QoS::AtMostOnce => {
                if allowed {
                    self.route(Some(session), &passing, now);
                }
            }
            QoS::AtLeastOnce => {
                if allowed && !self.route(Some(session), &passing, now) {
                    reason = 0x10;
                }
                if let Some(conn) = self.conns.get_mut(&key) {
                    encode::ack(&mut conn.out, version, AckKind::PubAck, p.id, reason);
                }
            }
            QoS::ExactlyOnce => {
                if allowed && let Some(s) = self.sessions.get_mut(&session) {
                    let message = Message::keep(&passing);
                    if self.held + message.weight() > self.limits.held {
                        return Err(Fault::TooLarge);
                    }
                    self.held += message.weight();
                    match s.incoming.insert(p.id, message) {
                        Some(old) => self.held = self.held.saturating_sub(old.weight()),
                        None => s.receive_quota = s.receive_quota.saturating_sub(1),
                    }
                }
                if let Some(conn) = self.conns.get_mut(&key) {
                    encode::ack(&mut conn.out, version, AckKind::PubRec, p.id, reason);
                }
            }
        }
        Ok(())
    }

    fn acknowledged(&mut self, key: usize, session: usize, kind: AckKind, id: u16, now: Instant) {
        let Some(s) = self.sessions.get_mut(&session) else { return };
        let version = s.version;
        let mut answer = None;
        let mut freed = 0;
        let mut released = None;
        match kind {
            AckKind::PubAck => {
                if let Some((at, o)) = s.in_flight(id)
                    && o.step == Step::PubAck
                {
                    freed = s.finish(at);
                }
            }
            AckKind::PubRec => {
                if let Some((_, o)) = s.in_flight(id) {
                    o.step = Step::PubComp;
                }
                answer = Some(AckKind::PubRel);
            }
            AckKind::PubComp => {
                if let Some((at, o)) = s.in_flight(id)
                    && o.step == Step::PubComp
                {
                    freed = s.finish(at);
                }
            }
            AckKind::PubRel => {
                released = s.incoming.remove(&id);
                s.receive_quota = (s.receive_quota + 1).min(self.limits.in_flight);
                answer = Some(AckKind::PubComp);
            }
        }
        self.held = self.held.saturating_sub(freed);
        if let Some(message) = released {
            self.held = self.held.saturating_sub(message.weight());
            let properties = message.properties();
            self.route(Some(session), &message.passing(&properties), now);
        }
        if let (Some(kind), Some(conn)) = (answer, self.conns.get_mut(&key)) {
            encode::ack(&mut conn.out, version, kind, id, 0);
        }
        if freed > 0 {
            self.send_queued(session, now);
        }
    }

    fn subscribe(
        &mut self,
        key: usize,
        session: usize,
        packet_id: u16,
        filters: &[Subscription<'_>],
        sub_id: Option<u32>,
        now: Instant,
    ) -> Result<(), Fault> {
        let mount = self.mount_of(session);
        let mut codes = Vec::new();
        let mut wanted = Vec::new();
        for f in filters {
            let (group, inner) = split(f.filter);
            let full = mounted(mount.as_deref(), inner);
            let stored = stored_filter(group, &full);
            let weight = subscription_weight(&stored);
            // Somebody else's greed must not keep a modest client from subscribing.
            let modest = self.sessions.get(&session).is_some_and(|s| s.subscribed + weight <= ALLOWANCE);
            if self.held + weight > self.limits.held && !modest {
                codes.push(if matches!(self.conns.get(&key), Some(c) if c.version == Version::V5) {
                    0x97
                } else {
                    0x80
                });
                continue;
            }
            let subscriber = Subscriber {
                session,
                qos: f.qos,
                no_local: f.no_local,
                retain_as_published: f.retain_as_published,
                id: sub_id,
            };
            let new = self.subscriptions.add(group, &full, subscriber);
            if let Some(s) = self.sessions.get_mut(&session)
                && s.filters.insert(stored.into())
            {
                s.subscribed += weight;
                self.held += weight;
            }
            codes.push(f.qos.bits());
            if group.is_none() && (f.retain_handling == 0 || (f.retain_handling == 1 && new)) {
                wanted.push((full, subscriber));
            }
        }
        if let Some(conn) = self.conns.get_mut(&key) {
            encode::suback(&mut conn.out, conn.version, packet_id, &codes);
        }
        for (filter, subscriber) in wanted {
            self.send_retained(&filter, subscriber, now);
        }
        Ok(())
    }

    fn mount_of(&self, session: usize) -> Option<String> {
        let listener = self.sessions.get(&session)?.listener;
        self.policies.get(listener)?.mount_point.clone()
    }
}

fn mounted(mount: Option<&str>, topic: &str) -> String {
    match mount {
        Some(m) => format!("{m}{topic}"),
        None => topic.to_owned(),
    }
}

fn stored_filter(group: Option<&str>, filter: &str) -> String {
    match group {
        Some(g) => format!("$share/{g}/{filter}"),
        None => filter.to_owned(),
    }
}
