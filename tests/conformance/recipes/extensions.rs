//! Extensions that stand there twice, that cannot be read, that are critical though nobody knows them: each on the
//! leaf, on an intermediate and on the CA.

use mqttcert_fixtures::ext::{self, Ext, eku, ku};
use mqttcert_fixtures::{Dn, Made, Recipe, der};

use super::{Case, Kit, root};

const SAN: &str = "2.5.29.17";
const BASIC: &str = "2.5.29.19";
const USAGE: &str = "2.5.29.15";
const PURPOSE: &str = "2.5.29.37";
const SKI: &str = "2.5.29.14";
const AKI: &str = "2.5.29.35";
const TREES: &str = "2.5.29.30";
const POLICIES: &str = "2.5.29.32";
const MAPPINGS: &str = "2.5.29.33";
const REQUIRE: &str = "2.5.29.36";
const INHIBIT: &str = "2.5.29.54";
const POINTS: &str = "2.5.29.31";
const FRESHEST: &str = "2.5.29.46";
const ISSUER_NAMES: &str = "2.5.29.18";
const ATTRIBUTES: &str = "2.5.29.9";
const ACCESS: &str = "1.3.6.1.5.5.7.1.1";
const FEATURE: &str = "1.3.6.1.5.5.7.1.24";
const PROXY: &str = "1.3.6.1.5.5.7.1.14";
const NO_CHECK: &str = "1.3.6.1.5.5.7.48.1.5";
const TIMESTAMPS: &str = "1.3.6.1.4.1.11129.2.4.2";
const POISON: &str = "1.3.6.1.4.1.11129.2.4.3";
const TYPE: &str = "2.16.840.1.113730.1.1";
const COMMENT: &str = "2.16.840.1.113730.1.13";
const PRIVATE: &str = "1.3.6.1.4.1.99999.1";

/// Where the extension stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Leaf,
    Intermediate,
    Root,
}

