//! The extensions of a certificate: the list as it stands, and the known ones as typed values.

use super::ber;
use super::der::{self, DerError, Reader, tag};
use super::extension::{self, AuthorityKeyId, BasicConstraints, Extension, KeyUsage, NameConstraints};
use super::oid;
use crate::name::San;

/// What happens to fields behind the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surplus {
    /// They are an error.
    Refused,
    /// They are not looked at.
    PassedOver,
}

impl Surplus {
    /// Whether a structure may end here.
    pub(super) fn end(self, reader: &Reader<'_>) -> Result<(), DerError> {
        if self == Self::PassedOver { Ok(()) } else { reader.finish() }
    }
}

/// The known extensions; where one stands twice, the first.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) sans: Vec<San>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) purposes: Option<Vec<Vec<u8>>>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<AuthorityKeyId>,
    pub(super) name_constraints: Option<NameConstraints>,
    /// The names of those that cannot be read, or are followed by more.
    pub(super) malformed: Vec<&'static str>,
}

impl Typed {
    pub(super) fn read(extensions: &[Extension]) -> Self {
        let mut typed = Self::default();
        let mut noted = Noted { extensions, malformed: Vec::new() };
        typed.sans = noted.read(oid::SUBJECT_ALT_NAME, extension::alternative_names).unwrap_or_default();
        typed.basic_constraints = noted.read(oid::BASIC_CONSTRAINTS, BasicConstraints::read);
        typed.key_usage = noted.read(oid::KEY_USAGE, KeyUsage::read);
        typed.purposes = noted.read(oid::EXTENDED_KEY_USAGE, extension::purposes);
        typed.subject_key_id =
            noted.read(oid::SUBJECT_KEY_ID, |v| der::whole(v, tag::OCTET_STRING).map(|t| t.content.to_vec()));
        typed.authority_key_id = noted.read(oid::AUTHORITY_KEY_ID, AuthorityKeyId::read);
        typed.name_constraints = noted.read(oid::NAME_CONSTRAINTS, NameConstraints::read);
        typed.malformed = noted.malformed;
        typed
    }
}

/// Reads known extensions and notes those that cannot be read.
struct Noted<'a> {
    extensions: &'a [Extension],
    malformed: Vec<&'static str>,
}

impl Noted<'_> {
    fn read<T>(&mut self, oid: &[u8], read: impl Fn(&[u8]) -> Result<T, DerError>) -> Option<T> {
        let found = self.extensions.iter().find(|e| e.oid == oid)?;
        match read(&found.value) {
            Ok(value) => Some(value),
            Err(_) => {
                self.malformed.push(oid::label(oid).unwrap_or("extension"));
                // Many readers take the first element and never look at what follows it.
                let (element, _) = ber::definite(&found.value)?;
                read(&element).ok()
            }
        }
    }
}

/// The list of extensions as it stands.
pub(super) fn read_extensions(reader: &mut Reader<'_>, surplus: Surplus) -> Result<Vec<Extension>, DerError> {
    let mut list = reader.take(tag::SEQUENCE)?.inside();
    surplus.end(reader)?;
    let mut found = Vec::new();
    while !list.is_empty() {
        let mut fields = list.take(tag::SEQUENCE)?.inside();
        let oid = fields.take(tag::OID)?.content.to_vec();
        let critical = fields.optional(tag::BOOLEAN)?;
        let value = fields.take(tag::OCTET_STRING)?.content.to_vec();
        surplus.end(&fields)?;
        let set = critical.is_some_and(|c| c.content.first() != Some(&0));
        found.push(Extension { oid, critical: set, default_written: critical.is_some() && !set, value });
    }
    Ok(found)
}
