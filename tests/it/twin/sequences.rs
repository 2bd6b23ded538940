//! Packet sequences of three clients, good and broken, under the bounds that a mosquitto.conf can set: every answer
//! and every delivery is compared byte for byte. What Mosquitto's hash tables order (several retained messages for one
//! subscription) is compared without its order.

use super::wire::{End, Wire, packet, text};
use mqttcert_fixtures::Dice;

use super::{Stage, Tally, at_once, dice, peers_there};

const CASES: usize = 40;
const STEPS: usize = 22;
const LONG: &str = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";

/// What stands in the conf, before and behind the `listener` line.
const CONFS: &[(&str, &str)] = &[
    ("", ""),
    ("max_inflight_messages 2\nmax_queued_messages 3\n", ""),
    ("max_packet_size 60\nmessage_size_limit 20\n", ""),
    ("retain_available false\nmax_keepalive 30\n", ""),
    ("", "max_qos 1\nmax_topic_alias 2\n"),
    ("", "mount_point m/\n"),
    ("upgrade_outgoing_qos true\n", ""),
    ("queue_qos0_messages true\nallow_duplicate_messages true\n", ""),
];

/// One thing that a client does.
#[derive(Debug)]
enum Step {
    /// A new connection, with this CONNECT; the one before stays open.
    Connect(Vec<u8>),
    Send(Vec<u8>),
}

/// Writes the packets of one case: its topics and client identifiers are its own.
struct Author<'a> {
    dice: &'a mut Dice,
    own: String,
    versions: [u8; 3],
    retains: bool,
}

