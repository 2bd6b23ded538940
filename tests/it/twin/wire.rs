//! A raw MQTT client over TCP, TLS and websockets: it says what came, byte for byte, and how it ended.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use mqttcert_fixtures::eyes::Eyes;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// How a connection ended, or that it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The other side closed.
    Closed,
    /// A TLS alert, by its name.
    Alert(String),
    /// Nothing came in time.
    Silence,
    /// TLS or websockets broke.
    Broken(String),
}

impl End {
    fn of(e: &std::io::Error) -> Self {
        if let Some(tls) = e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            return match tls {
                rustls::Error::AlertReceived(alert) => Self::Alert(format!("{alert:?}")),
                other => Self::Broken(other.to_string()),
            };
        }
        match e.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::Silence,
            _ => Self::Closed,
        }
    }
}

/// What a client shows and speaks in its TLS handshake.
#[derive(Clone, Default)]
pub struct Tls {
    /// Empty: TLS 1.2 and 1.3.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Certificates and PKCS#8 key.
    pub identity: Option<(Vec<Vec<u8>>, Vec<u8>)>,
    /// Only these suites, if any are named.
    pub suites: Vec<rustls::CipherSuite>,
}

/// What the handshake showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaken {
    pub version: String,
    pub suite: String,
    pub chain: Vec<Vec<u8>>,
}

/// A connection.
pub struct Wire {
    stream: Box<dyn Stream>,
    websocket: bool,
    raw: Vec<u8>,
    buffer: Vec<u8>,
    pub shaken: Option<Shaken>,
}

impl Wire {
    pub fn open(port: u16, tls: Option<&Tls>, websocket: bool) -> Result<Self, End> {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).map_err(|e| End::of(&e))?;
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
        let mut shaken = None;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(tcp),
            Some(tls) => {
                let (config, eyes) = config(tls);
                let name = ServerName::try_from("localhost").unwrap();
                let mut session = rustls::ClientConnection::new(config, name).unwrap();
                while session.is_handshaking() {
                    session.complete_io(&mut tcp).map_err(|e| End::of(&e))?;
                }
                shaken = Some(Shaken {
                    version: format!("{:?}", session.protocol_version().unwrap()),
                    suite: format!("{:?}", session.negotiated_cipher_suite().unwrap().suite()),
                    chain: eyes.chain(),
                });
                Box::new(rustls::StreamOwned::new(session, tcp))
            }
        };
        let mut wire = Self { stream, websocket: false, raw: Vec::new(), buffer: Vec::new(), shaken };
        if websocket {
            wire.upgrade()?;
        }
        Ok(wire)
    }

    fn upgrade(&mut self) -> Result<(), End> {
        self.send(
            b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Protocol: mqtt\r\n\r\n",
        )?;
        let end = loop {
            if let Some(at) = self.raw.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill()?;
        };
        let head = String::from_utf8_lossy(&self.raw[..end]).to_lowercase();
        let accepted = head.contains("s3pplmbitxaq9kygzzhzrbk+xoo=") && head.contains("protocol: mqtt");
        if !head.starts_with("http/1.1 101") || !accepted {
            return Err(End::Broken(head));
        }
        self.raw.drain(..end);
        self.websocket = true;
        Ok(())
    }

    fn fill(&mut self) -> Result<(), End> {
        let mut piece = [0; 16384];
        match self.stream.read(&mut piece) {
            Ok(0) => Err(End::Closed),
            Ok(n) => {
                self.raw.extend_from_slice(&piece[..n]);
                Ok(())
            }
            Err(e) => Err(End::of(&e)),
        }
    }

    pub fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        let framed;
        let bytes = if self.websocket {
            framed = frame(bytes);
            &framed
        } else {
            bytes
        };
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).map_err(|e| End::of(&e))
    }

    /// The next MQTT packet, whole.
    pub fn packet(&mut self) -> Result<Vec<u8>, End> {
        loop {
            if let Some(len) = packet_len(&self.buffer)
                && self.buffer.len() >= len
            {
                return Ok(self.buffer.drain(..len).collect());
            }
            if !self.websocket {
                if self.raw.is_empty() {
                    self.fill()?;
                }
                self.buffer.append(&mut self.raw);
                continue;
            }
            match unframe(&self.raw) {
                None => self.fill()?,
                Some((8, _, _)) => return Err(End::Closed),
                Some((_, start, end)) => {
                    self.buffer.extend_from_slice(&self.raw[start..end]);
                    self.raw.drain(..end);
                }
            }
        }
    }

    /// Sends a ping and gathers everything that comes before its answer.
    pub fn settle(&mut self) -> Result<Vec<Vec<u8>>, End> {
        self.send(&[0xc0, 0])?;
        let mut seen = Vec::new();
        loop {
            match self.packet()? {
                p if p == [0xd0, 0] => return Ok(seen),
                p => seen.push(p),
            }
        }
    }
}

