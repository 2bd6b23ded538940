//! Whether git tracks a file: read from `.git/index` (gitformat-index(5), versions 2 to 4).

/// Whether an index holds this path (relative to the work tree, with slashes).
#[must_use]
pub fn index_has(index: &[u8], path: &[u8]) -> bool {
    entries(index, path).unwrap_or(false)
}

fn entries(index: &[u8], wanted: &[u8]) -> Option<bool> {
    let number = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    if index.get(..4)? != b"DIRC" {
        return None;
    }
    let version = number(4)?;
    let count = number(8)?;
    let mut at = 12_usize;
    let mut previous: Vec<u8> = Vec::new();
    for _ in 0..count {
        let start = at;
        // SHA-1 repositories: 62 bytes up to and with the flags; two more with the extended flag.
        let flags = u16::from_be_bytes(index.get(at + 60..at + 62)?.try_into().ok()?);
        at += if flags & 0x4000 != 0 && version >= 3 { 64 } else { 62 };
        if version >= 4 {
            let mut strip = 0_usize;
            loop {
                let byte = *index.get(at)?;
                at += 1;
                strip = strip.checked_shl(7)? | usize::from(byte & 0x7f);
                if byte & 0x80 == 0 {
                    break;
                }
                strip = strip.checked_add(1)?;
            }
            previous.truncate(previous.len().checked_sub(strip)?);
        } else {
            previous.clear();
        }
        let rest = index.get(at..)?;
        let len = rest.iter().position(|b| *b == 0)?;
        previous.extend_from_slice(rest.get(..len)?);
        at += len + 1;
        if version < 4 {
            at = start + (at - 1 - start + 8) / 8 * 8;
        }
        if previous == wanted {
            return Some(true);
        }
    }
    Some(false)
}
