//! The confs: `{p0}` to `{p3}` are free ports, `{d}` the folder with certificates, password and ACL files.

use mqttcert_fixtures::Dice;

/// Confs that each show one behaviour.
pub fn by_hand() -> Vec<String> {
    let tls = "cafile {d}/ca.crt\ncertfile {d}/server.crt\nkeyfile {d}/server.key\n";
    let seed = format!(
        "log_dest stdout\nlog_type error\npersistence false\nper_listener_settings true\nlistener {{p0}}\n\
         allow_anonymous false\npassword_file {{d}}/passwd\n{tls}tls_version tlsv1.2\nlistener {{p1}}\n\
         password_file {{d}}/passwd\n{tls}listener {{p2}}\nprotocol websockets\npassword_file {{d}}/passwd\n{tls}\n\
         acl_file {{d}}/acl\n"
    );
    let mut all: Vec<String> = vec![seed];
    let one = |rest: &str| format!("listener {{p0}}\n{rest}");
    for rest in [
        "",
        "allow_anonymous true",
        "allow_anonymous true # as long as nobody is here",
        "allow_anonymous  true",
        "allow_anonymous\ttrue",
        "allow_anonymous TRUE",
        "allow_anonymous yes",
        "allow_anonymous \"true\"",
        "allow_anonymous",
        "allow_anonymous ",
        "allow_anonymous 1\nacl_file {d}/acl",
        "allow_anonymous 1\nacl_file {d}/empty",
        "allow_anonymous 1\nacl_file {d}/acl # comment",
        "allow_anonymous 1\nacl_file   {d}/acl   ",
        "allow_anonymous 1\nacl_file {d}/acl\t",
        "acl_file {d}/acl\nacl_file {d}/acl\nallow_anonymous 1",
        "password_file {d}/passwd",
        "password_file {d}/passwd\npassword_file {d}/passwd",
        "password_file {d}/nowhere",
        "password_file {d}/bad-passwd\nallow_anonymous true",
        "acl_file {d}/bad-acl",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\nallow_anonymous true",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\nuse_identity_as_username true",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\ncafile {d}/ca.crt\nrequire_certificate true",
        "certfile {d}/server.crt\nallow_anonymous true",
        "keyfile {d}/server.key\nallow_anonymous true",
        "cafile {d}/ca.crt\nallow_anonymous true",
        "cafile {d}/nowhere\nallow_anonymous true",
        "cafile {d}/nowhere\ncertfile {d}/server.crt\nkeyfile {d}/server.key",
        "cafile {d}/garbage\ncertfile {d}/server.crt\nkeyfile {d}/server.key",
        "certfile {d}/garbage\nkeyfile {d}/server.key",
        "certfile {d}/server.crt\nkeyfile {d}/garbage",
        "certfile {d}/server.crt\nkeyfile {d}/other.key",
        "certfile {d}/nowhere\nkeyfile {d}/server.key",
        "certfile {d}/expired.crt\nkeyfile {d}/server.key\nallow_anonymous true",
        "certfile \"{d}/server.crt\"\nkeyfile {d}/server.key",
        "require_certificate true\nallow_anonymous true",
        "tls_version tlsv1.2\nallow_anonymous true",
        "tls_version nonsense\nallow_anonymous true",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\ntls_version tlsv1.3\nallow_anonymous true",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\ntls_version tlsv1.1\nallow_anonymous true",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\ntls_version TLSv1.2",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\ntls_version tlsv1",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\ntls_version tlsv1.2 tlsv1.3",
        "psk_hint x\ncertfile {d}/server.crt",
        "protocol websockets",
        "protocol mqtt",
        "protocol MQTT",
        "protocol",
        "max_connections",
        "max_connections abc",
        "max_qos 3",
        "max_qos",
        "user mosquitto\nuser mosquitto",
        "log_dest nowhere",
        "log_dest file",
        "log_type nonsense",
        "log_type",
        "mount_point a/+/",
        "mount_point a/\nmount_point b/",
        "persistent_client_expiration 1x",
        "persistent_client_expiration 14d",
        "max_keepalive 5",
        "max_packet_size 10",
        "retry_interval",
        "retain_expiry_interval 5",
        "per_listener_settings true",
        "allow_anonymous false\nper_listener_settings true",
        "allow_anonymous false\nper_listener_settings false",
        "connection b",
        "connection b\naddress 127.0.0.1:9",
        "connection b\ntopic # out",
        "connection b\naddress 127.0.0.1:9\ntopic # out 1 a/ b/",
        "connection b\naddress 127.0.0.1:9\ntopic # sideways",
        "connection b\naddress 127.0.0.1:99999\ntopic #",
        "topic #",
        "auth_opt_x y",
        "socket_domain ipv4\nallow_anonymous true",
        "socket_domain ipv5",
        "include_dir {d}/nowhere",
        "include_dir {d}/conf.d\nallow_anonymous true",
        "bind_interface lo",
        " allow_anonymous true",
        " # no comment",
        "   ",
        "\u{feff}allow_anonymous true",
        "allow_anonymous true\r",
        "Allow_anonymous true",
        "sys_interval 0\nautosave_interval -1",
        "message_size_limit 268435456",
        "websockets_log_level 7",
        "max_topic_alias 70000",
        "listener 0 mosquitto.sock",
        "listener \"{p1} 127.0.0.1\"",
    ] {
        all.push(one(rest) + "\n");
    }
    for text in [
        "\u{feff}listener {p0}\n",
        "\tlistener {p0}\n",
        "listener\n",
        "listener 99999\n",
        "listener abc\n",
        "listener {p0} # all addresses\n",
        "listener {p0} 127.0.0.1\nlistener {p1} localhost\n",
        "listener {p0}\nlistener {p0}\n",
        "listener {p0} 127.0.0.1\nlistener {p0} 127.0.0.2\n",
        "listener {p0} 127.0.0.1\nlistener {p0}\n",
        "port {p0}\nallow_anonymous true\n",
        "port {p0}\nport {p1}\n",
        "port {p0}\ncertfile {d}/server.crt\nkeyfile {d}/server.key\nlistener {p1}\n",
        "certfile {d}/server.crt\nkeyfile {d}/server.key\nport {p0}\nlistener {p1}\nallow_anonymous true\n",
        "per_listener_settings true\npassword_file {d}/passwd\nport {p0}\nlistener {p1}\nallow_anonymous true\n",
        "per_listener_settings true\nport {p0}\nlistener {p1}\n",
        "per_listener_settings true\nlistener {p0}\nallow_anonymous true\nacl_file {d}/acl\nlistener {p1}\nallow_anonymous true\n",
        "per_listener_settings true\nlistener {p0}\nallow_anonymous true\nlistener {p1}\nallow_anonymous true\nacl_file {d}/acl\n",
        "listener {p0}\nallow_anonymous true\nlistener {p1}\nacl_file {d}/acl\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\ncertfile {d}/server.crt\nkeyfile {d}/server.key\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\ncertfile {d}/server.crt\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\nkeyfile {d}/server.key\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\ncertfile {d}/server.crt\nkeyfile {d}/other.key\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\ncertfile {d}/server.crt\nkeyfile {d}/server.key\ntls_version nonsense\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\ncertfile {d}/server.crt\nkeyfile {d}/server.key\ncafile {d}/nowhere\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\ncertfile {d}/garbage\nkeyfile {d}/server.key\n",
        "listener {p0}\nlistener {p1}\nprotocol websockets\ncafile {d}/ca.crt\n",
        "listener {p0}\r\nallow_anonymous true\r\n\r\n# c\r\n",
        "listener {p0}\nallow_anonymous true",
        "",
        "allow_anonymous true\n",
        "password_file {d}/passwd\n",
        "per_listener_settings true\nallow_anonymous true\n",
        "cafile {d}/ca.crt\nallow_anonymous true\n",
        "per_listener_settings true\npassword_file {d}/passwd\n",
    ] {
        all.push(text.to_owned());
    }
    for more in [
        "ciphers \"HIGH:!aNULL\"",
        "ciphers HIGH:!aNULL:!MD5",
        "ciphers RC4",
        "ciphers nonsense",
        "ciphers DEFAULT@SECLEVEL=1",
        "ciphers HIGH:@SECLEVEL=9",
        "ciphers TLS_AES_128_GCM_SHA256",
        "ciphers_tls1.3 TLS_AES_128_GCM_SHA256",
        "ciphers_tls1.3 TLS_AES_128_GCM_SHA256:nonsense",
        "ciphers_tls1.3 HIGH",
        "dhparamfile {d}/nowhere",
        "dhparamfile {d}/garbage",
        "crlfile {d}/garbage",
        "capath {d}",
        "tls_keyform engine",
        "tls_keyform other",
    ] {
        all.push(one(&format!("{tls}{more}")) + "\n");
    }
    all
}

