//! Which values of a variable code takes for true.

use std::rc::Rc;

use super::File;

/// Which values code takes for true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::deployment) enum Truth {
    /// These and no others.
    Only(Vec<String>, Case),
    /// All but these.
    AllBut(Vec<String>, Case),
    /// Everything that is not empty, `false` too.
    NonEmpty,
    /// It cannot be told: the usual words.
    Usual,
}

/// Whether capitals matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::deployment) enum Case {
    Matters,
    Ignored,
}

impl Truth {
    /// What a value means.
    pub(in crate::deployment) fn of(&self, value: &str) -> bool {
        let fold = |v: &str, c: Case| if c == Case::Ignored { v.to_ascii_lowercase() } else { v.to_owned() };
        match self {
            Self::Only(list, case) => list.iter().any(|l| fold(l, *case) == fold(value, *case)),
            Self::AllBut(list, case) => !list.iter().any(|l| fold(l, *case) == fold(value, *case)),
            Self::NonEmpty => !value.is_empty(),
            Self::Usual => is_true_word(value),
        }
    }
}

/// Whether a person who writes this means yes.
pub(in crate::deployment) fn is_true_word(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "y" | "t" | "enabled")
}

fn is_false_word(value: &str) -> bool {
    matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "false" | "0" | "no" | "off" | "n" | "f" | "disabled" | ""
    )
}

pub(super) fn truth_of(rest: &str, before: &str) -> Truth {
    let case = if rest.contains("lower()")
        || rest.contains("toLowerCase()")
        || rest.contains("ToLower")
        || rest.contains("casefold")
        || rest.contains("upper()")
        || before.contains("ToLower")
        || before.contains("EqualFold")
        || rest.contains("gnoreCase")
    {
        Case::Ignored
    } else {
        Case::Matters
    };
    if before.contains("ParseBool") {
        return Truth::Only(
            ["1", "t", "T", "TRUE", "true", "True"].map(str::to_owned).to_vec(),
            Case::Matters,
        );
    }
    if before.contains("strtobool")
        || before.contains("env.bool")
        || before.contains("getBool")
        || rest.contains("cast=bool")
        || before.contains("parse_bool")
        || before.contains("str2bool")
        || before.contains("to_bool")
        || before.contains("env_bool")
        || before.contains("nvBool(")
    {
        return Truth::Only(["y", "yes", "t", "true", "on", "1"].map(str::to_owned).to_vec(), Case::Ignored);
    }
    for operator in ["===", "!==", "==", "!=", " not in ", " in ", ".equals(", ".equalsIgnoreCase("] {
        if let Some(i) = rest.find(operator) {
            let words = literals(&rest[i + operator.len()..]);
            if !words.is_empty() {
                let words: Vec<String> = words
                    .iter()
                    .map(|w| if rest.contains("upper()") { w.to_ascii_lowercase() } else { w.clone() })
                    .collect();
                return if words.iter().all(|w| is_false_word(w)) {
                    Truth::AllBut(words, case)
                } else {
                    Truth::Only(words, case)
                };
            }
        }
    }
    if before.trim_end().ends_with("bool(os.getenv(\"")
        || before.contains("bool(os.")
        || before.contains("Boolean(process.env")
        || before.contains("!!process.env")
    {
        return Truth::NonEmpty;
    }
    if before.contains("int(os.") && !before.contains("PORT") {
        return Truth::AllBut(vec!["0".into()], Case::Matters);
    }
    Truth::Usual
}

/// The quoted words at the head of a text: one, or those of a bracket.
pub(super) fn literals(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let list = text.starts_with(['(', '[', '{']);
    let end = if list { text.find([')', ']', '}']).unwrap_or(text.len()) } else { text.len() };
    let mut out = Vec::new();
    let mut rest = &text[..end];
    if !list && !rest.starts_with(['"', '\'', '`']) {
        return out;
    }
    while let Some(open) = rest.find(['"', '\'', '`']) {
        let quote = rest.as_bytes()[open] as char;
        let Some(close) = rest[open + 1..].find(quote) else { break };
        out.push(rest[open + 1..open + 1 + close].to_owned());
        if !list {
            break;
        }
        rest = &rest[open + close + 2..];
    }
    out
}

/// How a variable of the code is compared somewhere.
pub(super) fn used_as(files: &[Rc<File>], name: &str) -> Truth {
    for file in files {
        for (at, _) in file.text.match_indices(name) {
            let end = at + name.len();
            let whole = !file.text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                && !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole {
                let line = file.text[end..].lines().next().unwrap_or("");
                if line.trim_start().starts_with(['.', '=', '!', 'i', 'n'])
                    && !line.trim_start().starts_with("= ")
                {
                    let truth = truth_of(line, "");
                    if truth != Truth::Usual {
                        return truth;
                    }
                }
            }
        }
    }
    Truth::Usual
}

pub(super) fn pydantic_truth() -> Truth {
    Truth::Only(["true", "1", "yes", "on", "y", "t"].map(str::to_owned).to_vec(), Case::Ignored)
}
