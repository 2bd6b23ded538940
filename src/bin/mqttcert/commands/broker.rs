//! `mqttcert broker`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Broker, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert broker` is not built yet")
}
