//! Certificates of any kind, from recipes: every field can be what it should not be.

use ring::rand::{SecureRandom, SystemRandom};
use time::{Duration, OffsetDateTime};

use crate::dn::Dn;
use crate::ext::{Ext, eku, ku};
use crate::key::{Key, SigAlg};
use crate::{der, pem};

/// A date in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Encoded as RFC 5280 wants it.
    At(OffsetDateTime),
    /// Any element.
    Raw(Vec<u8>),
}

impl When {
    fn der(&self) -> Vec<u8> {
        match self {
            When::At(at) => der::time(*at),
            When::Raw(der) => der.clone(),
        }
    }
}

impl From<OffsetDateTime> for When {
    fn from(at: OffsetDateTime) -> Self {
        When::At(at)
    }
}

/// Puts a structure together from its complete elements.
pub type Shape = fn(&[Vec<u8>]) -> Vec<u8>;

/// What a certificate shall be. All fields are open; the methods are shorthand.
#[derive(Clone)]
pub struct Recipe {
    /// 1, 2, 3, or what does not exist; 1 leaves the field out, as DER wants for the default.
    pub version: u64,
    /// The serial number's INTEGER, complete.
    pub serial: Vec<u8>,
    /// The issuer's Name; `None` takes the CA's subject.
    pub issuer: Option<Vec<u8>>,
    /// The subject's Name.
    pub subject: Vec<u8>,
    /// notBefore.
    pub not_before: When,
    /// notAfter.
    pub not_after: When,
    /// The subject's key.
    pub key: Key,
    /// Extensions in order; none leaves the field out.
    pub extensions: Vec<Ext>,
    /// The signature algorithm; `None` takes the CA key's default.
    pub algorithm: Option<SigAlg>,
    /// The AlgorithmIdentifier inside the signed part, if it shall differ.
    pub inner_algorithm: Option<Vec<u8>>,
    /// The AlgorithmIdentifier outside the signed part, if it is not the algorithm's own.
    pub outer_algorithm: Option<Vec<u8>>,
    /// The SubjectPublicKeyInfo, if it is not the key's own.
    pub spki: Option<Vec<u8>>,
    /// Puts the signed part together from its fields (version, serial, algorithm, issuer, validity, subject, public
    /// key, extensions; absent ones are empty), if not as a SEQUENCE of them.
    pub tbs: Option<Shape>,
    /// Puts the certificate together from the signed part, algorithm and signature, if not as a SEQUENCE of them.
    pub whole: Option<Shape>,
    /// Spoils the signature.
    pub broken_signature: bool,
    /// Adds an authorityKeyIdentifier equal to the CA's SKI, and a subjectKeyIdentifier.
    pub key_ids: bool,
}

impl Recipe {
    /// A certificate without extensions for `CN=cn`: 825 days from an hour before `now`, version 3, random serial.
    #[must_use]
    pub fn leaf(cn: &str, key: &Key, now: OffsetDateTime) -> Recipe {
        Recipe {
            version: 3,
            serial: random_serial(),
            issuer: None,
            subject: Dn::of(&format!("CN={cn}")).der(),
            not_before: (now - Duration::hours(1)).into(),
            not_after: (now - Duration::hours(1) + Duration::days(825) - Duration::seconds(1)).into(),
            key: key.clone(),
            extensions: Vec::new(),
            algorithm: None,
            inner_algorithm: None,
            outer_algorithm: None,
            spki: None,
            tbs: None,
            whole: None,
            broken_signature: false,
            key_ids: false,
        }
    }

    /// A server certificate as it should be: SANs, CA:FALSE, keyUsage, serverAuth, key identifiers. The CN is the
    /// first name.
    #[must_use]
    pub fn server(names: &[&str], key: &Key, now: OffsetDateTime) -> Recipe {
        let mut usage = vec![ku::DIGITAL_SIGNATURE];
        if matches!(key, Key::Rsa(_)) {
            usage.push(ku::KEY_ENCIPHERMENT);
        }
        Recipe::leaf(names.first().unwrap_or(&"server"), key, now)
            .with(Ext::san(names))
            .with(Ext::basic_constraints(false, None))
            .with(Ext::key_usage(&usage))
            .with(Ext::eku(&[eku::SERVER]))
            .with_key_ids()
    }

