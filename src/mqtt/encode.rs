//! From packets to bytes. Each function appends one packet.

use super::packet::{AckKind, Connect, Publish, QoS, Subscription, Version};
use super::property::Properties;
use super::wire::{put_binary, put_varint, varint_len};

fn packet(out: &mut Vec<u8>, head: u8, body: &[u8]) {
    out.push(head);
    put_varint(out, body.len());
    out.extend_from_slice(body);
}

/// CONNECT.
pub fn connect(out: &mut Vec<u8>, c: &Connect<'_>) {
    let mut body = Vec::with_capacity(64);
    let (name, byte): (&[u8], u8) = match c.version {
        Version::V31 => (b"MQIsdp", 3),
        Version::V311 => (b"MQTT", 4),
        Version::V5 => (b"MQTT", 5),
    };
    put_binary(&mut body, name);
    body.push(byte | if c.bridge { 0x80 } else { 0 });
    let mut flags = if c.clean { 2 } else { 0 };
    if let Some(w) = &c.will {
        flags |= 4 | (w.qos.bits() << 3) | if w.retain { 0x20 } else { 0 };
    }
    flags |= if c.username.is_some() { 0x80 } else { 0 };
    flags |= if c.password.is_some() { 0x40 } else { 0 };
    body.push(flags);
    body.extend_from_slice(&c.keep_alive.to_be_bytes());
    if c.version == Version::V5 {
        c.properties.write(&mut body);
    }
    put_binary(&mut body, c.client_id.as_bytes());
    if let Some(w) = &c.will {
        if c.version == Version::V5 {
            w.properties.write(&mut body);
        }
        put_binary(&mut body, w.topic.as_bytes());
        put_binary(&mut body, w.payload);
    }
    if let Some(u) = c.username {
        put_binary(&mut body, u.as_bytes());
    }
    if let Some(p) = c.password {
        put_binary(&mut body, p);
    }
    packet(out, 0x10, &body);
}

/// CONNACK.
pub fn connack(out: &mut Vec<u8>, v: Version, session_present: bool, code: u8, properties: &Properties<'_>) {
    let mut body = vec![u8::from(session_present && v != Version::V31), code];
    if v == Version::V5 {
        properties.write(&mut body);
    }
    packet(out, 0x20, &body);
}

/// The length of the PUBLISH that [`publish`] would write.
#[must_use]
pub fn publish_len(version: Version, p: &Publish<'_>) -> usize {
    let body = publish_body_len(version, p);
    1 + varint_len(body) + body
}

fn publish_body_len(version: Version, p: &Publish<'_>) -> usize {
    let id = if p.qos == QoS::AtMostOnce { 0 } else { 2 };
    let properties = match version {
        Version::V5 => {
            let len = p.properties.body_len();
            varint_len(len) + len
        }
        _ => 0,
    };
    2 + p.topic.len() + id + properties + p.payload.len()
}

/// PUBLISH.
pub fn publish(out: &mut Vec<u8>, version: Version, p: &Publish<'_>) {
    let body = publish_body_len(version, p);
    out.reserve(body + 5);
    out.push(0x30 | (u8::from(p.dup) << 3) | (p.qos.bits() << 1) | u8::from(p.retain));
    put_varint(out, body);
    put_binary(out, p.topic.as_bytes());
    if p.qos != QoS::AtMostOnce {
        out.extend_from_slice(&p.id.to_be_bytes());
    }
    if version == Version::V5 {
        p.properties.write(out);
    }
    out.extend_from_slice(p.payload);
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP; the reason goes out only in MQTT 5, and only if it is not 0.
pub fn ack(out: &mut Vec<u8>, version: Version, kind: AckKind, id: u16, reason: u8) {
    let head = match kind {
        AckKind::PubAck => 0x40,
        AckKind::PubRec => 0x50,
        AckKind::PubRel => 0x62,
        AckKind::PubComp => 0x70,
    };
    let [high, low] = id.to_be_bytes();
    if version == Version::V5 && reason != 0 {
        out.extend_from_slice(&[head, 3, high, low, reason]);
    } else {
        out.extend_from_slice(&[head, 2, high, low]);
    }
}

/// SUBSCRIBE.
pub fn subscribe(out: &mut Vec<u8>, version: Version, id: u16, filters: &[Subscription<'_>]) {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    for f in filters {
        put_binary(&mut body, f.filter.as_bytes());
        let mut options = f.qos.bits();
        if version == Version::V5 {
            options |= (u8::from(f.no_local) << 2)
                | (u8::from(f.retain_as_published) << 3)
                | ((f.retain_handling & 3) << 4);
        }
        body.push(options);
    }
    packet(out, 0x82, &body);
}

/// SUBACK.
pub fn suback(out: &mut Vec<u8>, version: Version, id: u16, codes: &[u8]) {
    acks(out, 0x90, version == Version::V5, id, codes);
}

/// UNSUBSCRIBE.
pub fn unsubscribe(out: &mut Vec<u8>, version: Version, id: u16, filters: &[&str]) {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    for f in filters {
        put_binary(&mut body, f.as_bytes());
    }
    packet(out, 0xa2, &body);
}

/// UNSUBACK; 3.x carries no codes.
pub fn unsuback(out: &mut Vec<u8>, version: Version, id: u16, codes: &[u8]) {
    let v5 = version == Version::V5;
    acks(out, 0xb0, v5, id, if v5 { codes } else { &[] });
}

fn acks(out: &mut Vec<u8>, head: u8, v5: bool, id: u16, codes: &[u8]) {
    let mut body = id.to_be_bytes().to_vec();
    if v5 {
        body.push(0);
    }
    body.extend_from_slice(codes);
    packet(out, head, &body);
}

/// PINGREQ.
pub fn pingreq(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xc0, 0]);
}

