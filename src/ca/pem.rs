//! Writes PEM (RFC 7468 §3): 64 characters a line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends one block.
pub fn block(out: &mut Vec<u8>, label: &str, der: &[u8]) {
    out.reserve(der.len() / 3 * 4 + der.len() / 48 + label.len() * 2 + 40);
    out.extend_from_slice(b"-----BEGIN ");
    out.extend_from_slice(label.as_bytes());
    out.extend_from_slice(b"-----\n");
    let mut line = [0u8; 64];
    for chunk in der.chunks(48) {
        // 48 bytes are 64 characters: the buffer always suffices.
        let n = STANDARD.encode_slice(chunk, &mut line).unwrap_or(0);
        out.extend_from_slice(line.get(..n).unwrap_or_default());
        out.push(b'\n');
    }
    out.extend_from_slice(b"-----END ");
    out.extend_from_slice(label.as_bytes());
    out.extend_from_slice(b"-----\n");
}

/// One block as a whole file.
#[must_use]
pub fn file(label: &str, der: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, label, der);
    out
}
