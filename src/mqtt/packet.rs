//! The packets, as plain values that borrow from the frame they were read from.

use super::property::Properties;
use super::wire::Fault;

/// The three versions that Mosquitto speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// MQTT 3.1 (`MQIsdp`, 3).
    V31,
    /// MQTT 3.1.1 (`MQTT`, 4).
    V311,
    /// MQTT 5 (`MQTT`, 5).
    V5,
}

impl Version {
    /// The digit in Mosquitto's log lines (`p1`, `p2`, `p5`).
    #[must_use]
    pub fn log_digit(self) -> u8 {
        match self {
            Self::V31 => 1,
            Self::V311 => 2,
            Self::V5 => 5,
        }
    }
}

/// Quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum QoS {
    /// At most once.
    #[default]
    AtMostOnce,
    /// At least once.
    AtLeastOnce,
    /// Exactly once.
    ExactlyOnce,
}

impl QoS {
    /// The number, if it is one of the three.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }
}

/// CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The protocol version.
    pub version: Version,
    /// Whether the client says that it is a bridge (bit 7 of the version byte, Mosquitto's own convention).
    pub bridge: bool,
    /// Clean session (3.x) or clean start (5).
    pub clean: bool,
    /// Seconds; 0 switches it off.
    pub keep_alive: u16,
    /// The client identifier; may be empty.
    pub client_id: &'a str,
    /// The will.
    pub will: Option<Will<'a>>,
    /// The user name.
    pub username: Option<&'a str>,
    /// The password.
    pub password: Option<&'a [u8]>,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
}

/// The will of a CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its payload.
    pub payload: &'a [u8],
    /// Its QoS.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// MQTT 5 will properties.
    pub properties: Properties<'a>,
}

/// PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Sent before.
    pub dup: bool,
    /// Its QoS.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// The topic; empty where an alias stands for it.
    pub topic: &'a str,
    /// The packet identifier; 0 at QoS 0.
    pub id: u16,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// The payload.
    pub payload: &'a [u8],
}

/// One filter of a SUBSCRIBE with its options byte (MQTT 5.0 §3.8.3.1; in 3.x only the QoS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription<'a> {
    /// The filter, not yet checked.
    pub filter: &'a str,
    /// The maximum QoS.
    pub qos: QoS,
    /// Do not send back what this client published.
    pub no_local: bool,
    /// Keep the retain flag as published.
    pub retain_as_published: bool,
    /// 0: send retained messages; 1: only if the subscription is new; 2: never.
    pub retain_handling: u8,
}

/// The four acknowledgements share their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckKind {
    /// PUBACK.
    PubAck,
    /// PUBREC.
    PubRec,
    /// PUBREL.
    PubRel,
    /// PUBCOMP.
    PubComp,
}

/// Any packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// CONNECT.
    Connect(Box<Connect<'a>>),
    /// CONNACK.
    ConnAck {
        /// Whether the server has a session for this client.
        session_present: bool,
        /// Return code (3.x) or reason code (5).
        code: u8,
        /// MQTT 5 properties.
        properties: Properties<'a>,
    },
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK, PUBREC, PUBREL, PUBCOMP.
    Ack {
        /// Which.
        kind: AckKind,
        /// The packet identifier.
        id: u16,
        /// The reason; 0 in 3.x.
        reason: u8,
    },
    /// SUBSCRIBE.
    Subscribe {
        /// The packet identifier.
        id: u16,
        /// The filters.
        filters: Vec<Subscription<'a>>,
        /// What is wrong with the next one: Mosquitto has taken those before it.
        broken: Option<Fault>,
        /// MQTT 5 properties.
        properties: Properties<'a>,
    },
    /// SUBACK.
    SubAck {
        /// The packet identifier.
        id: u16,
        /// One code per filter.
        codes: Vec<u8>,
    },
    /// UNSUBSCRIBE.
    Unsubscribe {
        /// The packet identifier.
        id: u16,
        /// The filters.
        filters: Vec<&'a str>,
        /// What is wrong with the next one: Mosquitto has taken those before it.
        broken: Option<Fault>,
    },
    /// UNSUBACK.
    UnsubAck {
        /// The packet identifier.
        id: u16,
        /// One code per filter; empty in 3.x.
        codes: Vec<u8>,
    },
    /// PINGREQ.
    PingReq,
    /// PINGRESP.
    PingResp,
    /// DISCONNECT.
    Disconnect {
        /// The reason; 0 in 3.x.
        reason: u8,
        /// MQTT 5 properties.
        properties: Properties<'a>,
    },
    /// AUTH.
    Auth {
        /// The reason.
        reason: u8,
        /// MQTT 5 properties.
        properties: Properties<'a>,
    },
}
