//! `check` for people: grouped by file, each finding with its line, its rule, what is there and what to do; the sum
//! last.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use colored::Colorize;

use mqttcert::deployment::Deployment;
use mqttcert::finding::{Finding, Report, Severity};
use mqttcert::name::escape;
use mqttcert::tree::Tree;

/// Lines longer than this are cut (characters).
const LINE: usize = 100;

/// One project.
pub fn human(tree: &dyn Tree, deployment: &Deployment, report: &Report, several: bool) -> String {
    let mut out = String::new();
    if several {
        let _ = writeln!(out, "{}", escape(&deployment.dir.to_string_lossy()).bold().underline());
    }
    let width = report.findings.iter().map(|f| f.rule.len()).max().unwrap_or(0);
    let mut last: Option<Option<&Path>> = None;
    let mut sources = Sources { tree, held: None };
    for finding in &report.findings {
        let file = finding.place.as_ref().map(|p| &*p.file);
        if last != Some(file) {
            let title = file.map_or("the project".to_owned(), |f| escape(&f.to_string_lossy()));
            let _ = writeln!(out, "{}", title.bold());
            last = Some(file);
        }
        one(&mut out, &mut sources, finding, width);
    }
    let _ = writeln!(out, "{}", sum(report));
    out
}

fn one(out: &mut String, sources: &mut Sources<'_>, finding: &Finding, width: usize) {
    let line = finding.place.as_ref().and_then(|p| p.line_number());
    let number = line.map_or(String::new(), |n| n.to_string());
    let word = format!("{:7}", finding.severity);
    let word = match finding.severity {
        Severity::Error => word.red().bold(),
        Severity::Warning => word.yellow(),
        Severity::Note => word.normal(),
    };
    let _ = writeln!(out, "{number:>5}  {word}  {:width$}  {}", finding.rule, escape(&finding.message));
    if let Some(text) = line.and_then(|n| source_line(sources, finding, n)) {
        let _ = writeln!(out, "       {} {}", "│".dimmed(), text);
    }
    let _ = writeln!(out, "       {} {}", "help:".dimmed(), escape(&finding.help));
}

/// The lines of files; the last one stays read, as findings come file by file.
struct Sources<'t> {
    tree: &'t dyn Tree,
    held: Option<Held>,
}

struct Held {
    file: PathBuf,
    bytes: Vec<u8>,
    /// The byte behind the end of each line.
    ends: Vec<usize>,
}

impl Sources<'_> {
    fn line(&mut self, file: &Path, number: u32) -> Option<&[u8]> {
        if self.held.as_ref().is_none_or(|h| h.file != file) {
            let bytes = self.tree.read(file).ok()?;
            let breaks = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at);
            let ends = breaks.chain([bytes.len()]).collect();
            self.held = Some(Held { file: file.to_owned(), bytes, ends });
        }
        let held = self.held.as_ref()?;
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        let start = at.checked_sub(1).and_then(|i| held.ends.get(i)).map_or(0, |end| end + 1);
        held.bytes.get(start..*held.ends.get(at)?)
    }
}

/// The line that a finding is about, with secrets taken out; none for files that hold nothing else, and none that
/// could not be read as what it should be.
fn source_line(sources: &mut Sources<'_>, finding: &Finding, number: u32) -> Option<String> {
    // The line may be anybody's: what it holds besides its keyword is not understood.
    let not_understood =
        finding.rule == "conf-refused" && finding.message.contains("Unknown configuration variable");
    if finding.rule == "password-file" || not_understood {
        return None;
    }
    let raw = sources.line(&finding.place.as_ref()?.file, number)?;
    // What is cut off is not looked through: a line may be as long as its file.
    let shown: String = String::from_utf8_lossy(raw).trim().chars().take(4 * LINE).collect();
    let text = without_secrets(&shown);
    if text.is_empty() {
        return None;
    }
    let cut: String = text.chars().take(LINE).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    Some(format!("{}{more}", escape(&cut)))
}

/// `***` for user names and passwords of URLs, and for the value of a key that sounds like one.
pub fn without_secrets(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | ','))
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                let _ = write!(out, "***@{host}");
            }
            None => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    let lower = out.to_ascii_lowercase();
    let sounds = ["pass", "secret", "token", "username", "user=", "user:", "_user", "api_key", "apikey"];
    let options = [" -p ", " -u ", "-P", "--pw", "--username"];
    let is_option = lower.contains("mosquitto_") && options.iter().any(|o| out.contains(o));
    if is_option {
        return mask_options(&out);
    }
    match (sounds.iter().any(|s| lower.contains(s)), out.find([':', '='])) {
        (true, Some(at)) => format!("{}***", out.get(..=at).map(|k| format!("{k} ")).unwrap_or_default()),
        _ => out,
    }
}

/// The words behind `-u`, `-P` and their long forms.
fn mask_options(line: &str) -> String {
    let mut hide = false;
    line.split(' ')
        .map(|word| {
            let bare = word.trim_matches(['"', '\'', ',', '[', ']']);
            let shown = if hide && !bare.is_empty() { "***" } else { word };
            hide = matches!(bare, "-u" | "-P" | "--username" | "--pw");
            shown.to_owned()
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn sum(report: &Report) -> String {
    let count = |severity, one: &str| match report.count(severity) {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {one}s")),
    };
    let parts: Vec<String> = [
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning"),
        count(Severity::Note, "note"),
        (report.suppressed > 0).then(|| format!("{} suppressed", report.suppressed)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut text = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
    text.push('.');
    if !report.not_decided.is_empty() {
        let all: Vec<String> = report
            .not_decided
            .iter()
            .map(|n| format!("{} ({})", escape(&n.what), escape(&n.because)))
            .collect();
        let _ = write!(text, "  not judged: {}", all.join("; "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_shown() {
        assert_eq!(without_secrets("URL: mqtt://anna:geheim@mqtt:1883/x"), "URL: mqtt://***@mqtt:1883/x");
        assert_eq!(without_secrets("- MQTT_PASSWORD=geheim"), "- MQTT_PASSWORD= ***");
        assert_eq!(
            without_secrets("mosquitto_sub -u anna -P geheim -t x"),
            "mosquitto_sub -u *** -P *** -t x"
        );
        assert_eq!(without_secrets("listener 1883"), "listener 1883");
    }
}
