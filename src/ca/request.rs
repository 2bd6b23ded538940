//! Certificate requests (PKCS#10, RFC 2986) of devices that keep their key to themselves: proof of possession checked,
//! and nothing taken over but one common name, plain subject fields and the public key.

use std::fmt;

use super::subject::{Field, Subject, SubjectError};
use crate::cert::Name;
use crate::cert::algorithm::{PublicKey, SignatureAlgorithm};
use crate::cert::der::{self, DerError, Reader, tag};
use crate::cert::signature::{Check, verify_raw};

/// A request that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The subject that the certificate gets.
    pub subject: Subject,
    /// The public key: AlgorithmIdentifier (DER) and the key's bytes.
    pub public: (Vec<u8>, Vec<u8>),
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// No `CERTIFICATE REQUEST` block.
    None,
    /// It is malformed.
    Der(&'static str, DerError),
    /// Whoever made it does not hold the key, or it was changed on its way.
    Possession,
    /// Its signature cannot be checked.
    Unsupported(String),
    /// The key is too weak.
    WeakKey(String),
    /// No common name, or several.
    CommonNames(Vec<String>),
    /// Another name than the one that was asked for.
    OtherName(String),
    /// A subject field that is not taken over.
    Field(String),
    /// It asks for something that a client certificate does not get.
    Asks(String),
    /// The subject cannot be written.
    Subject(SubjectError),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "holds no CERTIFICATE REQUEST block; make one by `openssl req -new`"),
            Self::Der(what, e) => write!(f, "is malformed at its {what}: {e}"),
            Self::Possession => write!(
                f,
                "is not signed by the key it holds: whoever sent it does not have the key, or it was changed"
            ),
            Self::Unsupported(what) => {
                write!(f, "cannot be checked ({what}); use RSA, P-256, P-384 or Ed25519")
            }
            Self::WeakKey(what) => write!(f, "brings a weak key ({what}); RSA needs 2048 bits or more"),
            Self::CommonNames(n) if n.is_empty() => write!(f, "names nobody: its subject has no common name"),
            Self::CommonNames(n) => write!(f, "names several: {}; one identity, one request", n.join(", ")),
            Self::OtherName(n) => write!(f, "names {n:?}, not the NAME that was given"),
            Self::Field(x) => write!(f, "has the subject field {x}, which is not taken over; leave it out"),
            Self::Asks(what) => {
                write!(f, "asks for {what}, which a client certificate does not get; leave it out")
            }
            Self::Subject(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for RequestError {}

impl Request {
    /// Reads and checks a request (PEM or DER). With `name`, it must be for exactly this identity. `common` are
    /// fields that flags set; they win over the request's.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(bytes: &[u8], name: Option<&str>, common: &[(Field, String)]) -> Result<Self, RequestError> {
        let block = crate::cert::pem::scan(bytes)
            .into_iter()
            .find(|b| matches!(b.label.as_str(), "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST"));
        let der = match block {
            Some(block) => block.der.ok_or(RequestError::None)?,
            None if bytes.first() == Some(&0x30) => bytes.to_vec(),
            None => return Err(RequestError::None),
        };
        let at = |what: &'static str| move |e: DerError| RequestError::Der(what, e);
        let mut outer = Reader::new(&der).take(tag::SEQUENCE).map_err(at("outer sequence"))?.inside();
        let body = outer.take(tag::SEQUENCE).map_err(at("request"))?;
        let algorithm = outer.take(tag::SEQUENCE).map_err(at("signature algorithm"))?;
        let signature = outer.take(tag::BIT_STRING).map_err(at("signature"))?;
        let (_, signature) = der::bits(signature.content).map_err(at("signature"))?;
        let mut fields = body.inside();
        fields.take(tag::INTEGER).map_err(at("version"))?;
        let subject =
            Name::from_der(fields.take(tag::SEQUENCE).map_err(at("subject"))?.raw).map_err(at("subject"))?;
        let spki = fields.take(tag::SEQUENCE).map_err(at("public key"))?;
        let mut parts = spki.inside();
        let key_algorithm = parts.take(tag::SEQUENCE).map_err(at("public key"))?.raw.to_vec();
        let key = parts.take(tag::BIT_STRING).map_err(at("public key"))?;
        let (_, key) = der::bits(key.content).map_err(at("public key"))?;

        let algorithm = SignatureAlgorithm::from_der(algorithm.raw).map_err(at("signature algorithm"))?;
        match verify_raw(spki.raw, &algorithm, body.raw, signature) {
            Check::Good => {}
            Check::Bad => return Err(RequestError::Possession),
            Check::Unsupported(what) => return Err(RequestError::Unsupported(what)),
        }
        let public = PublicKey::from_spki(spki.raw);
        if let PublicKey::Rsa { .. } = public
            && public.bits().is_none_or(|b| b < 2048)
        {
            return Err(RequestError::WeakKey(public.display()));
        }
        attributes(&mut fields)?;
        Ok(Self { subject: take_subject(&subject, name, common)?, public: (key_algorithm, key.to_vec()) })
    }
}

