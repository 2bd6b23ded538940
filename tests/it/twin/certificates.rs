//! Client certificates: which let a client in, as whom, and with which alert the others are turned away, on TCP and on
//! websockets, in TLS 1.2 and 1.3.

use std::collections::BTreeMap;

use mqttcert_fixtures::crl::crl_pem;
use mqttcert_fixtures::ext::{eku, ku};
use mqttcert_fixtures::{Attr, Ca, Dn, Ext, Key, Made, Recipe, Text, der};
use rustls::version::{TLS12, TLS13};
use time::{Duration, OffsetDateTime};

use super::wire::{End, Tls, Wire, connect};
use super::{Broker, Stage, Tally, dice, peers_there};

struct Shown {
    name: &'static str,
    identity: Option<(Vec<Vec<u8>>, Vec<u8>)>,
}

fn shown(name: &'static str, made: &Made, behind: &[&Ca]) -> Shown {
    let mut chain = vec![made.der.clone()];
    chain.extend(behind.iter().map(|c| c.der.clone()));
    Shown { name, identity: Some((chain, made.key.pkcs8())) }
}

/// The client certificates, and the serials of those that are revoked.
fn clients(ca: &Ca, now: OffsetDateTime) -> (Vec<Shown>, Ca, Vec<Vec<u8>>) {
    let day = Duration::days(1);
    let foreign = Recipe::ca("CN=Foreign CA", &Key::p256(), now).self_sign();
    let namesake = Recipe::ca("CN=Test CA", &Key::p256(), now).self_sign();
    let middle = Recipe::ca("CN=Middle CA", &Key::p256(), now).sign_ca(ca);
    let no_ca = Recipe::leaf("middle", &Key::p256(), now)
        .named(&Dn::of("CN=No CA"))
        .with(Ext::basic_constraints(false, None))
        .sign_ca(ca);
    let narrow =
        Recipe::ca("CN=Narrow CA", &Key::p256(), now).with(Ext::basic_constraints(true, Some(0))).sign_ca(ca);
    let below_narrow = Recipe::ca("CN=Below", &Key::p256(), now).sign_ca(&narrow);
    let leaf = |cn: &str| {
        Recipe::leaf(cn, &Key::p256(), now)
            .with(Ext::basic_constraints(false, None))
            .with(Ext::key_usage(&[ku::DIGITAL_SIGNATURE]))
            .with(Ext::eku(&[eku::CLIENT]))
            .with_key_ids()
    };
    let rsa = Recipe { key: Key::rsa(2048, "client"), ..leaf("with RSA") };
    let revoked = leaf("revoked");
    let twice = leaf("revoked below");
    let serials = vec![revoked.serial.clone(), twice.serial.clone()];
    let names = Dn::from_attrs(vec![
        Attr::new("C", Text::Printable, "DE"),
        Attr::new("O", Text::Utf8, "Müller, \"Söhne\" + Co"),
        Attr::new("CN", Text::Utf8, "first"),
        Attr::new("CN", Text::Utf8, "second"),
        Attr::new("emailAddress", Text::Ia5, "a@b.example"),
    ]);
    let list = vec![
        Shown { name: "none", identity: None },
        shown("good", &leaf("good").sign(ca), &[]),
        shown("good, RSA", &rsa.sign(ca), &[]),
        shown("good, plain", &Recipe::leaf("plain", &Key::p384(), now).sign(ca), &[]),
        shown("good, with its CA", &leaf("good").sign(ca), &[ca]),
        shown("below a middle", &leaf("below").sign(&middle), &[&middle]),
        shown("below a middle that is not sent", &leaf("below").sign(&middle), &[]),
        shown("below what is no CA", &leaf("below").sign(&no_ca), &[&no_ca]),
        shown("below a path length", &leaf("below").sign(&below_narrow), &[&below_narrow, &narrow]),
        shown("foreign", &leaf("good").sign(&foreign), &[]),
        shown("foreign, with its CA", &leaf("good").sign(&foreign), &[&foreign]),
        shown("of a namesake", &leaf("good").sign(&namesake), &[]),
        shown(
            "of a namesake, no key identifier",
            &Recipe::leaf("good", &Key::p256(), now).sign(&namesake),
            &[],
        ),
        shown(
            "self-signed",
            &{
                let r = leaf("self");
                Made { der: r.self_sign().der, key: r.key.clone() }
            },
            &[],
        ),
        shown("expired", &leaf("old").valid(now - day * 30, now - day).sign(ca), &[]),
        shown("not yet valid", &leaf("young").valid(now + day, now + day * 30).sign(ca), &[]),
        shown("expired and foreign", &leaf("old").valid(now - day * 30, now - day).sign(&foreign), &[]),
        shown("revoked", &revoked.sign(ca), &[]),
        shown("revoked below a middle", &twice.sign(&middle), &[&middle]),
        shown("v1", &Recipe::leaf("v1", &Key::p256(), now).v1().sign(ca), &[]),
        shown("for servers", &leaf("server").with(Ext::eku(&[eku::SERVER])).sign(ca), &[]),
        shown("for any purpose", &leaf("any").with(Ext::eku(&[eku::ANY])).sign(ca), &[]),
        shown("for encipherment", &leaf("enc").with(Ext::key_usage(&[ku::KEY_ENCIPHERMENT])).sign(ca), &[]),
        shown("for agreement", &leaf("agr").with(Ext::key_usage(&[ku::KEY_AGREEMENT])).sign(ca), &[]),
        shown("a CA itself", &leaf("ca").with(Ext::basic_constraints(true, None)).sign(ca), &[]),
        shown(
            "with an unknown critical extension",
            &leaf("crit").with(Ext::raw("1.2.3.4", true, &der::null())).sign(ca),
            &[],
        ),
        shown("with a broken signature", &Recipe { broken_signature: true, ..leaf("broken") }.sign(ca), &[]),
        shown("without a CN", &leaf("x").named(&Dn::of("O=Nobody")).sign(ca), &[]),
        shown("with two CNs", &leaf("x").named(&names).sign(ca), &[]),
        shown("with a CN that ends in a zero byte", &leaf("zero\0byte").sign(ca), &[]),
        shown("with an empty subject", &leaf("x").named(&Dn(Vec::new())).sign(ca), &[]),
    ];
    (list, middle, serials)
}

