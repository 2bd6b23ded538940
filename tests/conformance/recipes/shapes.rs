//! Certificates whose bytes are not what DER and RFC 5280 say: lengths, serial numbers, dates, strings, algorithm
//! parameters, surplus fields; each on the leaf and on the CA.

use mqttcert_fixtures::dn::{Attr, Dn};
use mqttcert_fixtures::{Recipe, Shape, When, der};

use super::extensions::Place;
use super::{Case, Kit, algorithms};

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    for (place, at) in Place::ALL {
        let good = place.good(kit);
        for (id, recipe) in all(&good, kit, place) {
            out.push(place.case(format!("shape-{at}-{id}"), kit, &recipe));
        }
    }
    algorithms::exponents(kit, out);
    versions(kit, out);
}

fn all(good: &Recipe, kit: &Kit, place: Place) -> Vec<(String, Recipe)> {
    let mut out = Vec::new();
    let mut add = |id: &str, edit: &dyn Fn(&mut Recipe)| {
        let mut recipe = good.clone();
        edit(&mut recipe);
        out.push((id.to_owned(), recipe));
    };
    serials(&mut add);
    structure(&mut add);
    signatures(&mut add);
    if place == Place::Root {
        // A server writes the outermost SEQUENCE anew.
        wholes(&mut add);
    }
    if place != Place::Intermediate {
        dates(&mut add);
        strings(&mut add);
    }
    algorithms::all(&mut add, kit, place);
    out
}

pub type Add<'a> = dyn FnMut(&str, &dyn Fn(&mut Recipe)) + 'a;

fn serials(add: &mut Add<'_>) {
    let numbers: &[(&str, &[u8])] = &[
        ("zero", &[0]),
        ("negative", &[0x85]),
        ("negative-long", &[0xff, 0x01]),
        ("nothing", &[]),
        ("padded", &[0, 5]),
        ("padded-negative", &[0xff, 0x85]),
        ("twenty", &[0x41; 20]),
        ("twenty-one", &[0x41; 21]),
        ("hundred", &[0x41; 100]),
    ];
    for (id, number) in numbers {
        add(&format!("serial-{id}"), &|r| r.serial = der::tlv(2, number));
    }
    add("serial-text", &|r| r.serial = der::octets(&[5]));
    add("serial-long-form", &|r| r.serial = der::long(2, &[5]));
}

/// A field put behind the last one.
fn with(fields: &[Vec<u8>], more: &[u8]) -> Vec<u8> {
    der::tlv(0x30, &[fields.concat(), more.to_vec()].concat())
}

/// A field put before the extensions.
fn before_extensions(fields: &[Vec<u8>], more: &[u8]) -> Vec<u8> {
    der::tlv(0x30, &[fields[..7].concat(), more.to_vec(), fields[7].clone()].concat())
}

/// Another version.
fn version(fields: &[Vec<u8>], field: &[u8]) -> Vec<u8> {
    der::tlv(0x30, &[field.to_vec(), fields[1..].concat()].concat())
}

/// The first extension in another shape.
fn extension(fields: &[Vec<u8>], edit: fn(&[u8], &[u8], &[u8]) -> Vec<u8>) -> Vec<u8> {
    let (_, list, _) = der::first(&fields[7]);
    let (_, members, _) = der::first(list);
    let (_, first, rest) = der::first(members);
    let (_, oid, tail) = der::first(first);
    let value = match der::first(tail) {
        (1, _, value) => value,
        _ => tail,
    };
    let first = edit(&der::tlv(6, oid), &der::boolean(true), value);
    let list = der::context(3, &der::tlv(0x30, &[first, rest.to_vec()].concat()));
    der::tlv(0x30, &[fields[..7].concat(), list].concat())
}

