//! One client: what it does with its flag on and off, and what follows for the flag.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::deployment::{
    Client, ClientCertificate, Deployment, FlagEffect, Host, Transport, Trust, VIA_UNSET,
};
use crate::finding::NotDecided;
use crate::judgement::{Judgement, Leniency, ReasonCode};
use crate::stack_id::StackId;
use crate::stacks::{Evaluation, Presented};
use crate::tree::Tree;

use super::decide::{decide, with_flag};
use super::remedy::{self, Patient};
use super::served::{Sends, Served, Versions};
use super::{ClientVerdict, Cure, Decision, Remedies, StackVerdict, client_certificate, cure};

/// Everything that clients of one deployment share while they are judged.
pub(super) struct Bench<'a> {
    deployment: &'a Deployment,
    tree: &'a dyn Tree,
    now: OffsetDateTime,
    served: Vec<Served>,
    trusted: RefCell<HashMap<PathBuf, Result<Rc<[u8]>, Without>>>,
    remedies: Option<Remedies>,
}

/// A client that ends at a TLS listener whose certificate and whose own trust file can be read.
struct Met {
    versions: Versions,
    sends: Rc<Sends>,
    trust_file: PathBuf,
    trust: Rc<[u8]>,
    /// Which CA the client trusts cannot be told: the trust file is the listener's own, the best that it can have.
    assumed: bool,
}

