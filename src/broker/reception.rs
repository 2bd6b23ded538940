//! The first bytes of a socket, before TLS or websockets: what OpenSSL and libwebsockets answer where rustls and
//! tungstenite would say something else, or nothing. Clients report the difference.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::mosquitto::{ListenerConf, Protocol};

use super::tls::exact;

/// Alert descriptions (RFC 8446 §6).
const UNEXPECTED_MESSAGE: u8 = 10;
const RECORD_OVERFLOW: u8 = 22;
const HANDSHAKE_FAILURE: u8 = 40;
pub(super) const DECODE_ERROR: u8 = 50;
const PROTOCOL_VERSION: u8 = 70;
const INTERNAL_ERROR: u8 = 80;

/// The longest record (RFC 5246 §6.2.3).
const MAX_RECORD: usize = 18_432;

/// With which alerts clients of TLS 1.0 and 1.1 are turned away. Measured on 2.0.11 with Debian's OpenSSL 3.0: where
/// the version is not forbidden, there is no signature that its security level allows, or no cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outdated {
    tls10: u8,
    tls11: u8,
}

impl Default for Outdated {
    fn default() -> Self {
        Self { tls10: PROTOCOL_VERSION, tls11: INTERNAL_ERROR }
    }
}

impl Outdated {
    /// From `tls_version` and `ciphers`; websockets listeners take no heed of the former.
    pub(super) fn of(conf: &ListenerConf) -> Self {
        // TLS 1.1 knows no authenticated encryption and no SHA-2.
        let new =
            |word: &&str| ["GCM", "CCM", "POLY1305", "SHA256", "SHA384"].iter().any(|w| word.ends_with(w));
        let none_left =
            |list: &str| exact(list).is_some_and(|words| words.iter().all(|w| new(w) || w.contains("GCM")));
        let otherwise = match &conf.ciphers {
            Some(list) if none_left(&list.value) => HANDSHAKE_FAILURE,
            _ => INTERNAL_ERROR,
        };
        let least = conf.tls_version.as_ref().map(|v| v.value.as_str());
        match (conf.protocol, least) {
            (Protocol::Websockets, _) => Self { tls10: otherwise, tls11: otherwise },
            (_, None | Some("tlsv1.1")) => Self { tls10: PROTOCOL_VERSION, tls11: otherwise },
            _ => Self { tls10: PROTOCOL_VERSION, tls11: PROTOCOL_VERSION },
        }
    }
}

/// What a TLS port's client begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A ClientHello: its first bytes.
    Tls(Vec<u8>),
    /// This is answered.
    Alert {
        /// The record's version: 3 for TLS 1.2.
        minor: u8,
        description: u8,
    },
    /// No TLS: Mosquitto closes without a word.
    Other,
}

/// Reads as far as OpenSSL must to know: a record's header, and the version that a ClientHello asks for.
pub(super) async fn first_bytes<S: AsyncRead + Unpin>(stream: &mut S, outdated: Outdated) -> First {
    let mut head = Vec::with_capacity(11);
    loop {
        if let Some(known) = known(&head, outdated) {
            return known;
        }
        let mut more = [0u8; 11];
        let room = more.len() - head.len().min(10);
        match stream.read(more.get_mut(..room).unwrap_or_default()).await {
            Ok(0) => return First::Alert { minor: 3, description: DECODE_ERROR },
            Ok(n) => head.extend_from_slice(more.get(..n).unwrap_or_default()),
            Err(_) => return First::Other,
        }
    }
}

fn known(head: &[u8], outdated: Outdated) -> Option<First> {
    let alert = |minor, description| First::Alert { minor, description };
    // What is no hello is read to the end of its record before it is refused.
    let refused = |a: u8, b: u8| match usize::from(u16::from_be_bytes([a, b])) {
        n if n > MAX_RECORD => Some(alert(3, RECORD_OVERFLOW)),
        n => (head.len() >= n + 5).then(|| alert(3, UNEXPECTED_MESSAGE)),
    };
    match head {
        // A hello of SSL 2 is awaited, and not read.
        [high @ 0x80..=0xff, low, 1, 3, ..] => {
            let length = usize::from(high & 0x7f) << 8 | usize::from(*low);
            (head.len() >= length + 2).then_some(First::Other)
        }
        [0x16, 3, _, _, _, 1, _, _, _, 3, minor, ..] => Some(match minor {
            0 => alert(0, PROTOCOL_VERSION),
            1 => alert(1, outdated.tls10),
            2 => alert(2, outdated.tls11),
            _ => First::Tls(head.to_vec()),
        }),
        [0x16, 3, _, a, b, kind, ..] if *kind != 1 => refused(*a, *b),
        [0x16, 3, ..] => (head.len() >= 11).then(|| First::Tls(head.to_vec())),
        [_, 3, _, a, b, ..] => refused(*a, *b),
        [_, _, _, _, _, ..] => Some(First::Other),
        _ => None,
    }
}

/// A fatal alert as a record of its own, in plaintext.
pub(super) fn alert(minor: u8, description: u8) -> [u8; 7] {
    [0x15, 3, minor, 0, 2, 2, description]
}

/// Says the last words and waits until the other side has heard them: a socket that is closed with unread bytes is
/// reset, and the words are lost.
pub(super) async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, words: &[u8]) {
    let work = async {
        stream.write_all(words).await?;
        stream.flush().await?;
        stream.shutdown().await?;
        let mut sink = [0u8; 1024];
        while stream.read(&mut sink).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_millis(500), work).await;
}

/// Whether an HTTP request with GET begins here, and the bytes by which that was seen. `None`: nothing came.
pub(super) async fn is_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    for expected in *b"GET " {
        let byte = stream.read_u8().await.ok()?;
        head.push(byte);
        if !byte.eq_ignore_ascii_case(&expected) {
            return Some((head, false));
        }
    }
    Some((head, true))
}

/// A stream of which the first bytes were read already.
pub(super) struct Prefixed<S> {
    head: Vec<u8>,
    at: usize,
    inner: S,
}

impl<S> Prefixed<S> {
    pub(super) fn new(head: Vec<u8>, inner: S) -> Self {
        Self { head, at: 0, inner }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.at < self.head.len() {
            let rest = self.head.get(self.at..).unwrap_or_default();
            let n = rest.len().min(buf.remaining());
            buf.put_slice(rest.get(..n).unwrap_or_default());
            self.at += n;
            if self.at == self.head.len() {
                (self.head, self.at) = (Vec::new(), 0);
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> Option<First> {
        known(bytes, Outdated::default())
    }

    #[test]
    fn plaintext_is_told_from_tls_by_the_fifth_byte() {
        assert_eq!(seen(&[0x10, 13, 0, 4]), None);
        assert_eq!(seen(&[0x10, 13, 0, 4, b'M']), Some(First::Other));
        assert_eq!(seen(&[0x16, 3, 1, 0]), None);
    }

    #[test]
    fn an_outdated_client_gets_its_alert_in_its_own_version() {
        let hello = |minor| [0x16, 3, 1, 0, 80, 1, 0, 0, 76, 3, minor];
        assert_eq!(seen(&hello(1)), Some(First::Alert { minor: 1, description: PROTOCOL_VERSION }));
        assert_eq!(seen(&hello(2)), Some(First::Alert { minor: 2, description: INTERNAL_ERROR }));
        assert_eq!(seen(&hello(3)), Some(First::Tls(hello(3).to_vec())));
    }
}
