//! `mqttcert reissue`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use time::OffsetDateTime;

use mqttcert::cert::Certificate;
use mqttcert::deployment::{self, Deployment, DiscoverError, Trust};
use mqttcert::disk::DiskTree;
use mqttcert::name::PeerName;
use mqttcert::reissue::names::Wanted;
use mqttcert::reissue::{self, Candidate, ReissueError, Replaced, Request};
use mqttcert::tree::{OverlayTree, Tree};
use mqttcert::verdict::{self, Options, Verdict};

use super::{live, rehearsal};
use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::reissue::{Change, Report};
use crate::secrets;
use crate::signals::Held;

/// The files that belong together.
pub(super) struct Files {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ca: PathBuf,
    pub(super) ca_key: PathBuf,
}

/// Reissues, or goes back.
pub fn run(args: &args::Reissue, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("reissue speaks human and json");
    }
    if !args.dry_run {
        inputs::refuse_now(output)?;
    }
    let targets = live::targets(&args.live)?;
    secrets::guard();
    let tree = inputs::tree(&args.inputs, &args.dir)?;
    let deployment = deployment_of(args, output, &tree)?;
    let files = files(args, &deployment, &tree)?;
    refuse_tracked(args, &files, &tree)?;
    let now = inputs::now(output);
    let dialled = dialled(args, &deployment)?;
    if !args.dry_run {
        mqttcert::prove::live::answers(&targets).map_err(|why| {
            anyhow::anyhow!("nothing was changed: --live {why}; start the broker, or leave out --live")
        })?;
    }

    let mut held = None;
    let mut change: Option<Change> = None;
    let passphrase = |path: &Path| match inputs::passphrase(&args.inputs, path) {
        Ok(secret) => Some(secret),
        // That there is none is said by whoever needs it.
        Err(_) if args.inputs.passphrase_file.is_none() => None,
        Err(error) => {
            say(&format!("mqttcert: {error:#}"));
            None
        }
    };
    let mut approve = |_: &Certificate, candidate: &Candidate| {
        let (mut found, mut refusal) =
            compare(&deployment, &tree, &files, candidate, now, &args.accept_break);
        if refusal.is_none() {
            let rehearsed = rehearsal::rehearse(&deployment, &tree, &files, candidate, now);
            found.rehearsal = rehearsed.0;
            refusal = rehearsed.1;
        }
        change = Some(found);
        refusal.map_or(Ok(()), Err)
    };
    let mut hold_signals = || held = Held::start();
    let parts = Parts { args, tree: &tree, files: &files, dialled: &dialled, passphrase: &passphrase, now };
    let mut request = parts.request(&mut approve, &mut hold_signals);
    let done = if args.undo { reissue::undo(&mut request) } else { reissue::run(&mut request) };
    let mut change = change.unwrap_or_default();
    if let Some(number) = held.as_mut().and_then(Held::came) {
        match &done {
            Ok(outcome) => {
                say(&format!("mqttcert: signal {number}: {}, and stopped", outcome.result.as_str()))
            }
            Err(error) => say(&format!("mqttcert: signal {number}: {error}")),
        }
        std::process::exit(128 + number);
    }
    match done {
        Ok(mut outcome) => {
            let replaced = matches!(outcome.result, Replaced::Reissued | Replaced::Undone);
            let reloaded = match &args.reload_cmd {
                Some(command) if replaced => reload(command),
                _ => true,
            };
            let seen = if targets.is_empty() || args.dry_run {
                live::Seen::nothing()
            } else {
                live::follow(&parts, &targets, &mut outcome, held.as_mut())?
            };
            if let Some(number) = seen.signal {
                std::process::exit(128 + number);
            }
            let text = match output.format {
                Format::Json => {
                    change.rehearsal.extend(seen.proofs);
                    Report { deployment: &deployment, cert: &files.cert, change: &change }.json(&outcome)
                }
                _ => {
                    let report = Report { deployment: &deployment, cert: &files.cert, change: &change };
                    report.human(&outcome) + &seen.text
                }
            };
            Ok(Answer::new(text, Outcome::of(reloaded && seen.holds)))
        }
        Err(ReissueError::Refused(why)) => {
            say(&format!("mqttcert: {why}"));
            let report = Report { deployment: &deployment, cert: &files.cert, change: &change };
            let text = if output.format == Format::Json { report.refused() } else { String::new() };
            Ok(Answer::new(text, Outcome::DoesNotHold))
        }
        Err(error) => Err(error.into()),
    }
}

