//! What outlives a connection: subscriptions, messages in flight and queued, the will. No sockets here.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::rc::Rc;
use std::time::Instant;

use crate::mqtt::{QoS, Version};

use super::message::Message;

/// A client's session.
#[derive(Debug)]
pub(super) struct Session {
    pub id: Rc<str>,
    pub conn: Option<usize>,
    pub version: Version,
    pub listener: usize,
    pub username: Option<Rc<str>>,
    /// Seconds it lives on without a connection; 0: not at all, `u32::MAX`: for ever.
    pub expiry: u32,
    /// When it ends, while nobody is connected.
    pub ends: Option<Instant>,
    /// The filters as the client wrote them.
    pub filters: HashSet<Box<str>>,
    /// What they take in memory.
    pub subscribed: usize,
    /// What the last CONNECT brought and the session keeps: will and user name.
    pub brought: usize,
    /// In flight first, then queued.
    pub outgoing: VecDeque<Out>,
    pub in_flight: usize,
    /// How many may be in flight.
    pub quota: usize,
    /// How many more messages above QoS 0 the client may open.
    pub receive_quota: usize,
    /// QoS 2 messages that wait for PUBREL.
    pub incoming: BTreeMap<u16, Rc<Message>>,
    pub last_id: u16,
    pub will: Option<Will>,
    /// When a delayed will goes out.
    pub will_at: Option<Instant>,
    /// Said once that messages are dropped.
    pub told_dropping: bool,
}

/// A will.
#[derive(Debug)]
pub(super) struct Will {
    pub message: Rc<Message>,
    /// Seconds (MQTT 5 §3.1.3.2.2).
    pub delay: u32,
    /// Seconds until the message expires, counted from when it goes out.
    pub expiry: Option<u32>,
}

/// How one subscriber gets one message.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub qos: QoS,
    pub retain: bool,
    pub ids: Vec<u32>,
}

/// One outgoing message above QoS 0.
#[derive(Debug)]
pub(super) struct Out {
    pub message: Rc<Message>,
    pub how: Delivery,
    pub id: u16,
    pub step: Step,
}

/// Where an outgoing message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Not yet sent.
    Queued,
    /// PUBLISH sent at QoS 1.
    PubAck,
    /// PUBLISH sent at QoS 2.
    PubRec,
    /// PUBREL sent.
    PubComp,
}

impl Session {
    /// A fresh one.
    pub(super) fn new(id: Rc<str>, version: Version, listener: usize) -> Self {
        Self {
            id,
            conn: None,
            version,
            listener,
            username: None,
            expiry: 0,
            ends: None,
            filters: HashSet::new(),
            subscribed: 0,
            brought: 0,
            outgoing: VecDeque::new(),
            in_flight: 0,
            quota: 20,
            receive_quota: 20,
            incoming: BTreeMap::new(),
            last_id: 0,
            will: None,
            will_at: None,
            told_dropping: false,
        }
    }

    /// The next packet identifier that is free.
    pub(super) fn next_id(&mut self) -> u16 {
        for _ in 0..=u16::MAX {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.outgoing.iter().any(|o| o.id == self.last_id) {
                break;
            }
        }
        self.last_id
    }

    /// How many messages above QoS 0 are in flight or wait, and their bytes of payload.
    pub(super) fn above_qos0(&self) -> (usize, usize) {
        let those = self.outgoing.iter().filter(|o| o.how.qos != QoS::AtMostOnce);
        those.fold((0, 0), |(n, bytes), o| (n + 1, bytes + o.message.payload.len()))
    }

    /// The bytes of payload in flight.
    pub(super) fn bytes_in_flight(&self) -> usize {
        self.outgoing.iter().take(self.in_flight).map(|o| o.message.payload.len()).sum()
    }

    /// The message in flight with this identifier, and its index.
    pub(super) fn in_flight(&mut self, id: u16) -> Option<(usize, &mut Out)> {
        self.outgoing.iter_mut().take(self.in_flight).enumerate().find(|(_, o)| o.id == id)
    }

    /// Ends the message at `index`; returns what it weighed.
    pub(super) fn finish(&mut self, index: usize) -> usize {
        if index < self.in_flight {
            self.in_flight -= 1;
        }
        self.outgoing.remove(index).map_or(0, |o| o.message.weight())
    }
}
