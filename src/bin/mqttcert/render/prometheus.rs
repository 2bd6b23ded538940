//! A textfile for node_exporter's textfile collector, in Prometheus' text exposition format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mqttcert::finding::Severity;
use mqttcert::name::escape;

use super::project::{Project, Setting};

/// Every decision, so that an alert sees a 0 and not a series that is gone.
const DECISIONS: &[&str] = &["verified", "switch-off", "keep-on", "broken", "no-tls", "undecided"];

/// All metrics of all projects; one family after the other, as the format wants it.
pub fn check(setting: &Setting, projects: &[Project]) -> String {
    let ends = "mqttcert_certificate_not_after_timestamp_seconds";
    let begins = "mqttcert_certificate_not_before_timestamp_seconds";
    let mut families = [
        Family::new(ends, "When a certificate or CRL of the deployment ends, in seconds since the epoch."),
        Family::new(
            begins,
            "When a certificate or CRL of the deployment begins, in seconds since the epoch.",
        ),
        Family::new("mqttcert_findings", "Findings of mqttcert check, by rule and severity."),
        Family::new(
            "mqttcert_findings_by_severity",
            "Findings of mqttcert check, by severity; 0 where there is none.",
        ),
        Family::new("mqttcert_not_judged", "How many things could not be judged."),
        Family::new("mqttcert_ok", "1 if everything was judged and no error was found, else 0."),
        Family::new(
            "mqttcert_verdict",
            "1 for the project's decision about MQTT_TLS_INSECURE, 0 for the others.",
        ),
        Family::new("mqttcert_client_decision", "1 for the decision about a client."),
        Family::new("mqttcert_check_timestamp_seconds", "The time as of which mqttcert judged."),
    ];
    for project in projects {
        let dir = setting.path(&project.dir);
        let [end, begin, by_rule, by_severity, not_judged, ok, verdict, client, checked] = &mut families;
        for life in &project.lives {
            let file = setting.path(&life.file);
            let subject = escape(&life.subject);
            let labels =
                [("project", dir.as_str()), ("file", &file), ("kind", life.kind), ("subject", &subject)];
            end.least(&labels, life.not_after.unix_timestamp());
            begin.least(&labels, life.not_before.unix_timestamp());
        }
        for finding in &project.report.findings {
            by_rule.add(&[
                ("project", dir.as_str()),
                ("rule", finding.rule),
                ("severity", finding.severity.as_str()),
            ]);
        }
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            let n = i64::try_from(project.report.count(severity)).unwrap_or(i64::MAX);
            by_severity.set(&[("project", dir.as_str()), ("severity", severity.as_str())], n);
        }
        let project_label = [("project", dir.as_str())];
        not_judged.set(&project_label, i64::try_from(project.report.not_decided.len()).unwrap_or(i64::MAX));
        ok.set(&project_label, i64::from(project.report.ok() == Some(true)));
        checked.set(&project_label, setting.now.unix_timestamp());
        let Some(answer) = &project.answer else { continue };
        for decision in DECISIONS {
            let labels = [("project", dir.as_str()), ("decision", decision)];
            verdict.set(&labels, i64::from(*decision == answer.decision));
        }
        for dial in &answer.dials {
            client.set(
                &[
                    ("project", dir.as_str()),
                    ("client", &escape(&dial.who)),
                    ("dials", &escape(&dial.to)),
                    ("decision", dial.decision),
                ],
                1,
            );
        }
    }
    families.iter().map(Family::text).collect()
}

/// A gauge and its samples; a label set stands in it once, as the format demands.
struct Family {
    name: &'static str,
    help: &'static str,
    samples: BTreeMap<String, i64>,
}

impl Family {
    fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, samples: BTreeMap::new() }
    }

    fn set(&mut self, labels: &[(&str, &str)], value: i64) {
        self.samples.insert(series(labels), value);
    }

    fn add(&mut self, labels: &[(&str, &str)]) {
        *self.samples.entry(series(labels)).or_insert(0) += 1;
    }

    /// Two certificates of one subject in one file: the one that ends first counts.
    fn least(&mut self, labels: &[(&str, &str)], value: i64) {
        let slot = self.samples.entry(series(labels)).or_insert(value);
        *slot = value.min(*slot);
    }

    fn text(&self) -> String {
        let mut out = String::new();
        if self.samples.is_empty() {
            return out;
        }
        let _ = writeln!(out, "# HELP {} {}\n# TYPE {} gauge", self.name, self.help, self.name);
        for (labels, value) in &self.samples {
            let _ = writeln!(out, "{}{{{labels}}} {value}", self.name);
        }
        out
    }
}

fn series(labels: &[(&str, &str)]) -> String {
    let quote = |v: &str| v.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    labels.iter().map(|(k, v)| format!("{k}=\"{}\"", quote(v))).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::project::sample;
    use super::*;

    #[test]
    fn tells_ends_findings_and_the_decision() {
        let text = check(&sample::setting(), &[sample::plain()]);
        for line in [
            "# TYPE mqttcert_findings gauge",
            "mqttcert_certificate_not_after_timestamp_seconds{project=\"compose\",\
             file=\"compose/mosquitto/certs/server.crt\",kind=\"server\",subject=\"CN=iot-mqtt\"} 1834185600",
            "mqttcert_findings{project=\"compose\",rule=\"acl-scope\",severity=\"error\"} 1",
            "mqttcert_findings_by_severity{project=\"compose\",severity=\"note\"} 1",
            "mqttcert_ok{project=\"compose\"} 0",
            "mqttcert_not_judged{project=\"compose\"} 1",
            "mqttcert_verdict{project=\"compose\",decision=\"broken\"} 1",
            "mqttcert_verdict{project=\"compose\",decision=\"verified\"} 0",
            "mqttcert_client_decision{project=\"compose\",client=\"ui\",dials=\"iot-mqtt:1883\",decision=\"keep-on\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\nis missing in\n{text}");
        }
    }

    #[test]
    fn a_series_stands_once_and_labels_cannot_end_early() {
        let text = check(&sample::setting(), &[sample::evil(), sample::evil()]);
        sample::assert_clean(&text);
        let mut series: Vec<&str> =
            text.lines().filter(|l| !l.starts_with('#')).map(|l| l.rsplit_once(' ').unwrap().0).collect();
        let all = series.len();
        series.sort_unstable();
        series.dedup();
        assert_eq!(series.len(), all);
        assert!(text.contains("\\\\x1b") && text.contains("\\\"'"), "{text}");
    }
}
