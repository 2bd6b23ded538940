//! PEM as each library scans it: what it takes for the beginning and the end of a block, and which base64 it reads.
//!
//! Each function gives the octets of the certificate blocks in order; `None` is a block that is passed over.

use super::stack::TrustReader;
use crate::cert::pem::{base64_lenient, base64_padded};

/// What a file's scan gives: block after block, or why the whole file is dropped.
pub(super) type Scan = Result<Vec<Option<Vec<u8>>>, String>;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Scans a file as this reader does; `None` for readers that are not described here.
pub(super) fn scan(reader: TrustReader, bytes: &[u8]) -> Option<Scan> {
    Some(match reader {
        TrustReader::Go => Ok(go(bytes)),
        TrustReader::Gnutls => gnutls(bytes),
        TrustReader::Mbedtls => Ok(mbedtls(bytes)),
        TrustReader::Wolfssl => Ok(wolfssl(bytes)),
        TrustReader::Bearssl => bearssl(bytes),
        TrustReader::Nss => Ok(nss(bytes)),
        TrustReader::Erlang => erlang(bytes),
        TrustReader::Java => java(bytes),
        _ => return None,
    })
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}

fn from(text: &[u8], at: usize) -> &[u8] {
    text.get(at..).unwrap_or_default()
}

fn dropped(why: &str) -> String {
    format!("{why}, and the stack then drops the whole file")
}

fn without(text: &[u8], gone: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| !gone.contains(b)).collect()
}

/// The first line without its end and without blanks behind, and what follows (`getLine` of encoding/pem).
fn go_line(text: &[u8]) -> (&[u8], &[u8]) {
    let at = text.iter().position(|b| *b == b'\n');
    let (line, rest) = match at {
        Some(at) => (text.get(..at).unwrap_or_default(), from(text, at + 1)),
        None => (text, &[][..]),
    };
    let mut line = line.strip_suffix(b"\r").filter(|_| at.is_some()).unwrap_or(line);
    while let [head @ .., b' ' | b'\t'] = line {
        line = head;
    }
    (line, rest)
}

/// `Decode` of Go's encoding/pem (1.27): from each END line back to the last BEGIN line before it. Blocks with headers
/// are no certificates for `AppendCertsFromPEM`.
fn go(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    const GO_END: &[u8] = b"\n-----END ";
    const GO_BEGIN: &[u8] = b"-----BEGIN ";
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(end) = find(from(bytes, at), GO_END).map(|end| at + end) {
        let before = bytes.get(at..end).unwrap_or_default();
        let begin = before.windows(GO_BEGIN.len()).rposition(|w| w == GO_BEGIN).map(|begin| at + begin);
        let whole = at;
        let first = |begin: usize| begin == whole || bytes.get(begin - 1) == Some(&b'\n');
        at = end + GO_END.len();
        let Some(begin) = begin.filter(|begin| first(*begin)) else { continue };
        // The line end before END belongs to the text, so that an empty block still has a first line.
        let (type_line, body) = go_line(bytes.get(begin + GO_BEGIN.len()..=end).unwrap_or_default());
        let Some(label) = type_line.strip_suffix(b"-----") else { continue };
        let trailer = from(bytes, at).strip_prefix(label).and_then(|t| t.strip_prefix(b"-----"));
        let Some((behind_dashes, next)) = trailer.map(go_line) else { continue };
        if !behind_dashes.is_empty() {
            continue;
        }
        let headers = go_line(body).0.contains(&b':');
        let der = base64_padded(&without(body, b" \t\r\n"));
        if der.is_some() || headers {
            at = bytes.len() - next.len();
            found.push(der.filter(|_| label == b"CERTIFICATE" && !headers));
        }
    }
    found
}

