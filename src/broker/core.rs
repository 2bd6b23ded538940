//! The broker's state without sockets: packets in, bytes into outboxes out.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::mqtt::connect::decode_connect;
use crate::mqtt::decode::{Cut, decode, frame};
use crate::mqtt::{Fault, Frame, Version, encode};

use super::access::{Access, Identity};
use super::bounds::{Bounds, ListenerBounds};
use super::identifiers::Identifiers;
use super::log::Log;
use super::message::Message;
use super::session::Session;
use super::subscriptions::{Subscriber, Subscriptions};

/// What one listener asks of its clients.
#[derive(Debug, Clone, Default)]
pub(super) struct Policy {
    pub port: u16,
    pub access: Access,
    pub certificate_names_user: bool,
    pub username_as_client_id: bool,
    pub mount_point: Option<String>,
    pub max_connections: Option<usize>,
    pub ids: Identifiers,
    pub bounds: ListenerBounds,
}

/// Caps that keep a hostile client from taking the memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest packet, in bytes.
    pub packet: usize,
    /// Most bytes that wait for one client.
    pub outbox: usize,
    /// Most bytes that wait for all clients.
    pub waiting: usize,
    /// Most bytes that sessions, subscriptions, queued and retained messages take.
    pub held: usize,
    /// Most bytes of packets that have not arrived whole; beyond it the largest is cut.
    pub unfinished: usize,
    /// Most connections in all.
    pub connections: usize,
    /// Most connections that have not sent their CONNECT; the oldest gives way.
    pub silent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Each of the others has room for one message as large as may be.
            packet: 9 << 18,
            outbox: 5 << 19,
            waiting: 5 << 19,
            held: 5 << 19,
            unfinished: 5 << 19,
            connections: 4096,
            silent: 256,
        }
    }
}

/// Mosquitto's cap for CONNECT.
const MAX_CONNECT: usize = 100_000;
/// How long a client may take for TLS, websocket handshake and CONNECT.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Why a connection ends, in Mosquitto's log words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Disconnected { with_will: bool },
    Closed,
    Malformed,
    Protocol,
    NotAuthorised,
    Timeout,
    TooLarge,
    NotSupported,
    TakenOver,
    Stopped,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub listener: usize,
    pub peer: SocketAddr,
    /// The name that the client's certificate gives, where the listener takes it.
    pub certificate_name: Option<String>,
    pub session: Option<usize>,
    pub version: Version,
    pub id: Rc<str>,
    pub user: Option<Rc<str>>,
    pub unrestricted: bool,
    /// Says that it is a bridge.
    pub bridge: bool,
    pub out: Vec<u8>,
    pub waker: Option<Waker>,
    /// Close as soon as the outbox is empty.
    pub closing: bool,
    /// Do not wait for the outbox.
    pub gone: bool,
    /// Bytes came behind what was refused: the close is a reset.
    pub reset: bool,
    pub deadline: Option<Instant>,
    pub keep_alive: Option<Duration>,
    pub aliases: Vec<Option<Rc<str>>>,
    pub max_out: usize,
    pub session_expiry_at_connect: u32,
    /// Bytes for this client that are counted in [`Core::waiting`].
    pub counted: usize,
    /// Bytes from this client that are no whole packet yet.
    pub unfinished: usize,
}

impl Conn {
    /// What the topics behind this client's aliases take in memory.
    pub(super) fn alias_weight(&self) -> usize {
        self.aliases.iter().flatten().map(|topic| topic.len()).sum()
    }

    pub(super) fn wake(&self) {
        if let Some(w) = &self.waker {
            w.wake_by_ref();
        }
    }
}

/// Everything.
pub(super) struct Core {
    pub policies: Vec<Policy>,
    pub limits: Limits,
    pub bounds: Bounds,
    pub log: Log,
    pub conns: BTreeMap<usize, Conn>,
    next_conn: usize,
    pub sessions: BTreeMap<usize, Session>,
    next_session: usize,
    pub by_id: HashMap<Rc<str>, usize>,
    pub subscriptions: Subscriptions,
    pub retained: BTreeMap<Box<str>, Rc<Message>>,
    pub held: usize,
    pub(super) unfinished: usize,
    /// Bytes of QoS 0 messages that no socket has taken yet.
    pub waiting: usize,
    pub scratch: Vec<Subscriber>,
    last_auto: u64,
    pub wills_due: bool,
}