/// `count` confs: a plausible one each, half of them with a mistake or a quirk.
pub fn generated(seed: u64, count: usize) -> Vec<String> {
    let mut dice = Dice(seed);
    (0..count).map(|_| conf(&mut dice)).collect()
}

const GLOBAL: &[&str] = &[
    "persistence false",
    "log_type all",
    "log_type warning",
    "log_dest stderr",
    "max_keepalive 60",
    "autosave_interval 10",
    "sys_interval 0",
    "set_tcp_nodelay true",
    "max_inflight_messages 10",
    "persistent_client_expiration 1d",
    "connection_messages 0",
    "user mosquitto",
    "upgrade_outgoing_qos 1",
    "queue_qos0_messages false",
    "log_timestamp true",
    "max_queued_messages 100",
    "retain_available true",
];

const TLS: &[&[&str]] = &[
    &[],
    &[],
    &["certfile {d}/server.crt", "keyfile {d}/server.key"],
    &["cafile {d}/ca.crt", "certfile {d}/server.crt", "keyfile {d}/server.key"],
    &["cafile {d}/ca.crt", "certfile {d}/chain.crt", "keyfile {d}/server.key"],
    &["certfile {d}/expired.crt", "keyfile {d}/server.key"],
    &["certfile {d}/server.crt"],
    &["keyfile {d}/server.key"],
    &["cafile {d}/ca.crt"],
    &["tls_version tlsv1.2"],
    &["require_certificate true"],
    &["certfile {d}/server.crt", "keyfile {d}/other.key"],
    &["certfile {d}/nowhere", "keyfile {d}/server.key"],
    &["certfile {d}/server.crt", "keyfile {d}/garbage"],
];

