//! `mqttcert stack`: lists the client stacks, or explains one.

use anyhow::bail;

use mqttcert::stack_id::StackId;
use mqttcert::stacks::{Stack, stack};

use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::render;

/// One stack with what it accepts, refuses and why we know; without an id all of them, a line each.
pub fn run(args: &args::Explain, output: &Output) -> anyhow::Result<Answer> {
    let stacks: Vec<&Stack> = match &args.id {
        None => StackId::ALL.iter().chain(StackId::VERSIONS).map(|id| stack(*id)).collect(),
        Some(id) => match id.parse::<StackId>() {
            Ok(id) => vec![stack(id)],
            Err(_) => bail!("there is no stack {}; `mqttcert stack` lists them", mqttcert::name::escape(id)),
        },
    };
    let text = match (output.format, stacks.as_slice()) {
        (Format::Json, all) => render::json::line(&render::stack::json(all, args.id.is_some())),
        (Format::Human, [one]) if args.id.is_some() => render::stack::one(one),
        (Format::Human, all) => render::stack::list(all),
        _ => bail!("stack speaks human and json"),
    };
    Ok(Answer::new(text, Outcome::Holds))
}
