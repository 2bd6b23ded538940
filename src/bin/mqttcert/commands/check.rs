//! `mqttcert check`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Check, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert check` is not built yet")
}
