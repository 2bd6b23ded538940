//! `mqttcert verdict`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Verdict, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert verdict` is not built yet")
}
