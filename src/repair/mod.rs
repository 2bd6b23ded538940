//! Which edits `check --fix` makes, which it leaves to a person, and how the files are replaced.
//!
//! | file | what it answers |
//! |---|---|
//! | `mod.rs` | the plan: edits per file, what is told, who is cut off |
//! | `listeners.rs` | lines for mosquitto.conf: TLS for a plaintext listener, the ACL for every listener |
//! | `clients.rs` | the CA file, its mount, the flag, for every client |
//! | `code.rs` | source code that a person must change: file, line, lines |
//! | `git.rs` | whether a file has changes that git does not know |
//! | `whole.rs` | whether the project as a whole means the old one plus what was intended |
//! | `write.rs` | the files replaced, as safely as certificates |
//!
//! Safe is what cuts nobody off: a CA file and its mount, a flag switched off where the verdict says `switch-off`.
//! Lines of a listener are unsafe: whoever relied on the hole is cut off, and the plan says whom.

mod clients;
mod code;
mod git;
mod listeners;
mod whole;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::deployment::{Deployment, Given};
use crate::finding::Report;
use crate::place::Place;
use crate::tree::{OverlayTree, Tree};
use crate::verdict::Verdict;

pub use git::is_dirty;
pub use write::{WriteError, write};

/// How far repairs may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nobody is cut off.
    Safe,
    /// Whoever relied on a hole is.
    Unsafe,
}

/// What would be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The files that change, in the order in which they are replaced: first what clients need, then the broker.
    pub edits: Vec<FileEdit>,
    /// What a person must do.
    pub manual: Vec<Manual>,
    /// Who loses access by the unsafe edits, one sentence each.
    pub cut_off: Vec<String>,
    /// How many further edits [`Reach::Unsafe`] would make.
    pub held_back: usize,
}

/// One file, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The file.
    pub path: PathBuf,
    /// Its text as it was read.
    pub before: String,
    /// Its text with the repairs.
    pub after: String,
    /// What each edit does, one line each.
    pub why: Vec<String>,
    /// Whether it is the broker's: replaced after what clients need.
    pub broker: bool,
}

impl Plan {
    /// Takes in what another plan does to the files as this one leaves them. What is left to a person is what the
    /// later plan says.
    pub fn then(&mut self, later: Self) {
        for edit in later.edits {
            match self.edits.iter_mut().find(|e| e.path == edit.path) {
                Some(known) => {
                    known.after = edit.after;
                    known.why.extend(edit.why);
                }
                None => self.edits.push(edit),
            }
        }
        self.edits.sort_by_key(|e| e.broker);
        for who in later.cut_off {
            if !self.cut_off.contains(&who) {
                self.cut_off.push(who);
            }
        }
        (self.manual, self.held_back) = (later.manual, later.held_back);
    }
}

/// Something that a person must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manual {
    /// Where.
    pub place: Place,
    /// Why, in one sentence.
    pub why: String,
    /// The lines to write there; empty where no text can be foreseen.
    pub lines: Vec<String>,
}

/// Plans the repairs of a project, read with what is given, from what the rules found and the verdict allows. Nothing
/// is written.
#[must_use]
pub fn plan(
    deployment: &Deployment,
    given: &Given,
    report: &Report,
    verdict: &Verdict,
    tree: &dyn Tree,
    reach: Reach,
) -> Plan {
    let whole = whole::Whole::new(deployment, given);
    let mut desk = Desk { tree, texts: BTreeMap::new(), plan: Plan::default(), whole };
    let tls = listeners::repair(&mut desk, deployment, report, reach);
    let after_listeners = std::mem::take(&mut desk.texts);
    clients::repair(&mut desk, deployment, verdict, &tls);
    code::tell(&mut desk, deployment, &tls);
    // Clients first: a CA file and a mount harm nobody while the broker still speaks plaintext.
    let mut edits: Vec<FileEdit> = std::mem::take(&mut desk.texts).into_values().collect();
    edits.extend(after_listeners.into_values().map(|e| FileEdit { broker: true, ..e }));
    desk.plan.edits = edits.into_iter().filter(|e| e.before != e.after).collect();
    desk.plan.manual.sort_by(|a, b| (&a.place, &a.why).cmp(&(&b.place, &b.why)));
    desk.plan.manual.dedup();
    desk.plan
}

/// The files while they are edited.
struct Desk<'a> {
    tree: &'a dyn Tree,
    texts: BTreeMap<PathBuf, FileEdit>,
    plan: Plan,
    whole: whole::Whole<'a>,
}

impl<'a> Desk<'a> {
    /// The text of a file with the edits so far; `None` where it is no readable text.
    fn text(&mut self, path: &Path) -> Option<&mut FileEdit> {
        if !self.texts.contains_key(path) {
            let before = String::from_utf8(self.tree.read(path).ok()?).ok()?;
            let edit = FileEdit {
                path: path.to_owned(),
                after: before.clone(),
                before,
                why: Vec::new(),
                broker: false,
            };
            self.texts.insert(path.to_owned(), edit);
        }
        self.texts.get_mut(path)
    }

    /// The files with the edits so far.
    fn edited(&self) -> OverlayTree<'a> {
        let tree = OverlayTree::new(self.tree);
        self.texts.values().fold(tree, |tree, file| tree.with(&file.path, file.after.as_bytes()))
    }

    fn tell(&mut self, place: Place, why: impl Into<String>, lines: Vec<String>) {
        self.plan.manual.push(Manual { place, why: why.into(), lines });
    }
}

/// The listeners that speak TLS once the plan is carried out: broker and port.
type TlsListeners = Vec<(usize, u16)>;

#[cfg(test)]
mod tests;
