//! `mqttcert broker`

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

use mqttcert::broker::{self, Options, Wire};
use mqttcert::mosquitto::Protocol;
use mqttcert::name::escape;

use crate::args::{self, Output};
use crate::exit::{Answer, Outcome};

/// Serves until a signal comes.
pub fn run(args: &args::Broker, output: &Output) -> anyhow::Result<Answer> {
    let mut scenes = super::rehearse::scenes(&args.inputs, &args.dir, output)?;
    if scenes.len() > 1 {
        bail!("several brokers were found; name one by --conf FILE");
    }
    let Some(scene) = scenes.pop() else { bail!("no broker was found") };
    if let Some(why) = scene.plan.refusals.first() {
        bail!("Mosquitto would not start: {}", escape(why));
    }
    if let Some(why) = scene.plan.absent.first() {
        bail!("{}; certificate, key and CA can be named with --cert, --key and --ca", escape(why));
    }
    for line in &scene.plan.not_modelled {
        say(line);
    }
    for l in &scene.plan.listeners {
        match &l.wire {
            Wire::Refused(why) => bail!("Mosquitto would not start: {}", escape(why)),
            Wire::Cannot(why) => say(&format!("listener {}: {}", l.port, escape(why))),
            Wire::Plain | Wire::Tls(_) => {}
        }
    }
    let quiet = output.quiet;
    let options = Options {
        bind: args.bind,
        ports: args.port.iter().copied().collect(),
        free_ports: false,
        log: (!quiet).then(|| {
            Arc::new(|line: &str| {
                let _ = writeln!(std::io::stderr(), "{line}");
            }) as Arc<dyn Fn(&str) + Send + Sync>
        }),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("signals cannot be waited for")?;
    let (mut interrupt, mut terminate) = {
        let _guard = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let running = broker::start(scene.plan, &options)?;
    let mut out = std::io::stdout().lock();
    for b in &running.bound {
        let wire = if b.tls { "tls" } else { "plain" };
        let protocol = match b.protocol {
            Protocol::Mqtt => "mqtt",
            Protocol::Websockets => "websockets",
        };
        // A closed pipe ends nothing here: the broker is what was asked for.
        let _ = writeln!(out, "listening {} {} {wire} {protocol}", b.port, b.address);
    }
    let _ = out.flush();
    drop(out);
    runtime.block_on(async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    });
    running.stop();
    Ok(Answer::new(String::new(), Outcome::Holds))
}

/// A line on standard error.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "mqttcert: {line}");
}
