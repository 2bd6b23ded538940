//! Certificate and CRL extensions: the usual ones by name, any other as raw bytes.

use std::net::IpAddr;

use crate::der;

/// Key usage bits (RFC 5280 §4.2.1.3).
pub mod ku {
    #![allow(missing_docs)]
    pub const DIGITAL_SIGNATURE: u8 = 0;
    pub const NON_REPUDIATION: u8 = 1;
    pub const KEY_ENCIPHERMENT: u8 = 2;
    pub const DATA_ENCIPHERMENT: u8 = 3;
    pub const KEY_AGREEMENT: u8 = 4;
    pub const KEY_CERT_SIGN: u8 = 5;
    pub const CRL_SIGN: u8 = 6;
}

/// Extended key usages.
pub mod eku {
    #![allow(missing_docs)]
    pub const SERVER: &str = "1.3.6.1.5.5.7.3.1";
    pub const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
    pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
    pub const EMAIL: &str = "1.3.6.1.5.5.7.3.4";
    pub const ANY: &str = "2.5.29.37.0";
    pub const MS_SGC: &str = "1.3.6.1.4.1.311.10.3.3";
    pub const NS_SGC: &str = "2.16.840.1.113730.4.1";
}

/// One extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ext {
    /// Its OID, dotted.
    pub oid: String,
    /// Whether it is critical.
    pub critical: bool,
    /// The content of its OCTET STRING.
    pub value: Vec<u8>,
}

impl Ext {
    /// Any extension.
    #[must_use]
    pub fn raw(oid: &str, critical: bool, value: &[u8]) -> Ext {
        Ext { oid: oid.to_owned(), critical, value: value.to_vec() }
    }

    /// The same, critical or not.
    #[must_use]
    pub fn critical(self, critical: bool) -> Ext {
        Ext { critical, ..self }
    }

    /// subjectAltName; an address becomes an iPAddress, anything else a dNSName as written.
    #[must_use]
    pub fn san(names: &[&str]) -> Ext {
        let parts: Vec<Vec<u8>> = names.iter().map(|n| general_name(n)).collect();
        Ext::san_raw(&parts)
    }

    /// subjectAltName from complete GeneralNames.
    #[must_use]
    pub fn san_raw(names: &[Vec<u8>]) -> Ext {
        Ext::raw("2.5.29.17", false, &der::tlv(0x30, &names.concat()))
    }

    /// basicConstraints, critical.
    #[must_use]
    pub fn basic_constraints(ca: bool, path_len: Option<u64>) -> Ext {
        let ca = if ca { der::boolean(true) } else { Vec::new() };
        let len = path_len.map(der::small).unwrap_or_default();
        Ext::raw("2.5.29.19", true, &der::seq(&[&ca, &len]))
    }

    /// keyUsage, critical.
    #[must_use]
    pub fn key_usage(bits: &[u8]) -> Ext {
        Ext::raw("2.5.29.15", true, &der::named_bits(bits))
    }

    /// extendedKeyUsage, not critical.
    #[must_use]
    pub fn eku(oids: &[&str]) -> Ext {
        let parts: Vec<Vec<u8>> = oids.iter().map(|o| der::oid(o)).collect();
        Ext::raw("2.5.29.37", false, &der::tlv(0x30, &parts.concat()))
    }

    /// subjectKeyIdentifier.
    #[must_use]
    pub fn ski(id: &[u8]) -> Ext {
        Ext::raw("2.5.29.14", false, &der::octets(id))
    }

    /// authorityKeyIdentifier with a key identifier only.
    #[must_use]
    pub fn aki(id: &[u8]) -> Ext {
        Ext::raw("2.5.29.35", false, &der::seq(&[&der::context_primitive(0, id)]))
    }

    /// authorityKeyIdentifier that names issuer (a Name's DER) and serial (an INTEGER's DER).
    #[must_use]
    pub fn aki_issuer(id: Option<&[u8]>, issuer: &[u8], serial: &[u8]) -> Ext {
        let id = id.map(|id| der::context_primitive(0, id)).unwrap_or_default();
        let (_, content, _) = der::first(serial);
        let names = der::context(1, &der::context(4, issuer));
        Ext::raw("2.5.29.35", false, &der::seq(&[&id, &names, &der::context_primitive(2, content)]))
    }

    /// nameConstraints, critical, from complete GeneralNames.
    #[must_use]
    pub fn name_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Ext {
        let tree = |n: u8, names: &[Vec<u8>]| {
            let subtrees: Vec<Vec<u8>> = names.iter().map(|name| der::seq(&[name])).collect();
            if names.is_empty() { Vec::new() } else { der::context(n, &subtrees.concat()) }
        };
        Ext::raw("2.5.29.30", true, &der::seq(&[&tree(0, permitted), &tree(1, excluded)]))
    }

    /// TLS feature status_request: "must staple" (RFC 7633).
    #[must_use]
    pub fn must_staple() -> Ext {
        Ext::raw("1.3.6.1.5.5.7.1.24", false, &der::seq(&[&der::small(5)]))
    }

    /// authorityInfoAccess, certificatePolicies … : a SEQUENCE of these complete elements.
    #[must_use]
    pub fn list(oid: &str, members: &[&[u8]]) -> Ext {
        Ext::raw(oid, false, &der::seq(members))
    }

    /// The Extension, DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let critical = if self.critical { der::boolean(true) } else { Vec::new() };
        der::seq(&[&der::oid(&self.oid), &critical, &der::octets(&self.value)])
    }
}

/// A GeneralName: iPAddress if it is an address, else dNSName.
#[must_use]
pub fn general_name(name: &str) -> Vec<u8> {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(a)) => der::context_primitive(7, &a.octets()),
        Ok(IpAddr::V6(a)) => der::context_primitive(7, &a.octets()),
        Err(_) => dns(name),
    }
}

/// A dNSName, whatever the text.
#[must_use]
pub fn dns(name: &str) -> Vec<u8> {
    der::context_primitive(2, name.as_bytes())
}

/// An iPAddress with any bytes: an address, or address and mask in name constraints.
#[must_use]
pub fn ip(bytes: &[u8]) -> Vec<u8> {
    der::context_primitive(7, bytes)
}

/// A uniformResourceIdentifier.
#[must_use]
pub fn uri(text: &str) -> Vec<u8> {
    der::context_primitive(6, text.as_bytes())
}

/// An rfc822Name.
#[must_use]
pub fn email(text: &str) -> Vec<u8> {
    der::context_primitive(1, text.as_bytes())
}

/// A directoryName from a Name's DER.
#[must_use]
pub fn directory(name: &[u8]) -> Vec<u8> {
    der::context(4, name)
}
