//! Whether a certificate covers the name that a client dials, as each library compares.

use std::net::IpAddr;

use super::evaluation::Evaluation;
use super::index::Index;
use super::reference::{self, Dialled};
use super::stack::{Fallback, IpEntry, Parse, Reference, Stack, WhichCn, Wildcard};
use super::{java, wildcard, wolfssl};
use crate::cert::der::tag;
use crate::cert::{Attribute, Certificate, oid};
use crate::judgement::{Leniency, Reason, ReasonCode};
use crate::name::{PeerName, San};

/// What the name check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NameVerdict {
    /// It matches, leaning on these.
    Match(Vec<Leniency>),
    /// It does not, or the library refuses the name.
    Refused(Reason),
}

/// Judges a dialled name; without `compare` only what the library refuses before it connects.
pub(super) fn judge(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    leaf: &Certificate,
    index: &Index,
    name: &PeerName,
    compare: bool,
) -> NameVerdict {
    let dialled = match reference::prepare(stack.names.reference, name, compare) {
        Ok(dialled) => dialled,
        Err(why) => return NameVerdict::Refused(Reason::new(ReasonCode::InvalidName, why)),
    };
    if !compare {
        return NameVerdict::Match(Vec::new());
    }
    if stack.names.reference == Reference::Rustls {
        let possible = match &dialled {
            Dialled::Address(ip) => addresses(IpEntry::Exact, *ip).iter().any(|a| index.has_address(a)),
            Dialled::Host(host) => index.candidates(host).next().is_some(),
        };
        // webpki reads a subjectAltName as far as it needs.
        let lazy = leaf.malformed().iter().any(|m| oid::label(oid::SUBJECT_ALT_NAME) == Some(*m));
        return match (possible || lazy).then(|| super::webpki::covers(leaf, name)) {
            Some(Ok(())) => NameVerdict::Match(Vec::new()),
            _ => NameVerdict::Refused(mismatch(stack, leaf, name)),
        };
    }
    match matches(evaluation, stack, leaf, index, name, &dialled) {
        Some(relies) => NameVerdict::Match(relies),
        None => NameVerdict::Refused(mismatch(stack, leaf, name)),
    }
}

fn matches(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    leaf: &Certificate,
    index: &Index,
    name: &PeerName,
    dialled: &Dialled,
) -> Option<Vec<Leniency>> {
    let names = &stack.names;
    let address = match dialled {
        Dialled::Address(ip) => Some(*ip),
        Dialled::Host(_) => None,
    };
    let text: &str = match dialled {
        Dialled::Address(_) => name.as_str(),
        Dialled::Host(host) => host,
    };
    if let Some(ip) = address
        && addresses(names.ip_entry, ip).iter().any(|octets| index.has_address(octets))
    {
        return Some(Vec::new());
    }
    if address.is_none() || names.ip_dns {
        for pattern in index.candidates(text) {
            evaluation.count(|w| w.compared += 1);
            if let Some(mut relies) = wildcard::matches(names.wildcard, pattern, text) {
                if address.is_some() {
                    relies.push(Leniency::AddressInDnsName);
                }
                return Some(relies);
            }
        }
    }
    if stack.parse == Parse::Wolfssl {
        let hit = |n: &[u8]| wildcard::matches(names.wildcard, n, text).is_some();
        if index.sans().iter().filter_map(wolfssl::other_name).any(hit) {
            return Some(vec![Leniency::LenientParsing]);
        }
    }
    if address.is_some() && !names.ip_cn {
        return None;
    }
    let (dns, ips, uris) = (index.dns, index.ips, index.uris);
    let falls = match names.fallback {
        Fallback::Never => false,
        // NSS looks at the common name for an address whenever no iPAddress matched.
        Fallback::NoDns if names.wildcard == Wildcard::Nss && address.is_some() => !ips,
        Fallback::NoDns => !dns,
        Fallback::NoDnsNoIp => !dns && !ips,
        Fallback::NoDnsNoIpNoUri => {
            let other = names.wildcard == Wildcard::Wolfssl
                && index.sans().iter().any(|s| matches!(s, San::Other(0xa0, _)));
            !dns && !ips && !uris && !other
        }
        Fallback::NoExtension => !leaf.has_san(),
        Fallback::NoEntry => index.sans().is_empty(),
    };
    if !falls {
        return None;
    }
    let all: Vec<&Attribute> = leaf.subject().common_name_attributes().collect();
    let candidates: Vec<&Attribute> = match names.which {
        WhichCn::Any => all,
        WhichCn::FirstRaw => all.into_iter().take(1).collect(),
        WhichCn::Last if stack.parse == Parse::Java => {
            java::common_name(leaf.subject()).into_iter().collect()
        }
        WhichCn::Last => all.into_iter().next_back().into_iter().collect(),
        WhichCn::Only if all.len() == 1 => all,
        WhichCn::Only => Vec::new(),
    };
    candidates.into_iter().find_map(|cn| {
        let pattern = common_name(stack.parse, names.wildcard, cn)?;
        let shape = match stack.parse {
            Parse::Nss if address.is_some() => Wildcard::None,
            Parse::Erlang => Wildcard::Erlang,
            _ => names.wildcard,
        };
        let mut relies = wildcard::matches(shape, &pattern, text)?;
        relies.push(Leniency::CommonNameFallback);
        if address.is_some() {
            relies.push(Leniency::AddressInDnsName);
        }
        Some(relies)
    })
}