const LISTENER: &[&str] = &[
    "protocol mqtt",
    "max_connections 10",
    "max_qos 1",
    "tls_version tlsv1.2",
    "tls_version tlsv1.3",
    "tls_version tlsv1.1",
    "tls_version TLSv1.2",
    "require_certificate true",
    "require_certificate false",
    "use_username_as_clientid false",
    "use_identity_as_username true",
    "socket_domain ipv4",
    "max_topic_alias 5",
    "ciphers HIGH",
    "mount_point x/",
];

fn security(dice: &mut Dice, lines: &mut Vec<String>) {
    if dice.percent(60) {
        lines.push(format!("allow_anonymous {}", dice.of(&["true", "true", "false", "1", "0"])));
    }
    if dice.percent(30) {
        lines.push("password_file {d}/passwd".into());
    }
    if dice.percent(30) {
        lines.push("acl_file {d}/acl".into());
    }
}

fn conf(dice: &mut Dice) -> String {
    let mut lines: Vec<String> = Vec::new();
    let per_listener = dice.percent(50);
    if per_listener {
        lines.push("per_listener_settings true".into());
    }
    for _ in 0..dice.below(3) {
        lines.push(dice.of(GLOBAL).into());
    }
    if !per_listener && dice.percent(50) {
        security(dice, &mut lines);
    }
    let count = 1 + dice.below(3);
    for n in 0..count {
        let bind = if dice.percent(20) { " 127.0.0.1" } else { "" };
        lines.push(format!("listener {{p{n}}}{bind}"));
        if n > 0 && dice.percent(25) {
            lines.push("protocol websockets".into());
        }
        lines.extend(TLS[dice.below(TLS.len())].iter().map(|l| (*l).to_owned()));
        if dice.percent(40) {
            lines.push(dice.of(LISTENER).into());
        }
        if per_listener || dice.percent(15) {
            security(dice, &mut lines);
        }
        if dice.percent(15) {
            lines.push(dice.of(&["", "# a comment", "   "]).into());
        }
    }
    let text = lines.join("\n") + "\n";
    if dice.percent(50) { spoil(dice, text, lines) } else { text }
}

fn spoil(dice: &mut Dice, text: String, mut lines: Vec<String>) -> String {
    let at = dice.below(lines.len());
    match dice.below(16) {
        0 => lines[at] = lines[at].replacen(' ', "\t", 1),
        1 => lines[at] = format!("\t{}", lines[at]),
        2 => lines[at] += " # said so",
        3 => {
            let (key, value) =
                lines[at].split_once(' ').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap_or_default();
            lines[at] = format!("{key} \"{value}\"");
        }
        4 => return format!("\u{feff}{text}"),
        5 => return text.replace('\n', "\r\n"),
        6 => lines[at] += "   ",
        7 => lines.insert(at, lines[at].clone()),
        8 => lines[at] = lines[at].split(' ').next().unwrap_or_default().to_owned(),
        9 => lines.insert(at, dice.of(&["tls true", "ssl_cert x", "enable_tls 1", "bind 0.0.0.0"]).into()),
        10 => lines[at] = lines[at].to_uppercase().replace("{P", "{p").replace("{D}", "{d}"),
        11 => lines[at] = format!("  {}", lines[at]),
        12 => {
            let line = lines.remove(at);
            lines.push(line);
        }
        13 => lines[at] = lines[at].replace("true", "yes").replace("false", "no"),
        14 => return text.trim_end().to_owned(),
        _ => lines[at] = lines[at].replace(' ', "   "),
    }
    lines.join("\n") + "\n"
}
