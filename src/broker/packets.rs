//! What each packet does to the state, in the order and with the answers of Mosquitto 2.0.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::mqtt::packet::{AckKind, Packet, Subscription};
use crate::mqtt::{Fault, Publish, QoS, Version, encode, property, topic};

use super::access::Action;
use super::core::{Core, End, subscription_weight};
use super::message::{Message, Passing};
use super::session::{Session, Step};
use super::subscriptions::Subscriber;

pub(super) const MAX_ALIAS: u16 = 10;
/// What every session may take, however full the broker is.
pub(super) const ALLOWANCE: usize = 8192;
/// What every CONNECT may bring.
pub(super) const BROUGHT: usize = 1024;

/// A filter's share group, if it has one, and the filter itself.
pub(super) fn split(filter: &str) -> (Option<&str>, &str) {
    match topic::shared(filter) {
        Ok(Some(s)) => (Some(s.group), s.filter),
        _ => (None, filter),
    }
}

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
            Packet::Ack { kind, id, reason } => self.acknowledged(key, session, kind, id, reason, now),
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
            Packet::PingResp | Packet::SubAck { .. } | Packet::UnsubAck { .. } => {}
            Packet::Connect(_) | Packet::ConnAck { .. } | Packet::Auth { .. } => {
                return Err(Fault::Unanswered);
            }
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

    fn acknowledged(&mut self, key: usize, session: usize, kind: AckKind, id: u16, reason: u8, now: Instant) {
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
            // The client does not want it: the exchange ends here (MQTT 5 §4.3.3).
            AckKind::PubRec if reason >= 0x80 => {
                if let Some((at, _)) = s.in_flight(id) {
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

pub(super) fn mounted(mount: Option<&str>, topic: &str) -> String {
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