/// The octets that a library compares for a common name.
fn common_name(parse: Parse, library: Wildcard, cn: &Attribute) -> Option<Vec<u8>> {
    let wide = matches!(cn.tag, tag::BMP_STRING | tag::UNIVERSAL_STRING);
    match library {
        // BearSSL's read-string decodes all but UniversalString.
        _ if parse == Parse::Bearssl => {
            cn.text().filter(|_| cn.tag != tag::UNIVERSAL_STRING).map(String::into_bytes)
        }
        // Raw octets: two- and four-octet strings never match.
        Wildcard::Mosquitto | Wildcard::LeftLabel | Wildcard::Wolfssl if wide => None,
        // GnuTLS converts no UniversalString, and a common name is a DirectoryString for it.
        Wildcard::Gnutls
            if !matches!(
                cn.tag,
                tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::T61_STRING | tag::BMP_STRING
            ) =>
        {
            None
        }
        Wildcard::Mosquitto => Some(cn.value.get(..cn.value.len().min(255)).unwrap_or_default().to_vec()),
        Wildcard::LeftLabel | Wildcard::Wolfssl => Some(cn.value.clone()),
        _ => cn.text().map(String::into_bytes),
    }
}

/// The iPAddress entries that stand for an address.
fn addresses(how: IpEntry, ip: IpAddr) -> Vec<Vec<u8>> {
    match (how, ip) {
        (IpEntry::No, _) | (IpEntry::ExactV4, IpAddr::V6(_)) => Vec::new(),
        (IpEntry::Mapped, IpAddr::V4(v4)) => {
            vec![v4.octets().to_vec(), v4.to_ipv6_mapped().octets().to_vec()]
        }
        (IpEntry::Mapped, IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_some() => {
            let v4 = v6.to_ipv4_mapped().map(|v4| v4.octets().to_vec());
            v4.into_iter().chain([v6.octets().to_vec()]).collect()
        }
        (_, IpAddr::V4(v4)) => vec![v4.octets().to_vec()],
        (_, IpAddr::V6(v6)) => vec![v6.octets().to_vec()],
    }
}

fn mismatch(stack: &Stack, leaf: &Certificate, name: &PeerName) -> Reason {
    let mut shown: Vec<String> = Vec::new();
    for san in leaf.sans().iter().take(8) {
        match san {
            San::Dns(n) => shown.push(format!("DNS:{}", String::from_utf8_lossy(n))),
            San::Ip(_) => shown.extend(san.as_peer_name().map(|n| format!("IP:{n}"))),
            San::Uri(n) => shown.push(format!("URI:{}", String::from_utf8_lossy(n))),
            _ => {}
        }
    }
    if leaf.sans().len() > 8 {
        shown.push("…".to_owned());
    }
    let cns = leaf.subject().common_names();
    let cn =
        cns.first().map_or_else(String::new, |c| format!(", CN={}", c.chars().take(100).collect::<String>()));
    if shown.is_empty() && stack.names.fallback == Fallback::Never {
        let what = format!(
            "the certificate has no subjectAltName{cn}, and this client never looks at the common name"
        );
        return Reason::new(ReasonCode::NoSan, what);
    }
    let has = if shown.is_empty() { "no subjectAltName".to_owned() } else { shown.join(", ") };
    Reason::new(
        ReasonCode::NameMismatch,
        format!("the client expects {name}; the certificate presents {has}{cn}"),
    )
}
