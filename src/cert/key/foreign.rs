//! What a file is that holds no private key in PEM, told by how it starts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::block::Label;
use super::{KeyError, der, kinds};

/// Starts of files that are told by their first octets: these, what the file is, and what to do.
const STARTS: &[(&[u8], &str, &str)] = &[
    (
        b"\xef\xbb\xbf",
        "a text file that starts with a byte order mark (BOM), which OpenSSL and Mosquitto refuse",
        "remove it: `sed -i '1s/^\\xEF\\xBB\\xBF//' FILE`",
    ),
    (b"\xff\xfe\0\0", "a UTF-32 text", "save it as plain ASCII: `iconv -f UTF-32 -t ASCII FILE > NEW`"),
    (b"\xff\xfe", "a UTF-16 text", UTF16),
    (b"\xfe\xff", "a UTF-16 text", UTF16),
    (b"PuTTY-User-Key-File", "a PuTTY private key", "export it by `puttygen FILE -O private-openssh -o NEW`"),
    (b"SSH PRIVATE KEY FILE FORMAT", "a private key of SSH version 1", super::MAKE_A_NEW_ONE),
    (
        b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY",
        "an SSH2 (ssh.com) private key",
        "convert it by `ssh-keygen -i`",
    ),
    (b"pkcs11:", TOKEN, super::HARDWARE),
    (b"engine:", TOKEN, super::HARDWARE),
    (b"tpmkey:", TOKEN, super::HARDWARE),
    (b"age-encryption.org/", "a file encrypted by age", "decrypt it: `age -d -o NEW FILE`"),
    (b"$ANSIBLE_VAULT", "a file of Ansible Vault", "decrypt it: `ansible-vault decrypt FILE`"),
    (b"\0GITCRYPT", "a file locked by git-crypt", "unlock the repository: `git-crypt unlock`"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "fetch it: `git lfs pull`"),
    (b"Private-key-format:", "a DNSSEC (BIND) private key", super::MAKE_A_NEW_ONE),
    (b"<RSAKeyValue", "an RSA key in XML (.NET)", "convert it to PEM with the tool that made it"),
    (b"untrusted comment:", "a signify or minisign key", super::MAKE_A_NEW_ONE),
    (b"\xfe\xed\xfe\xed", "a Java keystore (JKS)", KEYSTORE),
    (b"\xce\xce\xce\xce", "a Java keystore (JCEKS)", KEYSTORE),
    (
        b"\x1e\xf1\xb5\xb0",
        "a Microsoft PVK private key",
        "convert it: `openssl rsa -inform PVK -in FILE -out NEW`",
    ),
    (b"\x07\x02\0\0", "a Microsoft key blob", "convert it: `openssl rsa -inform MSBLOB -in FILE -out NEW`"),
    (b"SQLite format 3", "an SQLite database (NSS keeps keys in one)", "export it by `pk12util`"),
    (b"\x03\xd9\xa2\x9a", "a KeePass database", "export the key from it"),
    (b"\x1f\x8b", "a gzip file", "unpack it: `gunzip`"),
    (b"PK\x03\x04", "a ZIP file", "unpack it"),
];
const UTF16: &str = "save it as plain ASCII: `iconv -f UTF-16 -t ASCII FILE > NEW`";
const TOKEN: &str = "the name of a key in a token or engine";
const KEYSTORE: &str =
    "export it: `keytool -importkeystore -deststoretype PKCS12 …`, then `openssl pkcs12 -nocerts`";
/// For what openssl(1) reads in DER.
const FROM_DER: &str = "convert it to PEM: `openssl pkey -inform DER -in FILE -out NEW`";

fn unsupported(kind: &str, next: &str) -> KeyError {
    KeyError::Unsupported { kind: kind.to_owned(), next: next.to_owned() }
}

/// Private keys in PEM that are none of ours.
pub(super) fn label(label: &str) -> Result<(), KeyError> {
    match label {
        "OPENSSH PRIVATE KEY" => Err(unsupported(
            "an OpenSSH private key",
            "convert a copy of it (RSA or ECDSA) by `ssh-keygen -p -m PKCS8 -f COPY`",
        )),
        "DSA PRIVATE KEY" => Err(unsupported("a DSA private key", super::MAKE_A_NEW_ONE)),
        "TSS2 PRIVATE KEY" => Err(unsupported("a TPM 2.0 key (TSS2)", super::HARDWARE)),
        l if l.starts_with("PGP ") => Err(unsupported("an OpenPGP block", super::MAKE_A_NEW_ONE)),
        l if l.ends_with("PRIVATE KEY") => Err(unsupported(
            &format!("a private key of the kind {:?}", kinds::short(l)),
            "convert it by `openssl pkey -in FILE -out NEW` if your OpenSSL reads it",
        )),
        _ => Ok(()),
    }
}

/// A key of one kind in a block that names another: OpenSSL does not load it.
pub(super) fn under_a_wrong_label(label: Label, der: &[u8]) -> Result<(), KeyError> {
    let wrong = |kind: &str, is: &str, should: &str| {
        let next = format!("let its BEGIN and END lines say {should}");
        Err(unsupported(&format!("{kind} in a block that says {is}, which OpenSSL does not load"), &next))
    };
    match (der::shape(der), label) {
        (Some(der::Shape::Sec1), Label::Pkcs1) => {
            wrong("an EC private key", "RSA PRIVATE KEY", "EC PRIVATE KEY")
        }
        (Some(der::Shape::Pkcs1), Label::Sec1) => {
            wrong("an RSA private key", "EC PRIVATE KEY", "RSA PRIVATE KEY")
        }
        (Some(der::Shape::Dsa), _) => self::label("DSA PRIVATE KEY"),
        _ => Ok(()),
    }
}

