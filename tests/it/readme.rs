//! The README tells the truth: its dependency table names exactly the direct dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_dependency_table_names_every_direct_dependency_and_no_other() {
    let manifest = file("Cargo.toml");
    let section = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let direct: BTreeSet<&str> =
        section.lines().filter_map(|l| l.split_once(" = ")).map(|(name, _)| name).collect();
    let readme = file("README.md");
    let table = readme.split("\n## Dependencies").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: BTreeSet<&str> = table
        .lines()
        .filter(|l| l.starts_with("| `"))
        .flat_map(|l| l.split('|').nth(1).unwrap().split(','))
        .map(|name| name.trim().trim_matches('`'))
        .collect();
    assert_eq!(direct, named);
}

#[test]
fn every_make_target_that_it_names_exists() {
    let makefile = file("Makefile");
    for part in file("README.md").split("`make ").skip(1) {
        let target = part.split(['`', ' ', '\n']).next().unwrap();
        assert!(makefile.lines().any(|l| l.starts_with(&format!("{target}:"))), "make {target}");
    }
}