/// What all clients that meet one certificate with one trust file share.
struct Judged<'a> {
    evaluation: Evaluation<'a>,
    leaf_sha256: Option<[u8; 32]>,
    holds_until: Option<OffsetDateTime>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        deployment: &'a Deployment,
        tree: &'a dyn Tree,
        now: OffsetDateTime,
        remedies: Option<Remedies>,
    ) -> Self {
        let served = deployment.brokers.iter().map(|b| Served::of(deployment, b, tree)).collect();
        Self { deployment, tree, now, served, trusted: RefCell::default(), remedies }
    }

    /// The verdict on each client, in their order. What several clients meet is read and judged once.
    pub(super) fn judge(&self, clients: &[&Client]) -> Vec<ClientVerdict> {
        let met: Vec<Result<Met, Without>> = clients.iter().map(|c| self.connect(c)).collect();
        let mut shared: HashMap<(&PathBuf, &PathBuf), Judged<'_>> = HashMap::new();
        for m in met.iter().flatten() {
            shared.entry((&m.sends.certfile, &m.trust_file)).or_insert_with(|| {
                let presented =
                    Presented { certfile: &m.sends.bytes, completion: &m.sends.completion, trust: &m.trust };
                Judged {
                    evaluation: Evaluation::new(presented, self.now),
                    leaf_sha256: m.sends.leaf.as_ref().map(Certificate::sha256),
                    holds_until: m.sends.next_change(&m.trust, self.now),
                }
            });
        }
        let judge = |(client, met): (&&Client, &Result<Met, Without>)| match met {
            Err(without) => without_certificate(client, without),
            Ok(m) => match shared.get(&(&m.sends.certfile, &m.trust_file)) {
                Some(judged) => weigh(client, m, judged),
                None => without_certificate(client, &Without::Unknown("it was not judged".into())),
            },
        };
        let mut verdicts: Vec<ClientVerdict> = clients.iter().zip(&met).map(judge).collect();
        self.cure(&mut verdicts, &met);
        verdicts
    }

    /// What would cure each refusal: tried where it can be.
    fn cure(&self, verdicts: &mut [ClientVerdict], met: &[Result<Met, Without>]) {
        let mut sick = Vec::new();
        let mut patients = Vec::new();
        for (at, (verdict, met)) in verdicts.iter().zip(met).enumerate() {
            let Ok(met) = met else { continue };
            let Some(leaf) = met.sends.leaf.as_ref().filter(|_| verdict.verify.is_refuse()) else { continue };
            sick.push(at);
            patients.push(Patient {
                meets: (&met.sends.certfile, &met.trust_file),
                files: (leaf, &met.trust),
                stacks: verdict.stacks.iter().map(|s| s.stack).collect(),
                name: verdict.client.verifies_name.as_ref().unwrap_or(&verdict.client.name),
                refusal: &verdict.verify,
            });
        }
        let found: Vec<Option<Cure>> = match self.remedies {
            Some(remedies) => remedy::cures(&patients, self.now, remedies),
            None => patients.iter().map(|p| cure::of_refusal(p.refusal)).collect(),
        };
        for (at, cure) in sick.into_iter().zip(found) {
            if let Some(verdict) = verdicts.get_mut(at) {
                verdict.cure = cure;
            }
        }
    }

    /// Published TLS ports that no known client dials: devices outside Compose are not fine, they are unknown.
    pub(super) fn unknown_dialers(&self, clients: &[ClientVerdict]) -> Vec<NotDecided> {
        let mut out = Vec::new();
        for (index, broker) in self.deployment.brokers.iter().enumerate() {
            for port in &broker.published {
                let tls = broker.listeners.iter().any(|l| l.port == port.container && l.tls);
                let dialled = clients.iter().any(|c| {
                    c.client.broker == Some(index)
                        && c.client.broker_port == Some(port.container)
                        && c.client.port == port.host
                        && c.client.service.is_none()
                });
                if tls && !dialled {
                    let shown = port.host.unwrap_or(port.container);
                    out.push(NotDecided {
                        what: format!("clients of the published port {shown}"),
                        because: format!(
                            "{} publishes it to clients outside Compose; name what they dial with --name, or as [[device]] in mqttcert.toml",
                            port.place
                        ),
                    });
                }
            }
        }
        out
    }

    /// Follows the client to a listener and its certificates. `Err` holds the answer that needs no certificate.
    fn connect(&self, client: &Client) -> Result<Met, Without> {
        let served = client.broker.and_then(|b| self.served.get(b)).ok_or_else(|| {
            Without::Unknown(match client.name.as_str().strip_prefix('$') {
                Some(variable) if client.via == VIA_UNSET => {
                    format!("its host stands in {variable}, which nothing here sets")
                }
                _ if client.name.as_str().starts_with('<') => {
                    format!("{} marks the spot where a host belongs: nothing here fills it in", client.name)
                }
                _ if client.service.is_some() && client.name.is_loopback() => {
                    format!(
                        "{} is where it runs itself, and no broker of the project answers there",
                        client.name
                    )
                }
                _ => format!("{} is no broker of this project", client.name),
            })
        })?;
        let answering = served.answering(client, self.tree, self.now)?;
        if !answering.tls {
            return Err(match client.transport {
                Transport::Plain => Without::NoTls,
                Transport::Tls => Without::refuse(
                    ReasonCode::Plaintext,
                    format!("it speaks TLS to the plaintext listener {}", answering.port),
                ),
                Transport::Unknown => Without::Unknown("whether it uses TLS cannot be told".into()),
            });
        }
        match client.transport {
            Transport::Plain => {
                return Err(Without::refuse(
                    ReasonCode::Plaintext,
                    format!("it speaks plaintext to the TLS listener {}", answering.port),
                ));
            }
            Transport::Unknown => return Err(Without::Unknown("whether it uses TLS cannot be told".into())),
            Transport::Tls => {}
        }
        if answering.wants_certificate {
            match &client.client_certificate {
                Some(ClientCertificate::File(_) | ClientCertificate::Somewhere) => {}
                Some(ClientCertificate::None) => {
                    return Err(Without::refuse(
                        ReasonCode::ClientCertificate,
                        format!("listener {} wants a client certificate and it has none", answering.port),
                    ));
                }
                None => {
                    return Err(Without::Unknown(format!(
                        "listener {} wants a client certificate, and whether it has one cannot be told",
                        answering.port
                    )));
                }
            }
        }
        let sends = answering.sends?;
        let (trust_file, trust) = self.trust(client, &sends)?;
        if answering.wants_certificate
            && let Some(ClientCertificate::File(file)) = &client.client_certificate
        {
            let read = |path: &Path| self.bytes(path);
            client_certificate::judge(file, sends.cafile.as_deref(), &read, self.now)?;
        }
        let assumed = client.trust == Trust::Unknown;
        Ok(Met { versions: answering.versions, sends, trust_file, trust, assumed })
    }

    /// The bytes of the client's trust file.
    fn trust(&self, client: &Client, sends: &Sends) -> Result<(PathBuf, Rc<[u8]>), Without> {
        let file = match &client.trust {
            Trust::File(file) => file,
            Trust::System => {
                let private = sends.leaf.as_ref().is_some_and(|l| !looks_public(l));
                return Err(if private {
                    Without::refuse(
                        ReasonCode::UnknownIssuer,
                        "it trusts the system's CAs, and the certificate comes from a private one",
                    )
                } else {
                    Without::Unknown("it trusts the system's CAs, which cannot be seen from here".into())
                });
            }
            // Even with the right CA it may refuse the name; how it verifies is known where its flag is.
            Trust::Unknown => match (&client.flag, &sends.cafile) {
                (Some(_), Some(path)) => return Ok((path.clone(), self.bytes(path)?)),
                _ => return Err(Without::Unknown(UNKNOWN_CA.into())),
            },
            Trust::None => {
                return Err(Without::refuse(ReasonCode::Plaintext, "it is set up without TLS"));
            }
        };
        match &file.host {
            Host::At(path) => Ok((path.clone(), self.bytes(path)?)),
            Host::Missing(path) => {
                Err(Without::Unknown(format!("its CA file {} is not there", path.display())))
            }
            Host::Absent(why) => Err(Without::refuse(
                ReasonCode::CaMissing,
                format!("its CA file {} is not in its container: {why}", file.named.value),
            )),
            Host::Unknown(why) => Err(Without::Unknown(format!("its CA file {}: {why}", file.named.value))),
        }
    }

    /// A trust file, read once for all clients.
    fn bytes(&self, path: &Path) -> Result<Rc<[u8]>, Without> {
        let mut trusted = self.trusted.borrow_mut();
        let read = || self.tree.read(path).map(Rc::from).map_err(|e| Without::Unknown(e.to_string()));
        trusted.entry(path.to_owned()).or_insert_with(read).clone()
    }
}

