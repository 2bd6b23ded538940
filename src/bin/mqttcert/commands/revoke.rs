//! `mqttcert revoke`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn run(_args: &args::Revoke, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert revoke` is not built yet")
}
