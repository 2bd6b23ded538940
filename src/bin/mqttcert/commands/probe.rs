//! `mqttcert probe`

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use mqttcert::cert;
use mqttcert::deployment::Deployment;
use mqttcert::name::{PeerName, escape};
use mqttcert::prove::{self, Login, Probe, all_hold};
use mqttcert::secret::Secret;
use mqttcert::tree::Tree;

use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::proof;

/// Looks at running brokers.
pub fn run(args: &args::Probe, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("probe speaks human and json");
    }
    let start = Instant::now();
    let now = inputs::now(output);
    let mut inputs = args.inputs.clone();
    // The password file is read like every file that a flag names.
    inputs.passphrase_file = inputs.passphrase_file.or_else(|| args.password_file.clone());
    let dir = args.dir.clone().unwrap_or_else(|| ".".into());
    let tree = inputs::tree(&inputs, &dir)?;
    let given = inputs::given(&args.inputs, output)?;
    let deployment = match &args.dir {
        Some(dir) => Some(inputs::load(&args.inputs, dir, output)?.deployment),
        None => None,
    };
    let read = |file: &std::path::PathBuf| tree.read(file);
    let login = login(args, &tree)?;
    let mut proofs = Vec::new();
    for target in &args.targets {
        let (host, port) = PeerName::parse_with_port(target).with_context(|| escape(target))?;
        let Some(port) = port else { bail!("{}: the port is missing; write HOST:PORT", escape(target)) };
        let listener = deployment.as_ref().and_then(|d| listener(d, port));
        let certfile = match (&args.inputs.cert, listener) {
            (Some(file), _) => Some(read(file)?),
            (None, Some(l)) => l.certfile.as_ref().and_then(|f| tree.read(f.path()?).ok()),
            _ => None,
        };
        let trust = match (&args.inputs.ca, listener) {
            (Some(file), _) => read(file)?,
            (None, Some(l)) => l.cafile.as_ref().and_then(|f| tree.read(f.path()?).ok()).unwrap_or_default(),
            (None, None) if deployment.is_some() => {
                bail!(
                    "no listener of the project is reached at port {port}: give the clients' trust file by --ca FILE"
                )
            }
            _ => bail!("give the clients' trust file by --ca FILE, or the project by --dir DIR"),
        };
        let conf = listener.and_then(|l| {
            deployment.as_ref()?.brokers.iter().find_map(|b| b.conf.as_ref()?.listeners.get(l.conf?))
        });
        let throws_off =
            conf.and_then(|c| c.use_username_as_clientid.as_ref()).is_some_and(|v| v.value).then(|| {
                "use_username_as_clientid: this login would throw the service of that name off".to_owned()
            });
        let probe = Probe {
            host,
            port,
            names: given.names.iter().map(|n| n.name.clone()).collect(),
            protocol: listener.map(|l| l.protocol),
            requires_certificate: conf
                .and_then(|c| c.require_certificate.as_ref())
                .is_some_and(|required| required.value),
            trust,
            on_disk: certfile.and_then(|b| cert::load_pem(&b).ok()?.into_iter().next()),
            login: login.clone(),
            round_trip: args.round_trip,
            login_would_disturb: throws_off,
            bad_login: args.bad_login,
            patience: Duration::from_secs(5),
        };
        proofs.extend(prove::probe(&probe, now));
    }
    let text = match output.format {
        Format::Json => proof::json(&proofs),
        _ => proof::human("probed", &proofs, start.elapsed().as_millis()),
    };
    Ok(Answer::new(text, Outcome::of(all_hold(&proofs))))
}

/// The listener that answers on this port of the host: published there, or its own.
fn listener(d: &Deployment, port: u16) -> Option<&mqttcert::deployment::Listener> {
    let behind = d
        .brokers
        .iter()
        .flat_map(|b| &b.published)
        .find(|p| p.host == Some(port))
        .map_or(port, |p| p.container);
    let mut all = d.brokers.iter().flat_map(|b| &b.listeners);
    all.find(|l| l.port == behind)
}

fn login(args: &args::Probe, tree: &dyn Tree) -> anyhow::Result<Option<Login>> {
    let Some(user) = args.user.clone() else { return Ok(None) };
    let password = match &args.password_file {
        Some(file) => {
            let mut bytes = tree.read(file)?;
            while matches!(bytes.last(), Some(b'\n' | b'\r')) {
                bytes.pop();
            }
            Secret::new(bytes)
        }
        None => match std::env::var_os("MQTTCERT_PASSWORD") {
            Some(p) => Secret::new(std::os::unix::ffi::OsStringExt::into_vec(p)),
            None => {
                bail!("give the password of {} by --password-file FILE or MQTTCERT_PASSWORD", escape(&user))
            }
        },
    };
    Ok(Some(Login { user, password }))
}
