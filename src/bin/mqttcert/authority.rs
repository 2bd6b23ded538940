//! From flags to a CA that can sign, for the commands of its life.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use time::OffsetDateTime;

use mqttcert::ca::place::{self, CaFiles};
use mqttcert::ca::{Authority, FileSigner};
use mqttcert::cert::key::{KeyError, PrivateKey};
use mqttcert::deployment::Deployment;
use mqttcert::name::escape;
use mqttcert::tree::Tree;

use crate::args::{self, Output};
use crate::inputs;
use crate::secrets;

/// Where the CA is, and the deployment around it, if there is one.
pub struct Found {
    /// The CA's files.
    pub files: CaFiles,
    /// The certificate file's content.
    pub pem: Vec<u8>,
    /// The deployment.
    pub deployment: Option<Deployment>,
    /// `--now`, or the clock.
    pub now: OffsetDateTime,
    tree: mqttcert::disk::DiskTree,
}

/// Finds the CA.
///
/// # Errors
/// Where there is none, or its certificate cannot be read.
pub fn find(args: &args::CaFiles, output: &Output) -> anyhow::Result<Found> {
    let inputs = &args.inputs;
    let given = inputs::given(inputs, output)?;
    let tree = inputs::tree(inputs, &args.dir)?;
    // A CA needs no project around it; but where one is named, it must be readable.
    let deployment = match mqttcert::deployment::discover(&tree, &args.dir, &given) {
        Ok(deployment) => Some(deployment),
        Err(e) if !inputs.compose.is_empty() || inputs.conf.is_some() => return Err(e.into()),
        Err(_) => None,
    };
    let hints: Vec<PathBuf> = deployment
        .iter()
        .flat_map(|d| &d.brokers)
        .flat_map(|b| &b.listeners)
        .filter_map(|l| l.cafile.as_ref()?.path().map(Path::to_owned))
        .collect();
    let named = (inputs.ca.as_deref(), inputs.ca_key.as_deref(), args.ledger.as_deref());
    let files = place::locate(&tree, &args.dir, named, &hints)?;
    let pem = tree.read(&files.certificate)?;
    Ok(Found { files, pem, deployment, now: inputs::now(output), tree })
}

impl Found {
    /// Reads the private key; asks for its passphrase where it is encrypted.
    ///
    /// # Errors
    /// Where there is none, it cannot be read, or cannot sign.
    pub fn signer(&self, inputs: &args::Inputs) -> anyhow::Result<FileSigner> {
        let Some(path) = &self.files.key else {
            anyhow::bail!(
                "the private key of {} is not found; name it by --ca-key FILE",
                escape(&self.files.certificate.to_string_lossy())
            );
        };
        let shown = || escape(&path.to_string_lossy());
        secrets::guard();
        let bytes = self.tree.read(path)?;
        let key = match PrivateKey::read(&bytes, None) {
            Err(KeyError::PassphraseMissing) => {
                let passphrase = inputs::passphrase(inputs, path)?;
                PrivateKey::read(&bytes, Some(&passphrase))
            }
            other => other,
        };
        let key = key.with_context(shown)?;
        FileSigner::from_pkcs8(key.pkcs8()).with_context(shown)
    }

    /// The CA with its key.
    ///
    /// # Errors
    /// Where the two do not belong together.
    pub fn authority<'a>(&self, signer: &'a FileSigner) -> anyhow::Result<Authority<'a>> {
        Ok(Authority::new(&self.files.certificate, &self.pem, signer)?)
    }

    /// The CRL's file: named, or what a listener's `crlfile` means, or `crl.pem` beside the CA.
    pub fn crl_file(&self, named: Option<&Path>) -> PathBuf {
        named
            .map(Path::to_owned)
            .or_else(|| self.crlfiles().into_iter().next())
            .unwrap_or_else(|| self.files.ledger.with_file_name("crl.pem"))
    }

    /// Every file that a listener's `crlfile` means.
    pub fn crlfiles(&self) -> Vec<PathBuf> {
        use mqttcert::deployment::Host;
        let mut out: Vec<PathBuf> = Vec::new();
        let listeners = self.deployment.iter().flat_map(|d| &d.brokers).flat_map(|b| &b.listeners);
        for file in listeners.filter_map(|l| l.crlfile.as_ref()) {
            if let Host::At(path) | Host::Missing(path) = &file.host
                && !out.contains(path)
            {
                out.push(path.clone());
            }
        }
        out
    }
}