/// `gnutls_x509_crt_list_import`: any dashes behind the label end the BEGIN line, any END ends the block, and one
/// block that cannot be read spoils the file.
fn gnutls(bytes: &[u8]) -> Scan {
    const SEPARATORS: [&[u8]; 2] = [b"-----BEGIN CERTIFICATE", b"-----BEGIN X509 CERTIFICATE"];
    let next = |text: &[u8]| SEPARATORS.iter().find_map(|s| find(text, s));
    let block = |text: &[u8], separator: &[u8]| {
        let text = from(text, find(text, separator)? + 1);
        let text = from(text, find(text, b"-----")? + 5);
        let body = text.get(..find(text, b"-----END ")?)?;
        let body = body.split(|b| *b == b'-').next().unwrap_or_default();
        base64_padded(&without(body, b" \t\r\n\x0b\x0c"))
    };
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(at) = next(rest) {
        rest = from(rest, at);
        let der = SEPARATORS.iter().find_map(|s| block(rest, s));
        found.push(Some(der.ok_or_else(|| dropped("a block of the file cannot be read"))?));
        rest = from(rest, 1);
    }
    Ok(found)
}

/// `mbedtls_x509_crt_parse` and `mbedtls_pem_read_buffer`: the first BEGIN and the first END of what is left.
fn mbedtls(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut rest = bytes.split(|b| *b == 0).next().unwrap_or_default();
    let mut found = Vec::new();
    while let (Some(begin), Some(end)) = (find(rest, BEGIN), find(rest, END)) {
        let head = from(rest, begin + BEGIN.len());
        let head = head.strip_prefix(b" ").unwrap_or(head);
        let head = head.strip_prefix(b"\r").unwrap_or(head);
        let (true, Some(head)) = (begin < end, head.strip_prefix(b"\n")) else { break };
        let from_end = rest.len() - end;
        let body = head.len().checked_sub(from_end).and_then(|n| head.get(..n)).unwrap_or_default();
        found.push(mbedtls_base64(body));
        rest = from(rest, end + END.len());
    }
    found
}

/// `mbedtls_base64_decode`: blanks only at the end of a line, lines end with LF or CR LF.
fn mbedtls_base64(body: &[u8]) -> Option<Vec<u8>> {
    let mut clean = Vec::new();
    for line in body.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = line.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
        clean.extend_from_slice(line.get(..end).unwrap_or_default());
    }
    base64_lenient(whole_groups(&clean))
}

/// Characters behind the last group of four are dropped.
fn whole_groups(text: &[u8]) -> &[u8] {
    text.get(..text.len() / 4 * 4).unwrap_or_default()
}

/// `PemToDer` in `ProcessChainBuffer`: a block that cannot be read is passed over, one without an end is the last.
fn wolfssl(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(begin) = find(rest, BEGIN) {
        let mut body = from(rest, begin + BEGIN.len());
        while let [b'\r' | b'\n', tail @ ..] = body {
            body = tail;
        }
        let Some(end) = find(body, END) else { break };
        found.push(wolfssl_base64(body.get(..end).unwrap_or_default()));
        rest = from(body, end + END.len());
    }
    found
}

/// `Base64_Decode`: between two characters blanks and one line end, LF or CR LF.
fn wolfssl_base64(mut body: &[u8]) -> Option<Vec<u8>> {
    fn blanks(mut text: &[u8]) -> &[u8] {
        while let [b' ', tail @ ..] = text {
            text = tail;
        }
        text
    }
    let mut clean = Vec::new();
    loop {
        body = blanks(body);
        body = body.strip_prefix(b"\r\n").or_else(|| body.strip_prefix(b"\n")).unwrap_or(body);
        body = blanks(body);
        match body {
            [] | [0, ..] => break,
            // What stands behind the padding is not looked at.
            [b'=', ..] if clean.len() % 4 == 3 => {
                clean.push(b'=');
                break;
            }
            [character, tail @ ..] => {
                clean.push(*character);
                body = tail;
            }
        }
    }
    base64_lenient(whole_groups(&clean))
}

