//! One file per command: inputs in, answer out; the logic lives in the library.

pub mod broker;
pub mod ca;
pub mod ca_renew;
pub mod ca_show;
pub mod check;
pub mod env_file;
pub mod expiring;
pub mod fix;
pub mod init;
pub mod issue;
mod live;
pub mod probe;
mod rehearsal;
pub mod rehearse;
pub mod reissue;
pub mod revoke;
pub mod rule;
pub mod shell;
pub mod stack;
pub mod template;
pub mod verdict;
pub mod with;
