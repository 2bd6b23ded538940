//! SARIF 2.1.0 (OASIS): one run for all projects, paths relative to the working folder, fingerprints that survive
//! a moved line.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use serde_json::{Value, json};
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, LogicalLocation, Message, MultiformatMessageString, Notification,
    PhysicalLocation, PropertyBag, Region, ReportingConfiguration, ReportingDescriptor,
    Result as SarifResult, ResultKind, ResultLevel, Run, Sarif, Tool, ToolComponent,
};

use mqttcert::finding::{Finding, Severity};
use mqttcert::name::escape;

use super::project::{Project, Setting};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const FINGERPRINT: &str = "mqttcert/v1";

/// The log of all projects.
///
/// # Errors
/// Where it cannot be serialized, which does not happen.
pub fn check(setting: &Setting, projects: &[Project]) -> anyhow::Result<String> {
    let mut rules: Vec<&Finding> = projects.iter().flat_map(|p| &p.report.findings).collect();
    rules.sort_by_key(|f| f.rule);
    rules.dedup_by_key(|f| f.rule);
    let index: HashMap<&str, i64> = (0..).zip(&rules).map(|(i, f)| (f.rule, i)).collect();

    let mut results = Vec::new();
    let mut notifications = Vec::new();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for project in projects {
        for finding in &project.report.findings {
            let identity = identity(setting, project, finding);
            let nth = seen.entry(identity.clone()).or_insert(0);
            *nth += 1;
            let print = sha256(&format!("{identity}\u{0}{nth}"));
            let rule = index.get(finding.rule).copied().unwrap_or(-1);
            results.push(result(setting, project, finding, rule, &print));
        }
        for left in &project.report.not_decided {
            let text = format!("not judged: {}: {}", escape(&left.what), escape(&left.because));
            notifications.push(
                Notification::builder()
                    .message(Message::from(text.as_str()))
                    .level(json!("note"))
                    .locations(vec![
                        Location::builder().physical_location(physical(setting, &project.dir, None)).build(),
                    ])
                    .build(),
            );
        }
    }
    let suppressed: usize = projects.iter().map(|p| p.report.suppressed).sum();
    let driver = ToolComponent::builder()
        .name("mqttcert")
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(rules.iter().map(|f| descriptor(f)).collect::<Vec<_>>())
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .column_kind(json!("unicodeCodePoints"))
        .results(results)
        .invocations(vec![
            Invocation::builder()
                .execution_successful(true)
                .tool_execution_notifications(notifications)
                .build(),
        ])
        .properties(bag([("suppressed", json!(suppressed))]))
        .build();
    let log = Sarif::builder().schema(SCHEMA).version(json!("2.1.0")).runs(vec![run]).build();
    let mut text = serde_json::to_string_pretty(&log).context("the SARIF log cannot be written")?;
    text.push('\n');
    Ok(text)
}

fn result(setting: &Setting, project: &Project, finding: &Finding, rule: i64, print: &str) -> SarifResult {
    let line = finding.place.as_ref().and_then(|p| p.line_number());
    let physical = physical(setting, project.file_of(finding), line);
    let mut logical = Vec::new();
    let mut add = |kind: &str, name: String| {
        logical.push(
            LogicalLocation::builder().kind(kind).fully_qualified_name(name.clone()).name(name).build(),
        );
    };
    if let Some(service) = &finding.service {
        add("service", escape(service));
    }
    if let Some(port) = finding.listener {
        add("listener", port.to_string());
    }
    let location = Location::builder().physical_location(physical);
    let location =
        if logical.is_empty() { location.build() } else { location.logical_locations(logical).build() };
    let names: Vec<String> = finding.names.iter().map(|n| escape(n)).collect();
    let prints = BTreeMap::from([(FINGERPRINT.to_owned(), print.to_owned())]);
    SarifResult::builder()
        .rule_id(finding.rule)
        .rule_index(rule)
        .kind(ResultKind::Fail)
        .level(result_level(finding.severity))
        .message(
            Message::builder()
                .text(format!("{}\n{}", escape(&finding.message), escape(&finding.help)))
                .build(),
        )
        .locations(vec![location])
        .fingerprints(prints.clone())
        .partial_fingerprints(prints)
        .properties(bag([("names", json!(names)), ("fix", json!(finding.fix.as_str()))]))
        .build()
}

