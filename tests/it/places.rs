//! Places that are not plain folders, and CAs of every kind: the old certificate or the new one, whole, and the cause.

use std::path::Path;
use std::process::{Command, Output};

use super::peers;
use super::reissue::{folder, reissue, shell};

/// Runs a script with mounts of its own; `None` where the system does not allow that.
fn with_mounts(dir: &Path, script: &str) -> Option<Output> {
    let allowed = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|s| s.success());
    if !allowed {
        peers::skip_this("mounts need root and unshare");
        return None;
    }
    let run = format!(
        "'{}' reissue . --cert server.crt --ca ca.crt --name iot-mqtt",
        env!("CARGO_BIN_EXE_mqttcert")
    );
    let script = script.replace("REISSUE", &run);
    Some(Command::new("unshare").args(["-m", "sh", "-c"]).arg(script).current_dir(dir).output().unwrap())
}

/// Status 2, this cause, and the old certificate.
fn refused(out: &Output, cause: &str) {
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(err.contains(cause), "{err}");
}

#[test]
fn a_read_only_mount_is_named_and_nothing_changes() {
    let (_outer, dir) = folder();
    let before = shell(&dir, "sha256sum *");
    let script = "mount --bind . . && mount -o remount,ro,bind . && cd \"$PWD\" && REISSUE";
    if let Some(out) = with_mounts(&dir, script) {
        refused(&out, "read-only");
    }
    assert_eq!(shell(&dir, "sha256sum *"), before);
}

#[test]
fn a_full_disk_is_named_and_the_old_certificate_stays() {
    let (_outer, dir) = folder();
    let script = "mkdir ../full && mount -t tmpfs -o size=64k tmpfs ../full && cp -a * ../full && cd ../full &&
        (dd if=/dev/zero of=fill bs=1k 2>/dev/null || true) && REISSUE; status=$?
        cmp server.crt \"$OLDPWD/server.crt\" || exit 9; test -z \"$(find . -name '*.tmp')\" || exit 8; exit $status";
    if let Some(out) = with_mounts(&dir, script) {
        refused(&out, "no space left");
    }
}

#[test]
fn a_single_file_mount_is_named_and_in_place_writes_into_it() {
    let (_outer, dir) = folder();
    let mounted = "cp server.crt ../one.crt && mount --bind ../one.crt server.crt && ";
    if let Some(out) = with_mounts(&dir, &format!("{mounted} REISSUE")) {
        refused(&out, "--in-place");
        shell(&dir, "cmp server.crt ../one.crt; test -z \"$(find . -name '*.tmp')\"");
        let out = with_mounts(&dir, &format!("{mounted} REISSUE --in-place")).unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        shell(&dir, "openssl verify -CAfile ca.crt -verify_hostname iot-mqtt ../one.crt; ls .mqttcert/*.crt");
    }
}

#[test]
fn a_hard_link_that_keeps_the_old_file_is_named() {
    let (_outer, dir) = folder();
    let out = reissue(&dir, &[]);
    assert!(!String::from_utf8_lossy(&out.stdout).contains("hard link"));
    shell(&dir, "ln server.crt mounted.crt; ln server.key mounted.key; cp server.crt was.crt");
    let out = reissue(&dir, &["--new-key"]);
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}");
    for name in ["server.crt", "server.key"] {
        let inode = shell(&dir, &format!("stat -c %i {}", name.replace("server", "mounted")));
        let note = format!("{name} had another name (a hard link), which still shows the old file");
        assert!(said.contains(&note) && said.contains(&format!("-inum {}", inode.trim())), "{said}");
    }
    shell(&dir, "cmp mounted.crt was.crt; openssl verify -CAfile ca.crt server.crt");
}

