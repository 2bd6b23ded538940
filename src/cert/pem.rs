//! PEM blocks (RFC 7468) with everything in which readers differ, and what OpenSSL makes of a file.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::certificate::{CertError, Certificate};

/// Base64 as lenient readers take it: with or without padding, surplus bits ignored.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Base64 with its padding, surplus bits ignored.
const PADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// One `-----BEGIN …` to `-----END …` of a file, good or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The label of the BEGIN line, as it stands.
    pub label: String,
    /// The line (from 1) of the BEGIN line.
    pub line: usize,
    /// The lines between BEGIN and END without their ends.
    pub body: Vec<String>,
    /// The lines of the body that look like headers (`Name: value`).
    pub headers: Vec<String>,
    /// The label of the END line; `None` where the file or the next BEGIN comes first.
    pub end_label: Option<String>,
    /// What is unusual about it.
    pub oddities: Vec<Oddity>,
    /// The decoded content; `None` where the base64 is broken.
    pub der: Option<Vec<u8>>,
}

/// What some readers forgive and others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Oddity {
    /// A byte order mark stands before the BEGIN line.
    ByteOrderMark,
    /// Text or blanks stand before BEGIN on its line.
    Indented,
    /// The dashes of BEGIN or END are not five on each side.
    Dashes,
    /// Text follows the dashes of BEGIN or END on their line.
    TextBehindDashes,
    /// Lines end with CR LF.
    CrLf,
    /// Lines end with CR alone.
    Cr,
    /// A base64 line is longer than 64 characters.
    LongLine,
    /// Base64 lines before the last differ in length.
    UnevenLines,
    /// A blank line stands inside.
    BlankLine,
    /// A base64 line has blanks at its edges or inside.
    Blanks,
    /// Header lines stand inside.
    Headers,
    /// The END line is missing.
    NoEnd,
    /// The END line has another label.
    OtherEnd,
    /// A NUL or another control character stands inside.
    Control,
    /// The last line has no line end.
    NoFinalNewline,
}

impl Block {
    /// Whether something is unusual in this way.
    #[must_use]
    pub fn is(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }
}

/// Finds every block of a file, in order. Never fails: what is odd about a block stands in it.
#[must_use]
pub fn scan(bytes: &[u8]) -> Vec<Block> {
    let (bom, bytes) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in lines(bytes).enumerate() {
        let text = String::from_utf8_lossy(line.text);
        if let Some((label, mut oddities)) = boundary(&text, "BEGIN ") {
            if let Some(unfinished) = open.take() {
                blocks.push(finish(unfinished, None));
            }
            line.note(&mut oddities);
            if bom && number == 0 {
                oddities.push(Oddity::ByteOrderMark);
            }
            open = Some(Block {
                label,
                line: number + 1,
                body: Vec::new(),
                headers: Vec::new(),
                end_label: None,
                oddities,
                der: None,
            });
        } else if let Some((label, oddities)) = boundary(&text, "END ") {
            if let Some(mut block) = open.take() {
                block.oddities.extend(oddities);
                line.note(&mut block.oddities);
                if line.end == LineEnd::None {
                    block.oddities.push(Oddity::NoFinalNewline);
                }
                blocks.push(finish(block, Some(label)));
            }
        } else if let Some(block) = &mut open {
            line.note(&mut block.oddities);
            block.body.push(text.into_owned());
        }
    }
    if let Some(unfinished) = open {
        blocks.push(finish(unfinished, None));
    }
    blocks
}

/// The certificates that OpenSSL's PEM reader takes from a file: every block labelled CERTIFICATE,
/// X509 CERTIFICATE or TRUSTED CERTIFICATE.
///
/// # Errors
/// [`CertError::Pem`] for a block that is broken, [`CertError::NoCertificate`] where there is none, and
/// [`CertError::Der`] where one cannot be read at all.
pub fn load_pem(bytes: &[u8]) -> Result<Vec<Certificate>, CertError> {
    let mut found = Vec::new();
    for block in scan(bytes) {
        if !matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") {
            continue;
        }
        if block.is(Oddity::NoEnd) {
            return Err(CertError::Pem(block.line, "the block has no END line"));
        }
        if block.is(Oddity::Dashes) {
            return Err(CertError::Pem(block.line, "BEGIN and END need exactly five dashes on each side"));
        }
        let Some(der) = &block.der else {
            return Err(CertError::Pem(block.line, "the base64 of the block is broken"));
        };
        found.push(Certificate::from_der(der)?);
    }
    if found.is_empty() { Err(CertError::NoCertificate) } else { Ok(found) }
}

/// Decodes base64 leniently; blanks must be gone already.
#[must_use]
pub fn base64_lenient(text: &[u8]) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

/// Decodes base64 that must be padded; blanks must be gone already.
#[must_use]
pub fn base64_padded(text: &[u8]) -> Option<Vec<u8>> {
    PADDED.decode(text).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    Lf,
    CrLf,
    Cr,
    None,
}

