//! Distinguished names: the DER as it stands, and its attributes in order.

use super::der::{DerError, Reader, tag};
use super::oid;

/// A distinguished name (RFC 5280 §4.1.2.4) as a certificate writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    der: Vec<u8>,
    attributes: Vec<Attribute>,
}

/// One attribute of a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Which relative distinguished name it belongs to, counted from 0.
    pub rdn: usize,
    /// The attribute type's object identifier (content octets).
    pub oid: Vec<u8>,
    /// The identifier octet of the value: which string type it is.
    pub tag: u8,
    /// The value's content octets.
    pub value: Vec<u8>,
}

impl Attribute {
    /// The value as text, if its string type and bytes allow (TeletexString is read as Latin-1, as OpenSSL does).
    #[must_use]
    pub fn text(&self) -> Option<String> {
        decode(self.tag, &self.value)
    }
}

impl Name {
    /// Reads a Name; trailing bytes are an error.
    ///
    /// # Errors
    /// [`DerError`] where it is no sequence of sets of attributes.
    pub fn from_der(der: &[u8]) -> Result<Self, DerError> {
        let mut attributes = Vec::new();
        let mut rdns = super::der::whole(der, tag::SEQUENCE)?.inside();
        let mut rdn = 0;
        while !rdns.is_empty() {
            let mut members = rdns.take(tag::SET)?.inside();
            while !members.is_empty() {
                let mut pair = members.take(tag::SEQUENCE)?.inside();
                let kind = pair.take(tag::OID)?;
                let value = pair.element()?;
                attributes.push(Attribute {
                    rdn,
                    oid: kind.content.to_vec(),
                    tag: value.tag,
                    value: value.content.to_vec(),
                });
            }
            rdn += 1;
        }
        Ok(Self { der: der.to_vec(), attributes })
    }

    /// The DER as the certificate holds it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Every attribute in order.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Whether there is no attribute at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The common names in order, as text; bytes that are no text are replaced.
    #[must_use]
    pub fn common_names(&self) -> Vec<String> {
        self.common_name_attributes()
            .map(|a| a.text().unwrap_or_else(|| String::from_utf8_lossy(&a.value).into_owned()))
            .collect()
    }

    /// The common names in order, as they stand.
    pub fn common_name_attributes(&self) -> impl DoubleEndedIterator<Item = &Attribute> {
        self.attributes.iter().filter(|a| a.oid == oid::COMMON_NAME)
    }

    /// One line for people, `CN=iot-mqtt, O=OpsConductor`; `+` joins the members of one relative name. Holds
    /// characters from outside: renderers escape it. Values longer than 200 characters are cut with `…`.
    #[must_use]
    pub fn display(&self) -> String {
        let mut out = String::new();
        let mut last = None;
        for a in self.attributes.iter().take(40) {
            if let Some(last) = last {
                out.push_str(if last == a.rdn { " + " } else { ", " });
            }
            last = Some(a.rdn);
            out.push_str(&oid::describe(&a.oid));
            out.push('=');
            let head = a.value.get(..a.value.len().min(800)).unwrap_or_default();
            let text = decode(a.tag, head).unwrap_or_else(|| String::from_utf8_lossy(head).into_owned());
            let cut = text.chars().count() > 200 || a.value.len() > 800;
            out.extend(text.chars().take(200));
            if cut {
                out.push('…');
            }
        }
        if self.attributes.len() > 40 {
            out.push_str(", …");
        }
        out
    }
}

/// A directory string of this type as text.
pub(super) fn decode(kind: u8, value: &[u8]) -> Option<String> {
    match kind {
        tag::UTF8_STRING
        | tag::PRINTABLE_STRING
        | tag::IA5_STRING
        | tag::VISIBLE_STRING
        | tag::NUMERIC_STRING => String::from_utf8(value.to_vec()).ok(),
        tag::T61_STRING => Some(value.iter().map(|b| char::from(*b)).collect()),
        tag::BMP_STRING if value.len().is_multiple_of(2) => {
            let units = value.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]]));
            char::decode_utf16(units).collect::<Result<String, _>>().ok()
        }
        tag::UNIVERSAL_STRING if value.len().is_multiple_of(4) => value
            .chunks_exact(4)
            .map(|c| char::from_u32(u32::from_be_bytes([c[0], c[1], c[2], c[3]])))
            .collect(),
        _ => None,
    }
}

/// Reads the attributes of a name that stands inside a larger structure.
pub(super) fn take(reader: &mut Reader<'_>) -> Result<Name, DerError> {
    Name::from_der(reader.take(tag::SEQUENCE)?.raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEQUENCE { SET { CN=tag value }, SET { CN=UTF8 "b", O=UTF8 "x" } }
    fn name(kind: u8, value: &[u8]) -> Vec<u8> {
        let attribute = |oid: &[u8], kind: u8, value: &[u8]| {
            let mut inner = vec![0x06, oid.len() as u8];
            inner.extend(oid);
            inner.extend([kind, value.len() as u8]);
            inner.extend(value);
            let mut out = vec![0x30, inner.len() as u8];
            out.extend(inner);
            out
        };
        let set = |members: &[Vec<u8>]| {
            let body = members.concat();
            let mut out = vec![0x31, body.len() as u8];
            out.extend(body);
            out
        };
        let body = [
            set(&[attribute(oid::COMMON_NAME, kind, value)]),
            set(&[attribute(oid::COMMON_NAME, 12, b"b"), attribute(oid::ORGANIZATION, 12, b"x")]),
        ]
        .concat();
        let mut out = vec![0x30, body.len() as u8];
        out.extend(body);
        out
    }

    #[test]
    fn shows_every_string_type_and_multivalued_rdns() {
        let show = |kind, value: &[u8]| Name::from_der(&name(kind, value)).unwrap().display();
        assert_eq!(show(tag::UTF8_STRING, "ü".as_bytes()), "CN=ü, CN=b + O=x");
        assert_eq!(show(tag::T61_STRING, b"\xfc"), "CN=ü, CN=b + O=x");
        assert_eq!(show(tag::BMP_STRING, b"\0a\0b"), "CN=ab, CN=b + O=x");
        assert_eq!(show(tag::UNIVERSAL_STRING, b"\0\0\0a"), "CN=a, CN=b + O=x");
    }

    #[test]
    fn lists_all_common_names_in_order() {
        let n = Name::from_der(&name(tag::PRINTABLE_STRING, b"a")).unwrap();
        assert_eq!(n.common_names(), ["a", "b"]);
    }

    #[test]
    fn refuses_trailing_bytes() {
        let mut der = name(12, b"a");
        der.push(0);
        assert_eq!(Name::from_der(&der), Err(DerError::Trailing));
    }
}
