//! `mqttcert probe`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Probe, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert probe` is not built yet")
}
