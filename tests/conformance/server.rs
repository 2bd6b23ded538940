//! A TLS server on loopback that sends exactly the certificates of a case, whatever they are, and answers an MQTT
//! CONNECT and an HTTP request, so that complete clients can be run against it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, Stream};

use mqttcert_fixtures::Key;

/// Serves from now until the process ends. Returns the port, the same on 127.0.0.1 and, where there is one, ::1.
pub fn serve(chain: &[Vec<u8>], key: &Key) -> u16 {
    let provider = rustls::crypto::ring::default_provider();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8()));
    let signer = provider.key_provider.load_private_key(private).expect("a key that ring takes");
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, signer));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    let port = listener.local_addr().expect("an address").port();
    accept(listener, &config);
    if let Ok(listener) = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))) {
        accept(listener, &config);
    }
    port
}

/// OpenSSL as the server, for names whose server name indication rustls refuses.
pub struct OpensslServer {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl OpensslServer {
    /// Starts it, if there is a Python.
    pub fn start(script: &Path) -> Option<OpensslServer> {
        let mut command = Command::new("python3");
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take()?));
        Some(OpensslServer { child, stdin, stdout })
    }

    /// Serves these files until this is dropped; the port.
    pub fn serve(&mut self, certificate: &Path, key: &Path) -> Option<u16> {
        let line = format!("{}\t{}\n", certificate.display(), key.display());
        self.stdin.as_mut()?.write_all(line.as_bytes()).ok()?;
        let mut port = String::new();
        self.stdout.read_line(&mut port).ok()?;
        port.trim().parse().ok()
    }
}

impl Drop for OpensslServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn accept(listener: TcpListener, config: &Arc<ServerConfig>) {
    let config = Arc::clone(config);
    let run = move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            let answered =
                thread::Builder::new().stack_size(256 * 1024).spawn(move || answer(stream, config));
            drop(answered);
        }
    };
    thread::Builder::new().stack_size(128 * 1024).spawn(run).expect("a thread");
}

/// Ends silently whatever happens: the client's own view is what counts.
fn answer(mut tcp: TcpStream, config: Arc<ServerConfig>) {
    let _ = tcp.set_read_timeout(Some(Duration::from_secs(8)));
    let _ = tcp.set_nodelay(true);
    let Ok(mut connection) = ServerConnection::new(config) else { return };
    let mut tls = Stream::new(&mut connection, &mut tcp);
    let mut data = [0; 4096];
    while let Ok(n @ 1..) = tls.read(&mut data) {
        let reply: &[u8] = match data[0] {
            0x10 => &[0x20, 2, 0, 0],
            0xc0 => &[0xd0, 0],
            b'G' | b'H' => b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nreached\n",
            _ => &[],
        };
        if tls.write_all(reply).is_err() || matches!(data[0], b'G' | b'H') || n == 0 {
            break;
        }
    }
    connection.send_close_notify();
    let _ = connection.write_tls(&mut tcp);
}
