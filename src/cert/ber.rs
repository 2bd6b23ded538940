//! BER (X.690 §8) written anew as DER as far as lengths go: the indefinite form, which some libraries take, and lengths
//! longer than need be.

/// How deep elements may nest: far more than a certificate needs.
const DEPTH: usize = 64;

/// The first element of `bytes` with definite, shortest lengths, and how many octets it took; `None` where an element
/// does not end, or a constructed one is not made of elements.
#[must_use]
pub fn definite(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    element(bytes, 0).map(|(der, behind)| (der, bytes.len() - behind.len()))
}

/// One element, and what follows it.
fn element(bytes: &[u8], depth: usize) -> Option<(Vec<u8>, &[u8])> {
    let first = *bytes.first()?;
    let mut at = 1;
    if first & 0x1f == 0x1f {
        while bytes.get(at)? & 0x80 != 0 {
            at += 1;
        }
        at += 1;
    }
    let (tag, rest) = bytes.split_at_checked(at)?;
    let (short, rest) = rest.split_first()?;
    let constructed = first & 0x20 != 0;
    if depth > DEPTH {
        return None;
    }
    if *short == 0x80 {
        let mut rest = constructed.then_some(rest)?;
        let mut content = Vec::new();
        loop {
            if let Some(behind) = rest.strip_prefix(&[0, 0]) {
                return Some((written(tag, &content), behind));
            }
            let (child, behind) = element(rest, depth + 1)?;
            content.extend(child);
            rest = behind;
        }
    }
    let (length, rest) = match short {
        0..=0x7f => (usize::from(*short), rest),
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            let digits = octets.iter().skip_while(|b| **b == 0);
            (digits.clone().count() <= 4)
                .then(|| (digits.fold(0usize, |n, b| n << 8 | usize::from(*b)), rest))?
        }
    };
    let (content, behind) = rest.split_at_checked(length)?;
    if !constructed {
        return Some((written(tag, content), behind));
    }
    let (mut inner, mut out) = (content, Vec::with_capacity(content.len()));
    while !inner.is_empty() {
        let (child, next) = element(inner, depth + 1)?;
        out.extend(child);
        inner = next;
    }
    Some((written(tag, &out), behind))
}

/// Header and content.
fn written(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = tag.to_vec();
    let digits: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
    match content.len() {
        0..=0x7f => out.push(content.len() as u8),
        _ => {
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_and_long_lengths_become_the_shortest() {
        assert_eq!(definite(&[0x30, 0x80, 2, 1, 5, 0, 0, 9]), Some((vec![0x30, 3, 2, 1, 5], 7)));
        assert_eq!(definite(&[0x30, 0x81, 3, 2, 1, 5]), Some((vec![0x30, 3, 2, 1, 5], 6)));
        let nested = [0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0];
        assert_eq!(definite(&nested), Some((vec![0x30, 2, 0x30, 0], 8)));
        let long = [[0x04, 0x82, 0, 200].as_slice(), &[7; 200]].concat();
        assert_eq!(
            definite(&long).map(|(d, _)| d.get(..3).map(<[u8]>::to_vec)),
            Some(Some(vec![4, 0x81, 200]))
        );
    }

    #[test]
    fn what_does_not_end_is_nothing() {
        for bytes in
            [&[0x30, 0x80, 2, 1, 5][..], &[0x30, 3, 2, 5], &[0x04, 0x80, 0, 0], &[], &[0x30, 2, 2, 1]]
        {
            assert_eq!(definite(bytes), None, "{bytes:?}");
        }
        let deep: Vec<u8> = [0x30, 0x80].into_iter().cycle().take(200_000).collect();
        assert_eq!(definite(&deep), None);
    }
}
