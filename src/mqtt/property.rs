//! MQTT 5 properties (§2.2.2): which exist, of which type, and in which packet each may stand.

use super::utf8;
use super::wire::{Fault, Reader, put_binary, put_varint, varint_len};

/// Payload format indicator.
pub const PAYLOAD_FORMAT: u8 = 1;
/// Message expiry interval, seconds.
pub const MESSAGE_EXPIRY: u8 = 2;
/// Content type.
pub const CONTENT_TYPE: u8 = 3;
/// Response topic.
pub const RESPONSE_TOPIC: u8 = 8;
/// Correlation data.
pub const CORRELATION_DATA: u8 = 9;
/// Subscription identifier.
pub const SUBSCRIPTION_ID: u8 = 11;
/// Session expiry interval, seconds.
pub const SESSION_EXPIRY: u8 = 17;
/// Assigned client identifier.
pub const ASSIGNED_CLIENT_ID: u8 = 18;
/// Server keep alive, seconds.
pub const SERVER_KEEP_ALIVE: u8 = 19;
/// Authentication method.
pub const AUTH_METHOD: u8 = 21;
/// Authentication data.
pub const AUTH_DATA: u8 = 22;
/// Request problem information.
pub const REQUEST_PROBLEM: u8 = 23;
/// Will delay interval, seconds.
pub const WILL_DELAY: u8 = 24;
/// Request response information.
pub const REQUEST_RESPONSE: u8 = 25;
/// Response information.
pub const RESPONSE_INFORMATION: u8 = 26;
/// Server reference.
pub const SERVER_REFERENCE: u8 = 28;
/// Reason string.
pub const REASON_STRING: u8 = 31;
/// Receive maximum.
pub const RECEIVE_MAXIMUM: u8 = 33;
/// Topic alias maximum.
pub const TOPIC_ALIAS_MAXIMUM: u8 = 34;
/// Topic alias.
pub const TOPIC_ALIAS: u8 = 35;
/// Maximum QoS.
pub const MAXIMUM_QOS: u8 = 36;
/// Retain available.
pub const RETAIN_AVAILABLE: u8 = 37;
/// User property.
pub const USER_PROPERTY: u8 = 38;
/// Maximum packet size.
pub const MAXIMUM_PACKET_SIZE: u8 = 39;
/// Wildcard subscriptions available.
pub const WILDCARD_AVAILABLE: u8 = 40;
/// Subscription identifiers available.
pub const SUBSCRIPTION_ID_AVAILABLE: u8 = 41;
/// Shared subscriptions available.
pub const SHARED_AVAILABLE: u8 = 42;

/// Where a property list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Carrier {
    Connect,
    Will,
    Connack,
    Publish,
    /// PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK.
    Ack,
    Subscribe,
    Unsubscribe,
    Disconnect,
    Auth,
}

/// One property and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property<'a> {
    /// A byte.
    Byte(u8, u8),
    /// Two bytes.
    Two(u8, u16),
    /// Four bytes.
    Four(u8, u32),
    /// A variable byte integer.
    Var(u8, u32),
    /// A string.
    Text(u8, &'a str),
    /// Binary data.
    Binary(u8, &'a [u8]),
    /// A user property.
    Pair(&'a str, &'a str),
}

impl Property<'_> {
    /// Which one it is.
    #[must_use]
    pub fn id(&self) -> u8 {
        match *self {
            Self::Byte(id, _)
            | Self::Two(id, _)
            | Self::Four(id, _)
            | Self::Var(id, _)
            | Self::Text(id, _)
            | Self::Binary(id, _) => id,
            Self::Pair(..) => USER_PROPERTY,
        }
    }
}

/// The properties of one packet, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties<'a>(pub Vec<Property<'a>>);

#[derive(Clone, Copy)]
enum Kind {
    Byte,
    Two,
    Four,
    Var,
    Text,
    Binary,
    Pair,
}

fn kind_of(id: u8) -> Option<Kind> {
    Some(match id {
        PAYLOAD_FORMAT
        | REQUEST_PROBLEM
        | REQUEST_RESPONSE
        | MAXIMUM_QOS
        | RETAIN_AVAILABLE
        | WILDCARD_AVAILABLE
        | SUBSCRIPTION_ID_AVAILABLE
        | SHARED_AVAILABLE => Kind::Byte,
        SERVER_KEEP_ALIVE | RECEIVE_MAXIMUM | TOPIC_ALIAS_MAXIMUM | TOPIC_ALIAS => Kind::Two,
        MESSAGE_EXPIRY | SESSION_EXPIRY | WILL_DELAY | MAXIMUM_PACKET_SIZE => Kind::Four,
        SUBSCRIPTION_ID => Kind::Var,
        CONTENT_TYPE | RESPONSE_TOPIC | ASSIGNED_CLIENT_ID | AUTH_METHOD | RESPONSE_INFORMATION
        | SERVER_REFERENCE | REASON_STRING => Kind::Text,
        CORRELATION_DATA | AUTH_DATA => Kind::Binary,
        USER_PROPERTY => Kind::Pair,
        _ => return None,
    })
}