    /// A CA in good order for ten years from a day before `now`: critical basicConstraints and keyUsage, SKI.
    #[must_use]
    pub fn ca(subject: &str, key: &Key, now: OffsetDateTime) -> Recipe {
        Recipe::leaf("ca", key, now)
            .named(&Dn::of(subject))
            .valid(now - Duration::days(1), now + Duration::days(3649))
            .with(Ext::basic_constraints(true, None))
            .with(Ext::key_usage(&[ku::KEY_CERT_SIGN, ku::CRL_SIGN]))
            .with(Ext::ski(&key.id()))
    }

    /// Adds an extension, replacing one of the same OID.
    #[must_use]
    pub fn with(mut self, ext: Ext) -> Recipe {
        match self.extensions.iter_mut().find(|e| e.oid == ext.oid) {
            Some(old) => *old = ext,
            None => self.extensions.push(ext),
        }
        self
    }

    /// Adds an extension even if it is there already.
    #[must_use]
    pub fn also(mut self, ext: Ext) -> Recipe {
        self.extensions.push(ext);
        self
    }

    /// Takes an extension out, by its OID.
    #[must_use]
    pub fn without(mut self, oid: &str) -> Recipe {
        self.extensions.retain(|e| e.oid != oid);
        self
    }

    /// Adds a subjectKeyIdentifier, and an authorityKeyIdentifier equal to the CA's SKI.
    #[must_use]
    pub fn with_key_ids(mut self) -> Recipe {
        self.key_ids = true;
        self
    }

    /// The subject.
    #[must_use]
    pub fn named(mut self, subject: &Dn) -> Recipe {
        self.subject = subject.der();
        self
    }

    /// The dates.
    #[must_use]
    pub fn valid(mut self, from: impl Into<When>, to: impl Into<When>) -> Recipe {
        (self.not_before, self.not_after) = (from.into(), to.into());
        self
    }

    /// X.509 v1: no extensions at all.
    #[must_use]
    pub fn v1(mut self) -> Recipe {
        self.version = 1;
        self.extensions.clear();
        self.key_ids = false;
        self
    }

    /// The signature algorithm.
    #[must_use]
    pub fn signed_with(mut self, algorithm: SigAlg) -> Recipe {
        self.algorithm = Some(algorithm);
        self
    }

    /// The serial number, positive.
    #[must_use]
    pub fn serial(mut self, number: &[u8]) -> Recipe {
        self.serial = der::uint(number);
        self
    }

    /// Signed by `ca`.
    #[must_use]
    pub fn sign(&self, ca: &Ca) -> Made {
        self.sign_as(&ca.subject, ca.ski.as_deref(), &ca.key)
    }

    /// Signed by its own key, as a CA that then can sign others.
    #[must_use]
    pub fn self_sign(&self) -> Ca {
        let made = self.sign_as(&self.subject, None, &self.key);
        Ca::new(self, made.der)
    }

    /// Signed by `ca`, as an intermediate CA that then can sign others.
    #[must_use]
    pub fn sign_ca(&self, ca: &Ca) -> Ca {
        Ca::new(self, self.sign(ca).der)
    }

