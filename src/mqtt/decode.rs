//! From bytes to packets, with Mosquitto's checks.

use super::connect::decode_connect;
use super::packet::{AckKind, Packet, Publish, QoS, Subscription, Version};
use super::property::{Carrier, Properties, SUBSCRIPTION_ID, TOPIC_ALIAS};
use super::topic;
use super::wire::{Fault, Reader};

/// One packet's bytes, cut out of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The first byte: packet type and flags.
    pub head: u8,
    /// Everything behind the fixed header.
    pub body: &'a [u8],
    /// How many bytes of the stream this packet takes.
    pub len: usize,
}

/// What the beginning of a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut<'a> {
    /// A whole packet.
    Frame(Frame<'a>),
    /// A part of one; with its whole length as soon as that is known.
    Partial(Option<usize>),
}

/// Cuts the first packet out of a stream.
///
/// # Errors
/// [`Fault::Malformed`] where the remaining length does not end within four bytes, [`Fault::TooLarge`] where it
/// announces more than `max` bytes.
pub fn frame(stream: &[u8], max: usize) -> Result<Cut<'_>, Fault> {
    let Some((&head, rest)) = stream.split_first() else {
        return Ok(Cut::Partial(None));
    };
    let mut remaining = 0usize;
    for i in 0..4 {
        let Some(&byte) = rest.get(i) else {
            return Ok(Cut::Partial(None));
        };
        remaining |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            if remaining > max {
                return Err(Fault::TooLarge);
            }
            let len = 2 + i + remaining;
            return Ok(match stream.get(2 + i..len) {
                Some(body) => Cut::Frame(Frame { head, body, len }),
                None => Cut::Partial(Some(len)),
            });
        }
    }
    Err(Fault::Malformed)
}

