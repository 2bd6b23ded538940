//! The seed's deployment in three states, copied to a folder and given its CA, certificate, keys and logins.

use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::pbkdf2;
use time::{Duration, OffsetDateTime};

use crate::dn::Dn;
use crate::key::Key;
use crate::pem;
use crate::recipe::{Ca, Recipe};

/// The password of every login of the deployment: a demo's, known to everyone.
pub const PASSWORD: &str = "pulse-demo";

/// Where the project stands on its way to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// 1883 in plaintext.
    Before,
    /// The seed's steps 1 to 4: TLS everywhere, `MQTT_TLS_INSECURE: "true"`, the v1 certificate, clients forgotten.
    Insecure,
    /// Step 5 done: SANs, the flag off, every client verifying.
    After,
}

impl State {
    /// All of them.
    pub const ALL: [State; 3] = [State::Before, State::Insecure, State::After];

    /// The folder's name below `compose-fixtures/pulse`.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            State::Before => "before",
            State::Insecure => "insecure",
            State::After => "after",
        }
    }
}

/// When the deployment's certificates were made, seen from `now`: 282 days ago, of their 730.
#[must_use]
pub fn made_at(now: OffsetDateTime) -> OffsetDateTime {
    now - Duration::days(282)
}

/// Copies `compose-fixtures/pulse/<state>` to `dir` and makes its certificates there. Returns the folder `certs`.
///
/// # Errors
/// What the disk says.
pub fn pulse(dir: &Path, state: State, now: OffsetDateTime) -> io::Result<PathBuf> {
    let source =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../compose-fixtures/pulse")).join(state.folder());
    copy(&source, dir)?;
    let certs = dir.join("compose/mosquitto/certs");
    fs::create_dir_all(&certs)?;
    let ca = Ca::seed(now);
    let key = Key::rsa(2048, "server");
    let subject = Dn::of("CN=iot-mqtt, O=OpsConductor, C=US");
    let from = made_at(now);
    let plain = Recipe::leaf("iot-mqtt", &key, now).named(&subject).valid(from, from + Duration::days(730));
    let server = match state {
        State::Before | State::Insecure => plain.v1().sign(&ca),
        State::After => {
            let good = Recipe::server(&["iot-mqtt", "mqtt", "localhost", "127.0.0.1", "::1"], &key, now);
            good.named(&subject).sign(&ca)
        }
    };
    write(&certs.join("ca.crt"), ca.pem().as_bytes(), 0o644)?;
    write(&certs.join("ca.key"), ca.key.pkcs8_pem().as_bytes(), 0o600)?;
    write(&certs.join("server.crt"), server.pem().as_bytes(), 0o644)?;
    write(&certs.join("server.key"), key.pkcs8_pem().as_bytes(), 0o600)?;
    let request = Recipe::leaf("iot-mqtt", &key, now).named(&subject).request();
    write(&certs.join("server.csr"), pem::armour("CERTIFICATE REQUEST", &request).as_bytes(), 0o644)?;
    let logins = [passwd_line("service_pulse", PASSWORD), passwd_line("device_sim", PASSWORD)].concat();
    fs::create_dir_all(dir.join("compose/mosquitto/passwd"))?;
    write(&dir.join("compose/mosquitto/passwd/passwd"), logins.as_bytes(), 0o600)?;
    Ok(certs)
}

/// One line of a Mosquitto password file: `$7$`, PBKDF2-HMAC-SHA512 with 101 iterations, a salt of 12 bytes.
#[must_use]
pub fn passwd_line(user: &str, password: &str) -> String {
    let mut salt = [0; 12];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut salt).expect("random numbers");
    let iterations = NonZeroU32::new(101).expect("not zero");
    let mut hash = [0; 64];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, iterations, &salt, password.as_bytes(), &mut hash);
    format!("{user}:$7${iterations}${}${}\n", STANDARD.encode(salt), STANDARD.encode(hash))
}

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let _ = fs::remove_file(path);
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
