//! The cases: what a broker may be found with, well-formed or not, made by the project's own maker with a fixed clock.
//! They hold as long as the machine's clock is between 2021 and 2044.

mod algorithms;
mod chains;
mod dialled;
mod extensions;
mod files;
mod issuers;
mod leaves;
mod mixes;
mod names;
mod pairs;
mod reissued;
mod renewed;
mod shapes;
mod subtrees;

use time::OffsetDateTime;
use time::macros::datetime;

use mqttcert_fixtures::{CLOCK, Ca, Dn, Key, Made, Recipe, pem};

const CA_FROM: OffsetDateTime = datetime!(2020-01-01 00:00 UTC);
const CA_TO: OffsetDateTime = datetime!(2045-01-01 00:00 UTC);
const FROM: OffsetDateTime = datetime!(2021-01-01 00:00 UTC);
const TO: OffsetDateTime = datetime!(2044-01-01 00:00 UTC);

/// One case: what the server sends, what the client trusts, which names are dialled.
pub struct Case {
    /// Its name in the results.
    pub id: String,
    /// The certificates that the server sends, leaf first, DER.
    pub chain: Vec<Vec<u8>>,
    /// The leaf's private key.
    pub key: Key,
    /// The client's ca.crt.
    pub trust: Vec<u8>,
    /// The names dialled, one run each.
    pub names: Vec<String>,
    /// Belongs to the half that `make test` runs, and that slow clients run at all.
    pub quick: bool,
    /// Must be served by OpenSSL: rustls refuses the server name indication of one of the names.
    pub by_openssl: bool,
}

impl Case {
    /// A leaf sent alone to a client that trusts one CA; dialled as `iot-mqtt`.
    fn new(id: impl Into<String>, ca: &Ca, leaf: &Made) -> Case {
        Case {
            id: id.into(),
            chain: vec![leaf.der.clone()],
            key: leaf.key.clone(),
            trust: ca.pem().into_bytes(),
            names: vec!["iot-mqtt".to_owned()],
            quick: false,
            by_openssl: false,
        }
    }

    fn dialled(mut self, names: &[&str]) -> Case {
        self.names = names.iter().map(|n| (*n).to_owned()).collect();
        self
    }

    fn sends(mut self, more: &[&[u8]]) -> Case {
        self.chain.extend(more.iter().map(|der| der.to_vec()));
        self
    }

    fn trusts(mut self, trust: impl Into<Vec<u8>>) -> Case {
        self.trust = trust.into();
        self
    }

    fn by_openssl(mut self) -> Case {
        self.by_openssl = true;
        self
    }

    fn quick(mut self) -> Case {
        self.quick = true;
        self
    }

    /// The certfile as PEM.
    pub fn certfile(&self) -> Vec<u8> {
        self.chain.iter().map(|der| pem::armour("CERTIFICATE", der)).collect::<String>().into_bytes()
    }
}

/// Every case, made with the keys of this generation: two generations share nothing but their shape.
pub fn all(generation: u32) -> Vec<Case> {
    let kit = Kit::new(generation);
    let mut cases = Vec::new();
    names::cases(&kit, &mut cases);
    issuers::cases(&kit, &mut cases);
    leaves::cases(&kit, &mut cases);
    chains::cases(&kit, &mut cases);
    files::cases(&kit, &mut cases);
    reissued::cases(generation, &mut cases);
    renewed::cases(generation, &mut cases);
    extensions::cases(&kit, &mut cases);
    shapes::cases(&kit, &mut cases);
    pairs::cases(&kit, &mut cases);
    mixes::cases(&kit, &mut cases);
    subtrees::cases(&kit, &mut cases);
    dialled::cases(&kit, &mut cases);
    cases
}

/// In which row of its table wolfSSL keeps a CA with this key and no key identifier: of two CAs with one name it takes
/// the one in the lower row, so that with keys left to chance a case would have its answer left to chance.
fn signer_row(key: &Key) -> u32 {
    let id = key.id();
    u32::from_be_bytes([id[0], id[1], id[2], id[3]]) % 11
}

/// The first key of this label whose row will do.
fn chosen(generation: u32, label: &str, fits: impl Fn(u32) -> bool) -> Key {
    let numbered = (0..).map(|n| match n {
        0 => format!("{label}-{generation}"),
        n => format!("{label}-{generation}-{n}"),
    });
    numbered.map(|label| Key::rsa(2048, &label)).find(|key| fits(signer_row(key))).expect("endless")
}

/// The keys of one generation and the recipes that most cases start from.
pub struct Kit {
    ca_key: Key,
    other_ca_key: Key,
    key: Key,
    ca: Ca,
}

impl Kit {
    fn new(generation: u32) -> Kit {
        let rsa = |label: &str| Key::rsa(2048, &format!("{label}-{generation}"));
        let (ca_key, key) = (chosen(generation, "conformance-ca", |row| row < 10), rsa("conformance-server"));
        let other_ca_key = chosen(generation, "conformance-other", |row| row > signer_row(&ca_key));
        let ca = root(&ca_key).self_sign();
        Kit { ca_key, other_ca_key, key, ca }
    }

    /// A server certificate in good order for these names.
    fn leaf(&self, names: &[&str]) -> Recipe {
        leaf(names, &self.key)
    }

    /// The same for `iot-mqtt` and the loopback addresses.
    fn good(&self) -> Recipe {
        self.leaf(&["iot-mqtt", "127.0.0.1", "::1"])
    }

    /// A CA in good order.
    fn root(&self) -> Recipe {
        root(&self.ca_key)
    }
}

fn leaf(names: &[&str], key: &Key) -> Recipe {
    Recipe::server(names, key, CLOCK).named(&Dn::of("CN=server, O=Conformance")).valid(FROM, TO)
}

fn root(key: &Key) -> Recipe {
    Recipe::ca("CN=Conformance CA, O=Conformance", key, CLOCK).valid(CA_FROM, CA_TO)
}
