//! PEM as OpenSSL 3.0 reads it (`PEM_read_bio_ex`, crypto/pem/pem_lib.c), line for line.

use super::pem::base64_lenient;

/// One block that OpenSSL takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpensslBlock {
    /// The label.
    pub label: String,
    /// Header lines before a blank line.
    pub header: Vec<u8>,
    /// The decoded content.
    pub der: Vec<u8>,
}

/// Why the next block cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpensslPemError {
    /// No further BEGIN line: the usual end.
    NoStartLine,
    /// No END line, or another label, or a second blank line.
    BadEndLine,
    /// Broken base64.
    BadBase64,
}

/// Reads blocks one after the other.
#[derive(Debug, Clone)]
pub struct OpensslPem<'a> {
    rest: &'a [u8],
}

/// `BIO_gets` with OpenSSL's line buffer gives at most this many octets at once.
const LINE: usize = 254;

impl<'a> OpensslPem<'a> {
    /// A reader over a file.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn gets(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let window = self.rest.get(..self.rest.len().min(LINE)).unwrap_or_default();
        let end = window.iter().position(|b| *b == b'\n').map_or(window.len(), |i| i + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(line)
    }

    /// The next block of any label.
    ///
    /// # Errors
    /// [`OpensslPemError`], as OpenSSL would report it.
    pub fn block(&mut self) -> Result<OpensslBlock, OpensslPemError> {
        let mut first = true;
        let label = loop {
            let mut line = self.gets().ok_or(OpensslPemError::NoStartLine)?;
            if std::mem::take(&mut first) && line.len() > 3 {
                line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            }
            let name = sanitized(line).strip_prefix(b"-----BEGIN ").and_then(|l| l.strip_suffix(b"-----"));
            if let Some(name) = name {
                break name.to_vec();
            }
        };
        let (mut header, mut data): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        let (mut behind_header, mut partial, mut short_seen) = (false, false, false);
        loop {
            let raw = self.gets().ok_or(OpensslPemError::BadEndLine)?;
            let before = std::mem::replace(&mut partial, raw.len() == LINE && raw.last() != Some(&b'\n'));
            let line = sanitized(raw);
            if line.is_empty() {
                if before {
                    continue;
                }
                if behind_header {
                    return Err(OpensslPemError::BadEndLine);
                }
                behind_header = true;
                header = std::mem::take(&mut data);
                continue;
            }
            if let Some(end) = line.strip_prefix(b"-----END ") {
                if end.strip_prefix(label.as_slice()) != Some(b"-----") {
                    return Err(OpensslPemError::BadEndLine);
                }
                break;
            }
            if short_seen {
                return Err(OpensslPemError::BadEndLine);
            }
            data.extend(line);
            data.push(b'\n');
            if behind_header {
                if line.len() > 64 {
                    return Err(OpensslPemError::BadEndLine);
                }
                short_seen = line.len() < 64;
            }
        }
        let packed: Vec<u8> =
            data.into_iter().filter(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).collect();
        if !packed.len().is_multiple_of(4) {
            return Err(OpensslPemError::BadBase64);
        }
        let der = base64_lenient(&packed).ok_or(OpensslPemError::BadBase64)?;
        Ok(OpensslBlock { label: String::from_utf8_lossy(&label).into_owned(), header, der })
    }
}

/// Without trailing white space, control characters and octets above 0x7f, which are negative for OpenSSL's `char`.
fn sanitized(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|b| (0x21..0x80).contains(b)).map_or(0, |i| i + 1);
    line.get(..end).unwrap_or_default()
}

/// Whether header lines stop OpenSSL from using the block: they must begin with `Proc-Type:`.
#[must_use]
pub fn header_usable(header: &[u8]) -> bool {
    header.is_empty() || header.starts_with(b"\n") || header.starts_with(b"Proc-Type:")
}

/// The certificates of a server's certfile as `SSL_CTX_use_certificate_chain_file` takes them: the leaf (also
/// with trust data), then every CERTIFICATE block up to the end of the file.
///
/// # Errors
/// What OpenSSL would refuse, in words: such a server does not start.
pub fn certfile(bytes: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    const BROKEN: &str = "a PEM block of it cannot be read";
    let mut reader = OpensslPem::new(bytes);
    let mut found: Vec<Vec<u8>> = Vec::new();
    loop {
        match reader.block() {
            Ok(block) => {
                let plain = matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE");
                if plain || (found.is_empty() && block.label == "TRUSTED CERTIFICATE") {
                    if !header_usable(&block.header) {
                        return Err("header lines stand inside a PEM block");
                    }
                    found.push(block.der);
                }
            }
            Err(OpensslPemError::NoStartLine) if found.is_empty() => return Err("no certificate is in it"),
            Err(OpensslPemError::NoStartLine) => return Ok(found),
            Err(_) => return Err(BROKEN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OpensslBlock, OpensslPemError> {
        OpensslPem::new(text.as_bytes()).block()
    }

    #[test]
    fn takes_a_byte_order_mark_and_crlf_but_not_cr_alone() {
        assert_eq!(read("\u{feff}-----BEGIN A-----\r\nAQID\r\n-----END A-----").unwrap().der, [1, 2, 3]);
        assert_eq!(read("-----BEGIN A-----\rAQID\r-----END A-----\r"), Err(OpensslPemError::BadEndLine));
    }

    #[test]
    fn refuses_two_blank_lines_other_ends_and_broken_base64() {
        assert_eq!(read("-----BEGIN A-----\n\nAQID\n\n-----END A-----\n"), Err(OpensslPemError::BadEndLine));
        assert_eq!(read("-----BEGIN A-----\nAQID\n-----END B-----\n"), Err(OpensslPemError::BadEndLine));
        assert_eq!(read("-----BEGIN A-----\nAQID\n"), Err(OpensslPemError::BadEndLine));
        assert_eq!(read("-----BEGIN A-----\n!!!!\n-----END A-----\n"), Err(OpensslPemError::BadBase64));
    }

    #[test]
    fn takes_a_line_longer_than_its_buffer() {
        let long = "AAAA".repeat(400);
        assert_eq!(read(&format!("-----BEGIN A-----\n{long}\n-----END A-----\n")).unwrap().der.len(), 1200);
    }
}
