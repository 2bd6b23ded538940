//! A strict reading: in which fields a certificate is not written as DER (X.690) and RFC 5280 want it, and how.
//!
//! Libraries differ most where a certificate is written as nobody should write it. What is listed here says nothing
//! about whether a client minds; a certificate in good order gives an empty list.

mod fields;
mod names;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;

use super::Certificate;
use super::der::Reader;

/// One deviation of form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Deviation {
    /// Where it is.
    pub field: Field,
    /// What it is.
    pub kind: Kind,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field.as_str(), self.kind.as_str())
    }
}

/// Defines an enumeration and the words for its members.
macro_rules! worded {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $member:ident = $words:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$about])* $member,)+ }

        impl $name {
            /// Every member.
            pub const ALL: &'static [$name] = &[$($name::$member),+];

            /// In words.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$member => $words,)+ }
            }
        }
    };
}

worded! {
    /// A field of a certificate, an extension by its name.
    Field {
        /// The outer structure.
        Whole = "the certificate",
        /// version.
        Version = "its version",
        /// serialNumber.
        Serial = "its serial number",
        /// Both signature algorithms.
        Algorithm = "its signature algorithm",
        /// issuer.
        Issuer = "its issuer",
        /// issuer and subject.
        Name = "a name",
        /// validity.
        Dates = "its dates",
        /// subjectPublicKeyInfo.
        Key = "its public key",
        /// signatureValue.
        Signature = "its signature",
        /// The list of extensions.
        Extensions = "its extensions",
        /// basicConstraints.
        BasicConstraints = "basicConstraints",
        /// keyUsage.
        KeyUsage = "keyUsage",
        /// extendedKeyUsage.
        Purposes = "extendedKeyUsage",
        /// subjectAltName.
        AltNames = "subjectAltName",
        /// issuerAltName.
        IssuerAltNames = "issuerAltName",
        /// subjectKeyIdentifier.
        SubjectKeyId = "subjectKeyIdentifier",
        /// authorityKeyIdentifier.
        AuthorityKeyId = "authorityKeyIdentifier",
        /// nameConstraints.
        NameConstraints = "nameConstraints",
        /// certificatePolicies.
        Policies = "certificatePolicies",
        /// policyMappings.
        Mappings = "policyMappings",
        /// policyConstraints.
        PolicyConstraints = "policyConstraints",
        /// inhibitAnyPolicy.
        InhibitAnyPolicy = "inhibitAnyPolicy",
        /// cRLDistributionPoints.
        Points = "cRLDistributionPoints",
        /// freshestCRL.
        Freshest = "freshestCRL",
        /// authorityInfoAccess and subjectInfoAccess.
        Access = "authorityInfoAccess",
        /// TLS feature.
        TlsFeature = "tlsFeature",
        /// OCSP no check.
        NoCheck = "ocspNoCheck",
        /// Netscape certificate type.
        NetscapeType = "nsCertType",
        /// Signed certificate timestamps.
        Timestamps = "sctList",
        /// Proxy certificate information.
        ProxyInfo = "proxyCertInfo",
    }
}

