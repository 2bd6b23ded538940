//! `mqttcert completions SHELL` and `mqttcert man`: both are made from the command line's own definition.

use clap::CommandFactory;

use crate::args::Cli;
use crate::exit::{Answer, Outcome};

/// The completions of a shell.
pub fn completions(shell: clap_complete::Shell) -> anyhow::Result<Answer> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mqttcert", &mut out);
    Ok(Answer::new(String::from_utf8(out)?, Outcome::Holds))
}

/// The manual page, all commands in one.
pub fn man() -> anyhow::Result<Answer> {
    let mut out = Vec::new();
    let mut command = Cli::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render(&mut out)?;
    Ok(Answer::new(String::from_utf8(out)?, Outcome::Holds))
}
