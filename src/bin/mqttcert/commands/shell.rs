//! `mqttcert completions SHELL` and `mqttcert man`: both are made from the command line's own definition.

use std::io::Write as _;

use clap::CommandFactory;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::Cli;
use crate::exit::{Answer, Outcome};

/// The completions of a shell.
pub fn completions(shell: clap_complete::Shell) -> anyhow::Result<Answer> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mqttcert", &mut out);
    Ok(Answer::new(String::from_utf8(out)?, Outcome::Holds))
}

/// The manual page, all commands in one: the program first, then a section per command.
pub fn man() -> anyhow::Result<Answer> {
    let mut out = Vec::new();
    let mut command = Cli::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
        section(&mut out, sub, &format!("mqttcert {}", sub.get_name()))?;
    }
    extra(&mut out)?;
    Ok(Answer::new(String::from_utf8(out)?, Outcome::Holds))
}

/// One command: what it does, how it is called, its own options.
fn section(out: &mut Vec<u8>, command: &clap::Command, name: &str) -> anyhow::Result<()> {
    let subs: Vec<&clap::Command> = command.get_subcommands().filter(|s| s.get_name() != "help").collect();
    if !subs.is_empty() {
        for sub in subs {
            section(out, sub, &format!("{name} {}", sub.get_name()))?;
        }
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", [name.to_uppercase().as_str()]);
    if let Some(about) = command.get_about() {
        roff.text([roman(format!("{about}."))]);
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let rest = usage.split_once(command.get_name()).map_or("", |(_, rest)| rest);
    roff.control("PP", []);
    roff.text([bold(name), roman(rest)]);
    // The options of every command stand in the section OPTIONS.
    for argument in command.get_arguments().filter(|a| !a.is_global_set() && a.get_id() != "help") {
        roff.control("TP", []);
        let mut heading = Vec::new();
        let short = argument.get_short().map(|s| format!("-{s}"));
        let long = argument.get_long().map(|l| format!("--{l}"));
        let flags: Vec<String> = [short, long].into_iter().flatten().collect();
        if !flags.is_empty() {
            heading.push(bold(flags.join(", ")));
        }
        let values = argument.get_value_names().unwrap_or_default();
        if argument.get_action().takes_values() && !values.is_empty() {
            let values = values.iter().map(|v| v.to_string()).collect::<Vec<_>>().join(" ");
            heading.push(roman(if flags.is_empty() { values } else { format!(" {values}") }));
        }
        roff.text(heading);
        let help =
            argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<String> =
            argument.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect();
        let default = match defaults.as_slice() {
            [] => String::new(),
            given if argument.get_action().takes_values() => format!(" [default: {}]", given.join(", ")),
            _ => String::new(),
        };
        roff.text([roman(format!("{help}{default}"))]);
    }
    roff.to_writer(out)?;
    Ok(())
}

fn extra(out: &mut Vec<u8>) -> anyhow::Result<()> {
    out.write_all(
        b".SH EXIT STATUS\n.TP\n.B 0\nIt holds.\n.TP\n.B 1\nIt does not hold.\n.TP\n.B 2\nIt could not be done; nothing \
          was changed, or the message says exactly what was.\n.SH ENVIRONMENT\n.TP\n.B MQTTCERT_CA_PASSPHRASE\nThe \
          passphrase of an encrypted private key.\n.TP\n.B COMPOSE_FILE, COMPOSE_PROFILES\nAs for Docker Compose.\n.TP\n\
          .B NO_COLOR, CLICOLOR_FORCE\nNo colour; colour also where nobody looks.\n.SH FILES\n.TP\n.B mqttcert.toml\nWhat \
          the project knows and no file says: names, paths, stacks, devices, rules off or re-rated.\n.TP\n\
          .B .mqttcert/\nBackups, beside the certificate.\n",
    )?;
    Ok(())
}