/// Our own certificates differ in nothing but subject and key: a request for more is told, not silently cut.
fn attributes(fields: &mut Reader<'_>) -> Result<(), RequestError> {
    const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
    let at = |e: DerError| RequestError::Der("attributes", e);
    let Some(all) = fields.optional(0xa0).map_err(at)? else {
        return Ok(());
    };
    let mut all = all.inside();
    while !all.is_empty() {
        let mut one = all.take(tag::SEQUENCE).map_err(at)?.inside();
        if one.take(tag::OID).map_err(at)?.content != EXTENSION_REQUEST {
            continue;
        }
        let mut set = one.take(tag::SET).map_err(at)?.inside();
        let mut extensions = set.take(tag::SEQUENCE).map_err(at)?.inside();
        while !extensions.is_empty() {
            let mut extension = extensions.take(tag::SEQUENCE).map_err(at)?.inside();
            let oid = extension.take(tag::OID).map_err(at)?.content;
            extension.optional(tag::BOOLEAN).map_err(at)?;
            let value = extension.take(tag::OCTET_STRING).map_err(at)?.content;
            if let Some(what) = refused(oid, value) {
                return Err(RequestError::Asks(what));
            }
        }
    }
    Ok(())
}

/// Extensions that every client certificate gets anyway may be asked for; names and rights may not.
fn refused(oid: &[u8], value: &[u8]) -> Option<String> {
    use super::oid;
    let contains_true = || value.windows(3).any(|w| w == [tag::BOOLEAN, 1, 0xff]);
    match oid {
        o if o == oid::BASIC_CONSTRAINTS => contains_true().then(|| "CA:TRUE".to_owned()),
        o if o == oid::SUBJECT_KEY_ID || o == oid::KEY_USAGE => None,
        o if o == oid::EXT_KEY_USAGE => {
            let only_client = super::der::sequence(&[&super::der::tlv(tag::OID, &[oid::CLIENT_AUTH])]);
            (value != only_client).then(|| "another use than clientAuth".to_owned())
        }
        [0x55, 0x1d, 0x11] => Some("subjectAltName (other names)".to_owned()),
        other => Some(crate::cert::oid::describe(other)),
    }
}

fn take_subject(
    subject: &Name,
    name: Option<&str>,
    common: &[(Field, String)],
) -> Result<Subject, RequestError> {
    let names = subject.common_names();
    let [one] = names.as_slice() else {
        return Err(RequestError::CommonNames(names));
    };
    if name.is_some_and(|wanted| wanted != one) {
        return Err(RequestError::OtherName(one.clone()));
    }
    let mut fields: Vec<(Field, String)> = common.to_vec();
    for attribute in subject.attributes() {
        let label = crate::cert::oid::describe(&attribute.oid);
        let field: Field = label.parse().map_err(|()| RequestError::Field(label.clone()))?;
        if field == Field::CommonName
            || fields.iter().any(|(f, _)| *f == field && common.iter().any(|(c, _)| c == f))
        {
            continue;
        }
        if fields.iter().any(|(f, _)| *f == field) {
            return Err(RequestError::Field(format!("{label} twice")));
        }
        let text = attribute.text().ok_or_else(|| RequestError::Field(label.clone()))?;
        fields.push((field, text));
    }
    Subject::client(one, &fields).map_err(RequestError::Subject)
}
