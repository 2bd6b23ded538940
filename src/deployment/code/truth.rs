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

/// What Python's `strtobool` and pydantic take for true, in any case.
const YES: [&str; 6] = ["true", "1", "yes", "on", "y", "t"];
const NO: [&str; 6] = ["false", "0", "no", "off", "n", "f"];

/// Go's `strconv.ParseBool`.
const GO_TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];

/// What folds the case of the value before it is compared: behind the variable, and around it.
const FOLDS_BEHIND: &[&str] = &["lower()", "toLowerCase()", "ToLower", "casefold", "upper()", "gnoreCase"];
const FOLDS_AROUND: &[&str] = &["ToLower", "EqualFold"];

/// Calls around the variable that read it as `strtobool` does.
const READS_WORDS: &[&str] =
    &["strtobool", "env.bool", "getBool", "parse_bool", "str2bool", "to_bool", "env_bool", "nvBool("];

/// Conversions around the variable that take any text for true.
const NON_EMPTY: &[&str] = &["bool(os.", "Boolean(process.env", "!!process.env"];

const COMPARES: &[&str] = &["===", "!==", "==", "!=", " not in ", " in ", ".equals(", ".equalsIgnoreCase("];

/// Whether a person who writes this means yes.
pub(crate) fn is_true_word(value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    YES.contains(&value.as_str()) || value == "enabled"
}

fn is_false_word(value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    value.is_empty() || NO.contains(&value.as_str()) || value == "disabled"
}

/// What code takes for true that reads a variable between `before` and `rest` of a line.
pub(super) fn truth_of(rest: &str, before: &str) -> Truth {
    let any = |text: &str, of: &[&str]| of.iter().any(|word| text.contains(word));
    let words = |of: &[&str]| of.iter().map(|w| (*w).to_owned()).collect();
    if before.contains("ParseBool") {
        return Truth::Only(words(&GO_TRUE), Case::Matters);
    }
    if any(before, READS_WORDS) || rest.contains("cast=bool") {
        return Truth::Only(words(&YES), Case::Ignored);
    }
    let folded = any(rest, FOLDS_BEHIND) || any(before, FOLDS_AROUND);
    let case = if folded { Case::Ignored } else { Case::Matters };
    for operator in COMPARES {
        let Some(at) = rest.find(operator) else { continue };
        let mut words = literals(&rest[at + operator.len()..]);
        if words.is_empty() {
            continue;
        }
        if rest.contains("upper()") {
            words.iter_mut().for_each(|w| w.make_ascii_lowercase());
        }
        let all_false = words.iter().all(|w| is_false_word(w));
        return if all_false { Truth::AllBut(words, case) } else { Truth::Only(words, case) };
    }
    if any(before, NON_EMPTY) {
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
    Truth::Only(YES.map(str::to_owned).to_vec(), Case::Ignored)
}
