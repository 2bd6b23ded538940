//! `mqttcert rule`: explains a rule, or lists them.

use anyhow::bail;

use mqttcert::rules;

use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::render;

/// One rule with what, why, fix and source; without an id all of them, a line each.
pub fn run(args: &args::Explain, output: &Output) -> anyhow::Result<Answer> {
    let rules: Vec<&rules::Rule> = match &args.id {
        None => rules::ALL.to_vec(),
        Some(id) => match rules::find(id) {
            Some(rule) => vec![rule],
            None => bail!("there is no rule {}; `mqttcert rule` lists them", mqttcert::name::escape(id)),
        },
    };
    let text = match (output.format, rules.as_slice()) {
        (Format::Json, all) => render::json::line(&render::rule::json(all, args.id.is_some())),
        (Format::Human, [one]) if args.id.is_some() => render::rule::one(one),
        (Format::Human, all) => render::rule::list(all),
        _ => bail!("rule speaks human and json"),
    };
    Ok(Answer::new(text, Outcome::Holds))
}
