//! `mqttcert rehearse`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Rehearse, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert rehearse` is not built yet")
}
