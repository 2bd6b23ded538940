//! `mqttcert rehearse --with -- ARGV…`

use anyhow::bail;

use crate::args::{self, Output};
use crate::exit::Answer;

/// Runs a real client against the embedded broker.
pub fn run(_args: &args::Rehearse, _output: &Output) -> anyhow::Result<Answer> {
    bail!("`rehearse --with` is not built yet; run `mqttcert broker` and point the client at it")
}
