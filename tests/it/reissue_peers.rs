//! What `mqttcert reissue` makes, in the eyes of others: OpenSSL, GnuTLS, Go, Java, Node, Python and rustls, beside what
//! the seed's own OpenSSL commands make from the same files; and from foreign CAs of every kind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert_fixtures::dn::{Attr, Dn, Text};
use mqttcert_fixtures::pulse::{State, pulse};
use mqttcert_fixtures::{Ca, Key, Recipe};
use time::OffsetDateTime;

use crate::peers::{self, Running};

const BINARY: &str = env!("CARGO_BIN_EXE_mqttcert");

/// Names that the reissued certificate must cover.
const NAMES: [&str; 4] = ["iot-mqtt", "localhost", "127.0.0.1", "::1"];

fn reissue(dir: &Path, more: &[&str]) -> (i32, String) {
    peers::run(Command::new(BINARY).arg("reissue").arg(dir).args(more))
}

fn openssl(dir: &Path, script: &str) -> (i32, String) {
    peers::run(Command::new("sh").args(["-ec", script]).current_dir(dir))
}

fn project(name: &str) -> (PathBuf, PathBuf) {
    let dir = peers::folder(name);
    let certs = pulse(&dir, State::Insecure, OffsetDateTime::now_utc()).unwrap();
    (dir, certs)
}

/// OpenSSL's word on a certificate for every name.
fn openssl_accepts(certs: &Path, file: &str, strict: bool) {
    let strict = if strict { "-x509_strict" } else { "" };
    for name in NAMES {
        let kind = if name.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
        let (status, text) =
            openssl(certs, &format!("openssl verify {strict} -CAfile ca.crt {kind} {name} {file}"));
        assert_eq!(status, 0, "{file} {name}: {text}");
    }
}

/// Serves the folder's certificate with OpenSSL.
fn serve(certs: &Path) -> (Running, u16) {
    let port = peers::free_port();
    let server = Running::start(
        Command::new("openssl")
            .args([
                "s_server",
                "-quiet",
                "-accept",
                &port.to_string(),
                "-cert",
                "server.crt",
                "-key",
                "server.key",
            ])
            .current_dir(certs),
    );
    assert!(peers::soon(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()), "{}", server.log());
    (server, port)
}

#[test]
fn every_peer_accepts_the_reissued_certificate_for_every_name() {
    let test = "every_peer_accepts_the_reissued_certificate_for_every_name";
    if !peers::there(test, &["openssl"]) {
        return;
    }
    let (dir, certs) = project("peers-reissue");
    let (status, text) = reissue(&dir, &[]);
    assert_eq!(status, 0, "{text}");
    // The CA has no keyUsage, which strict mode refuses whatever the leaf is.
    openssl_accepts(&certs, "server.crt", false);

    // The seed's own commands on the same files cover fewer names, and are accepted for theirs.
    let seed =
        "printf '%s\\n' '[req]' 'prompt = no' 'distinguished_name = dn' 'req_extensions = v3_req' '[dn]' \
         'CN = iot-mqtt' '[v3_req]' 'subjectAltName = DNS:iot-mqtt,DNS:localhost,IP:127.0.0.1' > server.cnf
         openssl req -new -key server.key -out seed.csr -config server.cnf
         openssl x509 -req -in seed.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out seed.crt -days 3650 \
           -extensions v3_req -extfile server.cnf
         openssl verify -CAfile ca.crt -verify_hostname iot-mqtt seed.crt";
    let (status, text) = openssl(&certs, seed);
    assert_eq!(status, 0, "{text}");

    let (_server, port) = serve(&certs);
    let ca = certs.join("ca.crt").display().to_string();
    for name in NAMES {
        if peers::there(test, &["gnutls-cli"]) {
            let mut command = Command::new("gnutls-cli");
            command.args([
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "--x509cafile",
                &ca,
                "--verify-hostname",
                name,
            ]);
            let (status, text) = peers::run(&mut command);
            assert_eq!(status, 0, "GnuTLS {name}: {text}");
        }
        if peers::there(test, &["node"]) {
            let code = "const [port, ca, name] = process.argv.slice(1); const tls = require('tls');
                const s = tls.connect({host: '127.0.0.1', port, ca: require('fs').readFileSync(ca),
                  checkServerIdentity: (_, c) => tls.checkServerIdentity(name, c)}, () => process.exit(0));
                s.on('error', e => { console.log(e.message); process.exit(1); });";
            let (status, text) =
                peers::run(Command::new("node").args(["-e", code, &port.to_string(), &ca, name]));
            assert_eq!(status, 0, "Node {name}: {text}");
        }
        if peers::there(test, &["python3"]) {
            let code = "import socket, ssl, sys\nport, ca, name = sys.argv[1:]\n\
                c = ssl.create_default_context(cafile=ca)\n\
                c.wrap_socket(socket.create_connection(('127.0.0.1', int(port))), server_hostname=name)";
            let (status, text) =
                peers::run(Command::new("python3").args(["-c", code, &port.to_string(), &ca, name]));
            assert_eq!(status, 0, "Python {name}: {text}");
        }
        webpki_accepts(&certs, name);
    }
}