/// A masked frame (RFC 6455 §5.2) whose mask is zero.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x82];
    match u16::try_from(bytes.len()).unwrap() {
        n @ 0..126 => out.push(0x80 | n as u8),
        n => {
            out.push(0x80 | 126);
            out.extend(n.to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend_from_slice(bytes);
    out
}

/// Opcode, beginning and end of the payload of the first whole frame.
fn unframe(raw: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, len) = match *raw.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*raw.get(2)?, *raw.get(3)?]))),
        127 => (10, usize::try_from(u64::from_be_bytes(raw.get(2..10)?.try_into().ok()?)).ok()?),
        n => (2, usize::from(n)),
    };
    (raw.len() >= start + len).then(|| (raw[0] & 0x0f, start, start + len))
}

fn packet_len(bytes: &[u8]) -> Option<usize> {
    let mut len = 0;
    for (i, b) in bytes.iter().skip(1).take(4).enumerate() {
        len |= usize::from(b & 0x7f) << (7 * i);
        if b & 0x80 == 0 {
            return Some(len + i + 2);
        }
    }
    None
}

/// A string of MQTT.
pub fn text(t: &[u8]) -> Vec<u8> {
    let mut out = (t.len() as u16).to_be_bytes().to_vec();
    out.extend_from_slice(t);
    out
}

/// A packet from its first byte and the parts of its body.
pub fn packet(head: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![head];
    let mut n = body.len();
    loop {
        out.push((n % 128) as u8 | if n > 127 { 0x80 } else { 0 });
        n /= 128;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&body);
    out
}

/// A CONNECT; the version is 3 (MQTT 3.1), 4 (3.1.1) or 5.
pub fn connect(version: u8, clean: bool, id: &str, user: Option<&str>, password: Option<&str>) -> Vec<u8> {
    let mut flags = if clean { 2 } else { 0 };
    let mut tail = text(id.as_bytes());
    for (bit, value) in [(0x80, user), (0x40, password)] {
        if let Some(value) = value {
            flags |= bit;
            tail.extend(text(value.as_bytes()));
        }
    }
    let name = text(if version == 3 { b"MQIsdp" } else { b"MQTT" });
    let properties: &[u8] = if version == 5 { &[0] } else { &[] };
    packet(0x10, &[&name, &[version, flags, 0, 60], properties, &tail])
}

/// Shows its certificate whatever issuers the server hints at, as OpenSSL's clients do.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn config(tls: &Tls) -> (Arc<ClientConfig>, Arc<Eyes>) {
    let eyes = Arc::new(Eyes::default());
    let mut provider = rustls::crypto::ring::default_provider();
    if !tls.suites.is_empty() {
        provider.cipher_suites.retain(|s| tls.suites.contains(&s.suite()));
    }
    let versions = if tls.versions.is_empty() { rustls::ALL_VERSIONS } else { &tls.versions };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(eyes.clone());
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let key = PrivateKeyDer::Pkcs8(key.clone().into());
            let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
            let chain = chain.iter().map(|c| CertificateDer::from(c.clone())).collect();
            builder.with_client_cert_resolver(Arc::new(Shown(Arc::new(CertifiedKey::new(chain, key)))))
        }
    };
    config.resumption = rustls::client::Resumption::disabled();
    (Arc::new(config), eyes)
}
