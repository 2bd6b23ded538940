//! What flags, the process environment and `mqttcert.toml` name, so that nothing has to be found.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::name::PeerName;
use crate::stack_id::StackId;

/// Everything that the user names. All paths are as the user wrote them (relative to the working folder).
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `-f`, in order; empty: `COMPOSE_FILE` of [`Self::environment`], else what is found.
    pub compose_files: Vec<PathBuf>,
    /// `--profile`; empty: `COMPOSE_PROFILES`, else every profile is read.
    pub profiles: Vec<String>,
    /// `--env-file`; empty: `.env` of the project folder.
    pub env_files: Vec<PathBuf>,
    /// `--conf`: the mosquitto.conf that is live.
    pub conf: Option<PathBuf>,
    /// `--cert`: the server certificate, whatever the configuration names.
    pub cert: Option<PathBuf>,
    /// `--key`: its private key.
    pub key: Option<PathBuf>,
    /// `--ca`: the trust file of the clients.
    pub ca: Option<PathBuf>,
    /// `--ca-key`: the CA's private key.
    pub ca_key: Option<PathBuf>,
    /// `--name`: names that clients dial besides those found.
    pub names: Vec<GivenName>,
    /// `--stack`: the stacks behind `--name`; empty: `python-paho`.
    pub stacks: Vec<StackId>,
    /// The process environment, which Compose interpolates with (it wins over `.env`).
    pub environment: BTreeMap<String, String>,
    /// `--isolated`: `mqttcert.toml` is not read.
    pub isolated: bool,
}

/// A name that a client dials, with its port if one was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenName {
    /// The name or address.
    pub name: PeerName,
    /// The port.
    pub port: Option<u16>,
}
