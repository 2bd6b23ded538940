//! One integration binary: a file per command, and the laws of the house.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod broker;
mod ca_faults;