fn allowed(id: u8, carrier: Carrier) -> bool {
    use Carrier as C;
    match id {
        PAYLOAD_FORMAT | MESSAGE_EXPIRY | CONTENT_TYPE | RESPONSE_TOPIC | CORRELATION_DATA => {
            matches!(carrier, C::Publish | C::Will)
        }
        SUBSCRIPTION_ID => matches!(carrier, C::Publish | C::Subscribe),
        SESSION_EXPIRY => matches!(carrier, C::Connect | C::Connack | C::Disconnect),
        ASSIGNED_CLIENT_ID
        | SERVER_KEEP_ALIVE
        | RESPONSE_INFORMATION
        | MAXIMUM_QOS
        | RETAIN_AVAILABLE
        | WILDCARD_AVAILABLE
        | SUBSCRIPTION_ID_AVAILABLE
        | SHARED_AVAILABLE => carrier == C::Connack,
        AUTH_METHOD | AUTH_DATA => matches!(carrier, C::Connect | C::Connack | C::Auth),
        REQUEST_PROBLEM | REQUEST_RESPONSE => carrier == C::Connect,
        WILL_DELAY => carrier == C::Will,
        SERVER_REFERENCE => matches!(carrier, C::Connack | C::Disconnect),
        REASON_STRING => matches!(carrier, C::Connack | C::Ack | C::Disconnect | C::Auth),
        RECEIVE_MAXIMUM | TOPIC_ALIAS_MAXIMUM | MAXIMUM_PACKET_SIZE => {
            matches!(carrier, C::Connect | C::Connack)
        }
        TOPIC_ALIAS => carrier == C::Publish,
        USER_PROPERTY => true,
        _ => false,
    }
}

impl<'a> Properties<'a> {
    /// Reads a property list with its length.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where it cannot be parsed, [`Fault::Unanswered`] where a property stands twice,
    /// [`Fault::Protocol`] where one stands in the wrong packet or has a value that its section forbids. As Mosquitto
    /// does it, that too is malformed in PUBLISH, SUBSCRIBE and UNSUBSCRIBE, and the first two may hold any value.
    pub fn read(r: &mut Reader<'a>, carrier: Carrier) -> Result<Self, Fault> {
        let len = r.varint()? as usize;
        let mut body = Reader::new(r.take(len)?);
        let mut list = Vec::new();
        while body.remaining() > 0 {
            let id = u8::try_from(body.varint()?).map_err(|_| Fault::Malformed)?;
            let property = match kind_of(id).ok_or(Fault::Malformed)? {
                Kind::Byte => Property::Byte(id, body.u8()?),
                Kind::Two => Property::Two(id, body.u16()?),
                Kind::Four => Property::Four(id, body.u32()?),
                Kind::Var => Property::Var(id, body.varint()?),
                Kind::Text => Property::Text(id, text(&mut body)?),
                Kind::Binary => Property::Binary(id, body.binary()?),
                Kind::Pair => Property::Pair(text(&mut body)?, text(&mut body)?),
            };
            list.push(property);
        }
        // Only what could be read to its end is judged, each with those behind it (`mosquitto_property_check_all`).
        let mut behind: u64 = 0;
        let mut verdict = Ok(());
        for property in list.iter().rev() {
            let id = property.id();
            let repeatable = id == USER_PROPERTY || (id == SUBSCRIPTION_ID && carrier == Carrier::Publish);
            let any_value = matches!(carrier, Carrier::Publish | Carrier::Subscribe);
            if !allowed(id, carrier) || (!any_value && !value_allowed(*property)) {
                let named = matches!(carrier, Carrier::Publish | Carrier::Subscribe | Carrier::Unsubscribe);
                verdict = Err(if named { Fault::Malformed } else { Fault::Protocol });
            } else if behind & (1 << id) != 0 && !repeatable {
                verdict = Err(Fault::Unanswered);
            }
            behind |= 1 << id;
        }
        verdict.map(|()| Self(list))
    }

