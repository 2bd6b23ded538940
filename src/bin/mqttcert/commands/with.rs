//! `mqttcert rehearse --with -- ARGV…`: a real client in namespaces of its own, in which the broker's names are the
//! twin's. `unshare`, `mount` and `ip` make them (the kernel's own calls need unsafe code, which this house has none
//! of); the program is started by its arguments, never by a shell, and no file of the host is changed.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;

use mqttcert::broker::{self, Options, Wire};
use mqttcert::name::escape;
use mqttcert::prove::Scene;

use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};

/// Holds the mount namespace of whoever started this process.
const OUTSIDE: &str = "MQTTCERT_OUTSIDE_NAMESPACE";
/// A client that runs for ever is ended after this; what it did until then is the answer.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs a real client against the embedded broker.
pub fn run(args: &args::Rehearse, output: &Output) -> anyhow::Result<Answer> {
    let own = std::fs::read_link("/proc/self/ns/mnt").context("the kernel shows no namespaces")?;
    match std::env::var_os(OUTSIDE) {
        // Whatever the variable says: what follows changes mounts, and never those of the host.
        Some(outside) if outside != own.as_os_str() => inside(args, output),
        Some(_) => bail!("{OUTSIDE} is set, but this process is in no namespace of its own; unset it"),
        None => outside(&own),
    }
}

/// Starts this command again, in new namespaces.
fn outside(own: &std::path::Path) -> anyhow::Result<Answer> {
    let new = ["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child", "--"];
    let possible = Command::new("unshare").args(new).arg("true").stdin(Stdio::null()).output();
    let why = match possible {
        Ok(out) if out.status.success() => None,
        Ok(out) => Some(String::from_utf8_lossy(&out.stderr).trim().to_owned()),
        Err(e) => Some(format!("unshare (util-linux): {e}")),
    };
    if let Some(why) = why {
        bail!(
            "this kernel gives no namespaces ({}); run `mqttcert broker` and point the client at the ports it prints",
            escape(&why)
        );
    }
    let this = std::env::current_exe().context("the path of this program is unknown")?;
    let status = Command::new("unshare")
        .args(new)
        .arg(this)
        .args(std::env::args_os().skip(1))
        .env(OUTSIDE, own)
        .status()
        .context("unshare could not be run")?;
    // The answer was given inside; only its status is left to tell.
    match status.code() {
        Some(0) => Ok(Answer::new(String::new(), Outcome::Holds)),
        Some(1) => Ok(Answer::new(String::new(), Outcome::DoesNotHold)),
        code => std::process::exit(code.unwrap_or(2)),
    }
}

