//! What a program was started with: the words of its command that its code asks through `argparse`.

use std::rc::Rc;

use super::super::EnvVar;
use super::super::code::{File, Language};
use super::When;

/// What decides what code does: the variables of its environment and the words of its command.
pub(in crate::deployment) struct Setting<'a> {
    pub(in crate::deployment) env: &'a [EnvVar],
    pub(in crate::deployment) argv: &'a [String],
}

impl std::ops::Deref for Setting<'_> {
    type Target = [EnvVar];

    fn deref(&self) -> &[EnvVar] {
        self.env
    }
}

/// Names that a parsed command line usually has.
const PARSED: [&str; 8] =
    ["args", "options", "opts", "opt", "arguments", "parsed", "parsed_args", "cli_args"];

/// What a test such as `args.mode == "tls"` comes to; `None` where it asks no argument, or the command does not show
/// which it has.
pub(super) fn asked(files: &[Rc<File>], test: &str, setting: &Setting<'_>) -> Option<When> {
    let started = setting.argv.iter().position(|w| w.ends_with(".py") || w == "-m")?;
    let (negated, test) = match test.trim().strip_prefix("not ") {
        Some(rest) => (true, rest.trim()),
        None => (false, test.trim()),
    };
    if test.contains(" and ") || test.contains(" or ") {
        return None;
    }
    let (object, rest) = test.split_once('.')?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, comparison) = rest.split_at(end);
    if !PARSED.contains(&object.trim_start_matches(['(', ' ']).trim_start_matches("self.")) || name.is_empty()
    {
        return None;
    }
    let value = value(files, name, setting.argv.get(started..)?)?;
    let comparison = comparison.trim();
    let holds = if comparison.is_empty() || comparison == ")" {
        !matches!(value.as_str(), "" | "False" | "None" | "0")
    } else if let Some(word) = comparison.strip_prefix("==").and_then(literal) {
        value == word
    } else if let Some(word) = comparison.strip_prefix("!=").and_then(literal) {
        value != word
    } else {
        let (list, inside) = match comparison.strip_prefix("not in ") {
            Some(list) => (list, false),
            None => (comparison.strip_prefix("in ")?, true),
        };
        list.split(',')
            .filter_map(|w| literal(w.trim_matches(['(', ')', '[', ']', '{', '}', ' '])))
            .any(|w| w == value)
            == inside
    };
    Some(When::Asked(holds != negated))
}

fn literal(text: &str) -> Option<&str> {
    let text = text.trim();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text.get(1..)?.split(quote).next()
}

/// The value of an option that `add_argument` declares: the command's, else its default.
fn value(files: &[Rc<File>], name: &str, argv: &[String]) -> Option<String> {
    let declared =
        files.iter().filter(|f| f.language == Language::Python).find_map(|f| declaration(&f.text, name))?;
    let (options, rest) = declared;
    let switch = ["store_true", "store_false"]
        .iter()
        .position(|a| rest.contains(&format!("\"{a}\"")) || rest.contains(&format!("'{a}'")));
    for (at, word) in argv.iter().enumerate() {
        let (head, inline) = word.split_once('=').map_or((word.as_str(), None), |(h, v)| (h, Some(v)));
        if !options.contains(&head) {
            continue;
        }
        return match switch {
            Some(0) => Some("True".into()),
            Some(_) => Some("False".into()),
            None => inline.map(str::to_owned).or_else(|| argv.get(at + 1).cloned()),
        };
    }
    if let Some(kind) = switch {
        return Some(if kind == 0 { "False" } else { "True" }.into());
    }
    match rest.split_once("default=") {
        Some((_, default)) => literal(default)
            .or_else(|| default.split([',', ')', ' ', '\n']).next().filter(|d| d.parse::<i64>().is_ok()))
            .map(str::to_owned),
        // An option that nobody gives is None; one that must be given is not left out.
        None if !rest.contains("required=True") => Some("None".into()),
        None => None,
    }
}

/// The option words of the `add_argument` call that fills `name`, and what stands behind them.
fn declaration<'t>(text: &'t str, name: &str) -> Option<(Vec<&'t str>, &'t str)> {
    text.match_indices("add_argument(").find_map(|(at, call)| {
        let behind = text.get(at + call.len()..)?;
        let end = behind.find("add_argument(").unwrap_or(behind.len().min(600));
        let inside = behind.get(..end).or_else(|| behind.lines().next())?;
        let mut options = Vec::new();
        let mut rest = inside.trim_start();
        while let Some(word) = literal(rest).filter(|w| w.starts_with('-')) {
            options.push(word);
            rest = rest.get(word.len() + 2..)?.trim_start().trim_start_matches(',').trim_start();
        }
        let fills = |o: &&str| o.starts_with("--") && o.trim_start_matches('-').replace('-', "_") == name;
        let named = rest.contains(&format!("dest=\"{name}\"")) || rest.contains(&format!("dest='{name}'"));
        (named || options.iter().any(fills)).then_some((options, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(test: &str, command: &str) -> Option<When> {
        let text = "p.add_argument(\n    \"--mode\", \"-m\",\n    choices=[\"open\", \"tls\"],\n    default=\"open\",\n)\n\
                    p.add_argument('--use-tls', action='store_true')\np.add_argument('--ca', required=True)\n\
                    args = p.parse_args()\n";
        let file = File { path: "a.py".into(), text: text.into(), language: Language::Python };
        let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
        asked(&[Rc::new(file)], test, &Setting { env: &[], argv: &argv })
    }

    #[test]
    fn a_word_of_the_command_decides() {
        assert_eq!(of("args.mode == \"tls\"", "python a.py --mode tls"), Some(When::Asked(true)));
        assert_eq!(of("args.mode == \"tls\"", "python a.py --mode=open"), Some(When::Asked(false)));
        assert_eq!(of("args.mode in (\"auth\", \"tls\")", "python a.py -m tls"), Some(When::Asked(true)));
        assert_eq!(of("args.mode != \"open\"", "python a.py"), Some(When::Asked(false)));
        assert_eq!(of("args.use_tls", "python a.py --use-tls"), Some(When::Asked(true)));
        assert_eq!(of("not args.use_tls", "python a.py"), Some(When::Asked(true)));
    }

    #[test]
    fn what_the_command_does_not_show_is_not_known() {
        assert_eq!(of("args.mode == \"tls\"", "./start.sh"), None);
        assert_eq!(of("args.ca", "python a.py"), None);
        assert_eq!(of("args.other", "python a.py"), None);
        assert_eq!(of("config.mode == \"tls\"", "python a.py --mode tls"), None);
    }
}