fn descriptor(finding: &Finding) -> ReportingDescriptor {
    let text = |t: String| MultiformatMessageString::builder().text(t).build();
    ReportingDescriptor::builder()
        .id(finding.rule)
        .name(camel(finding.rule))
        .short_description(text(finding.rule.replace('-', " ")))
        .help(text(format!(
            "Source: {}. `mqttcert rule {}` explains it.",
            escape(finding.source),
            finding.rule
        )))
        .default_configuration(
            ReportingConfiguration::builder().level(json!(finding.severity.as_str())).build(),
        )
        .build()
}

fn physical(setting: &Setting, file: &std::path::Path, line: Option<u32>) -> PhysicalLocation {
    let uri = setting.uri(file);
    let artifact = if uri.starts_with("file:") {
        ArtifactLocation::builder().uri(uri).build()
    } else {
        ArtifactLocation::builder().uri(uri).uri_base_id("%SRCROOT%").build()
    };
    let place = PhysicalLocation::builder().artifact_location(artifact);
    match line {
        Some(line) => place.region(Region::builder().start_line(i64::from(line)).build()).build(),
        None => place.build(),
    }
}

fn result_level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Note => ResultLevel::Note,
    }
}

/// What makes a finding the same one after an edit elsewhere: not its line, not the days left in its message.
fn identity(setting: &Setting, project: &Project, finding: &Finding) -> String {
    let mut names = finding.names.clone();
    names.sort_unstable();
    [
        finding.rule.to_owned(),
        setting.uri(project.file_of(finding)),
        finding.service.clone().unwrap_or_default(),
        finding.listener.map_or(String::new(), |p| p.to_string()),
        names.join("\u{1}"),
    ]
    .join("\u{0}")
}

fn sha256(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn camel(id: &str) -> String {
    id.split('-')
        .map(|w| {
            let mut chars = w.chars();
            chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
        })
        .collect()
}

fn bag<const N: usize>(entries: [(&str, Value); N]) -> PropertyBag {
    PropertyBag::builder()
        .additional_properties(
            entries.map(|(k, v)| (k.to_owned(), v)).into_iter().collect::<BTreeMap<_, _>>(),
        )
        .build()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::project::sample;
    use super::*;

    fn log(projects: &[Project]) -> Value {
        let text = check(&sample::setting(), projects).unwrap();
        sample::assert_clean(&text);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn one_run_holds_all_projects_with_relative_paths() {
        let log = log(&[sample::plain(), sample::plain()]);
        assert_eq!(log["version"], "2.1.0");
        assert_eq!(log["runs"].as_array().unwrap().len(), 1);
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), 6);
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "compose/mosquitto/mosquitto.conf");
        assert_eq!(place["region"]["startLine"], 40);
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        for r in results {
            assert_eq!(rules[r["ruleIndex"].as_u64().unwrap() as usize]["id"], r["ruleId"]);
        }
    }

    #[test]
    fn a_fingerprint_survives_a_moved_line_and_tells_findings_apart() {
        let prints = |log: &Value| -> Vec<String> {
            let results = log["runs"][0]["results"].as_array().unwrap();
            results.iter().map(|r| r["fingerprints"][FINGERPRINT].as_str().unwrap().to_owned()).collect()
        };
        let before = prints(&log(&[sample::plain()]));
        let mut moved = sample::plain();
        for f in &mut moved.report.findings {
            if let Some(p) = &mut f.place {
                p.line += 7;
            }
            f.message.push_str(" (3 days left)");
        }
        assert_eq!(prints(&log(&[moved])), before);
        let mut all = prints(&log(&[sample::plain(), sample::plain()]));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let log = log(&[sample::evil()]);
        let uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            .clone();
        let uri = uri.as_str().unwrap();
        assert!(uri.chars().all(|c| c.is_ascii_graphic()) && !uri.contains(['<', '"', '\\', ' ']), "{uri}");
    }
}
