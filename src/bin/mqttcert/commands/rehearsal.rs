//! The rehearsal inside `reissue`: the candidate on the embedded broker, before anything is written.

use std::path::Path;

use time::OffsetDateTime;

use mqttcert::broker::Wire;
use mqttcert::cert::key::KeyError;
use mqttcert::deployment::{Broker, Deployment, HostFile};
use mqttcert::disk::DiskTree;
use mqttcert::prove::{self, BareError, Dialled, Proof, ProofKind, Scene};
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
        Err(NoScene::Encrypted) => return (Vec::new(), None),
        Err(NoScene::Because(why)) => {
            return (Vec::new(), Some(format!("nothing was changed: the rehearsal cannot start: {why}")));
        }
    };
    let mut proofs = Vec::new();
    // Nearly all the time goes into the server's signatures: every listener has a broker and a thread of its own.
    let alone: Vec<Scene> = scenes.into_iter().flat_map(Scene::apart).collect();
    let rehearsed: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            alone.into_iter().map(|scene| scope.spawn(move || prove::rehearse(scene, now))).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    for result in rehearsed {
        match result {
            Ok(Ok(more)) => proofs.extend(more),
            Ok(Err(error)) => {
                return (proofs, Some(format!("nothing was changed: the rehearsal cannot start: {error}")));
            }
            Err(_) => return (proofs, Some("nothing was changed: the rehearsal broke off".to_owned())),
        }
    }
    for p in &mut proofs {
        // The certificate was read back and verified; what webpki refuses beyond the name is the CA's, and no
        // certificate of this CA would cure it.
        if p.kind == ProofKind::TlsHandshake && p.ok == Some(false) && p.detail.starts_with("webpki") {
            p.ok = None;
            p.skipped = Some(format!("rustls takes no certificate of this CA ({})", p.detail));
        }
        // Who gets in by a client certificate does not hang on the server's.
        if p.kind == ProofKind::ClientCertificate && p.ok == Some(false) {
            p.ok = None;
            p.skipped = Some(p.detail.clone());
        }
    }
    let refusal = proofs.iter().find(|p| p.ok == Some(false)).map(|p| {
        let name = p.name.as_deref().unwrap_or("-");
        format!("nothing was changed: the rehearsal failed: {} {name}: {}", p.kind.as_str(), p.detail)
    });
    (proofs, refusal)
}

/// Why there is nothing to rehearse.
enum NoScene {
    /// The server's key is encrypted.
    Encrypted,
    /// The files make no listener.
    Because(String),
}

/// The TLS listeners that would serve the candidate, dialled by every name in it. Bare files where there are none, or
/// where one would not start: a configuration may be at fault that no certificate mends, the pair itself never is.
fn scenes(
    deployment: &Deployment,
    tree: &dyn Tree,
    files: &Files,
    candidate: &Candidate,
    now: OffsetDateTime,
) -> Result<Vec<Scene>, NoScene> {
    let read = |path: &Path| tree.read(path).map_err(|e| NoScene::Because(e.to_string()));
    let trust = read(&files.ca)?;
    let sans = candidate.certificate.sans().iter().filter_map(|s| s.as_peer_name());
    let names: Vec<String> = sans.map(|n| n.as_str().to_owned()).filter(|n| !n.contains('*')).collect();
    let mut scenes = prove::scenes(deployment, tree, &[], Some(&trust), now);
    let mut all_start = true;
    for (scene, broker) in scenes.iter_mut().zip(&deployment.brokers) {
        let ports = ports_with(broker, tree, &files.cert);
        scene.plan.listeners.retain(|l| ports.contains(&l.port));
        all_start &= scene.plan.listeners.iter().all(|l| !matches!(l.wire, Wire::Refused(_)));
        scene.plan.listeners.retain(|l| matches!(l.wire, Wire::Tls(_)));
        scene.dialled = names.iter().map(|name| Dialled::everywhere(name)).collect();
    }
    scenes.retain(|s| !s.plan.listeners.is_empty());
    if scenes.is_empty() || !all_start {
        let bare = prove::bare(8883, &candidate.certificate_pem, &read(&files.key)?, &trust, &names);
        scenes.push(bare.map_err(|error| match error {
            BareError::Key(KeyError::PassphraseMissing) => NoScene::Encrypted,
            other => NoScene::Because(other.to_string()),
        })?);
    }
    Ok(scenes)
}

