//! `mqttcert reissue`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Reissue, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert reissue` is not built yet")
}
