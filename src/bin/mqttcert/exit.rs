//! What a command answers, and the exit status that follows from it.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::Output;

/// Whether what was asked holds: status 0 or 1. Status 2 is an error (`anyhow::Error`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Status 0.
    Holds,
    /// Status 1.
    DoesNotHold,
}

impl Outcome {
    /// `Holds` if the condition does.
    pub fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::DoesNotHold }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Holds => ExitCode::SUCCESS,
            Outcome::DoesNotHold => ExitCode::from(1),
        }
    }
}

/// The answer of a command: the text for standard output (or `-o FILE`) and the outcome.
#[derive(Debug)]
pub struct Answer {
    /// What is printed; ends with a line end unless empty.
    pub text: String,
    /// The status.
    pub outcome: Outcome,
}

impl Answer {
    /// A text and whether it holds.
    pub fn new(text: impl Into<String>, outcome: Outcome) -> Self {
        Self { text: text.into(), outcome }
    }

    /// Writes the text where the user wants it.
    ///
    /// # Errors
    /// Where the file cannot be written; a closed pipe is no error.
    pub fn deliver(&self, output: &Output) -> anyhow::Result<ExitCode> {
        match &output.output {
            Some(path) => mqttcert::disk::write_report(path, self.text.as_bytes())?,
            None => match to_stdout(self.text.as_bytes()) {
                Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                    return Err(anyhow::Error::new(e).context("standard output cannot be written"));
                }
                _ => {}
            },
        }
        Ok(self.outcome.into())
    }
}

fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
