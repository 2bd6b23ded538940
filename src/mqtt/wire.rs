//! The primitives of MQTT's wire format (MQTT 5.0 §1.5): integers, strings, binary data, variable byte integers.

use std::fmt;

use super::utf8;

/// The largest remaining length that the format can express (MQTT 5.0 §1.5.5).
pub const MAX_REMAINING: usize = 268_435_455;

/// Why a packet is refused, with the consequence that Mosquitto draws from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be parsed (MQTT 5: reason 0x81).
    Malformed,
    /// It can be parsed, but must not be sent (MQTT 5: reason 0x82).
    Protocol,
    /// A property that stands twice, or an AUTH nobody asked for: Mosquitto closes without a DISCONNECT.
    Unanswered,
    /// A CONNECT for a protocol version that nobody here speaks: the version byte.
    UnknownVersion(u8),
    /// A CONNECT without a client identifier where there must be one (CONNACK 2).
    IdentifierRejected,
    /// A topic alias of zero or above the maximum (MQTT 5: reason 0x94).
    TopicAlias,
    /// Larger than allowed (MQTT 5: reason 0x95).
    TooLarge,
    /// QoS beyond what this broker offers (MQTT 5: reason 0x9B).
    NotSupported,
    /// Retained where this broker keeps nothing (MQTT 5: reason 0x9A).
    RetainNotSupported,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("malformed packet"),
            Self::Protocol => f.write_str("protocol error"),
            Self::Unanswered => f.write_str("duplicate property or unexpected AUTH"),
            Self::UnknownVersion(v) => write!(f, "protocol version {v} is unknown"),
            Self::IdentifierRejected => f.write_str("client identifier rejected"),
            Self::TopicAlias => f.write_str("topic alias invalid"),
            Self::TooLarge => f.write_str("packet too large"),
            Self::NotSupported => f.write_str("QoS not supported"),
            Self::RetainNotSupported => f.write_str("retain not supported"),
        }
    }
}

impl std::error::Error for Fault {}

/// A cursor over one packet's bytes. Every read checks the length first.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Everything that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if there are fewer.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Fault> {
        let (head, tail) = self.rest.split_at_checked(n).ok_or(Fault::Malformed)?;
        self.rest = tail;
        Ok(head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Fault::Malformed`] at the end.
    pub fn u8(&mut self) -> Result<u8, Fault> {
        let (&first, tail) = self.rest.split_first().ok_or(Fault::Malformed)?;
        self.rest = tail;
        Ok(first)
    }

    /// Two bytes, big-endian.
    ///
    /// # Errors
    /// [`Fault::Malformed`] at the end.
    pub fn u16(&mut self) -> Result<u16, Fault> {
        let (head, tail) = self.rest.split_first_chunk::<2>().ok_or(Fault::Malformed)?;
        self.rest = tail;
        Ok(u16::from_be_bytes(*head))
    }

    /// Four bytes, big-endian.
    ///
    /// # Errors
    /// [`Fault::Malformed`] at the end.
    pub fn u32(&mut self) -> Result<u32, Fault> {
        let (head, tail) = self.rest.split_first_chunk::<4>().ok_or(Fault::Malformed)?;
        self.rest = tail;
        Ok(u32::from_be_bytes(*head))
    }

    /// A variable byte integer of at most four bytes.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if it does not end, or is longer than it need be.
    pub fn varint(&mut self) -> Result<u32, Fault> {
        let mut value = 0u32;
        for i in 0..4 {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                return if i > 0 && byte == 0 { Err(Fault::Malformed) } else { Ok(value) };
            }
        }
        Err(Fault::Malformed)
    }

    /// Binary data with its two-byte length.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if it is cut short.
    pub fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// A string with its two-byte length, of the characters that Mosquitto takes.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if it is cut short, no UTF-8, or holds control characters or non-characters.
    pub fn string(&mut self) -> Result<&'a str, Fault> {
        utf8::validate(self.binary()?).ok_or(Fault::Malformed)
    }
}

/// Appends a variable byte integer; values above [`MAX_REMAINING`] are cut to it.
pub fn put_varint(out: &mut Vec<u8>, value: usize) {
    let mut rest = value.min(MAX_REMAINING);
    loop {
        let byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// How many bytes [`put_varint`] writes.
#[must_use]
pub fn varint_len(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Appends binary data or a string with its two-byte length; what is longer than 65,535 bytes is cut.
pub fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = bytes.len().min(0xffff);
    out.extend_from_slice(&(len as u16).to_be_bytes());
    out.extend_from_slice(bytes.get(..len).unwrap_or(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_go_both_ways_at_every_boundary() {
        for v in [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, MAX_REMAINING] {
            let mut out = Vec::new();
            put_varint(&mut out, v);
            assert_eq!(out.len(), varint_len(v));
            assert_eq!(Reader::new(&out).varint(), Ok(v as u32));
        }
    }

    #[test]
    fn refuses_varints_that_do_not_end_or_are_overlong() {
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x01]).varint(), Err(Fault::Malformed));
        assert_eq!(Reader::new(&[0x80, 0x00]).varint(), Err(Fault::Malformed));
        assert_eq!(Reader::new(&[0x80]).varint(), Err(Fault::Malformed));
    }

    #[test]
    fn strings_are_checked_before_they_are_given_out() {
        assert_eq!(Reader::new(&[0, 2, b'a', b'b', 9]).string(), Ok("ab"));
        assert_eq!(Reader::new(&[0, 3, b'a', b'b']).string(), Err(Fault::Malformed));
        assert_eq!(Reader::new(&[0, 1, 0]).string(), Err(Fault::Malformed));
    }
}
