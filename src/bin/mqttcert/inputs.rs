//! From flags and environment to a deployment that can be judged.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use time::OffsetDateTime;

use mqttcert::compose::find;
use mqttcert::deployment::{self, Deployment, Given, GivenName};
use mqttcert::disk::DiskTree;
use mqttcert::name::PeerName;
use mqttcert::secret::Secret;
use mqttcert::stack_id::StackId;
use mqttcert::tree::Tree;

use crate::args::{Inputs, Output, StackChoice};

/// A deployment, the files below it, and the time for which it is judged.
pub struct Loaded {
    /// The files: those below DIR and those that a flag names.
    pub tree: DiskTree,
    /// What was found there.
    pub deployment: Deployment,
    /// `--now`, or the clock.
    pub now: OffsetDateTime,
}

/// Reads the project in `dir` with everything that flags name.
///
/// # Errors
/// Where there is nothing to judge, or a file that a flag names cannot be read.
pub fn load(inputs: &Inputs, dir: &Path, output: &Output) -> anyhow::Result<Loaded> {
    load_below(inputs, dir, dir, output)
}

/// The same, with everything below `root` to be seen: a project may build what lies beside it.
///
/// # Errors
/// As [`load`].
pub fn load_below(inputs: &Inputs, root: &Path, dir: &Path, output: &Output) -> anyhow::Result<Loaded> {
    let given = given(inputs, output)?;
    let mut tree = tree(inputs, root)?;
    if flags_alone(inputs, dir, &tree) {
        tree = named(DiskTree::new::<&Path>([])?, inputs);
    }
    let deployment = deployment::discover(&tree, dir, &given)?;
    Ok(Loaded { tree, deployment, now: now(output) })
}

/// The time for which things are judged.
pub fn now(output: &Output) -> OffsetDateTime {
    output.now.unwrap_or_else(OffsetDateTime::now_utc)
}

/// What is signed is signed now: a date of one's own choice would be backdating.
///
/// # Errors
/// Where `--now` is given.
pub fn refuse_now(output: &Output) -> anyhow::Result<()> {
    if output.now.is_some() {
        anyhow::bail!(
            "--now is refused where something would be issued; what would be done then is told by --dry-run \
             (reissue, ca renew) or by check"
        );
    }
    Ok(())
}

/// The files below `dir`, and those that a flag names.
///
/// # Errors
/// Where `dir` is no folder that can be read.
pub fn tree(inputs: &Inputs, dir: &Path) -> anyhow::Result<DiskTree> {
    Ok(named(DiskTree::new([dir])?, inputs))
}

fn named(tree: DiskTree, inputs: &Inputs) -> DiskTree {
    let files = inputs
        .compose
        .iter()
        .chain(&inputs.env_file)
        .chain(&inputs.conf)
        .chain(&inputs.cert)
        .chain(&inputs.key)
        .chain(&inputs.ca)
        .chain(&inputs.ca_key)
        .chain(&inputs.passphrase_file);
    files.fold(tree, |tree, file| tree.with_file(file))
}

/// Whether certificate, trust file and names were given by hand where no project is: then folders further below,
/// which may hold anybody's projects, are not searched.
fn flags_alone(inputs: &Inputs, dir: &Path, tree: &DiskTree) -> bool {
    let enough = inputs.cert.is_some() && inputs.ca.is_some() && !inputs.name.is_empty();
    let project_here = ["", "compose", "docker", "deploy"].iter().any(|below| {
        let folder = dir.join(below);
        !find::in_folder(tree, &folder).is_empty() || tree.exists(&folder.join("mosquitto.conf"))
    });
    enough
        && dir == Path::new(".")
        && inputs.compose.is_empty()
        && inputs.conf.is_none()
        && std::env::var_os("COMPOSE_FILE").is_none()
        && !project_here
}

/// What the flags name, in the library's words.
///
/// # Errors
/// Where a `--name` is no name that a client could dial.
pub fn given(inputs: &Inputs, output: &Output) -> anyhow::Result<Given> {
    let names = inputs
        .name
        .iter()
        .map(|text| {
            let (name, port) = PeerName::parse_with_port(text)
                .with_context(|| format!("--name {}", mqttcert::name::escape(text)))?;
            Ok(GivenName { name, port })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Given {
        compose_files: inputs.compose.clone(),
        profiles: inputs.profile.clone(),
        env_files: inputs.env_file.clone(),
        conf: inputs.conf.clone(),
        cert: inputs.cert.clone(),
        key: inputs.key.clone(),
        ca: inputs.ca.clone(),
        ca_key: inputs.ca_key.clone(),
        names,
        stacks: stacks(&inputs.stack),
        // Variables that are not UTF-8 cannot stand in a compose file.
        environment: std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect(),
        isolated: output.isolated,
    })
}

fn stacks(choices: &[StackChoice]) -> Vec<StackId> {
    let mut out = Vec::new();
    for choice in choices {
        let more: &[StackId] = match choice {
            StackChoice::All => StackId::ALL,
            StackChoice::One(one) => std::slice::from_ref(one),
        };
        for id in more {
            if !out.contains(id) {
                out.push(*id);
            }
        }
    }
    out
}

/// The passphrase of an encrypted private key: from `--passphrase-file`, the environment, or a terminal; never an
/// argument. A single line end behind it does not belong to it.
///
/// # Errors
/// Where the file cannot be read, or nobody can be asked.
pub fn passphrase(inputs: &Inputs, what: &Path) -> anyhow::Result<Secret> {
    let trim = |mut bytes: Vec<u8>| {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Secret::new(bytes)
    };
    if let Some(file) = &inputs.passphrase_file {
        let tree = tree(inputs, Path::new("."))?;
        return Ok(trim(tree.read(file)?));
    }
    if let Some(value) = std::env::var_os("MQTTCERT_CA_PASSPHRASE") {
        return Ok(Secret::new(std::os::unix::ffi::OsStringExt::into_vec(value)));
    }
    if !std::io::stdin().is_terminal() {
        anyhow::bail!(
            "{} is encrypted; give its passphrase by --passphrase-file FILE or MQTTCERT_CA_PASSPHRASE",
            mqttcert::name::escape(&what.to_string_lossy())
        );
    }
    let prompt = format!("Passphrase of {}: ", mqttcert::name::escape(&what.to_string_lossy()));
    let typed =
        rpassword::prompt_password(prompt).context("the passphrase cannot be read from the terminal")?;
    Ok(Secret::new(typed.into_bytes()))
}
