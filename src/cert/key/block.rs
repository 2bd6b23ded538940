//! Which part of a file is the private key, read as OpenSSL reads PEM (crypto/pem/pem_lib.c).

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use zeroize::Zeroizing;

use super::{KeyError, foreign, kinds};

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
    /// Why OpenSSL 3 does not read this block.
    pub(super) odd: Option<&'static str>,
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
                foreign::label(other)?;
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
        let odd = if label == "ANY PRIVATE KEY" { Some("it does not know this label") } else { body.odd };
        return Ok(KeyBlock { label: wanted, dek_info: body.dek_info, der, ec_parameters, odd });
    }
    match others.first() {
        Some(first) => Err(KeyError::NotAKey { found: first.clone() }),
        None => Err(foreign::whole_file(bytes)),
    }
}

struct Body {
    base64: Zeroizing<Vec<u8>>,
    dek_info: Option<String>,
    odd: Option<&'static str>,
}

fn body<'a>(lines: &mut impl Iterator<Item = &'a [u8]>, label: &str) -> Result<Body, KeyError> {
    let malformed = |why: &str| KeyError::Malformed { kind: label.to_owned(), why: why.to_owned() };
    let mut base64 = Zeroizing::new(Vec::new());
    let mut dek_info = None;
    let mut encrypted = false;
    // Lines of a header, and the one blank line that may stand before the base64 (get_header_and_data).
    let (mut header, mut proc_type, mut blank, mut odd) = (false, false, false, None);
    for line in lines {
        if let Some(end) = boundary(line, b"-----END ") {
            if end != label {
                return Err(malformed("its END line names another kind"));
            }
            if encrypted && dek_info.is_none() {
                return Err(malformed("it says Proc-Type: 4,ENCRYPTED but has no DEK-Info"));
            }
            if proc_type && !encrypted || dek_info.is_some() && !proc_type {
                odd = Some("its Proc-Type does not say 4,ENCRYPTED");
            }
            return Ok(Body { base64, dek_info: dek_info.filter(|_| encrypted), odd });
        }
        if let Some(at) = line.iter().position(|b| *b == b':') {
            let (name, value) = line.split_at(at);
            let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default()).trim().to_owned();
            header = true;
            match name {
                b"Proc-Type" => {
                    proc_type = true;
                    encrypted = value.replace(' ', "") == "4,ENCRYPTED";
                }
                b"DEK-Info" => dek_info = Some(value),
                _ => {}
            }
            continue;
        }
        if line.is_empty() {
            if blank || !base64.is_empty() {
                odd = Some("a blank line stands inside it");
            }
            blank = true;
        } else if header && !blank {
            odd = Some("no blank line stands behind its header");
        }
        base64.extend(line.iter().filter(|b| !b.is_ascii_whitespace()));
    }
    Err(malformed("its END line is missing; the file was cut off"))
}

/// The label of a boundary line; OpenSSL wants it at the start of the line and takes trailing blanks. What has more
/// dashes inside is no label but a whole file on one line, of which nothing may be shown.
fn boundary(line: &[u8], prefix: &[u8]) -> Option<String> {
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    let is_label = !label.windows(5).any(|w| w == b"-----") && !label.contains(&b'\r');
    is_label.then(|| String::from_utf8_lossy(label).into_owned())
}

fn trim(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|b| *b > b' ').map_or(0, |i| i + 1);
    line.get(..end).unwrap_or_default()
}
