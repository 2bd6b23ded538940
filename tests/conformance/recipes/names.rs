//! What covers which name: SAN shapes, wildcards, addresses, and when the common name is taken instead.

use mqttcert_fixtures::dn::{Attr, Dn, Text};
use mqttcert_fixtures::ext::{self, Ext};
use mqttcert_fixtures::{Recipe, der};

use super::{Case, Kit};

/// dNSNames as they are written, and what is dialled.
const DNS: &[(&str, &[&str], &[&str])] = &[
    ("good", &["iot-mqtt"], &["iot-mqtt", "mqtt", "IOT-MQTT", "iot-mqtt."]),
    ("fqdn", &["broker.example.com"], &["broker.example.com", "example.com", "x.broker.example.com"]),
    ("upper", &["Broker.Example.COM"], &["broker.example.com"]),
    ("two", &["mqtt", "iot-mqtt"], &["mqtt", "iot-mqtt"]),
    ("trailing-dot", &["broker.example.com."], &["broker.example.com", "broker.example.com."]),
    ("leading-dot", &[".example.com"], &["broker.example.com", "example.com"]),
    ("underscore", &["iot_mqtt"], &["iot_mqtt"]),
    ("underscore-fqdn", &["iot_mqtt.example.com"], &["iot_mqtt.example.com"]),
    ("underscore-plus-good", &["iot_mqtt", "iot-mqtt"], &["iot-mqtt"]),
    ("numeric-label", &["1883"], &["1883"]),
    ("numeric-last", &["broker.1"], &["broker.1"]),
    ("hyphen-first", &["-iot"], &["-iot"]),
    ("hyphen-last", &["iot-"], &["iot-"]),
    ("punycode", &["xn--br-xka.example.com"], &["xn--br-xka.example.com"]),
    ("with-port", &["iot-mqtt:8883"], &["iot-mqtt"]),
    ("url", &["mqtts://iot-mqtt"], &["iot-mqtt"]),
    ("comma", &["iot-mqtt,mqtt"], &["iot-mqtt", "mqtt"]),
    ("leading-space", &[" iot-mqtt"], &["iot-mqtt"]),
    ("trailing-space", &["iot-mqtt "], &["iot-mqtt"]),
    ("empty", &[""], &["iot-mqtt"]),
    ("empty-plus-good", &["", "iot-mqtt"], &["iot-mqtt"]),
    ("double-dot-plus-good", &["a..b", "iot-mqtt"], &["iot-mqtt"]),
    ("nul", &["iot-mqtt\0.evil.example"], &["iot-mqtt"]),
    ("localhost", &["localhost"], &["localhost", "127.0.0.1"]),
    ("star", &["*"], &["iot-mqtt", "broker.example.com"]),
    ("star-local", &["*.local"], &["broker.local", "a.b.local"]),
    ("star-tld", &["*.com"], &["example.com"]),
    ("star-domain", &["*.example.com"], &["broker.example.com", "example.com", "a.broker.example.com"]),
    ("star-deep", &["*.iot.example.com"], &["broker.iot.example.com", "iot.example.com"]),
    ("star-prefix", &["br*.example.com"], &["broker.example.com"]),
    ("star-suffix", &["*er.example.com"], &["broker.example.com"]),
    ("star-middle", &["b*r.example.com"], &["broker.example.com"]),
    ("star-second", &["broker.*.com"], &["broker.example.com"]),
    ("star-double", &["*.*.com"], &["broker.example.com"]),
    ("star-single-label-prefix", &["iot-*"], &["iot-mqtt"]),
    ("star-in-service", &["*.iot-mqtt"], &["iot-mqtt", "a.iot-mqtt"]),
    ("star-plus-good", &["*.example.com", "iot-mqtt"], &["iot-mqtt", "broker.example.com"]),
    ("star-address", &["*.0.0.1"], &["127.0.0.1"]),
    ("star-upper", &["*.EXAMPLE.com"], &["broker.example.com"]),
    ("star-trailing-dot", &["*.example.com."], &["broker.example.com"]),
    ("star-punycode", &["xn--*.example.com"], &["xn--br-xka.example.com"]),
];

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    for (id, sans, dialled) in DNS {
        let sans: Vec<Vec<u8>> = sans.iter().map(|s| ext::dns(s)).collect();
        let leaf = kit.leaf(&[]).with(Ext::san_raw(&sans)).sign(&kit.ca);
        let case = Case::new(format!("dns-{id}"), &kit.ca, &leaf).dialled(dialled);
        let odd = ["numeric-label", "numeric-last", "hyphen-first", "hyphen-last"].contains(id);
        let case = if odd { case.by_openssl() } else { case };
        let quick = ["good", "star-domain", "star-local", "underscore", "fqdn", "two"].contains(id);
        out.push(if quick { case.quick() } else { case });
    }
    lengths(kit, out);
    addresses(kit, out);
    common_names(kit, out);
    string_types(kit, out);
}

