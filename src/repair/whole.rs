//! The project as a whole behind the edits: each is kept only if the project, read again with it, is the old one plus
//! exactly what was meant. One file may be included, extended, laid over or read by others.

use crate::compose::Project;
use crate::compose::edit::Change;
use crate::compose::edit::whole::{Beyond, EnvLine, Intended, compare};
use crate::deployment::{Deployment, Given, compose_projects, discover};
use crate::mosquitto::{MosquittoConf, edit};
use crate::place::Place;
use crate::tree::Tree;

/// The projects before the edits, and what was changed since.
pub(super) struct Whole<'a> {
    deployment: &'a Deployment,
    given: &'a Given,
    before: Option<Vec<Project>>,
    changes: Vec<Change>,
    lines: Vec<EnvLine>,
}

impl<'a> Whole<'a> {
    pub(super) fn new(deployment: &'a Deployment, given: &'a Given) -> Self {
        Self { deployment, given, before: None, changes: Vec::new(), lines: Vec::new() }
    }

    /// Remembers the projects as they are before the first edit.
    pub(super) fn remember(&mut self, tree: &dyn Tree) {
        if self.before.is_none() {
            self.before = compose_projects(tree, self.deployment, self.given).ok();
        }
    }

    /// Takes in what a tree shows besides what was taken in before.
    ///
    /// # Errors
    /// What else would change, or that a change would have no effect; nothing is taken in then.
    pub(super) fn take(
        &mut self,
        tree: &dyn Tree,
        changes: &[Change],
        lines: &[EnvLine],
    ) -> Result<(), Beyond> {
        let all: Vec<Change> = self.changes.iter().chain(changes).cloned().collect();
        let all_lines: Vec<EnvLine> = self.lines.iter().chain(lines).cloned().collect();
        let beyond = |what: &str| Beyond { place: Place::file(&self.deployment.dir), what: what.to_owned() };
        let before = self.before.as_deref().unwrap_or_default();
        let after = compose_projects(tree, self.deployment, self.given)
            .map_err(|_| beyond("the project could no longer be read"))?;
        if before.len() != after.len() {
            return Err(beyond("the files would make other projects"));
        }
        let mut shown = vec![false; all.len()];
        for (old, new) in before.iter().zip(&after) {
            let here = compare(old, new, Intended { changes: &all, lines: &all_lines })?;
            shown.iter_mut().zip(here).for_each(|(s, h)| *s |= h);
        }
        if shown.contains(&false) {
            return Err(beyond("another file has the last word: it would have no effect here"));
        }
        (self.changes, self.lines) = (all, all_lines);
        Ok(())
    }

    /// Whether the broker's configuration, with everything that it includes, is read as it is meant.
    pub(super) fn is_read_as(&self, tree: &dyn Tree, broker: usize, meant: &MosquittoConf) -> bool {
        let again = discover(tree, &self.deployment.dir, self.given).ok();
        let conf = again.as_ref().and_then(|d| d.brokers.get(broker)).and_then(|b| b.conf.as_ref());
        conf.is_some_and(|conf| edit::same(conf, meant))
    }
}
