//! What several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use mqttcert::stack_id::StackId;

/// What several commands share: where the deployment is, and what is named one by one.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What is judged")]
pub struct Inputs {
    /// A compose file (repeat for several, as for Compose)
    #[arg(short = 'f', long = "compose", value_name = "FILE")]
    pub compose: Vec<PathBuf>,
    /// A compose profile (repeat); without one every profile is read
    #[arg(long, value_name = "PROFILE")]
    pub profile: Vec<String>,
    /// An environment file instead of .env
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// The mosquitto.conf that is live
    #[arg(long, value_name = "FILE")]
    pub conf: Option<PathBuf>,
    /// The server certificate (chain)
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// The server's private key
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The clients' trust file
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The CA's private key
    #[arg(long, value_name = "FILE")]
    pub ca_key: Option<PathBuf>,
    /// A name or address that clients dial, host or host:port (repeat)
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub name: Vec<String>,
    /// The client TLS stack behind --name (repeat, or `all`) [default: python-paho]
    #[arg(long, value_name = "ID", value_parser = parse_stack)]
    pub stack: Vec<StackChoice>,
    /// Read the passphrase of an encrypted private key from FILE
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `--stack`: one stack or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackChoice {
    /// Every stack.
    All,
    /// One.
    One(StackId),
}

fn parse_stack(text: &str) -> Result<StackChoice, String> {
    match text {
        "all" => Ok(StackChoice::All),
        id => id.parse().map(StackChoice::One).map_err(|e: mqttcert::stack_id::UnknownStack| e.to_string()),
    }
}

/// The Mosquitto versions that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MosquittoVersion {
    /// 2.0
    #[value(name = "2.0")]
    V2_0,
    /// 2.1
    #[value(name = "2.1")]
    V2_1,
}
