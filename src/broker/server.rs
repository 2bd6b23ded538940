//! Sockets and the one thread that serves them all: whoever starts the broker owns it, and it ends with its handle.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use crate::cert::Certificate;
use crate::mosquitto::Protocol;

use super::connection::{Shared, serve};
use super::core::Core;
use super::log::Log;
use super::plan::{ListenerPlan, Plan, Wire};
use super::reception::{self, First, Prefixed};
use super::websocket::{FORBIDDEN, WebSocket};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Where and how the broker is started.
#[derive(Clone)]
pub struct Options {
    /// The address to bind to.
    pub bind: IpAddr,
    /// Ports of the configuration that are served on another port (0: a free one).
    pub ports: BTreeMap<u16, u16>,
    /// Every other port is served on a free one.
    pub free_ports: bool,
    /// Where log lines go.
    pub log: Option<Arc<dyn Fn(&str) + Send + Sync>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { bind: Ipv4Addr::LOCALHOST.into(), ports: BTreeMap::new(), free_ports: true, log: None }
    }
}

/// A listener that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Its index in [`Plan::listeners`].
    pub index: usize,
    /// The port of the configuration.
    pub port: u16,
    /// Where it really listens.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// MQTT or websockets.
    pub protocol: Protocol,
}

/// A running broker; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// The listeners that are open.
    pub bound: Vec<Bound>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Stops and waits until everything has ended (at most about a second).
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Opens every listener that can be served and starts the broker on a thread of its own.
///
/// # Errors
/// The port and the system's words, where a port cannot be opened.
pub fn start(plan: Plan, options: &Options) -> Result<Running, StartError> {
    let mut bound = Vec::new();
    let mut sockets = Vec::new();
    for (index, l) in plan.listeners.iter().enumerate() {
        if matches!(l.wire, Wire::Refused(_) | Wire::Cannot(_)) {
            continue;
        }
        let wanted = options.ports.get(&l.port).copied();
        let port = wanted.unwrap_or(if options.free_ports { 0 } else { l.port });
        let failed =
            |source| StartError { port: l.port, address: SocketAddr::new(options.bind, port), source };
        let socket = StdListener::bind((options.bind, port)).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        // The standard library's 128 overflow in a burst, and who is turned away tries again a second later.
        rustix::net::listen(&socket, BACKLOG).map_err(|e| failed(e.into()))?;
        let address = socket.local_addr().map_err(failed)?;
        let tls = matches!(l.wire, Wire::Tls(_));
        bound.push(Bound { index, port: l.port, address, tls, protocol: l.protocol });
        sockets.push((index, socket));
    }
    let (stop, stopped) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|source| StartError { port: 0, address: SocketAddr::new(options.bind, 0), source })?;
    let sink = options.log.clone();
    let thread = std::thread::Builder::new()
        .name("broker".into())
        .spawn(move || {
            let log = sink.map_or_else(Log::default, |sink| Log::to(Rc::new(move |line: &str| sink(line))));
            let set = LocalSet::new();
            set.block_on(&runtime, run(plan, sockets, log, stopped));
        })
        .map_err(|source| StartError { port: 0, address: SocketAddr::new(options.bind, 0), source })?;
    Ok(Running { bound, stop: Some(stop), thread: Some(thread) })
}

/// A port that cannot be opened.
#[derive(Debug)]
pub struct StartError {
    /// The port of the configuration.
    pub port: u16,
    /// What was asked of the system.
    pub address: SocketAddr,
    /// What it said.
    pub source: io::Error,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "listener {}: {} cannot be opened: {}; choose another with --port {}=0",
            self.port, self.address, self.source, self.port
        )
    }
}

impl std::error::Error for StartError {}

