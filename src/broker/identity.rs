//! The user name that Mosquitto takes from a client's certificate.

use std::fmt::Write as _;

use crate::cert::der::tag;
use crate::cert::{Attribute, Certificate, Name, oid};

/// Which name of a client's certificate becomes its user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum CertificateName {
    #[default]
    None,
    /// `use_identity_as_username`.
    CommonName,
    /// `use_subject_as_username`.
    Subject,
}

impl CertificateName {
    /// The name, if the certificate has one that Mosquitto takes.
    pub(super) fn of(self, leaf: &Certificate) -> Option<String> {
        match self {
            Self::None => None,
            // A name with a zero byte in it is refused: it would end there.
            Self::CommonName => {
                leaf.subject().common_names().into_iter().next().filter(|n| !n.contains('\0'))
            }
            Self::Subject => Some(rfc2253(leaf.subject())),
        }
    }
}

/// `X509_NAME_print_ex` with `XN_FLAG_RFC2253`: the last RDN first, short names, every byte beyond ASCII escaped.
fn rfc2253(name: &Name) -> String {
    let mut out = String::new();
    let mut before: Option<&Attribute> = None;
    for a in name.attributes().iter().rev() {
        if let Some(b) = before {
            out.push(if b.rdn == a.rdn { '+' } else { ',' });
        }
        before = Some(a);
        let label = oid::label(&a.oid);
        let _ = write!(out, "{}=", label.map_or_else(|| crate::cert::der::dotted(&a.oid), str::to_owned));
        match label.and_then(|_| text(a)) {
            Some(value) => escape(&mut out, &value),
            None => {
                out.push('#');
                for b in element(a) {
                    let _ = write!(out, "{b:02X}");
                }
            }
        }
    }
    out
}

fn element(a: &Attribute) -> Vec<u8> {
    let mut out = vec![a.tag];
    match a.value.len() {
        n @ 0..128 => out.push(n as u8),
        n => {
            let bytes: Vec<u8> = n.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
            out.push(0x80 | bytes.len() as u8);
            out.extend(bytes);
        }
    }
    out.extend_from_slice(&a.value);
    out
}

/// Types that OpenSSL does not print as text are dumped.
fn text(a: &Attribute) -> Option<String> {
    const TEXTS: [u8; 6] = [
        tag::UTF8_STRING,
        tag::PRINTABLE_STRING,
        tag::IA5_STRING,
        tag::T61_STRING,
        tag::BMP_STRING,
        tag::UNIVERSAL_STRING,
    ];
    TEXTS.contains(&a.tag).then(|| a.text()).flatten()
}

fn escape(out: &mut String, value: &str) {
    let last = value.len().saturating_sub(1);
    for (i, b) in value.bytes().enumerate() {
        match b {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => {
                out.push('\\');
                out.push(char::from(b));
            }
            b'#' if i == 0 => out.push_str("\\#"),
            b' ' if i == 0 || i == last => out.push_str("\\ "),
            0x20..=0x7e => out.push(char::from(b)),
            _ => {
                let _ = write!(out, "\\{b:02X}");
            }
        }
    }
}
