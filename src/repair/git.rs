//! Whether git knows a file as it stands. No program is run (a repository's own configuration may name programs that
//! git would start): the index is read, and the file's content compared with the object id that it holds.
//!
//! What is staged but not committed is told from the index's cached tree: `git add` drops the id of every folder
//! above the file, `git commit` writes it again. Where that cache is missing, staged changes cannot be seen.

use std::path::{Path, PathBuf};

use ring::digest;

use crate::tree::MAX_FILE;

const MAX_INDEX: u64 = 256 * 1024 * 1024;

/// `Some(true)`: tracked, and changed since it was committed; `Some(false)`: tracked and as committed; `None`: not
/// tracked by any repository above it.
#[must_use]
pub fn is_dirty(file: &Path) -> Option<bool> {
    let file = std::fs::canonicalize(file).ok()?;
    let (top, git) = repository(file.parent()?)?;
    let index = read(&git.join("index"), MAX_INDEX)?;
    let name = file.strip_prefix(&top).ok()?.to_str()?;
    let entry = entries(&index)?.into_iter().find(|e| e.path == name.as_bytes())?;
    let content = read(&file, MAX_FILE)?;
    let lf: Vec<u8> = without_cr(&content);
    let known = blob(&content) == entry.id || blob(&lf) == entry.id;
    Some(!known || entry.conflict || is_staged(&index, entry.end_of_entries, name) == Some(true))
}

/// The work tree and the folder that holds its index.
fn repository(from: &Path) -> Option<(PathBuf, PathBuf)> {
    for folder in from.ancestors() {
        let dot = folder.join(".git");
        let Ok(meta) = std::fs::symlink_metadata(&dot) else { continue };
        if meta.is_dir() {
            return Some((folder.to_owned(), dot));
        }
        if meta.is_file() {
            // A linked work tree or a submodule.
            let text = String::from_utf8(read(&dot, 4096)?).ok()?;
            let path = text.strip_prefix("gitdir: ")?.trim_end_matches(['\n', '\r']);
            return Some((folder.to_owned(), folder.join(path)));
        }
    }
    None
}

fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > most {
        return None;
    }
    std::fs::read(path).ok()
}

struct Entry {
    path: Vec<u8>,
    id: Vec<u8>,
    conflict: bool,
    end_of_entries: usize,
}

/// The entries of an index of version 2, 3 or 4 with SHA-1 ids (gitformat-index(5)).
fn entries(index: &[u8]) -> Option<Vec<Entry>> {
    if index.get(..4)? != b"DIRC" {
        return None;
    }
    let version = number(index, 4)?;
    let count = usize::try_from(number(index, 8)?).ok()?;
    if !(2..=4).contains(&version) || count > index.len() / 62 {
        return None;
    }
    let mut at = 12;
    let mut out: Vec<Entry> = Vec::with_capacity(count);
    let mut previous: Vec<u8> = Vec::new();
    for _ in 0..count {
        let start = at;
        let id = index.get(at + 40..at + 60)?.to_vec();
        let flags = u16::from_be_bytes(index.get(at + 60..at + 62)?.try_into().ok()?);
        at += 62;
        if flags & 0x4000 != 0 {
            at += 2;
        }
        let path = if version == 4 {
            let (strip, length) = varint(index.get(at..)?)?;
            at += length;
            let end = at + index.get(at..)?.iter().position(|b| *b == 0)?;
            let mut path = previous.get(..previous.len().checked_sub(strip)?)?.to_vec();
            path.extend_from_slice(index.get(at..end)?);
            at = end + 1;
            path
        } else {
            let end = at + index.get(at..)?.iter().position(|b| *b == 0)?;
            let path = index.get(at..end)?.to_vec();
            at = start + ((end - start) / 8 + 1) * 8;
            path
        };
        previous.clone_from(&path);
        out.push(Entry { path, id, conflict: flags & 0x3000 != 0, end_of_entries: 0 });
    }
    out.iter_mut().for_each(|e| e.end_of_entries = at);
    Some(out)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The offset encoding of pack files, as version 4 uses it.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = usize::from(bytes.first()? & 0x7f);
    let mut length = 1;
    while bytes.get(length - 1)? & 0x80 != 0 {
        value =
            value.checked_add(1)?.checked_mul(128)?.checked_add(usize::from(bytes.get(length)? & 0x7f))?;
        length += 1;
    }
    Some((value, length))
}

/// Whether a folder above the file has lost its cached id: something in it is staged. `None` without a cache.
fn is_staged(index: &[u8], mut at: usize, name: &str) -> Option<bool> {
    while at + 28 <= index.len() {
        let length = usize::try_from(number(index, at + 4)?).ok()?;
        let body = index.get(at + 8..)?.get(..length)?;
        if index.get(at..at + 4)? == b"TREE" {
            let folder = Path::new(name).parent()?.to_str()?;
            let wanted: Vec<&[u8]> = folder.split('/').filter(|p| !p.is_empty()).map(str::as_bytes).collect();
            let mut here = 0;
            return staged_below(body, &mut here, &wanted, true, 0);
        }
        at += 8 + length;
    }
    None
}

/// Walks the cached tree in its order: `path NUL entries SP subtrees LF [id]`, then the subtrees.
fn staged_below(body: &[u8], at: &mut usize, wanted: &[&[u8]], on_way: bool, depth: usize) -> Option<bool> {
    if depth > 200 {
        return None;
    }
    let nul = *at + body.get(*at..)?.iter().position(|b| *b == 0)?;
    let end = nul + body.get(nul..)?.iter().position(|b| *b == b'\n')?;
    let counts = std::str::from_utf8(body.get(nul + 1..end)?).ok()?;
    let (entries, subtrees) = counts.split_once(' ')?;
    let valid = entries.parse::<i64>().ok()? >= 0;
    let subtrees: usize = subtrees.parse().ok()?;
    *at = end + 1 + if valid { 20 } else { 0 };
    // The last folder on the way decides: a change elsewhere drops the ids above it too.
    let mut answer = (on_way && wanted.is_empty()).then_some(!valid);
    for _ in 0..subtrees {
        let name_end = *at + body.get(*at..)?.iter().position(|b| *b == 0)?;
        let mine = on_way && wanted.first().is_some_and(|w| body.get(*at..name_end) == Some(*w));
        let rest = if mine { wanted.get(1..).unwrap_or_default() } else { &[] };
        let below = staged_below(body, at, rest, mine, depth + 1);
        if mine {
            answer = below;
        }
    }
    answer
}

fn blob(content: &[u8]) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(format!("blob {}\0", content.len()).as_bytes());
    context.update(content);
    context.finish().as_ref().to_vec()
}

/// As git stores a text with `core.autocrlf`.
fn without_cr(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    for (at, b) in content.iter().enumerate() {
        if *b != b'\r' || content.get(at + 1) != Some(&b'\n') {
            out.push(*b);
        }
    }
    out
}