impl Place {
    pub const ALL: [(Place, &'static str); 3] =
        [(Place::Leaf, "leaf"), (Place::Intermediate, "inter"), (Place::Root, "root")];

    /// A certificate in good order for this place, with its key identifiers as plain extensions.
    pub fn good(self, kit: &Kit) -> Recipe {
        let mut recipe = match self {
            Place::Leaf => kit.good(),
            Place::Intermediate => root(&kit.other_ca_key).named(&Dn::of("CN=Intermediate, O=Conformance")),
            Place::Root => kit.root(),
        };
        recipe.key_ids = false;
        let own = recipe.key.id();
        let above = match self {
            Place::Leaf | Place::Root => kit.ca_key.id(),
            Place::Intermediate => kit.ca_key.id(),
        };
        recipe.with(Ext::ski(&own)).with(Ext::aki(&above))
    }

    /// The case in which this certificate stands here and all others are in good order.
    pub fn case(self, id: String, kit: &Kit, recipe: &Recipe) -> Case {
        match self {
            Place::Leaf => Case::new(id, &kit.ca, &recipe.sign(&kit.ca)),
            Place::Intermediate => {
                let middle = recipe.sign_ca(&kit.ca);
                let leaf: Made = under(kit, &middle.subject, &middle.key);
                Case::new(id, &kit.ca, &leaf).sends(&[&middle.der])
            }
            Place::Root => {
                let ca = recipe.self_sign();
                Case::new(id, &ca, &under(kit, &ca.subject, &ca.key))
            }
        }
    }
}

/// A leaf below a CA of this name and key, whatever the CA's certificate says of its key identifier.
fn under(kit: &Kit, subject: &[u8], key: &mqttcert_fixtures::Key) -> Made {
    let mut leaf = kit.good();
    leaf.key_ids = false;
    leaf.issuer = Some(subject.to_vec());
    let leaf = leaf.with(Ext::ski(&kit.key.id())).with(Ext::aki(&key.id()));
    let ca = Recipe::ca("CN=x", key, mqttcert_fixtures::CLOCK).self_sign();
    leaf.sign(&ca)
}

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    for (place, at) in Place::ALL {
        let good = place.good(kit);
        for (id, extension) in usual(kit, place) {
            let once = good.clone().with(extension.clone());
            out.push(place.case(format!("once-{at}-{id}"), kit, &once));
            out.push(place.case(format!("twice-{at}-{id}"), kit, &once.also(extension)));
        }
        for (id, extension) in values(place) {
            out.push(place.case(format!("value-{at}-{id}"), kit, &good.clone().with(extension)));
        }
        for (oid, id) in CRITICAL {
            let value = usual(kit, place).into_iter().find(|(name, _)| name == id).map(|(_, e)| e.value);
            let value = value.unwrap_or_else(der::null);
            let extension = Ext::raw(oid, true, &value);
            out.push(place.case(format!("critical-{at}-{id}"), kit, &good.clone().with(extension)));
        }
    }
}

const CRITICAL: &[(&str, &str)] = &[
    (SKI, "ski"),
    (AKI, "aki"),
    (PURPOSE, "eku"),
    (TYPE, "nstype"),
    (POLICIES, "policies"),
    (MAPPINGS, "mappings"),
    (REQUIRE, "require"),
    (INHIBIT, "inhibit"),
    (POINTS, "points"),
    (FRESHEST, "freshest"),
    (ISSUER_NAMES, "issuer-names"),
    (ATTRIBUTES, "attributes"),
    (ACCESS, "access"),
    (FEATURE, "feature"),
    (NO_CHECK, "no-check"),
    (POISON, "poison"),
    (COMMENT, "comment"),
];

fn place_of_list() -> Vec<u8> {
    let uri = der::context_primitive(6, b"http://crl.example/ca.crl");
    der::seq(&[&der::context(0, &der::context(0, &uri))])
}

/// Extensions as they should be.
fn usual(kit: &Kit, place: Place) -> Vec<(&'static str, Ext)> {
    let leaf = place == Place::Leaf;
    let usage: &[u8] =
        if leaf { &[ku::DIGITAL_SIGNATURE, ku::KEY_ENCIPHERMENT] } else { &[ku::KEY_CERT_SIGN] };
    let own = if place == Place::Intermediate { kit.other_ca_key.id() } else { kit.ca_key.id() };
    let own = if leaf { kit.key.id() } else { own };
    let access = der::seq(&[&der::oid("1.3.6.1.5.5.7.48.1"), &ext::uri("http://ocsp.example/")]);
    let any_policy = der::seq(&[&der::oid("2.5.29.32.0")]);
    vec![
        ("bc", Ext::basic_constraints(!leaf, None)),
        ("ku", Ext::key_usage(usage)),
        ("eku", Ext::eku(&[eku::SERVER])),
        ("san", Ext::san(&["iot-mqtt"])),
        ("ski", Ext::ski(&own)),
        ("aki", Ext::aki(&kit.ca_key.id())),
        ("nstype", Ext::raw(TYPE, false, &der::named_bits(&[if leaf { 1 } else { 5 }]))),
        ("nc", Ext::name_constraints(&[ext::dns("iot-mqtt")], &[]).critical(false)),
        ("policies", Ext::list(POLICIES, &[&any_policy])),
        ("points", Ext::list(POINTS, &[&place_of_list()])),
        ("freshest", Ext::list(FRESHEST, &[&place_of_list()])),
        ("access", Ext::list(ACCESS, &[&access])),
        ("issuer-names", Ext::list(ISSUER_NAMES, &[&ext::dns("ca.example")])),
        ("require", Ext::list(REQUIRE, &[&der::context_primitive(0, &[5])])),
        ("inhibit", Ext::raw(INHIBIT, false, &der::small(5))),
        ("no-check", Ext::raw(NO_CHECK, false, &der::null())),
        ("comment", Ext::raw(COMMENT, false, &der::tlv(0x16, b"made by OpenSSL"))),
        ("private", Ext::raw(PRIVATE, false, &der::null())),
    ]
}

/// Values that are not what their type says.
fn values(place: Place) -> Vec<(String, Ext)> {
    let leaf = place == Place::Leaf;
    let mut out: Vec<(String, Ext)> = Vec::new();
    let mut add = |id: &str, oid: &str, critical: bool, value: &[u8]| {
        out.push((id.to_owned(), Ext::raw(oid, critical, value)));
    };
    for (id, oid) in [
        ("san", SAN),
        ("bc", BASIC),
        ("ku", USAGE),
        ("eku", PURPOSE),
        ("ski", SKI),
        ("aki", AKI),
        ("nc", TREES),
        ("policies", POLICIES),
        ("mappings", MAPPINGS),
        ("require", REQUIRE),
        ("inhibit", INHIBIT),
        ("points", POINTS),
        ("freshest", FRESHEST),
        ("issuer-names", ISSUER_NAMES),
        ("access", ACCESS),
        ("feature", FEATURE),
        ("proxy", PROXY),
        ("no-check", NO_CHECK),
        ("timestamps", TIMESTAMPS),
        ("nstype", TYPE),
    ] {
        add(&format!("{id}-nothing"), oid, false, &[]);
        add(&format!("{id}-null"), oid, false, &der::null());
        add(&format!("{id}-text"), oid, false, b"garbage");
        add(&format!("{id}-empty-list"), oid, false, &der::seq(&[]));
    }
    let yes: Vec<u8> = if leaf { Vec::new() } else { der::boolean(true) };
    let behind = |der: Vec<u8>| [der, vec![5, 0]].concat();
    // basicConstraints
    add("bc-behind", BASIC, true, &behind(der::seq(&[&yes])));
    add("bc-more-fields", BASIC, true, &der::seq(&[&yes, &der::small(3), &der::null()]));
    add("bc-true-is-one", BASIC, true, &der::seq(&[&der::tlv(1, &[u8::from(!leaf)])]));
    add("bc-wide-boolean", BASIC, true, &der::seq(&[&der::tlv(1, &[0, u8::from(!leaf)])]));
    add("bc-negative-length", BASIC, true, &der::seq(&[&yes, &der::tlv(2, &[0xff])]));
    add("bc-padded-length", BASIC, true, &der::seq(&[&yes, &der::tlv(2, &[0, 5])]));
    add("bc-huge-length", BASIC, true, &der::seq(&[&yes, &der::tlv(2, &[0x7f; 12])]));
    add("bc-long-form", BASIC, true, &der::long(0x30, &yes));
    if leaf {
        add("bc-indefinite", BASIC, true, &der::indefinite(0x30, &yes));
    }
    // keyUsage
    let bits = |count: u8, octets: &[u8]| der::tlv(3, &[&[count], octets].concat());
    let own: u8 = if leaf { 0xa0 } else { 0x06 };
    add("ku-behind", USAGE, true, &behind(bits(1, &[own])));
    add("ku-no-count", USAGE, true, &der::tlv(3, &[]));
    add("ku-count-8", USAGE, true, &bits(8, &[own]));
    add("ku-surplus-zeros", USAGE, true, &bits(0, &[own]));
    add("ku-surplus-bits", USAGE, true, &bits(1, &[own | 1]));
    add("ku-four-octets", USAGE, true, &bits(0, &[own, 0, 0, 1]));
    add("ku-long-form", USAGE, true, &der::long(3, &[1, own]));
    add("ku-empty-bits", USAGE, true, &bits(0, &[]));
    add("ku-empty-bits-plain", USAGE, false, &bits(0, &[]));
    // extendedKeyUsage
    let server = der::oid(eku::SERVER);
    add("eku-behind", PURPOSE, false, &behind(der::seq(&[&server])));
    add("eku-oid-empty", PURPOSE, false, &der::seq(&[&server, &der::tlv(6, &[])]));
    add("eku-oid-cut", PURPOSE, false, &der::seq(&[&server, &der::tlv(6, &[0x2a, 0x86])]));
    add("eku-oid-padded", PURPOSE, false, &der::seq(&[&server, &der::tlv(6, &[0x2a, 0x80, 1])]));
    add("eku-not-oid", PURPOSE, false, &der::seq(&[&server, &der::null()]));
    add("eku-repeats", PURPOSE, false, &der::seq(&[&server, &server]));
    // subjectAltName
    let good = ext::dns("iot-mqtt");
    let other = |inner: &[u8]| der::context(0, &[der::oid("1.2.3.4"), inner.to_vec()].concat());
    let names: Vec<(&str, Vec<u8>)> = vec![
        ("dns-latin", der::context_primitive(2, b"b\xfcro")),
        ("dns-utf8", ext::dns("büro")),
        ("dns-constructed", der::tlv(0xa2, &der::tlv(0x16, b"x"))),
        ("dns-control", ext::dns("a\u{1}b")),
        ("dns-space", ext::dns("a b")),
        ("dns-star-alone", ext::dns("*")),
        ("dns-long", ext::dns(&"a".repeat(300))),
        ("ip-empty", ext::ip(&[])),
        ("ip-five", ext::ip(&[1, 2, 3, 4, 5])),
        ("ip-eight", ext::ip(&[1, 2, 3, 4, 255, 255, 255, 0])),
        ("ip-thirty-two", ext::ip(&[1; 32])),
        ("email-empty", ext::email("")),
        ("email-latin", der::context_primitive(1, b"b\xfc@example.com")),
        ("email-no-host", ext::email("somebody")),
        ("uri-empty", ext::uri("")),
        ("uri-spaces", ext::uri("http://a b/")),
        ("uri-no-scheme", ext::uri("example.com")),
        ("uri-latin", der::context_primitive(6, b"http://b\xfcro/")),
        ("uri-port", ext::uri("mqtts://iot-mqtt:abc/")),
        ("directory", ext::directory(&Dn::of("CN=x").der())),
        ("directory-empty", ext::directory(&Dn::default().der())),
        ("directory-garbage", der::context(4, b"x")),
        ("directory-implicit", der::context(4, &der::tlv(0x31, &[]))),
        ("other", other(&der::context(0, &der::tlv(0x0c, b"x")))),
        ("other-no-value", other(&[])),
        ("other-garbage", der::context(0, &der::null())),
        ("registered", der::context_primitive(8, &[0x2a, 3, 4])),
        ("registered-cut", der::context_primitive(8, &[0x2a, 0x86])),
        ("x400", der::context(3, &der::seq(&[]))),
        ("edi", der::context(5, &der::context(1, &der::tlv(0x13, b"x")))),
        ("tag-nine", der::context_primitive(9, b"x")),
        ("universal-tag", der::tlv(0x16, b"x")),
    ];
    for (id, name) in names {
        add(&format!("san-{id}"), SAN, false, &der::seq(&[&good, &name]));
    }
    add("san-behind", SAN, false, &behind(der::seq(&[&good])));
    add("san-long-form", SAN, false, &der::long(0x30, &good));
    add("san-set", SAN, false, &der::tlv(0x31, &good));
    add("san-cut", SAN, false, &der::seq(&[&good, &[0x82, 9, b'x']]));
    add("san-critical-empty", SAN, true, &der::seq(&[]));
    // key identifiers
    add("ski-behind", SKI, false, &behind(der::octets(&[7; 20])));
    add("ski-long", SKI, false, &der::octets(&[7; 200]));
    add("ski-empty", SKI, false, &der::octets(b""));
    add("aki-id-empty", AKI, false, &der::seq(&[&der::context_primitive(0, &[])]));
    let issuer = der::context(1, &ext::directory(&Dn::of("CN=x").der()));
    add("aki-issuer-only", AKI, false, &der::seq(&[&issuer]));
    add("aki-serial-only", AKI, false, &der::seq(&[&der::context_primitive(2, &[9])]));
    add("aki-order", AKI, false, &der::seq(&[&der::context_primitive(2, &[9]), &issuer]));
    add("aki-tag-three", AKI, false, &der::seq(&[&der::context_primitive(3, &[9])]));
    // nameConstraints
    let tree = |parts: &[&[u8]]| der::seq(&[&der::context(0, &der::seq(parts))]);
    add("nc-permitted-empty", TREES, false, &der::seq(&[&der::context(0, &[])]));
    add("nc-minimum-0", TREES, false, &tree(&[&good, &der::context_primitive(0, &[0])]));
    add("nc-minimum-1", TREES, false, &tree(&[&good, &der::context_primitive(0, &[1])]));
    add("nc-maximum", TREES, false, &tree(&[&good, &der::context_primitive(1, &[5])]));
    add("nc-ip-short", TREES, false, &tree(&[&ext::ip(&[10, 0, 0, 0])]));
    add("nc-ip-odd-mask", TREES, false, &tree(&[&ext::ip(&[127, 0, 0, 0, 255, 0, 255, 0])]));
    add("nc-registered", TREES, false, &tree(&[&der::context_primitive(8, &[0x2a, 3, 4])]));
    add("nc-x400", TREES, false, &tree(&[&der::context(3, &der::seq(&[]))]));
    add("nc-uri-address", TREES, false, &tree(&[&ext::uri("127.0.0.1")]));
    add("nc-dns-latin", TREES, false, &tree(&[&der::context_primitive(2, b"b\xfcro")]));
    add("nc-behind", TREES, false, &behind(tree(&[&good])));
    // distribution points, policies, purposes of old
    add("points-nothing-in-point", POINTS, false, &der::seq(&[&der::seq(&[])]));
    add(
        "points-reasons-only",
        POINTS,
        false,
        &der::seq(&[&der::seq(&[&der::context_primitive(1, &[1, 6])])]),
    );
    add("points-behind", POINTS, false, &behind(der::seq(&[&place_of_list()])));
    let policy = der::seq(&[&der::oid("1.2.3.4")]);
    add("policies-repeat", POLICIES, false, &der::seq(&[&policy, &policy]));
    add("policies-oid-cut", POLICIES, false, &der::seq(&[&der::seq(&[&der::tlv(6, &[0x2a, 0x86])])]));
    add(
        "policies-qualifier",
        POLICIES,
        false,
        &der::seq(&[&der::seq(&[&der::oid("1.2.3.4"), &der::seq(&[])])]),
    );
    add("require-0", REQUIRE, true, &der::seq(&[&der::context_primitive(0, &[0])]));
    add("require-negative", REQUIRE, true, &der::seq(&[&der::context_primitive(0, &[0xff])]));
    add("inhibit-negative", INHIBIT, true, &der::tlv(2, &[0xff]));
    add(
        "mappings-any",
        MAPPINGS,
        true,
        &der::seq(&[&der::seq(&[&der::oid("2.5.29.32.0"), &der::oid("1.2.3.4")])]),
    );
    add("nstype-behind", TYPE, false, &behind(der::named_bits(&[if leaf { 1 } else { 5 }])));
    add("nstype-empty", TYPE, false, &bits(0, &[]));
    out
}