fn structure(add: &mut Add<'_>) {
    let shapes: &[(&str, Shape)] = &[
        ("tbs-long-form", |f| der::long(0x30, &f.concat())),
        ("tbs-indefinite", |f| der::indefinite(0x30, &f.concat())),
        ("field-four", |f| with(f, &der::context(4, &der::null()))),
        ("field-null", |f| with(f, &der::null())),
        ("unique-issuer", |f| before_extensions(f, &der::context_primitive(1, &[0, 1]))),
        ("unique-subject", |f| before_extensions(f, &der::context_primitive(2, &[0, 1]))),
        ("unique-both", |f| {
            before_extensions(
                f,
                &[der::context_primitive(1, &[0, 1]), der::context_primitive(2, &[0, 1])].concat(),
            )
        }),
        ("unique-nothing", |f| before_extensions(f, &der::context_primitive(1, &[]))),
        ("version-padded", |f| version(f, &der::context(0, &der::tlv(2, &[0, 2])))),
        ("version-negative", |f| version(f, &der::context(0, &der::tlv(2, &[0xff])))),
        ("version-huge", |f| version(f, &der::context(0, &der::tlv(2, &[0x7f; 9])))),
        ("version-behind", |f| version(f, &der::context(0, &[der::small(2), der::null()].concat()))),
        ("version-long-form", |f| version(f, &der::context(0, &der::long(2, &[2])))),
        ("critical-one", |f| extension(f, |o, _, v| der::seq(&[o, &der::tlv(1, &[1]), v]))),
        ("critical-false", |f| extension(f, |o, _, v| der::seq(&[o, &der::boolean(false), v]))),
        ("critical-wide", |f| extension(f, |o, _, v| der::seq(&[o, &der::tlv(1, &[0xff, 0xff]), v]))),
        ("extension-behind", |f| extension(f, |o, c, v| der::seq(&[o, c, v, &der::null()]))),
        ("extension-no-value", |f| extension(f, |o, c, _| der::seq(&[o, c]))),
        ("extension-bad-oid", |f| {
            let more = der::seq(&[&der::tlv(6, &[0x2a, 0x86]), &der::octets(&[5, 0])]);
            let (_, list, _) = der::first(&f[7]);
            let (_, members, _) = der::first(list);
            let list = der::context(3, &der::tlv(0x30, &[members.to_vec(), more].concat()));
            der::tlv(0x30, &[f[..7].concat(), list].concat())
        }),
        ("extensions-behind", |f| {
            let (_, list, _) = der::first(&f[7]);
            der::tlv(0x30, &[f[..7].concat(), der::context(3, &[list, &[5, 0][..]].concat())].concat())
        }),
        ("extensions-twice", |f| with(f, &f[7])),
        ("extensions-empty", |f| {
            der::tlv(0x30, &[f[..7].concat(), der::context(3, &der::seq(&[]))].concat())
        }),
    ];
    for (id, shape) in shapes {
        add(id, &|r| r.tbs = Some(*shape));
    }
}

fn wholes(add: &mut Add<'_>) {
    let wholes: &[(&str, Shape)] = &[
        ("whole-long-form", |f| der::long(0x30, &f.concat())),
        ("whole-indefinite", |f| der::indefinite(0x30, &f.concat())),
        ("whole-more-fields", |f| with(f, &der::null())),
        ("whole-behind", |f| [der::tlv(0x30, &f.concat()), vec![5, 0]].concat()),
    ];
    for (id, shape) in wholes {
        add(id, &|r| r.whole = Some(*shape));
    }
}

fn signatures(add: &mut Add<'_>) {
    let wholes: &[(&str, Shape)] = &[
        ("signature-octets", |f| {
            let (_, content, _) = der::first(&f[2]);
            der::seq(&[&f[0], &f[1], &der::octets(&content[1..])])
        }),
        ("signature-long", |f| {
            let (_, content, _) = der::first(&f[2]);
            der::seq(&[&f[0], &f[1], &der::tlv(3, &[content, &[0]].concat())])
        }),
        ("signature-empty", |f| der::seq(&[&f[0], &f[1], &der::tlv(3, &[0])])),
    ];
    for (id, shape) in wholes {
        add(id, &|r| r.whole = Some(*shape));
    }
}