    /// Appends the list with its length.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.body_len());
        for p in &self.0 {
            match *p {
                Property::Byte(id, v) => out.extend_from_slice(&[id, v]),
                Property::Two(id, v) => {
                    out.push(id);
                    out.extend_from_slice(&v.to_be_bytes());
                }
                Property::Four(id, v) => {
                    out.push(id);
                    out.extend_from_slice(&v.to_be_bytes());
                }
                Property::Var(id, v) => {
                    out.push(id);
                    put_varint(out, v as usize);
                }
                Property::Text(id, v) => {
                    out.push(id);
                    put_binary(out, v.as_bytes());
                }
                Property::Binary(id, v) => {
                    out.push(id);
                    put_binary(out, v);
                }
                Property::Pair(k, v) => {
                    out.push(USER_PROPERTY);
                    put_binary(out, k.as_bytes());
                    put_binary(out, v.as_bytes());
                }
            }
        }
    }

    /// The length of the list without its own length field.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.0
            .iter()
            .map(|p| match *p {
                Property::Byte(..) => 2,
                Property::Two(..) => 3,
                Property::Four(..) => 5,
                Property::Var(_, v) => 1 + varint_len(v as usize),
                Property::Text(_, v) => 3 + v.len().min(0xffff),
                Property::Binary(_, v) => 3 + v.len().min(0xffff),
                Property::Pair(k, v) => 5 + k.len().min(0xffff) + v.len().min(0xffff),
            })
            .sum()
    }

    /// The value of a one-byte property.
    #[must_use]
    pub fn byte(&self, id: u8) -> Option<u8> {
        self.0.iter().find_map(|p| match *p {
            Property::Byte(i, v) if i == id => Some(v),
            _ => None,
        })
    }

    /// The value of a two-byte property.
    #[must_use]
    pub fn two(&self, id: u8) -> Option<u16> {
        self.0.iter().find_map(|p| match *p {
            Property::Two(i, v) if i == id => Some(v),
            _ => None,
        })
    }

    /// The value of a four-byte or variable property.
    #[must_use]
    pub fn four(&self, id: u8) -> Option<u32> {
        self.0.iter().find_map(|p| match *p {
            Property::Four(i, v) | Property::Var(i, v) if i == id => Some(v),
            _ => None,
        })
    }

    /// The value of a string property.
    #[must_use]
    pub fn text(&self, id: u8) -> Option<&'a str> {
        self.0.iter().find_map(|p| match *p {
            Property::Text(i, v) if i == id => Some(v),
            _ => None,
        })
    }
}

/// A string; Mosquitto says nothing to one that is no UTF-8.
fn text<'a>(body: &mut Reader<'a>) -> Result<&'a str, Fault> {
    utf8::validate(body.binary()?).ok_or(Fault::Unanswered)
}

/// Of the values that MQTT 5 forbids Mosquitto refuses these: zero where a maximum is announced, more than 0 and 1 in
/// a flag.
fn value_allowed(p: Property<'_>) -> bool {
    match p {
        Property::Byte(PAYLOAD_FORMAT, _) => true,
        Property::Byte(_, v) => v <= 1,
        Property::Two(RECEIVE_MAXIMUM, v) => v != 0,
        Property::Four(MAXIMUM_PACKET_SIZE, v) => v != 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], carrier: Carrier) -> Result<usize, Fault> {
        Properties::read(&mut Reader::new(bytes), carrier).map(|p| p.0.len())
    }

    #[test]
    fn go_both_ways() {
        let p = Properties(vec![
            Property::Byte(PAYLOAD_FORMAT, 1),
            Property::Four(MESSAGE_EXPIRY, 60),
            Property::Two(TOPIC_ALIAS, 3),
            Property::Var(SUBSCRIPTION_ID, 300),
            Property::Text(CONTENT_TYPE, "text/plain"),
            Property::Binary(CORRELATION_DATA, b"\x00\x01"),
            Property::Pair("k", "v"),
            Property::Pair("k", "w"),
        ]);
        let mut out = Vec::new();
        p.write(&mut out);
        assert_eq!(Properties::read(&mut Reader::new(&out), Carrier::Publish), Ok(p));
    }

    #[test]
    fn refuses_duplicates_strangers_and_unknown_ids() {
        assert_eq!(read(&[4, 1, 0, 1, 0], Carrier::Publish), Err(Fault::Unanswered));
        assert_eq!(read(&[2, 1, 0], Carrier::Connect), Err(Fault::Protocol));
        assert_eq!(read(&[2, 99, 0], Carrier::Publish), Err(Fault::Malformed));
        assert_eq!(read(&[3, 33, 0, 0], Carrier::Connect), Err(Fault::Protocol));
        assert_eq!(read(&[9, 1], Carrier::Publish), Err(Fault::Malformed));
    }
}
