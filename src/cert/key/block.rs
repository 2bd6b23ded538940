//! Which part of a file is the private key, read as OpenSSL reads PEM (crypto/pem/pem_lib.c); and what the file is
//! where there is none.

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

use super::kinds;
use super::{KeyError, der};

/// Base64 as OpenSSL takes it: the padding may carry stray bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A PEM block with a private key.
pub(super) struct KeyBlock {
    pub(super) label: Label,
    /// `DEK-Info`, where `Proc-Type: 4,ENCRYPTED` says so.
    pub(super) dek_info: Option<String>,
    pub(super) der: Zeroizing<Vec<u8>>,
    /// The content of an `EC PARAMETERS` block before it.
    pub(super) ec_parameters: Option<Vec<u8>>,
}

/// The labels of private keys that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Pkcs8,
    Encrypted,
    Pkcs1,
    Sec1,
}

/// Finds the first private key.
pub(super) fn find(bytes: &[u8]) -> Result<KeyBlock, KeyError> {
    let mut others: Vec<String> = Vec::new();
    let mut ec_parameters = None;
    let mut lines = bytes.split(|b| *b == b'\n').map(trim);
    while let Some(line) = lines.next() {
        let Some(label) = boundary(line, b"-----BEGIN ") else { continue };
        let wanted = match label.as_str() {
            "PRIVATE KEY" | "ANY PRIVATE KEY" => Some(Label::Pkcs8),
            "ENCRYPTED PRIVATE KEY" => Some(Label::Encrypted),
            "RSA PRIVATE KEY" => Some(Label::Pkcs1),
            "EC PRIVATE KEY" => Some(Label::Sec1),
            other => {
                foreign(other)?;
                None
            }
        };
        let body = match body(&mut lines, &label) {
            Ok(body) => body,
            Err(error) if wanted.is_some() => return Err(error),
            Err(_) => {
                others.push(kinds::block(&label));
                break;
            }
        };
        let Some(wanted) = wanted else {
            if label == "EC PARAMETERS" {
                ec_parameters = BASE64.decode(&*body.base64).ok();
            }
            others.push(kinds::block(&label));
            continue;
        };
        let der = BASE64.decode(&*body.base64).map(Zeroizing::new).map_err(|_| KeyError::Malformed {
            kind: label.clone(),
            why: "its base64 cannot be decoded".into(),
        })?;
        return Ok(KeyBlock { label: wanted, dek_info: body.dek_info, der, ec_parameters });
    }
    match others.first() {
        Some(first) => Err(KeyError::NotAKey { found: first.clone() }),
        None => Err(whole_file(bytes)),
    }
}

struct Body {
    base64: Zeroizing<Vec<u8>>,
    dek_info: Option<String>,
}

fn body<'a>(lines: &mut impl Iterator<Item = &'a [u8]>, label: &str) -> Result<Body, KeyError> {
    let malformed = |why: &str| KeyError::Malformed { kind: label.to_owned(), why: why.to_owned() };
    let mut base64 = Zeroizing::new(Vec::new());
    let mut dek_info = None;
    let mut encrypted = false;
    for line in lines {
        if let Some(end) = boundary(line, b"-----END ") {
            if end != label {
                return Err(malformed("its END line names another kind"));
            }
            if encrypted && dek_info.is_none() {
                return Err(malformed("it says Proc-Type: 4,ENCRYPTED but has no DEK-Info"));
            }
            return Ok(Body { base64, dek_info: dek_info.filter(|_| encrypted) });
        }
        if let Some(at) = line.iter().position(|b| *b == b':') {
            let (name, value) = line.split_at(at);
            let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default()).trim().to_owned();
            match name {
                b"Proc-Type" => encrypted = value.replace(' ', "") == "4,ENCRYPTED",
                b"DEK-Info" => dek_info = Some(value),
                _ => {}
            }
            continue;
        }
        base64.extend(line.iter().filter(|b| !b.is_ascii_whitespace()));
    }
    Err(malformed("its END line is missing; the file was cut off"))
}

/// The label of a boundary line; OpenSSL wants it at the start of the line and takes trailing blanks.
fn boundary(line: &[u8], prefix: &[u8]) -> Option<String> {
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    Some(String::from_utf8_lossy(label).into_owned())
}

fn trim(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|b| *b > b' ').map_or(0, |i| i + 1);
    line.get(..end).unwrap_or_default()
}

/// Private keys in PEM that are none of ours.
fn foreign(label: &str) -> Result<(), KeyError> {
    let unsupported =
        |kind: &str, next: &str| Err(KeyError::Unsupported { kind: kind.to_owned(), next: next.to_owned() });
    match label {
        "OPENSSH PRIVATE KEY" => unsupported(
            "an OpenSSH private key",
            "convert a copy of it (RSA or ECDSA) by `ssh-keygen -p -m PKCS8 -f COPY`",
        ),
        "DSA PRIVATE KEY" => unsupported("a DSA private key", super::MAKE_A_NEW_ONE),
        "TSS2 PRIVATE KEY" => unsupported("a TPM 2.0 key (TSS2)", super::HARDWARE),
        l if l.starts_with("PGP ") => unsupported("an OpenPGP block", super::MAKE_A_NEW_ONE),
        l if l.ends_with("PRIVATE KEY")
            && !matches!(
                l,
                "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY"
            ) =>
        {
            unsupported(
                &format!("a private key of the kind {l:?}"),
                "convert it by `openssl pkey -in FILE -out NEW` if your OpenSSL reads it",
            )
        }
        _ => Ok(()),
    }
}

