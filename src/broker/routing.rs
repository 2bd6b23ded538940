//! From a message to everyone who subscribed: retained store, dedupe, queues, quotas.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::mqtt::packet::AckKind;
use crate::mqtt::{QoS, Version, encode, topic};

use super::access::Action;
use super::core::Core;
use super::message::{Message, Passing, outgoing};
use super::packets::ALLOWANCE;
use super::session::{Delivery, Out, Step};
use super::subscriptions::Subscriber;

/// One delivery of a message to one subscription.
#[derive(Clone, Copy)]
struct How {
    retain: bool,
    /// The client has it already.
    again: bool,
}

impl Core {
    /// Routes a message that may be published; says whether anybody subscribed.
    pub(super) fn route(&mut self, from: Option<usize>, p: &Passing<'_>, now: Instant) -> bool {
        let mut kept: Option<Rc<Message>> = None;
        if p.retain {
            self.retain(p, &mut kept);
        }
        let mut found = std::mem::take(&mut self.scratch);
        found.clear();
        self.subscriptions.matching(p.topic, &mut found);
        // Mosquitto 2.0 (`db__message_insert`) sends a message once to a client of MQTT 3 whose subscriptions overlap,
        // with the first match's QoS; a client of MQTT 5 gets it once for every match, each with its own identifier.
        for at in 0..found.len() {
            let Some(&s) = found.get(at) else { break };
            let earlier = found.get(..at).unwrap_or_default();
            let once = !self.bounds.duplicates
                && self.sessions.get(&s.session).is_some_and(|x| x.version != Version::V5);
            if s.no_local && from == Some(s.session) {
                continue;
            }
            let retain = p.retain && s.retain_as_published;
            let has = |e: &Subscriber| e.session == s.session && !(e.no_local && from == Some(e.session));
            let again = once && !retain && earlier.iter().any(has);
            let how = How { retain, again };
            self.deliver(s, p, &mut kept, how, now);
        }
        let anybody = !found.is_empty();
        self.scratch = found;
        anybody
    }

    fn retain(&mut self, p: &Passing<'_>, kept: &mut Option<Rc<Message>>) {
        if let Some(old) = self.retained.remove(p.topic) {
            self.held = self.held.saturating_sub(old.weight());
        }
        if p.payload.is_empty() {
            return;
        }
        let message = kept.get_or_insert_with(|| Message::keep(p)).clone();
        if self.held + message.weight() <= self.limits.held {
            self.held += message.weight();
            self.retained.insert(p.topic.into(), message);
        }
    }

    fn deliver(
        &mut self,
        s: Subscriber,
        p: &Passing<'_>,
        kept: &mut Option<Rc<Message>>,
        delivery: How,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get_mut(&s.session) else { return };
        let policy = self.policies.get(session.listener);
        let unrestricted = session.conn.and_then(|c| self.conns.get(&c)).is_some_and(|c| c.unrestricted);
        let user = session.username.as_deref();
        if !unrestricted && !policy.is_some_and(|x| x.access.allows(user, &session.id, p.topic, Action::Read))
        {
            return;
        }
        let v5 = session.version == Version::V5;
        let qos = if self.bounds.upgrade_qos { s.qos } else { s.qos.min(p.qos) };
        // Every attempt above QoS 0 takes an identifier, also one that comes to nothing.
        let id = if qos == QoS::AtMostOnce { 0 } else { session.next_id() };
        if delivery.again {
            return;
        }
        let how = Delivery { qos, retain: delivery.retain, ids: s.id.into_iter().collect() };
        let keeps = session.conn.is_none() && self.bounds.queue_qos0;
        if how.qos == QoS::AtMostOnce && !keeps {
            let Some(conn) = session.conn.and_then(|c| self.conns.get_mut(&c)) else { return };
            let packet = outgoing(p, v5, &how, 0, false, now);
            let len = encode::publish_len(session.version, &packet);
            // Nobody waits with more than is left for all others: so something is always left for who reads.
            let left = self.limits.waiting.saturating_sub(self.waiting);
            let mine = conn.counted + len;
            let room = mine <= ALLOWANCE || mine.max(conn.out.len() + len) <= left.min(self.limits.outbox);
            if room && len - 1 <= conn.max_out && !conn.closing {
                encode::publish(&mut conn.out, session.version, &packet);
                conn.counted += len;
                self.waiting += len;
                conn.wake();
            } else if !session.told_dropping {
                session.told_dropping = true;
                let id = session.id.clone();
                self.log.notice(|| format!("Outgoing messages are being dropped for client {id}."));
            }
            return;
        }
        if session.conn.is_none() && session.expiry == 0 {
            return;
        }
        let message = kept.get_or_insert_with(|| Message::keep(p)).clone();
        let weight = message.weight();
        let (count, bytes) = session.above_qos0();
        let under_way = session.conn.map(|_| session.quota);
        let flies = session.conn.is_some()
            && session.in_flight < session.quota
            && bytes < self.bounds.in_flight_bytes;
        let waits = flies || self.bounds.has_room(count, bytes, under_way);
        let full = self.held + weight > self.limits.held
            && weight + session.outgoing.iter().map(|o| o.message.weight()).sum::<usize>() > ALLOWANCE;
        if !waits || full {
            if !session.told_dropping {
                session.told_dropping = true;
                let id = session.id.clone();
                self.log.notice(|| format!("Outgoing messages are being dropped for client {id}."));
            }
            return;
        }
        self.held += weight;
        session.outgoing.push_back(Out { message, how, id, step: Step::Queued });
        self.send_queued(s.session, now);
    }