async fn run(plan: Plan, sockets: Vec<(usize, StdListener)>, log: Log, stopped: oneshot::Receiver<()>) {
    let policies = plan.listeners.iter().map(|l| l.policy.clone()).collect();
    let shared = Shared::new(Core::new(policies, plan.limits, plan.bounds, log));
    {
        let core = shared.core.borrow();
        core.log.notice(|| {
            format!("mqttcert {} starting, as a twin of mosquitto 2.0", env!("CARGO_PKG_VERSION"))
        });
        for (index, socket) in &sockets {
            let Some(l) = plan.listeners.get(*index) else { continue };
            let (kind, port) = match (l.protocol, socket.local_addr()) {
                (Protocol::Websockets, Ok(a)) => ("websockets", a.port()),
                (Protocol::Mqtt, Ok(a)) if a.is_ipv6() => ("ipv6", a.port()),
                (Protocol::Mqtt, Ok(a)) => ("ipv4", a.port()),
                (_, Err(_)) => continue,
            };
            core.log.notice(|| format!("Opening {kind} listen socket on port {port}."));
        }
        core.log.notice(|| "running".into());
    }
    let listeners: Vec<Rc<ListenerPlan>> = plan.listeners.into_iter().map(Rc::new).collect();
    for (index, socket) in sockets {
        let Some(listener) = listeners.get(index).cloned() else { continue };
        let Ok(socket) = TcpListener::from_std(socket) else { continue };
        tokio::task::spawn_local(accept(shared.clone(), index, listener, socket, plan.limits.packet));
    }
    let sweep = {
        let shared = shared.clone();
        async move {
            let mut every = tokio::time::interval(Duration::from_millis(250));
            loop {
                every.tick().await;
                shared.core.borrow_mut().tick(Instant::now());
            }
        }
    };
    tokio::select! {
        _ = stopped => {}
        () = sweep => {}
    }
    shared.core.borrow_mut().stop(Instant::now());
    // What was said at the end gets a moment to go out.
    let deadline = Instant::now() + Duration::from_millis(300);
    while !shared.core.borrow().conns.is_empty() && Instant::now() < deadline {
        tokio::task::yield_now().await;
        if !shared.core.borrow().conns.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn accept(
    shared: Rc<Shared>,
    index: usize,
    listener: Rc<ListenerPlan>,
    socket: TcpListener,
    max: usize,
) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                let key = shared.core.borrow_mut().open(index, peer, Instant::now());
                if let Some(key) = key {
                    let (shared, listener) = (shared.clone(), listener.clone());
                    tokio::task::spawn_local(async move {
                        welcome(&shared, key, &listener, stream, max).await;
                        shared.core.borrow_mut().closed(key, Instant::now());
                    });
                }
                // Whoever came before gets a turn first: in a flood it would be taken for one of the silent.
                tokio::task::yield_now().await;
            }
            // Out of file descriptors: the next tick may have some.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn welcome(
    shared: &Rc<Shared>,
    key: usize,
    listener: &ListenerPlan,
    mut stream: TcpStream,
    max: usize,
) {
    let _ = stream.set_nodelay(true);
    let Wire::Tls(config) = &listener.wire else {
        speak(shared, key, listener.protocol, &mut stream, max).await;
        // Mosquitto reads no further than the packet that it refuses: what is unread makes a reset of the close.
        if shared.core.borrow().conns.get(&key).is_some_and(|c| c.reset) {
            let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
        }
        return;
    };
    if let Some(stream) = Box::pin(secured(shared, key, listener, config, stream)).await {
        speak(shared, key, listener.protocol, stream, max).await;
    }
}

type Secured = Box<TlsStream<Prefixed<TcpStream>>>;

/// The TLS handshake; `None` where it came to nothing, and the client was told what Mosquitto tells it.
///
/// Boxed, as its result: otherwise every connection, a plain one too, would be as large as the largest handshake.
async fn secured(
    shared: &Rc<Shared>,
    key: usize,
    listener: &ListenerPlan,
    config: &Arc<ServerConfig>,
    mut stream: TcpStream,
) -> Option<Secured> {
    let first = shared.unless_ended(key, Box::pin(reception::first_bytes(&mut stream, listener.outdated)));
    let head = match first.await? {
        First::Tls(head) => head,
        First::Alert { minor, description } => {
            let alert = reception::alert(minor, description);
            shared.unless_ended(key, Box::pin(reception::farewell(&mut stream, &alert))).await;
            return None;
        }
        First::Other => return None,
    };
    let stream = Prefixed::new(head, stream);
    let handshake = TlsAcceptor::from(config.clone()).accept(stream).into_fallible();
    match shared.unless_ended(key, Box::pin(handshake)).await? {
        Ok(stream) => {
            let leaf =
                stream.get_ref().1.peer_certificates().and_then(|c| Certificate::from_der(c.first()?).ok());
            let name = leaf.and_then(|leaf| listener.identity.of(&leaf));
            if let Some(conn) = shared.core.borrow_mut().conns.get_mut(&key) {
                conn.certificate_name = name;
            }
            Some(Box::new(stream))
        }
        Err((e, mut stream)) => {
            shared.core.borrow().log.notice(|| format!("TLS handshake failed: {e}"));
            // rustls says nothing to a client that stops in the middle; OpenSSL calls it a decode error.
            let eof = e.kind() == io::ErrorKind::UnexpectedEof;
            let alert = if eof { reception::alert(3, reception::DECODE_ERROR).to_vec() } else { Vec::new() };
            shared.unless_ended(key, Box::pin(reception::farewell(&mut stream, &alert))).await;
            None
        }
    }
}

async fn speak<S>(shared: &Rc<Shared>, key: usize, protocol: Protocol, stream: S, max: usize)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match protocol {
        Protocol::Mqtt => serve(shared.clone(), key, stream, None).await,
        Protocol::Websockets => Box::pin(speak_in_frames(shared, key, stream, max)).await,
    }
}

async fn speak_in_frames<S>(shared: &Rc<Shared>, key: usize, mut stream: S, max: usize)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = shared.unless_ended(key, Box::pin(reception::is_request(&mut stream))).await;
    let Some(Some((head, is_request))) = request else { return };
    if !is_request {
        shared.unless_ended(key, Box::pin(reception::farewell(&mut stream, FORBIDDEN))).await;
        return;
    }
    let handshake = Box::pin(WebSocket::accept(Prefixed::new(head, stream), max));
    if let Some(Ok(stream)) = shared.unless_ended(key, handshake).await {
        let below = stream.unfinished();
        serve(shared.clone(), key, stream, Some(below)).await;
    }
}
