//! The command line: parse, run, exit.

mod args;
mod authority;
mod commands;
mod exit;
mod inputs;
mod render;
mod secrets;
mod signals;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{CaCommand, Cli, Color, Command, Output};
use crate::exit::Answer;

fn main() -> ExitCode {
    let cli = Cli::parse();
    colour(&cli.output);
    match run(&cli).and_then(|answer| answer.deliver(&cli.output)) {
        Ok(code) => code,
        Err(error) => {
            let text = format!("{error:#}");
            let mut lines = text.lines().map(mqttcert::name::escape);
            // A closed standard error leaves only the status to tell.
            let mut err = io::stderr().lock();
            let _ = writeln!(err, "mqttcert: {}", lines.next().unwrap_or_default());
            for line in lines {
                let _ = writeln!(err, "{line}");
            }
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<Answer> {
    let output = &cli.output;
    match &cli.command {
        Command::Check(a) => commands::check::run(a, output),
        Command::Verdict(a) => commands::verdict::run(a, output),
        Command::Reissue(a) => commands::reissue::run(a, output),
        Command::Rehearse(a) => commands::rehearse::run(a, output),
        Command::Probe(a) => commands::probe::run(a, output),
        Command::Broker(a) => commands::broker::run(a, output),
        Command::Init(a) => commands::init::run(a, output),
        Command::Ca(a) => match &a.command {
            CaCommand::Show(a) => commands::ca_show::run(a, output),
            CaCommand::Renew(a) => commands::ca_renew::run(a, output),
            CaCommand::Crl(a) => commands::ca::crl(a, output),
        },
        Command::Issue(a) => commands::issue::run(a, output),
        Command::Revoke(a) => commands::revoke::run(a, output),
        Command::Rule(a) => commands::rule::run(a, output),
        Command::Stack(a) => commands::stack::run(a, output),
        Command::Template(a) => commands::template::run(a, output),
        Command::Completions { shell } => commands::shell::completions(*shell),
        Command::Man => commands::shell::man(),
    }
}

/// Colour only where a person looks, or where it is asked for (no-color.org, bixense.com/clicolors).
fn colour(output: &Output) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0");
    let on = match output.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if set("CLICOLOR_FORCE") => true,
        Color::Auto => output.output.is_none() && io::stdout().is_terminal(),
    };
    colored::control::set_override(on);
}
