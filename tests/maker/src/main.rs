//! `mqttcert-fixtures pulse before|insecure|after DIR`: the seed's deployment with fresh certificates, for the demo
//! and for anyone who wants to look at it with other tools.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;
use std::process::ExitCode;

use mqttcert_fixtures::pulse::{State, pulse};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (state, dir, now) = match words.as_slice() {
        ["pulse", state, dir] => (*state, *dir, Some(OffsetDateTime::now_utc())),
        ["pulse", state, dir, "--now", now] => (*state, *dir, OffsetDateTime::parse(now, &Rfc3339).ok()),
        _ => return usage(),
    };
    let (Some(state), Some(now)) = (State::ALL.into_iter().find(|s| s.folder() == state), now) else {
        return usage();
    };
    match pulse(Path::new(dir), state, now) {
        Ok(certs) => {
            println!("{}", certs.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{dir}: {error}");
            ExitCode::from(2)
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: mqttcert-fixtures pulse before|insecure|after DIR [--now RFC3339]");
    ExitCode::from(2)
}
