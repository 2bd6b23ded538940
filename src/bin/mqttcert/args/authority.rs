//! The commands of the CA: from the first key to the last device.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Inputs;
use super::guides::{A_LEAKED_DEVICE_KEY, DEVICES_WITH_MTLS, START_FROM_NOTHING, TAKE_OVER_A_CA};

/// `mqttcert init`
#[derive(Debug, Args)]
#[command(after_long_help = START_FROM_NOTHING)]
pub struct Init {
    /// The folder of a compose project, or one above it
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The server certificate's life in days
    #[arg(long, value_name = "N", default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub days: u32,
    /// The kind of the keys that are made
    #[arg(long, value_enum, default_value = "p256", value_name = "KIND")]
    pub key_type: KeyType,
    /// Encrypt the CA's private key with the passphrase
    #[arg(long)]
    pub encrypt_ca_key: bool,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}

/// The kinds of key that are made here; RSA keys are taken, not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// NIST P-256
    P256,
    /// NIST P-384
    P384,
    /// Ed25519
    Ed25519,
}

impl From<KeyType> for mqttcert::ca::KeyKind {
    fn from(kind: KeyType) -> Self {
        match kind {
            KeyType::P256 => Self::P256,
            KeyType::P384 => Self::P384,
            KeyType::Ed25519 => Self::Ed25519,
        }
    }
}

/// `mqttcert ca`
#[derive(Debug, Args)]
#[command(after_long_help = TAKE_OVER_A_CA)]
pub struct Ca {
    /// What to do with the CA
    #[command(subcommand)]
    pub command: CaCommand,
}

/// The CA's commands.
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Show who it is, until when, what it signed, and which stacks dislike it
    Show(CaShow),
    /// Renew it with the same key and subject
    Renew(CaRenew),
    /// Write the revocation list that `crlfile` reads
    Crl(CaCrl),
}

/// Where the CA is.
#[derive(Debug, Clone, Args)]
pub struct CaFiles {
    /// The folder of a compose project, or one above it
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The ledger of issued certificates [default: index.txt beside the CA]
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}

/// `mqttcert ca show`
#[derive(Debug, Args)]
pub struct CaShow {
    /// Where the CA is.
    #[command(flatten)]
    pub ca: CaFiles,
}

/// `mqttcert ca renew`
#[derive(Debug, Args)]
pub struct CaRenew {
    /// The new CA certificate's life in days
    #[arg(long, value_name = "N", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub days: u32,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where the CA is.
    #[command(flatten)]
    pub ca: CaFiles,
}

/// `mqttcert ca crl`
#[derive(Debug, Args)]
pub struct CaCrl {
    /// Days until the next update
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// The file to write [default: the crlfile of the deployment, or crl.pem beside the CA]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the CA is.
    #[command(flatten)]
    pub ca: CaFiles,
}

/// `mqttcert issue`
#[derive(Debug, Args)]
#[command(after_long_help = DEVICES_WITH_MTLS)]
pub struct Issue {
    /// The identities (common names): the users that Mosquitto will see
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Sign this certificate request; with NAME, it must be for exactly this identity
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub csr: Option<PathBuf>,
    /// Issue for every line of a CSV or JSON list (columns name, days, C, ST, L, O, OU)
    #[arg(long, value_name = "LIST", conflicts_with = "names")]
    pub from: Option<PathBuf>,
    /// The folder to write to, or - for standard output
    #[arg(long, value_name = "DIR|-", default_value = "clients")]
    pub out: PathBuf,
    /// The certificates' life in days, where the list does not say
    #[arg(long, value_name = "N", default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub days: u32,
    /// A subject field for every certificate, e.g. O=ACME (repeat; C, ST, L, O, OU)
    #[arg(long, value_name = "FIELD=VALUE", value_parser = parse_field)]
    pub subject: Vec<(mqttcert::ca::subject::Field, String)>,
    /// Also for identities that had a certificate before; a valid one stays valid until it is revoked
    #[arg(long)]
    pub again: bool,
    /// Leave out identities that have a valid certificate, instead of refusing the list
    #[arg(long, conflicts_with = "again")]
    pub skip_issued: bool,
    /// The kind of the keys that are made (RSA keys are taken, by --csr, not made)
    #[arg(long, value_enum, default_value = "p256", value_name = "KIND")]
    pub key_type: KeyType,
    /// Where the CA is.
    #[command(flatten)]
    pub ca: CaFiles,
}

fn parse_field(text: &str) -> Result<(mqttcert::ca::subject::Field, String), String> {
    use mqttcert::ca::subject::Field;
    let wrong = || format!("{text:?} is not FIELD=VALUE with one of C, ST, L, O, OU");
    let (field, value) = text.split_once('=').ok_or_else(wrong)?;
    match field.parse() {
        Ok(Field::CommonName) | Err(()) => Err(wrong()),
        Ok(field) => Ok((field, value.to_owned())),
    }
}

/// `mqttcert revoke`
#[derive(Debug, Args)]
#[command(after_long_help = A_LEAKED_DEVICE_KEY)]
pub struct Revoke {
    /// The certificate's serial number (hexadecimal), its name, or its file
    #[arg(value_name = "SERIAL|NAME")]
    pub which: String,
    /// Why (RFC 5280 §5.3.1), as OpenSSL spells it: keyCompromise, superseded, cessationOfOperation, …
    #[arg(long, value_name = "REASON", value_parser = parse_reason)]
    pub reason: Option<mqttcert::ca::ledger::Reason>,
    /// Days until the CRL's next update: from then on Mosquitto refuses every client
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub crl_days: u32,
    /// The CRL to write [default: the crlfile of the deployment, or crl.pem beside the CA]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the CA is.
    #[command(flatten)]
    pub ca: CaFiles,
}

fn parse_reason(text: &str) -> Result<mqttcert::ca::ledger::Reason, String> {
    use mqttcert::ca::ledger::Reason;
    Reason::parse(text).filter(|r| Reason::OFFERED.contains(r)).ok_or_else(|| {
        let words: Vec<&str> = Reason::OFFERED.iter().map(|r| r.as_str()).collect();
        format!("OpenSSL knows no reason {text:?} in its ledger; one of {}", words.join(", "))
    })
}