impl Core {
    pub(super) fn new(policies: Vec<Policy>, limits: Limits, bounds: Bounds, log: Log) -> Self {
        Self {
            policies,
            limits,
            bounds,
            log,
            conns: BTreeMap::new(),
            next_conn: 1,
            sessions: BTreeMap::new(),
            next_session: 1,
            by_id: HashMap::new(),
            subscriptions: Subscriptions::default(),
            retained: BTreeMap::new(),
            held: 0,
            unfinished: 0,
            waiting: 0,
            scratch: Vec::new(),
            last_auto: 0,
            wills_due: false,
        }
    }

    /// A connection was accepted; `None` if there is no room for it.
    pub(super) fn open(&mut self, listener: usize, peer: SocketAddr, now: Instant) -> Option<usize> {
        let port = self.policies.get(listener).map_or(0, |p| p.port);
        self.log.notice(|| format!("New connection from {}:{} on port {port}.", peer.ip(), peer.port()));
        let of_listener = self.conns.values().filter(|c| c.listener == listener).count();
        let most = self.policies.get(listener).and_then(|p| p.max_connections);
        if most.is_some_and(|m| of_listener >= m) || self.conns.len() >= self.limits.connections {
            let ip = peer.ip();
            self.log.notice(|| format!("Client connection from {ip} denied: max_connections exceeded."));
            return None;
        }
        let silent = || self.conns.iter().filter(|(_, c)| c.session.is_none() && !c.closing);
        if silent().count() >= self.limits.silent
            && let Some(oldest) = silent().map(|(k, _)| *k).next()
            && let Some(c) = self.conns.get_mut(&oldest)
        {
            c.closing = true;
            c.wake();
        }
        let key = self.next_conn;
        self.next_conn += 1;
        let conn = Conn {
            listener,
            peer,
            certificate_name: None,
            session: None,
            version: Version::V311,
            id: Rc::from("<unknown>"),
            user: None,
            unrestricted: false,
            bridge: false,
            out: Vec::new(),
            waker: None,
            closing: false,
            gone: false,
            reset: false,
            deadline: Some(now + CONNECT_WITHIN),
            keep_alive: None,
            aliases: Vec::new(),
            max_out: usize::MAX,
            session_expiry_at_connect: 0,
            counted: 0,
            unfinished: 0,
        };
        self.conns.insert(key, conn);
        Some(key)
    }

    /// This much of a packet waits for its rest. Where there is too much of it in all, whoever keeps most is cut.
    pub(super) fn unfinished(&mut self, key: usize, bytes: usize, now: Instant) {
        let Some(conn) = self.conns.get_mut(&key) else { return };
        let before = std::mem::replace(&mut conn.unfinished, bytes);
        self.unfinished = (self.unfinished + bytes).saturating_sub(before);
        while self.unfinished > self.limits.unfinished {
            let Some((&most, _)) = self.conns.iter().max_by_key(|(_, c)| c.unfinished) else { return };
            let Some(conn) = self.conns.get_mut(&most) else { return };
            self.unfinished = self.unfinished.saturating_sub(conn.unfinished);
            conn.unfinished = 0;
            self.end(most, End::TooLarge, now);
            // At once: its memory is what this is about.
            if let Some(conn) = self.conns.get_mut(&most) {
                conn.gone = true;
                conn.wake();
            }
        }
    }

    /// Bytes came in. Returns how many were used; what is left is the beginning of a packet.
    pub(super) fn input(&mut self, key: usize, bytes: &[u8], now: Instant) -> usize {
        let mut used = 0;
        loop {
            let Some(conn) = self.conns.get_mut(&key) else { return bytes.len() };
            if conn.closing {
                return bytes.len();
            }
            let rest = bytes.get(used..).unwrap_or_default();
            // Anything but a CONNECT is cut at its first byte, as Mosquitto does it.
            if conn.session.is_none() && rest.first().is_some_and(|b| b >> 4 != 1) {
                conn.reset = rest.len() > 1;
                self.end(key, End::Protocol, now);
                return bytes.len();
            }
            // `max_packet_size` does not count the bytes of the length.
            let most = self.bounds.packet.map_or(usize::MAX, |n| n.get() as usize - 1);
            let most = most.min(if conn.session.is_none() { MAX_CONNECT } else { self.limits.packet });
            match frame(rest, most) {
                Ok(Cut::Partial(_)) => return used,
                Ok(Cut::Frame(f)) => {
                    if let Some(k) = conn.keep_alive {
                        conn.deadline = Some(now + k);
                    }
                    used += f.len;
                    let silent = conn.session.is_none();
                    if let Err(end) = self.take(key, f, now) {
                        if let Some(conn) = self.conns.get_mut(&key) {
                            conn.reset = silent && conn.out.is_empty() && used < bytes.len();
                        }
                        self.end(key, end, now);
                    }
                }
                Err(fault) => {
                    if fault == Fault::TooLarge {
                        self.say_goodbye(key, fault);
                    }
                    self.end(key, end_of(fault), now);
                }
            }
        }
    }

