//! Just enough DER for private keys: strict lengths, no recursion, no allocation that the input could steer.

/// Tags that occur in private keys.
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// A cursor over DER bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element: its tag, its content, and the whole of it.
    pub(crate) fn any(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().try_fold(0_usize, |n, b| n.checked_mul(256)?.checked_add((*b).into()))?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some((tag, content, whole))
    }

    /// The content of the next element, if it has this tag; else the cursor stays.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.peek()? != tag {
            return None;
        }
        self.any().map(|(_, content, _)| content)
    }

    /// A cursor over the next SEQUENCE.
    pub(crate) fn sequence(&mut self) -> Option<Reader<'a>> {
        self.take(SEQUENCE).map(Reader)
    }

    /// The next INTEGER as a non-negative number without leading zeros.
    pub(crate) fn unsigned(&mut self) -> Option<&'a [u8]> {
        let content = self.take(INTEGER)?;
        match content.split_first()? {
            (b, _) if b & 0x80 != 0 => None,
            (0, rest) if !rest.is_empty() => Some(rest.get(rest.iter().take_while(|b| **b == 0).count()..)?),
            (0, _) => Some(&[]),
            _ => Some(content),
        }
    }

    /// The next INTEGER where it is small.
    pub(crate) fn small(&mut self) -> Option<u64> {
        let bytes = self.unsigned()?;
        (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }
}

/// The structures that hold a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// PrivateKeyInfo (RFC 5958), or PFX (RFC 7292): a number, then a SEQUENCE.
    Pkcs8,
    /// EncryptedPrivateKeyInfo (RFC 5958 §3).
    Encrypted,
    /// RSAPrivateKey (RFC 8017 A.1.2): nine numbers.
    Pkcs1,
    /// ECPrivateKey (RFC 5915).
    Sec1,
    /// What OpenSSL writes for DSA: six numbers.
    Dsa,
}

/// Which of them this is, by its first elements.
pub(crate) fn shape(bytes: &[u8]) -> Option<Shape> {
    let mut inner = Reader::new(bytes).sequence()?;
    let (first, ..) = inner.any()?;
    match (first, inner.peek()?) {
        (INTEGER, SEQUENCE) => Some(Shape::Pkcs8),
        (INTEGER, OCTET_STRING) => Some(Shape::Sec1),
        (INTEGER, INTEGER) => match 1 + std::iter::from_fn(|| inner.take(INTEGER)).count() {
            9.. => Some(Shape::Pkcs1),
            6 => Some(Shape::Dsa),
            _ => None,
        },
        (SEQUENCE, OCTET_STRING) => Some(Shape::Encrypted),
        _ => None,
    }
}

/// One element.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(len + 6);
    out.push(tag);
    let bytes = len.to_be_bytes();
    let significant = bytes.get(bytes.iter().take_while(|b| **b == 0).count()..).unwrap_or_default();
    match len {
        0..=0x7f => out.push(len as u8),
        _ => {
            out.push(0x80 | significant.len() as u8);
            out.extend_from_slice(significant);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A non-negative INTEGER.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.get(bytes.iter().take_while(|b| **b == 0).count()..).unwrap_or_default();
    match bytes.first() {
        None => element(INTEGER, &[&[0]]),
        Some(b) if b & 0x80 != 0 => element(INTEGER, &[&[0], bytes]),
        Some(_) => element(INTEGER, &[bytes]),
    }
}