    fn sign_as(&self, issuer: &[u8], issuer_id: Option<&[u8]>, key: &Key) -> Made {
        let algorithm = self.algorithm.unwrap_or_else(|| key.default_algorithm());
        let inner = self.inner_algorithm.clone().unwrap_or_else(|| algorithm.identifier());
        let version = match self.version {
            1 => Vec::new(),
            n => der::context(0, &der::small(n - 1)),
        };
        let issuer = self.issuer.as_deref().unwrap_or(issuer);
        let validity = der::seq(&[&self.not_before.der(), &self.not_after.der()]);
        let fields = vec![
            version,
            self.serial.clone(),
            inner,
            issuer.to_vec(),
            validity,
            self.subject.clone(),
            self.spki.clone().unwrap_or_else(|| self.key.spki()),
            self.extensions_der(issuer_id),
        ];
        let sequence: Shape = |fields| der::tlv(0x30, &fields.concat());
        let tbs = self.tbs.unwrap_or(sequence)(&fields);
        let mut signature = key.sign(algorithm, &tbs);
        if self.broken_signature {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        let outer = self.outer_algorithm.clone().unwrap_or_else(|| algorithm.identifier());
        let der = self.whole.unwrap_or(sequence)(&[tbs, outer, der::bits(&signature)]);
        Made { der, key: self.key.clone() }
    }

    fn extensions_der(&self, issuer_id: Option<&[u8]>) -> Vec<u8> {
        let mut all: Vec<Vec<u8>> = self.extensions.iter().map(Ext::der).collect();
        if self.key_ids {
            all.push(Ext::ski(&self.key.id()).der());
            all.extend(issuer_id.map(|id| Ext::aki(id).der()));
        }
        if all.is_empty() { Vec::new() } else { der::context(3, &der::tlv(0x30, &all.concat())) }
    }

    /// A certificate signing request (PKCS#10) for subject, key and extensions.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let wanted: Vec<Vec<u8>> = self.extensions.iter().map(Ext::der).collect();
        let attributes = if wanted.is_empty() {
            Vec::new()
        } else {
            let list = der::tlv(0x30, &wanted.concat());
            der::seq(&[&der::oid("1.2.840.113549.1.9.14"), &der::set(vec![list])])
        };
        let info =
            der::seq(&[&der::small(0), &self.subject, &self.key.spki(), &der::context(0, &attributes)]);
        let algorithm = self.key.default_algorithm();
        der::seq(&[&info, &algorithm.identifier(), &der::bits(&self.key.sign(algorithm, &info))])
    }
}

/// A certificate that was made, with the key of its subject.
#[derive(Clone)]
pub struct Made {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its private key.
    pub key: Key,
}

impl Made {
    /// The certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem::armour("CERTIFICATE", &self.der)
    }
}

/// A CA: its certificate and what it signs with.
#[derive(Clone)]
pub struct Ca {
    /// Its certificate.
    pub der: Vec<u8>,
    /// Its private key.
    pub key: Key,
    /// Its subject's Name, as it appears in what it signs.
    pub subject: Vec<u8>,
    /// Its subjectKeyIdentifier, if it has one.
    pub ski: Option<Vec<u8>>,
}

impl Ca {
    fn new(recipe: &Recipe, der: Vec<u8>) -> Ca {
        let readable =
            |e: &&Ext| matches!(&*e.value, [4, n @ ..=0x7f, id @ ..] if id.len() >= usize::from(*n));
        let value = recipe.extensions.iter().find(|e| e.oid == "2.5.29.14");
        let ski = value.filter(readable).map(|e| der::first(&e.value).1.to_vec());
        let ski = ski.or_else(|| recipe.key_ids.then(|| recipe.key.id().to_vec()));
        Ca { der, key: recipe.key.clone(), subject: recipe.subject.clone(), ski }
    }

    /// A CA in good order with this key, `CN=Test CA`.
    #[must_use]
    pub fn with(key: &Key, now: OffsetDateTime) -> Ca {
        Recipe::ca("CN=Test CA", key, now).self_sign()
    }

    /// A CA in good order, RSA with a key that is kept between runs.
    #[must_use]
    pub fn rsa(bits: u32, now: OffsetDateTime) -> Ca {
        Ca::with(&Key::rsa(bits, "ca"), now)
    }

    /// The seed's CA: RSA-4096, basicConstraints and key identifiers, **no keyUsage**, as `openssl req -x509` makes
    /// it; ten years from 2026-02-15 if `now` is [`crate::CLOCK`].
    #[must_use]
    pub fn seed(now: OffsetDateTime) -> Ca {
        let key = Key::rsa(4096, "ca");
        let from = crate::pulse::made_at(now);
        Recipe::leaf("ca", &key, now)
            .named(&Dn::of("CN=OpsConductor-CA, O=OpsConductor, C=US"))
            .valid(from, from + Duration::days(3650))
            .with(Ext::ski(&key.id()))
            .with(Ext::aki(&key.id()))
            .with(Ext::basic_constraints(true, None))
            .self_sign()
    }

    /// The certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem::armour("CERTIFICATE", &self.der)
    }
}

/// A positive INTEGER of 16 random bytes.
#[must_use]
pub fn random_serial() -> Vec<u8> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("random numbers");
    bytes[0] = bytes[0] & 0x7f | 0x40;
    der::uint(&bytes)
}
