//! `appsettings.json` of .NET: what it says is bound like variables, `Mqtt:Host` as `Mqtt__Host`, and the environment
//! wins over it (ASP.NET Core, "Configuration providers").

use std::path::Path;
use std::rc::Rc;

use super::code::File;
use crate::compose::EnvVar;
use crate::compose::yaml::{self, Node};
use crate::tree::{Tree, normalize};

/// Puts what the settings beside a project file say below the variables that are set.
pub(super) fn put_below(tree: &dyn Tree, files: &[Rc<File>], env: &mut Vec<EnvVar>) {
    let stage = ["DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT"]
        .iter()
        .find_map(|k| env.iter().find(|v| v.key == *k)?.value.clone())
        .unwrap_or_else(|| "Production".into());
    let projects = files.iter().filter(|f| f.path.extension().is_some_and(|e| e == "csproj"));
    let mut found: Vec<EnvVar> = Vec::new();
    for folder in projects.filter_map(|f| f.path.parent()) {
        for name in [format!("appsettings.{stage}.json"), "appsettings.json".to_owned()] {
            for var in read(tree, &normalize(&folder.join(name))) {
                let same = |v: &EnvVar| v.key.eq_ignore_ascii_case(&var.key);
                if !env.iter().any(same) && !found.iter().any(same) {
                    found.push(var);
                }
            }
        }
    }
    env.extend(found);
}

fn read(tree: &dyn Tree, file: &Path) -> Vec<EnvVar> {
    let Ok(mut text) = tree.read(file) else { return Vec::new() };
    blank(&mut text);
    let Ok(documents) = yaml::load(&text, file, file.parent().unwrap_or(file)) else { return Vec::new() };
    let texts = documents.iter().flat_map(Node::leaves);
    let bound = texts.filter_map(|(keys, node)| {
        let value = Some(node.text()?.to_owned());
        Some(EnvVar { key: keys.join("__"), value, place: node.place(), from_env_file: true })
    });
    bound.collect()
}

/// Takes a byte order mark and lines of comment away, byte by byte, so that places stay true.
fn blank(text: &mut [u8]) {
    let mark = text.starts_with(b"\xef\xbb\xbf");
    text.iter_mut().take(if mark { 3 } else { 0 }).for_each(|b| *b = b' ');
    for line in text.split_mut(|b| *b == b'\n') {
        if line.trim_ascii_start().starts_with(b"//") {
            line.iter_mut().for_each(|b| *b = b' ');
        }
        line.iter_mut().filter(|b| **b == b'\t').for_each(|b| *b = b' ');
    }
}