/// What a client that shows this certificate sees.
fn outcome(port: u16, web: bool, tls: &Tls, id: &str, user: Option<&str>) -> (String, Option<End>) {
    let work = || {
        let mut wire = Wire::open(port, Some(tls), web)?;
        wire.send(&connect(4, true, id, user, None))?;
        let answer = wire.packet()?;
        Ok::<_, End>((format!("CONNACK {}", answer[3]), wire.settle().err()))
    };
    match work() {
        Ok(seen) => seen,
        // A refusal in TLS 1.3 overtakes or follows what the client sends.
        Err(end) => (String::new(), Some(end)),
    }
}

/// As whom each client identifier was let in, by the log.
fn users(broker: &Broker) -> BTreeMap<String, String> {
    let log = broker.process.log();
    let lines = log.lines().filter_map(|l| l.split_once(" as client-"));
    lines
        .filter_map(|(_, rest)| rest.split_once(' '))
        .map(|(id, rest)| (id.to_owned(), rest.trim_end_matches('.').to_owned()))
        .collect()
}

#[test]
fn takes_and_refuses_the_client_certificates_that_mosquitto_does() {
    if !peers_there("takes_and_refuses_the_client_certificates_that_mosquitto_does") {
        return;
    }
    let now = OffsetDateTime::now_utc();
    let stage = Stage::new();
    let ca = super::server_files(&stage);
    let (shown, middle, serials) = clients(&ca, now);
    let week = Some(now + Duration::days(7));
    let day = Duration::days(1);
    let of = |ca: &Ca, revoked: &[Vec<u8>]| crl_pem(ca, now - day, week, revoked);
    stage.write("good.crl", of(&ca, &serials[..1]));
    stage.write("both.crl", of(&ca, &serials[..1]) + &of(&middle, &serials[1..]));
    stage.write("empty.crl", of(&ca, &[]));
    stage.write("old.crl", crl_pem(&ca, now - day * 9, Some(now - day), &serials));
    stage.write("young.crl", crl_pem(&ca, now + day, week, &serials));
    stage.write("endless.crl", crl_pem(&ca, now - day, None, &serials));
    stage.write("middle.crl", of(&middle, &serials[1..]));
    stage.write("forged.crl", of(&Recipe::ca("CN=Test CA", &Key::p256(), now).self_sign(), &serials));
    stage.write("two.crl", of(&ca, &[]) + &of(&ca, &serials));
    stage.write("middle.ca", middle.pem());
    let mut kinds: Vec<String> = vec![
        String::new(),
        "use_identity_as_username true\n".into(),
        "use_subject_as_username true\n".into(),
        "use_identity_as_username true\nuse_subject_as_username true\n".into(),
        "use_username_as_clientid true\nuse_identity_as_username true\n".into(),
    ];
    for crl in ["good", "both", "empty", "old", "young", "endless", "middle", "forged", "two"] {
        kinds.push(format!("use_identity_as_username true\ncrlfile {{dir}}/{crl}.crl\n"));
    }
    let mut conf = String::from("allow_anonymous true\n");
    let mut listeners = Vec::new();
    for web in [false, true] {
        for (index, kind) in kinds.iter().enumerate() {
            // Websockets listeners do not look at their CRL: two are enough to see that.
            if web && index > 6 {
                continue;
            }
            for requires in [true, false] {
                if !requires && !matches!(index, 0 | 1 | 5) {
                    continue;
                }
                let cafile = if index == 3 { "middle.ca" } else { "ca.crt" };
                let lines = format!(
                    "{}require_certificate {requires}\n{kind}",
                    if web { "protocol websockets\n" } else { "" }
                );
                conf.push_str(&format!(
                    "listener {{{}}} 127.0.0.1\ncafile {{dir}}/{cafile}\ncertfile {{dir}}/server.crt\nkeyfile {{dir}}/server.key\n{lines}",
                    listeners.len()
                ));
                listeners.push((lines, web));
            }
        }
    }
    let brokers = stage.both(&conf);
    let mut dice = dice();
    let mut tally = Tally::new("client certificates");
    let mut seen = Vec::new();
    for (index, (lines, web)) in listeners.iter().enumerate() {
        for client in &shown {
            let version = if dice.percent(50) { &TLS12 } else { &TLS13 };
            let user = [None, Some("login")][dice.below(2)];
            let tls = Tls { versions: vec![version], identity: client.identity.clone(), suites: Vec::new() };
            let id = format!("client-{}", seen.len());
            let case = format!("{lines:?} {version:?} {}, login {user:?}", client.name);
            seen.push((case, [0, 1].map(|i| outcome(brokers[i].ports[index], *web, &tls, &id, user))));
        }
    }
    // The last lines of the logs are on their way.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let [real, twin] = [0, 1].map(|i| users(&brokers[i]));
    assert!(real.len() > 100, "Mosquitto's log tells too little: {}", brokers[0].process.log());
    for (number, (case, [r, t])) in seen.into_iter().enumerate() {
        let user = |map: &BTreeMap<String, String>| map.get(&number.to_string()).cloned();
        let class = match &r {
            (answer, _) if !answer.is_empty() => answer.clone(),
            (_, end) => format!("{:?}", end.as_ref().unwrap()),
        };
        tally.add(&class, &case, &(r, user(&real)), &(t, user(&twin)));
    }
    tally.done(6);
}