impl Author<'_> {
    fn one_in(&mut self, n: usize) -> bool {
        self.dice.below(n) == 0
    }

    fn topic(&mut self) -> Vec<u8> {
        let own = &self.own;
        if self.dice.below(25) == 0 {
            let odd = [
                Vec::new(),
                format!("{own}/+").into_bytes(),
                format!("{own}/#").into_bytes(),
                [own.as_bytes(), b"/\xff"].concat(),
                [own.as_bytes(), b"/\0"].concat(),
                format!("$SYS/{own}").into_bytes(),
                format!("$CONTROL/{own}").into_bytes(),
                format!("$share/{own}/x").into_bytes(),
                format!("${own}").into_bytes(),
            ];
            return odd[self.dice.below(odd.len())].clone();
        }
        let level = self.dice.of(&["a", "b", "a/b", "a/b/c", "", "a//b", "c", "/a", "a/"]);
        format!("{own}/{level}").into_bytes()
    }

    fn filter(&mut self) -> Vec<u8> {
        let own = self.own.clone();
        if self.one_in(25) {
            let odd = ["", "a#", "$share", "$share/g", "$share/g/", "$share/g+/x", "$share/+/x"];
            return match self.dice.of(&odd) {
                "a#" => format!("{own}/a#").into_bytes(),
                other => other.as_bytes().to_vec(),
            };
        }
        let group = self.dice.of(&["", "", "", "", "$share/g/", "$share/h/", "$share//"]);
        let level =
            self.dice.of(&["a", "b", "a/b", "#", "+", "+/b", "a/#", "a/+", "a/b/c", "", "+/+", "a//b"]);
        format!("{group}{own}/{level}").into_bytes()
    }

    /// A property list, now and then with one that does not belong there.
    fn properties(&mut self, pool: &[&[u8]]) -> Vec<u8> {
        const ODD: &[&[u8]] = &[
            b"\x0b\x00",
            b"\x23\x00\x00",
            b"\x23\x00\x0b",
            b"\x21\x00\x00",
            b"\x27\x00\x00\x00\x00",
            b"\x16\x00\x01d",
            b"\x24\x01",
            b"\x08\x00\x03a/+",
            b"\x03\x00\x01\xff",
            b"\x17\x02",
            b"\x63\x01",
        ];
        let mut list = Vec::new();
        for _ in 0..self.dice.below(3) {
            list.extend_from_slice(pool[self.dice.below(pool.len())]);
        }
        if self.one_in(15) {
            list.extend_from_slice(ODD[self.dice.below(ODD.len())]);
        }
        [&[list.len() as u8][..], &list].concat()
    }

    fn connect(&mut self, client: usize) -> Vec<u8> {
        let version = [3, 4, 4, 5, 5, 5][self.dice.below(6)];
        self.versions[client] = version;
        let mut flags = if self.one_in(3) { 0 } else { 2 };
        let who = if self.one_in(5) { (client + 1) % 3 } else { client };
        let mut tail = match self.dice.below(30) {
            0 => text(b""),
            1 => text(b"\0"),
            _ => text(format!("{}c{who}", self.own).as_bytes()),
        };
        if self.one_in(3) {
            let retained = u8::from(self.retains && self.one_in(4)) << 5;
            flags |= 4 | (self.dice.below(if retained > 0 { 1 } else { 3 }) as u8) << 3 | retained;
            if version == 5 {
                tail.extend(self.properties(&[b"\x01\x01", b"\x03\x00\x02ct", b"\x26\x00\x01k\x00\x01v"]));
            }
            tail.extend(text(&self.topic()));
            tail.extend(text(self.dice.of(&["", "will", "a will that is longer than twenty"]).as_bytes()));
        }
        for bit in [0x80, 0x40] {
            if self.one_in(5) {
                flags |= bit;
                tail.extend(text(self.dice.of(&["ann", "", "u\0"]).as_bytes()));
            }
        }
        match self.dice.below(60) {
            0 => flags |= 1,
            1 => flags |= 0x18,
            2 => flags ^= 0x80,
            3 => tail.truncate(3),
            4 => tail.push(0),
            _ => {}
        }
        let bridge = if self.one_in(20) { 0x80 } else { 0 };
        let properties = match version {
            5 => self.properties(&[
                b"\x11\0\0\0\x64",
                b"\x11\xff\xff\xff\xff",
                b"\x21\0\x01",
                b"\x21\xff\xff",
                b"\x27\0\0\0\x0b",
                b"\x27\0\0\0\x28",
                b"\x22\0\x0a",
                b"\x26\x00\x01k\x00\x01v",
            ]),
            _ => Vec::new(),
        };
        let keep_alive = [[0, 0], [0, 60], [0, 31], [0xff, 0xff]][self.dice.below(4)];
        let name = text(if version == 3 { b"MQIsdp" } else { b"MQTT" });
        packet(0x10, &[&name, &[version | bridge, flags], &keep_alive, &properties, &tail])
    }

    fn send(&mut self, client: usize) -> Vec<u8> {
        let v5 = self.versions[client] == 5;
        let id = if self.one_in(60) { [0, 0] } else { [0, [1, 1, 2, 3, 4][self.dice.below(5)]] };
        let user: &[&[u8]] = &[b"\x26\x00\x01k\x00\x01v"];
        match self.dice.below(50) {
            0..20 => {
                let retain = self.retains && self.one_in(5);
                let qos = if retain { 0 } else { [0, 1, 2, 2][self.dice.below(4)] };
                let mut topic = self.topic();
                let mut properties = Vec::new();
                if v5 {
                    let alias = [0x23, 0, 1 + self.dice.below(3) as u8];
                    let pool: &[&[u8]] = &[
                        b"\x01\x01",
                        &alias,
                        &alias,
                        b"\x03\0\x02ct",
                        b"\x08\0\x01r",
                        b"\x09\0\x02cd",
                        user[0],
                    ];
                    properties = self.properties(pool);
                    if properties.contains(&0x23) && self.one_in(3) {
                        topic.clear();
                    }
                }
                let payload = self.dice.of(&["", "x", "pay", "more than twenty bytes of it", LONG]);
                let head = 0x30 | qos << 1 | u8::from(retain) | if self.one_in(7) { 8 } else { 0 };
                let id: &[u8] = if qos > 0 { &id } else { &[] };
                packet(head, &[&text(&topic), id, &properties, payload.as_bytes()])
            }
            20..30 => {
                let mut filters = Vec::new();
                for _ in 0..1 + self.dice.below(3) {
                    let options = match self.dice.below(30) {
                        0 => [3, 0x30, 0x40, 4][self.dice.below(4)],
                        _ if v5 => {
                            (self.dice.below(3) | self.dice.below(4) << 2 | self.dice.below(3) << 4) as u8
                        }
                        _ => self.dice.below(3) as u8,
                    };
                    filters.extend([text(&self.filter()), vec![options]].concat());
                }
                let own: &[&[u8]] = &[b"\x0b\x01", b"\x0b\x80\x01", user[0]];
                let properties = if v5 { self.properties(own) } else { Vec::new() };
                packet(if self.one_in(40) { 0x80 } else { 0x82 }, &[&id, &properties, &filters])
            }
            30..33 => {
                let properties = if v5 { self.properties(user) } else { Vec::new() };
                packet(0xa2, &[&id, &properties, &text(&self.filter()), &text(&self.filter())])
            }
            33..43 => {
                let head = [0x40, 0x50, 0x62, 0x62, 0x70][self.dice.below(5)];
                let reason = [0, 0x10, 0x80, 0x97][self.dice.below(4)];
                let rest: &[u8] = if v5 && self.one_in(3) { &[reason] } else { &[] };
                packet(head, &[&id, rest])
            }
            43..46 => {
                let rest: &[u8] = match self.dice.below(4) {
                    0 if v5 => &[4],
                    1 if v5 => &[0, 5, 0x11, 0, 0, 0, 0x64],
                    _ => &[],
                };
                packet(0xe0, &[rest])
            }
            46 => match self.dice.below(5) {
                0 => packet(0xf0, &[&[0x18, 0]]),
                1 => vec![0x30, 0xff, 0xff, 0xff, 0xff, 1],
                2 => vec![0x00, 0],
                3 => vec![0x20, 2, 0, 0],
                _ => self.connect(client),
            },
            // No PINGREQ: the one that ends each step would be taken for answered.
            _ => vec![0xd0, 0],
        }
    }
}

