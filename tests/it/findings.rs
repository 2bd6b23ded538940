//! What the rules must say of the corpus: the `[[finding]]` entries of each `expect.toml`, written by hand. They name
//! all its errors: nothing else may be one.

use std::fs;
use std::path::Path;

use mqttcert::deployment::{Given, discover};
use mqttcert::disk::DiskTree;
use mqttcert::finding::Severity;
use mqttcert::rules::{self, Options};
use mqttcert_fixtures::CLOCK;
use serde::Deserialize;

#[derive(Deserialize)]
struct Expect {
    #[serde(default)]
    profiles: Vec<String>,
    #[serde(default)]
    compose: Vec<std::path::PathBuf>,
    #[serde(default)]
    finding: Vec<Finding>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
#[serde(deny_unknown_fields)]
struct Finding {
    rule: String,
    severity: String,
    file: String,
    line: u32,
}

fn found(dir: &Path, expect: &Expect) -> Vec<Finding> {
    let tree = DiskTree::new([dir]).unwrap();
    let given = Given {
        profiles: expect.profiles.clone(),
        compose_files: expect.compose.iter().map(|f| dir.join(f)).collect(),
        ..Given::default()
    };
    let deployment = discover(&tree, dir, &given).unwrap();
    let report = rules::run(&deployment, &tree, CLOCK, &Options::default());
    let finding = |f: &mqttcert::finding::Finding| {
        let place = f.place.as_ref();
        let file = place.map(|p| p.file.strip_prefix(dir).unwrap_or(&p.file).display().to_string());
        Finding {
            rule: f.rule.to_owned(),
            severity: f.severity.as_str().to_owned(),
            file: file.unwrap_or_default(),
            line: place.map_or(0, |p| p.line),
        }
    };
    report.findings.iter().map(finding).collect()
}

#[test]
fn the_corpus_gets_the_findings_that_a_careful_reader_expects() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/readers");
    let mut wrong = Vec::new();
    let mut judged = 0;
    for entry in fs::read_dir(root).unwrap() {
        let dir = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(dir.join("expect.toml")) else { continue };
        let expect: Expect = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        judged += 1;
        let found = found(&dir, &expect);
        for wanted in expect.finding.iter().filter(|w| !found.contains(w)) {
            wrong.push(format!("{}: not raised: {wanted:?}", dir.display()));
        }
        let is_error = |f: &&Finding| f.severity == Severity::Error.as_str();
        for extra in found.iter().filter(is_error).filter(|f| !expect.finding.contains(f)) {
            wrong.push(format!("{}: a false error: {extra:?}", dir.display()));
        }
    }
    assert!(judged >= 50, "only {judged} scenarios say what the rules must find");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
