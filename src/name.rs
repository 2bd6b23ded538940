//! Names: what a client dials (the reference identity of RFC 9525 §1.7) and what a certificate presents.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The name or address that a client dials and expects the certificate to cover: the *reference identity*
/// of RFC 9525. The text is kept exactly as it was written, because client libraries differ in what they do
/// with a trailing dot, upper case or an underscore.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerName {
    text: String,
    ip: Option<IpAddr>,
}

/// Why a text is no name that a client could dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Nothing was written.
    Empty,
    /// A blank or control character stands in it.
    Character(char),
    /// The part behind the last colon is no port number (1 to 65535).
    Port(String),
    /// Longer than the 253 octets that DNS allows.
    TooLong(usize),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the name is empty"),
            Self::Character(c) => {
                write!(f, "{:?} cannot stand in a host name or address", c)
            }
            Self::Port(p) => write!(f, "{p:?} is no port number; write host or host:port"),
            Self::TooLong(n) => write!(f, "{n} characters are more than the 253 that DNS allows"),
        }
    }
}

impl std::error::Error for NameError {}

impl PeerName {
    /// Takes a host name, an IPv4 address or an IPv6 address (bare, or in brackets as URLs write it).
    ///
    /// # Errors
    /// [`NameError`] where no client could dial the text.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if bare.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(c) =
            bare.chars().find(|c| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\' | '@'))
        {
            return Err(NameError::Character(c));
        }
        if bare.len() > 253 + 1 {
            return Err(NameError::TooLong(bare.len()));
        }
        Ok(Self { ip: IpAddr::from_str(bare).ok(), text: bare.to_owned() })
    }

    /// Takes `host`, `host:port`, an IPv6 address, or `[IPv6]:port`.
    ///
    /// # Errors
    /// [`NameError`] where no client could dial the text.
    pub fn parse_with_port(text: &str) -> Result<(Self, Option<u16>), NameError> {
        if IpAddr::from_str(text).is_ok() {
            return Ok((Self::parse(text)?, None));
        }
        let split = match text.rfind(']') {
            Some(end) => text[end..].find(':').map(|i| end + i),
            None => text.rfind(':'),
        };
        let Some(at) = split else {
            return Ok((Self::parse(text)?, None));
        };
        let port = &text[at + 1..];
        match port.parse::<u16>() {
            Ok(p) if p > 0 => Ok((Self::parse(&text[..at])?, Some(p))),
            _ => Err(NameError::Port(port.to_owned())),
        }
    }

    /// The text as it was dialled, without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address, if the name is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// Whether this is `localhost` or a loopback address: a name that only reaches the machine it is dialled on.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.ip {
            Some(ip) => ip.is_loopback(),
            None => self.text.eq_ignore_ascii_case("localhost"),
        }
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One entry of a certificate's subjectAltName (RFC 5280 §4.2.1.6), as its bytes stand there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum San {
    /// dNSName: an IA5String, whatever bytes it really holds.
    Dns(Vec<u8>),
    /// iPAddress: 4 or 16 octets, whatever length it really has.
    Ip(Vec<u8>),
    /// rfc822Name.
    Email(Vec<u8>),
    /// uniformResourceIdentifier.
    Uri(Vec<u8>),
    /// directoryName: the DER of the Name.
    Directory(Vec<u8>),
    /// Any other form: its context tag and content.
    Other(u8, Vec<u8>),
}

impl San {
    /// The name that this entry presents, where it is a DNS name in ASCII or an address.
    #[must_use]
    pub fn as_peer_name(&self) -> Option<PeerName> {
        match self {
            Self::Dns(bytes) => PeerName::parse(std::str::from_utf8(bytes).ok()?).ok(),
            Self::Ip(bytes) => {
                let ip: IpAddr = match bytes.len() {
                    4 => IpAddr::from(<[u8; 4]>::try_from(bytes.as_slice()).ok()?),
                    16 => IpAddr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?),
                    _ => return None,
                };
                PeerName::parse(&ip.to_string()).ok()
            }
            _ => None,
        }
    }
}

/// A text from outside made fit for a terminal, a log or a report: control characters, line ends, bidirectional
/// and other invisible formatting characters are written as `\n`, `\x1b` or `\u{202e}`; everything else stays.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
                c => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A text from outside as one word of a command that is shown to be copied into a shell (POSIX, Shell Command Language
/// 2.2.2): escaped as by [`escape`], and quoted unless it is plainly a word. No service's name can run anything there.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let text = escape(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Whether a character could move the cursor, hide or reorder text: C0, C1, DEL, line and paragraph separators,
/// bidirectional controls (Unicode TR 9), zero-width and tag characters.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c as u32,
            0x00ad | 0x061c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_command_that_is_copied_runs_nothing() {
        assert_eq!(shell_word("iot-mqtt.1"), "iot-mqtt.1");
        assert_eq!(shell_word(""), "''");
        for (evil, word) in [
            ("a; touch x", "'a; touch x'"),
            ("$(touch x)`id`", "'$(touch x)`id`'"),
            ("it's", "'it'\\''s'"),
            ("a\nb\u{202e}", "'a\\nb\\u{202e}'"),
            ("!!#~*", "'!!#~*'"),
        ] {
            assert_eq!(shell_word(evil), word);
        }
    }

    #[test]
    fn keeps_the_text_as_dialled_and_knows_addresses() {
        let n = PeerName::parse("Iot-MQTT.").unwrap();
        assert_eq!((n.as_str(), n.ip()), ("Iot-MQTT.", None));
        assert_eq!(PeerName::parse("[::1]").unwrap().as_str(), "::1");
        assert!(PeerName::parse("127.0.0.1").unwrap().is_loopback());
    }

    #[test]
    fn splits_ports_also_behind_ipv6() {
        let port = |t| PeerName::parse_with_port(t).map(|(n, p)| (n.to_string(), p));
        assert_eq!(port("mqtt:8883"), Ok(("mqtt".into(), Some(8883))));
        assert_eq!(port("[::1]:1883"), Ok(("::1".into(), Some(1883))));
        assert_eq!(port("::1"), Ok(("::1".into(), None)));
        assert_eq!(port("mqtt:0"), Err(NameError::Port("0".into())));
        assert_eq!(port("mqtt:x"), Err(NameError::Port("x".into())));
    }

    #[test]
    fn refuses_what_no_client_can_dial() {
        assert_eq!(PeerName::parse(""), Err(NameError::Empty));
        assert_eq!(PeerName::parse("a b"), Err(NameError::Character(' ')));
        assert_eq!(PeerName::parse("a\u{1b}b"), Err(NameError::Character('\u{1b}')));
    }

    #[test]
    fn escapes_everything_that_moves_the_cursor_or_reorders() {
        assert_eq!(escape("a\u{1b}[2J\r\n\u{202e}b\u{0}é"), "a\\x1b[2J\\r\\n\\u{202e}b\\x00é");
    }
}