#[test]
fn certbots_links_lead_away_and_are_refused_until_the_file_itself_is_named() {
    let (_outer, dir) = folder();
    shell(
        &dir,
        "mkdir -p le/live/mqtt le/archive/mqtt
         mv server.crt le/archive/mqtt/fullchain1.pem; mv server.key le/archive/mqtt/privkey1.pem
         ln -s ../../archive/mqtt/fullchain1.pem le/live/mqtt/fullchain.pem
         ln -s ../../archive/mqtt/privkey1.pem le/live/mqtt/privkey.pem",
    );
    let before = shell(&dir, "sha256sum le/archive/mqtt/*");
    let run = |cert: &str, key: &str| {
        Command::new(env!("CARGO_BIN_EXE_mqttcert"))
            .args(["reissue", ".", "--cert", cert, "--key", key, "--ca", "ca.crt", "--ca-key", "ca.key"])
            .args(["--name", "iot-mqtt"])
            .current_dir(&dir)
            .output()
            .unwrap()
    };
    let out = run("le/live/mqtt/fullchain.pem", "le/live/mqtt/privkey.pem");
    refused(&out, "outside of its folder");
    assert!(String::from_utf8_lossy(&out.stderr).contains("archive/mqtt/fullchain1.pem"));
    assert_eq!(shell(&dir, "sha256sum le/archive/mqtt/*"), before);
    let out = run("le/archive/mqtt/fullchain1.pem", "le/archive/mqtt/privkey1.pem");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    shell(
        &dir,
        "openssl verify -CAfile ca.crt -verify_hostname iot-mqtt le/live/mqtt/fullchain.pem; test -L le/live/mqtt/fullchain.pem",
    );
}

