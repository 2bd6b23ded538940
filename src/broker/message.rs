//! A message on its way: borrowed while it is routed, owned where it must be kept.

use std::rc::Rc;
use std::time::Instant;

use crate::mqtt::{Properties, Property, Publish, QoS, property};

/// What is published, borrowed from the packet that carries it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    pub qos: QoS,
    pub retain: bool,
    pub properties: &'a [Property<'a>],
    /// When it expires (MQTT 5 §3.3.2.3.3).
    pub expires: Option<Instant>,
}

/// A message that is kept: retained, queued, or in flight.
#[derive(Debug)]
pub(super) struct Message {
    pub topic: Box<str>,
    pub payload: Box<[u8]>,
    pub qos: QoS,
    pub retain: bool,
    pub expires: Option<Instant>,
    properties: Vec<Kept>,
}

/// The properties that go on to subscribers.
#[derive(Debug)]
enum Kept {
    Byte(u8, u8),
    Text(u8, Box<str>),
    Binary(u8, Box<[u8]>),
    Pair(Box<str>, Box<str>),
}

impl Message {
    /// Keeps what passes.
    pub(super) fn keep(p: &Passing<'_>) -> Rc<Self> {
        let properties = p
            .properties
            .iter()
            .filter_map(|p| match *p {
                Property::Byte(id, v) => Some(Kept::Byte(id, v)),
                Property::Text(id, v) => Some(Kept::Text(id, v.into())),
                Property::Binary(id, v) => Some(Kept::Binary(id, v.into())),
                Property::Pair(k, v) => Some(Kept::Pair(k.into(), v.into())),
                Property::Two(..) | Property::Four(..) | Property::Var(..) => None,
            })
            .collect();
        Rc::new(Self {
            topic: p.topic.into(),
            payload: p.payload.into(),
            qos: p.qos,
            retain: p.retain,
            expires: p.expires,
            properties,
        })
    }

    /// Lends the properties again.
    pub(super) fn properties(&self) -> Vec<Property<'_>> {
        self.properties
            .iter()
            .map(|k| match k {
                Kept::Byte(id, v) => Property::Byte(*id, *v),
                Kept::Text(id, v) => Property::Text(*id, v),
                Kept::Binary(id, v) => Property::Binary(*id, v),
                Kept::Pair(k, v) => Property::Pair(k, v),
            })
            .collect()
    }

    /// Lends the whole message again.
    pub(super) fn passing<'a>(&'a self, properties: &'a [Property<'a>]) -> Passing<'a> {
        Passing {
            topic: &self.topic,
            payload: &self.payload,
            qos: self.qos,
            retain: self.retain,
            properties,
            expires: self.expires,
        }
    }

    /// Roughly how much memory it holds.
    pub(super) fn weight(&self) -> usize {
        let properties: usize = self
            .properties
            .iter()
            .map(|k| match k {
                Kept::Byte(..) => 0,
                Kept::Text(_, v) => v.len(),
                Kept::Binary(_, v) => v.len(),
                Kept::Pair(k, v) => k.len() + v.len(),
            })
            .sum();
        self.topic.len() + self.payload.len() + properties + 32 * self.properties.len() + 160
    }

    /// Whether its expiry has passed.
    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

/// The PUBLISH packet that brings a message to one subscriber. A mount point stays in front of the topic: 2.0.11 puts
/// it there on the way in, and takes it off nowhere.
pub(super) fn outgoing<'a>(
    p: &Passing<'a>,
    v5: bool,
    how: &super::session::Delivery,
    id: u16,
    dup: bool,
    now: Instant,
) -> Publish<'a> {
    let mut list: Vec<Property<'a>> = Vec::new();
    if v5 {
        list.extend(how.ids.iter().map(|&i| Property::Var(property::SUBSCRIPTION_ID, i)));
        let passed_on =
            |x: &&Property| !matches!(x, Property::Two(..) | Property::Four(..) | Property::Var(..));
        list.extend(p.properties.iter().filter(passed_on));
        if let Some(at) = p.expires {
            let left = at.saturating_duration_since(now).as_secs_f64().ceil() as u32;
            list.push(Property::Four(property::MESSAGE_EXPIRY, left));
        }
    }
    Publish {
        dup,
        qos: how.qos,
        retain: how.retain,
        topic: p.topic,
        id,
        properties: Properties(list),
        payload: p.payload,
    }
}
