//! An MQTT 3.1.1 client on the broker's own codec, over TCP, TLS, websockets, or both.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::broker::websocket::{WebSocket, limits};
use crate::mosquitto::Protocol;
use crate::mqtt::decode::{Cut, decode, frame};
use crate::mqtt::packet::{Connect, Packet, Publish, Subscription};
use crate::mqtt::{Properties, QoS, Version, encode};

const MAX: usize = 1 << 20;

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// What went wrong, as a client would report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No TCP connection.
    Unreachable(String),
    /// The TLS handshake failed.
    Tls(String),
    /// The websocket handshake failed.
    Websocket(String),
    /// The other side closed.
    Closed(String),
    /// CONNACK said no.
    Refused(u8),
    /// Nothing came in time.
    Timeout(&'static str),
    /// Something else came.
    Unexpected(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(e) => write!(f, "no connection: {e}"),
            Self::Tls(e) => write!(f, "TLS: {e}"),
            Self::Websocket(e) => write!(f, "websocket: {e}"),
            Self::Closed(e) => write!(f, "connection closed: {e}"),
            Self::Refused(4) => f.write_str("CONNACK 4, bad user name or password"),
            Self::Refused(5) => f.write_str("CONNACK 5, not authorised"),
            Self::Refused(n) => write!(f, "CONNACK {n}"),
            Self::Timeout(what) => write!(f, "no {what} in time"),
            Self::Unexpected(e) => write!(f, "unexpected answer: {e}"),
        }
    }
}

/// How to get to a broker.
#[derive(Clone)]
pub(super) struct Way {
    pub address: SocketAddr,
    pub protocol: Protocol,
    /// The TLS configuration and the name that goes into the handshake.
    pub tls: Option<(Arc<ClientConfig>, String)>,
    pub patience: Duration,
}

/// A connection on which MQTT can be spoken.
pub(super) struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    patience: Duration,
}

async fn within<T>(
    patience: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(Failure::Timeout(what)))
}

fn closed(e: io::Error) -> Failure {
    Failure::Closed(match e.kind() {
        io::ErrorKind::UnexpectedEof => "by the broker".into(),
        _ => e.to_string(),
    })
}

impl Client {
    /// TCP, TLS and websocket handshake, as far as the way asks for them.
    pub(super) async fn open(way: &Way) -> Result<Self, Failure> {
        within(way.patience, "handshake", async {
            let tcp =
                TcpStream::connect(way.address).await.map_err(|e| Failure::Unreachable(e.to_string()))?;
            let _ = tcp.set_nodelay(true);
            let (stream, host): (Box<dyn Stream>, String) = match &way.tls {
                None => (Box::new(tcp), way.address.to_string()),
                Some((config, name)) => {
                    let name_of = ServerName::try_from(name.clone())
                        .unwrap_or_else(|_| ServerName::IpAddress(way.address.ip().into()));
                    let tls = TlsConnector::from(config.clone())
                        .connect(name_of, tcp)
                        .await
                        .map_err(|e| Failure::Tls(e.to_string()))?;
                    (Box::new(tls), name.clone())
                }
            };
            let stream = match way.protocol {
                Protocol::Mqtt => stream,
                Protocol::Websockets => {
                    let scheme = if way.tls.is_some() { "wss" } else { "ws" };
                    let host = if host.contains(':') && !host.starts_with('[') && way.tls.is_some() {
                        format!("[{host}]")
                    } else {
                        host
                    };
                    let failed = |e: tokio_tungstenite::tungstenite::Error| Failure::Websocket(e.to_string());
                    let mut request =
                        format!("{scheme}://{host}/mqtt").into_client_request().map_err(failed)?;
                    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
                    let (socket, _) =
                        tokio_tungstenite::client_async_with_config(request, stream, Some(limits(MAX)))
                            .await
                            .map_err(failed)?;
                    Box::new(WebSocket::new(socket))
                }
            };
            Ok(Self { stream, buffer: Vec::new(), patience: way.patience })
        })
        .await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let work = async {
            self.stream.write_all(bytes).await.map_err(closed)?;
            self.stream.flush().await.map_err(closed)
        };
        within(self.patience, "room to write", work).await
    }