fn script(dice: &mut Dice, number: usize, retains: bool) -> Vec<(usize, Step)> {
    let mut author = Author { dice, own: format!("k{number}"), versions: [4; 3], retains };
    let mut steps: Vec<(usize, Step)> = (0..3).map(|c| (c, Step::Connect(author.connect(c)))).collect();
    for _ in 0..STEPS {
        let client = author.dice.below(3);
        let step = match author.one_in(10) {
            true => Step::Connect(author.connect(client)),
            false => Step::Send(author.send(client)),
        };
        steps.push((client, step));
    }
    steps
}

/// Identifiers that a broker makes up are not compared.
fn masked(mut packet: Vec<u8>) -> Vec<u8> {
    if let Some(at) = packet.windows(5).position(|w| w == b"auto-") {
        let end = (at + 41).min(packet.len());
        packet[at..end].fill(b'?');
    }
    packet
}

/// What one client saw in one step: its packets, and whether its connection ended.
type Seen = (Vec<Vec<u8>>, Option<End>);

fn settled(wire: &mut Option<Wire>) -> Seen {
    let mut packets = Vec::new();
    let Some(open) = wire else { return (packets, None) };
    let _ = open.send(&[0xc0, 0]);
    let end = loop {
        match open.packet() {
            Ok(p) if p == [0xd0, 0] => break None,
            Ok(p) => packets.push(masked(p)),
            Err(end) => break Some(end),
        }
    };
    if end.is_some() {
        *wire = None;
    }
    packets.sort();
    (packets, end)
}

/// Plays a case; after every step each client tells what it saw, the one that acted first.
fn play(port: u16, steps: &[(usize, Step)]) -> Vec<Vec<Seen>> {
    let mut wires: [Option<Wire>; 3] = [None, None, None];
    let mut left = Vec::new();
    let mut all = Vec::new();
    for (client, step) in steps {
        let mut seen = Vec::new();
        match step {
            Step::Connect(bytes) => {
                left.extend(wires[*client].take());
                let mut wire = Wire::open(port, None, false).unwrap();
                let _ = wire.send(bytes);
                let answer = wire.packet();
                let welcome = matches!(&answer, Ok(p) if p.get(3) == Some(&0));
                seen.push(match answer {
                    Ok(p) => (vec![masked(p)], None),
                    Err(end) => (Vec::new(), Some(end)),
                });
                wires[*client] = welcome.then_some(wire);
            }
            Step::Send(bytes) => {
                if let Some(wire) = &mut wires[*client] {
                    let _ = wire.send(bytes);
                }
            }
        }
        for i in 0..3 {
            seen.push(settled(&mut wires[(client + i) % 3]));
        }
        all.push(seen);
    }
    all
}

/// The kind of an answer, for the tally.
fn class(seen: &[Seen]) -> &'static str {
    let acted = seen.iter().find(|s| !s.0.is_empty() || s.1.is_some());
    match acted {
        None => "no answer",
        Some((_, Some(_))) => "cut",
        Some((packets, None)) => match packets.first().map(|p| p[0] >> 4) {
            Some(2) => "connection",
            Some(3) => "message",
            Some(9 | 11) => "subscription",
            _ => "acknowledgement",
        },
    }
}

#[test]
fn answers_the_packets_of_three_clients_as_mosquitto_does() {
    if !peers_there("answers_the_packets_of_three_clients_as_mosquitto_does") {
        return;
    }
    let mut dice = dice();
    let mut tally = Tally::new("sequences");
    let stage = Stage::new();
    for (conf, behind) in CONFS {
        let conf = format!("allow_anonymous true\n{conf}listener {{0}} 127.0.0.1\n{behind}");
        let brokers = stage.both(&conf);
        let retains = !conf.contains("upgrade");
        let scripts: Vec<_> = (0..CASES).map(|n| script(&mut dice, n, retains)).collect();
        let played = at_once(&scripts, |s| [0, 1].map(|i| play(brokers[i].ports[0], s)));
        for (steps, [real, twin]) in scripts.iter().zip(&played) {
            for (at, (real, twin)) in real.iter().zip(twin).enumerate() {
                let before: String = steps[..=at].iter().map(|s| format!("  {}\n", shown(s))).collect();
                tally.add(class(real), &format!("{conf}{before}"), real, twin);
                // What follows a difference follows from it.
                if real != twin {
                    break;
                }
            }
        }
    }
    tally.done(5);
}

fn shown((client, step): &(usize, Step)) -> String {
    let (what, bytes) = match step {
        Step::Connect(bytes) => ("connects", bytes),
        Step::Send(bytes) => ("sends", bytes),
    };
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("{client} {what} {hex}")
}
