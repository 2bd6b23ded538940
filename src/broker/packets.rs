//! What each packet does to the state, in the order and with the answers of Mosquitto 2.0.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::mqtt::packet::{AckKind, Packet, Subscription};
use crate::mqtt::{Fault, Publish, QoS, Version, encode, property, topic};

use super::access::Action;
use super::bounds::ListenerBounds;
use super::core::{Core, End, subscription_weight};
use super::message::{Message, Passing};
use super::session::{Session, Step};
use super::subscriptions::Subscriber;

/// What every session may take, however full the broker is.
pub(super) const ALLOWANCE: usize = 8192;
/// What every CONNECT may bring.
pub(super) const BROUGHT: usize = 1024;

/// A filter's share group, if it has one, and the filter itself. Mosquitto takes everything behind `$share/` for a
/// shared subscription; one without a filter hears nothing.
pub(super) fn split(filter: &str) -> (Option<&str>, &str) {
    match filter.strip_prefix("$share/") {
        Some(rest) => rest.split_once('/').map_or((Some(rest), NEVER), |(group, inner)| (Some(group), inner)),
        None => (None, filter),
    }
}

/// No topic holds this.
const NEVER: &str = "\0";

impl Core {
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
            Packet::Ack { kind, id, reason } => {
                return self.acknowledged(key, session, kind, id, reason, now);
            }
            Packet::Subscribe { id, filters, properties, broken } => {
                let sub_id = properties.four(property::SUBSCRIPTION_ID);
                let wanted = self.subscribe(key, session, &filters, sub_id)?;
                broken.map_or(Ok(()), Err)?;
                self.subscribed(key, id, wanted, now);
            }
            Packet::Unsubscribe { id, filters, broken } => {
                // Mosquitto looks for it without the mount point, where there is one in vain.
                let mut codes = Vec::new();
                for f in filters {
                    let (group, inner) = split(f);
                    let known = self.subscriptions.remove(group, inner, session);
                    if let Some(s) = self.sessions.get_mut(&session)
                        && s.filters.remove(f)
                    {
                        let weight = subscription_weight(f);
                        s.subscribed = s.subscribed.saturating_sub(weight);
                        self.held = self.held.saturating_sub(weight);
                    }
                    codes.push(if known { 0 } else { 0x11 });
                }
                broken.map_or(Ok(()), Err)?;
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
            Packet::PingResp | Packet::SubAck { .. } | Packet::UnsubAck { .. } => {}
            Packet::Connect(_) | Packet::ConnAck { .. } | Packet::Auth { .. } => {
                return Err(Fault::Unanswered);
            }
        }
        Ok(())
    }

    /// Whether the configuration rules out what a packet's first byte asks for.
    pub(super) fn admits_publish(&self, key: usize, head: u8) -> Result<(), Fault> {
        let qos = QoS::from_bits((head >> 1) & 3);
        match head >> 4 {
            3 if qos.is_some_and(|qos| qos > self.listener_bounds(key).qos) => Err(Fault::NotSupported),
            3 if qos.is_some() && head & 1 != 0 && !self.bounds.retain => Err(Fault::RetainNotSupported),
            _ => Ok(()),
        }
    }

    fn publish(&mut self, key: usize, session: usize, p: &Publish<'_>, now: Instant) -> Result<(), Fault> {
        let bounds = self.listener_bounds(key);
        let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
        let version = conn.version;
        let mut name: Rc<str>;
        let mut topic = p.topic;
        if let Some(alias) = p.properties.two(property::TOPIC_ALIAS) {
            if alias == 0 {
                return Err(Fault::Malformed);
            }
            if alias > bounds.aliases {
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
        if !topic::is_valid_name(topic) {
            return Err(Fault::Protocol);
        }
        let listener = conn.listener;
        // The ACL sees the topic behind its mount point.
        if let Some(mount) = self.policies.get(listener).and_then(|p| p.mount_point.as_deref()) {
            name = Rc::from(mounted(Some(mount), topic));
            topic = &name;
        }
        let allowed = conn.unrestricted
            || self.policies.get(listener).is_some_and(|policy| {
                policy.access.allows(conn.user.as_deref(), &conn.id, topic, Action::Write)
            });
        let expires = p
            .properties
            .four(property::MESSAGE_EXPIRY)
            .filter(|s| *s > 0)
            .map(|s| now + Duration::from_secs(u64::from(s)));
        let passing = Passing {
            topic,
            payload: p.payload,
            qos: p.qos,
            retain: p.retain,
            properties: &p.properties.0,
            expires,
        };
        let small = p.payload.len() <= self.bounds.payload;
        let mut reason = match (small, allowed) {
            (false, _) => 0x95,
            (true, false) => 0x87,
            (true, true) => 0,
        };
        // Nobody here listens to these: no plugin registers a control topic.
        let control = topic.starts_with("$CONTROL/");
        if small && !allowed {
            let (id, q, r, m) = (conn.id.clone(), p.qos.bits(), u8::from(p.retain), p.id);
            let (d, n) = (u8::from(p.dup), p.payload.len());
            self.log.notice(|| {
                format!("Denied PUBLISH from {id} (d{d}, q{q}, r{r}, m{m}, '{topic}', ... ({n} bytes))")
            });
        }
        let allowed = allowed && small && !control;
        let most = self.bounds.in_flight();
        // A client that opens more than it may (Mosquitto 2.0, `handle__publish`): the message is dropped, only MQTT 5
        // is told, and every answer but PUBREC gives one back; so does a PUBREC with an error.
        // An identifier that is used for something else ends what it stood for.
        let same = |old: &Rc<Message>| {
            p.qos == QoS::ExactlyOnce && *old.topic == *topic && *old.payload == *p.payload
        };
        let mut known = false;
        if allowed
            && p.qos != QoS::AtMostOnce
            && let Some(s) = self.sessions.get_mut(&session)
        {
            known = s.incoming.get(&p.id).is_some_and(same);
            if !known && let Some(old) = s.incoming.remove(&p.id) {
                self.held = self.held.saturating_sub(old.weight());
            }
        }
        let most_bytes = self.bounds.in_flight_bytes;
        let too_many_bytes = |s: &Session| {
            most_bytes != usize::MAX
                && s.incoming.values().map(|m| m.payload.len()).sum::<usize>() >= most_bytes
        };
        let over = |s: &Session| !known && (s.receive_quota == 0 || too_many_bytes(s));
        let over = allowed && p.qos != QoS::AtMostOnce && self.sessions.get(&session).is_some_and(over);
        if over {
            reason = 0x97;
            if let Some(s) = self.sessions.get_mut(&session)
                && (version == Version::V5 || p.qos == QoS::AtLeastOnce)
            {
                s.receive_quota = s.receive_quota.saturating_add(1).min(most);
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
                if allowed
                    && !known
                    && let Some(s) = self.sessions.get_mut(&session)
                {
                    let message = Message::keep(&passing);
                    if self.held + message.weight() > self.limits.held {
                        return Err(Fault::TooLarge);
                    }
                    self.held += message.weight();
                    s.incoming.insert(p.id, message);
                    s.receive_quota = s.receive_quota.saturating_sub(1);
                }
                if let Some(conn) = self.conns.get_mut(&key) {
                    encode::ack(&mut conn.out, version, AckKind::PubRec, p.id, reason);
                }
            }
        }
        Ok(())
    }

    fn acknowledged(
        &mut self,
        key: usize,
        session: usize,
        kind: AckKind,
        id: u16,
        reason: u8,
        now: Instant,
    ) -> Result<(), Fault> {
        let Some(s) = self.sessions.get_mut(&session) else { return Ok(()) };
        let version = s.version;
        let mut answer = None;
        let mut freed = 0;
        let mut released = None;
        match kind {
            // An answer that does not belong to the step of its message cuts the client off; one to no message is
            // passed over (`db__message_delete_outgoing`). With a PUBREC that says no the exchange ends (MQTT 5 §4.3.3).
            AckKind::PubRec if reason < 0x80 => {
                if let Some((_, o)) = s.in_flight(id) {
                    if o.how.qos != QoS::ExactlyOnce {
                        return Err(Fault::Unanswered);
                    }
                    o.step = Step::PubComp;
                }
                answer = Some(AckKind::PubRel);
            }
            AckKind::PubAck | AckKind::PubRec | AckKind::PubComp => {
                let expected = match kind {
                    AckKind::PubAck => Step::PubAck,
                    AckKind::PubRec => Step::PubRec,
                    _ => Step::PubComp,
                };
                if let Some((at, o)) = s.in_flight(id) {
                    if o.step != expected {
                        return Err(Fault::Unanswered);
                    }
                    freed = s.finish(at);
                }
            }
            AckKind::PubRel => {
                released = s.incoming.remove(&id);
                s.receive_quota = s.receive_quota.saturating_add(1).min(self.bounds.in_flight());
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
        Ok(())
    }

    /// Takes what is subscribed to. Returns the codes, and for which filters retained messages are wanted.
    fn subscribe(
        &mut self,
        key: usize,
        session: usize,
        filters: &[Subscription<'_>],
        sub_id: Option<u32>,
    ) -> Result<(Vec<u8>, Vec<(String, Subscriber)>), Fault> {
        let mount = self.mount_of(session);
        let most = self.listener_bounds(key).qos;
        let bridge = self.conns.get(&key).is_some_and(|c| c.bridge);
        let mut codes = Vec::new();
        let mut wanted = Vec::new();
        for f in filters {
            // The mount point goes in front of `$share` too, and then nothing is shared.
            let full = mounted(mount.as_deref(), f.filter);
            if full == "$share" {
                return Err(Fault::Protocol);
            }
            let (group, inner) = split(&full);
            let weight = subscription_weight(&full);
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
                qos: f.qos.min(most),
                no_local: f.no_local || bridge,
                retain_as_published: f.retain_as_published || bridge,
                id: sub_id,
            };
            let new = self.subscriptions.add(group, inner, subscriber);
            if let Some(s) = self.sessions.get_mut(&session)
                && s.filters.insert(full.as_str().into())
            {
                s.subscribed += weight;
                self.held += weight;
            }
            codes.push(subscriber.qos.bits());
            if f.retain_handling == 0 || (f.retain_handling == 1 && new) {
                wanted.push((inner.to_owned(), subscriber));
            }
        }
        Ok((codes, wanted))
    }

    fn subscribed(
        &mut self,
        key: usize,
        packet_id: u16,
        (codes, wanted): (Vec<u8>, Vec<(String, Subscriber)>),
        now: Instant,
    ) {
        if let Some(conn) = self.conns.get_mut(&key) {
            encode::suback(&mut conn.out, conn.version, packet_id, &codes);
        }
        for (filter, subscriber) in wanted {
            self.send_retained(&filter, subscriber, now);
        }
    }

    pub(super) fn listener_bounds(&self, key: usize) -> ListenerBounds {
        let policy = self.conns.get(&key).and_then(|c| self.policies.get(c.listener));
        policy.map(|p| p.bounds).unwrap_or_default()
    }

    fn mount_of(&self, session: usize) -> Option<String> {
        let listener = self.sessions.get(&session)?.listener;
        self.policies.get(listener)?.mount_point.clone()
    }
}

pub(super) fn mounted(mount: Option<&str>, topic: &str) -> String {
    match mount {
        Some(m) => format!("{m}{topic}"),
        None => topic.to_owned(),
    }
}