/// webpki, which rustls clients verify with.
fn webpki_accepts(certs: &Path, name: &str) {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

    let der = |file: &str| CertificateDer::from_pem_file(certs.join(file)).unwrap();
    let (ca, server) = (der("ca.crt"), der("server.crt"));
    let anchor = webpki::anchor_from_trusted_cert(&ca).unwrap();
    let leaf = webpki::EndEntityCert::try_from(&server).unwrap();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        &[],
        UnixTime::now(),
        webpki::KeyUsage::server_auth(),
        None,
        None,
    )
    .unwrap_or_else(|e| panic!("webpki {}: {e}", certs.display()));
    leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap()).unwrap();
}

#[test]
fn foreign_cas_of_every_kind_sign_what_openssl_and_webpki_verify() {
    if !peers::there("foreign_cas_of_every_kind_sign_what_openssl_and_webpki_verify", &["openssl"]) {
        return;
    }
    let now = OffsetDateTime::now_utc();
    let one = |kind: Text, value: &str| {
        Dn::from_attrs(vec![Attr::new("O", kind, value), Attr::new("CN", kind, "CA")])
    };
    let subjects = [
        ("multivalued", Dn::of("C=US, O=Acme+OU=IoT, CN=Acme CA")),
        ("printable", one(Text::Printable, "Acme Ltd")),
        ("utf8", one(Text::Utf8, "Bürger GmbH")),
        ("bmp", one(Text::Bmp, "Bürger GmbH")),
        ("empty-organisation", one(Text::Utf8, "")),
    ];
    let keys = [
        ("rsa4096", Key::rsa(4096, "ca")),
        ("p256", Key::p256()),
        ("p384", Key::p384()),
        ("ed25519", Key::ed25519()),
    ];
    for (key_kind, key) in &keys {
        for (subject_kind, subject) in &subjects {
            let (dir, certs) = project(&format!("peers-ca-{key_kind}-{subject_kind}"));
            let ca: Ca = Recipe::ca("CN=x", key, now).named(subject).self_sign();
            fs::write(certs.join("ca.crt"), ca.pem()).unwrap();
            fs::write(certs.join("ca.key"), key.traditional_pem()).unwrap();
            let (status, text) = reissue(&dir, &[]);
            assert_eq!(status, 0, "{key_kind} {subject_kind}: {text}");
            openssl_accepts(&certs, "server.crt", true);
            for name in NAMES {
                webpki_accepts(&certs, name);
            }
        }
    }
}

#[test]
fn what_is_no_certificate_is_one_clear_error_and_changes_nothing() {
    type Spoil = fn(&Path);
    let wrong: &[(&str, Spoil, &str)] = &[
        ("empty", |c| fs::write(c.join("ca.crt"), "").unwrap(), "ca.crt"),
        ("a key", |c| _ = fs::copy(c.join("server.key"), c.join("ca.crt")).unwrap(), "ca.crt"),
        ("no CA key", |c| fs::remove_file(c.join("ca.key")).unwrap(), "ca.key"),
        ("empty CA key", |c| fs::write(c.join("ca.key"), "").unwrap(), "ca.key"),
        ("a certificate as CA key", |c| _ = fs::copy(c.join("ca.crt"), c.join("ca.key")).unwrap(), "ca.key"),
        ("another CA's key", |c| _ = fs::copy(c.join("server.key"), c.join("ca.key")).unwrap(), "ca.key"),
        ("no server key", |c| fs::remove_file(c.join("server.key")).unwrap(), "server.key"),
    ];
    for (number, (what, spoil, named)) in wrong.iter().enumerate() {
        let (dir, certs) = project(&format!("peers-wrong-{number}"));
        spoil(&certs);
        let before = fs::read(certs.join("server.crt")).unwrap();
        let (status, text) = reissue(&dir, &[]);
        assert_eq!(status, 2, "{what}: {text}");
        assert!(text.contains(named), "{what}: {text}");
        assert!(text.lines().filter(|l| l.starts_with("mqttcert: ")).count() == 1, "{what}: {text}");
        assert_eq!(before, fs::read(certs.join("server.crt")).unwrap(), "{what}");
        assert!(!certs.join(".mqttcert").exists(), "{what}");
    }
}

#[test]
fn a_folder_without_a_deployment_is_nothing_to_judge() {
    let dir = peers::folder("peers-nothing");
    for command in ["check", "verdict", "reissue", "rehearse"] {
        let (status, text) = peers::run(Command::new(BINARY).arg(command).arg(&dir));
        assert_eq!(status, 2, "{command}: {text}");
        assert!(text.starts_with("mqttcert: "), "{command}: {text}");
    }
}
