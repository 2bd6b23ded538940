//! Who may publish and read what: four ACL files, each in force on every listener (`per_listener_settings false`) and
//! on the listener behind which it stands, asked by 64 user, topic and action triples on three listeners: TCP, TLS and
//! websockets.

use std::collections::BTreeSet;

use super::wire::{End, Tls, Wire, connect, packet, text};
use mqttcert_fixtures::Dice;

use super::{Broker, Stage, Tally, dice, peers_there, server_files};

const TRIPLES: usize = 64;
const FIRST: &[&str] = &["a", "b", "ann", "bob", "c1", "", "$x", "$SYS", "dev"];
const MORE: &[&str] = &["a", "b", "ann", "c1", "carl/x", "", "dev"];
const USERS: &[Option<&str>] = &[
    None,
    Some("ann"),
    Some("bob"),
    Some("ann"),
    Some("bob"),
    Some("eve"),
    Some("a+b"),
    Some("%u"),
    Some("carl/x"),
];
const CLIENTS: &[&str] = &["c1", "c1", "ann", "dev/7", "c#", "%c"];

/// A topic, or a filter where `wild` has something to add to the levels.
fn topic(dice: &mut Dice, wild: &[&str]) -> String {
    let mut levels = Vec::new();
    for depth in 0..1 + dice.below(3) {
        let pool = if depth == 0 { FIRST } else { MORE };
        let level = if !wild.is_empty() && dice.below(5) < 2 { dice.of(wild) } else { dice.of(pool) };
        levels.push(level);
        if level == "#" {
            break;
        }
    }
    match levels.join("/") {
        empty if empty.is_empty() => "a".into(),
        topic => topic,
    }
}

fn acl_file(dice: &mut Dice) -> String {
    const ACCESS: &[&str] = &["", "read ", "write ", "readwrite ", "read ", "write ", "deny "];
    let mut out = String::new();
    let lines = |dice: &mut Dice, out: &mut String, kind: &str, wild: &[&str], most: usize| {
        for _ in 0..1 + dice.below(most) {
            let access = dice.of(ACCESS);
            out.push_str(&format!("{kind} {access}{}\n", topic(dice, wild)));
        }
    };
    lines(dice, &mut out, "topic", &["+", "#"], 4);
    for user in ["ann", "bob", "%u"] {
        out.push_str(&format!("user {user}\n"));
        lines(dice, &mut out, "topic", &["+", "#", "#", "%u"], 5);
    }
    lines(dice, &mut out, "pattern", &["%u", "%c", "+", "#", "%u", "%c", "x%uy", "%c%u"], 4);
    if dice.percent(50) {
        // Lines of one user may stand in several places, and comments between them.
        out.push_str("# again\n\nuser ann\n");
        lines(dice, &mut out, "topic", &["+", "#"], 2);
    }
    out + "user root\ntopic readwrite #\ntopic readwrite $x/#\ntopic readwrite $SYS/#\n"
}

struct Triple {
    user: Option<&'static str>,
    id: &'static str,
    version: u8,
    qos: u8,
    topic: String,
    publishes: bool,
}

impl std::fmt::Display for Triple {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.publishes { "publishes to" } else { "subscribes to" };
        let Self { user, id, version, qos, topic, .. } = self;
        write!(f, "{user:?} as {id} (v{version}, QoS {qos}) {what} {topic:?}")
    }
}

fn triple(dice: &mut Dice) -> Triple {
    let publishes = dice.percent(50);
    let wild: &[&str] = if publishes { &[] } else { &["+", "#"] };
    Triple {
        user: USERS[dice.below(USERS.len())],
        id: dice.of(CLIENTS),
        version: [4, 5, 5, 3][dice.below(4)],
        qos: dice.below(3) as u8,
        topic: topic(dice, wild),
        publishes,
    }
}

/// One who may do everything, on the plain listener.
struct Root(Wire);

impl Root {
    fn new(broker: &Broker, topics: &[String]) -> Self {
        let mut wire = Wire::open(broker.ports[0], None, false).unwrap();
        wire.send(&connect(4, true, "root", Some("root"), None)).unwrap();
        assert_eq!(wire.packet().unwrap()[3], 0);
        for filter in ["#", "$x/#"] {
            wire.send(&packet(0x82, &[&[0, 1], &text(filter.as_bytes()), &[0]])).unwrap();
        }
        // Some topics hold a message before anybody subscribes.
        for t in topics.iter().step_by(5) {
            wire.send(&packet(0x31, &[&text(t.as_bytes()), b"kept"])).unwrap();
        }
        wire.settle().unwrap();
        Self(wire)
    }
}

