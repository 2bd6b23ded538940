//! A command that chooses at its start: `if [ "$MODE" = "production" ]; then …; else …; fi`.

use super::EnvVar;
use crate::compose::interpolate::interpolate;

/// The words of a command with an `if` of the shell put down to the branch that it takes in this environment; `None`
/// where that cannot be told.
pub(super) fn taken(words: &[String], env: &[EnvVar]) -> Option<Vec<String>> {
    let at = |word: &str| words.iter().position(|w| w.trim_end_matches(';') == word);
    let (Some(start), Some(then), Some(end)) = (at("if"), at("then"), at("fi")) else {
        return Some(words.to_vec());
    };
    let nested =
        words.iter().filter(|w| matches!(w.as_str(), "if" | "elif" | "case" | "while" | "for")).count();
    let test = words.get(start + 1..then).filter(|_| nested == 1)?;
    let other = at("else").filter(|e| then < *e && *e < end);
    let branch = match (holds(test, env)?, other) {
        (true, other) => words.get(then + 1..other.unwrap_or(end))?,
        (false, Some(other)) => words.get(other + 1..end)?,
        (false, None) => &[],
    };
    let rest = words.get(end + 1..).unwrap_or_default();
    Some([words.get(..start)?, branch, rest].concat())
}

/// What a test of `[` comes to: two texts that are the same or not, a text that is empty or not (test(1)).
fn holds(test: &[String], env: &[EnvVar]) -> Option<bool> {
    let lookup = |name: &str| env.iter().find(|v| v.key == name).and_then(|v| v.value.clone());
    let value = |word: &str| match word.contains('$') {
        true => interpolate(word, &lookup).ok().map(|filled| filled.text),
        false => Some(word.to_owned()),
    };
    let words: Vec<&str> = test
        .iter()
        .map(|w| w.trim_end_matches(';'))
        .filter(|w| !matches!(*w, "[" | "[[" | "]" | "]]" | "test"))
        .collect();
    match words.as_slice() {
        [a, "=" | "==", b] => Some(value(a)? == value(b)?),
        [a, "!=", b] => Some(value(a)? != value(b)?),
        ["-n", a] => Some(!value(a)?.is_empty()),
        ["-z", a] => Some(value(a)?.is_empty()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::words;
    use crate::place::Place;

    fn of(command: &str, mode: &str) -> Option<String> {
        let place = Place::file(std::path::Path::new("x"));
        let env = EnvVar { key: "MODE".into(), value: Some(mode.into()), place, from_env_file: false };
        Some(taken(&words::split(command), &[env])?.join(" "))
    }

    #[test]
    fn the_branch_is_the_environments() {
        let command = "if [ \"$MODE\" = \"tls\" ]; then exec m -c /tls; else exec m -c /plain; fi";
        assert_eq!(of(command, "tls").unwrap(), "exec m -c /tls;");
        assert_eq!(of(command, "").unwrap(), "exec m -c /plain;");
        assert_eq!(of("if [ prod != dev ]; then a; fi; b", "").unwrap(), "a; b");
        assert_eq!(of("if [ -z \"$MODE\" ]; then a; fi; b", "x").unwrap(), "b");
        assert_eq!(of("m -c /conf", "").unwrap(), "m -c /conf");
    }

    #[test]
    fn what_only_the_container_knows_is_not_told() {
        assert_eq!(of("if [ -f /certs/ca.crt ]; then a; else b; fi", ""), None);
        assert_eq!(of("if grep -q x y; then a; else b; fi", ""), None);
        assert_eq!(of("if [ a = b ]; then a; elif [ a = c ]; then b; fi", ""), None);
    }
}
