//! `mqttcert ca`

use crate::args::{self, Output};
use crate::exit::Answer;

/// Not there yet.
pub fn show(_args: &args::CaShow, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert ca show` is not built yet")
}

/// Not there yet.
pub fn renew(_args: &args::CaRenew, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert ca renew` is not built yet")
}

/// Not there yet.
pub fn crl(_args: &args::CaCrl, _output: &Output) -> anyhow::Result<Answer> {
    anyhow::bail!("`mqttcert ca crl` is not built yet")
}
