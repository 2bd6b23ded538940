//! `reissue --live`: what the running broker does with the new certificate, and the way back where it does not work.

use std::time::Duration;

use anyhow::{Context, bail};

use mqttcert::name::{PeerName, escape};
use mqttcert::prove::Proof;
use mqttcert::prove::live::{Ending, Target, watch};
use mqttcert::reissue::{self, Outcome, Replaced};

use super::reissue::{Parts, reload, say};
use crate::signals::Held;

/// What was seen on the running broker.
pub(super) struct Seen {
    /// Whether it serves what is on disk, or will after the restart that is named.
    pub(super) holds: bool,
    /// What was seen at each listener.
    pub(super) proofs: Vec<Proof>,
    /// The end of the answer for people.
    pub(super) text: String,
    /// The signal that ended the waiting.
    pub(super) signal: Option<i32>,
}

impl Seen {
    /// Where nobody asked.
    pub(super) fn nothing() -> Self {
        Self { holds: true, proofs: Vec::new(), text: String::new(), signal: None }
    }
}

/// `--live HOST:PORT`.
///
/// # Errors
/// Which is none.
pub(super) fn targets(given: &[String]) -> anyhow::Result<Vec<Target>> {
    let mut all = Vec::new();
    for text in given {
        let (host, port) =
            PeerName::parse_with_port(text).with_context(|| format!("--live {}", escape(text)))?;
        let Some(port) = port else { bail!("--live {}: the port is missing; write HOST:PORT", escape(text)) };
        let target = Target { host, port };
        if !all.contains(&target) {
            all.push(target);
        }
    }
    Ok(all)
}

/// Watches until the certificate on disk is served; puts the old one back where handshakes fail.
///
/// # Errors
/// Where the old one cannot be put back.
pub(super) fn follow(
    parts: &Parts<'_>,
    targets: &[Target],
    outcome: &mut Outcome,
    mut held: Option<&mut Held>,
) -> anyhow::Result<Seen> {
    // Without a replacement nothing is waited for: what is served now is what there is.
    let replaced = matches!(outcome.result, Replaced::Reissued | Replaced::Undone);
    let wait = Duration::from_secs(if replaced { parts.args.wait } else { 0 });
    let wanted = outcome.after.as_ref().unwrap_or(&outcome.before).der().to_vec();
    let mut signal = None;
    let mut stop = || {
        signal = held.as_mut().and_then(|h| h.came());
        signal.is_some()
    };
    let (ending, proofs) = watch(targets, &wanted, wait, &mut stop);
    let list = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let (holds, line) = match &ending {
        Ending::Serves => (true, "every listener serves the certificate on disk".to_owned()),
        Ending::RestartNeeded(ports) => (
            true,
            format!(
                "restart needed: {} (websockets) serves the old certificate until the broker is restarted; the other \
                 listeners serve the new one",
                list(ports)
            ),
        ),
        Ending::Another(ports) => (
            false,
            format!(
                "{} still serves another certificate than the one on disk; make the broker reload it (kill -HUP), \
                 or restart it",
                list(ports)
            ),
        ),
        Ending::Broken(why) if outcome.result == Replaced::Reissued => {
            (false, go_back(parts, targets, outcome, why)?)
        }
        Ending::Broken(why) => (false, format!("handshakes fail: {why}")),
        Ending::Stopped => (false, "stopped before every listener was seen to serve it".to_owned()),
    };
    if !holds {
        say(&format!("mqttcert: {line}"));
    }
    let text = if holds { format!("live      {line}\n") } else { String::new() };
    Ok(Seen { holds, proofs, text, signal })
}

/// The old certificate again, and one more reload.
fn go_back(
    parts: &Parts<'_>,
    targets: &[Target],
    outcome: &mut Outcome,
    why: &str,
) -> anyhow::Result<String> {
    let mut request_approve = |_: &_, _: &_| Ok(());
    let mut nothing = || {};
    let mut request = parts.request(&mut request_approve, &mut nothing);
    // The key that was named is the new certificate's; going back takes the one of the backup.
    request.key_is_named = false;
    let undone = reissue::undo(&mut request)
        .with_context(|| format!("handshakes fail ({why}), and the old certificate could not be put back"))?;
    outcome.result = Replaced::Undone;
    outcome.names = undone.names;
    outcome.after = undone.after;
    outcome.backup = undone.backup;
    let reloaded = parts.args.reload_cmd.as_ref().is_some_and(|command| reload(command));
    let old = outcome.after.as_ref().unwrap_or(&outcome.before).der().to_vec();
    let wait = Duration::from_secs(parts.args.wait.min(10));
    let now = match watch(targets, &old, wait, &mut || false).0 {
        Ending::Serves | Ending::RestartNeeded(_) | Ending::Another(_) => "handshakes work again".to_owned(),
        Ending::Broken(still) => format!("handshakes still fail ({still}): look at the broker's log"),
        Ending::Stopped => "stopped".to_owned(),
    };
    let again = match (&parts.args.reload_cmd, reloaded) {
        (None, _) => "reload the broker",
        (Some(_), true) => "reloaded again",
        (Some(_), false) => "--reload-cmd failed again",
    };
    Ok(format!("handshakes failed ({why}); the old certificate is back, {again}: {now}"))
}
