//! How fast are a hundred thousand client certificates? Against a bare loop on ring (key generation and one signature
//! each, every core), in the same run: as a stream and as files on tmpfs. Then one by one against OpenSSL's commands
//! and minica. `MQTTCERT_BENCH_COUNT` changes the number, `MQTTCERT_BIN` the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use mqttcert::ca::fresh::{self, KeyKind};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

fn main() {
    let count: usize =
        std::env::var("MQTTCERT_BENCH_COUNT").ok().and_then(|c| c.parse().ok()).unwrap_or(100_000);
    let root = tempfile::Builder::new().prefix("mqttcert-bench").tempdir_in(tmpfs()).unwrap();
    let dir = root.path();
    make_ca(dir);
    let list = dir.join("list.csv");
    let rows: String = (0..count).map(|i| format!("tenant-{}/device-{i}\n", i % 100)).collect();
    fs::write(&list, format!("name\n{rows}")).unwrap();

    let bare = bare_loop(count);
    println!("bare ring loop        {bare:9.0} /s   {count} keys and signatures, every core");
    for (what, out) in [("stream (--out -)", "-"), ("files on tmpfs", "out")] {
        let (rate, peak) = ours(dir, &list, out, count);
        println!(
            "{what:<21} {rate:9.0} /s   {:5.1} % of the bare loop, {peak} kB at most",
            rate / bare * 100.0
        );
    }
    let (mine, _) = ours(dir, &few(dir, 1000), "few", 1000);
    for (who, rate) in [("openssl req + ca", openssl(dir, 20)), ("minica (RSA-2048)", minica(dir, 20))] {
        match rate {
            Some(rate) => println!("{who:<21} {rate:9.1} /s   ours is {:.0} times faster", mine / rate),
            None => println!("{who:<21} skipped: not installed"),
        }
    }
}

fn tmpfs() -> &'static Path {
    if Path::new("/dev/shm").is_dir() { Path::new("/dev/shm") } else { Path::new("/tmp") }
}

fn make_ca(dir: &Path) {
    let script = "openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out ca.key && \
        openssl req -x509 -new -key ca.key -subj '/O=Bench/CN=Bench CA' -days 3650 -out ca.crt && \
        openssl ecparam -name prime256v1 -genkey -noout -out leaf.key && mkdir -p demo && : > demo/index.txt && \
        echo 1000 > demo/serial && printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=demo/index.txt\\nserial=demo/serial\\n\
        new_certs_dir=demo\\ncertificate=ca.crt\\nprivate_key=ca.key\\ndefault_md=sha256\\ndefault_days=825\\npolicy=p\\n\
        x509_extensions=x\\n[p]\\ncommonName=supplied\\n[x]\\nbasicConstraints=CA:FALSE\\nextendedKeyUsage=clientAuth\\n' > c.cnf";
    assert!(
        Command::new("sh")
            .arg("-c")
            .arg(script)
            .current_dir(dir)
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
}

fn bare_loop(count: usize) -> f64 {
    let rng = SystemRandom::new();
    let ca = fresh::generate(KeyKind::P256, &rng).unwrap();
    let ca = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &ca.pkcs8, &rng).unwrap();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let message = [7u8; 400];
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..count / threads {
                    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).unwrap();
                    std::hint::black_box((key, ca.sign(&rng, &message).unwrap()));
                }
            });
        }
    });
    count as f64 / start.elapsed().as_secs_f64()
}

/// The whole command, start to end; certificates per second and peak memory.
fn ours(dir: &Path, list: &Path, out: &str, count: usize) -> (f64, u64) {
    let books = dir.join(format!("books{out}"));
    fs::create_dir_all(&books).unwrap();
    let sink = File::create(dir.join("stream.pem")).unwrap();
    let start = Instant::now();
    let mut child = Command::new(program())
        .args(["issue", "-q", "--ca", "ca.crt", "--ca-key", "ca.key", "--out", out, "--from"])
        .arg(list)
        .arg("--ledger")
        .arg(books.join("index.txt"))
        .current_dir(dir)
        .stdout(if out == "-" { Stdio::from(sink) } else { Stdio::null() })
        .spawn()
        .unwrap();
    let pid = child.id();
    let mut peak = 0;
    let status = loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
        peak = peak.max(line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let rate = count as f64 / start.elapsed().as_secs_f64();
    assert!(status.success());
    let _ = fs::remove_file(dir.join("stream.pem"));
    let _ = fs::remove_dir_all(dir.join(out));
    (rate, peak)
}

/// `MQTTCERT_BIN` measures another build.
fn program() -> std::ffi::OsString {
    std::env::var_os("MQTTCERT_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_mqttcert").into())
}

fn few(dir: &Path, count: usize) -> std::path::PathBuf {
    let path = dir.join("few.csv");
    let rows: String = (0..count).map(|i| format!("few-{i}\n")).collect();
    fs::write(&path, format!("name\n{rows}")).unwrap();
    path
}

fn openssl(dir: &Path, count: usize) -> Option<f64> {
    Command::new("openssl").arg("version").output().ok()?;
    let script = format!(
        "set -e; for i in $(seq {count}); do openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
         -keyout k$i.key -subj /CN=d$i -out k$i.csr; openssl ca -batch -config c.cnf -in k$i.csr -out k$i.crt; done"
    );
    timed(dir, &script, count)
}

fn minica(dir: &Path, count: usize) -> Option<f64> {
    if Command::new("minica").arg("--help").output().is_err() {
        return None;
    }
    let dir = dir.join("minica");
    fs::create_dir_all(&dir).unwrap();
    let help = Command::new("minica").arg("--help").output().ok()?;
    // Two programs have this name: jsha's takes -domains, Debian's takes the names as they are.
    let flag = if String::from_utf8_lossy(&help.stderr).contains("-domains") { "-domains" } else { "" };
    let script = format!("set -e; minica {flag} warm; for i in $(seq {count}); do minica {flag} d$i; done");
    timed(&dir, &script, count)
}

fn timed(dir: &Path, script: &str, count: usize) -> Option<f64> {
    let start = Instant::now();
    let quiet = || Stdio::null();
    let ok = Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(dir)
        .stdout(quiet())
        .stderr(quiet())
        .status()
        .ok()?;
    ok.success().then(|| count as f64 / start.elapsed().as_secs_f64())
}
