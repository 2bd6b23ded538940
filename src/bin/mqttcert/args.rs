//! The command line, as the contract fixes it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use mqttcert::stack_id::StackId;

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

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|e| format!("{e}; write for example 2026-11-24T03:29:30Z"))
}

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

const START_FROM_NOTHING: &str = "\
Start from nothing
  1. Write the compose file and mosquitto.conf; the conf names cafile, certfile and keyfile below a mounted folder.
  2. mqttcert init                      makes the CA in ca/ (10 years), the server certificate where the conf means it,
                                        for every name that the deployment dials, and ca.crt for the clients.
     --encrypt-ca-key                   asks for a passphrase (or MQTTCERT_CA_PASSPHRASE, --passphrase-file)
     --ca-key /elsewhere/ca.key         puts the CA outside the project
  3. Start the broker. mqttcert verdict says whether every client verifies it.
Nothing is ever overwritten. The CA's key lies outside every mount; keep a copy of ca/ and commit no key.
Keys that are made are P-256, P-384 or Ed25519 (few devices know Ed25519); RSA keys are taken, not made.";

const TAKE_OVER_A_CA: &str = "\
Take over a CA of easy-rsa, OpenSSL or step
  easy-rsa   run the commands beside pki/: ca.crt, private/ca.key and index.txt are found. easy-rsa goes on working.
  OpenSSL    mqttcert ca show --ca cacert.pem --ca-key private/cakey.pem --ledger index.txt
             `openssl ca` reads the ledger and crlnumber that are written here; a CA without ledger gets one.
  step       mqttcert ca show --ca certs/intermediate_ca.crt --ca-key secrets/intermediate_ca_key
             step keeps no ledger: certificates that it issued are revoked by their file, mqttcert revoke FILE.crt.
  1. mqttcert ca show      who it is, until when, what it signed, which client stacks refuse it and why
  2. mqttcert ca renew     the same key and subject with what is missing: every certificate and every old ca.crt go on;
                           --dry-run shows who needs the new file. An intermediate is renewed by its issuer.
  3. mqttcert ca crl       the list that crlfile reads; write a new one before its nextUpdate, or every client is
                           refused. mqttcert check --expiring tells in time.";

const DEVICES_WITH_MTLS: &str = "\
Devices with mTLS
  1. mosquitto.conf, below the listener:  require_certificate true
                                          use_identity_as_username true
                                          crlfile /mosquitto/certs/crl.pem   (mqttcert ca crl makes it)
  2. mqttcert issue tenant/device --out clients       clients/tenant/device.crt and .key, and clients/ca.crt
     mqttcert issue --csr device.csr                  the device keeps its key; the request is checked
     mqttcert issue --from devices.csv --out clients  thousands; the first line names the columns: name,days,C,ST,L,O,OU
     mqttcert issue --from devices.csv --out -        one after the other: key, certificate, intermediates
  3. mosquitto_pub --cafile ca.crt --cert device.crt --key device.key …    Mosquitto sees the user tenant/device
An identity is given once; --again gives it a new key (the old certificate stays valid until it is revoked).
An interrupted list goes on where it stopped when the same command is run again. Characters that do not belong into
file names are percent-encoded; the common name is exact. Certificates never outlive the CA.";

const A_LEAKED_DEVICE_KEY: &str = "\
A leaked device key
  1. mqttcert revoke tenant/device --reason keyCompromise    ledger and CRL, in one step
  2. Make the broker read it: docker compose exec BROKER kill -HUP 1 (Mosquitto 2.0, TCP listeners). Websockets
     listeners ignore crlfile. Who is connected stays connected: restart the broker to end that.
  3. mqttcert issue tenant/device --again --out NEW          a new key for the same identity
A serial number, a name or a certificate's file says what is revoked. Without crlfile below the listener a revocation
has no effect; the answer says so.";
