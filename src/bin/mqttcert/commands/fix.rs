//! `mqttcert check --fix`, `--unsafe-fixes` and `--diff`: the repairs shown, or carried out before the project is judged.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use colored::Colorize;
use similar::TextDiff;

use mqttcert::deployment::{self, Deployment};
use mqttcert::name::escape;
use mqttcert::repair::{self, FileEdit, Plan, Reach};
use mqttcert::rules;
use mqttcert::tree::{OverlayTree, Tree};
use mqttcert::verdict;

use crate::args::{self, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::check::without_secrets;

/// How often repairs may make further ones possible.
const MAX_ROUNDS: usize = 5;

/// `--diff`: what `--fix` (or `--unsafe-fixes`) would do. Nothing is changed; it does not hold if there is anything.
///
/// # Errors
/// As for `check`.
pub fn diff(args: &args::Check, output: &Output, dirs: &[PathBuf]) -> anyhow::Result<Answer> {
    let mut text = String::new();
    let mut any = false;
    for dir in dirs {
        let plan = plan(args, output, dir)?;
        any |= !plan.edits.is_empty();
        text.push_str(&shown(&plan));
        text.push_str(&sum(&plan, "would change"));
    }
    Ok(Answer::new(text, Outcome::of(!any)))
}

/// `--fix`: carries the repairs out and tells what was done.
///
/// # Errors
/// Where a file has uncommitted changes, or cannot be replaced.
pub fn apply(args: &args::Check, output: &Output, dirs: &[PathBuf]) -> anyhow::Result<String> {
    let plans: Vec<Plan> = dirs.iter().map(|d| plan(args, output, d)).collect::<anyhow::Result<_>>()?;
    let edits: Vec<FileEdit> = plans.iter().flat_map(|p| p.edits.clone()).collect();
    repair::write(&edits, args.allow_dirty)?;
    Ok(plans.iter().map(|p| format!("{}{}", shown(p), sum(p, "changed"))).collect())
}

/// What the repairs make possible is planned too (a client that got its CA file may lose its flag), so that a second
/// run has nothing to do.
fn plan(args: &args::Check, output: &Output, dir: &Path) -> anyhow::Result<Plan> {
    let loaded = inputs::load(&args.inputs, dir, output)?;
    let given = inputs::given(&args.inputs, output)?;
    let options = rules::Options { warn_days: args.warn_days, isolated: output.isolated };
    let reach = if args.unsafe_fixes { Reach::Unsafe } else { Reach::Safe };
    let round = |deployment: &Deployment, tree: &dyn Tree| {
        let report = rules::run(deployment, tree, loaded.now, &options);
        let verdict = verdict::judge(deployment, tree, loaded.now, &verdict::Options::default());
        repair::plan(deployment, &given, &report, &verdict, tree, reach)
    };
    let mut plan = round(&loaded.deployment, &loaded.tree);
    for _ in 0..MAX_ROUNDS {
        if plan.edits.is_empty() {
            break;
        }
        let tree = OverlayTree::new(&loaded.tree);
        let tree = plan.edits.iter().fold(tree, |t, e| t.with(&e.path, e.after.as_bytes()));
        let Ok(deployment) = deployment::discover(&tree, dir, &given) else { break };
        let later = round(&deployment, &tree);
        let done = later.edits.is_empty();
        plan.then(later);
        if done {
            break;
        }
    }
    Ok(plan)
}

/// The edits as unified diffs, and what is for a person.
fn shown(plan: &Plan) -> String {
    let mut out = String::new();
    for edit in &plan.edits {
        let name = escape(&edit.path.to_string_lossy());
        let _ = write!(out, "--- {name}\n+++ {name}\n");
        let diff = TextDiff::from_lines(&edit.before, &edit.after);
        let text = diff.unified_diff().context_radius(3).missing_newline_hint(false).to_string();
        for line in text.split_terminator('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            // Tabs are layout here; a secret beside an edit stays one.
            let clean = line.split('\t').map(escape).collect::<Vec<_>>().join("    ");
            let clean = without_secrets(&clean);
            let _ = match clean.chars().next() {
                Some('+') => writeln!(out, "{}", clean.green()),
                Some('-') => writeln!(out, "{}", clean.red()),
                _ => writeln!(out, "{clean}"),
            };
        }
        out.push('\n');
    }
    if !plan.cut_off.is_empty() && !plan.edits.is_empty() {
        out.push_str("cut off by these edits\n");
        for who in &plan.cut_off {
            let _ = writeln!(out, "  {}", escape(who));
        }
        out.push('\n');
    }
    if !plan.manual.is_empty() {
        out.push_str("for a person\n");
        for manual in &plan.manual {
            let _ = writeln!(out, "  {}  {}", manual.place, escape(&manual.why));
            for line in &manual.lines {
                let _ = writeln!(out, "      {}", escape(line));
            }
        }
        out.push('\n');
    }
    out
}

fn sum(plan: &Plan, verb: &str) -> String {
    let files = match plan.edits.len() {
        0 => "nothing to repair".to_owned(),
        1 => format!("1 file {verb}"),
        n => format!("{n} files {verb}"),
    };
    let more = match plan.held_back {
        0 => String::new(),
        1 => "; 1 listener more with --unsafe-fixes".to_owned(),
        n => format!("; {n} listeners more with --unsafe-fixes"),
    };
    let manual = match plan.manual.len() {
        0 => String::new(),
        n => format!("; {n} left to a person"),
    };
    format!("{files}{more}{manual}\n")
}