    /// Waits for a packet of which `pick` makes something; others are passed over.
    async fn wait<T>(
        &mut self,
        what: &'static str,
        mut pick: impl FnMut(Packet<'_>) -> Option<T>,
    ) -> Result<T, Failure> {
        let (stream, buffer) = (&mut self.stream, &mut self.buffer);
        within(self.patience, what, async {
            loop {
                loop {
                    let used = match frame(buffer, MAX) {
                        Ok(Cut::Partial(_)) => break,
                        Ok(Cut::Frame(f)) => {
                            let packet =
                                decode(f, Version::V311).map_err(|e| Failure::Unexpected(e.to_string()))?;
                            if let Some(found) = pick(packet) {
                                let used = f.len;
                                buffer.drain(..used);
                                return Ok(found);
                            }
                            f.len
                        }
                        Err(e) => return Err(Failure::Unexpected(e.to_string())),
                    };
                    buffer.drain(..used);
                }
                let n = stream.read_buf(buffer).await.map_err(closed)?;
                if n == 0 {
                    return Err(Failure::Closed("by the broker".into()));
                }
            }
        })
        .await
    }

    /// CONNECT and CONNACK.
    pub(super) async fn login(&mut self, id: &str, user: Option<(&str, &[u8])>) -> Result<(), Failure> {
        let mut out = Vec::new();
        encode::connect(
            &mut out,
            &Connect {
                version: Version::V311,
                bridge: false,
                clean: true,
                keep_alive: 30,
                client_id: id,
                will: None,
                username: user.map(|u| u.0),
                password: user.map(|u| u.1),
                properties: Properties::default(),
            },
        );
        self.send(&out).await?;
        let code = self
            .wait("CONNACK", |p| match p {
                Packet::ConnAck { code, .. } => Some(code),
                _ => None,
            })
            .await?;
        if code == 0 { Ok(()) } else { Err(Failure::Refused(code)) }
    }

    /// Subscribes to a topic, publishes to it, and waits for the same bytes.
    pub(super) async fn round_trip(&mut self, topic: &str, payload: &[u8]) -> Result<(), Failure> {
        let mut out = Vec::new();
        let filter = Subscription {
            filter: topic,
            qos: QoS::AtMostOnce,
            no_local: false,
            retain_as_published: false,
            retain_handling: 0,
        };
        encode::subscribe(&mut out, Version::V311, 1, &[filter]);
        let message = Publish {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: false,
            topic,
            id: 0,
            properties: Properties::default(),
            payload,
        };
        encode::publish(&mut out, Version::V311, &message);
        self.send(&out).await?;
        let mut granted = false;
        let same = self
            .wait("message", |p| match p {
                Packet::SubAck { codes, .. } => {
                    granted = codes.first().is_some_and(|c| *c < 0x80);
                    (!granted).then_some(false)
                }
                Packet::Publish(p) if p.topic == topic => Some(p.payload == payload),
                _ => None,
            })
            .await?;
        match (granted, same) {
            (true, true) => Ok(()),
            (false, _) => Err(Failure::Unexpected("the subscription was refused".into())),
            (true, false) => Err(Failure::Unexpected("other bytes came back".into())),
        }
    }

    /// Subscribes and waits for the answer; whether the ACL lets messages through is another matter.
    pub(super) async fn subscribe(&mut self, filter: &str) -> Result<(), Failure> {
        let mut out = Vec::new();
        let filter = Subscription {
            filter,
            qos: QoS::AtMostOnce,
            no_local: false,
            retain_as_published: false,
            retain_handling: 0,
        };
        encode::subscribe(&mut out, Version::V311, 1, &[filter]);
        self.send(&out).await?;
        self.wait("SUBACK", |p| matches!(p, Packet::SubAck { .. }).then_some(())).await
    }

    /// Publishes, and waits until the broker has dealt with it.
    pub(super) async fn publish(&mut self, topic: &str, payload: &[u8]) -> Result<(), Failure> {
        let mut out = Vec::new();
        let properties = Properties::default();
        let qos = QoS::AtMostOnce;
        let message = Publish { dup: false, qos, retain: false, topic, id: 0, properties, payload };
        encode::publish(&mut out, Version::V311, &message);
        encode::pingreq(&mut out);
        self.send(&out).await?;
        self.wait("PINGRESP", |p| matches!(p, Packet::PingResp).then_some(())).await
    }

    /// Whether this payload has come: everything that the broker has for this client stands before its next PINGRESP.
    pub(super) async fn has_got(&mut self, payload: &[u8]) -> Result<bool, Failure> {
        let mut out = Vec::new();
        encode::pingreq(&mut out);
        self.send(&out).await?;
        let mut got = false;
        self.wait("PINGRESP", |p| match p {
            Packet::Publish(p) => {
                got |= p.payload == payload;
                None
            }
            Packet::PingResp => Some(()),
            _ => None,
        })
        .await?;
        Ok(got)
    }

    /// DISCONNECT.
    pub(super) async fn goodbye(mut self) {
        let mut out = Vec::new();
        encode::disconnect(&mut out, Version::V311, 0);
        let _ = self.send(&out).await;
        let _ = tokio::time::timeout(Duration::from_millis(200), self.stream.shutdown()).await;
    }
}