#[test]
fn kubernetes_links_stay_and_what_they_lead_to_is_replaced() {
    let (_outer, dir) = folder();
    shell(
        &dir,
        "mkdir ..2026_11_24; mv server.crt server.key ..2026_11_24; ln -s ..2026_11_24 ..data
         ln -s ..data/server.crt server.crt; ln -s ..data/server.key server.key",
    );
    let out = reissue(&dir, &[]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    shell(
        &dir,
        "test \"$(readlink server.crt) $(readlink ..data)\" = '..data/server.crt ..2026_11_24'
         openssl verify -CAfile ca.crt -verify_hostname iot-mqtt server.crt; ls ..2026_11_24/.mqttcert/*.crt",
    );
}

#[test]
fn acls_are_kept_and_those_of_the_folder_do_not_open_a_private_file() {
    let (_outer, dir) = folder();
    let can = Command::new("setfacl").args(["-m", "u:1883:r", "server.crt"]).current_dir(&dir).status();
    if !can.is_ok_and(|s| s.success()) {
        peers::skip_this("setfacl is not installed, or the file system keeps no ACL");
        return;
    }
    // Whatever is made in this folder would be readable by user 1883.
    shell(&dir, "setfacl -d -m u:1883:rw .");
    let before = shell(&dir, "getfacl -n server.crt server.key");
    let out = reissue(&dir, &["--new-key"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(shell(&dir, "getfacl -n server.crt server.key"), before);
    let kept = shell(&dir, "getfacl -n .mqttcert/*.key");
    assert!(!kept.contains("user:1883:rw-\n") || kept.contains("#effective:---"), "{kept}");
}

#[test]
fn the_cas_books_never_lead_to_anybody_elses_file() {
    let (outer, dir) = folder();
    let victim = outer.path().join("victim");
    std::fs::write(&victim, "precious\n").unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_mqttcert")).args(args).current_dir(&dir).output().unwrap()
    };
    // A link, and a note of an interrupted run that somebody else has left.
    for (name, command) in [
        ("crl.pem", &["ca", "crl"][..]),
        ("index.txt", &["issue", "a"]),
        ("crlnumber", &["ca", "crl"]),
        ("index.txt.attr", &["issue", "a", "--again"]),
    ] {
        std::os::unix::fs::symlink(&victim, dir.join(name)).unwrap();
        let out = run(command);
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious\n", "{name}");
        if name != "index.txt.attr" {
            assert_eq!(out.status.code(), Some(2), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        }
        shell(&dir, &format!("rm {name}; rm -rf clients index.txt*"));
    }
    std::fs::write(dir.join("other.txt"), "no CRL\n").unwrap();
    refused(&run(&["ca", "crl", "--out", "other.txt"]), "holds no CRL");
    refused(&run(&["ca", "crl", "--out", "/dev/null"]), "no regular file");
    std::fs::write(dir.join("index.txt.owed-crl"), "../victim\n").unwrap();
    refused(&run(&["issue", "a"]), "holds no CRL");
    if Command::new("chown").arg("1883").arg(dir.join("index.txt.owed-crl")).status().unwrap().success() {
        refused(&run(&["issue", "a"]), "user 1883 left this note");
    }
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious\n");
}

#[test]
fn another_owner_setgid_and_a_folder_that_others_may_write_are_kept() {
    let (_outer, dir) = folder();
    if !Command::new("chown")
        .args(["1883:1883", "server.crt", "server.key"])
        .current_dir(&dir)
        .status()
        .unwrap()
        .success()
    {
        peers::skip_this("another owner needs root");
        return;
    }
    shell(&dir, "chmod 2777 .");
    assert!(reissue(&dir, &[]).status.success());
    assert_eq!(shell(&dir, "stat -c '%a %u:%g' server.crt").trim(), "644 1883:1883");
    shell(&dir, "openssl verify -CAfile ca.crt -verify_hostname iot-mqtt server.crt");
    // Whoever cannot keep the owner is told so.
    shell(&dir, "chmod 644 ca.key server.key; chmod -R a+rwX .mqttcert; rm -r .mqttcert; chmod a+rx ..");
    let out = Command::new("setpriv")
        .args(["--reuid=1000", "--regid=1000", "--clear-groups", env!("CARGO_BIN_EXE_mqttcert")])
        .args(["reissue", ".", "--cert", "server.crt", "--ca", "ca.crt", "--force"])
        .current_dir(&dir)
        .output()
        .unwrap();
    if String::from_utf8_lossy(&out.stderr).contains("failed to execute") {
        peers::skip_this("the program lies where other users cannot run it");
        return;
    }
    refused(&out, "cannot be kept; run as root");
}

#[test]
fn a_ca_of_every_kind_signs_what_openssl_and_webpki_verify() {
    let config = |mask: &str| {
        format!(
            "[req]\\ndistinguished_name=dn\\nprompt=no\\nstring_mask={mask}\\nx509_extensions=v3\\n[dn]\\nO=Werk\\nCN=CA\\n\
                 [v3]\\nbasicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign\\nsubjectKeyIdentifier=hash\\n"
        )
    };
    let rsa = "openssl genrsa -out ca.key 4096";
    let p256 = "openssl ecparam -name prime256v1 -genkey -noout -out ca.key";
    let p384 = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out ca.key";
    let ed = "openssl genpkey -algorithm ED25519 -out ca.key";
    for (key, mask, subject, strict) in [
        (rsa, "utf8only", "", true),
        (p256, "MASK:0x0800", "", true),
        (p384, "MASK:0x0002", "", true),
        (ed, "utf8only", "", true),
        (p256, "utf8only", "-subj '/C=DE/OU=Netz+CN=Werk CA/O=Ünïcode'", true),
    ] {
        let (_outer, dir) = folder();
        shell(
            &dir,
            &format!(
                "{key}; printf '{}' > c; openssl req -utf8 -x509 -new -config c {subject} -key ca.key -days 900 -out ca.crt",
                config(mask)
            ),
        );
        let out = reissue(&dir, &[]);
        assert!(out.status.success(), "{key} {mask} {subject}: {}", String::from_utf8_lossy(&out.stderr));
        let strict = if strict { "-x509_strict" } else { "" };
        shell(
            &dir,
            &format!(
                "openssl verify {strict} -CAfile ca.crt -purpose sslserver -verify_hostname iot-mqtt server.crt"
            ),
        );
        shell(
            &dir,
            "openssl x509 -in ca.crt -outform DER -out ca.der; openssl x509 -in server.crt -outform DER -out leaf.der",
        );
        let (ca, leaf) =
            (std::fs::read(dir.join("ca.der")).unwrap(), std::fs::read(dir.join("leaf.der")).unwrap());
        verified_by_webpki(&ca, &leaf);
    }
}

fn verified_by_webpki(ca: &[u8], leaf: &[u8]) {
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
    let ca = CertificateDer::from(ca);
    let leaf = CertificateDer::from(leaf);
    let anchor = webpki::anchor_from_trusted_cert(&ca).unwrap();
    let leaf = webpki::EndEntityCert::try_from(&leaf).unwrap();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        &[],
        UnixTime::now(),
        webpki::KeyUsage::server_auth(),
        None,
        None,
    )
    .unwrap();
    for name in ["iot-mqtt", "mqtt.example.com", "localhost", "127.0.0.1", "::1"] {
        leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap()).unwrap();
    }
}

#[test]
fn a_single_file_mount_is_not_sent_to_in_place_where_the_key_is_new_too() {
    let (_outer, dir) = folder();
    let script = "cp server.key ../one.key && mount --bind ../one.key server.key && REISSUE --new-key";
    if let Some(out) = with_mounts(&dir, script) {
        refused(&out, "server.key: could not put it in place: the file itself is a mount point");
        assert!(String::from_utf8_lossy(&out.stderr).contains("keep the key and add --in-place"));
        shell(&dir, "test -z \"$(find . -name '*.tmp' -o -name '.mqttcert-pair')\"");
    }
}

#[test]
fn what_stands_in_the_place_of_the_backups_folder_is_named() {
    let (outer, dir) = folder();
    let before = std::fs::read(dir.join("server.crt")).unwrap();
    for stands in ["touch .mqttcert", "ln -s .. .mqttcert"] {
        shell(&dir, stands);
        refused(&reissue(&dir, &[]), "no folder stands there");
        assert_eq!(std::fs::read(dir.join("server.crt")).unwrap(), before);
        shell(&dir, "rm .mqttcert");
    }
    assert_eq!(shell(outer.path(), "ls -A").trim(), "certs");
    // One that others could write into is closed before a key is put there.
    shell(&dir, "mkdir -m 777 .mqttcert; chown 1883 .mqttcert 2>/dev/null || true");
    assert!(reissue(&dir, &["--new-key"]).status.success());
    assert_eq!(shell(&dir, "stat -c %a .mqttcert").trim(), "700");
}

#[test]
fn root_is_told_what_else_than_an_owner_forbids_a_change() {
    let (_outer, dir) = folder();
    if !Command::new("chattr")
        .args(["+i", "server.crt"])
        .current_dir(&dir)
        .status()
        .is_ok_and(|s| s.success())
    {
        peers::skip_this("chattr needs root and a file system that keeps the attribute");
        return;
    }
    let out = reissue(&dir, &[]);
    shell(&dir, "chattr -i server.crt");
    refused(&out, "lsattr");
}

#[test]
fn a_request_of_another_owner_does_not_keep_the_certificate_old() {
    let (_outer, dir) = folder();
    let mine = "chown -R 1883:1883 . && chown 0:0 server.csr && chmod a+rx .. && chmod 644 server.csr";
    if !Command::new("sh").args(["-c", mine]).current_dir(&dir).status().is_ok_and(|s| s.success()) {
        peers::skip_this("another owner needs root");
        return;
    }
    let before = std::fs::read(dir.join("server.csr")).unwrap();
    let out = Command::new("setpriv")
        .args(["--reuid=1883", "--regid=1883", "--clear-groups", env!("CARGO_BIN_EXE_mqttcert")])
        .args(["reissue", ".", "--cert", "server.crt", "--ca", "ca.crt", "--name", "iot-mqtt"])
        .current_dir(&dir)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    if said.contains("failed to execute") {
        peers::skip_this("the program lies where other users cannot run it");
        return;
    }
    assert!(out.status.success() && said.contains("the request was not refreshed"), "{said}");
    shell(&dir, "openssl verify -CAfile ca.crt -verify_hostname iot-mqtt server.crt");
    assert_eq!(std::fs::read(dir.join("server.csr")).unwrap(), before);
}
