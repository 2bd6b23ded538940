//! Why there is no deployment to judge.

use std::fmt;
use std::path::PathBuf;

use super::settings::SettingsError;
use crate::name::escape;
use crate::tree::TreeError;

/// Why a project could not be read at all. What is merely missing inside a readable project is no error: it goes to
/// [`super::Deployment::not_decided`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscoverError {
    /// Neither a compose file nor a mosquitto.conf nor certificates named by flags.
    Nothing {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// A file that a flag, `COMPOSE_FILE` or `mqttcert.toml` names cannot be read.
    Named(TreeError),
    /// A compose file is no YAML that Compose would take.
    Compose {
        /// The file.
        file: PathBuf,
        /// The line, 0 if the whole file is meant.
        line: u32,
        /// What is wrong with it.
        reason: String,
    },
    /// `mqttcert.toml` cannot be used.
    Settings(SettingsError),
}

impl fmt::Display for DiscoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing { dir } => write!(
                f,
                "{}: no compose file and no mosquitto.conf below; name them with -f or --conf, or give --cert, --ca \
                 and --name",
                escape(&dir.to_string_lossy())
            ),
            Self::Named(e @ TreeError::Outside(_)) => e.fmt(f),
            Self::Named(e) => write!(f, "{e}; check the name, or leave the flag out"),
            Self::Compose { file, line, reason } => {
                write!(f, "{}", escape(&file.to_string_lossy()))?;
                if *line > 0 {
                    write!(f, ":{line}")?;
                }
                write!(f, ": {}; `docker compose config` shows what Compose makes of it", escape(reason))
            }
            Self::Settings(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for DiscoverError {}

impl From<SettingsError> for DiscoverError {
    fn from(e: SettingsError) -> Self {
        Self::Settings(e)
    }
}
