//! The work of a verdict grows with its input and no faster: counted, not timed.

use mqttcert::name::PeerName;
use mqttcert::stack_id::StackId;
use mqttcert::stacks::{Evaluation, Presented, Work};
use mqttcert_fixtures::{CLOCK, Ca, Dn, Key, Recipe};

/// The work of every stack on every name, once each.
fn work(certfile: &str, ca: &Ca, names: &[String]) -> Work {
    let trust = ca.pem();
    let presented = Presented { certfile: certfile.as_bytes(), completion: &[], trust: trust.as_bytes() };
    let evaluation = Evaluation::new(presented, CLOCK);
    for stack in StackId::ALL {
        for name in names {
            let _ = evaluation.verify(*stack, &PeerName::parse(name).unwrap());
        }
    }
    evaluation.work()
}

fn device(number: usize) -> String {
    format!("device-{number}.example.com")
}

fn root() -> Ca {
    Recipe::ca("CN=Growth CA", &Key::p256(), CLOCK).self_sign()
}

#[test]
fn a_chain_twice_as_long_takes_twice_the_signatures() {
    let (root, key) = (root(), Key::p256());
    let mut counted = Vec::new();
    for length in [25, 50, 100] {
        let mut issuer = root.clone();
        let mut sent = String::new();
        for number in 1..length {
            let name = Dn::of(&format!("CN=Intermediate {number}"));
            issuer = Recipe::ca("CN=x", &Key::p256(), CLOCK).named(&name).sign_ca(&issuer);
            sent.insert_str(0, &issuer.pem());
        }
        let leaf = Recipe::server(&["iot-mqtt"], &key, CLOCK).sign(&issuer).pem();
        counted.push((length, work(&(leaf + &sent), &root, &["iot-mqtt".to_owned()])));
    }
    for (length, work) in &counted {
        assert!(work.verified <= *length as u64 + 1, "{length} certificates: {work:?}");
    }
    for pair in counted.windows(2) {
        assert!(pair[1].1.asked <= 2 * pair[0].1.asked + 50, "{counted:?}");
    }
}

#[test]
fn ten_thousand_names_in_a_certificate_are_each_compared_once_by_a_stack() {
    let (root, key) = (root(), Key::p256());
    for count in [1_000, 10_000] {
        let names: Vec<String> = (0..count).map(device).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let leaf = Recipe::server(&names, &key, CLOCK).sign(&root).pem();
        let work = work(&leaf, &root, &["iot-mqtt".to_owned()]);
        assert!(work.compared <= (count * StackId::ALL.len()) as u64, "{count}: {work:?}");
        assert!(work.verified <= 1, "{count}: {work:?}");
    }
}

#[test]
fn a_thousand_dialled_names_on_a_thousand_presented_ones_are_looked_up() {
    let (root, key) = (root(), Key::p256());
    for count in [100, 1_000] {
        let names: Vec<String> = (0..count).map(device).collect();
        let shown: Vec<&str> = names.iter().map(String::as_str).collect();
        let leaf = Recipe::server(&shown, &key, CLOCK).sign(&root).pem();
        let work = work(&leaf, &root, &names);
        assert!(work.compared <= (count * StackId::ALL.len()) as u64, "{count}: {work:?}");
    }
}

#[test]
fn a_thousand_dialled_names_ask_for_the_chain_once_by_a_stack() {
    let (root, key) = (root(), Key::p256());
    let leaf = Recipe::server(&["iot-mqtt", "localhost"], &key, CLOCK).sign(&root).pem();
    let dialled: Vec<String> = (0..1_000).map(device).collect();
    let (one, many) = (work(&leaf, &root, &dialled[..1]), work(&leaf, &root, &dialled));
    assert_eq!((many.asked, many.verified), (one.asked, one.verified));
    assert_eq!(many.compared, 1_000 * one.compared);
}
