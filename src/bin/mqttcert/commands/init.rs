//! `mqttcert init`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Init, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert init` is not built yet")
}