/// What a file without any PEM block is.
fn whole_file(bytes: &[u8]) -> KeyError {
    let unsupported = |kind: &str, next: &str| KeyError::Unsupported { kind: kind.into(), next: next.into() };
    let start = bytes.trim_ascii_start();
    let text = |t: &str| start.starts_with(t.as_bytes());
    if start.is_empty() {
        return KeyError::Empty;
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return unsupported(
            "a text file that starts with a byte order mark (BOM), which OpenSSL and Mosquitto refuse",
            "remove it: `sed -i '1s/^\\xEF\\xBB\\xBF//' FILE`",
        );
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return unsupported("a UTF-16 text", "save it as plain ASCII: `iconv -f UTF-16 -t ASCII FILE > NEW`");
    }
    if text("PuTTY-User-Key-File") {
        return unsupported("a PuTTY private key", "export it by `puttygen FILE -O private-openssh -o NEW`");
    }
    if ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|t| text(t)) || text("---- BEGIN SSH2") {
        return KeyError::NotAKey { found: "an SSH public key".into() };
    }
    if text("{") {
        return unsupported("JSON, perhaps a JWK key", "convert it to PEM with the tool that made it");
    }
    if text("pkcs11:") || text("engine:") || text("tpmkey:") {
        return unsupported("the name of a key in a token or engine", super::HARDWARE);
    }
    if text("AGE-SECRET-KEY-") {
        return unsupported("an age identity", super::MAKE_A_NEW_ONE);
    }
    if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) {
        return unsupported(
            "a Java keystore (JKS)",
            "export it: `keytool -importkeystore -deststoretype PKCS12 …`",
        );
    }
    if let Some(error) = der_file(bytes) {
        return error;
    }
    let stripped: Vec<u8> = start.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    if let Some(error) = STANDARD.decode(&stripped).ok().and_then(|d| der_file(&d)) {
        return match error {
            KeyError::Unsupported { kind, .. } => KeyError::Unsupported {
                kind: format!("base64 without BEGIN and END lines ({})", kind.replace(" in DER", "")),
                next: "write the lines around it, or decode it: `base64 -d FILE > key.der`".into(),
            },
            other => other,
        };
    }
    KeyError::NotAKey { found: "neither PEM nor DER".into() }
}

/// What a DER file is, told by its first elements.
fn der_file(bytes: &[u8]) -> Option<KeyError> {
    let mut outer = der::Reader::new(bytes);
    let mut inner = outer.sequence()?;
    let key = |kind: &str| {
        Some(KeyError::Unsupported {
            kind: format!("{kind} in DER"),
            next: "convert it to PEM: `openssl pkey -inform DER -in FILE -out NEW`".to_owned(),
        })
    };
    let first = inner.any()?;
    let second = inner.peek();
    match (first.0, second) {
        (der::INTEGER, Some(der::SEQUENCE)) if first.1 == [3] => Some(KeyError::Unsupported {
            kind: "a PKCS#12 file (.p12, .pfx)".to_owned(),
            next: "take the key out: `openssl pkcs12 -in FILE -nocerts -out NEW`".to_owned(),
        }),
        (der::INTEGER, Some(der::SEQUENCE)) => key("a PKCS#8 private key"),
        (der::INTEGER, Some(der::OCTET_STRING)) => key("a SEC1 (EC) private key"),
        (der::INTEGER, Some(der::INTEGER)) => {
            let integers = 2 + std::iter::from_fn(|| inner.take(der::INTEGER)).count() - 1;
            match integers {
                9.. => key("a PKCS#1 (RSA) private key"),
                6 => key("a DSA private key"),
                _ => Some(KeyError::NotAKey { found: "a public key or parameters in DER".to_owned() }),
            }
        }
        (der::SEQUENCE, Some(der::OCTET_STRING)) => key("an encrypted PKCS#8 private key"),
        (der::SEQUENCE, Some(der::BIT_STRING)) => {
            Some(KeyError::NotAKey { found: "a public key in DER".to_owned() })
        }
        (der::SEQUENCE, Some(der::SEQUENCE)) => {
            Some(KeyError::NotAKey { found: "a certificate, request or CRL in DER".to_owned() })
        }
        (der::OID, _) => Some(KeyError::NotAKey { found: "a PKCS#7 (CMS) bundle in DER".to_owned() }),
        _ => Some(KeyError::NotAKey { found: "DER that is no private key".to_owned() }),
    }
}
