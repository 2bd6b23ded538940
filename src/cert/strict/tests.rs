use mqttcert_fixtures::ext::{self, Ext, eku, ku};
use mqttcert_fixtures::{CLOCK, Dn, Key, Recipe, der};
use time::macros::datetime;

use super::{Field, Kind};
use crate::cert::Certificate;

const BASIC: &str = "2.5.29.19";

fn found(recipe: &Recipe) -> Vec<(Field, Kind)> {
    let ca = Recipe::ca("CN=Test CA, O=Test", &Key::p256(), CLOCK).self_sign();
    let made = recipe.sign(&ca);
    let cert = Certificate::from_der(&made.der).unwrap();
    cert.deviations().iter().map(|d| (d.field, d.kind)).collect()
}

fn good() -> Recipe {
    Recipe::server(&["iot-mqtt", "127.0.0.1", "::1"], &Key::p256(), CLOCK)
}

#[test]
fn finds_nothing_in_certificates_in_good_order() {
    let rsa = Key::rsa(2048, "strict");
    let all = [
        good(),
        Recipe::server(&["iot-mqtt"], &rsa, CLOCK),
        Recipe::leaf("iot-mqtt", &rsa, CLOCK).v1(),
        Recipe::ca("CN=Büro, O=Test, C=DE", &rsa, CLOCK).with(Ext::basic_constraints(true, Some(3))),
        good().valid(datetime!(2049-12-31 23:59:59 UTC), datetime!(2050-01-01 00:00 UTC)),
        good().with(Ext::eku(&[eku::SERVER, eku::CLIENT])).with(Ext::key_usage(&[ku::DIGITAL_SIGNATURE])),
        good().with(Ext::must_staple()).with(Ext::list(
            "2.5.29.32",
            &[&der::seq(&[&der::oid("2.5.29.32.0")]), &der::seq(&[&der::oid("1.2.3.4")])],
        )),
        good()
            .with(Ext::name_constraints(&[ext::dns("iot-mqtt"), ext::ip(&[10, 0, 0, 0, 255, 0, 0, 0])], &[])),
        good().with(Ext::san_raw(&[
            ext::dns("a"),
            ext::uri("mqtt://a/"),
            ext::email("a@b"),
            ext::directory(&Dn::of("CN=x").der()),
        ])),
        good().with(Ext::raw("1.3.6.1.4.1.99999.1", false, b"anything")),
        good().named(&Dn::default()),
    ];
    let mut by_serial = good().with(Ext::aki_issuer(None, &Dn::of("CN=x").der(), &der::small(5)));
    by_serial.key_ids = false;
    for (i, recipe) in all.iter().chain([&by_serial]).enumerate() {
        assert_eq!(found(recipe), [], "recipe {i}");
    }
}

#[test]
fn names_the_field_and_the_kind_of_each_deviation() {
    let value = |oid: &str, value: &[u8]| good().with(Ext::raw(oid, false, value));
    let name = |kind: u8, text: &[u8]| {
        let pair = der::seq(&[&der::oid("2.5.4.3"), &der::tlv(kind, text)]);
        let mut recipe = good();
        recipe.subject = der::seq(&[&der::tlv(0x31, &pair)]);
        recipe
    };
    let serial = |number: &[u8]| {
        let mut recipe = good();
        recipe.serial = der::tlv(2, number);
        recipe
    };
    let yes = der::boolean(true);
    let cases = [
        (serial(&[0, 5]), (Field::Serial, Kind::Padded)),
        (serial(&[0x85]), (Field::Serial, Kind::Negative)),
        (serial(&[0x41; 21]), (Field::Serial, Kind::Huge)),
        (name(0x13, b"a_b"), (Field::Name, Kind::Text)),
        (name(0x0c, b""), (Field::Name, Kind::Blank)),
        (name(0x0c, &[b'a'; 65]), (Field::Name, Kind::Bound)),
        (name(0x16, b"a"), (Field::Name, Kind::Strings)),
        (value(BASIC, &der::seq(&[&der::boolean(false)])), (Field::BasicConstraints, Kind::Default)),
        (value(BASIC, &der::seq(&[&der::tlv(1, &[1])])), (Field::BasicConstraints, Kind::Boolean)),
        (value(BASIC, &der::long(0x30, &yes)), (Field::BasicConstraints, Kind::Length)),
        (value(BASIC, &[der::seq(&[&yes]), der::null()].concat()), (Field::BasicConstraints, Kind::Surplus)),
        (value("2.5.29.15", &[3, 2, 0, 0xa0]), (Field::KeyUsage, Kind::Bits)),
        (value("2.5.29.37", &der::seq(&[])), (Field::Purposes, Kind::Empty)),
        (value("2.5.29.17", &der::seq(&[&der::tlv(0x0c, b"x")])), (Field::AltNames, Kind::Type)),
        (value("2.5.29.17", &der::seq(&[&ext::ip(&[1, 2])])), (Field::AltNames, Kind::Address)),
        (good().also(Ext::eku(&[eku::SERVER])), (Field::Purposes, Kind::Twice)),
    ];
    for (recipe, expected) in cases {
        assert_eq!(found(&recipe), [expected]);
    }
}

#[test]
fn a_value_nested_deeply_or_cut_short_ends_the_reading_and_nothing_else() {
    for value in [vec![0x30; 100_000], vec![0xa0, 0x84, 0xff], Vec::new()] {
        let recipe = good().with(Ext::raw("2.5.29.30", true, &value));
        let found = found(&recipe);
        assert!(!found.is_empty() && found.iter().all(|(f, _)| *f == Field::NameConstraints), "{found:?}");
    }
}