    /// Sends what the quota lets through.
    pub(super) fn send_queued(&mut self, number: usize, now: Instant) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let Some(conn) = session.conn.and_then(|c| self.conns.get_mut(&c)) else { return };
        let most_bytes = self.bounds.in_flight_bytes;
        while session.in_flight < session.quota && session.in_flight < session.outgoing.len() {
            if most_bytes != usize::MAX && session.bytes_in_flight() >= most_bytes {
                break;
            }
            let at = session.in_flight;
            let Some(o) = session.outgoing.get_mut(at) else { break };
            let properties = o.message.properties();
            let passing = o.message.passing(&properties);
            let packet = outgoing(&passing, session.version == Version::V5, &o.how, o.id, false, now);
            let too_large = encode::publish_len(session.version, &packet) - 1 > conn.max_out;
            if too_large || o.message.is_expired(now) {
                self.held = self.held.saturating_sub(session.finish(at));
                continue;
            }
            encode::publish(&mut conn.out, session.version, &packet);
            if o.how.qos == QoS::AtMostOnce {
                self.held = self.held.saturating_sub(session.finish(at));
                continue;
            }
            o.step = if o.how.qos == QoS::AtLeastOnce { Step::PubAck } else { Step::PubRec };
            session.in_flight += 1;
        }
        conn.wake();
    }

    /// After a reconnect: what was in flight goes out again, then what is queued.
    pub(super) fn resend(&mut self, number: usize, now: Instant) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let Some(conn) = session.conn.and_then(|c| self.conns.get_mut(&c)) else { return };
        for o in session.outgoing.iter().take(session.in_flight) {
            if o.step == Step::PubComp {
                encode::ack(&mut conn.out, session.version, AckKind::PubRel, o.id, 0);
            } else {
                let properties = o.message.properties();
                let passing = o.message.passing(&properties);
                let packet = outgoing(&passing, session.version == Version::V5, &o.how, o.id, true, now);
                encode::publish(&mut conn.out, session.version, &packet);
            }
        }
        self.send_queued(number, now);
    }

    /// Retained messages for a new subscription.
    pub(super) fn send_retained(&mut self, filter: &str, s: Subscriber, now: Instant) {
        // `retain__search` looks below a first level that begins with `$`, never at itself: `$x/#` brings no `$x`.
        let missed = filter.strip_suffix("/#").filter(|f| f.starts_with('$') && !f.contains('/'));
        let matching: Vec<Rc<Message>> = self
            .retained
            .iter()
            .filter(|(t, m)| topic::matches(filter, t) && missed != Some(t) && !m.is_expired(now))
            .map(|(_, m)| m.clone())
            .collect();
        for message in matching {
            let properties = message.properties();
            let passing = message.passing(&properties);
            let mut kept = Some(message.clone());
            self.deliver(s, &passing, &mut kept, How { retain: true, again: false }, now);
        }
    }

    /// A will goes out, if its client might publish it.
    pub(super) fn publish_will(&mut self, number: usize, now: Instant) {
        let Some(s) = self.sessions.get_mut(&number) else { return };
        s.will_at = None;
        let Some(will) = s.will.take() else { return };
        let (id, user, listener) = (s.id.clone(), s.username.clone(), s.listener);
        let Some(policy) = self.policies.get(listener) else { return };
        if policy.access.allows(user.as_deref(), &id, &will.message.topic, Action::Write) {
            let properties = will.message.properties();
            let mut passing = will.message.passing(&properties);
            passing.expires = will.expiry.map(|e| now + Duration::from_secs(u64::from(e)));
            self.route(Some(number), &passing, now);
        }
    }
}