    fn take(&mut self, key: usize, f: Frame<'_>, now: Instant) -> Result<(), End> {
        let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
        let version = conn.version;
        let Some(session) = conn.session else {
            self.admits_will(key, f)?;
            let Some(conn) = self.conns.get_mut(&key) else { return Ok(()) };
            return match decode_connect(f) {
                Ok(c) => self.connect(key, &c, now),
                Err(Fault::UnknownVersion(v)) => {
                    let ip = conn.peer.ip();
                    encode::connack(&mut conn.out, Version::V311, false, 1, &Default::default());
                    self.log.notice(|| format!("Invalid protocol version {v} in CONNECT from {ip}."));
                    Err(End::Protocol)
                }
                Err(Fault::IdentifierRejected) => {
                    encode::connack(&mut conn.out, Version::V311, false, 2, &Default::default());
                    Err(End::Protocol)
                }
                Err(_) => Err(End::Protocol),
            };
        };
        // A second CONNECT takes the will of the first with it, and the session.
        if f.head >> 4 == 1
            && let Some(s) = self.sessions.get_mut(&session)
        {
            (s.will, s.expiry) = (None, 0);
        }
        let packet = self.admits_publish(key, f.head).and_then(|()| decode(f, version)).map_err(|fault| {
            self.say_goodbye(key, fault);
            end_of(fault)
        })?;
        self.packet(key, session, packet, now).map_err(|fault| {
            self.say_goodbye(key, fault);
            end_of(fault)
        })
    }

    fn say_goodbye(&mut self, key: usize, fault: Fault) {
        if let Some(c) = self.conns.get_mut(&key)
            && c.version == Version::V5
            && c.session.is_some()
        {
            let reason = match fault {
                Fault::Unanswered => return,
                Fault::Malformed => 0x81,
                Fault::Protocol | Fault::UnknownVersion(_) | Fault::IdentifierRejected => 0x82,
                Fault::TopicAlias => 0x94,
                Fault::TooLarge => 0x95,
                Fault::RetainNotSupported => 0x9a,
                Fault::NotSupported => 0x9b,
            };
            encode::disconnect(&mut c.out, Version::V5, reason);
        }
    }

    pub(super) fn new_session(&mut self, s: Session) -> usize {
        let number = self.next_session;
        self.next_session += 1;
        self.held += session_weight(&s.id);
        self.by_id.insert(s.id.clone(), number);
        self.sessions.insert(number, s);
        number
    }

    /// An identifier for a client that brings none, in Mosquitto's shape.
    pub(super) fn auto_id(&mut self, prefix: &str) -> Rc<str> {
        self.last_auto += 1;
        let mut bytes = [0u8; 16];
        if ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).is_err() {
            bytes = u128::from(self.last_auto).to_be_bytes();
        }
        let hex = format!("{:032X}", u128::from_be_bytes(bytes));
        let part = |a: usize, b: usize| hex.get(a..b).unwrap_or_default().to_owned();
        let parts = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)];
        Rc::from(format!("{prefix}{}", parts.join("-")))
    }

    /// As whom somebody logs in.
    pub(super) fn login(&self, listener: usize, user: Option<&str>, pw: Option<&[u8]>) -> Option<Identity> {
        self.policies.get(listener)?.access.login(user, pw)
    }
}

/// Roughly what a session takes in memory.
pub(super) fn session_weight(id: &str) -> usize {
    id.len() + 700
}

/// Roughly what a subscription takes in memory.
pub(super) fn subscription_weight(filter: &str) -> usize {
    filter.len() * 3 + 700 * (1 + filter.bytes().filter(|&b| b == b'/').count())
}

fn end_of(fault: Fault) -> End {
    match fault {
        Fault::Malformed => End::Malformed,
        Fault::TooLarge => End::TooLarge,
        Fault::NotSupported | Fault::RetainNotSupported => End::NotSupported,
        Fault::Protocol
        | Fault::UnknownVersion(_)
        | Fault::IdentifierRejected
        | Fault::TopicAlias
        | Fault::Unanswered => End::Protocol,
    }
}
