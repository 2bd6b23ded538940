//! mqttcert tells the truth about a Mosquitto deployment's certificates, repairs them without risk, and proves it.
//!
//! # The map of the house
//!
//! Files become a [`deployment::Deployment`] (who serves what, who dials what, with which TLS stack); rules and
//! verdicts judge it without touching disk, clock or terminal; the hands change files and prove the change.
//! A file imports only from floors above it in this list; `tests/it/house.rs` holds this law.
//!
//! | floor | where | what lives there |
//! |---|---|---|
//! | words | [`name`] [`place`] [`finding`] [`judgement`] [`stack_id`] [`tree`] [`secret`] | names, places, findings, judgements, the only way in to files, secrets |
//! | readers | [`cert`] | PEM blocks, certificates, keys, CRLs, signatures: owned views without judgement |
//! | | [`mosquitto`] | mosquitto.conf, password and ACL files as Mosquitto reads them |
//! | | [`compose`] | compose files with places: merge, interpolation, mounts, networks |
//! | | [`mqtt`] | packets and topics, pure |
//! | joiner | [`deployment`] | which conf is live, which files it means, every broker name, every client |
//! | judges | [`stacks`] | what each client TLS stack accepts: cited data per stack, one evaluator |
//! | | [`verdict`] | a decision per client and for the whole; unknown never becomes "off" |
//! | | [`rules`] | one file per theme, a rule a value |
//! | hands | [`disk`] | the real [`tree::Tree`], and the only writer |
//! | | [`ca`] | build, sign, ledger, CRL |
//! | | [`broker`] | the embedded twin of Mosquitto |
//! | | [`prove`] | the proving client |
//! | | [`reissue`] | plan (pure) and transaction |
//! | | [`repair`] | which edits `check --fix` makes |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod finding;
pub mod judgement;
pub mod name;
pub mod place;
pub mod secret;
pub mod stack_id;
pub mod tree;

pub mod cert;
pub mod compose;
pub mod mosquitto;
pub mod mqtt;

pub mod deployment;

pub mod rules;
pub mod stacks;
pub mod verdict;

pub mod broker;
pub mod ca;
pub mod disk;
pub mod prove;
pub mod reissue;
pub mod repair;