struct Line<'a> {
    text: &'a [u8],
    end: LineEnd,
}

impl Line<'_> {
    fn note(&self, oddities: &mut Vec<Oddity>) {
        let mut add = |o| {
            if !oddities.contains(&o) {
                oddities.push(o);
            }
        };
        match self.end {
            LineEnd::CrLf => add(Oddity::CrLf),
            LineEnd::Cr => add(Oddity::Cr),
            LineEnd::Lf | LineEnd::None => {}
        }
        if self.text.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
            add(Oddity::Control);
        }
    }
}

fn lines(mut rest: &[u8]) -> impl Iterator<Item = Line<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(at) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
            return Some(Line { text: std::mem::take(&mut rest), end: LineEnd::None });
        };
        let (text, tail) = rest.split_at(at);
        let (end, skip) = match tail {
            [b'\r', b'\n', ..] => (LineEnd::CrLf, 2),
            [b'\r', ..] => (LineEnd::Cr, 1),
            _ => (LineEnd::Lf, 1),
        };
        rest = tail.get(skip..).unwrap_or_default();
        Some(Line { text, end })
    })
}

/// Recognises a boundary line in any shape: at least two dashes, the word, a label, dashes.
fn boundary(line: &str, word: &str) -> Option<(String, Vec<Oddity>)> {
    let at = line.find("--")?;
    let (before, rest) = line.split_at(at);
    let after_dashes = rest.trim_start_matches('-');
    let left = rest.len() - after_dashes.len();
    let label_on = after_dashes.strip_prefix(word)?;
    let close = label_on.find("--").unwrap_or(label_on.len());
    let (label, tail) = label_on.split_at(close);
    let behind = tail.trim_start_matches('-');
    let right = tail.len() - behind.len();
    let mut oddities = Vec::new();
    if !before.is_empty() {
        oddities.push(Oddity::Indented);
    }
    if left != 5 || right != 5 {
        oddities.push(Oddity::Dashes);
    }
    if !behind.is_empty() {
        oddities.push(Oddity::TextBehindDashes);
    }
    Some((label.trim().to_owned(), oddities))
}

fn finish(mut block: Block, end: Option<String>) -> Block {
    let mut odd = Vec::new();
    match &end {
        None => odd.push(Oddity::NoEnd),
        Some(label) if *label != block.label => odd.push(Oddity::OtherEnd),
        Some(_) => {}
    }
    block.end_label = end;
    let mut base64 = String::new();
    let mut lengths = Vec::new();
    for line in &block.body {
        if line.trim().is_empty() {
            odd.push(Oddity::BlankLine);
        } else if line.contains(':') {
            odd.push(Oddity::Headers);
            block.headers.push(line.clone());
        } else {
            if line.contains([' ', '\t']) {
                odd.push(Oddity::Blanks);
            }
            if line.len() > 64 {
                odd.push(Oddity::LongLine);
            }
            lengths.push(line.len());
            base64.extend(line.chars().filter(|c| !c.is_ascii_whitespace()));
        }
    }
    lengths.pop();
    if lengths.windows(2).any(|w| w[0] != w[1]) {
        odd.push(Oddity::UnevenLines);
    }
    block.der = base64_lenient(base64.as_bytes());
    block.oddities.extend(odd);
    block.oddities.sort_unstable();
    block.oddities.dedup();
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_readers_differ_in() {
        let text = "\u{feff}-----BEGIN A-----\r\nX-Note: hi\r\n\r\nAQID\r\n-----END B-----\r\n";
        let b = scan(text.as_bytes()).remove(0);
        assert_eq!((b.label.as_str(), b.end_label.as_deref(), b.line), ("A", Some("B"), 1));
        assert_eq!(b.der.as_deref(), Some(&[1u8, 2, 3][..]));
        for odd in [Oddity::ByteOrderMark, Oddity::CrLf, Oddity::Headers, Oddity::BlankLine, Oddity::OtherEnd]
        {
            assert!(b.is(odd), "{odd:?}");
        }
    }

    #[test]
    fn finds_blocks_without_end_and_with_too_few_dashes() {
        let found = scan(b"text\n----BEGIN A----\nAQID\n-----BEGIN C-----\n!!\n");
        assert_eq!(found.len(), 2);
        assert!(found[0].is(Oddity::Dashes) && found[0].is(Oddity::NoEnd));
        assert_eq!(found[1].der, None);
    }

    #[test]
    fn refuses_files_without_a_certificate_with_the_next_step() {
        assert_eq!(load_pem(b""), Err(CertError::NoCertificate));
        assert!(load_pem(b"x").unwrap_err().to_string().contains("-----BEGIN CERTIFICATE-----"));
        assert!(matches!(load_pem(b"-----BEGIN CERTIFICATE-----\nAQID\n"), Err(CertError::Pem(1, _))));
    }
}
