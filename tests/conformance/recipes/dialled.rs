//! Reference names that are written in unusual ways, against a certificate that covers every one of them somehow.

use mqttcert_fixtures::ext::{self, Ext};

use super::{Case, Kit};

/// What is dialled.
const NAMES: &[(&str, &[&str])] = &[
    ("dot", &["localhost.", "broker.example.com."]),
    ("upper", &["LOCALHOST", "Broker.Example.Com"]),
    ("six-long", &["0:0:0:0:0:0:0:1"]),
    ("six-mapped", &["::ffff:127.0.0.1"]),
    ("six-upper", &["FE80::A"]),
    ("four-zeros", &["127.0.0.01"]),
    ("unicode", &["bücher.example"]),
    ("unicode-upper", &["BÜCHER.example"]),
    ("ace-upper", &["XN--BCHER-KVA.example"]),
    ("sharp-s", &["straße.example"]),
    ("many-labels", &["a.b.c.d.e.f.g.h.example.com"]),
    ("under-first", &["_mqtt._tcp.example.com"]),
    ("digits-first", &["3d-printer.example.com"]),
    ("one-letter", &["x"]),
];

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    let names = [
        "localhost",
        "broker.example.com",
        "xn--bcher-kva.example",
        "xn--strae-oqa.example",
        "strasse.example",
        "*.b.c.d.e.f.g.h.example.com",
        "_mqtt._tcp.example.com",
        "3d-printer.example.com",
        "x",
    ];
    let mut six = [0u8; 16];
    six[15] = 1;
    let link = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10];
    let addresses = [ext::ip(&[127, 0, 0, 1]), ext::ip(&six), ext::ip(&link)];
    let sans: Vec<Vec<u8>> = names.iter().map(|n| ext::dns(n)).chain(addresses).collect();
    let leaf = kit.leaf(&[]).with(Ext::san_raw(&sans)).sign(&kit.ca);
    for (id, dialled) in NAMES {
        out.push(Case::new(format!("dial-{id}"), &kit.ca, &leaf).dialled(dialled).by_openssl());
    }
}
