//! `mqttcert issue`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Issue, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert issue` is not built yet")
}