/// Decodes any packet of a connection whose version is known.
///
/// # Errors
/// [`Fault`], as Mosquitto would judge it.
pub fn decode(frame: Frame<'_>, version: Version) -> Result<Packet<'_>, Fault> {
    decode_as(frame, version).map_err(|fault| match (version, frame.head >> 4) {
        // Mosquitto 2.0 says what is wrong only with a PUBLISH, a SUBSCRIBE, an UNSUBSCRIBE and a reserved type.
        (Version::V5, 1 | 2 | 4..=7 | 9 | 11..=15) => Fault::Unanswered,
        _ => fault,
    })
}

fn decode_as(frame: Frame<'_>, version: Version) -> Result<Packet<'_>, Fault> {
    let mut r = Reader::new(frame.body);
    let flags = frame.head & 0x0f;
    let v5 = version == Version::V5;
    // MQTT 3.1 left the reserved flags open; Mosquitto does not look at them there.
    let needs = |wanted: u8| {
        if flags == wanted || version == Version::V31 { Ok(()) } else { Err(Fault::Malformed) }
    };
    let packet = match frame.head >> 4 {
        1 => return decode_connect(frame).map(|c| Packet::Connect(Box::new(c))),
        2 => {
            needs(0)?;
            let session_present = r.u8()? & 1 != 0;
            let code = r.u8()?;
            let properties = match (v5, r.remaining()) {
                (true, 1..) => Properties::read(&mut r, Carrier::Connack)?,
                _ => Properties::default(),
            };
            Packet::ConnAck { session_present, code, properties }
        }
        3 => return publish(frame, version).map(Packet::Publish),
        // Of the acknowledgements Mosquitto looks at the flags of PUBREL only, and never behind what it knows.
        4 => ack(&mut r, AckKind::PubAck, v5)?,
        5 => ack(&mut r, AckKind::PubRec, v5)?,
        6 => {
            needs(2)?;
            ack(&mut r, AckKind::PubRel, v5)?
        }
        7 => ack(&mut r, AckKind::PubComp, v5)?,
        8 => {
            needs(2)?;
            subscribe(&mut r, version)?
        }
        9 => {
            let id = nonzero(r.u16()?)?;
            if v5 {
                Properties::read(&mut r, Carrier::Ack)?;
            }
            let codes = r.take_rest().to_vec();
            if v5 && codes.is_empty() {
                return Err(Fault::Malformed);
            }
            Packet::SubAck { id, codes }
        }
        10 => {
            needs(2)?;
            unsubscribe(&mut r, version)?
        }
        11 => {
            let id = nonzero(r.u16()?)?;
            if v5 {
                Properties::read(&mut r, Carrier::Ack)?;
            }
            Packet::UnsubAck { id, codes: r.take_rest().to_vec() }
        }
        // Mosquitto looks at neither flags nor length of a ping.
        12 => return Ok(Packet::PingReq),
        13 => return Ok(Packet::PingResp),
        14 => {
            needs(0)?;
            let (reason, properties) = reason_and_properties(&mut r, v5, Carrier::Disconnect)?;
            Packet::Disconnect { reason, properties }
        }
        15 if v5 => {
            needs(0)?;
            let (reason, properties) = reason_and_properties(&mut r, true, Carrier::Auth)?;
            Packet::Auth { reason, properties }
        }
        _ => return Err(Fault::Protocol),
    };
    let lenient = version == Version::V31 || matches!(packet, Packet::Ack { .. });
    if r.remaining() > 0 && !lenient {
        return Err(Fault::Malformed);
    }
    Ok(packet)
}

fn publish(frame: Frame<'_>, version: Version) -> Result<Publish<'_>, Fault> {
    let mut r = Reader::new(frame.body);
    let qos = QoS::from_bits((frame.head >> 1) & 3).ok_or(Fault::Malformed)?;
    // Mosquitto takes the DUP flag at QoS 0 too.
    let dup = frame.head & 8 != 0;
    let name = r.string()?;
    if name.is_empty() && version != Version::V5 {
        return Err(Fault::Malformed);
    }
    let id = match qos {
        QoS::AtMostOnce => 0,
        _ => nonzero(r.u16()?)?,
    };
    let properties = match version {
        Version::V5 => Properties::read(&mut r, Carrier::Publish)?,
        _ => Properties::default(),
    };
    // Where there is an alias, that is looked at first.
    if !topic::is_valid_name(name) && properties.two(TOPIC_ALIAS).is_none() {
        return Err(Fault::Protocol);
    }
    Ok(Publish { dup, qos, retain: frame.head & 1 != 0, topic: name, id, properties, payload: r.take_rest() })
}

fn ack<'a>(r: &mut Reader<'a>, kind: AckKind, v5: bool) -> Result<Packet<'a>, Fault> {
    let id = nonzero(r.u16()?)?;
    let (reason, _) = reason_and_properties(r, v5, Carrier::Ack)?;
    Ok(Packet::Ack { kind, id, reason })
}

fn reason_and_properties<'a>(
    r: &mut Reader<'a>,
    v5: bool,
    carrier: Carrier,
) -> Result<(u8, Properties<'a>), Fault> {
    if !v5 || r.remaining() == 0 {
        return Ok((0, Properties::default()));
    }
    let reason = r.u8()?;
    let properties = if r.remaining() > 0 { Properties::read(r, carrier)? } else { Properties::default() };
    Ok((reason, properties))
}

fn subscribe<'a>(r: &mut Reader<'a>, version: Version) -> Result<Packet<'a>, Fault> {
    let v5 = version == Version::V5;
    let id = r.u16()?;
    if id == 0 {
        return Err(Fault::Malformed);
    }
    let properties = if v5 { Properties::read(r, Carrier::Subscribe)? } else { Properties::default() };
    if properties.four(SUBSCRIPTION_ID) == Some(0) {
        return Err(Fault::Malformed);
    }
    let (filters, broken) = several(r, |r| {
        let filter = r.string()?;
        let options = r.u8()?;
        let qos = QoS::from_bits(options & 3).ok_or(Fault::Malformed)?;
        let filter = valid(filter)?;
        let retain_handling = (options >> 4) & 3;
        if (!v5 && options & 0xfc != 0) || options & 0xc0 != 0 || retain_handling == 3 {
            return Err(Fault::Malformed);
        }
        Ok(Subscription {
            filter,
            qos,
            no_local: options & 4 != 0,
            retain_as_published: options & 8 != 0,
            retain_handling,
        })
    });
    match broken {
        Some(fault) if filters.is_empty() => Err(fault),
        None if filters.is_empty() && version != Version::V31 => Err(Fault::Malformed),
        _ => Ok(Packet::Subscribe { id, filters, properties, broken }),
    }
}