/// What every request of one run has in common.
pub(super) struct Parts<'a> {
    pub(super) args: &'a args::Reissue,
    tree: &'a DiskTree,
    files: &'a Files,
    dialled: &'a [PeerName],
    passphrase: &'a dyn Fn(&Path) -> Option<mqttcert::secret::Secret>,
    now: OffsetDateTime,
}

impl<'a> Parts<'a> {
    /// A request that asks `approve` and holds back signals.
    pub(super) fn request(
        &self,
        approve: &'a mut dyn FnMut(&Certificate, &Candidate) -> Result<(), String>,
        hold_signals: &'a mut dyn FnMut(),
    ) -> Request<'a> {
        let args = self.args;
        Request {
            tree: self.tree,
            cert: &self.files.cert,
            key: &self.files.key,
            key_is_named: args.inputs.key.is_some() && !args.undo,
            ca: &self.files.ca,
            ca_key: &self.files.ca_key,
            passphrase: self.passphrase,
            wanted: Wanted { dialled: self.dialled, drop: &args.drop_name, loopback: !args.no_loopback },
            days: args.days,
            renew_before: args.renew_before,
            force: args.force,
            new_key: args.new_key,
            in_place: args.in_place,
            dry_run: args.dry_run,
            keep: args.keep,
            now: self.now,
            approve,
            hold_signals,
        }
    }
}

/// The certificate that `reissue` would put into `cert`, without changing anything; `None` where nothing is to do.
pub(super) fn foresee(
    args: &args::Reissue,
    tree: &DiskTree,
    deployment: &Deployment,
    now: OffsetDateTime,
) -> anyhow::Result<Option<(PathBuf, Vec<u8>)>> {
    secrets::guard();
    let files = files(args, deployment, tree)?;
    let dialled = dialled(args, deployment)?;
    let mut foreseen = None;
    let mut approve = |_: &Certificate, candidate: &Candidate| {
        foreseen = Some(candidate.certificate_pem.clone());
        Ok(())
    };
    let passphrase = |path: &Path| inputs::passphrase(&args.inputs, path).ok();
    reissue::run(&mut Request {
        tree,
        cert: &files.cert,
        key: &files.key,
        key_is_named: args.inputs.key.is_some() && !args.undo,
        ca: &files.ca,
        ca_key: &files.ca_key,
        passphrase: &passphrase,
        wanted: Wanted { dialled: &dialled, drop: &[], loopback: true },
        days: args.days,
        renew_before: None,
        force: false,
        new_key: false,
        in_place: false,
        dry_run: true,
        keep: args.keep,
        now,
        approve: &mut approve,
        hold_signals: &mut || {},
    })?;
    Ok(foreseen.map(|pem| (files.cert, pem)))
}

/// The project, or what the flags alone make where there is none.
fn deployment_of(args: &args::Reissue, output: &Output, tree: &DiskTree) -> anyhow::Result<Deployment> {
    let given = inputs::given(&args.inputs, output)?;
    match deployment::discover(tree, &args.dir, &given) {
        Ok(found) => Ok(found),
        Err(DiscoverError::Nothing { .. }) if args.inputs.cert.is_some() => Ok(Deployment::default()),
        Err(error) => Err(error.into()),
    }
}

