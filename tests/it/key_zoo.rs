//! Every private key that the installed OpenSSL can write: the kinds that are used load in every container and under
//! every encryption that is read; every other file gets an error that names what it is.
//!
//! `MQTTCERT_KEYS=all` makes about 1,800 of them; without it every seventh is made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mqttcert::cert::key::{KeyError, PrivateKey};

use super::peers;
use mqttcert::secret::Secret;

/// Kind, how OpenSSL makes it, and what an error has to say of it (none: it is used).
const KINDS: &[(&str, &str, Option<&str>)] = &[
    ("rsa2048", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", None),
    ("rsa3072", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", None),
    ("rsa-e3", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3", Some("exponent")),
    ("p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", None),
    ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", None),
    ("ed25519", "-algorithm ED25519", None),
    ("rsa1024", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", Some("1024")),
    ("rsa-pss", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", Some("RSA-PSS")),
    (
        "p256-explicit",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        Some("explicit"),
    ),
    ("p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", Some("P-521")),
    ("p224", "-algorithm EC -pkeyopt ec_paramgen_curve:P-224", Some("P-224")),
    ("p192", "-algorithm EC -pkeyopt ec_paramgen_curve:P-192", Some("P-192")),
    ("secp256k1", "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", Some("secp256k1")),
    ("brainpool256", "-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", Some("brainpoolP256r1")),
    ("brainpool512", "-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP512r1", Some("brainpoolP512r1")),
    ("sect283", "-algorithm EC -pkeyopt ec_paramgen_curve:sect283r1", Some("elliptic curve 1.3.132.0.17")),
    ("sm2", "-algorithm EC -pkeyopt ec_paramgen_curve:SM2", Some("SM2")),
    ("x25519", "-algorithm X25519", Some("X25519")),
    ("x448", "-algorithm X448", Some("X448")),
    ("ed448", "-algorithm ED448", Some("Ed448")),
    ("dsa", "-paramfile dsa.pem", Some("DSA")),
    ("dh", "-algorithm DH -pkeyopt group:ffdhe2048", Some("DH")),
];

/// What OpenSSL's traditional container encrypts with, and whether it is read.
const TRADITIONAL: &[(&str, bool)] = &[
    ("-aes128", true),
    ("-aes192", true),
    ("-aes256", true),
    ("-des3", true),
    ("-des", false),
    ("-camellia128", false),
    ("-camellia256", false),
    ("-aria128", false),
    ("-aria256", false),
    ("-seed", false),
    ("-idea", false),
];

/// Ciphers and PRFs of PBES2, and whether they are read.
const PBES2: &[(&str, bool)] = &[
    ("aes-128-cbc", true),
    ("aes-192-cbc", true),
    ("aes-256-cbc", true),
    ("des3", true),
    ("des-cbc", false),
    ("rc2-cbc", false),
    ("camellia-256-cbc", false),
    ("aria-256-cbc", false),
];
const PRFS: &[&str] = &[
    "hmacWithMD5",
    "hmacWithSHA1",
    "hmacWithSHA224",
    "hmacWithSHA256",
    "hmacWithSHA384",
    "hmacWithSHA512",
    "hmacWithSHA512-224",
    "hmacWithSHA512-256",
];
const PBES1: &[&str] =
    &["PBE-MD5-DES", "PBE-SHA1-DES", "PBE-SHA1-RC4-128", "PBE-SHA1-RC2-40", "PBE-SHA1-3DES", "PBE-SHA1-2DES"];

/// A file to be made: its name, the command, and what is to be said of it (none: it loads).
struct Case {
    name: String,
    command: String,
    says: Option<String>,
}

fn cases() -> Vec<Case> {
    let mut out = Vec::new();
    for (kind, _, unused) in KINDS {
        let mut add = |form: &str, command: String, says: Option<&str>| {
            out.push(Case {
                name: format!("{kind}.{form}"),
                command: format!("{command} -in {kind}.pem -out {kind}.{form}"),
                says: says.or(*unused).map(str::to_owned),
            });
        };
        let pkcs8 = "openssl pkcs8 -topk8 -provider legacy -provider default";
        add("plain", format!("{pkcs8} -nocrypt"), None);
        add("der", format!("{pkcs8} -nocrypt -outform DER"), Some("DER"));
        for (cipher, read) in PBES2 {
            for prf in PRFS {
                let how = format!("{pkcs8} -v2 {cipher} -v2prf {prf} -iter 10 -passout pass:secret");
                add(&format!("{cipher}.{prf}"), how, (!read).then_some("encrypted by"));
            }
        }
        add("scrypt", format!("{pkcs8} -scrypt -scrypt_N 1024 -passout pass:secret"), None);
        for pbe in PBES1 {
            let how = format!("{pkcs8} -v1 {pbe} -passout pass:secret");
            add(pbe, how, Some("encrypted by PBES1"));
        }
        let old = match *kind {
            k if k.starts_with("rsa") && k != "rsa-pss" => "rsa",
            k if k.starts_with('p') || k.contains("256") => "ec",
            "dsa" => "dsa",
            _ => continue,
        };
        let traditional = format!(
            "openssl {old} {}-provider legacy -provider default",
            if old == "rsa" { "-traditional " } else { "" }
        );
        add("old", traditional.clone(), None);
        add("old.der", format!("{traditional} -outform DER"), Some(if old == "dsa" { "DSA" } else { "DER" }));
        for (cipher, read) in TRADITIONAL {
            let how = format!("{traditional} {cipher} -passout pass:secret");
            add(&format!("old{cipher}"), how, (!read && old != "dsa").then_some("encrypted by"));
        }
    }
    out
}

fn sh(dir: &Path, script: &str) -> bool {
    let quiet = || Stdio::null();
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(dir)
        .stdout(quiet())
        .stderr(quiet())
        .status()
        .is_ok_and(|s| s.success())
}

/// The passphrase is never what an error shows.
fn words(error: &KeyError) -> String {
    let text = error.to_string();
    assert!(!text.contains("secret"), "{text}");
    text
}

#[test]
fn every_key_that_openssl_writes_loads_or_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    if !sh(dir, "openssl version") {
        peers::skip_this("openssl is not installed");
        return;
    }
    sh(dir, "openssl dsaparam -out dsa.pem 2048");
    for (kind, how, _) in KINDS {
        sh(dir, &format!("openssl genpkey {how} -out {kind}.pem"));
    }
    let every = if std::env::var_os("MQTTCERT_KEYS").is_some() { 1 } else { 7 };
    let all: Vec<Case> = cases().into_iter().step_by(every).collect();
    // A file: so many commands are more than one argument holds.
    let script: String = all.iter().map(|c| format!("{}\n", c.command)).collect();
    fs::write(dir.join("make.sh"), script).unwrap();
    // Some combinations are beyond the installed OpenSSL: what it did not write is left out.
    sh(dir, "sh make.sh");
    let (mut seen, mut loaded) = (0, 0);
    let mut wrong = BTreeMap::new();
    for case in &all {
        let Ok(bytes) = fs::read(dir.join(&case.name)) else { continue };
        if bytes.is_empty() {
            continue;
        }
        // As it is, with CRLF, behind a certificate's text, and cut in the middle.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut shapes = vec![("as it is", bytes.clone())];
        if text.starts_with("-----") {
            shapes.push(("CRLF", text.replace('\n', "\r\n").into_bytes()));
            shapes.push(("after a comment", format!("Bag Attributes\n  x: 1\n{text}").into_bytes()));
        }
        for (shape, bytes) in shapes {
            seen += 1;
            let start = Instant::now();
            let with = PrivateKey::read(&bytes, Some(&Secret::new(b"secret".to_vec())));
            assert!(start.elapsed() < Duration::from_secs(10), "{}: {:?}", case.name, start.elapsed());
            let fits = match (&with, &case.says) {
                (Ok(_), None) => true,
                (Err(e), Some(word)) => words(e).contains(word),
                _ => false,
            };
            loaded += usize::from(with.is_ok());
            if !fits {
                wrong.insert(format!("{} ({shape})", case.name), format!("{with:?}, wanted {:?}", case.says));
            }
            if text.contains("ENCRYPTED") {
                let without = PrivateKey::read(&bytes, None);
                let other = PrivateKey::read(&bytes, Some(&Secret::new(b"other".to_vec())));
                if without.is_ok() || other.is_ok() {
                    wrong.insert(
                        format!("{} without its passphrase", case.name),
                        format!("{without:?} {other:?}"),
                    );
                }
            }
        }
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        if let Ok(key) = PrivateKey::read(half, Some(&Secret::new(b"secret".to_vec()))) {
            wrong.insert(format!("{} cut in two", case.name), format!("{key:?}"));
        }
    }
    println!("{seen} files of {} combinations, {loaded} loaded", all.len());
    assert!(seen > 200 && loaded > 50, "{seen} files, {loaded} loaded: too few to say anything");
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}
