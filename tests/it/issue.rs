//! `init`, `issue`, `revoke` and `ca` with real peers: Mosquitto, OpenSSL, easy-rsa.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::peers::{self, Running, run, there};

fn mqttcert(dir: &Path, args: &[&str]) -> (i32, String) {
    run(Command::new(env!("CARGO_BIN_EXE_mqttcert")).args(args).current_dir(dir))
}

fn ok(dir: &Path, args: &[&str]) -> String {
    let (code, text) = mqttcert(dir, args);
    assert_eq!(code, 0, "mqttcert {args:?}: {text}");
    text
}

fn sh(dir: &Path, script: &str) -> (i32, String) {
    run(Command::new("sh").arg("-ec").arg(script).current_dir(dir))
}

fn sh_ok(dir: &Path, script: &str) -> String {
    let (code, text) = sh(dir, script);
    assert_eq!(code, 0, "{script}: {text}");
    text
}

/// A CA that OpenSSL made, with nothing around it.
fn with_ca(name: &str) -> PathBuf {
    let dir = peers::folder(name);
    sh_ok(
        &dir,
        "mkdir ca; openssl ecparam -name prime256v1 -genkey -noout -out ca/ca.key
         openssl req -x509 -new -key ca/ca.key -subj '/O=T/CN=Test CA' -days 3650 -out ca/ca.crt",
    );
    dir
}

const CONF: &str = "[ca]\ndefault_ca=d\n[d]\ndatabase=ca/index.txt\nserial=ca/serial\ncrlnumber=ca/crlnumber\n\
    certificate=ca/ca.crt\nprivate_key=ca/ca.key\nnew_certs_dir=.\ndefault_md=sha256\ndefault_days=30\n\
    default_crl_days=30\npolicy=p\n[p]\ncommonName=supplied\n";