/// The ports of the listeners whose certfile is this one.
fn ports_with(broker: &Broker, tree: &dyn Tree, certfile: &Path) -> Vec<u16> {
    let real = |path: &Path| tree.resolve(path).unwrap_or_else(|_| path.to_owned());
    let wanted = real(certfile);
    let serves = |file: Option<&HostFile>| file.and_then(HostFile::path).is_some_and(|p| real(p) == wanted);
    broker.listeners.iter().filter(|l| serves(l.certfile.as_ref())).map(|l| l.port).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::fs;

    use mqttcert::cert::Certificate;
    use mqttcert::deployment::{self, Given};
    use mqttcert_fixtures::{CLOCK, Key, Recipe};

    use super::*;

    /// A broker with two TLS listeners; the first serves `server.crt`, the second another pair that is in order.
    fn project(dir: &Path) -> (Deployment, DiskTree, Files, [Candidate; 2]) {
        let ca = Recipe::ca("CN=test CA", &Key::p256(), CLOCK).self_sign();
        let made = |key: &Key| Recipe::server(&["iot-mqtt"], key, CLOCK).sign(&ca);
        let keys = [Key::p256(), Key::p256()];
        fs::write(dir.join("ca.crt"), ca.pem()).unwrap();
        for (name, key) in ["server", "other"].iter().zip(&keys) {
            fs::write(dir.join(format!("{name}.crt")), made(key).pem()).unwrap();
            fs::write(dir.join(format!("{name}.key")), key.pkcs8_pem()).unwrap();
        }
        let listener = |port: u16, name: &str| {
            let at = dir.display();
            format!(
                "listener {port}\nallow_anonymous true\ncafile {at}/ca.crt\ncertfile {at}/{name}.crt\nkeyfile {at}/{name}.key\n"
            )
        };
        let conf = format!("user root\n{}{}", listener(8883, "server"), listener(8884, "other"));
        fs::write(dir.join("mosquitto.conf"), conf).unwrap();
        let tree = DiskTree::new([dir]).unwrap();
        let deployment = deployment::discover(&tree, dir, &Given::default()).unwrap();
        let file = |name: &str| dir.join(name);
        let files = Files {
            cert: file("server.crt"),
            key: file("server.key"),
            ca: file("ca.crt"),
            ca_key: file("ca.key"),
        };
        let candidate = |key: &Key| {
            let made = made(key);
            Candidate {
                certificate: Certificate::from_der(&made.der).unwrap(),
                certificate_pem: made.pem().into(),
                key_pem: None,
                request_pem: Vec::new(),
            }
        };
        (deployment, tree, files, [candidate(&keys[0]), candidate(&Key::p256())])
    }

    #[test]
    fn a_candidate_with_its_key_is_proved_on_the_listeners_that_would_serve_it() {
        let dir = tempfile::tempdir().unwrap();
        let (deployment, tree, files, [right, _]) = project(dir.path());
        let (proofs, refusal) = rehearse(&deployment, &tree, &files, &right, CLOCK);
        assert_eq!(refusal, None);
        assert!(proofs.iter().any(|p| p.kind == ProofKind::TlsHandshake && p.ok == Some(true)), "{proofs:?}");
        assert!(proofs.iter().all(|p| p.listener == 8883), "{proofs:?}");
    }

    #[test]
    fn a_candidate_with_another_key_is_stopped_by_the_rehearsal_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (deployment, tree, files, [_, wrong]) = project(dir.path());
        for deployment in [deployment, Deployment::default()] {
            let (_, refusal) = rehearse(&deployment, &tree, &files, &wrong, CLOCK);
            let refusal = refusal.expect("the rehearsal lets a certificate pass that is another key's");
            assert!(refusal.contains("belongs to another certificate"), "{refusal}");
        }
    }
}