/// BearSSL's PEM decoder (src/codec/pemdec.t0) with the labels that the Arduino core takes: lines are looked at from
/// their beginning, without regard to case; the four characters of a group stand in one line.
fn bearssl(bytes: &[u8]) -> Scan {
    let bad = || dropped("a block of the file cannot be decoded");
    let mut lines = bytes.split(|b| *b == b'\n');
    let starts =
        |line: &[u8], what: &[u8]| line.get(..what.len()).is_some_and(|l| l.eq_ignore_ascii_case(what));
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if !starts(line, b"-----BEGIN ") {
            continue;
        }
        let letters = from(line, 11).iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase);
        let label: Vec<u8> = letters.collect();
        let (mut clean, mut padded) = (Vec::new(), false);
        loop {
            let line = lines.next().ok_or_else(bad)?;
            if starts(line, b"-----END ") {
                break;
            }
            let group = line.iter().copied().filter(|b| *b > b' ').collect::<Vec<u8>>();
            if group.len() % 4 != 0 || line.first() == Some(&b'-') || (padded && !group.is_empty()) {
                return Err(bad());
            }
            padded |= group.ends_with(b"=");
            clean.extend(group);
        }
        let der = base64_padded(&clean).ok_or_else(bad)?;
        let mine = [&b"CERTIFICATE"[..], b"X509CERTIFICATE"].contains(&label.as_slice());
        found.push(Some(der).filter(|_| mine));
    }
    Ok(found)
}

/// `CERT_DecodeCertPackage` on each piece from BEGIN to the end of the END line: both stand at the beginning of a line
/// in any case; what is no base64 is passed over.
fn nss(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    // The file is searched as a C string.
    let bytes = bytes.split(|b| *b == 0).next().unwrap_or_default();
    // A file without any LF is taken for one from a Macintosh.
    let end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let mut lines = bytes.split(|b| *b == end);
    let starts =
        |line: &[u8], what: &[u8]| line.get(..what.len()).is_some_and(|l| l.eq_ignore_ascii_case(what));
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.iter().position(|b| *b != b'\r').map_or(&[][..], |at| from(line, at));
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        // The piece begins where BEGIN stands, in a line or behind something.
        let line = find(line, b"-----BEGIN").map_or(line, |at| from(line, at));
        if !starts(line, BEGIN) {
            continue;
        }
        let mut body = Vec::new();
        let closed = lines.by_ref().any(|line| {
            let end = starts(line, END);
            if !end {
                body.extend(line.iter().copied().filter(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b)));
            }
            end
        });
        found.push(base64_lenient(&body).filter(|_| closed));
    }
    found
}

/// `X509Factory.readOneBlock` of OpenJDK 17: five hyphens at the beginning of a line open a block, the next hyphen ends
/// its base64, and whatever opens as a block must be one.
fn java(bytes: &[u8]) -> Scan {
    let bad = |what: &str| dropped(what);
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        // A header: five hyphens in a row, a line end or nothing before them.
        let open = (at..bytes.len()).find(|i| {
            let fresh = *i == at || matches!(bytes.get(i - 1), Some(b'\r' | b'\n'));
            fresh && from(bytes, *i).starts_with(b"-----")
        });
        let Some(open) = open else { return Ok(found) };
        let head = from(bytes, open);
        let end = head.iter().position(|b| matches!(b, b'\r' | b'\n'));
        let end = end.ok_or_else(|| bad("a block of the file is not complete"))?;
        let (header, mut rest) = (head.get(..end).unwrap_or_default(), from(head, end));
        let line_end = if rest.starts_with(b"\r") && !rest.starts_with(b"\r\n") { b'\r' } else { b'\n' };
        rest = rest.strip_prefix(b"\r\n").unwrap_or_else(|| from(rest, 1));
        let dash = rest.iter().position(|b| *b == b'-');
        let dash = dash.ok_or_else(|| bad("a block of the file is not complete"))?;
        let (body, tail) = (rest.get(..dash).unwrap_or_default(), from(rest, dash));
        let end = tail.iter().position(|b| *b == line_end || *b == b'\n').unwrap_or(tail.len());
        let footer = without(tail.get(..end).unwrap_or_default(), b"\r");
        let label = |line: &[u8], word: &[u8]| {
            let inside = line.trim_ascii_end().strip_prefix(word)?.strip_suffix(b"-----")?;
            Some(inside.to_vec())
        };
        match (label(header, b"-----BEGIN "), label(&footer, b"-----END ")) {
            (Some(opened), Some(closed)) if opened == closed => {}
            _ => return Err(bad("a line of hyphens in the file is no boundary of a block")),
        }
        let der = base64_lenient(&without(body, b" \t\r\n"));
        found.push(Some(der.ok_or_else(|| bad("a block of the file cannot be decoded"))?));
        at = bytes.len() - from(tail, end + 1).len();
    }
}

