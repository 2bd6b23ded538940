//! While a private key is in memory: no core dump, and no other process of the same user may look in.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Switches core dumps and foreign eyes off. Where the system refuses, the command goes on: it is a second line.
pub fn guard() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
