//! The commands about the server certificate and the brokers that serve it.

use std::path::PathBuf;

use clap::Args;

use super::{Inputs, MosquittoVersion};

/// `mqttcert reissue`
#[derive(Debug, Args)]
pub struct Reissue {
    /// The folder of a compose project, or one above it
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Reissue also when nothing is to do
    #[arg(long)]
    pub force: bool,
    /// Go back to the certificate before the last replacement
    #[arg(long, conflicts_with_all = ["dry_run", "force", "new_key"])]
    pub undo: bool,
    /// The new certificate's life in days
    #[arg(long, value_name = "N", default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub days: u32,
    /// Renew when fewer days are left [default: the larger of 30 and a third of its life]
    #[arg(long, value_name = "DAYS")]
    pub renew_before: Option<u32>,
    /// Leave this name out (repeat)
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub drop_name: Vec<String>,
    /// Do not add localhost, 127.0.0.1 and ::1
    #[arg(long)]
    pub no_loopback: bool,
    /// Go on although this client would be refused afterwards (repeat)
    #[arg(long, value_name = "CLIENT")]
    pub accept_break: Vec<String>,
    /// Make a new private key too; key and certificate are replaced together
    #[arg(long)]
    pub new_key: bool,
    /// Keep a key that git tracks
    #[arg(long, conflicts_with = "new_key")]
    pub keep_key: bool,
    /// Write into the existing file (single-file mounts), after a backup
    #[arg(long)]
    pub in_place: bool,
    /// How many backups to keep
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub keep: usize,
    /// Run CMD by `sh -c` after a replacement, to make the broker reload
    #[arg(long, value_name = "CMD")]
    pub reload_cmd: Option<String>,
    /// Probe the running broker after the reload, and go back if its handshakes fail
    #[arg(long, value_name = "HOST:PORT")]
    pub live: Vec<String>,
    /// How long to wait for the new certificate on --live
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u64,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}

/// `mqttcert rehearse`
#[derive(Debug, Args)]
pub struct Rehearse {
    /// The folder of a compose project, or one above it
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Run a real client against the embedded broker: everything after `--`
    #[arg(long = "with", requires = "argv")]
    pub with: bool,
    /// The client's program and arguments
    #[arg(last = true, value_name = "ARGV")]
    pub argv: Vec<std::ffi::OsString>,
    /// The version of Mosquitto whose behaviour is shown
    #[arg(long, value_enum, default_value = "2.0", value_name = "VERSION")]
    pub mosquitto: MosquittoVersion,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}

/// `mqttcert probe`
#[derive(Debug, Args)]
pub struct Probe {
    /// The running broker
    #[arg(value_name = "HOST:PORT", required = true)]
    pub targets: Vec<String>,
    /// The folder whose certificate is compared
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The user to log in with (`--round-trip`)
    #[arg(long, value_name = "USER", env = "MQTTCERT_USER")]
    pub user: Option<String>,
    /// The file with the user's password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Log in, send a message to a topic of its own and receive it
    #[arg(long)]
    pub round_trip: bool,
    /// Try a wrong password
    #[arg(long)]
    pub bad_login: bool,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}

/// `mqttcert broker`
#[derive(Debug, Args)]
pub struct Broker {
    /// The folder of a compose project, or one above it
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Serve the listener of port P on port Q (0: a free one; repeat)
    #[arg(long, value_name = "P=Q", value_parser = parse_port_map)]
    pub port: Vec<(u16, u16)>,
    /// The address to bind to
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub bind: std::net::IpAddr,
    /// The version of Mosquitto whose behaviour is shown
    #[arg(long, value_enum, default_value = "2.0", value_name = "VERSION")]
    pub mosquitto: MosquittoVersion,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}

fn parse_port_map(text: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("{text:?} is not P=Q, for example 8883=0");
    let (from, to) = text.split_once('=').ok_or_else(wrong)?;
    Ok((from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?))
}

impl Reissue {
    /// What `verdict --after-reissue` looks ahead to: a dry run with every default.
    pub fn ahead(dir: &std::path::Path, inputs: &Inputs) -> Self {
        Self {
            dir: dir.to_owned(),
            dry_run: true,
            force: false,
            undo: false,
            days: 825,
            renew_before: None,
            drop_name: Vec::new(),
            no_loopback: false,
            accept_break: Vec::new(),
            new_key: false,
            keep_key: true,
            in_place: false,
            keep: 5,
            reload_cmd: None,
            live: Vec::new(),
            wait: 0,
            inputs: inputs.clone(),
        }
    }
}
