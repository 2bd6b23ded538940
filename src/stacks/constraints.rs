//! Name constraints (RFC 5280 §4.2.1.10), with the forms that each library knows.

use super::java;
use super::stack::Parse;
use crate::cert::der::tag;
use crate::cert::extension::{NameConstraints, Subtree};
use crate::cert::{Certificate, Name, oid};
use crate::name::San;

/// A violation in words, or `None`. `own` is the constrained CA, `below` are the
/// certificates that the constraint binds, leaf first.
pub(super) fn violation(
    library: Parse,
    nc: &NameConstraints,
    own: &Certificate,
    below: &[&Certificate],
) -> Option<String> {
    match (library, below.first(), below.last()) {
        (Parse::Go(version), ..) => return super::go::violation(version, own, below),
        (Parse::Nss, ..) => return super::nss::violation(nc, below),
        (Parse::Erlang, ..) => return super::erlang::violation(nc, below),
        (Parse::Gnutls, Some(leaf), _) => return super::gnutls::violation(nc, leaf),
        (Parse::Wolfssl, _, Some(issued)) => return super::wolfssl::violation(nc, issued),
        _ => {}
    }
    // NameConstraintsExtension.verify: neither a minimum other than 0 nor a maximum is supported.
    if library == Parse::Java && nc.permitted.iter().chain(&nc.excluded).any(|t| t.bounded) {
        return Some("a name constraint has a minimum or maximum".to_owned());
    }
    let forms = Forms::of(library);
    let openssl = matches!(library, Parse::Openssl | Parse::S2n);
    for (depth, cert) in below.iter().enumerate() {
        if depth > 0 && cert.is_self_issued() {
            continue;
        }
        let mut names: Vec<San> = cert.sans().to_vec();
        if forms.directory && !cert.subject().is_empty() {
            names.push(San::Directory(cert.subject().der().to_vec()));
        }
        // NAME_CONSTRAINTS_check (crypto/x509/v3_ncons.c) takes the subject's addresses too.
        if library == Parse::Openssl {
            for address in cert.subject().attributes().iter().filter(|a| a.oid == oid::EMAIL) {
                if address.tag != tag::IA5_STRING {
                    return Some("an e-mail address of the subject is no IA5String".to_owned());
                }
                names.push(San::Email(address.value.clone()));
            }
        }
        if library == Parse::Java {
            names.extend(java::subject_names(cert));
        }
        if depth == 0 && !cert.sans().iter().any(|s| matches!(s, San::Dns(_))) {
            for cn in cert.subject().common_names() {
                let counts = match forms.common_name {
                    CommonName::No => false,
                    CommonName::Dotted => looks_like_dns(&cn),
                };
                if counts {
                    names.push(San::Dns(cn.into_bytes()));
                }
            }
        }
        for name in names {
            let known = match &name {
                San::Dns(_) | San::Email(_) => true,
                San::Ip(_) => forms.ip,
                San::Directory(_) => forms.directory,
                San::Uri(_) => forms.uri,
                San::Other(..) => openssl || library == Parse::Java,
            };
            if !known {
                continue;
            }
            let same_form = |t: &&Subtree| match (&t.base, &name) {
                (San::Other(a, _), San::Other(b, _)) => a == b,
                (base, name) => std::mem::discriminant(base) == std::mem::discriminant(name),
            };
            let mut met = nc.permitted.iter().chain(&nc.excluded).filter(same_form);
            if openssl && met.clone().next().is_some() && !openssl_syntax(&name) {
                return Some(format!("OpenSSL cannot compare {} with a name constraint", show(&name)));
            }
            if library == Parse::Java && met.any(|t| java::holds(&t.base, &name) == Some(None)) {
                return Some(format!("Java cannot compare {} with a name constraint", show(&name)));
            }
            let holds = |base: &San, name: &San| match library {
                Parse::Java => java::holds(base, name).flatten().unwrap_or_else(|| holds(base, name)),
                Parse::Openssl | Parse::S2n => openssl_holds(base, name).unwrap_or_else(|| holds(base, name)),
                _ => holds(base, name),
            };
            // nc_minmax_valid (crypto/x509/v3_ncons.c): only where a name of the form is there.
            let limited = nc.permitted.iter().chain(&nc.excluded).filter(same_form).any(|t| t.bounded);
            if library == Parse::Openssl && limited {
                return Some("a name constraint has a minimum or maximum".to_owned());
            }
            if nc.excluded.iter().filter(same_form).any(|t| holds(&t.base, &name)) {
                return Some(format!("{} is excluded by a name constraint", show(&name)));
            }
            let mut permitted = nc.permitted.iter().filter(same_form).peekable();
            if permitted.peek().is_some() && !permitted.any(|t| holds(&t.base, &name)) {
                return Some(format!("{} is in no permitted subtree of a name constraint", show(&name)));
            }
        }
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CommonName {
    No,
    /// Only where it looks like a DNS name with a dot (OpenSSL's `cn2dnsid`).
    Dotted,
}

struct Forms {
    ip: bool,
    directory: bool,
    uri: bool,
    common_name: CommonName,
}

impl Forms {
    fn of(library: Parse) -> Self {
        let all = |common_name| Self { ip: true, directory: true, uri: true, common_name };
        match library {
            Parse::Openssl => all(CommonName::Dotted),
            Parse::S2n | Parse::Java | Parse::Chromium => all(CommonName::No),
            _ => Self { directory: false, ..all(CommonName::No) },
        }
    }
}

fn looks_like_dns(cn: &str) -> bool {
    cn.contains('.')
        && cn.split('.').all(|l| {
            !l.is_empty()
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Whether `nc_match_single` of crypto/x509/v3_ncons.c can compare a name: not every form, and no address without a
/// host.
fn openssl_syntax(name: &San) -> bool {
    match name {
        San::Other(..) => false,
        San::Email(n) => n.contains(&b'@'),
        San::Uri(n) => openssl_host(n).is_some_and(|h| !h.is_empty()),
        _ => true,
    }
}

/// The host of a URI: up to the first colon behind the slashes, else up to the next slash.
fn openssl_host(uri: &[u8]) -> Option<&[u8]> {
    let at = uri.iter().position(|b| *b == b':')?;
    let rest = uri.get(at..)?.strip_prefix(b"://")?;
    let end = rest.iter().position(|b| *b == b':').or_else(|| rest.iter().position(|b| *b == b'/'));
    rest.get(..end.unwrap_or(rest.len()))
}

/// Where OpenSSL compares in a way of its own: the local part of a mailbox with regard to case.
fn openssl_holds(base: &San, name: &San) -> Option<bool> {
    match (base, name) {
        (San::Email(base), San::Email(name)) if base.contains(&b'@') => {
            let cut = |text: &[u8]| {
                let at = text.iter().rposition(|b| *b == b'@')?;
                Some((text.get(..at)?.to_vec(), text.get(at + 1..)?.to_vec()))
            };
            let ((local, host), (own, at)) = (cut(base)?, cut(name)?);
            Some((local.is_empty() || local == own) && host.eq_ignore_ascii_case(&at))
        }
        (San::Uri(base), San::Uri(name)) => {
            let host = openssl_host(name).unwrap_or_default();
            Some(match base.first() {
                Some(b'.') => ends_with(host, base),
                _ => host.eq_ignore_ascii_case(base),
            })
        }
        _ => None,
    }
}

fn holds(base: &San, name: &San) -> bool {
    match (base, name) {
        (San::Dns(base), San::Dns(name)) => below(base, name),
        (San::Ip(base), San::Ip(name)) => {
            let half = base.len() / 2;
            half == name.len() && base.len() == 2 * half && {
                let (address, mask) = base.split_at(half);
                address.iter().zip(mask).zip(name).all(|((a, m), n)| a & m == n & m)
            }
        }
        (San::Directory(base), San::Directory(name)) => match (Name::from_der(base), Name::from_der(name)) {
            (Ok(base), Ok(name)) => {
                let (base, name) = (base.attributes(), name.attributes());
                base.len() <= name.len()
                    && base.iter().zip(name).all(|(b, n)| {
                        b.oid == n.oid
                            && (b.value == n.value || {
                                let fold = |a: &crate::cert::Attribute| a.text().map(|t| t.to_lowercase());
                                fold(b).is_some() && fold(b) == fold(n)
                            })
                    })
            }
            _ => false,
        },
        (San::Email(base), San::Email(name)) => {
            let host =
                name.iter().rposition(|b| *b == b'@').and_then(|i| name.get(i + 1..)).unwrap_or_default();
            if base.contains(&b'@') {
                base.eq_ignore_ascii_case(name)
            } else if base.first() == Some(&b'.') {
                ends_with(host, base)
            } else {
                host.eq_ignore_ascii_case(base)
            }
        }
        (San::Uri(base), San::Uri(name)) => {
            let text = String::from_utf8_lossy(name);
            let host =
                text.split("://").nth(1).unwrap_or("").split(['/', ':', '?', '#']).next().unwrap_or("");
            if base.first() == Some(&b'.') {
                ends_with(host.as_bytes(), base)
            } else {
                host.as_bytes().eq_ignore_ascii_case(base)
            }
        }
        _ => false,
    }
}

fn below(base: &[u8], name: &[u8]) -> bool {
    if base.is_empty() {
        return true;
    }
    if base.first() == Some(&b'.') {
        return ends_with(name, base);
    }
    if name.len() == base.len() {
        return name.eq_ignore_ascii_case(base);
    }
    ends_with(name, base) && name.get(name.len() - base.len() - 1) == Some(&b'.')
}

fn ends_with(name: &[u8], tail: &[u8]) -> bool {
    name.len() > tail.len()
        && name.get(name.len() - tail.len()..).is_some_and(|t| t.eq_ignore_ascii_case(tail))
}

fn show(name: &San) -> String {
    match name {
        San::Dns(n) => format!("DNS:{}", String::from_utf8_lossy(n)),
        San::Email(n) => format!("email:{}", String::from_utf8_lossy(n)),
        San::Uri(n) => format!("URI:{}", String::from_utf8_lossy(n)),
        San::Ip(_) => name.as_peer_name().map_or_else(|| "an address".to_owned(), |n| format!("IP:{n}")),
        San::Directory(der) => Name::from_der(der).map_or_else(|_| "a name".to_owned(), |n| n.display()),
        San::Other(..) => "another name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_subtree_ends_at_a_label() {
        let dns = |a: &str, b: &str| below(a.as_bytes(), b.as_bytes());
        assert!(dns("pulse.example", "mqtt.pulse.example") && dns("pulse.example", "PULSE.example"));
        assert!(!dns("pulse.example", "impulse.example") && !dns(".pulse.example", "pulse.example"));
        assert!(dns(".pulse.example", "a.pulse.example") && dns("", "anything"));
    }

    #[test]
    fn an_address_subtree_is_an_address_and_a_mask() {
        let net = San::Ip(vec![10, 0, 0, 0, 255, 0, 0, 0]);
        assert!(holds(&net, &San::Ip(vec![10, 1, 2, 3])));
        assert!(!holds(&net, &San::Ip(vec![127, 0, 0, 1])));
    }
}