/// Which files: those that flags name, else those of the broker's listeners, else their usual neighbours.
fn files(args: &args::Reissue, deployment: &Deployment, tree: &DiskTree) -> anyhow::Result<Files> {
    let listeners = || deployment.brokers.iter().flat_map(|b| &b.listeners).filter(|l| l.tls);
    let cert = match &args.inputs.cert {
        Some(cert) => cert.clone(),
        None => {
            let mut found: Vec<&Path> = listeners().filter_map(|l| l.certfile.as_ref()?.path()).collect();
            found.sort_unstable();
            found.dedup();
            match found.as_slice() {
                [one] => (*one).to_owned(),
                [] => bail!(
                    "no server certificate was found below {}; name it by --cert",
                    mqttcert::name::escape(&args.dir.to_string_lossy())
                ),
                several => bail!(
                    "the broker serves several certificates ({}); name one by --cert",
                    several
                        .iter()
                        .map(|p| mqttcert::name::escape(&p.to_string_lossy()))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            }
        }
    };
    let mine = || listeners().filter(|l| l.certfile.as_ref().and_then(|c| c.path()) == Some(&cert));
    let key =
        args.inputs.key.clone().or_else(|| mine().find_map(|l| Some(l.keyfile.as_ref()?.path()?.to_owned())));
    let key = key.unwrap_or_else(|| cert.with_extension("key"));
    let trusted = || {
        deployment.clients.iter().find_map(|c| match &c.trust {
            Trust::File(file) if c.broker.is_some() => file.path().map(Path::to_owned),
            _ => None,
        })
    };
    let ca =
        args.inputs.ca.clone().or_else(|| mine().find_map(|l| Some(l.cafile.as_ref()?.path()?.to_owned())));
    let ca = ca.or_else(trusted).unwrap_or_else(|| cert.with_file_name("ca.crt"));
    let ca_key = args.inputs.ca_key.clone().unwrap_or_else(|| {
        // By convention beside the CA's certificate or the server's; no file of the project can name it.
        let beside = ca.with_extension("key");
        if tree.exists(&beside) { beside } else { cert.with_file_name("ca.key") }
    });
    Ok(Files { cert, key, ca, ca_key })
}

/// A private key that git tracks is everybody's who has the repository.
fn refuse_tracked(args: &args::Reissue, files: &Files, tree: &DiskTree) -> anyhow::Result<()> {
    let show = |p: &Path| mqttcert::name::escape(&p.to_string_lossy());
    for path in [&files.key, &files.ca_key] {
        if args.undo || args.keep_key || !tree.is_tracked_by_git(path) {
            continue;
        }
        if path == &files.key && args.new_key {
            continue;
        }
        let way_on = if path == &files.key {
            "add --new-key, or --keep-key to keep it all the same"
        } else {
            "make a new CA (`mqttcert init` elsewhere), or add --keep-key to go on all the same"
        };
        bail!(
            "{}: git tracks this private key, so everybody with the repository can pass for this broker; \
             remove it from git and rotate it: {way_on}",
            show(path)
        );
    }
    Ok(())
}

/// The names that clients dial (or verify instead), and `--name`.
fn dialled(args: &args::Reissue, deployment: &Deployment) -> anyhow::Result<Vec<PeerName>> {
    let mut names: Vec<PeerName> = Vec::new();
    let found = deployment.clients.iter().filter(|c| c.broker.is_some());
    for name in found.map(|c| c.verifies_name.as_ref().unwrap_or(&c.name)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    for text in &args.inputs.name {
        let (name, _) = PeerName::parse_with_port(text)
            .with_context(|| format!("--name {}", mqttcert::name::escape(text)))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Judges every client before and after, and tells who would be cut off.
fn compare(
    deployment: &Deployment,
    tree: &DiskTree,
    files: &Files,
    candidate: &Candidate,
    now: OffsetDateTime,
    accepted: &[String],
) -> (Change, Option<String>) {
    let before = verdict::judge(deployment, tree, now, &Options::default());
    let mut overlay = OverlayTree::new(tree).with(&files.cert, candidate.certificate_pem.clone());
    if let Some(key) = &candidate.key_pem {
        overlay = overlay.with(&files.key, key.expose().to_vec());
    }
    let options = Options { remedies: Some(reissue::what_if::remedies), ..Options::default() };
    let after = verdict::judge(deployment, &overlay, now, &options);
    let broken = broken(&before, &after, accepted);
    let refusal = (!broken.is_empty()).then(|| {
        format!(
            "nothing was changed: with the new certificate these clients would be refused: {}; \
             keep the name they need, or add --accept-break CLIENT",
            broken.join(", ")
        )
    });
    (Change { before: Some(before), after: Some(after), rehearsal: Vec::new() }, refusal)
}

fn broken(before: &Verdict, after: &Verdict, accepted: &[String]) -> Vec<String> {
    before
        .clients
        .iter()
        .zip(&after.clients)
        .filter(|(b, a)| {
            let verify = b.verify.is_accept() && !a.verify.is_accept();
            let flag_on = b.client.flag.as_ref().is_some_and(|f| f.insecure_now);
            let now = flag_on && b.with_flag.is_accept() && !a.with_flag.is_accept();
            let any_stack =
                b.stacks.iter().zip(&a.stacks).any(|(b, a)| b.verify.is_accept() && a.verify.is_refuse());
            verify || now || any_stack
        })
        .filter(|(b, _)| {
            let name = b.client.service.clone().unwrap_or_else(|| b.client.name.to_string());
            !accepted.iter().any(|x| *x == name || *x == b.client.name.as_str())
        })
        .map(|(b, _)| verdict::who(&b.client))
        .collect()
}

/// Runs the user's command; what it prints goes to standard error, where it spoils no answer.
pub(super) fn reload(command: &str) -> bool {
    match Command::new("sh").arg("-c").arg(command).stdout(std::io::stderr()).status() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            say(&format!("mqttcert: the certificate is replaced, but --reload-cmd failed: {status}"));
            false
        }
        Err(error) => {
            say(&format!(
                "mqttcert: the certificate is replaced, but --reload-cmd could not be run: {error}"
            ));
            false
        }
    }
}

/// A closed standard error leaves only the status to tell.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", mqttcert::name::escape(text));
}