/// PINGRESP.
pub fn pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xd0, 0]);
}

/// DISCONNECT; in 3.x it has no reason.
pub fn disconnect(out: &mut Vec<u8>, version: Version, reason: u8) {
    if version == Version::V5 {
        out.extend_from_slice(&[0xe0, 1, reason]);
    } else {
        out.extend_from_slice(&[0xe0, 0]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::{Cut, decode, frame};
    use super::super::packet::Packet;
    use super::super::property::{self, Property};
    use super::*;

    fn back(bytes: &[u8], version: Version) -> Packet<'_> {
        match frame(bytes, 1 << 20) {
            Ok(Cut::Frame(f)) => {
                assert_eq!(f.len, bytes.len());
                decode(f, version).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn publish_goes_both_ways_in_every_version() {
        for version in [Version::V31, Version::V311, Version::V5] {
            let properties = match version {
                Version::V5 => Properties(vec![Property::Four(property::MESSAGE_EXPIRY, 9)]),
                _ => Properties::default(),
            };
            let p = Publish {
                dup: true,
                qos: QoS::ExactlyOnce,
                retain: true,
                topic: "a/ü",
                id: 7,
                properties,
                payload: &[0; 300],
            };
            let mut out = Vec::new();
            publish(&mut out, version, &p);
            assert_eq!(out.len(), publish_len(version, &p));
            assert_eq!(back(&out, version), Packet::Publish(p));
        }
    }

    #[test]
    fn connect_goes_both_ways() {
        let c = Connect {
            version: Version::V5,
            bridge: false,
            clean: true,
            keep_alive: 30,
            client_id: "c",
            will: None,
            username: Some("u"),
            password: Some(b"p"),
            properties: Properties(vec![Property::Four(property::SESSION_EXPIRY, 60)]),
        };
        let mut out = Vec::new();
        connect(&mut out, &c);
        assert_eq!(back(&out, Version::V5), Packet::Connect(Box::new(c)));
    }

    #[test]
    fn subscribe_and_acks_go_both_ways() {
        let f = Subscription {
            filter: "a/#",
            qos: QoS::AtLeastOnce,
            no_local: true,
            retain_as_published: true,
            retain_handling: 2,
        };
        let mut out = Vec::new();
        subscribe(&mut out, Version::V5, 3, &[f]);
        match back(&out, Version::V5) {
            Packet::Subscribe { id, filters, .. } => assert_eq!((id, filters), (3, vec![f])),
            other => panic!("{other:?}"),
        }
        out.clear();
        ack(&mut out, Version::V5, AckKind::PubAck, 4, 0x87);
        assert_eq!(back(&out, Version::V5), Packet::Ack { kind: AckKind::PubAck, id: 4, reason: 0x87 });
        out.clear();
        suback(&mut out, Version::V311, 5, &[1, 0x80]);
        assert_eq!(back(&out, Version::V311), Packet::SubAck { id: 5, codes: vec![1, 0x80] });
    }
}