const UNKNOWN_CA: &str = "which CA it trusts cannot be told";

/// Asks every stack that the client may be, with the name and without.
fn weigh(client: &Client, met: &Met, judged: &Judged<'_>) -> ClientVerdict {
    let evaluation = &judged.evaluation;
    let name = client.verifies_name.as_ref().unwrap_or(&client.name);
    let all: &[StackId] = if client.stacks.is_empty() { StackId::ALL } else { &client.stacks };
    let asked: Vec<StackVerdict> = all
        .iter()
        .map(|&stack| match met.versions.refuses(stack, client.pins_tls_1_2) {
            Some(refused) => StackVerdict { stack, verify: refused.clone(), chain_only: refused },
            None => StackVerdict {
                stack,
                verify: evaluation.verify(stack, name),
                chain_only: evaluation.chain_only(stack, Some(name)),
            },
        })
        .collect();
    let mut verify = together(&asked, |s| &s.verify);
    let mut chain_only = together(&asked, |s| &s.chain_only);
    if met.assumed {
        // With the right CA it would take the chain: then only the name is left to refuse, whichever it trusts.
        if !(verify.is_refuse() && chain_only.is_accept()) {
            verify = Judgement::Unknown(UNKNOWN_CA.into());
        }
        chain_only = Judgement::Unknown(UNKNOWN_CA.into());
    }
    let with_flag = with_flag(client, &asked, &verify, &chain_only);
    ClientVerdict {
        client: client.clone(),
        decision: decide(client, &verify, &with_flag),
        cure: None,
        stacks: asked,
        verify,
        chain_only,
        with_flag,
        leaf_sha256: judged.leaf_sha256,
        holds_until: judged.holds_until,
    }
}

