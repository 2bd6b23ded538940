//! `mqttcert rehearse`

use std::time::Instant;

use anyhow::bail;

use mqttcert::prove::{self, Scene, all_hold};
use mqttcert::tree::Tree;

use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::proof;

/// Proves every listener, name and login on the embedded broker.
pub fn run(args: &args::Rehearse, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("rehearse speaks human and json");
    }
    if args.with {
        return crate::commands::with::run(args, output);
    }
    let start = Instant::now();
    let mut proofs = Vec::new();
    let now = inputs::now(output);
    for scene in scenes(&args.inputs, &args.dir, output)? {
        for line in &scene.plan.not_modelled {
            if !output.quiet {
                super::broker::say(line);
            }
        }
        proofs.extend(prove::refused(&scene));
        proofs.extend(prove::rehearse(scene, now)?);
    }
    let text = match output.format {
        Format::Json => proof::json(&proofs),
        _ => proof::human("rehearsed", &proofs, start.elapsed().as_millis()),
    };
    Ok(Answer::new(text, Outcome::of(all_hold(&proofs))))
}

/// What can be rehearsed: the deployment's brokers, or bare files that flags name.
///
/// # Errors
/// Where there is nothing to serve.
pub fn scenes(inputs: &args::Inputs, dir: &std::path::Path, output: &Output) -> anyhow::Result<Vec<Scene>> {
    let names: Vec<String> =
        inputs::given(inputs, output)?.names.iter().map(|n| n.name.as_str().to_owned()).collect();
    if let (Some(cert), Some(key), Some(ca), None) = (&inputs.cert, &inputs.key, &inputs.ca, &inputs.conf) {
        let tree = inputs::tree(inputs, dir)?;
        return Ok(vec![prove::bare(8883, &tree.read(cert)?, &tree.read(key)?, &tree.read(ca)?, &names)?]);
    }
    let loaded = inputs::load(inputs, dir, output)?;
    let trust = inputs.ca.as_ref().map(|ca| loaded.tree.read(ca)).transpose()?;
    let scenes =
        prove::scenes(&loaded.deployment, &loaded.tree, &names, trust.as_deref(), inputs::now(output));
    if scenes.iter().all(|s| s.plan.listeners.is_empty()) {
        bail!(
            "no broker whose configuration can be seen was found below {}; name it by --conf FILE, or its files by \
             --cert, --key and --ca",
            mqttcert::name::escape(&dir.to_string_lossy())
        );
    }
    Ok(scenes)
}