fn lengths(kit: &Kit, out: &mut Vec<Case>) {
    let (l63, l64) = ("a".repeat(63), "a".repeat(64));
    let long: Vec<String> = vec![format!("{l63}.{l63}.{l63}.example.com")];
    for (id, name) in [("label-63", &l63), ("label-64", &l64), ("name-long", &long[0])] {
        let leaf = kit.leaf(&[name]).sign(&kit.ca);
        let case = Case::new(format!("dns-{id}"), &kit.ca, &leaf).dialled(&[name]);
        out.push(if id == "label-64" { case.by_openssl() } else { case });
    }
    for count in [20, 100, 300] {
        let mut names: Vec<String> = (0..count).map(|i| format!("device-{i}.example.com")).collect();
        names.push("iot-mqtt".to_owned());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        out.push(Case::new(format!("dns-many-{count}"), &kit.ca, &kit.leaf(&names).sign(&kit.ca)));
    }
}

fn addresses(kit: &Kit, out: &mut Vec<Case>) {
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1];
    let v6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let sans: &[(&str, Vec<Vec<u8>>)] = &[
        ("ip4", vec![ext::ip(&[127, 0, 0, 1])]),
        ("ip6", vec![ext::ip(&v6)]),
        ("ip4-other", vec![ext::ip(&[192, 0, 2, 1])]),
        ("ip4-mapped", vec![ext::ip(&mapped)]),
        ("ip4-mask", vec![ext::ip(&[127, 0, 0, 1, 255, 255, 255, 255])]),
        ("ip4-short", vec![ext::ip(&[127, 0, 0])]),
        ("ip4-as-dns", vec![ext::dns("127.0.0.1")]),
        ("ip6-as-dns", vec![ext::dns("::1")]),
        ("ip6-as-dns-brackets", vec![ext::dns("[::1]")]),
        ("ip4-as-uri", vec![ext::uri("mqtts://127.0.0.1")]),
        ("ip4-and-dns", vec![ext::dns("iot-mqtt"), ext::ip(&[127, 0, 0, 1])]),
        ("ip4-dns-and-ip", vec![ext::dns("127.0.0.1"), ext::ip(&[127, 0, 0, 1])]),
    ];
    for (id, names) in sans {
        let leaf = kit.leaf(&[]).with(Ext::san_raw(names)).sign(&kit.ca);
        let case = Case::new(format!("addr-{id}"), &kit.ca, &leaf).dialled(&["127.0.0.1", "::1", "iot-mqtt"]);
        out.push(if matches!(*id, "ip4" | "ip4-as-dns") { case.quick() } else { case });
    }
}

/// With which SANs a common name still counts, and which one.
fn common_names(kit: &Kit, out: &mut Vec<Case>) {
    let other = der::context(
        0,
        &[der::oid("1.3.6.1.4.1.311.20.2.3"), der::context(0, &der::tlv(0x0c, b"x"))].concat(),
    );
    let sans: &[(&str, Option<Vec<Vec<u8>>>)] = &[
        ("no-san", None),
        ("san-dns", Some(vec![ext::dns("unrelated.example")])),
        ("san-ip", Some(vec![ext::ip(&[192, 0, 2, 1])])),
        ("san-uri", Some(vec![ext::uri("https://unrelated.example/")])),
        ("san-email", Some(vec![ext::email("a@unrelated.example")])),
        ("san-directory", Some(vec![ext::directory(&Dn::of("CN=unrelated").der())])),
        ("san-other", Some(vec![other])),
        ("san-empty", Some(vec![])),
    ];
    let subjects: &[(&str, &str)] = &[
        ("match", "CN=iot-mqtt, O=Conformance"),
        ("upper", "CN=IOT-MQTT, O=Conformance"),
        ("address", "CN=127.0.0.1"),
        ("address6", "CN=::1"),
        ("first", "CN=iot-mqtt, CN=unrelated"),
        ("last", "CN=unrelated, CN=iot-mqtt"),
        ("star", "CN=*.example.com"),
        ("unrelated", "CN=unrelated"),
        ("none", "O=iot-mqtt"),
    ];
    for (san_id, san) in sans {
        for (id, subject) in subjects {
            let mut recipe: Recipe = kit.leaf(&[]).named(&Dn::of(subject)).without("2.5.29.17");
            if let Some(names) = san {
                recipe = recipe.with(Ext::san_raw(names));
            }
            let case = Case::new(format!("cn-{id}-{san_id}"), &kit.ca, &recipe.sign(&kit.ca));
            let case = case.dialled(&["iot-mqtt", "127.0.0.1", "::1", "broker.example.com"]);
            out.push(if *id == "match" && matches!(*san_id, "no-san" | "san-ip") {
                case.quick()
            } else {
                case
            });
        }
    }
}

fn string_types(kit: &Kit, out: &mut Vec<Case>) {
    for (id, text) in [
        ("utf8", Text::Utf8),
        ("printable", Text::Printable),
        ("ia5", Text::Ia5),
        ("t61", Text::T61),
        ("bmp", Text::Bmp),
        ("universal", Text::Universal),
    ] {
        let subject = Dn::from_attrs(vec![Attr::new("CN", text, "iot-mqtt")]);
        let leaf = kit.leaf(&[]).named(&subject).without("2.5.29.17").sign(&kit.ca);
        out.push(Case::new(format!("cn-string-{id}"), &kit.ca, &leaf));
    }
}