/// An answer for which no certificate was looked at.
#[derive(Clone)]
pub(super) enum Without {
    /// Neither side uses TLS.
    NoTls,
    /// It cannot connect, whatever the flag says.
    Refuse(Judgement),
    /// It cannot be told.
    Unknown(String),
}

impl Without {
    pub(super) fn refuse(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self::Refuse(Judgement::refuse(code, detail))
    }
}

fn without_certificate(client: &Client, answer: &Without) -> ClientVerdict {
    let (judgement, decision, cure) = match answer {
        Without::NoTls => (Judgement::Unknown("neither side uses TLS".into()), Decision::NoTls, None),
        Without::Refuse(refusal) => (refusal.clone(), Decision::Broken, cure::of_refusal(refusal)),
        Without::Unknown(because) => (Judgement::Unknown(because.clone()), Decision::Undecided, None::<Cure>),
    };
    // What skips all verification does not ask who signed.
    let signer = matches!(&judgement, Judgement::Refuse(why) if why.iter().all(|r| r.code == ReasonCode::UnknownIssuer));
    let skips_all = client.flag.as_ref().is_some_and(|f| f.effect == FlagEffect::Everything);
    let with_flag =
        if signer && skips_all { Judgement::Accept { relies_on: Vec::new() } } else { judgement.clone() };
    let decision = if signer && skips_all { decide(client, &judgement, &with_flag) } else { decision };
    ClientVerdict {
        client: client.clone(),
        verify: judgement.clone(),
        chain_only: judgement,
        with_flag,
        decision,
        cure,
        stacks: Vec::new(),
        leaf_sha256: None,
        holds_until: None,
    }
}

/// Accepted only if every stack accepts, refused only if every one refuses, else unknown.
fn together(asked: &[StackVerdict], pick: impl Fn(&StackVerdict) -> &Judgement) -> Judgement {
    if let [one] = asked {
        return pick(one).clone();
    }
    let mut leans: Vec<Leniency> = Vec::new();
    let mut reasons = Vec::new();
    let (mut accept, mut refuse) = (Vec::new(), Vec::new());
    for s in asked {
        match pick(s) {
            Judgement::Accept { relies_on } => {
                accept.push(s.stack.as_str());
                leans.extend(relies_on.iter().filter(|l| !leans.contains(l)).copied().collect::<Vec<_>>());
            }
            Judgement::Refuse(why) => {
                refuse.push(s.stack.as_str());
                for reason in why {
                    if !reasons.contains(reason) {
                        reasons.push(reason.clone());
                    }
                }
            }
            Judgement::Unknown(_) => {}
        }
    }
    if accept.len() == asked.len() && !asked.is_empty() {
        Judgement::Accept { relies_on: leans }
    } else if refuse.len() == asked.len() && !asked.is_empty() {
        Judgement::Refuse(reasons)
    } else if refuse.is_empty() || accept.is_empty() {
        Judgement::Unknown("its TLS stack cannot be told, and not every stack could be judged".into())
    } else {
        Judgement::Unknown(format!(
            "its TLS stack cannot be told: {} accept, {} refuse",
            accept.join(", "),
            refuse.join(", ")
        ))
    }
}

/// Whether a certificate could come from a public CA: those have been forbidden internal names and common names
/// without a SAN since 2015 (CA/Browser Forum baseline requirements §7.1.4.2), and always name policies.
fn looks_public(leaf: &Certificate) -> bool {
    leaf.has_san() && leaf.extension(&[0x55, 0x1d, 0x20]).is_some()
}
