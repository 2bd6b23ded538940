//! Agreement with measured clients: every name, stack and mode of a measurement file that
//! `MQTTCERT_MEASUREMENT` names; its cases stand in `cases/` beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

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

#[test]
fn every_stack_agrees_with_its_measured_client() {
    let Some(file) = std::env::var_os("MQTTCERT_MEASUREMENT").map(PathBuf::from) else {
        eprintln!("skipped: every_stack_agrees_with_its_measured_client (MQTTCERT_MEASUREMENT is not set)");
        return;
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
    assert_eq!(bad, 0, "{bad} of {all} differ from the real clients");
}
