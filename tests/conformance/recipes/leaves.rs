//! Server certificates: usages, purposes, versions, odd extensions, dates.

use time::macros::datetime;

use mqttcert_fixtures::ext::{Ext, eku, ku};
use mqttcert_fixtures::{Key, Recipe, When, der};

use super::{Case, Kit, leaf};

const BASIC: &str = "2.5.29.19";
const USAGE: &str = "2.5.29.15";
const PURPOSE: &str = "2.5.29.37";

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    usages(kit, out);
    purposes(kit, out);
    constraints(kit, out);
    versions(kit, out);
    odd_extensions(kit, out);
    dates(kit, out);
}

fn case(id: impl Into<String>, kit: &Kit, recipe: &Recipe) -> Case {
    Case::new(id, &kit.ca, &recipe.sign(&kit.ca))
}

fn usages(kit: &Kit, out: &mut Vec<Case>) {
    let ec = Key::p256();
    let bits: &[(&str, &[u8])] = &[
        ("digital", &[ku::DIGITAL_SIGNATURE]),
        ("encipher", &[ku::KEY_ENCIPHERMENT]),
        ("digital-encipher", &[ku::DIGITAL_SIGNATURE, ku::KEY_ENCIPHERMENT]),
        ("agree", &[ku::KEY_AGREEMENT]),
        ("repudiate", &[ku::NON_REPUDIATION]),
        ("data", &[ku::DATA_ENCIPHERMENT]),
        ("certsign", &[ku::KEY_CERT_SIGN]),
        ("digital-certsign", &[ku::DIGITAL_SIGNATURE, ku::KEY_CERT_SIGN]),
        ("openssl-usr", &[ku::NON_REPUDIATION, ku::DIGITAL_SIGNATURE, ku::KEY_ENCIPHERMENT]),
        ("nothing", &[]),
    ];
    for (id, bits) in bits {
        for critical in [true, false] {
            let usage = Ext::key_usage(bits).critical(critical);
            let mark = if critical { "" } else { "-plain" };
            let rsa = kit.good().with(usage.clone());
            let one = case(format!("ku-rsa-{id}{mark}"), kit, &rsa);
            out.push(if critical && matches!(*id, "encipher" | "agree") { one.quick() } else { one });
            out.push(case(format!("ku-ec-{id}{mark}"), kit, &leaf(&["iot-mqtt"], &ec).with(usage)));
        }
    }
    out.push(case("ku-none", kit, &kit.good().without(USAGE)));
}

fn purposes(kit: &Kit, out: &mut Vec<Case>) {
    let lists: &[(&str, &[&str])] = &[
        ("server", &[eku::SERVER]),
        ("client", &[eku::CLIENT]),
        ("both", &[eku::CLIENT, eku::SERVER]),
        ("any", &[eku::ANY]),
        ("any-client", &[eku::ANY, eku::CLIENT]),
        ("code", &[eku::CODE_SIGNING]),
        ("email", &[eku::EMAIL]),
        ("private", &["1.3.6.1.4.1.99999.7"]),
        ("sgc", &[eku::MS_SGC]),
        ("netscape-sgc", &[eku::NS_SGC]),
        ("empty", &[]),
    ];
    for (id, list) in lists {
        for critical in [false, true] {
            let mark = if critical { "-critical" } else { "" };
            let one =
                case(format!("eku-{id}{mark}"), kit, &kit.good().with(Ext::eku(list).critical(critical)));
            out.push(if !critical && matches!(*id, "client" | "any") { one.quick() } else { one });
        }
    }
    out.push(case("eku-none", kit, &kit.good().without(PURPOSE)).quick());
    out.push(case("eku-twice", kit, &kit.good().also(Ext::eku(&[eku::CLIENT]))));
}

fn constraints(kit: &Kit, out: &mut Vec<Case>) {
    let good = kit.good();
    let explicit = Ext::raw(BASIC, true, &der::seq(&[&der::boolean(false)]));
    let len_only = Ext::raw(BASIC, true, &der::seq(&[&der::small(0)]));
    let ca = Ext::basic_constraints(true, None);
    let sign = Ext::key_usage(&[ku::DIGITAL_SIGNATURE, ku::KEY_ENCIPHERMENT, ku::KEY_CERT_SIGN]);
    out.push(case("bc-none", kit, &good.clone().without(BASIC)).quick());
    out.push(case("bc-plain", kit, &good.clone().with(Ext::basic_constraints(false, None).critical(false))));
    out.push(case("bc-explicit-false", kit, &good.clone().with(explicit)));
    out.push(case("bc-pathlen-without-ca", kit, &good.clone().with(len_only)));
    out.push(case("bc-ca", kit, &good.clone().with(ca.clone())).quick());
    out.push(case("bc-ca-plain", kit, &good.clone().with(ca.clone().critical(false))));
    out.push(case("bc-ca-certsign", kit, &good.clone().with(ca.clone()).with(sign)));
    out.push(case("bc-ca-no-ku", kit, &good.clone().with(ca.clone()).without(USAGE)));
    out.push(case("bc-ca-no-ku-no-eku", kit, &good.clone().with(ca).without(USAGE).without(PURPOSE)));
    out.push(case("bc-twice", kit, &good.also(Ext::basic_constraints(false, None))));
}

