//! PEM armour (RFC 7468).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One block with lines of 64 characters, ended by a newline.
#[must_use]
pub fn armour(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|b| char::from(*b)));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

/// The content of the first block, whatever its label. For what this crate wrote itself.
#[must_use]
pub fn unarmour(text: &str) -> Vec<u8> {
    let body: String = text
        .lines()
        .skip_while(|l| !l.starts_with("-----BEGIN"))
        .skip(1)
        .take_while(|l| !l.starts_with("-----"))
        .collect();
    STANDARD.decode(body).expect("base64 of our own")
}
