//! Which names the new certificate has: those that clients dial, those that were asked for, those it had; or, if it
//! had none, its common names, because a SAN ends the fallback to the common name (RFC 9525 §6.3); and loopback.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::cert::Certificate;
use crate::cert::extension::Subtree;
use crate::name::{PeerName, San};

/// The names of the old and the new certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// In both.
    pub kept: Vec<String>,
    /// Only in the new one.
    pub added: Vec<String>,
    /// Only in the old one.
    pub dropped: Vec<String>,
    /// The subjectAltName of the new one.
    pub sans: Vec<San>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What decides about the names.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The names that clients dial, and `--name`.
    pub dialled: &'a [PeerName],
    /// `--drop-name`.
    pub drop: &'a [String],
    /// Whether localhost, 127.0.0.1 and ::1 are added.
    pub loopback: bool,
}

/// Joins the names.
#[must_use]
pub fn join(old: &Certificate, ca: &Certificate, wanted: &Wanted<'_>) -> Names {
    let mut names = Names::default();
    let dropped = |san: &San| wanted.drop.iter().any(|d| from_text(d).is_some_and(|d| same(&d, san)));
    let had: Vec<San> = if old.has_san() {
        old.sans().to_vec()
    } else {
        old.subject().common_names().iter().filter_map(|cn| from_text(cn)).collect()
    };
    let mut sans: Vec<San> = Vec::new();
    let mut seen = HashSet::new();
    let mut push = |san: San| {
        if seen.insert(spelled(&san)) {
            sans.push(san);
        }
    };
    for san in &had {
        if dropped(san) {
            names.dropped.push(text(san));
        } else {
            push(san.clone());
        }
    }
    for name in wanted.dialled {
        match from_text(name.as_str()) {
            Some(san) if !dropped(&san) => push(san),
            Some(_) => {}
            None => names.notes.push(format!("{name} cannot stand in a certificate and is left out")),
        }
    }
    if wanted.loopback {
        for name in ["localhost", "127.0.0.1", "::1"] {
            let Some(san) = from_text(name).filter(|s| !dropped(s)) else { continue };
            if allows(ca, &san) {
                push(san);
            } else if !sans_has(&had, &san) {
                names.notes.push(format!("{name} is left out: the CA's name constraints exclude it"));
            }
        }
    }
    // Without a SAN the names of the common name are new as names.
    let before: &[San] = if old.has_san() { old.sans() } else { &[] };
    let before: HashSet<San> = before.iter().map(spelled).collect();
    for san in &sans {
        if before.contains(&spelled(san)) {
            names.kept.push(text(san));
        } else {
            names.added.push(text(san));
        }
    }
    names.sans = sans;
    names
}

fn sans_has(list: &[San], san: &San) -> bool {
    list.iter().any(|s| same(s, san))
}

/// A name or address as it stands in a certificate; `None` for what is neither.
#[must_use]
pub fn from_text(name: &str) -> Option<San> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Some(San::Ip(match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        }));
    }
    let bare = name.strip_suffix('.').unwrap_or(name);
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let rest = bare.strip_prefix("*.").unwrap_or(bare);
    let digits_only = rest.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (bare.len() <= 253 && !digits_only && rest.split('.').all(label))
        .then(|| San::Dns(bare.as_bytes().to_vec()))
}

fn same(a: &San, b: &San) -> bool {
    match (a, b) {
        (San::Dns(a), San::Dns(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    }
}

/// One spelling for every name that is the same: a certificate may hold hundreds of thousands.
fn spelled(san: &San) -> San {
    match san {
        San::Dns(name) => San::Dns(name.to_ascii_lowercase()),
        other => other.clone(),
    }
}

/// For people: the bare name or address, anything else with its kind.
#[must_use]
pub fn text(san: &San) -> String {
    match san {
        San::Dns(name) => String::from_utf8_lossy(name).into_owned(),
        San::Ip(octets) => {
            match (<[u8; 4]>::try_from(octets.as_slice()), <[u8; 16]>::try_from(octets.as_slice())) {
                (Ok(v4), _) => IpAddr::from(v4).to_string(),
                (_, Ok(v6)) => IpAddr::from(v6).to_string(),
                _ => "an address of a wrong length".to_owned(),
            }
        }
        San::Email(name) => format!("email:{}", String::from_utf8_lossy(name)),
        San::Uri(name) => format!("URI:{}", String::from_utf8_lossy(name)),
        San::Directory(_) => "a directory name".to_owned(),
        San::Other(tag, _) => format!("a name of the kind {tag:#x}"),
    }
}

/// Whether the CA's name constraints (RFC 5280 §4.2.1.10) allow a name.
#[must_use]
pub fn allows(ca: &Certificate, san: &San) -> bool {
    let Some(constraints) = ca.name_constraints() else { return true };
    let within = |tree: &Subtree| match (&tree.base, san) {
        (San::Dns(base), San::Dns(name)) => {
            let (base, name) = (base.to_ascii_lowercase(), name.to_ascii_lowercase());
            let base = base.strip_prefix(b".").unwrap_or(&base);
            base.is_empty()
                || name == base
                || name.strip_suffix(base).is_some_and(|head| head.ends_with(b"."))
        }
        (San::Ip(base), San::Ip(ip)) if base.len() == 2 * ip.len() => {
            let (net, mask) = base.split_at(ip.len());
            ip.iter().zip(net).zip(mask).all(|((i, n), m)| i & m == n & m)
        }
        _ => false,
    };
    let same_form = |tree: &Subtree| std::mem::discriminant(&tree.base) == std::mem::discriminant(san);
    let mut permitted = constraints.permitted.iter().filter(|t| same_form(t)).peekable();
    (permitted.peek().is_none() || permitted.any(within)) && !constraints.excluded.iter().any(within)
}
