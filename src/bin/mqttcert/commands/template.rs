//! `mqttcert template`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Template, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert template` is not built yet")
}