/// Reads as many as there are, up to the first that is wrong.
fn several<'a, T>(
    r: &mut Reader<'a>,
    one: impl Fn(&mut Reader<'a>) -> Result<T, Fault>,
) -> (Vec<T>, Option<Fault>) {
    let mut all = Vec::new();
    while r.remaining() > 0 {
        match one(r) {
            Ok(x) => all.push(x),
            Err(fault) => {
                r.take_rest();
                return (all, Some(fault));
            }
        }
    }
    (all, None)
}

fn unsubscribe<'a>(r: &mut Reader<'a>, version: Version) -> Result<Packet<'a>, Fault> {
    let v5 = version == Version::V5;
    let id = r.u16()?;
    if id == 0 {
        return Err(Fault::Malformed);
    }
    if v5 {
        Properties::read(r, Carrier::Unsubscribe)?;
    }
    let (filters, broken) = several(r, |r| match valid(r.string()?) {
        // The name of all shared subscriptions without group and filter.
        Ok("$share") => Err(Fault::Protocol),
        filter => filter,
    });
    match broken {
        Some(fault) if filters.is_empty() => Err(fault),
        None if filters.is_empty() && version != Version::V31 => Err(Fault::Malformed),
        _ => Ok(Packet::Unsubscribe { id, filters, broken }),
    }
}

fn valid(filter: &str) -> Result<&str, Fault> {
    if topic::is_valid_filter(filter) { Ok(filter) } else { Err(Fault::Malformed) }
}

fn nonzero(id: u16) -> Result<u16, Fault> {
    if id == 0 { Err(Fault::Protocol) } else { Ok(id) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::mqtt) fn whole(stream: &[u8]) -> Frame<'_> {
        match frame(stream, 100_000) {
            Ok(Cut::Frame(f)) => f,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cuts_packets_and_never_trusts_the_announced_length() {
        assert_eq!(frame(&[], 10), Ok(Cut::Partial(None)));
        assert_eq!(frame(&[0x30, 0x80], 1000), Ok(Cut::Partial(None)));
        assert_eq!(frame(&[0x30, 5, 0], 10), Ok(Cut::Partial(Some(7))));
        assert_eq!(frame(&[0x30, 0xff, 0xff, 0xff, 0x7f], 1000), Err(Fault::TooLarge));
        assert_eq!(frame(&[0x30, 0xff, 0xff, 0xff, 0xff], 1000), Err(Fault::Malformed));
        assert_eq!(whole(&[0xc0, 0, 9]).len, 2);
    }

    #[test]
    fn refuses_reserved_bits_from_3_1_1_on() {
        assert_eq!(decode(whole(b"\x80\x06\0\x01\0\x01a\0"), Version::V311), Err(Fault::Malformed));
        assert_eq!(decode(whole(b"\xe1\x00"), Version::V311), Err(Fault::Malformed));
        assert_eq!(decode(whole(b"\xc1\x00"), Version::V311), Ok(Packet::PingReq));
        assert_eq!(decode(whole(b"\x36\x05\x00\x01a\x00\x01"), Version::V311), Err(Fault::Malformed));
    }

    #[test]
    fn refuses_packet_identifier_zero_and_wildcards_in_publish() {
        assert_eq!(decode(whole(b"\x32\x05\x00\x01a\x00\x00"), Version::V311), Err(Fault::Protocol));
        assert_eq!(decode(whole(b"\x30\x03\x00\x01#"), Version::V311), Err(Fault::Protocol));
    }
}