fn dates(add: &mut Add<'_>) {
    let (utc, general) = (0x17, 0x18);
    let starts: &[(&str, u8, &str)] = &[
        ("z-small", utc, "210101000000z"),
        ("utc-fraction", utc, "210101000000.0Z"),
        ("utc-space", utc, " 10101000000Z"),
        ("utc-plus", utc, "210101000000+0100"),
        ("utc-minus", utc, "210101000000-0100"),
        ("utc-hour-24", utc, "210101240000Z"),
        ("utc-minute-60", utc, "210101006000Z"),
        ("utc-day-0", utc, "210100000000Z"),
        ("utc-month-0", utc, "210001000000Z"),
        ("utc-feb-29", utc, "210229000000Z"),
        ("utc-feb-30", utc, "200230000000Z"),
        ("utc-long-year", utc, "20210101000000Z"),
        ("utc-behind", utc, "210101000000ZZ"),
        ("utc-nul", utc, "210101000000Z\0"),
        ("general-no-seconds", general, "202101010000Z"),
        ("general-no-minutes", general, "2021010100Z"),
        ("general-plus", general, "20210101000000+0100"),
        ("general-comma", general, "20210101000000,5Z"),
        ("general-dot-alone", general, "20210101000000.Z"),
        ("general-no-zone", general, "20210101000000"),
        ("general-second-60", general, "20210101000060Z"),
        ("general-hour-24", general, "20210101240000Z"),
        ("general-feb-29", general, "20210229000000Z"),
        ("printable", 0x13, "210101000000Z"),
        ("octets", 4, "210101000000Z"),
    ];
    for (id, tag, text) in starts {
        add(&format!("from-{id}"), &|r| r.not_before = When::Raw(der::tlv(*tag, text.as_bytes())));
    }
    let ends: &[(&str, u8, &str)] = &[
        ("utc-49", utc, "491231235959Z"),
        ("utc-50", utc, "500101000000Z"),
        ("utc-no-seconds", utc, "4401010000Z"),
        ("utc-plus", utc, "440101000000+0000"),
        ("utc-feb-30", utc, "440230000000Z"),
        ("utc-second-60", utc, "431231235960Z"),
        ("general-before-2050", general, "20440101000000Z"),
        ("general-fraction", general, "20440101000000.5Z"),
        ("general-9999", general, "99991231235959Z"),
        ("general-feb-30", general, "20440230000000Z"),
    ];
    for (id, tag, text) in ends {
        add(&format!("until-{id}"), &|r| r.not_after = When::Raw(der::tlv(*tag, text.as_bytes())));
    }
    add("dates-three", &|r| {
        r.tbs = Some(|f| {
            let (_, dates, _) = der::first(&f[4]);
            let more = der::seq(&[dates, &der::null()]);
            der::tlv(0x30, &[f[..4].concat(), more, f[5..].concat()].concat())
        });
    });
}