/// `pubkey_pem:decode`: lines end with CR LF, CR or LF; any END line ends a block, and one without an end, or whose
/// base64 does not come out even, spoils the file.
fn erlang(bytes: &[u8]) -> Scan {
    const OTHERS: [&[u8]; 13] = [
        b"RSA PRIVATE KEY",
        b"RSA PUBLIC KEY",
        b"PUBLIC KEY",
        b"DSA PRIVATE KEY",
        b"DH PARAMETERS",
        b"PRIVATE KEY",
        b"ENCRYPTED PRIVATE KEY",
        b"CERTIFICATE REQUEST",
        b"PKCS7",
        b"X509 CRL",
        b"EC PARAMETERS",
        b"EC PRIVATE KEY",
        b"OPENSSH PRIVATE KEY",
    ];
    let mut lines = bytes.split(|b| matches!(b, b'\r' | b'\n'));
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let begins =
            line.trim_ascii_end().strip_prefix(b"-----BEGIN ").and_then(|l| l.strip_suffix(b"-----"));
        let Some(label) = begins.filter(|l| *l == b"CERTIFICATE" || OTHERS.contains(l)) else { continue };
        let mut body = Vec::new();
        loop {
            let Some(line) = lines.next() else { return Err(dropped("a block of the file has no end")) };
            if line.starts_with(b"-----END ") {
                break;
            }
            body.extend(line.iter().copied().filter(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b)));
        }
        let der = base64_padded(&body).ok_or_else(|| dropped("a block of the file cannot be decoded"))?;
        found.push(Some(der).filter(|_| label == b"CERTIFICATE"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TrustReader; 8] = [
        TrustReader::Go,
        TrustReader::Gnutls,
        TrustReader::Mbedtls,
        TrustReader::Wolfssl,
        TrustReader::Bearssl,
        TrustReader::Nss,
        TrustReader::Erlang,
        TrustReader::Java,
    ];

    fn who_reads(text: &str) -> Vec<TrustReader> {
        let reads =
            |r: &TrustReader| matches!(scan(*r, text.as_bytes()), Some(Ok(f)) if f == [Some(vec![1, 2, 3])]);
        ALL.into_iter().filter(reads).collect()
    }

    #[test]
    fn everybody_reads_a_plain_block_with_text_around_it() {
        let plain = "text\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\ntext\n";
        assert_eq!(who_reads(plain), ALL);
        assert_eq!(who_reads(&plain.replace('\n', "\r\n")), ALL);
    }

    #[test]
    fn what_stands_on_the_boundary_lines_divides_them() {
        use TrustReader as R;
        let blanks = "-----BEGIN CERTIFICATE-----  \nAQID  \n-----END CERTIFICATE-----  \n";
        assert_eq!(who_reads(blanks), [R::Go, R::Gnutls, R::Wolfssl, R::Bearssl, R::Nss, R::Erlang, R::Java]);
        let indented = "  -----BEGIN CERTIFICATE-----\n  AQID\n  -----END CERTIFICATE-----\n";
        assert_eq!(who_reads(indented), [R::Gnutls, R::Wolfssl]);
        let lower = "-----begin certificate-----\nAQID\n-----end certificate-----\n";
        assert_eq!(who_reads(lower), [R::Bearssl, R::Nss]);
        let glued = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE----------BEGIN X-----\nAAAA\n-----END X-----\n";
        assert_eq!(who_reads(glued), [R::Gnutls, R::Mbedtls, R::Wolfssl, R::Bearssl, R::Nss, R::Erlang]);
    }
}
