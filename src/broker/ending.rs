//! How connections, sessions and the broker itself end, and what happens as time passes.

use std::time::{Duration, Instant};

use crate::mqtt::{Version, encode};

use super::core::{Core, End, session_weight, subscription_weight};

impl Core {
    /// Ends a connection from this side: what waits is still written.
    pub(super) fn end(&mut self, key: usize, end: End, now: Instant) {
        self.leave(key, end, now);
        if let Some(c) = self.conns.get_mut(&key) {
            c.closing = true;
            c.deadline = Some(now + Duration::from_secs(1));
            c.wake();
        }
    }

    /// The socket is gone.
    pub(super) fn closed(&mut self, key: usize, now: Instant) {
        self.leave(key, End::Closed, now);
        if let Some(c) = self.conns.remove(&key) {
            self.waiting = self.waiting.saturating_sub(c.counted);
            self.unfinished = self.unfinished.saturating_sub(c.unfinished);
            self.held = self.held.saturating_sub(c.alias_weight());
        }
    }

    fn leave(&mut self, key: usize, end: End, now: Instant) {
        let Some(conn) = self.conns.get_mut(&key) else { return };
        if conn.closing {
            return;
        }
        let id = conn.id.clone();
        let session = conn.session.take();
        self.log.notice(|| match end {
            End::Disconnected { .. } => format!("Client {id} disconnected."),
            End::Closed => format!("Client {id} closed its connection."),
            End::Malformed => format!("Client {id} disconnected due to malformed packet."),
            End::Protocol => format!("Client {id} disconnected due to protocol error."),
            End::NotAuthorised => format!("Client {id} disconnected, not authorised."),
            End::Timeout => format!("Client {id} has exceeded timeout, disconnecting."),
            End::TooLarge => format!("Client {id} disconnected due to oversize packet."),
            End::NotSupported => {
                format!("Client {id} disconnected due to QoS too high or retain not supported.")
            }
            End::TakenOver => format!("Client {id} already connected, closing old connection."),
            End::Stopped => format!("Client {id} disconnected."),
        });
        let Some(number) = session else { return };
        let Some(s) = self.sessions.get_mut(&number) else { return };
        s.conn = None;
        if end == (End::Disconnected { with_will: false }) {
            s.will = None;
        }
        if let Some(will) = &s.will {
            let delay = will.delay.min(s.expiry);
            s.will_at = Some(now + Duration::from_secs(u64::from(delay)));
            self.wills_due = true;
        }
        s.ends = match s.expiry.min(self.bounds.session.unwrap_or(u32::MAX)) {
            u32::MAX => None,
            n => Some(now + Duration::from_secs(u64::from(n))),
        };
        self.tick(now);
    }

    /// Time passed: deadlines, wills, sessions that end.
    pub(super) fn tick(&mut self, now: Instant) {
        let late: Vec<usize> = self
            .conns
            .iter()
            .filter(|(_, c)| c.deadline.is_some_and(|d| d <= now))
            .map(|(k, _)| *k)
            .collect();
        for key in late {
            if let Some(c) = self.conns.get_mut(&key) {
                // What cannot be written any more is not waited for.
                if c.closing {
                    c.deadline = None;
                    c.gone = true;
                    c.wake();
                    continue;
                }
            }
            self.end(key, End::Timeout, now);
        }
        if self.wills_due {
            self.wills_due = false;
            let due: Vec<usize> = self
                .sessions
                .iter()
                .filter(|(_, s)| s.will_at.is_some_and(|at| at <= now))
                .map(|(k, _)| *k)
                .collect();
            for number in due {
                self.publish_will(number, now);
            }
            self.wills_due = self.sessions.values().any(|s| s.will_at.is_some());
        }
        let over: Vec<usize> = self
            .sessions
            .iter()
            .filter(|(_, s)| s.conn.is_none() && s.ends.is_some_and(|at| at <= now))
            .map(|(k, _)| *k)
            .collect();
        for number in over {
            self.forget(number);
        }
    }

    /// Ends a session and everything it holds.
    pub(super) fn forget(&mut self, number: usize) {
        let Some(s) = self.sessions.remove(&number) else { return };
        self.held = self.held.saturating_sub(session_weight(&s.id) + s.brought);
        self.by_id.remove(&s.id);
        for filter in &s.filters {
            self.held = self.held.saturating_sub(subscription_weight(filter));
            let (group, inner) = super::packets::split(filter);
            self.subscriptions.remove(group, inner, number);
        }
        let queued: usize = s.outgoing.iter().map(|o| o.message.weight()).sum();
        let incoming: usize = s.incoming.values().map(|m| m.weight()).sum();
        self.held = self.held.saturating_sub(queued + incoming);
    }

    /// Stops: every client is told (MQTT 5) and cut.
    pub(super) fn stop(&mut self, now: Instant) {
        let keys: Vec<usize> = self.conns.keys().copied().collect();
        for key in keys {
            if let Some(c) = self.conns.get_mut(&key)
                && c.version == Version::V5
                && c.session.is_some()
            {
                encode::disconnect(&mut c.out, Version::V5, 0x8b);
            }
            self.end(key, End::Stopped, now);
        }
    }
}
