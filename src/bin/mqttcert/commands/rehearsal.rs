//! The rehearsal inside `reissue`: the candidate on the embedded broker, before anything is written.

use time::OffsetDateTime;

use mqttcert::broker::Wire;
use mqttcert::deployment::Deployment;
use mqttcert::disk::DiskTree;
use mqttcert::prove::{self, Dialled, Proof, ProofKind, Scene};
use mqttcert::reissue::Candidate;
use mqttcert::tree::{OverlayTree, Tree};

use super::reissue::Files;

/// The proofs, and the refusal that a failed one is.
pub fn rehearse(
    deployment: &Deployment,
    tree: &DiskTree,
    files: &Files,
    candidate: &Candidate,
    now: OffsetDateTime,
) -> (Vec<Proof>, Option<String>) {
    let mut overlay = OverlayTree::new(tree).with(&files.cert, candidate.certificate_pem.clone());
    if let Some(key) = &candidate.key_pem {
        overlay = overlay.with(&files.key, key.expose().to_vec());
    }
    let scenes = match scenes(deployment, &overlay, files, candidate, now) {
        Ok(scenes) => scenes,
        // An encrypted key: Mosquitto would not start with it either, and `check` says so.
        Err(_) => return (Vec::new(), None),
    };
    let mut proofs = Vec::new();
    for scene in scenes {
        match prove::rehearse(scene, now) {
            Ok(more) => proofs.extend(more),
            Err(error) => {
                return (proofs, Some(format!("nothing was changed: the rehearsal cannot start: {error}")));
            }
        }
    }
    for p in &mut proofs {
        // The certificate was read back and verified; what webpki refuses beyond the name is the CA's, and no
        // certificate of this CA would cure it.
        if p.kind == ProofKind::TlsHandshake && p.ok == Some(false) && p.detail.starts_with("webpki") {
            p.ok = None;
            p.skipped = Some(format!("rustls takes no certificate of this CA ({})", p.detail));
        }
    }
    let refusal = proofs.iter().find(|p| p.ok == Some(false)).map(|p| {
        let name = p.name.as_deref().unwrap_or("-");
        format!("nothing was changed: the rehearsal failed: {} {name}: {}", p.kind.as_str(), p.detail)
    });
    (proofs, refusal)
}

/// The TLS listeners that would serve the candidate, dialled by every name in it; bare files where there are none.
fn scenes(
    deployment: &Deployment,
    tree: &dyn Tree,
    files: &Files,
    candidate: &Candidate,
    now: OffsetDateTime,
) -> anyhow::Result<Vec<Scene>> {
    let trust = tree.read(&files.ca)?;
    let sans = candidate.certificate.sans().iter().filter_map(|s| s.as_peer_name());
    let names: Vec<String> = sans.map(|n| n.as_str().to_owned()).filter(|n| !n.contains('*')).collect();
    let mut scenes = prove::scenes(deployment, tree, &[], Some(&trust), now);
    for scene in &mut scenes {
        scene.plan.listeners.retain(|l| matches!(l.wire, Wire::Tls(_)) && !l.requires_certificate);
        scene.dialled = names.iter().map(|name| Dialled::everywhere(name)).collect();
    }
    scenes.retain(|s| !s.plan.listeners.is_empty());
    if scenes.is_empty() {
        let key = tree.read(&files.key)?;
        scenes.push(prove::bare(8883, &candidate.certificate_pem, &key, &trust, &names)?);
    }
    Ok(scenes)
}
