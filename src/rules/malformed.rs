//! A file that should hold a certificate and does not.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::{Outcome, Rule};
use crate::cert;
use crate::deployment::{HostFile, Trust, VIA_NAME};
use crate::finding::{Fix, Severity};
use crate::place::Place;

pub(super) const MALFORMED_CERTIFICATE: Rule = Rule {
    id: "malformed-certificate",
    severity: Severity::Error,
    what: "a file that should hold a certificate in PEM holds none that can be read",
    why: "Mosquitto does not start with such a certfile, and a client with such a trust file connects to nobody. \
          Usual causes: an empty file, the key in the certificate's place, DER instead of PEM.",
    cure: "name the right file; DER becomes PEM by `openssl x509 -inform DER -in FILE -out FILE.pem`",
    source: "RFC 7468 §5.1; SSL_CTX_use_certificate_chain_file(3)",
    fix: Fix::None,
    check: malformed,
};

/// The files that flags name: certificate files of listeners without a configuration (with one, `conf-refused` speaks
/// in Mosquitto's words), and the trust files behind `--name`. A deployment's own trust files are `ca-not-trusted`'s.
fn malformed(rule: &Rule, context: &Context<'_>) -> Outcome {
    let deployment = context.deployment;
    let bare = deployment.brokers.iter().flat_map(|b| &b.listeners).filter(|l| l.conf.is_none());
    let served = bare.filter_map(|l| l.certfile.as_ref());
    let named = deployment.clients.iter().filter(|c| c.via == VIA_NAME);
    let trusted = named.filter_map(|c| match &c.trust {
        Trust::File(file) => Some(file),
        _ => None,
    });
    let mut files: Vec<PathBuf> =
        served.chain(trusted).filter_map(HostFile::path).map(Path::to_owned).collect();
    files.sort_unstable();
    files.dedup();
    let found = files.iter().filter_map(|path| {
        let bytes = context.tree.read(path).ok()?;
        let why = match cert::load_pem(&bytes) {
            Ok(all) if !all.is_empty() => return None,
            Ok(_) => "there is no certificate in it".to_owned(),
            Err(error) => error.to_string(),
        };
        let what = if bytes.is_empty() {
            "the file is empty"
        } else if bytes.windows(11).any(|w| w == b"PRIVATE KEY") {
            "it holds a private key"
        } else if bytes.starts_with(&[0x30]) {
            "it is DER, not PEM"
        } else {
            why.as_str()
        };
        Some(rule.finding(Some(Place::file(path)), format!("no certificate can be read from it: {what}")))
    });
    Outcome::of_seen(!files.is_empty(), found.collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use time::macros::datetime;

    use crate::deployment::{self, Given, GivenName};
    use crate::name::PeerName;
    use crate::rules::{self, Options};
    use crate::tree::MemoryTree;

    fn raised(content: &[u8]) -> Vec<String> {
        let tree = MemoryTree::new().with("server.crt", content).with("ca.crt", content);
        let given = Given {
            cert: Some("server.crt".into()),
            ca: Some("ca.crt".into()),
            names: vec![GivenName { name: PeerName::parse("iot-mqtt").unwrap(), port: None }],
            ..Given::default()
        };
        let found = deployment::discover(&tree, Path::new("."), &given).unwrap();
        let report = rules::run(&found, &tree, datetime!(2026-11-24 0:00 UTC), &Options::default());
        report.findings.into_iter().filter(|f| f.rule == "malformed-certificate").map(|f| f.message).collect()
    }

    #[test]
    fn says_what_stands_in_the_certificates_place() {
        for (content, word) in [
            (&b""[..], "the file is empty"),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "it holds a private key"),
            (b"\x30\x03\x02\x01\x01", "it is DER, not PEM"),
        ] {
            let found = raised(content);
            assert_eq!(found.len(), 2, "{word}");
            assert!(found.iter().all(|m| m.ends_with(word)), "{found:?}");
        }
    }

    #[test]
    fn is_silent_about_a_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let made =
            rcgen::CertificateParams::new(vec!["iot-mqtt".to_owned()]).unwrap().self_signed(&key).unwrap();
        assert!(raised(made.pem().as_bytes()).is_empty());
    }
}
