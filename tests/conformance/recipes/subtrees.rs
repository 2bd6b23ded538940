//! Name constraints of every form against names of that form, on the CA of the trust file and on an intermediate.

use mqttcert_fixtures::dn::Attr;
use mqttcert_fixtures::ext::{self, Ext};
use mqttcert_fixtures::{Dn, Recipe, der};

use super::extensions::Place;
use super::{Case, Kit};

/// Names of the leaf, permitted subtrees, excluded subtrees, what is dialled.
struct Trial {
    id: String,
    names: Vec<Vec<u8>>,
    permitted: Vec<Vec<u8>>,
    excluded: Vec<Vec<u8>>,
    dialled: &'static str,
}

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    subjects(kit, out);
    let mut trials = Vec::new();
    domains(&mut trials);
    mailboxes(&mut trials);
    uris(&mut trials);
    networks(&mut trials);
    others(&mut trials);
    for (place, at) in [(Place::Root, "root"), (Place::Intermediate, "inter")] {
        for trial in &trials {
            let constraint = Ext::name_constraints(&trial.permitted, &trial.excluded);
            let recipe = place.good(kit).with(constraint);
            out.push(below(format!("tree-{at}-{}", trial.id), kit, place, &recipe, trial));
        }
    }
}

/// The case in which the constrained certificate stands here, and the leaf has these names.
fn below(id: String, kit: &Kit, place: Place, recipe: &Recipe, trial: &Trial) -> Case {
    let leaf = kit.leaf(&[]).with(Ext::san_raw(&trial.names));
    let case = match place {
        Place::Intermediate => {
            let middle = recipe.sign_ca(&kit.ca);
            Case::new(id, &kit.ca, &leaf.sign(&middle)).sends(&[&middle.der])
        }
        _ => {
            let ca = recipe.self_sign();
            Case::new(id, &ca, &leaf.sign(&ca))
        }
    };
    case.dialled(&[trial.dialled])
}

/// An address in the subject, under constraints on addresses.
fn subjects(kit: &Kit, out: &mut Vec<Case>) {
    let subject = |kind: u8, address: &str| {
        let email = Attr::raw("emailAddress", &der::tlv(kind, address.as_bytes()));
        Dn::from_attrs(vec![Attr::raw("CN", &der::tlv(0x0c, b"server")), email])
    };
    let subjects = [
        ("plain", subject(0x16, "a@example.com")),
        ("other", subject(0x16, "a@other.example")),
        ("utf8", subject(0x0c, "a@example.com")),
    ];
    for (id, subject) in subjects {
        for (form, tree) in [("email", ext::email("example.com")), ("dns", ext::dns("iot-mqtt"))] {
            let middle = Place::Intermediate.good(kit).with(Ext::name_constraints(&[tree], &[]));
            let middle = middle.sign_ca(&kit.ca);
            let leaf = kit.leaf(&["iot-mqtt"]).named(&subject).sign(&middle);
            let id = format!("tree-subject-email-{id}-{form}");
            out.push(Case::new(id, &kit.ca, &leaf).sends(&[&middle.der]));
        }
    }
}