/// In the namespaces: loopback, names, the twin on its own ports, and the program.
fn inside(args: &args::Rehearse, output: &Output) -> anyhow::Result<Answer> {
    let mut scenes = super::rehearse::scenes(&args.inputs, &args.dir, output)?;
    if scenes.len() > 1 {
        bail!("several brokers were found; name one by --conf FILE");
    }
    let Some(scene) = scenes.pop() else { bail!("no broker was found") };
    for l in &scene.plan.listeners {
        match &l.wire {
            Wire::Refused(why) => bail!("Mosquitto would not start: {}", escape(why)),
            Wire::Cannot(why) => say(&format!("listener {}: {}", l.port, escape(why))),
            Wire::Plain | Wire::Tls(_) => {}
        }
    }
    let (program, rest) = args.argv.split_first().context("the program is missing; write it after --")?;
    let named = escape(&program.to_string_lossy());
    say(&format!(
        "this runs the real program {named}: only its network is a stage, its files are the real ones"
    ));
    let _hosts = stage(&scene)?;
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = log.clone();
    let options = Options {
        // The namespace has no interface but loopback, and no other process.
        bind: Ipv4Addr::UNSPECIFIED.into(),
        free_ports: false,
        log: Some(Arc::new(move |line: &str| {
            if let Ok(mut all) = sink.lock() {
                // A client that floods must not fill the memory.
                if all.len() < 10_000 {
                    all.push(line.to_owned());
                }
            }
        })),
        ..Options::default()
    };
    let running = broker::start(scene.plan, &options)?;
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(rest)
        .env_remove(OUTSIDE)
        .stdout(std::io::stderr())
        .spawn()
        .with_context(|| format!("{named} could not be run"))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if start.elapsed() > LONGEST {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    running.stop();
    let lines = log.lock().map(|l| l.clone()).unwrap_or_default();
    Ok(report(&named, status, &lines, start, output.format))
}

/// Loopback with every address that is dialled, and a hosts file of the namespace's own in which every name is it.
fn stage(scene: &Scene) -> anyhow::Result<tempfile::NamedTempFile> {
    command("ip", &["link", "set", "lo", "up"])?;
    let mut names = vec!["localhost".to_owned()];
    for d in &scene.dialled {
        match d.name.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() => {}
            Ok(ip) => command("ip", &["address", "add", &ip.to_string(), "dev", "lo"])?,
            Err(_) if !names.contains(&d.name) => names.push(d.name.clone()),
            Err(_) => {}
        }
    }
    let mut hosts = tempfile::NamedTempFile::new().context("no temporary file can be made")?;
    writeln!(hosts, "127.0.0.1 {}", names.join(" "))?;
    // The program may drop to a user that must read it too.
    std::fs::set_permissions(hosts.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    command("mount", &["--bind", &hosts.path().to_string_lossy(), "/etc/hosts"])?;
    Ok(hosts)
}

fn command(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output();
    let out = out.with_context(|| format!("{program} is needed in the namespace"))?;
    if !out.status.success() {
        bail!("{program} {}: {}", args.join(" "), escape(String::from_utf8_lossy(&out.stderr).trim()));
    }
    Ok(())
}

/// What it did, from the twin's log, and how it ended.
fn report(
    named: &str,
    status: Option<ExitStatus>,
    lines: &[String],
    start: Instant,
    format: Format,
) -> Answer {
    let told: Vec<&str> = lines.iter().map(|l| l.split_once(": ").map_or(l.as_str(), |(_, t)| t)).collect();
    let logged_in = told.iter().filter(|l| l.starts_with("New client connected")).count();
    let denied = told.iter().filter(|l| l.starts_with("Denied PUBLISH")).count();
    let ended = match status {
        Some(s) => s.to_string(),
        None => format!("still running after {} s, and ended", LONGEST.as_secs()),
    };
    let holds = logged_in > 0 && denied == 0 && status.is_none_or(|s| s.success());
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let detail = format!("{named}: {ended}; {logged_in} logins, {denied} publications denied by the ACL");
    let text = match format {
        Format::Json => {
            let proof = json!({
                "listener": listener(&told), "name": null, "service": null, "proof": "login", "ok": holds,
                "skipped": null, "detail": detail, "ms": ms,
            });
            format!("{:#}\n", json!({ "schema": "mqttcert.proof/1", "ok": holds, "proofs": [proof] }))
        }
        _ => {
            let seen: String = told
                .iter()
                .filter(|l| ["New c", "Clien", "Denie", "OpenS", "Inval"].iter().any(|w| l.starts_with(w)))
                .map(|l| format!("  {}\n", escape(l)))
                .collect();
            let word = if holds { "ok" } else { "FAILED" };
            format!("what the broker saw\n{seen}{word}     {detail}     {ms} ms\n")
        }
    };
    Answer::new(text, Outcome::of(holds))
}

/// The port of the first connection; 0 where nobody came.
fn listener(told: &[&str]) -> u16 {
    told.iter()
        .filter(|l| l.starts_with("New connection from"))
        .find_map(|l| l.trim_end_matches('.').rsplit(' ').next()?.parse().ok())
        .unwrap_or(0)
}

/// A line on standard error.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "mqttcert: {line}");
}
