//! File names for identities: `tenant/device` becomes the folder `tenant` and the file `device`. A name cannot leave
//! its folder, start with a dash or a dot, or be special; percent-decoding the path gives the identity back, so two
//! identities never share a file.

use std::fmt::Write;
use std::path::PathBuf;

/// Names that mean something else in a folder of certificates, or to some system.
const SPECIAL: &[&str] = &[
    "ca",
    "server",
    "crl",
    "index",
    "serial",
    "crlnumber",
    "con",
    "prn",
    "aux",
    "nul",
    "com1",
    "com2",
    "com3",
    "com4",
    "com5",
    "com6",
    "com7",
    "com8",
    "com9",
    "lpt1",
    "lpt2",
    "lpt3",
    "lpt4",
    "lpt5",
    "lpt6",
    "lpt7",
    "lpt8",
    "lpt9",
];

/// The longest part of a path; a suffix such as `.crt` still fits the 255 bytes that Linux allows.
const MAX_PART: usize = 240;

/// The path for an identity, without suffix; `None` where a part would be longer than a file name can be.
#[must_use]
pub fn path_for(identity: &str) -> Option<PathBuf> {
    let mut path = String::with_capacity(identity.len() + 8);
    let mut start = 0;
    for (at, _) in identity.match_indices('/') {
        // A slash separates only where something stands on both of its sides; any other is part of the name.
        let next = identity.as_bytes().get(at + 1);
        if at > start && next.is_some_and(|n| *n != b'/') {
            safe(&mut path, identity.get(start..at)?, true)?;
            path.push('/');
            start = at + 1;
        }
    }
    safe(&mut path, identity.get(start..)?, false)?;
    Some(path.into())
}

/// Appends one part; `None` where it is too long.
fn safe(path: &mut String, part: &str, folder: bool) -> Option<()> {
    let before = path.len();
    let stem = part.split('.').next().unwrap_or_default();
    let special = SPECIAL.iter().any(|s| s.eq_ignore_ascii_case(stem));
    // A folder must not be named like another identity's file.
    let suffix = part.len().checked_sub(4).and_then(|at| part.get(at..)).filter(|_| folder);
    let like_a_file =
        suffix.is_some_and(|s| s.eq_ignore_ascii_case(".crt") || s.eq_ignore_ascii_case(".key"));
    let end = part.len();
    for (at, c) in part.char_indices() {
        let first = at == 0;
        let is_last = at + c.len_utf8() == end;
        let plain = c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '=' | ',' | ':' | '.' | '-');
        let escape = !plain
            || first && (special || matches!(c, '-' | '.'))
            || c == '.' && (is_last || like_a_file && at + 4 == end);
        if escape {
            for b in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(path, "%{b:02X}");
            }
        } else {
            path.push(c);
        }
    }
    (path.len() - before <= MAX_PART).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(identity: &str) -> String {
        path_for(identity).unwrap().to_string_lossy().into_owned()
    }

    #[test]
    fn a_slash_makes_a_folder_and_nothing_leaves_it() {
        assert_eq!(path("tenant/device-1"), "tenant/device-1");
        assert_eq!(path("../../etc/passwd"), "%2E%2E/%2E%2E/etc/passwd");
        assert_eq!(path("/etc/passwd"), "%2Fetc/passwd");
        assert_eq!(path("a//b/"), "a%2F/b%2F");
        assert_eq!(path(".ssh"), "%2Essh");
    }

    #[test]
    fn nothing_starts_with_a_dash_or_is_special() {
        assert_eq!(path("-rf"), "%2Drf");
        assert_eq!(path("ca"), "%63a");
        assert_eq!(path("CON"), "%43ON");
        assert_eq!(path("x/server"), "x/%73erver");
        assert_eq!(path("a*b?"), "a%2Ab%3F");
        assert_eq!(path("100%"), "100%25");
    }

    #[test]
    fn a_folder_never_meets_another_identitys_file() {
        assert_eq!(path("a.crt/b"), "a%2Ecrt/b");
        assert_eq!(path("a.crt"), "a.crt");
    }

    proptest::proptest! {
        #[test]
        fn two_identities_never_share_a_file(a in "[a-cA./%\\-]{1,6}", b in "[a-cA./%\\-]{1,6}") {
            proptest::prop_assume!(a != b);
            proptest::prop_assert_ne!(path(&a), path(&b));
        }

        #[test]
        fn every_path_stays_below_its_folder(name in ".{1,30}") {
            if let Some(path) = path_for(&name) {
                proptest::prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))));
                proptest::prop_assert!(!path.to_string_lossy().starts_with('-'));
            }
        }
    }
}
