//! Source code that speaks plaintext to a listener that will speak TLS: no tool should write into it, but a person is
//! told file, line and the lines.

use std::path::{Path, PathBuf};

use super::{Desk, TlsListeners};
use crate::compose::{self, Build};
use crate::deployment::{Deployment, Transport};
use crate::place::Place;
use crate::tree::{Kind, Tree};

const MAX_FILES: usize = 2_000;
const MAX_DEPTH: usize = 8;

/// Tells the place of every paho connection of such a client.
pub(super) fn tell(desk: &mut Desk<'_>, deployment: &Deployment, tls: &TlsListeners) {
    let options = compose::Options { files: deployment.compose_files.clone(), ..compose::Options::default() };
    let project = match deployment.compose_files.is_empty() {
        false => compose::load(desk.tree, &options).unwrap_or_default(),
        true => return,
    };
    let mut told = Vec::new();
    for client in &deployment.clients {
        let (Some(service), Some(broker), Some(port)) = (&client.service, client.broker, client.broker_port)
        else {
            continue;
        };
        if client.transport != Transport::Plain || !tls.contains(&(broker, port)) || told.contains(service) {
            continue;
        }
        told.push(service.clone());
        let context = project
            .services
            .iter()
            .find(|s| s.name.value == *service)
            .and_then(|s| s.build.as_ref())
            .and_then(|b: &Build| b.context.clone());
        let mut files = Vec::new();
        if let Some(context) = context {
            python(desk.tree, &context, 0, &mut files);
        }
        let mut found = false;
        for file in files {
            found |= paho(desk, service, port, &file);
        }
        if !found {
            let place = client.place.clone().unwrap_or_else(|| Place::file(&deployment.dir));
            desk.tell(
                place,
                format!("{service} speaks plaintext to listener {port}, which speaks TLS: give its client the CA file"),
                Vec::new(),
            );
        }
    }
}

fn python(tree: &dyn Tree, folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if depth > MAX_DEPTH || found.len() >= MAX_FILES {
        return;
    }
    for name in tree.list(folder).unwrap_or_default() {
        let path = folder.join(&name);
        match tree.meta(&path).map(|m| m.kind) {
            Ok(Kind::Folder) if !name.starts_with('.') && name != "node_modules" && name != "venv" => {
                python(tree, &path, depth + 1, found);
            }
            Ok(Kind::File) if name.ends_with(".py") => found.push(path),
            _ => {}
        }
    }
}

/// Every `client.connect(` of a file that uses paho and never calls `tls_set`.
fn paho(desk: &mut Desk<'_>, service: &str, port: u16, file: &Path) -> bool {
    let Some(text) = desk.tree.read(file).ok().and_then(|b| String::from_utf8(b).ok()) else { return false };
    if !text.contains("paho") || text.contains(".tls_set") {
        return false;
    }
    let mut found = false;
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split('#').next().unwrap_or_default();
        let Some((client, _)) = code.split_once(".connect(").or_else(|| code.split_once(".connect_async("))
        else {
            continue;
        };
        let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        let client = client
            .rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .next()
            .unwrap_or("client");
        let lines = [
            "import os, ssl".to_owned(),
            format!("{client}.tls_set("),
            "    ca_certs=os.environ[\"MQTT_CA_CERT\"],".to_owned(),
            "    tls_version=ssl.PROTOCOL_TLS_CLIENT,".to_owned(),
            ")".to_owned(),
        ];
        desk.tell(
            Place::line(file, number),
            format!("{service} speaks plaintext to listener {port}, which speaks TLS: before this line"),
            lines.iter().map(|l| format!("{indent}{l}")).collect(),
        );
        found = true;
    }
    found
}