/// What one triple leads to: the answers, and what was delivered to whom.
fn outcome(
    t: &Triple,
    port: u16,
    tls: Option<&Tls>,
    web: bool,
    root: &mut Root,
    topics: &[String],
) -> (BTreeSet<Vec<u8>>, BTreeSet<Vec<u8>>, Option<End>) {
    let mut own = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut work = |own: &mut BTreeSet<Vec<u8>>, seen: &mut BTreeSet<Vec<u8>>| -> Result<(), End> {
        let mut wire = Wire::open(port, tls, web)?;
        wire.send(&connect(t.version, true, t.id, t.user, None))?;
        own.insert(wire.packet()?);
        let v5: &[u8] = if t.version == 5 { &[0] } else { &[] };
        let name = text(t.topic.as_bytes());
        if t.publishes {
            let id: &[u8] = if t.qos == 0 { &[] } else { &[0, 9] };
            wire.send(&packet(0x30 | t.qos << 1, &[&name, id, v5, b"from a client"]))?;
            if t.qos == 2 {
                own.insert(wire.packet()?);
                wire.send(&packet(0x62, &[&[0, 9]]))?;
            }
            own.extend(wire.settle()?);
        } else {
            wire.send(&packet(0x82, &[&[0, 8], v5, &name, &[t.qos]]))?;
            own.extend(wire.settle()?);
            for topic in topics {
                root.0.send(&packet(0x30, &[&text(topic.as_bytes()), b"from root"]))?;
            }
            root.0.settle()?;
            own.extend(wire.settle()?);
        }
        seen.extend(root.0.settle()?);
        wire.send(&packet(0xe0, &[]))
    };
    let end = work(&mut own, &mut seen).err();
    (own, seen, end)
}

#[test]
fn grants_and_denies_what_mosquitto_does() {
    if !peers_there("grants_and_denies_what_mosquitto_does") {
        return;
    }
    let mut dice = dice();
    let mut tally = Tally::new("acl");
    let stage = Stage::new();
    server_files(&stage);
    let files: Vec<String> = (0..4).map(|_| acl_file(&mut dice)).collect();
    for (i, file) in files.iter().enumerate() {
        stage.write(&format!("acl{i}"), file);
    }
    let tls = "certfile {dir}/server.crt\nkeyfile {dir}/server.key\n";
    for number in 0..8 {
        let (file, each) = (number / 2, number % 2 == 1);
        // With `per_listener_settings` the ACL file holds for the listener behind which it stands, and no other: in
        // turn for the last, for the second and the last, for all.
        let behind = |listener: usize| {
            let anonymous = "allow_anonymous true\n";
            match each {
                true if listener + file >= 2 => format!("{anonymous}acl_file {{dir}}/acl{file}\n"),
                true => anonymous.to_owned(),
                false if listener == 2 => format!("{anonymous}acl_file {{dir}}/acl{file}\n"),
                false => String::new(),
            }
        };
        let conf = format!(
            "per_listener_settings {each}\nlistener {{0}} 127.0.0.1\n{}listener {{1}} 127.0.0.1\n{tls}{}\
             listener {{2}} 127.0.0.1\nprotocol websockets\n{}",
            behind(0),
            behind(1),
            behind(2)
        );
        let brokers = stage.both(&conf);
        let topics: Vec<String> = (0..18).map(|_| topic(&mut dice, &[])).collect();
        let mut roots = [0, 1].map(|i| Root::new(&brokers[i], &topics));
        for listener in 0..3 {
            let shown = Tls::default();
            let tls = (listener == 1).then_some(&shown);
            for _ in 0..TRIPLES {
                let t = triple(&mut dice);
                let [real, twin] = [0, 1].map(|i| {
                    let port = brokers[i].ports[listener];
                    outcome(&t, port, tls, listener == 2, &mut roots[i], &topics)
                });
                let class = match (t.publishes, &real) {
                    (_, (_, _, Some(end))) => format!("{end:?}"),
                    (true, (_, seen, _)) if seen.is_empty() => "publish denied".into(),
                    (true, _) => "publish granted".into(),
                    (false, (own, ..)) if own.iter().any(|p| p[0] >> 4 == 3) => "messages received".into(),
                    (false, _) => "nothing received".into(),
                };
                let case =
                    format!("file {file}, per listener {each}, listener {listener}: {t}\n{}", files[file]);
                tally.add(&class, &case, &real, &twin);
            }
        }
    }
    tally.done(4);
}
