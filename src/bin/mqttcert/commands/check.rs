//! `mqttcert check`: judges the certificate, the broker's configuration, the compose project and the clients.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

use mqttcert::deployment::{self, Deployment};
use mqttcert::finding::{Report, Severity};
use mqttcert::rules::{self, Options};
use mqttcert::verdict;

use super::fix;
use crate::args::{self, Format, Output, Require};
use crate::exit::{Answer, Outcome};
use crate::inputs::{self, Loaded};
use crate::render::{self, check, project};

/// Judges every project that is named, reports them all, and answers with the worst.
pub fn run(args: &args::Check, output: &Output) -> anyhow::Result<Answer> {
    if args.expiring {
        return super::expiring::run(args, output);
    }
    let dirs = dirs(args)?;
    if args.diff {
        return fix::diff(args, output, &dirs);
    }
    let mended = match args.fix || args.unsafe_fixes {
        true => fix::apply(args, output, &dirs)?,
        false => String::new(),
    };
    let mut judged = Vec::new();
    for dir in &dirs {
        let holds = |root: &PathBuf| dir.starts_with(root) || (root.as_os_str() == "." && dir.is_relative());
        let root = args.dirs.iter().find(|root| args.recursive && holds(root)).unwrap_or(dir);
        let loaded = inputs::load_below(&args.inputs, root, dir, output)?;
        let options = Options { warn_days: args.warn_days, isolated: output.isolated };
        let report = rules::run(&loaded.deployment, &loaded.tree, loaded.now, &options);
        judged.push((loaded, report));
    }
    let holds = judged.iter().all(|(loaded, report)| holds(args, &loaded.deployment, report));
    let report = text(args, output, &judged)?;
    if output.format == Format::Human {
        return Ok(Answer::new(format!("{mended}{report}"), Outcome::of(holds)));
    }
    if !output.quiet {
        // Machines get the report alone. A closed standard error leaves only the status to tell.
        let _ = std::io::stderr().lock().write_all(mended.as_bytes());
    }
    Ok(Answer::new(report, Outcome::of(holds)))
}

/// The folders to judge: those that are named, or every project below them.
fn dirs(args: &args::Check) -> anyhow::Result<Vec<PathBuf>> {
    if !args.recursive {
        return Ok(args.dirs.clone());
    }
    let mut found = Vec::new();
    for dir in &args.dirs {
        let tree = inputs::tree(&args.inputs, dir)?;
        found.extend(deployment::projects(&tree, dir));
    }
    if found.is_empty() {
        bail!(
            "no compose project below {}",
            args.dirs.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", ")
        );
    }
    Ok(found)
}

fn holds(args: &args::Check, deployment: &Deployment, report: &Report) -> bool {
    let errors = report.count(Severity::Error);
    let warnings = report.count(Severity::Warning);
    errors == 0
        && !(args.strict && warnings > 0)
        && args.require.iter().all(|what| rules::is_judged(deployment, report, part(*what)))
}

fn part(require: Require) -> rules::Part {
    match require {
        Require::Certificate => rules::Part::Certificate,
        Require::Conf => rules::Part::Conf,
        Require::Clients => rules::Part::Clients,
    }
}

fn text(args: &args::Check, output: &Output, judged: &[(Loaded, Report)]) -> anyhow::Result<String> {
    match output.format {
        Format::Human => Ok(judged
            .iter()
            .map(|(l, r)| check::human(&l.tree, &l.deployment, r, judged.len() > 1))
            .collect()),
        Format::Json => Ok(render::json::line(&render::json::check_all(
            judged
                .iter()
                .map(|(l, r)| (l.deployment.dir.as_path(), r))
                .collect::<Vec<(&Path, &Report)>>()
                .as_slice(),
        ))),
        Format::Env | Format::Compose => {
            bail!("check speaks human, json, sarif, github, junit, prometheus and html")
        }
        format => {
            let projects: Vec<project::Project> = judged
                .iter()
                .map(|(l, r)| {
                    let verdict = verdict::judge(&l.deployment, &l.tree, l.now, &verdict::Options::default());
                    render::gather::project(&l.tree, &l.deployment, r, &verdict)
                })
                .collect();
            let setting = project::Setting {
                now: inputs::now(output),
                root: std::env::current_dir().unwrap_or_default(),
                strict: args.strict,
            };
            Ok(render::check(format, &setting, &projects)?.unwrap_or_default())
        }
    }
}
