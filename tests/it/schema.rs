//! Every JSON answer against the schema that the project keeps.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Fails with every violation unless `answer` is one JSON object of the schema `schemas/NAME.json`.
pub fn assert_valid(name: &str, answer: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{name}.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let value: Value = serde_json::from_str(answer).unwrap_or_else(|e| panic!("{e} in {answer:?}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{name}: {}\n{answer}", wrong.join("\n"));
    value
}

#[test]
fn every_schema_is_one_and_refuses_an_empty_object() {
    for name in ["check-1", "verdict-1", "proof-1", "reissue-1"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{name}.json"));
        let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(!validator.is_valid(&serde_json::json!({})), "{name} takes anything");
    }
}
