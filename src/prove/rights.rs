//! A client as itself: its user, and what the ACL lets it do with its own topics. It acts through a stand, so that no
//! stored password crosses a socket.

use std::time::Instant;

use crate::broker::Bound;

use super::client::{Client, Failure, Way};
use super::rehearse::{Facts, Visitor, random_text};
use super::scene::{Dialled, Topic};
use super::{Proof, ProofKind};

impl Visitor<'_> {
    /// A client's own login, and its own topics.
    pub(super) async fn as_itself(&self, bound: Bound, facts: &Facts, way: &Way, d: &Dialled) -> Vec<Proof> {
        let start = Instant::now();
        let proof = |kind| Proof::new(bound.port, Some(d.name.as_str()), d.service.as_deref(), kind);
        let mut proofs = Vec::new();
        let login = match &d.user {
            // It may have a user that cannot be seen: nothing is known.
            None if d.service.is_none() || !facts.anonymous => return proofs,
            None => None,
            Some(user) if facts.strangers.contains(user) => {
                let why = format!("the password file has no user {user}");
                return vec![proof(ProofKind::Login).told(false, why, start)];
            }
            Some(user) => match self.stands.iter().find(|(name, _)| name == user) {
                Some((_, login)) => Some(login.as_str()),
                None => return proofs,
            },
        };
        let opened = self.open_as(way, login).await;
        let mut client = match opened {
            Ok(client) => client,
            Err(e) => return vec![proof(ProofKind::Login).told(false, e.to_string(), start)],
        };
        if let Some(user) = &d.user {
            let detail = match facts.has_passwords {
                true => format!("{user} is in the password file, and acts through a stand"),
                false => format!("{user} is let in as everybody is, and acts through a stand"),
            };
            proofs.push(proof(ProofKind::Login).told(true, detail, start));
        }
        if facts.has_acl && d.topics.is_empty() && d.service.is_some() {
            let because = "its topics are in no variable of its environment";
            proofs.push(proof(ProofKind::Acl).skipped(because));
        }
        for topic in &d.topics {
            let start = Instant::now();
            let p = proof(ProofKind::Acl);
            proofs.push(match self.rights(way, &mut client, topic).await {
                Ok((writes, reads)) => {
                    let (publishes, receives) = topic.needs();
                    let ok = match (publishes, receives) {
                        (false, false) => writes == Some(true) || reads,
                        _ => (!publishes || writes != Some(false)) && (!receives || reads),
                    };
                    p.told(ok, said(d, topic, writes, reads), start)
                }
                Err(e) => p.told(false, e.to_string(), start),
            });
        }
        client.goodbye().await;
        proofs
    }

    async fn open_as(&self, way: &Way, login: Option<&str>) -> Result<Client, Failure> {
        let mut client = Client::open(way).await?;
        let id = format!("mqttcert-{}", random_text());
        client.login(&id, login.map(|l| (l, self.password))).await?;
        Ok(client)
    }

    /// Whether it may publish there (`None`: nobody can, it is a filter), and whether it gets what is published.
    async fn rights(
        &self,
        way: &Way,
        client: &mut Client,
        topic: &Topic,
    ) -> Result<(Option<bool>, bool), Failure> {
        let concrete = topic.filter.replace(['+', '#'], "mqttcert");
        let mut other = self.open_as(way, Some(self.login)).await?;
        let mut writes = None;
        if concrete == topic.filter {
            other.subscribe(&concrete).await?;
            let payload = random_text();
            client.publish(&concrete, payload.as_bytes()).await?;
            writes = Some(other.has_got(payload.as_bytes()).await?);
        }
        client.subscribe(&topic.filter).await?;
        let payload = random_text();
        other.publish(&concrete, payload.as_bytes()).await?;
        let reads = client.has_got(payload.as_bytes()).await?;
        other.goodbye().await;
        Ok((writes, reads))
    }
}

fn said(d: &Dialled, topic: &Topic, writes: Option<bool>, reads: bool) -> String {
    let who = d.user.as_deref().unwrap_or("an anonymous client");
    let may = match (writes, reads) {
        (Some(true), true) => "may publish and read",
        (Some(true), false) => "may publish, and not read",
        (Some(false), true) => "may read, and not publish",
        (Some(false), false) => "may neither publish nor read",
        (None, true) => "may read",
        (None, false) => "may not read",
    };
    format!("{who} {may} {} ({})", topic.filter, topic.variable)
}
