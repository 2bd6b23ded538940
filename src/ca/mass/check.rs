//! Every order is checked before the first key is made.

use std::collections::HashMap;

use super::{IssueError, Out, Plan, Refusal, Source, Summary, TOLD};
use crate::ca::book::{Book, Id, id_of};
use crate::ca::file_name::path_for;
use crate::ca::pending::with_suffix;

/// Whether an order is to be left out, refused or issued.
pub(super) enum Answer {
    Issue,
    Skip,
    Refuse(String),
}

pub(super) fn answer(book: &Book, plan: &Plan<'_>, id: &Id) -> Answer {
    let Some(known) = book.known(id) else {
        return Answer::Issue;
    };
    if known.valid > 0 {
        let this_list = plan.begun_at.is_some_and(|begun| known.valid > begun);
        if this_list || plan.skip_issued || book.was_adopted(id) {
            return Answer::Skip;
        }
        if plan.again {
            return Answer::Issue;
        }
        return Answer::Refuse(format!(
            "has a valid certificate already (ledger line {}); revoke it first, or add --again to have two",
            known.valid
        ));
    }
    // What an interrupted run of this list revoked as in doubt is made again without asking.
    if plan.again || plan.begun_at.is_some_and(|begun| known.first > begun) {
        return Answer::Issue;
    }
    Answer::Refuse(format!(
        "had a certificate that is revoked or over (ledger line {}); add --again if it is the same device",
        known.first
    ))
}

/// How many there are to issue.
pub(super) fn check(
    book: &Book,
    plan: &Plan<'_>,
    source: &mut Source<'_>,
    out: &Out,
    summary: &mut Summary,
) -> Result<u64, IssueError> {
    plan.authority.validity(plan.ca_file, plan.now, plan.days).map_err(IssueError::Authority)?;
    let mut seen: HashMap<Id, u32> = HashMap::new();
    let mut refused: Vec<Refusal> = Vec::new();
    let (mut total, mut bad) = (0u64, 0u64);
    source(&mut |order| {
        let name = order.row.subject.common_name();
        let id = id_of(name);
        let line = order.row.line;
        let mut refuse = |why: String| {
            bad += 1;
            if refused.len() < TOLD {
                refused.push(Refusal { line, identity: name.to_owned(), why });
            }
        };
        if let Some(before) = seen.insert(id, line) {
            refuse(if before > 0 {
                format!("stands in line {before} already")
            } else {
                "is named twice".into()
            });
            return Ok(());
        }
        match answer(book, plan, &id) {
            Answer::Skip => summary.skipped += 1,
            Answer::Refuse(why) => refuse(why),
            Answer::Issue => match (path_for(name), out) {
                (None, _) => refuse("is too long for a file name; use --out -".into()),
                (Some(path), Out::Folder(folder)) => {
                    for suffix in [".crt", ".key"] {
                        let file = with_suffix(&path, suffix);
                        let there = folder
                            .exists(&file)
                            .map_err(|e| IssueError::Write(folder.root().join(&file), e, 0))?;
                        if there && !(suffix == ".key" && order.public.is_some()) {
                            refuse(format!(
                                "{} is there already, and nothing is overwritten; move it away",
                                folder.root().join(&file).display()
                            ));
                            return Ok(());
                        }
                    }
                    total += 1;
                }
                (Some(_), Out::Stream(_)) => total += 1,
            },
        }
        Ok(())
    })?;
    if bad > 0 { Err(IssueError::Refused(refused, bad)) } else { Ok(total) }
}