fn versions(kit: &Kit, out: &mut Vec<Case>) {
    let v1 = mqttcert_fixtures::Dn::of("CN=iot-mqtt, O=Conformance");
    let names = ["iot-mqtt", "127.0.0.1"];
    out.push(case("version-1", kit, &kit.good().named(&v1).v1()).dialled(&names).quick());
    for version in [2, 3, 4] {
        let mut bare = kit.good().named(&v1).v1();
        bare.version = version;
        let one = case(format!("version-{version}-bare"), kit, &bare).dialled(&names);
        out.push(if version == 3 { one.quick() } else { one });
    }
    for version in [1, 2, 4] {
        let mut full = kit.good();
        full.version = version;
        out.push(case(format!("version-{version}-extensions"), kit, &full));
    }
    let san_only = kit.leaf(&["iot-mqtt"]);
    let mut san_only = san_only.without(BASIC).without(USAGE).without(PURPOSE);
    san_only.key_ids = false;
    out.push(case("version-3-san-only", kit, &san_only).quick());
}

fn odd_extensions(kit: &Kit, out: &mut Vec<Case>) {
    let good = kit.good();
    for critical in [true, false] {
        let mark = if critical { "-critical" } else { "" };
        let unknown = Ext::raw("1.3.6.1.4.1.99999.1", critical, &der::null());
        out.push(case(format!("ext-unknown{mark}"), kit, &good.clone().with(unknown)));
        for (id, bits) in [("server", 1u8), ("client", 0), ("ca", 5)] {
            let kind = Ext::raw("2.16.840.1.113730.1.1", critical, &der::named_bits(&[bits]));
            out.push(case(format!("ext-nscert-{id}{mark}"), kit, &good.clone().with(kind.clone())));
            out.push(case(
                format!("ext-nscert-{id}-no-eku{mark}"),
                kit,
                &good.clone().without(PURPOSE).with(kind),
            ));
        }
        let tree = Ext::name_constraints(&[mqttcert_fixtures::ext::dns("iot-mqtt")], &[]).critical(critical);
        out.push(case(format!("ext-nc-on-leaf{mark}"), kit, &good.clone().with(tree)));
        let policy = Ext::raw("2.5.29.32", critical, &der::seq(&[&der::seq(&[&der::oid("1.2.3.4")])]));
        out.push(case(format!("ext-policy{mark}"), kit, &good.clone().with(policy)));
        let san = Ext::san(&["iot-mqtt"]).critical(critical);
        out.push(case(format!("ext-san{mark}"), kit, &good.clone().with(san.clone())));
        let nameless = good.clone().named(&mqttcert_fixtures::Dn::default()).with(san);
        out.push(case(format!("ext-san-no-subject{mark}"), kit, &nameless));
    }
    out.push(case("ext-must-staple", kit, &good.clone().with(Ext::must_staple())));
    out.push(case("ext-san-twice", kit, &good.clone().also(Ext::san(&["other"]))));
    out.push(case(
        "ext-san-no-sequence",
        kit,
        &good.clone().with(Ext::raw("2.5.29.17", false, &der::null())),
    ));
    out.push(case("ext-ku-garbage", kit, &good.clone().with(Ext::raw(USAGE, true, &[1, 2, 3]))));
    out.push(case("ext-eku-garbage", kit, &good.clone().with(Ext::raw(PURPOSE, false, &der::null()))));
    out.push(case("ext-bc-garbage", kit, &good.clone().with(Ext::raw(BASIC, true, &der::octets(b"x")))));
    out.push(case("ext-ski-empty", kit, &good.with(Ext::raw("2.5.29.14", false, &der::octets(b"")))));
}

fn dates(kit: &Kit, out: &mut Vec<Case>) {
    let (from, to) = (datetime!(2021-01-01 00:00 UTC), datetime!(2044-01-01 00:00 UTC));
    let raw = |tag: u8, text: &str| When::Raw(der::tlv(tag, text.as_bytes()));
    let (utc, general) = (0x17, 0x18);
    let pairs: Vec<(&str, When, When)> = vec![
        ("expired", from.into(), datetime!(2022-01-01 00:00 UTC).into()),
        ("not-yet", datetime!(2090-01-01 00:00 UTC).into(), datetime!(2095-01-01 00:00 UTC).into()),
        ("reversed", to.into(), from.into()),
        ("until-9999", from.into(), datetime!(9999-12-31 23:59:59 UTC).into()),
        ("from-1950", datetime!(1950-01-01 00:00 UTC).into(), to.into()),
        ("from-1949", raw(general, "19490101000000Z"), to.into()),
        ("from-0000", raw(general, "00000101000000Z"), to.into()),
        ("general-before-2050", raw(general, "20210101000000Z"), raw(general, "20440101000000Z")),
        ("utc-no-seconds", raw(utc, "2101010000Z"), to.into()),
        ("utc-offset", raw(utc, "210101000000+0000"), to.into()),
        ("utc-no-zone", raw(utc, "210101000000"), to.into()),
        ("general-fraction", raw(general, "20210101000000.5Z"), to.into()),
        ("month-13", raw(utc, "211301000000Z"), to.into()),
        ("day-31", raw(utc, "210231000000Z"), to.into()),
        ("second-60", raw(utc, "210630235960Z"), to.into()),
        ("letters", raw(utc, "21010100000xZ"), to.into()),
        ("end-month-13", from.into(), raw(utc, "441301000000Z")),
        ("end-empty", from.into(), raw(utc, "")),
    ];
    for (id, begin, end) in pairs {
        let one = case(format!("time-{id}"), kit, &kit.good().valid(begin, end));
        out.push(if matches!(id, "expired" | "not-yet") { one.quick() } else { one });
    }
    out.push(case("time-before-ca", kit, &kit.good().valid(datetime!(2019-01-01 00:00 UTC), to)));
    out.push(case("time-beyond-ca", kit, &kit.good().valid(from, datetime!(2048-01-01 00:00 UTC))));
}
