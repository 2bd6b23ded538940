//! What the project says about rules: `[rules.ID]` of `mqttcert.toml`, and `# mqttcert: ignore RULE because …` in the
//! files themselves.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::context::Context;
use super::{Outcome, Rule};
use crate::deployment::RuleLevel;
use crate::finding::{Finding, Fix, Report, Severity};
use crate::place::Place;

pub(super) const UNUSED_IGNORE: Rule = Rule {
    id: "unused-ignore",
    severity: Severity::Warning,
    what: "an ignore that does nothing: the rule finds nothing there, does not exist, or no reason is given",
    why: "It hides what comes later, and nobody knows why it is there.",
    cure: "take the line out, or write `# mqttcert: ignore RULE because …` above the line it is meant for",
    source: "mqttcert's own: an ignore gives its reason and is used",
    fix: Fix::None,
    check: |_, _| Outcome::NotApplicable,
};

/// An ignore in a file.
struct Ignore {
    place: Place,
    rule: String,
    reason: Option<String>,
    /// The lines it covers: its own, and the next one that is no comment.
    covers: [u32; 2],
    used: bool,
}

/// Takes away and re-rates what the project says, counts it, and reports what had nothing to do.
pub(super) fn apply(context: &Context<'_>, report: &mut Report) {
    let mut ignores = inline(context, report);
    let before = report.findings.len();
    report.findings.retain(|finding| {
        let hit = ignores.iter_mut().find(|i| i.reason.is_some() && i.hits(finding));
        match hit {
            Some(ignore) => {
                ignore.used = true;
                false
            }
            None => true,
        }
    });
    report.suppressed += before - report.findings.len();
    let mut told = Vec::new();
    for ignore in ignores {
        let message = match (&ignore.reason, super::find(&ignore.rule)) {
            (_, None) => format!("there is no rule {}", ignore.rule),
            (None, _) => {
                format!("the ignore of {} gives no reason: it does nothing without `because …`", ignore.rule)
            }
            (Some(_), _) if !ignore.used => format!("{} finds nothing here", ignore.rule),
            _ => continue,
        };
        told.push(UNUSED_IGNORE.finding(Some(ignore.place), message));
    }
    for setting in &context.deployment.settings.rules {
        let id = &setting.rule.value;
        let place = Some(setting.rule.place.clone());
        if super::find(id).is_none() {
            told.push(
                UNUSED_IGNORE.finding(place, format!("there is no rule {id}; `mqttcert rule` lists them")),
            );
            continue;
        }
        let hits = report.findings.iter().filter(|f| f.rule == id).count();
        match setting.level {
            RuleLevel::Off => {
                report.findings.retain(|f| f.rule != id);
                report.suppressed += hits;
            }
            RuleLevel::Rated(severity) => {
                report.findings.iter_mut().filter(|f| f.rule == id).for_each(|f| f.severity = severity);
            }
        }
        if hits == 0 && setting.level == RuleLevel::Off {
            told.push(UNUSED_IGNORE.finding(place, format!("{id} is switched off, but finds nothing")));
        }
    }
    report.findings.extend(told);
}

impl Ignore {
    fn hits(&self, finding: &Finding) -> bool {
        let Some(place) = &finding.place else { return false };
        let is_near = place.line == 0 || self.covers.contains(&place.line);
        finding.rule == self.rule && place.file == self.place.file && is_near
    }
}

/// The ignores in every text file that findings, compose files and configurations stand in.
fn inline(context: &Context<'_>, report: &Report) -> Vec<Ignore> {
    let mut files: BTreeSet<PathBuf> = context.deployment.compose_files.iter().cloned().collect();
    files.extend(report.findings.iter().filter_map(|f| f.place.as_ref()).map(|p| p.file.to_path_buf()));
    let confs = context.deployment.brokers.iter().filter_map(|b| b.conf.as_ref());
    files.extend(confs.flat_map(|c| c.directives.iter().map(|d| d.place.file.to_path_buf())));
    files.extend(
        context.deployment.clients.iter().filter_map(|c| c.place.as_ref()).map(|p| p.file.to_path_buf()),
    );
    let mut found = Vec::new();
    for file in files {
        let Ok(bytes) = context.tree.read(&file) else { continue };
        if bytes.windows(MARK.len()).any(|w| w == MARK.as_bytes()) {
            found.extend(in_text(&file, &String::from_utf8_lossy(&bytes)));
        }
    }
    found
}

const MARK: &str = "mqttcert: ignore";

fn in_text(file: &std::path::Path, text: &str) -> Vec<Ignore> {
    let lines: Vec<&str> = text.lines().collect();
    let number = |at: usize| u32::try_from(at + 1).unwrap_or(u32::MAX);
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((before, rest)) = line.split_once(MARK) else { continue };
        let mut words = rest.trim().splitn(2, char::is_whitespace);
        let rule = words.next().unwrap_or("").to_owned();
        let reason = words
            .next()
            .and_then(|r| r.trim().strip_prefix("because"))
            .map(|r| r.trim().trim_end_matches("-->").trim_end_matches("*/").trim().to_owned())
            .filter(|r| !r.is_empty());
        let is_comment = |l: &str| {
            let l = l.trim_start();
            l.is_empty() || l.starts_with(['#', ';']) || l.starts_with("//") || l.starts_with("--")
        };
        let alone = is_comment(before) && before.trim().len() <= 4;
        let next =
            lines.iter().enumerate().skip(at + 1).find(|(_, l)| !is_comment(l)).map(|(n, _)| number(n));
        let covers = [number(at), if alone { next.unwrap_or(0) } else { number(at) }];
        found.push(Ignore { place: Place::line(file, number(at)), rule, reason, covers, used: false });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignore_alone_covers_the_next_line_and_needs_a_reason() {
        let text = "# mqttcert: ignore plaintext-listener because lab only\n\nlistener 1883\n\
                    x: y # mqttcert: ignore acl-scope\n";
        let all = in_text(std::path::Path::new("m.conf"), text);
        assert_eq!(all[0].covers, [1, 3]);
        assert_eq!(all[0].reason.as_deref(), Some("lab only"));
        assert_eq!((all[1].covers, all[1].reason.as_deref()), ([4, 4], None));
    }
}
