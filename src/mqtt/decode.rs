//! From bytes to packets, with Mosquitto's checks.

use super::packet::{AckKind, Connect, Packet, Publish, QoS, Subscription, Version, Will};
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

/// Decodes a CONNECT: the only packet that says which version it is written in.
///
/// # Errors
/// [`Fault`]; [`Fault::UnknownVersion`] asks for a CONNACK with "unacceptable protocol version".
pub fn decode_connect(frame: Frame<'_>) -> Result<Connect<'_>, Fault> {
    if frame.head >> 4 != 1 {
        return Err(Fault::Protocol);
    }
    let mut r = Reader::new(frame.body);
    let name = r.binary()?;
    let byte = r.u8()?;
    let bridge = byte & 0x80 != 0;
    let version = match (name, byte & 0x7f) {
        (b"MQIsdp", 3) => Version::V31,
        (b"MQTT", 4) => Version::V311,
        (b"MQTT", 5) => Version::V5,
        (b"MQIsdp" | b"MQTT", _) => return Err(Fault::UnknownVersion(byte)),
        _ => return Err(Fault::Protocol),
    };
    let flags = r.u8()?;
    // MQTT 3.1 left the reserved flags open; Mosquitto does not look at them there.
    let strict = version != Version::V31;
    if strict && (flags & 1 != 0 || frame.head != 0x10) {
        return Err(Fault::Protocol);
    }
    let will_qos = QoS::from_bits((flags >> 3) & 3).ok_or(Fault::Protocol)?;
    let (has_will, will_retain) = (flags & 4 != 0, flags & 0x20 != 0);
    if strict && !has_will && (will_qos != QoS::AtMostOnce || will_retain) {
        return Err(Fault::Protocol);
    }
    let keep_alive = r.u16()?;
    // From a bridge Mosquitto expects no properties: it compares the whole byte of the version there.
    let properties = match version {
        Version::V5 if !bridge => Properties::read(&mut r, Carrier::Connect)?,
        _ => Properties::default(),
    };
    let client_id = r.string()?;
    let clean = flags & 2 != 0;
    // Mosquitto answers this before it looks at what follows.
    if client_id.is_empty() && (version == Version::V31 || (version == Version::V311 && !clean)) {
        return Err(Fault::IdentifierRejected);
    }
    let will = if has_will { Some(read_will(&mut r, version, will_qos, will_retain)?) } else { None };
    let (mut has_user, has_password) = (flags & 0x80 != 0, flags & 0x40 != 0);
    if has_password && !has_user && version != Version::V5 {
        return Err(Fault::Protocol);
    }
    let mut username = None;
    if has_user {
        // MQTT 3.1 lets the flag stand without the string.
        if version == Version::V31 && r.remaining() == 0 {
            has_user = false;
        } else {
            username = Some(r.string()?);
        }
    }
    let mut password = None;
    if has_password && (has_user || version == Version::V5) {
        if version == Version::V31 && r.remaining() == 0 {
            password = None;
        } else {
            password = Some(r.binary()?);
        }
    }
    if r.remaining() > 0 {
        return Err(Fault::Protocol);
    }
    // What is empty is absent to Mosquitto (`packet__read_binary`): an empty user name is an anonymous client, an empty
    // password none at all.
    let username = username.filter(|u| !u.is_empty());
    let password = password.filter(|p: &&[u8]| !p.is_empty());
    Ok(Connect { version, bridge, clean, keep_alive, client_id, will, username, password, properties })
}

fn read_will<'a>(r: &mut Reader<'a>, version: Version, qos: QoS, retain: bool) -> Result<Will<'a>, Fault> {
    let properties = match version {
        Version::V5 => Properties::read(r, Carrier::Will)?,
        _ => Properties::default(),
    };
    let name = r.string()?;
    if !topic::is_valid_name(name) {
        return Err(Fault::Protocol);
    }
    Ok(Will { topic: name, payload: r.binary()?, qos, retain, properties })
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
    if name.is_empty() && properties.two(TOPIC_ALIAS).is_none() {
        return Err(Fault::Protocol);
    }
    if !name.is_empty() && !topic::is_valid_name(name) {
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
    let mut filters = Vec::new();
    while r.remaining() > 0 {
        let filter = r.string()?;
        let options = r.u8()?;
        let qos = QoS::from_bits(options & 3).ok_or(Fault::Malformed)?;
        is_shared_with_nobody(filter)?;
        let retain_handling = (options >> 4) & 3;
        if !topic::is_valid_filter(filter) || (!v5 && options & 0xfc != 0) || options & 0xc0 != 0 {
            return Err(Fault::Malformed);
        }
        if retain_handling == 3 {
            return Err(Fault::Malformed);
        }
        filters.push(Subscription {
            filter,
            qos,
            no_local: options & 4 != 0,
            retain_as_published: options & 8 != 0,
            retain_handling,
        });
    }
    if filters.is_empty() && version != Version::V31 {
        return Err(Fault::Malformed);
    }
    Ok(Packet::Subscribe { id, filters, properties })
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
    let mut filters = Vec::new();
    while r.remaining() > 0 {
        let filter = r.string()?;
        is_shared_with_nobody(filter)?;
        if !topic::is_valid_filter(filter) {
            return Err(Fault::Malformed);
        }
        filters.push(filter);
    }
    if filters.is_empty() && version != Version::V31 {
        return Err(Fault::Malformed);
    }
    Ok(Packet::Unsubscribe { id, filters })
}

/// Mosquitto takes `$share` without group and filter for a broken shared subscription.
fn is_shared_with_nobody(filter: &str) -> Result<(), Fault> {
    if filter == "$share" { Err(Fault::Protocol) } else { Ok(()) }
}

fn nonzero(id: u16) -> Result<u16, Fault> {
    if id == 0 { Err(Fault::Protocol) } else { Ok(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(stream: &[u8]) -> Frame<'_> {
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
    fn reads_a_connect_with_user_and_will() {
        let bytes = b"\x10\x1d\x00\x04MQTT\x04\xee\x00\x3c\x00\x02id\x00\x01w\x00\x01x\x00\x01u\x00\x04pass";
        let c = decode_connect(whole(bytes)).unwrap();
        assert_eq!((c.version, c.client_id, c.keep_alive, c.clean), (Version::V311, "id", 60, true));
        assert_eq!((c.username, c.password), (Some("u"), Some(&b"pass"[..])));
        let will = c.will.unwrap();
        assert_eq!(
            (will.topic, will.payload, will.qos, will.retain),
            ("w", &b"x"[..], QoS::AtLeastOnce, true)
        );
    }

    #[test]
    fn refuses_surplus_bytes_and_a_password_without_user() {
        let surplus = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x02id\x00";
        assert_eq!(decode_connect(whole(surplus)), Err(Fault::Protocol));
        let lonely = b"\x10\x11\x00\x04MQTT\x04\x42\x00\x3c\x00\x02id\x00\x01p";
        assert_eq!(decode_connect(whole(lonely)), Err(Fault::Protocol));
    }

    #[test]
    fn tells_an_unknown_version_from_another_protocol() {
        let v6 = b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x3c\x00\x02id";
        assert_eq!(decode_connect(whole(v6)), Err(Fault::UnknownVersion(6)));
        let http = b"\x10\x0e\x00\x04HTTP\x04\x02\x00\x3c\x00\x02id";
        assert_eq!(decode_connect(whole(http)), Err(Fault::Protocol));
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