fn strings(add: &mut Add<'_>) {
    let values: &[(&str, &str, u8, &[u8])] = &[
        ("utf8-nul", "O", 0x0c, b"a\0b"),
        ("utf8-bad", "O", 0x0c, b"\xff\xfe"),
        ("utf8-overlong", "O", 0x0c, b"\xc0\x80"),
        ("utf8-surrogate", "O", 0x0c, b"\xed\xa0\x80"),
        ("utf8-cut", "O", 0x0c, b"a\xc3"),
        ("utf8-noncharacter", "O", 0x0c, b"\xef\xbf\xbf"),
        ("utf8-beyond", "O", 0x0c, b"\xf4\x90\x80\x80"),
        ("printable-star", "O", 0x13, b"*.example"),
        ("printable-at", "O", 0x13, b"a@b"),
        ("printable-under", "O", 0x13, b"a_b"),
        ("printable-amp", "O", 0x13, b"A & B"),
        ("printable-latin", "O", 0x13, b"b\xfcro"),
        ("printable-nul", "O", 0x13, b"a\0b"),
        ("ia5-latin", "O", 0x16, b"b\xfcro"),
        ("t61-latin", "O", 0x14, b"b\xfcro"),
        ("numeric", "O", 0x12, b"123"),
        ("numeric-letters", "O", 0x12, b"abc"),
        ("visible", "O", 0x1a, b"abc"),
        ("general", "O", 0x1b, b"abc"),
        ("graphic", "O", 0x19, b"abc"),
        ("octets", "O", 0x04, b"abc"),
        ("bits", "O", 0x03, b"\0abc"),
        ("bits-bad", "O", 0x03, b"\x09abc"),
        ("integer", "O", 0x02, b"\x05"),
        ("null", "O", 0x05, b""),
        ("oid", "O", 0x06, b"\x2a\x03"),
        ("sequence", "O", 0x30, b"\x0c\x01a"),
        ("set", "O", 0x31, b"\x0c\x01a"),
        ("time", "O", 0x17, b"210101000000Z"),
        ("context", "O", 0x80, b"abc"),
        ("bmp-odd", "O", 0x1e, b"\0a\0"),
        ("bmp-surrogates", "O", 0x1e, b"\xd8\x3d\xde\x00"),
        ("bmp-empty", "O", 0x1e, b""),
        ("universal-odd", "O", 0x1c, b"\0\0\0a\0"),
        ("universal-beyond", "O", 0x1c, b"\0\x11\0\0"),
        ("country-three", "C", 0x13, b"DEU"),
        ("country-utf8", "C", 0x0c, b"DE"),
        ("country-empty", "C", 0x13, b""),
        ("cn-long", "CN", 0x0c, &[b'a'; 200]),
        ("email-utf8", "emailAddress", 0x0c, "ü@example.com".as_bytes()),
        ("email-printable", "emailAddress", 0x13, b"a"),
        ("unknown-type", "1.3.6.1.4.1.99999.3", 0x0c, b"x"),
        ("unknown-type-bad", "1.3.6.1.4.1.99999.3", 0x0c, b"\xff"),
        ("serial-number", "serialNumber", 0x13, b"12"),
    ];
    for (id, kind, tag, value) in values {
        let subject = Dn::from_attrs(vec![
            Attr::raw("CN", &der::tlv(0x0c, b"Conformance")),
            Attr::raw(kind, &der::tlv(*tag, value)),
        ]);
        add(&format!("name-{id}"), &|r| r.subject = subject.der());
    }
    let pair = der::seq(&[&der::oid("2.5.4.3"), &der::tlv(0x0c, b"a")]);
    let set = |content: &[u8]| der::tlv(0x31, content);
    let second = der::seq(&[&der::oid("2.5.4.10"), &der::tlv(0x0c, b"b")]);
    let odd: Vec<(&str, Vec<u8>)> = vec![
        ("empty-set", der::seq(&[&set(&pair), &set(&[])])),
        ("only-empty-set", der::seq(&[&set(&[])])),
        ("unsorted-set", der::seq(&[&set(&[second.clone(), pair.clone()].concat())])),
        ("repeated-in-set", der::seq(&[&set(&[pair.clone(), pair.clone()].concat())])),
        ("three-in-pair", {
            let three = der::seq(&[&der::oid("2.5.4.3"), &der::tlv(0x0c, b"a"), &der::null()]);
            der::seq(&[&set(&three)])
        }),
        ("no-set", der::seq(&[&pair])),
        ("oid-cut", der::seq(&[&set(&der::seq(&[&der::tlv(6, &[0x55, 0x84]), &der::tlv(0x0c, b"a")]))])),
        ("long-form", der::long(0x30, &set(&pair))),
        ("value-long-form", der::seq(&[&set(&der::seq(&[&der::oid("2.5.4.3"), &der::long(0x0c, b"a")]))])),
        ("not-a-name", set(&pair)),
    ];
    for (id, name) in odd {
        add(&format!("name-{id}"), &|r| r.subject = name.clone());
    }
}

/// Every version with and without extensions, for CA and leaf, also with the default written out.
fn versions(kit: &Kit, out: &mut Vec<Case>) {
    for (place, at) in Place::ALL {
        for number in [0u8, 1, 2, 3] {
            for bare in [true, false] {
                let mut recipe = place.good(kit);
                if bare {
                    recipe.extensions.clear();
                    if place == Place::Leaf {
                        recipe = recipe.named(&Dn::of("CN=iot-mqtt"));
                    }
                }
                recipe.tbs = Some(match number {
                    0 => |f| version(f, &der::context(0, &der::small(0))),
                    1 => |f| version(f, &der::context(0, &der::small(1))),
                    2 => |f| version(f, &der::context(0, &der::small(2))),
                    _ => |f| version(f, &der::context(0, &der::small(3))),
                });
                let kind = if bare { "bare" } else { "extensions" };
                out.push(place.case(format!("version-{at}-written-{number}-{kind}"), kit, &recipe));
            }
        }
    }
}