fn domains(out: &mut Vec<Trial>) {
    let permits: &[(&str, &str, &[&str], &'static str)] = &[
        ("star-below", "*.example.com", &["example.com"], "x.example.com"),
        ("star-dot", "*.example.com", &[".example.com"], "x.example.com"),
        ("star-narrower", "*.example.com", &["a.example.com"], "a.example.com"),
        ("star-star", "*.example.com", &["*.example.com"], "x.example.com"),
        ("star-tld", "*.example.com", &["com"], "x.example.com"),
        ("case", "Broker.EXAMPLE.com", &["example.COM"], "broker.example.com"),
        ("name-dot", "broker.example.com.", &["example.com"], "broker.example.com"),
        ("tree-dot", "broker.example.com", &["example.com."], "broker.example.com"),
        ("no-label", "broker.badexample.com", &["example.com"], "broker.badexample.com"),
        ("underscore", "iot_mqtt.example.com", &["example.com"], "iot_mqtt.example.com"),
        ("service", "iot-mqtt", &["iot-mqtt", "example.com"], "iot-mqtt"),
        ("dot-equal", "example.com", &[".example.com"], "example.com"),
        ("dot-alone", "broker.example.com", &["."], "broker.example.com"),
    ];
    for (id, name, permitted, dialled) in permits {
        out.push(Trial {
            id: format!("dns-permit-{id}"),
            names: vec![ext::dns(name)],
            permitted: permitted.iter().map(|p| ext::dns(p)).collect(),
            excluded: vec![],
            dialled,
        });
    }
    let excludes: &[(&str, &str, &str, &'static str)] = &[
        ("star-narrower", "*.example.com", "a.example.com", "x.example.com"),
        ("star-dot", "*.example.com", ".example.com", "x.example.com"),
        ("star-deeper", "*.example.com", "b.a.example.com", "x.example.com"),
        ("case", "broker.example.com", "EXAMPLE.com", "broker.example.com"),
        ("no-label", "broker.badexample.com", "example.com", "broker.badexample.com"),
        ("everything", "iot-mqtt", "", "iot-mqtt"),
    ];
    for (id, name, excluded, dialled) in excludes {
        out.push(Trial {
            id: format!("dns-exclude-{id}"),
            names: vec![ext::dns(name)],
            permitted: vec![],
            excluded: vec![ext::dns(excluded)],
            dialled,
        });
    }
    out.push(Trial {
        id: "dns-both".to_owned(),
        names: vec![ext::dns("a.example.com")],
        permitted: vec![ext::dns("example.com")],
        excluded: vec![ext::dns("a.example.com")],
        dialled: "a.example.com",
    });
    out.push(Trial {
        id: "dns-permit-beside-empty".to_owned(),
        names: vec![ext::dns("iot-mqtt"), ext::dns("")],
        permitted: vec![ext::dns("iot-mqtt")],
        excluded: vec![],
        dialled: "iot-mqtt",
    });
}

/// A name of another form beside the one that is dialled.
fn beside(out: &mut Vec<Trial>, id: String, name: Vec<u8>, tree: Vec<u8>, permit: bool) {
    let (permitted, excluded) = if permit { (vec![tree], vec![]) } else { (vec![], vec![tree]) };
    let names = vec![ext::dns("iot-mqtt"), name];
    out.push(Trial { id, names, permitted, excluded, dialled: "iot-mqtt" });
}

fn mailboxes(out: &mut Vec<Trial>) {
    let names = [
        ("plain", "a@example.com"),
        ("upper", "A@EXAMPLE.com"),
        ("below", "b@sub.example.com"),
        ("no-host", "nobody"),
    ];
    let trees = [("host", "example.com"), ("dot", ".example.com"), ("whole", "a@example.com"), ("all", "")];
    for (name_id, name) in names {
        for (tree_id, tree) in trees {
            for (permit, word) in [(true, "permit"), (false, "exclude")] {
                let id = format!("email-{word}-{tree_id}-{name_id}");
                beside(out, id, ext::email(name), ext::email(tree), permit);
            }
        }
    }
}

fn uris(out: &mut Vec<Trial>) {
    let names = [
        ("plain", "https://example.com/"),
        ("port", "https://sub.example.com:8443/x"),
        ("user", "https://me@example.com/"),
        ("urn", "urn:uuid:1"),
        ("address", "https://127.0.0.1/"),
    ];
    for (name_id, name) in names {
        for (tree_id, tree) in [("host", "example.com"), ("dot", ".example.com"), ("all", "")] {
            for (permit, word) in [(true, "permit"), (false, "exclude")] {
                beside(
                    out,
                    format!("uri-{word}-{tree_id}-{name_id}"),
                    ext::uri(name),
                    ext::uri(tree),
                    permit,
                );
            }
        }
    }
    for (id, name) in [("urn", ext::uri("urn:uuid:1")), ("email", ext::email("nobody"))] {
        beside(out, format!("dns-permit-beside-{id}"), name, ext::dns("iot-mqtt"), true);
    }
}

fn networks(out: &mut Vec<Trial>) {
    let v4 = |a: [u8; 4], m: [u8; 4]| ext::ip(&[a, m].concat());
    let local = ext::ip(&[127, 0, 0, 1]);
    let trees = [
        ("host-bits", v4([127, 0, 0, 5], [255, 0, 0, 0])),
        ("zero", v4([0; 4], [0; 4])),
        ("other", v4([10, 0, 0, 0], [255, 0, 0, 0])),
        ("six", ext::ip(&[[0u8; 16], [0u8; 16]].concat())),
    ];
    for (id, tree) in trees {
        for (permit, word) in [(true, "permit"), (false, "exclude")] {
            beside(out, format!("ip-{word}-{id}"), local.clone(), tree.clone(), permit);
        }
    }
}

fn others(out: &mut Vec<Trial>) {
    let directory = |dn: &str| ext::directory(&Dn::of(dn).der());
    let other = der::context(0, &[der::oid("1.2.3.4"), der::context(0, &der::tlv(0x0c, b"x"))].concat());
    let registered = der::context_primitive(8, &[0x2a, 3, 4]);
    let trials = [
        ("dn-case", directory("CN=x, O=Acme"), directory("CN=X, O=ACME")),
        ("dn-prefix", directory("O=Acme, CN=x"), directory("O=Acme")),
        ("dn-other", directory("O=Acme, CN=x"), directory("O=Other")),
        ("other", other.clone(), other),
        ("registered", registered.clone(), registered),
    ];
    for (id, name, tree) in trials {
        for (permit, word) in [(true, "permit"), (false, "exclude")] {
            beside(out, format!("{word}-{id}"), name.clone(), tree.clone(), permit);
        }
    }
    // The subject is a name of its own.
    for (id, tree) in [
        ("subject-cn", "CN=server"),
        ("subject-case", "CN=SERVER, O=conformance"),
        ("subject-o", "O=Conformance"),
    ] {
        for (permit, word) in [(true, "permit"), (false, "exclude")] {
            beside(out, format!("{word}-{id}"), ext::dns("mqtt"), directory(tree), permit);
        }
    }
}