#[test]
fn a_device_connects_until_its_revocation_is_reloaded() {
    if !there("a_device_connects_until_its_revocation_is_reloaded", &["mosquitto", "mosquitto_sub"]) {
        return;
    }
    let dir = peers::folder("issue-mosquitto");
    fs::create_dir_all(dir.join("mosquitto")).unwrap();
    fs::write(
        dir.join("docker-compose.yml"),
        "services:\n  mqtt:\n    image: eclipse-mosquitto:2.0\n    container_name: iot-mqtt\n    volumes:\n      \
         - ./mosquitto/mosquitto.conf:/mosquitto/config/mosquitto.conf:ro\n      \
         - ./mosquitto/certs:/mosquitto/certs:ro\n",
    )
    .unwrap();
    let port = peers::free_port();
    let conf = "listener PORT\nallow_anonymous true\ncafile /mosquitto/certs/ca.crt\n\
        certfile /mosquitto/certs/server.crt\nkeyfile /mosquitto/certs/server.key\nrequire_certificate true\n\
        use_identity_as_username true\ncrlfile /mosquitto/certs/crl.pem\nlog_type all\n";
    let conf = conf.replace("PORT", &port.to_string());
    fs::write(dir.join("mosquitto/mosquitto.conf"), &conf).unwrap();
    ok(&dir, &["init"]);
    let (code, text) = mqttcert(&dir, &["init"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("init overwrites nothing"), "{text}");
    ok(&dir, &["issue", "tenant/dev1", "dev2"]);

    // The key is the container's user's; this Mosquitto stays what it is started as.
    let here = conf.replace("/mosquitto/certs", &dir.join("mosquitto/certs").display().to_string());
    fs::write(dir.join("here.conf"), format!("{here}user root\n")).unwrap();
    let broker =
        Running::start(Command::new(peers::find("mosquitto").unwrap()).arg("-c").arg(dir.join("here.conf")));
    assert!(broker.says("running"), "{}", broker.log());
    let connects = |device: &str| {
        let (code, _) = run(Command::new("mosquitto_sub")
            .args(["-h", "localhost", "-p", &port.to_string(), "-t", "x", "-E", "-W", "5"])
            .arg("--cafile")
            .arg(dir.join("mosquitto/certs/ca.crt"))
            .arg("--cert")
            .arg(dir.join(format!("clients/{device}.crt")))
            .arg("--key")
            .arg(dir.join(format!("clients/{device}.key"))));
        code == 0
    };
    assert!(connects("tenant/dev1"), "{}", broker.log());
    assert!(broker.says("u'tenant/dev1'"), "{}", broker.log());
    let said = ok(&dir, &["revoke", "tenant/dev1", "--reason", "keyCompromise"]);
    assert!(said.contains("docker compose exec mqtt kill -HUP 1"), "{said}");
    sh_ok(&dir, &format!("kill -HUP {}", broker.id()));
    assert!(broker.says("Reloading config"), "{}", broker.log());
    assert!(!connects("tenant/dev1"), "{}", broker.log());
    assert!(connects("dev2"), "{}", broker.log());
}

#[test]
fn openssl_goes_on_with_our_ledger_and_we_with_its() {
    let dir = with_ca("issue-openssl");
    ok(&dir, &["issue", "t/a", "b"]);
    ok(&dir, &["revoke", "t/a", "--reason", "superseded"]);
    fs::write(dir.join("c.cnf"), CONF).unwrap();
    let text = sh_ok(
        &dir,
        "openssl ca -config c.cnf -gencrl -out x.pem; openssl crl -in x.pem -noout -text
         openssl ca -config c.cnf -updatedb; echo 1000 > ca/serial
         openssl req -new -newkey rsa:2048 -nodes -keyout o.key -subj /CN=theirs -out o.csr
         openssl ca -batch -config c.cnf -in o.csr -out o.crt -notext",
    );
    assert_eq!(
        text.matches("Serial Number:").count(),
        1 + text.matches("Serial Number: 4096").count(),
        "{text}"
    );
    assert!(text.contains("Superseded"), "{text}");
    let (code, said) = mqttcert(&dir, &["issue", "theirs"]);
    assert_eq!(code, 1, "{said}");
    ok(&dir, &["revoke", "1000"]);
    let crl = sh_ok(&dir, "openssl crl -in ca/crl.pem -noout -text -CAfile ca/ca.crt");
    assert!(crl.contains("verify OK") && crl.contains("Serial Number: 1000"), "{crl}");
    // A CRL number only grows.
    assert!(crl.contains("CRL Number: \n                3"), "{crl}");
}

#[test]
fn easy_rsa_and_we_share_a_ledger() {
    let name = "easy_rsa_and_we_share_a_ledger";
    let easy = Path::new("/usr/share/easy-rsa/easyrsa");
    if !easy.exists() {
        return peers::skip(name, "easy-rsa is not installed");
    }
    let dir = peers::folder("issue-easyrsa");
    let rsa = "export EASYRSA_BATCH=1 EASYRSA_PKI=$PWD/pki EASYRSA_ALGO=ec EASYRSA=/usr/share/easy-rsa; \
        E=/usr/share/easy-rsa/easyrsa;";
    sh_ok(
        &dir,
        &format!(
            "{rsa} $E init-pki; $E build-ca nopass; $E build-client-full theirs nopass; $E build-client-full kept nopass"
        ),
    );
    ok(&dir, &["issue", "ours"]);
    sh_ok(&dir, "openssl verify -purpose sslclient -CAfile pki/ca.crt clients/ours.crt");
    sh_ok(&dir, &format!("{rsa} $E revoke theirs; $E gen-crl"));
    ok(&dir, &["revoke", "ours"]);
    let crl = sh_ok(&dir, "openssl crl -in pki/crl.pem -noout -text -CAfile pki/ca.crt");
    assert_eq!(crl.matches("Serial Number:").count(), 2, "{crl}");
    sh_ok(&dir, &format!("{rsa} $E gen-crl; $E update-db"));
    // easy-rsa's certificates name their issuer by serial: the renewed CA has to keep it.
    let said = ok(&dir, &["ca", "renew"]);
    // NSS answers SEC_ERROR_REUSED_ISSUER_AND_SERIAL where it has one file and is sent the other.
    assert!(said.contains("at once  nss: the serial stays"), "{said}");
    sh_ok(&dir, "openssl verify -CAfile pki/ca.crt clients/ours.crt pki/issued/kept.crt");
}

#[test]
fn a_renewed_ca_satisfies_strict_and_keeps_every_leaf() {
    let dir = peers::folder("ca-renew");
    // What `openssl req -x509` makes without keyUsage, as in the seed.
    sh_ok(
        &dir,
        "printf '[req]\\ndistinguished_name=d\\nprompt=no\\nx509_extensions=e\\n[d]\\nCN=Seed CA\\n[e]\\n\
         basicConstraints=critical,CA:TRUE\\nsubjectKeyIdentifier=hash\\n' > c.cnf
         openssl genrsa -out ca.key 2048
         openssl req -x509 -new -key ca.key -config c.cnf -days 900 -out ca.crt
         printf 'subjectAltName=DNS:localhost\\nauthorityKeyIdentifier=keyid\\nsubjectKeyIdentifier=hash\\n' > e
         for n in old new; do openssl req -new -newkey rsa:2048 -nodes -keyout $n.key -subj /CN=localhost -out $n.csr; done
         openssl x509 -req -in old.csr -CA ca.crt -CAkey ca.key -days 300 -extfile e -out old.crt; cp ca.crt before.crt",
    );
    let strict = "openssl verify -x509_strict -CAfile ca.crt old.crt";
    assert_ne!(sh(&dir, strict).0, 0);
    let said = ok(&dir, &["ca", "renew"]);
    assert!(said.contains("keyUsage") && said.contains("python-strict"), "{said}");
    sh_ok(&dir, strict);
    sh_ok(
        &dir,
        "openssl x509 -req -in new.csr -CA ca.crt -CAkey ca.key -days 300 -extfile e -out new.crt
         openssl verify -x509_strict -CAfile ca.crt new.crt; openssl verify -CAfile before.crt new.crt old.crt",
    );
}

#[test]
fn killed_and_resumed_every_identity_is_issued_once() {
    let dir = with_ca("issue-killed");
    let count = 4000;
    let rows: String = (0..count).map(|i| format!("t{}/d{i}\n", i % 7)).collect();
    fs::write(dir.join("l.csv"), format!("name\n{rows}")).unwrap();
    for (out, millis) in [("clients", 150u64), ("clients", 300), ("-", 150), ("-", 250)] {
        let sink = fs::OpenOptions::new().create(true).append(true).open(dir.join("stream.pem")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_mqttcert"))
            .args(["issue", "-q", "--from", "l.csv", "--out", out])
            .current_dir(&dir)
            .stdout(if out == "-" { Stdio::from(sink) } else { Stdio::null() })
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        let _ = child.kill();
        let _ = child.wait();
    }
    ok(&dir, &["issue", "--from", "l.csv"]);
    let ledger = fs::read_to_string(dir.join("ca/index.txt")).unwrap();
    let column = |n: usize| ledger.lines().map(|l| l.split('\t').nth(n).unwrap()).collect::<Vec<_>>();
    let unique = |n: usize| column(n).into_iter().collect::<BTreeSet<_>>().len();
    assert_eq!((ledger.lines().count(), unique(3), unique(5)), (count, count, count));
    // Files and stream together hold exactly the ledger's certificates.
    let files = sh_ok(&dir, "find clients -name 'd*.crt' | wc -l; find clients -name 'd*.key' | wc -l");
    let files: Vec<usize> = files.split_whitespace().map(|n| n.parse().unwrap()).collect();
    let streamed = fs::read_to_string(dir.join("stream.pem")).unwrap();
    assert_eq!(files[0], files[1]);
    assert_eq!(files[0] + streamed.matches("END CERTIFICATE").count(), count);
    // With the dashes: base64 spells END by itself every few hundred thousand characters.
    assert_eq!(streamed.matches("-----BEGIN").count(), streamed.matches("-----END").count());
}

#[test]
fn refuses_reuse_and_smuggled_names_and_says_why() {
    let dir = with_ca("issue-refused");
    ok(&dir, &["issue", "a"]);
    fs::write(dir.join("l.csv"), "name\nb\nb\n").unwrap();
    sh_ok(
        &dir,
        "openssl req -new -newkey rsa:2048 -nodes -keyout k -subj /CN=c -addext 'subjectAltName=DNS:x' -out san.csr
         openssl req -new -newkey rsa:2048 -nodes -keyout k2 -subj /CN=c -out good.csr
         openssl req -in good.csr -outform DER | sed 's/\\x0c\\x01c/\\x0c\\x01d/' | openssl base64 > b
         (echo -----BEGIN CERTIFICATE REQUEST-----; cat b; echo -----END CERTIFICATE REQUEST-----) > forged.csr",
    );
    for (args, code, words) in [
        (&["issue", "a"][..], 1, "has a valid certificate already"),
        (&["issue", "--from", "l.csv"], 1, "line 3: b: stands in line 2 already"),
        (&["issue", "--csr", "san.csr"], 2, "subjectAltName"),
        (&["issue", "--csr", "forged.csr"], 2, "not signed by the key"),
        (&["issue", "--csr", "good.csr", "other"], 2, "not the NAME"),
        (&["issue", "a#b"], 2, "Mosquitto denies everything"),
        (&["revoke", "a", "--reason", "privilegeWithdrawn"], 2, "OpenSSL knows no reason"),
        (&["revoke", "nobody"], 2, "neither a serial number nor a name"),
    ] {
        let (got, text) = mqttcert(&dir, args);
        assert_eq!((got, text.contains(words)), (code, true), "{args:?}: {text}");
    }
    assert_eq!(fs::read_to_string(dir.join("ca/index.txt")).unwrap().lines().count(), 1);
    ok(&dir, &["issue", "--csr", "good.csr", "c"]);
    sh_ok(&dir, "openssl verify -purpose sslclient -CAfile ca/ca.crt clients/c.crt");
    // Nothing leaves its folder.
    ok(&dir, &["issue", "../../etc/x", "-q", "--", "-rf"]);
    assert!(dir.join("clients/%2E%2E/%2E%2E/etc/x.crt").exists() && dir.join("clients/%2Drf.crt").exists());
}