/// Says on standard error what was mended, unless `--quiet`.
pub fn say_mended(mended: &[String], output: &Output) {
    if output.quiet {
        return;
    }
    // A closed standard error leaves only the status to tell.
    let mut err = std::io::stderr().lock();
    for line in mended {
        let _ = writeln!(err, "mended   {}", escape(line));
    }
}

/// Writes the CRL that an interrupted revocation still owes, and says so.
///
/// # Errors
/// Where it cannot be written.
pub fn pay_owed(
    book: &mqttcert::ca::book::Book,
    authority: &Authority<'_>,
    now: OffsetDateTime,
    days: u32,
    output: &Output,
) -> anyhow::Result<()> {
    let Some(file) = mqttcert::ca::revoke::owed(book.path())? else { return Ok(()) };
    let job = mqttcert::ca::revoke::CrlJob { authority, file: &file, days, now };
    mqttcert::ca::revoke::write_crl(book, &job)?;
    let line = format!("an interrupted revocation: {} now names every revoked certificate", file.display());
    say_mended(&[line], output);
    Ok(())
}

/// How many files are looked through for certificates that the CA signed.
const MAX_KNOWN: usize = 1000;

impl Found {
    /// Certificates that this CA signed, as far as they lie around: the brokers', and those in the CA's own folders.
    pub fn signed(&self, ca: &mqttcert::cert::Certificate) -> Vec<(PathBuf, mqttcert::cert::Certificate)> {
        use mqttcert::cert::signature::{Check, verify};
        let home = self.files.certificate.parent().unwrap_or(Path::new(""));
        let brokers = self.deployment.iter().flat_map(|d| &d.brokers).flat_map(|b| &b.listeners);
        let mut files: Vec<PathBuf> =
            brokers.filter_map(|l| l.certfile.as_ref()?.path().map(Path::to_owned)).collect();
        for folder in ["", "issued", "certs_by_serial", "newcerts", "clients", "../clients"] {
            let folder = mqttcert::tree::normalize(&home.join(folder));
            for name in self.tree.list(&folder).unwrap_or_default() {
                if files.len() < MAX_KNOWN && [".crt", ".pem"].iter().any(|s| name.ends_with(s)) {
                    files.push(folder.join(name));
                }
            }
        }
        let mut out = Vec::new();
        for file in files {
            let Ok(bytes) = self.tree.read(&file) else { continue };
            let Some(leaf) = mqttcert::cert::load_pem(&bytes).ok().and_then(|all| all.into_iter().next())
            else {
                continue;
            };
            let signed = leaf.issuer().der() == ca.subject().der() && !leaf.is_self_issued();
            if signed && verify(ca.spki_der(), &leaf) == Check::Good && !out.iter().any(|(_, c)| *c == leaf) {
                out.push((file, leaf));
            }
        }
        out
    }

    /// Trust files of brokers and clients that hold this CA (by subject and key) and are not its own file.
    pub fn copies(&self, ca: &mqttcert::cert::Certificate) -> Vec<PathBuf> {
        use mqttcert::deployment::Trust;
        let listeners = self.deployment.iter().flat_map(|d| &d.brokers).flat_map(|b| &b.listeners);
        let clients = self.deployment.iter().flat_map(|d| &d.clients).filter_map(|c| match &c.trust {
            Trust::File(file) => file.path(),
            _ => None,
        });
        let mut out: Vec<PathBuf> = Vec::new();
        for path in listeners.filter_map(|l| l.cafile.as_ref()?.path()).chain(clients) {
            let same = |p: &PathBuf| std::fs::canonicalize(p).ok() == std::fs::canonicalize(path).ok();
            if same(&self.files.certificate) || out.iter().any(same) {
                continue;
            }
            let Ok(bytes) = self.tree.read(path) else { continue };
            let Ok(all) = mqttcert::cert::load_pem(&bytes) else { continue };
            if let [one] = all.as_slice()
                && one.subject().der() == ca.subject().der()
                && one.spki_der() == ca.spki_der()
            {
                out.push(path.to_owned());
            }
        }
        out
    }
}

impl Found {
    /// Whether the key needs a passphrase.
    pub fn key_is_encrypted(&self) -> bool {
        let bytes = self.files.key.as_ref().and_then(|path| self.tree.read(path).ok());
        bytes.is_some_and(|b| matches!(PrivateKey::read(&b, None), Err(KeyError::PassphraseMissing)))
    }
}
