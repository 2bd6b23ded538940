//! Command strings into words, as Compose splits them (the shell's quoting, no expansion).

/// Splits a command string into words by the shell's quoting rules.
#[must_use]
pub fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('"'), '\\') => {
                let w = word.get_or_insert_default();
                match chars.next() {
                    Some(n @ ('"' | '\\' | '$' | '`')) => w.push(n),
                    Some('\n') => {}
                    Some(n) => {
                        w.push('\\');
                        w.push(n);
                    }
                    None => w.push('\\'),
                }
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => {
                if let Some(n) = chars.next()
                    && n != '\n'
                {
                    word.get_or_insert_default().push(n);
                }
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_as_the_shell_quotes() {
        assert_eq!(split(r#"a 'b c'  "d \"e\"" f\ g """#), ["a", "b c", "d \"e\"", "f g", ""]);
        assert_eq!(split("sh -c \"x\ny\" \\\n z"), ["sh", "-c", "x\ny", "z"]);
    }
}
