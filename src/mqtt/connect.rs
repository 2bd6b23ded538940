//! CONNECT from bytes, with Mosquitto's checks in its order.

use super::decode::Frame;
use super::packet::{Connect, QoS, Version, Will};
use super::property::{Carrier, Properties};
use super::topic;
use super::utf8;
use super::wire::{Fault, Reader};

/// Decodes a CONNECT: the only packet that says which version it is written in.
///
/// # Errors
/// [`Fault`]; [`Fault::UnknownVersion`] asks for a CONNACK with "unacceptable protocol version".
pub fn decode_connect<'a>(frame: Frame<'a>) -> Result<Connect<'a>, Fault> {
    let mut r = Reader::new(frame.body);
    let Head { version, bridge, flags, will_qos } = head(frame, &mut r)?;
    let strict = version != Version::V31;
    let (has_will, will_retain) = (flags & 4 != 0, flags & 0x20 != 0);
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
    if strict && !has_will && (will_qos != QoS::AtMostOnce || will_retain) {
        return Err(Fault::Protocol);
    }
    let will = if has_will { Some(read_will(&mut r, version, will_qos, will_retain)?) } else { None };
    let (has_user, has_password) = (flags & 0x80 != 0, flags & 0x40 != 0);
    if has_password && !has_user && version != Version::V5 {
        return Err(Fault::Protocol);
    }
    // MQTT 3.1 lets the flags stand without their strings, and to Mosquitto one that cannot be read is none.
    let lenient = version == Version::V31;
    let string = |r: &mut Reader<'a>, there: bool| match there.then(|| r.binary()) {
        Some(Err(_)) if lenient => Ok(None),
        read => read.transpose(),
    };
    let username = match string(&mut r, has_user)?.map(utf8::validate) {
        Some(None) if !lenient => return Err(Fault::Malformed),
        user => user.flatten(),
    };
    let password = string(&mut r, has_password)?;
    if r.remaining() > 0 {
        return Err(Fault::Protocol);
    }
    // What is empty is absent to Mosquitto (`packet__read_binary`): an empty user name is an anonymous client, an empty
    // password none at all.
    let username = username.filter(|u| !u.is_empty());
    let password = password.filter(|p: &&[u8]| !p.is_empty());
    Ok(Connect { version, bridge, clean, keep_alive, client_id, will, username, password, properties })
}

/// What a CONNECT says of its will before the will itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Whether a refusal is answered: in MQTT 5, and not to a bridge (the whole byte of the version is compared).
    pub answered: bool,
    /// Whether the will is retained: Mosquitto looks at this first.
    pub retain: bool,
    /// The will's QoS, which it looks at when it has read the properties; `None`: they cannot be read.
    pub qos: Option<QoS>,
}

/// What a CONNECT says of its will before the will itself; `None`: it brings none, or is broken before that.
#[must_use]
pub fn announced_will(frame: Frame<'_>) -> Option<Announced> {
    let mut r = Reader::new(frame.body);
    let head = head(frame, &mut r).ok().filter(|h| h.flags & 4 != 0)?;
    let v5 = head.version == Version::V5 && !head.bridge;
    let readable = r.u16().is_ok() && (!v5 || Properties::read(&mut r, Carrier::Connect).is_ok());
    Some(Announced { answered: v5, retain: head.flags & 0x20 != 0, qos: readable.then_some(head.will_qos) })
}

struct Head {
    version: Version,
    bridge: bool,
    flags: u8,
    will_qos: QoS,
}

fn head(frame: Frame<'_>, r: &mut Reader<'_>) -> Result<Head, Fault> {
    if frame.head >> 4 != 1 {
        return Err(Fault::Protocol);
    }
    let name = r.binary()?;
    let byte = r.u8()?;
    let version = match (name, byte & 0x7f) {
        (b"MQIsdp", 3) => Version::V31,
        (b"MQTT", 4) => Version::V311,
        (b"MQTT", 5) => Version::V5,
        (b"MQIsdp" | b"MQTT", _) => return Err(Fault::UnknownVersion(byte)),
        _ => return Err(Fault::Protocol),
    };
    let flags = r.u8()?;
    // MQTT 3.1 left the reserved flags open; Mosquitto does not look at them there.
    if version != Version::V31 && (flags & 1 != 0 || frame.head != 0x10) {
        return Err(Fault::Protocol);
    }
    let will_qos = QoS::from_bits((flags >> 3) & 3).ok_or(Fault::Protocol)?;
    Ok(Head { version, bridge: byte & 0x80 != 0, flags, will_qos })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::decode::tests::whole;

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
}
