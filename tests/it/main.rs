//! One integration binary: a file per command, and the laws of the house.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod broker;
mod browser;
mod check;
mod clients;
mod compose_peers;
mod corpus;
mod cure;
mod ecosystem;
mod faults;
mod findings;
mod fix;
mod formats;
mod fuzz_corpus;
mod growth;
mod hostile;
mod hostile_clients;
mod hostile_output;
mod house;
mod issue;
mod key_zoo;
mod live;
mod mosquitto_conf;
mod mutations;
mod peers;
mod places;
mod readme;
mod rehearse;
mod reissue;
mod reissue_peers;
mod rules;
mod schema;
mod seed;
mod template;
mod verdict;
mod with;
