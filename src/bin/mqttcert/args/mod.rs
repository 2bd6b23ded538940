//! The command line, as the contract fixes it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

mod authority;
mod guides;
mod inputs;
mod judge;
mod server;

pub use authority::{Ca, CaCommand, CaCrl, CaFiles, CaRenew, CaShow, Init, Issue, Revoke};
pub use inputs::{Inputs, MosquittoVersion, StackChoice};
pub use judge::{Check, Require, Verdict};
pub use server::{Broker, Probe, Rehearse, Reissue};

/// Tells the truth about a Mosquitto deployment's certificates, repairs them without risk, and proves it.
#[derive(Debug, Parser)]
#[command(name = "mqttcert", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Exit status: 0 it holds, 1 it does not hold, 2 it could not be done.\n\
    Start with `mqttcert verdict` in the folder of your compose project.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How the answer is written.
    #[command(flatten)]
    pub output: Output,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge the certificate, the broker's configuration, the compose project and the clients
    Check(Check),
    /// Say for each client, and for the whole project, whether MQTT_TLS_INSECURE can be switched off
    Verdict(Verdict),
    /// Replace server.crt by one that names what clients dial, signed by the existing CA, as one safe transaction
    Reissue(Reissue),
    /// Prove every listener, name and login on the embedded broker with these files
    Rehearse(Rehearse),
    /// Prove a running broker: handshake, names, plaintext refused, same certificate as on disk
    Probe(Probe),
    /// Run the embedded broker, a twin of the user's Mosquitto, in the foreground
    Broker(Broker),
    /// Make a CA and a server certificate for a project that has none
    Init(Init),
    /// Show, renew or revoke with the CA
    Ca(Ca),
    /// Issue client certificates, one or thousands
    Issue(Issue),
    /// Revoke a certificate by its serial number or name
    Revoke(Revoke),
    /// Explain a rule, or list them
    Rule(Explain),
    /// Explain a client TLS stack, or list them
    Stack(Explain),
    /// Print a template, filled with the names that were found
    Template(Template),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// How the answer is written, for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// The format of the answer
    #[arg(long, value_enum, default_value = "human", global = true, value_name = "FORMAT")]
    pub format: Format,
    /// Write the answer to FILE, atomically, instead of standard output
    #[arg(short, long, global = true, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Colour: NO_COLOR and CLICOLOR_FORCE are honoured too
    #[arg(long, value_enum, default_value = "auto", global = true, value_name = "WHEN")]
    pub color: Color,
    /// Say less on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more on standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Ignore mqttcert.toml and inline ignores
    #[arg(long, global = true)]
    pub isolated: bool,
    /// Judge as of this time (RFC 3339) instead of the clock's
    #[arg(long, global = true, value_name = "RFC3339", value_parser = parse_time)]
    pub now: Option<OffsetDateTime>,
}

/// The formats of the contract; each command takes some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One JSON object, for scripts
    Json,
    /// verdict: one line MQTT_TLS_INSECURE=…
    Env,
    /// verdict: a compose override file
    Compose,
    /// check: SARIF 2.1.0
    Sarif,
    /// check: annotations of GitHub Actions
    Github,
    /// check: JUnit XML
    Junit,
    /// check: a Prometheus textfile
    Prometheus,
    /// check: one self-contained page
    Html,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|e| format!("{e}; write for example 2026-11-24T03:29:30Z"))
}

/// `mqttcert rule` and `mqttcert stack`
#[derive(Debug, Args)]
pub struct Explain {
    /// The id; without it all are listed
    pub id: Option<String>,
}

/// `mqttcert template`
#[derive(Debug, Args)]
pub struct Template {
    /// The template; without it all are listed
    #[arg(value_name = "NAME")]
    pub template: Option<String>,
    /// The folder of a compose project, or one above it
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The inputs.
    #[command(flatten)]
    pub inputs: Inputs,
}
