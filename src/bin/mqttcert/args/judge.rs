//! The commands that judge: `check` and `verdict`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Inputs, MosquittoVersion};

/// `mqttcert check`
#[derive(Debug, Args)]
pub struct Check {
    /// The folders of compose projects, or folders above them
    #[arg(default_value = ".", value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Find every project below DIR
    #[arg(long)]
    pub recursive: bool,
    /// Apply the safe repairs
    #[arg(long)]
    pub fix: bool,
    /// Apply also the repairs that cut somebody off (TLS on a plaintext listener, the reach of an ACL)
    #[arg(long)]
    pub unsafe_fixes: bool,
    /// Show the repairs as a diff and change nothing; exit 1 if there are any
    #[arg(long)]
    pub diff: bool,
    /// Let --fix touch files with uncommitted changes
    #[arg(long)]
    pub allow_dirty: bool,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    /// Warn this many days before a certificate ends [default: 30]
    #[arg(long, value_name = "DAYS")]
    pub warn_days: Option<u32>,
    /// Fail if one of these could not be judged
    #[arg(long, value_enum, value_delimiter = ',', value_name = "certificate,conf,clients")]
    pub require: Vec<Require>,
    /// List what ends when: the certificates found and the ledger
    #[arg(long)]
    pub expiring: bool,
    /// The ledger of issued certificates [default: index.txt beside the CA]
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}

/// What `--require` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Require {
    /// The server certificate
    Certificate,
    /// The broker's configuration
    Conf,
    /// The clients
    Clients,
}

/// `mqttcert verdict`
#[derive(Debug, Args)]
pub struct Verdict {
    /// The folder of a compose project, or one above it
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Only this service (repeat)
    #[arg(long, value_name = "SERVICE")]
    pub client: Vec<String>,
    /// Every reason with its evidence, per stack
    #[arg(long)]
    pub explain: bool,
    /// The version of Mosquitto that serves
    #[arg(long, value_enum, default_value = "2.0", value_name = "VERSION")]
    pub mosquitto: MosquittoVersion,
    /// Answer for the certificate that `reissue` would make
    #[arg(long)]
    pub after_reissue: bool,
    /// Set the line MQTT_TLS_INSECURE=… in FILE, or remove one that is no longer true
    #[arg(long, value_name = "FILE")]
    pub update_env: Option<PathBuf>,
    /// Exit 0 also where a client stays undecided
    #[arg(long)]
    pub allow_undecided: bool,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}
