//! `mqttcert rule`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Explain, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert rule` is not built yet")
}
