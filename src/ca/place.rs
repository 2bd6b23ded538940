//! Where a CA keeps its files: ours, easy-rsa's, OpenSSL's demoCA, step's, or named by flags.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::tree::Tree;

/// The files of a CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaFiles {
    /// Its certificate.
    pub certificate: PathBuf,
    /// Its private key, where one was found.
    pub key: Option<PathBuf>,
    /// The ledger; need not be there yet.
    pub ledger: PathBuf,
}

/// Nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoCa(pub PathBuf);

impl fmt::Display for NoCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no CA is found in {} (looked for ca/ca.crt, pki/ca.crt, ca.crt and the brokers' cafile); \
             name it by --ca and --ca-key, or make one by `mqttcert init`",
            crate::name::escape(&self.0.to_string_lossy())
        )
    }
}

impl std::error::Error for NoCa {}

/// Certificates below DIR, in the order in which they are tried: init's, easy-rsa's, plain, OpenSSL's, step's.
const CERTIFICATES: &[&str] = &[
    "ca/ca.crt",
    "pki/ca.crt",
    "ca.crt",
    "demoCA/cacert.pem",
    "cacert.pem",
    "certs/intermediate_ca.crt",
    "certs/root_ca.crt",
];

/// Keys relative to the certificate's folder.
const KEYS: &[&str] = &[
    "ca.key",
    "private/ca.key",
    "private/cakey.pem",
    "cakey.pem",
    "ca-key.pem",
    "../private/ca.key",
    "../secrets/intermediate_ca_key",
    "../secrets/root_ca_key",
];

/// Finds the CA: what flags name, else the first certificate with a key beside it, else the first certificate.
/// `hints` are trust files that the deployment names.
///
/// # Errors
/// [`NoCa`] where no certificate is found.
pub fn locate(
    tree: &dyn Tree,
    dir: &Path,
    named: (Option<&Path>, Option<&Path>, Option<&Path>),
    hints: &[PathBuf],
) -> Result<CaFiles, NoCa> {
    let (certificate, key, ledger) = named;
    let found = match certificate {
        Some(file) => (file.to_owned(), key_beside(tree, dir, file)),
        None => {
            let all: Vec<PathBuf> = CERTIFICATES
                .iter()
                .map(|c| join(dir, c))
                .chain(hints.iter().cloned())
                .filter(|p| tree.exists(p))
                .collect();
            let with_key = all.iter().find_map(|p| Some((p.clone(), Some(key_beside(tree, dir, p)?))));
            match with_key.or_else(|| all.first().map(|p| (p.clone(), None))) {
                Some(found) => found,
                None => return Err(NoCa(dir.to_owned())),
            }
        }
    };
    let (certificate, beside) = found;
    let key = key.map(Path::to_owned).or(beside);
    let ledger = ledger.map_or_else(|| ledger_of(tree, &certificate, key.as_deref()), Path::to_owned);
    Ok(CaFiles { key, certificate, ledger })
}

/// The ledger lies with the CA: beside the certificate, or, where that is a copy for brokers or clients, beside the
/// key or the folder that hides the key. A second one would let an identity have two certificates.
fn ledger_of(tree: &dyn Tree, certificate: &Path, key: Option<&Path>) -> PathBuf {
    let beside = certificate.with_file_name("index.txt");
    let with_key = key.map(|k| k.with_file_name("index.txt"));
    let above =
        key.and_then(Path::parent).filter(|f| f.ends_with("private")).map(|f| f.with_file_name("index.txt"));
    [Some(beside.clone()), with_key, above].into_iter().flatten().find(|p| tree.exists(p)).unwrap_or(beside)
}

/// `./x` reads worse than `x`.
fn join(dir: &Path, below: &str) -> PathBuf {
    if dir == Path::new(".") { PathBuf::from(below) } else { dir.join(below) }
}

fn key_beside(tree: &dyn Tree, dir: &Path, certificate: &Path) -> Option<PathBuf> {
    let folder = certificate.parent().unwrap_or(Path::new(""));
    KEYS.iter()
        .map(|k| crate::tree::normalize(&folder.join(k)))
        .chain([certificate.with_extension("key"), join(dir, "ca/ca.key")])
        .find(|p| tree.exists(p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    #[test]
    fn a_certificate_with_its_key_wins_over_one_without() {
        let t = MemoryTree::new().with("ca.crt", "").with("pki/ca.crt", "").with("pki/private/ca.key", "");
        let f = locate(&t, Path::new("."), (None, None, None), &[]).unwrap();
        assert_eq!(f.certificate, Path::new("pki/ca.crt"));
        assert_eq!(f.key.as_deref(), Some(Path::new("pki/private/ca.key")));
        assert_eq!(f.ledger, Path::new("pki/index.txt"));
    }

    #[test]
    fn the_ledger_of_a_copied_certificate_is_the_one_beside_the_key() {
        let named = |t: &MemoryTree| {
            let f =
                locate(t, Path::new("."), (Some(Path::new("mosquitto/ca.crt")), None, None), &[]).unwrap();
            f.ledger.to_string_lossy().into_owned()
        };
        let t = MemoryTree::new().with("mosquitto/ca.crt", "").with("ca/ca.key", "");
        assert_eq!(named(&t), "mosquitto/index.txt");
        assert_eq!(named(&t.with("ca/index.txt", "")), "ca/index.txt");
        let pki = MemoryTree::new().with("pki/private/ca.key", "").with("pki/index.txt", "");
        let flags = (Some(Path::new("copy/ca.crt")), Some(Path::new("pki/private/ca.key")), None);
        assert_eq!(locate(&pki, Path::new("."), flags, &[]).unwrap().ledger, Path::new("pki/index.txt"));
    }
}
