//! Distinguished names of any shape: several values in one RDN, every string type.

use crate::der;

/// The string types of DirectoryString and IA5String.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Text {
    Utf8,
    Printable,
    T61,
    Ia5,
    Bmp,
    Universal,
}

impl Text {
    /// The element that holds `value`.
    #[must_use]
    pub fn encode(self, value: &str) -> Vec<u8> {
        match self {
            Text::Utf8 => der::tlv(0x0c, value.as_bytes()),
            Text::Printable => der::tlv(0x13, value.as_bytes()),
            Text::Ia5 => der::tlv(0x16, value.as_bytes()),
            // T.61 as everybody uses it: Latin-1.
            Text::T61 => der::tlv(0x14, &value.chars().map(|c| c as u32 as u8).collect::<Vec<_>>()),
            Text::Bmp => der::tlv(0x1e, &value.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()),
            Text::Universal => {
                der::tlv(0x1c, &value.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect::<Vec<_>>())
            }
        }
    }
}

/// One attribute: its OID in dotted form and its encoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attr {
    oid: String,
    value: Vec<u8>,
}

impl Attr {
    /// By short name (`CN`, `O`, `OU`, `C`, `L`, `ST`, `emailAddress`, `DC`, `UID`) or dotted OID.
    #[must_use]
    pub fn new(name: &str, text: Text, value: &str) -> Attr {
        Attr::raw(name, &text.encode(value))
    }

    /// With any element as its value.
    #[must_use]
    pub fn raw(name: &str, value: &[u8]) -> Attr {
        let oid = match name {
            "CN" => "2.5.4.3",
            "C" => "2.5.4.6",
            "L" => "2.5.4.7",
            "ST" => "2.5.4.8",
            "O" => "2.5.4.10",
            "OU" => "2.5.4.11",
            "serialNumber" => "2.5.4.5",
            "DC" => "0.9.2342.19200300.100.1.25",
            "UID" => "0.9.2342.19200300.100.1.1",
            "emailAddress" => "1.2.840.113549.1.9.1",
            dotted => dotted,
        };
        Attr { oid: oid.to_owned(), value: value.to_vec() }
    }

    fn der(&self) -> Vec<u8> {
        der::seq(&[&der::oid(&self.oid), &self.value])
    }
}

/// A name: RDNs in order, each with one attribute or more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dn(pub Vec<Vec<Attr>>);

impl Dn {
    /// `CN=iot-mqtt, O=OpsConductor, C=US`: RDNs in the order written, `+` joins attributes of one RDN. String types
    /// as OpenSSL chooses them: PrintableString for C, IA5String for e-mail and DC, else UTF8String.
    #[must_use]
    pub fn of(text: &str) -> Dn {
        let attr = |part: &str| {
            let (name, value) = part.trim().split_once('=').expect("name=value");
            let text = match name {
                "C" => Text::Printable,
                "emailAddress" | "DC" => Text::Ia5,
                _ => Text::Utf8,
            };
            Attr::new(name, text, value)
        };
        let rdns = text.split(',').filter(|p| !p.trim().is_empty());
        Dn(rdns.map(|rdn| rdn.split('+').map(attr).collect()).collect())
    }

    /// One RDN per attribute.
    #[must_use]
    pub fn from_attrs(attrs: Vec<Attr>) -> Dn {
        Dn(attrs.into_iter().map(|a| vec![a]).collect())
    }

    /// The Name, DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let rdns: Vec<Vec<u8>> =
            self.0.iter().map(|rdn| der::set(rdn.iter().map(Attr::der).collect())).collect();
        der::tlv(0x30, &rdns.concat())
    }
}
