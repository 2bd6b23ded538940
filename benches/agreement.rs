//! Agreement with measured clients: every name, stack and mode of a measurement file, whose cases stand in `cases/`
//! beside it. `cargo bench --bench agreement -- FILE` prints each difference and the counts per stack; status 1 if a
//! verdict is wrong.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use mqttcert::judgement::Judgement;
use mqttcert::name::PeerName;
use mqttcert::stack_id::StackId;
use mqttcert::stacks::{Evaluation, Presented};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Default)]
struct Count {
    agree: usize,
    unknown: usize,
    wrong: usize,
    accepted: usize,
}

fn main() -> ExitCode {
    let Some(file) = std::env::args().skip(1).find(|a| !a.starts_with('-')).map(PathBuf::from) else {
        eprintln!("agreement: no measurement file is named; nothing was compared");
        return ExitCode::SUCCESS;
    };
    let measured: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let now = OffsetDateTime::parse(measured["as_of"].as_str().unwrap(), &Rfc3339).unwrap();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for case in measured["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let folder = file.parent().unwrap().join("cases").join(id);
        let certfile = fs::read(folder.join("server.crt")).unwrap();
        let trust = fs::read(folder.join("ca.crt")).unwrap();
        let presented = Presented { certfile: &certfile, completion: &[], trust: &trust };
        let evaluation = Evaluation::new(presented, now);
        let Some(verdicts) = case["verdicts"].as_object() else { continue };
        for (name, stacks) in verdicts {
            let name = PeerName::parse(name).unwrap();
            for (stack, modes) in stacks.as_object().unwrap() {
                let stack: StackId = stack.parse().unwrap();
                for mode in ["verify", "chain_only"] {
                    let Some(real) = modes[mode].as_str() else { continue };
                    let ours = if mode == "verify" {
                        evaluation.verify(stack, &name)
                    } else {
                        evaluation.chain_only(stack, Some(&name))
                    };
                    let count = counts.entry(stack.as_str()).or_default();
                    if ours.as_str() == real {
                        count.agree += 1;
                        continue;
                    }
                    match &ours {
                        Judgement::Unknown(_) => count.unknown += 1,
                        Judgement::Accept { .. } => {
                            count.wrong += 1;
                            count.accepted += 1;
                        }
                        Judgement::Refuse(_) => count.wrong += 1,
                    }
                    println!("{id}\t{name}\t{stack}\t{mode}\treal {real}\tours {ours:?}");
                }
            }
        }
    }
    let mut bad = 0;
    let (mut all, mut unknown) = (0, 0);
    for (stack, c) in &counts {
        println!(
            "{stack:20} agree {:4} unknown {:3} wrong {:3} accept-where-refused {:3}",
            c.agree, c.unknown, c.wrong, c.accepted
        );
        bad += c.wrong;
        unknown += c.unknown;
        all += c.agree + c.unknown + c.wrong;
    }
    println!("all {all}, unknown {unknown}, wrong {bad}");
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
