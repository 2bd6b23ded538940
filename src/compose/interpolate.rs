//! Variables in compose files: `$A`, `${A}`, `${A:-b}`, `${A-b}`, `${A:?e}`, `${A?e}`, `${A:+b}`, `${A+b}`, nested to
//! any sensible depth, and `$$` (Compose specification, "Interpolation").

/// Nested deeper than this is refused.
const MAX_DEPTH: usize = 32;
/// A value that grows beyond this is refused.
const MAX_LENGTH: usize = 1 << 20;

/// A text with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interpolated {
    /// The text.
    pub text: String,
    /// Variables that nobody sets and that have no default: Compose puts nothing there, with a warning.
    pub unset: Vec<String>,
    /// Variables that `:?` or `?` demands and nobody sets: Compose refuses to start, with this message.
    pub demanded: Vec<(String, String)>,
}

/// Fills in the variables of `text`.
///
/// # Errors
/// What is wrong with the text, in a few words: Compose refuses it too.
pub fn interpolate(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Interpolated, String> {
    let mut out = Interpolated::default();
    fill(text, lookup, 0, &mut out)?;
    Ok(out)
}

fn fill(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
    out: &mut Interpolated,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("variables are nested too deeply".into());
    }
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.text.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let end = closing(after).ok_or("a `${` is never closed")?;
            braced(&after[..end], lookup, depth, out)?;
            rest = &after[end + 1..];
        } else {
            let length = name_length(rest);
            if length == 0 {
                return Err("a `$` stands before no variable; write `$$` for a dollar sign".into());
            }
            let name = &rest[..length];
            match lookup(name) {
                Some(value) => out.text.push_str(&value),
                None => out.unset.push(name.to_owned()),
            }
            rest = &rest[length..];
        }
        if out.text.len() > MAX_LENGTH {
            return Err("the value grows beyond a megabyte".into());
        }
    }
    out.text.push_str(rest);
    Ok(())
}

fn braced(
    inner: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
    out: &mut Interpolated,
) -> Result<(), String> {
    let length = name_length(inner);
    if length == 0 {
        return Err("`${` stands before no variable name".into());
    }
    let (name, rest) = inner.split_at(length);
    let value = lookup(name);
    if rest.is_empty() {
        match value {
            Some(v) => out.text.push_str(&v),
            None => out.unset.push(name.to_owned()),
        }
        return Ok(());
    }
    let (colon, rest) = match rest.strip_prefix(':') {
        Some(r) => (true, r),
        None => (false, rest),
    };
    let mut chars = rest.chars();
    let operator = chars.next();
    let word = chars.as_str();
    let present = value.filter(|v| !(colon && v.is_empty()));
    match (operator, present) {
        (Some('-'), Some(v)) | (Some('?'), Some(v)) => out.text.push_str(&v),
        (Some('-'), None) => fill(word, lookup, depth + 1, out)?,
        (Some('?'), None) => {
            let mut message = Interpolated::default();
            fill(word, lookup, depth + 1, &mut message)?;
            out.demanded.push((name.to_owned(), message.text));
            out.unset.push(name.to_owned());
        }
        (Some('+'), Some(_)) => fill(word, lookup, depth + 1, out)?,
        (Some('+'), None) => {}
        _ => return Err(format!("`${{{inner}}}` is no form of a variable that Compose knows")),
    }
    Ok(())
}

/// The byte of the `}` that closes a `${` just opened.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let lookup = |n: &str| match n {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        interpolate(text, &lookup).map(|i| i.text)
    }

    #[test]
    fn fills_every_form_of_the_specification() {
        for (text, want) in [
            ("$A-${A}", "a-a"),
            ("${B:-b}", "b"),
            ("${EMPTY:-b}|${EMPTY-b}", "b|"),
            ("${A:+x}${B:+x}${EMPTY:+y}${EMPTY+z}", "xz"),
            ("${B:-${C:-c}}", "c"),
            ("${B:-${A}:1883}", "a:1883"),
            ("${B:-mqtt://${A}:${P:-1883}/x}", "mqtt://a:1883/x"),
            ("$$A $${A}", "$A ${A}"),
            ("${B}x", "x"),
            ("${A:?no}", "a"),
            ("ünï ${B:-ö}", "ünï ö"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn tells_what_is_unset_and_what_is_demanded() {
        let i = interpolate("${B:?set it} $C", &|_| None).unwrap();
        assert_eq!(i.unset, ["B", "C"]);
        assert_eq!(i.demanded, [("B".to_owned(), "set it".to_owned())]);
    }

    #[test]
    fn refuses_what_compose_refuses_and_deep_nesting() {
        for text in ["${A", "$1", "100$", "${}", "${A!b}", "${A:x}"] {
            assert!(filled(text).is_err(), "{text}");
        }
        let deep = format!("{}{}", "${B:-".repeat(10_000), "}".repeat(10_000));
        assert!(filled(&deep).is_err());
    }
}
