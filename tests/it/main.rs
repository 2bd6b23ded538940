//! One integration binary: a file per command, and the laws of the house.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agreement;
mod broker;
mod check;
mod compose_peers;
mod corpus;
mod faults;
mod findings;
mod ecosystem;
mod fix;
mod formats;
mod fuzz_corpus;
mod hostile;
mod house;
mod mosquitto_conf;
mod issue;
mod peers;
mod rehearse;
mod places;
mod reissue;
mod rules;
mod schema;
mod seed;
mod template;
mod verdict;
