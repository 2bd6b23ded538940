//! Who gets in: every combination of password file, anonymous, user, password, client identifier, session and
//! version, on TCP and on websockets. CONNACK and close must be the same.

use std::process::Command;

use crate::peers;

use super::wire::{End, Wire, connect};
use super::{Stage, Tally, dice, peers_there};

/// `(word, value)` of the user name that a client gives.
const USERS: &[Option<&str>] = &[
    None,
    Some("seven"),
    Some("six"),
    Some("hollow"),
    Some("stranger"),
    Some("bare"),
    Some("plain"),
    Some("damaged"),
    Some(""),
];
const PASSWORDS: &[Option<&str>] = &[None, Some("right"), Some("wrong"), Some("")];

/// The CONNACK without an identifier that the broker made up, and whether the connection stays.
fn outcome(port: u16, websocket: bool, connect: &[u8]) -> (String, Option<End>) {
    let mut wire = match Wire::open(port, None, websocket) {
        Ok(wire) => wire,
        Err(end) => return ("no connection".into(), Some(end)),
    };
    if let Err(end) = wire.send(connect) {
        return ("not sent".into(), Some(end));
    }
    let answer = match wire.packet() {
        Ok(mut bytes) => {
            for prefix in [&b"auto-"[..], b"dev-"] {
                if let Some(at) = bytes.windows(prefix.len()).position(|w| w == prefix) {
                    bytes.drain(at..(at + prefix.len() + 36).min(bytes.len()));
                }
            }
            bytes.iter().map(|b| format!("{b:02x}")).collect()
        }
        Err(end) => return ("no answer".into(), Some(end)),
    };
    (answer, wire.settle().err())
}

#[test]
fn lets_in_and_turns_away_whom_mosquitto_does() {
    if !peers_there("lets_in_and_turns_away_whom_mosquitto_does") {
        return;
    }
    let stage = Stage::new();
    let file = stage.path().join("users");
    let add = |more: &[&str], user: &str, password: &str| {
        let mut command = Command::new(peers::find("mosquitto_passwd").unwrap());
        let (status, said) = peers::run(command.args(more).arg("-b").arg(&file).args([user, password]));
        assert_eq!(status, 0, "{said}");
    };
    add(&["-c"], "seven", "right");
    add(&["-H", "sha512"], "six", "right");
    add(&[], "hollow", "");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("# a comment\nbare:\nplain:right\ndamaged:$7$101$AAAA$BBBB\nno colon\n");
    stage.write("users", text);
    stage.write("nobody", "");
    let mut conf = String::from("per_listener_settings true\n");
    let mut listeners = Vec::new();
    for passwords in ["", "password_file {dir}/users\n", "password_file {dir}/nobody\n"] {
        for anonymous in ["", "allow_anonymous true\n", "allow_anonymous false\n"] {
            for by_name in ["", "use_username_as_clientid true\n"] {
                let web = listeners.len() % 3 == 2;
                let protocol = if web { "protocol websockets\n" } else { "" };
                let lines = format!("{protocol}{passwords}{anonymous}{by_name}");
                conf.push_str(&format!("listener {{{}}} 127.0.0.1\n{lines}", listeners.len()));
                listeners.push((lines, web));
            }
        }
    }
    let [real, twin] = stage.both(&conf);
    let mut dice = dice();
    let mut tally = Tally::new("logins");
    // A client without a user name that `use_username_as_clientid` refuses makes 2.0.11 forget all its sessions
    // (HASH_DELETE of what is not in the table): these come last, and ask for no session.
    let nameless =
        |lines: &str, user: &Option<&str>| lines.contains("clientid") && user.is_none_or(str::is_empty);
    for last in [false, true] {
        for (index, (lines, web)) in listeners.iter().enumerate() {
            for user in USERS.iter().filter(|u| nameless(lines, u) == last) {
                // Every user and password meets a few of the combinations of the rest.
                for password in PASSWORDS.iter().flat_map(|p| [p; 3]) {
                    let version = [3, 4, 4, 5, 5][dice.below(5)];
                    let (clean, id) =
                        (last || dice.percent(50), dice.of(&["", "", "me", "seven", "a client"]));
                    let bytes = connect(version, clean, id, *user, *password);
                    let [r, t] = [&real, &twin].map(|b| outcome(b.ports[index], *web, &bytes));
                    let class = match (&r.0, &r.1) {
                        (code, _) if code.starts_with("20") => format!("CONNACK {}", &code[6..8]),
                        (_, end) => format!("{end:?}"),
                    };
                    let case = format!("{lines:?} v{version} clean {clean} id {id:?} {user:?} {password:?}");
                    tally.add(&class, &case, &r, &t);
                }
            }
        }
    }
    tally.done(4);
}

#[test]
fn takes_and_makes_the_client_identifiers_that_mosquitto_does() {
    if !peers_there("takes_and_makes_the_client_identifiers_that_mosquitto_does") {
        return;
    }
    let stage = Stage::new();
    let mut tally = Tally::new("client identifiers");
    let kinds = [
        "",
        "allow_zero_length_clientid false\n",
        "auto_id_prefix dev-\n",
        "allow_zero_length_clientid true\n",
    ];
    for each in [true, false] {
        for global in ["", "clientid_prefixes dev-\n"] {
            for first in 0..if each { 1 } else { kinds.len() } {
                let mut conf = format!("per_listener_settings {each}\n{global}");
                for index in 0..3 {
                    // Without `per_listener_settings` one line holds for all.
                    let line = if each || index == 2 { kinds[(first + index + 1) % kinds.len()] } else { "" };
                    let anonymous = if each || index == 2 { "allow_anonymous true\n" } else { "" };
                    conf.push_str(&format!("listener {{{index}}} 127.0.0.1\n{anonymous}{line}"));
                }
                let brokers = stage.both(&conf);
                for index in 0..3 {
                    for (version, clean, id) in [3, 4, 5]
                        .into_iter()
                        .flat_map(|v| [(v, true), (v, false)])
                        .flat_map(|(v, c)| ["", "dev-1", "other", "dev"].map(|id| (v, c, id)))
                    {
                        let bytes = connect(version, clean, id, None, None);
                        let [r, t] = [0, 1].map(|i| outcome(brokers[i].ports[index], false, &bytes));
                        let class = r.0.get(6..8).map_or("closed".into(), |code| format!("CONNACK {code}"));
                        let case = format!("{conf:?} listener {index} v{version} clean {clean} id {id:?}");
                        tally.add(&class, &case, &r, &t);
                    }
                }
            }
        }
    }
    tally.done(4);
}