/// What a file without any PEM block is.
pub(super) fn whole_file(bytes: &[u8]) -> KeyError {
    let start = bytes.trim_ascii_start();
    let text = |t: &str| start.starts_with(t.as_bytes());
    if start.is_empty() {
        return KeyError::Empty;
    }
    for (magic, kind, next) in STARTS {
        if bytes.starts_with(magic) || start.starts_with(magic) {
            return unsupported(kind, next);
        }
    }
    if let Some(label) = lost_label(bytes) {
        return unsupported(
            &format!(
                "a PEM block{label} whose BEGIN line does not stand alone at the start of a line, so that OpenSSL \
                 does not find it"
            ),
            "put every line of it on a line of its own, without blanks, quotes or other text before it",
        );
    }
    if matches!(bytes, [a, 0, b, 0, ..] | [0, a, 0, b, ..] if *a != 0 && *b != 0) {
        return unsupported("a UTF-16 text without a byte order mark", UTF16);
    }
    if ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|t| text(t)) || text("---- BEGIN SSH2") {
        return KeyError::NotAKey { found: "an SSH public key".into() };
    }
    if text("{") || text("[") {
        return unsupported("JSON, perhaps a JWK key", "convert it to PEM with the tool that made it");
    }
    if start.split(|b| *b == b'\n').any(|line| line.starts_with(b"AGE-SECRET-KEY-")) {
        return unsupported("an age identity", super::MAKE_A_NEW_ONE);
    }
    // OpenPGP (RFC 9580 §4.2, §5.5.1.3): a secret key packet, old or new format, whose version is 3 to 6.
    if matches!(bytes, [0x94, _, 3..=6, ..] | [0x95, _, _, 3..=6, ..] | [0xc5, ..]) {
        return unsupported("an OpenPGP secret key", super::MAKE_A_NEW_ONE);
    }
    if let Some(error) = der_file(bytes) {
        return error;
    }
    let stripped: Vec<u8> = start.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    match STANDARD.decode(&stripped).map(zeroize::Zeroizing::new) {
        Ok(inside) if inside.starts_with(b"-----BEGIN ") => unsupported(
            "the base64 of a PEM file (as in a Kubernetes Secret)",
            "decode it: `base64 -d FILE > NEW`",
        ),
        Ok(inside) => match der_file(&inside) {
            Some(KeyError::Unsupported { kind, .. }) => unsupported(
                &format!("base64 without BEGIN and END lines ({})", kind.replace(" in DER", "")),
                "write the lines around it, or decode it: `base64 -d FILE > key.der`",
            ),
            Some(other) => other,
            None if inside.len() == 32 => {
                unsupported("32 octets in base64 (a WireGuard key?)", super::MAKE_A_NEW_ONE)
            }
            None => KeyError::NotAKey { found: "base64 of nothing that is known here".into() },
        },
        Err(_) => KeyError::NotAKey { found: "neither PEM nor DER".into() },
    }
}

/// The label of a PEM block that no reader of lines finds, with a blank before it; nothing where it is no plain label.
fn lost_label(bytes: &[u8]) -> Option<String> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let at = bytes.windows(BEGIN.len()).position(|w| w == BEGIN)?;
    let rest = bytes.get(at + BEGIN.len()..)?;
    let end = rest.windows(5).position(|w| w == b"-----")?;
    let label = rest.get(..end)?;
    let plain = end <= 40 && label.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b' ');
    Some(if plain { format!(" ({})", String::from_utf8_lossy(label)) } else { String::new() })
}

/// What a DER file is, told by its first elements.
fn der_file(bytes: &[u8]) -> Option<KeyError> {
    let pkcs12 = || {
        unsupported(
            "a PKCS#12 file (.p12, .pfx)",
            "take the key out: `openssl pkcs12 -in FILE -nocerts -out NEW`",
        )
    };
    // With indefinite lengths, as NSS writes them.
    if bytes.starts_with(&[0x30, 0x80]) {
        return Some(match bytes.get(2..5) {
            Some([0x02, 0x01, 0x03]) => pkcs12(),
            _ => KeyError::NotAKey { found: "BER of indefinite length".to_owned() },
        });
    }
    let mut outer = der::Reader::new(bytes);
    let mut inner = outer.sequence()?;
    let first = inner.clone().any()?;
    Some(match (der::shape(bytes), first.0) {
        (Some(der::Shape::Pkcs8), _) if first.1 == [3] => pkcs12(),
        (Some(der::Shape::Pkcs8), _) => unsupported("a PKCS#8 private key in DER", FROM_DER),
        (Some(der::Shape::Encrypted), _) => unsupported("an encrypted PKCS#8 private key in DER", FROM_DER),
        (Some(der::Shape::Pkcs1), _) => unsupported("a PKCS#1 (RSA) private key in DER", FROM_DER),
        (Some(der::Shape::Sec1), _) => unsupported("a SEC1 (EC) private key in DER", FROM_DER),
        (Some(der::Shape::Dsa), _) => unsupported("a DSA private key in DER", FROM_DER),
        (None, der::INTEGER) => KeyError::NotAKey { found: "a public key or parameters in DER".to_owned() },
        (None, der::SEQUENCE) => {
            inner.any();
            let found = match inner.peek() {
                Some(der::BIT_STRING) => "a public key in DER",
                Some(der::SEQUENCE) => "a certificate, request or CRL in DER",
                _ => "DER that is no private key",
            };
            KeyError::NotAKey { found: found.to_owned() }
        }
        (None, der::OID) => KeyError::NotAKey { found: "a PKCS#7 (CMS) bundle in DER".to_owned() },
        _ => KeyError::NotAKey { found: "DER that is no private key".to_owned() },
    })
}
