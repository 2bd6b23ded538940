//! One renderer per format. What comes from outside is escaped here, in every format.

pub mod check;
pub mod gather;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod project;
pub mod prometheus;
pub mod proof;
pub mod reissue;
pub mod rule;
pub mod sarif;
pub mod stack;
pub mod verdict;

use crate::args::Format;
use project::{Project, Setting};

/// `check` in one of the formats for machines and colleagues; `None` for those that have their own renderer
/// (human, json) or belong to other commands.
///
/// # Errors
/// Where a document cannot be serialized, which does not happen in memory.
pub fn check(format: Format, setting: &Setting, projects: &[Project]) -> anyhow::Result<Option<String>> {
    Ok(Some(match format {
        Format::Sarif => sarif::check(setting, projects)?,
        Format::Github => github::check(setting, projects),
        Format::Junit => junit::check(setting, projects)?,
        Format::Prometheus => prometheus::check(setting, projects),
        Format::Html => html::check(setting, projects),
        Format::Human | Format::Json | Format::Env | Format::Compose => return Ok(None),
    }))
}