worded! {
    /// A way of not being what it should be.
    Kind {
        /// A length that takes more octets than needed.
        Length = "a length is written longer than need be",
        /// An element or octets behind the last one.
        Surplus = "something stands behind it",
        /// Not of the type that belongs there.
        Type = "it is of another type than it should be",
        /// Nothing where something must stand.
        Empty = "it is empty",
        /// An INTEGER with octets that change nothing.
        Padded = "a number is written longer than need be",
        /// An INTEGER below 0.
        Negative = "a number is negative",
        /// Zero as a serial number.
        Zero = "it is zero",
        /// An INTEGER beyond what the field allows.
        Huge = "a number is too large",
        /// Unused bits of a BIT STRING that are miscounted, set, or not cut off.
        Bits = "its unused bits are not as they should be",
        /// A BOOLEAN that is not one octet of 00 or FF.
        Boolean = "a boolean is not written as it should be",
        /// A default that is written out.
        Default = "a default is written out",
        /// An OBJECT IDENTIFIER that is empty, cut or padded.
        Oid = "an object identifier is malformed",
        /// Octets that the string type does not allow.
        Text = "a text holds octets that its type does not allow",
        /// A string type that does not belong to the attribute.
        Strings = "a text is of another string type than it should be",
        /// A text without characters.
        Blank = "a text is empty",
        /// A text or number of octets beyond its bounds.
        Bound = "it is longer or shorter than allowed",
        /// Members out of order.
        Order = "its members are out of order",
        /// A member that stands there twice.
        Twice = "a member stands there twice",
        /// Parameters of an algorithm that are not those that belong to it.
        Parameters = "its parameters are not those that belong to it",
        /// An algorithm of which nothing is known.
        Unknown = "it is unknown",
        /// The algorithm inside the signed part is not the one outside.
        Differ = "the one inside is not the one outside",
        /// What needs a later version than the certificate says that it has.
        Misplaced = "what it holds does not belong to this version",
        /// issuerUniqueID or subjectUniqueID.
        UniqueIds = "it has unique identifiers",
        /// Critical where RFC 5280 forbids it.
        Critical = "it is critical, which it may not be",
        /// An address of the wrong length.
        Address = "an address has a wrong number of octets",
        /// A form of names that nobody uses.
        Rare = "it holds a form of name that nobody uses",
        /// A date that is not in the calendar, or not written as RFC 5280 wants it.
        Calendar = "a date is not written as it should be",
        /// A GeneralizedTime for a year before 2050.
        Early = "a date before 2050 is written with four digits of the year",
        /// An RSA exponent under 3, even, or above 32 bits.
        Exponent = "its exponent is unusual",
    }
}

/// Collects deviations.
#[derive(Debug, Default)]
struct Found(Vec<Deviation>);

impl Found {
    fn add(&mut self, field: Field, kind: Kind) {
        self.0.push(Deviation { field, kind });
    }

    fn when(&mut self, holds: bool, field: Field, kind: Kind) {
        if holds {
            self.add(field, kind);
        }
    }

    /// Lengths written longer than need be, in this element and all that it is made of.
    fn lengths(&mut self, field: Field, der: &[u8]) {
        let mut open = vec![Reader::new(der)];
        while let Some(mut reader) = open.pop() {
            while let Ok(element) = reader.element() {
                if !element.minimal {
                    return self.add(field, Kind::Length);
                }
                if element.tag & 0x20 != 0 {
                    open.push(element.inside());
                }
            }
        }
    }

    /// An OBJECT IDENTIFIER's content (X.690 §8.19).
    fn oid(&mut self, field: Field, content: &[u8]) {
        let cut = content.last().is_none_or(|b| b & 0x80 != 0);
        let padded =
            content.first() == Some(&0x80) || content.windows(2).any(|w| w[0] & 0x80 == 0 && w[1] == 0x80);
        self.when(cut || padded, field, Kind::Oid);
    }

    /// A non-negative INTEGER's content of at most this many octets without the sign.
    fn number(&mut self, field: Field, content: &[u8], most: usize) {
        match content {
            [] => self.add(field, Kind::Empty),
            [0, next, ..] if next & 0x80 == 0 => self.add(field, Kind::Padded),
            [0xff, next, ..] if next & 0x80 != 0 => self.add(field, Kind::Padded),
            _ => {}
        }
        self.when(content.first().is_some_and(|b| b & 0x80 != 0), field, Kind::Negative);
        let digits = content.iter().skip_while(|b| **b == 0).count();
        self.when(digits > most, field, Kind::Huge);
    }
}

/// Every deviation of a certificate, in the order of the fields, each once.
pub(super) fn read(cert: &Certificate) -> Vec<Deviation> {
    let mut found = Found::default();
    fields::read(cert, &mut found);
    values::read(cert, &mut found);
    let mut all = found.0;
    all.sort_unstable();
    all.dedup();
    all
}
