//! Annotations of GitHub Actions: `::error file=…,line=…,title=…::message`, as "Workflow commands for GitHub
//! Actions" documents them and the runner's `ActionCommand` parses them.

use std::fmt::Write as _;

use mqttcert::finding::Severity;
use mqttcert::name::escape;

use super::project::{Project, Setting, about};

/// One line per finding, and one notice per thing that was not judged.
pub fn check(setting: &Setting, projects: &[Project]) -> String {
    let mut out = String::new();
    for project in projects {
        for finding in &project.report.findings {
            let command = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let file = property(&setting.path(project.file_of(finding)));
            let line = finding
                .place
                .as_ref()
                .and_then(|p| p.line_number())
                .map_or(String::new(), |n| format!(",line={n}"));
            let about = about(finding);
            let title = match about.as_str() {
                "" => finding.rule.to_owned(),
                about => format!("{} ({about})", finding.rule),
            };
            let mut message = data(&escape(&finding.message));
            if !finding.help.is_empty() {
                // The one line end that is ours: the runner decodes %0A.
                let _ = write!(message, "%0Ahelp: {}", data(&escape(&finding.help)));
            }
            let _ = writeln!(out, "::{command} file={file}{line},title={}::{message}", property(&title));
        }
        for left in &project.report.not_decided {
            let what = data(&escape(&left.what));
            let because = data(&escape(&left.because));
            let _ = writeln!(out, "::notice title=not judged::{what}: {because}");
        }
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::project::sample;
    use super::*;

    #[test]
    fn writes_the_documented_grammar() {
        let text = check(&sample::setting(), &[sample::plain()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "::error file=compose/mosquitto/mosquitto.conf,line=40,title=acl-scope (listener 9001)\
                 ::acl-scope says so%0Ahelp: do this",
                "::warning file=compose/docker-compose.yml,line=85,title=single-file-mount (service ingest)\
                 ::single-file-mount says so%0Ahelp: do this",
                "::notice file=compose/docker-compose.yml,title=cn-only::cn-only says so%0Ahelp: do this",
                "::notice title=not judged::password file: volume mosquitto-passwd",
            ]
        );
    }

    #[test]
    fn no_text_from_outside_can_end_a_property_or_start_a_command() {
        let text = check(&sample::setting(), &[sample::evil()]);
        sample::assert_clean(&text);
        assert_eq!(text.lines().count(), 4);
        for line in text.lines() {
            // The runner splits at the first `::` behind the properties.
            let (head, message) = line[2..].split_once("::").unwrap();
            let (_, properties) = head.split_once(' ').unwrap();
            for p in properties.split(',') {
                let (key, value) = p.split_once('=').unwrap();
                assert!(["file", "line", "title"].contains(&key), "{p}");
                assert!(!value.contains(':'), "{p}");
            }
            assert!(message.contains("%250A"), "a percent sign of the text stays one: {message}");
        }
    }
}
