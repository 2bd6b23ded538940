//! Keys made by the real OpenSSL, in every form; and everything that is no such key.

#![allow(clippy::print_stderr)]

use std::process::Command;

use super::*;

/// Runs a shell line in a fresh folder and gives the file `k` that it makes; `None` where this OpenSSL cannot.
fn made(line: &str) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("exec 2>/dev/null; {line}");
    let done = Command::new("sh").arg("-ec").arg(script).current_dir(dir.path()).status().unwrap();
    done.success().then(|| std::fs::read(dir.path().join("k")).unwrap())
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

const RSA: &str = "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out a || openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out a;";
const P256: &str = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out a;";
const P384: &str = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out a;";
const ED: &str = "openssl genpkey -algorithm ED25519 -out a;";

#[test]
fn reads_every_supported_kind_in_every_form_and_finds_its_public_key() {
    for (make, kind) in
        [(RSA, KeyKind::Rsa(2048)), (P256, KeyKind::P256), (P384, KeyKind::P384), (ED, KeyKind::Ed25519)]
    {
        let mut forms = vec!["cp a k".to_owned()];
        for cipher in [
            "-v2 aes-128-cbc -v2prf hmacWithSHA1",
            "-v2 aes-192-cbc",
            "-v2 des3",
            "-scrypt",
            "-v2 aes-256-cbc -v2prf hmacWithSHA512",
            "-v2 aes-256-cbc -v2prf hmacWithSHA384 -iter 10000",
        ] {
            forms.push(format!("openssl pkcs8 -topk8 {cipher} -passout pass:geheim -in a -out k"));
        }
        if kind != KeyKind::Ed25519 {
            forms.push("openssl pkey -traditional -in a -out k".to_owned());
            for cipher in ["aes128", "aes192", "aes256", "des3"] {
                forms.push(format!("openssl pkey -traditional -{cipher} -passout pass:geheim -in a -out k"));
            }
        }
        if matches!(kind, KeyKind::P256 | KeyKind::P384) {
            forms.push("(openssl ecparam -name prime256v1; openssl pkey -traditional -in a) > k".to_owned());
            forms.push("openssl ec -no_public -in a -out k".to_owned());
            forms.push("openssl ec -conv_form compressed -in a -out k".to_owned());
            forms.push("openssl pkey -in a | sed 's/$/\\r/' > k".to_owned());
        }
        for form in forms {
            let both = made(&format!("{make} {form}; openssl pkey -in k -passin pass:geheim -pubout -outform DER -out p; cat p >> k")).expect(&form);
            let end = both.windows(5).rposition(|w| w == b"-----").unwrap() + 5;
            let end = end + both[end..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            let (key, public) = both.split_at(end);
            let read = PrivateKey::read(key, Some(&secret("geheim")))
                .unwrap_or_else(|e| panic!("{kind} {form}: {e}"));
            assert_eq!(read.kind(), kind, "{form}");
            if !form.contains("compressed") {
                assert_eq!(read.spki_der(), public, "{kind} {form}");
            }
            if key.windows(9).any(|w| w == b"ENCRYPTED") {
                assert_eq!(PrivateKey::read(key, None).unwrap_err(), KeyError::PassphraseMissing, "{form}");
                assert_eq!(
                    PrivateKey::read(key, Some(&secret("x"))).unwrap_err(),
                    KeyError::PassphraseWrong,
                    "{form}"
                );
            }
        }
    }
}

#[test]
fn names_every_kind_it_does_not_use() {
    for (line, word) in [
        ("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out k", "P-521"),
        ("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out k", "secp256k1"),
        ("openssl genrsa -out k 1024", "RSA-1024"),
        ("openssl genrsa -traditional -out k 1024", "RSA-1024"),
        ("openssl genpkey -algorithm ED448 -out k", "Ed448"),
        ("openssl genpkey -algorithm X25519 -out k", "X25519"),
        ("openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out k", "RSA-PSS"),
        ("openssl dsaparam -out d 1024; openssl gendsa -out k d", "DSA"),
        (
            "openssl ecparam -name prime256v1 -genkey -noout -param_enc explicit -out k",
            "explicit curve parameters",
        ),
        ("openssl genpkey -algorithm ED25519 -outform DER -out k", "PKCS#8 private key in DER"),
        (
            "openssl genrsa -traditional 2048 | openssl rsa -traditional -outform DER -out k",
            "PKCS#1 (RSA) private key in DER",
        ),
        ("openssl genpkey -algorithm ED25519 -out a; openssl pkey -in a -pubout -out k", "a public key"),
        ("openssl req -x509 -newkey rsa:2048 -nodes -keyout a -subj /CN=x -out k", "a certificate"),
        (
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout a -subj /CN=x -out c; openssl pkcs12 -export -in c -inkey a -passout pass: -out k",
            "PKCS#12",
        ),
        ("ssh-keygen -q -t ed25519 -N '' -f k", "OpenSSH"),
        (
            "openssl genrsa -out a 2048; openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -passout pass:x -in a -out k",
            "PBES1",
        ),
        (
            "openssl genrsa -out a 2048; openssl pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy -provider default -passout pass:x -in a -out k",
            "-provider legacy",
        ),
        (
            "openssl genrsa -out a 2048; openssl pkcs8 -topk8 -v2 camellia-256-cbc -passout pass:x -in a -out k",
            "CAMELLIA-256",
        ),
        (
            "openssl genrsa -out a 2048; openssl rsa -traditional -camellia128 -passout pass:x -in a -out k",
            "CAMELLIA-128-CBC",
        ),
        (
            "openssl genrsa -out a 2048; openssl pkcs8 -topk8 -iter 20000000 -passout pass:x -in a -out k",
            "20000000 rounds",
        ),
        ("openssl genrsa -3 -out k 2048", "public exponent"),
        ("printf 'PuTTY-User-Key-File-3: ssh-ed25519\\n' > k", "PuTTY"),
        ("printf 'pkcs11:token=x' > k", "token"),
        ("printf '\\357\\273\\277' > k; openssl genrsa 2048 >> k", "byte order mark"),
        ("openssl genrsa 2048 | head -8 > k", "cut off"),
        ("printf '\\316\\316\\316\\316\\0\\0\\0\\2' > k", "JCEKS"),
        ("printf '\\36\\361\\265\\260\\0' > k", "PVK"),
        ("printf 'key\\n' | iconv -t UTF-16LE > k", "UTF-16"),
        ("openssl genrsa 2048 | base64 > k", "base64 of a PEM file"),
        ("printf '# created: now\\nAGE-SECRET-KEY-1X\\n' > k", "age identity"),
        ("printf -- '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\\n' > k", "ssh.com"),
        ("printf '{\"kty\":\"EC\"}' > k", "JWK"),
        (
            "openssl genrsa -traditional 2048 | sed 's/RSA P/EC P/' > k",
            "an RSA private key in a block that says EC",
        ),
        (
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3 -out k",
            "more than two primes",
        ),
        (
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:1099511627779 -out k",
            "more than 33 bits",
        ),
        (": > k", "empty"),
        ("echo hello > k", "neither PEM nor DER"),
    ] {
        let Some(key) = made(line) else {
            eprintln!("skipped: this machine's tools cannot `{line}`");
            continue;
        };
        let error = PrivateKey::read(&key, Some(&secret("x"))).map(|k| k.kind()).expect_err(line);
        assert!(error.to_string().contains(word), "{line}: {error}");
    }
}

/// OpenSSL goes by the structure of what is inside (measured: 3.0).
#[test]
fn a_key_under_another_label_loads_where_openssl_loads_it() {
    for line in [
        "openssl genrsa -traditional 2048 | sed 's/RSA P/P/' > k",
        "openssl ecparam -name prime256v1 -genkey -noout | sed 's/EC P/P/' > k",
        "openssl ecparam -name prime256v1 -genkey -noout | sed 's/EC P/ENCRYPTED P/' > k",
        "openssl genpkey -algorithm ED25519 | sed 's/PRIVATE/RSA PRIVATE/' > k",
        "openssl genrsa 2048 | openssl pkcs8 -topk8 -passout pass:geheim | sed 's/ENCRYPTED/EC/' > k",
    ] {
        let key = made(&format!("{line}; openssl pkey -in k -passin pass:geheim -noout")).expect(line);
        PrivateKey::read(&key, Some(&secret("geheim"))).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
}

/// The judgement is OpenSSL's own: what `openssl pkey` does with the file.
#[test]
fn tells_which_keys_openssl_does_not_load_although_they_are_read_here() {
    // Behind the private key: the public one (RFC 5958), attributes; a version that OpenSSL does not look at.
    let wrapped = |line: &str, version: u8, more: &[u8]| {
        let key = made(&format!("{line} openssl pkcs8 -topk8 -nocrypt -in a -outform DER -out k")).unwrap();
        let mut parts = der::Reader::new(&key).sequence().unwrap();
        parts.any();
        let (_, _, algorithm) = parts.any().unwrap();
        let (_, _, inner) = parts.any().unwrap();
        let whole = der::element(der::SEQUENCE, &[&[2, 1, version], algorithm, inner, more]);
        String::from_utf8(pem_of(&whole)).unwrap().replace("ENCRYPTED ", "")
    };
    let plain = String::from_utf8(made(&format!("{RSA} cp a k")).unwrap()).unwrap();
    let at = |line: usize, more: &str| {
        let mut lines: Vec<&str> = plain.lines().collect();
        lines.insert(line, more);
        lines.join("\n") + "\n"
    };
    let files = [
        plain.clone(),
        wrapped(ED, 0, &[]),
        wrapped(ED, 1, &[]),
        wrapped(ED, 1, &[0x81, 2, 0, 7]),
        wrapped(RSA, 0, &[0xa0, 0]),
        wrapped(RSA, 1, &[0x81, 2, 0, 7]),
        wrapped(P256, 1, &[0xa1, 4, 3, 2, 0, 7]),
        at(1, ""),
        at(1, "\n"),
        at(5, ""),
        at(5, "   "),
        at(1, "X-Note: x\n"),
        at(1, "X-Note: x"),
        at(1, "Proc-Type: 4,MIC-ONLY\n"),
        at(1, "DEK-Info: AES-128-CBC,00\n"),
        plain.replace("PRIVATE", "ANY PRIVATE"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut loaded = 0;
    for text in &files {
        let key = PrivateKey::read(text.as_bytes(), None).unwrap_or_else(|e| panic!("{text}: {e}"));
        std::fs::write(dir.path().join("k"), text).unwrap();
        let openssl = Command::new("openssl").args(["pkey", "-noout", "-in", "k"]).current_dir(&dir).output();
        let loads = openssl.unwrap().status.success();
        assert_eq!(key.refused_by_openssl().is_none(), loads, "{:?}: {text}", key.refused_by_openssl());
        loaded += usize::from(loads);
    }
    assert_eq!(loaded, 6, "of {}", files.len());
}

/// A file that lost its line ends was once shown whole as the "label" of its block.
#[test]
fn a_key_whose_lines_are_lost_is_named_and_never_shown() {
    let key = String::from_utf8(made(&format!("{P256} cp a k")).unwrap()).unwrap();
    let body: String = key.lines().nth(1).unwrap().chars().take(24).collect();
    for ends in ["\r", " ", "", "\\n", "\u{85}"] {
        let one = key.replace('\n', ends);
        for text in [one.clone(), format!("\"{one}\""), format!("  {key}").replace('\n', "\n  ")] {
            let error = PrivateKey::read(text.as_bytes(), None).map(|k| k.kind()).expect_err(&text);
            assert!(error.to_string().contains("BEGIN line does not stand alone"), "{ends:?}: {error}");
            assert!(!format!("{error} {error:?}").contains(&body), "{ends:?}: {error}");
        }
    }
    let long = format!("-----BEGIN {} PRIVATE KEY-----\n", "A".repeat(100_000));
    assert!(PrivateKey::read(long.as_bytes(), None).unwrap_err().to_string().len() < 300);
}

/// EncryptedPrivateKeyInfo with this key derivation, over AES-256-CBC with an IV of zeros.
fn encrypted(derivation: &[u8], key: &[u8; 32], clear: &[u8]) -> Vec<u8> {
    use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
    let mut data = [clear, &[0; 16]].concat();
    let cipher = cbc::Encryptor::<aes::Aes256>::new(key.into(), &[0; 16].into());
    let data = cipher.encrypt_padded::<Pkcs7>(&mut data, clear.len()).unwrap().to_vec();
    let oid = |content: &[u8]| der::element(der::OID, &[content]);
    let sequence = |parts: &[&[u8]]| der::element(der::SEQUENCE, parts);
    let aes256 = oid(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42]);
    let cipher = sequence(&[&aes256, &der::element(der::OCTET_STRING, &[&[0; 16]])]);
    let scheme = sequence(&[&oid(kinds::oid::PBES2), &sequence(&[derivation, &cipher])]);
    sequence(&[&scheme, &der::element(der::OCTET_STRING, &[&data])])
}

fn pem_of(der: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n")
        .into_bytes()
}

/// PKI.js salts with 64 octets; RFC 8018 sets no bound.
#[test]
fn a_salt_of_any_length_is_taken_and_a_costly_derivation_is_not() {
    let clear = made(&format!("{P256} openssl pkcs8 -topk8 -nocrypt -in a -outform DER -out k")).unwrap();
    let rounds = std::num::NonZeroU32::new(10).unwrap();
    let function = |oid: &[u8], parameters: &[&[u8]]| {
        let parameters = der::element(der::SEQUENCE, parameters);
        der::element(der::SEQUENCE, &[&der::element(der::OID, &[oid]), &parameters])
    };
    let number = |n: u64| der::unsigned(&n.to_be_bytes());
    for len in [0, 8, 64, 1000] {
        let salt = vec![7; len];
        let mut key = [0; 32];
        ring::pbkdf2::derive(ring::pbkdf2::PBKDF2_HMAC_SHA1, rounds, &salt, b"geheim", &mut key);
        let salt = der::element(der::OCTET_STRING, &[&salt]);
        for parameters in [vec![number(10)], vec![number(10), number(32)]] {
            let all: Vec<&[u8]> = std::iter::once(&salt).chain(&parameters).map(Vec::as_slice).collect();
            let file = pem_of(&encrypted(&function(kinds::oid::PBKDF2, &all), &key, &clear));
            let read = PrivateKey::read(&file, Some(&secret("geheim"))).unwrap();
            assert_eq!(read.kind(), KeyKind::P256);
        }
    }
    let salt = der::element(der::OCTET_STRING, &[b"12345678"]);
    let refused = |derivation: &[u8]| {
        let file = pem_of(&encrypted(derivation, &[0; 32], &clear));
        PrivateKey::read(&file, Some(&secret("geheim"))).map(|k| k.kind()).unwrap_err()
    };
    for (n, r, p) in [(1 << 40, 8, 1), (1 << 21, 1, 1), (16, 1 << 30, 1), (16, 1, 1 << 31), (1 << 15, 8, 16)]
    {
        let error = refused(&function(kinds::oid::SCRYPT, &[&salt, &number(n), &number(r), &number(p)]));
        assert!(matches!(error, KeyError::TooExpensive(_)), "{n} {r} {p}: {error}");
    }
    for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (16, 0, 1), (16, 8, 0)] {
        let error = refused(&function(kinds::oid::SCRYPT, &[&salt, &number(n), &number(r), &number(p)]));
        assert!(matches!(error, KeyError::Malformed { .. }), "{n} {r} {p}: {error}");
    }
    let error = refused(&function(kinds::oid::PBKDF2, &[&salt, &number(0)]));
    assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
    let error = refused(&function(kinds::oid::PBKDF2, &[&salt, &number(10), &number(16)]));
    assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
    let error = refused(&function(kinds::oid::PBKDF2, &[&salt, &number(3_000_001)]));
    assert!(matches!(error, KeyError::TooExpensive(_)), "{error}");
}

#[test]
fn survives_every_truncation_and_many_flips() {
    for line in [P256, ED, RSA] {
        let key = made(&format!("{line} openssl pkey -in a -out k")).unwrap();
        let block = block::find(&key).map(|b| b.der.to_vec()).unwrap();
        for cut in 0..block.len() {
            assert!(normal::from_pkcs8(&block[..cut]).is_err());
            let _ = normal::from_pkcs1(&block[cut..]);
            let _ = normal::from_sec1(&block[cut..], None);
        }
        for at in 0..block.len().min(120) {
            for bit in [0x01, 0x80, 0xff] {
                let mut flipped = block.clone();
                flipped[at] ^= bit;
                let _ = normal::from_pkcs8(&flipped);
            }
        }
    }
}

#[test]
fn debug_and_errors_show_no_secret() {
    let key = made(&format!("{P256} cp a k")).unwrap();
    let read = PrivateKey::read(&key, None).unwrap();
    assert_eq!(format!("{read:?}"), "PrivateKey(P-256, ***)");
}
