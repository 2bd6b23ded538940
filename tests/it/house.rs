//! The law of the house: a file imports only from floors above its own.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the top down; modules of one floor may know each other.
const FLOORS: &[&[&str]] = &[
    &["name", "place", "finding", "judgement", "stack_id", "tree", "secret"],
    &["cert", "mosquitto", "compose", "mqtt"],
    &["deployment"],
    &["stacks", "verdict", "rules"],
    &["disk", "ca", "broker", "prove", "reissue", "repair"],
];

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().unwrap() != "bin" {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every library module that a source text names through `crate::`, outside comments.
fn imports(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|l| !l.trim_start().starts_with("//")).map(|l| format!("{l}\n")).collect();
    code.match_indices("crate::")
        .flat_map(|(at, _)| {
            let rest = &code[at + "crate::".len()..];
            let names = match rest.strip_prefix('{') {
                Some(group) => group.split('}').next().unwrap_or(""),
                None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""),
            };
            names.split(',').map(|n| n.trim().split("::").next().unwrap_or("").to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_file_imports_only_from_floors_above() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut broken = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        if module == "lib" {
            continue;
        }
        let Some(mine) = floor_of(&module) else {
            broken.push(format!("{}: its floor is not in the map", relative.display()));
            continue;
        };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            if floor_of(&import).is_some_and(|theirs| theirs > mine) {
                broken.push(format!("{}: imports {import} from a floor below", relative.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
