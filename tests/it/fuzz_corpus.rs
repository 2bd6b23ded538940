//! The fuzz corpus through every reader: what once made one stumble never does again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mqttcert::tree::MemoryTree;
use mqttcert_fixtures::Dice;

use crate::mutations::mutate;

#[path = "../../fuzz/readers.rs"]
mod readers;

#[test]
fn every_reader_survives_its_corpus_and_everybody_elses() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut inputs = Vec::new();
    for (name, _) in readers::READERS {
        let before = inputs.len();
        for entry in fs::read_dir(corpus.join(name)).unwrap_or_else(|e| panic!("fuzz/corpus/{name}: {e}")) {
            inputs.push(fs::read(entry.unwrap().path()).unwrap());
        }
        assert!(inputs.len() > before, "{name} has no corpus");
    }
    for (_, read) in readers::READERS {
        for bytes in &inputs {
            read(bytes);
        }
    }
}

/// The readers are compiled here; what is left of the targets is so little that its text can be compared. `make check`
/// compiles them.
#[test]
fn every_reader_is_a_fuzz_target_and_every_fuzz_target_a_reader() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let mut targets = fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count();
    for (name, _) in readers::READERS {
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            target.contains(&format!("fuzz_target!(|bytes: &[u8]| readers::read_{name}(bytes));")),
            "{name}"
        );
        let listed = format!("[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n");
        assert!(manifest.contains(&listed), "fuzz/Cargo.toml does not list {name}");
        targets -= 1;
    }
    assert_eq!(targets, 0, "fuzz targets that are no reader");
}

/// What `make fuzz` does with guidance, done blindly and briefly (`MQTTCERT_BLIND_SECONDS` for each reader).
#[test]
fn every_reader_survives_what_chance_makes_of_its_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let seconds = std::env::var("MQTTCERT_BLIND_SECONDS").ok().and_then(|s| s.parse().ok());
    for (name, read) in readers::READERS {
        let seeds: Vec<Vec<u8>> =
            fs::read_dir(corpus.join(name)).unwrap().map(|e| fs::read(e.unwrap().path()).unwrap()).collect();
        let (start, mut dice, mut runs) = (Instant::now(), Dice(runs_seed(name)), 0_u64);
        let mut slowest = Duration::ZERO;
        while seconds.map_or(runs < 200, |s| start.elapsed() < Duration::from_secs(s)) {
            let seed = &seeds[dice.below(seeds.len())];
            let bytes = mutate(&mut dice, seed, &seeds);
            let each = Instant::now();
            read(&bytes);
            slowest = slowest.max(each.elapsed());
            runs += 1;
        }
        println!("{name:<14} {runs:>9} inputs, the slowest {slowest:?}");
    }
}

/// Another sequence for every reader, the same in every run.
fn runs_seed(name: &str) -> u64 {
    name.bytes().fold(17, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()))
}

/// Letters of two, three and four bytes, alone between spaces and against a word, at every place of every text: whoever
/// counts bytes where there are letters stumbles over one of them.
#[test]
fn every_reader_survives_letters_of_every_width_at_every_place() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, read) in readers::READERS {
        let start = Instant::now();
        for entry in fs::read_dir(corpus.join(name)).unwrap() {
            let Ok(text) = fs::read_to_string(entry.unwrap().path()) else { continue };
            for (at, _) in text.char_indices() {
                read(format!("{}é 漢 𝄞{}", &text[..at], &text[at..]).as_bytes());
            }
        }
        println!("{name:<14} {:?}", start.elapsed());
    }
}

/// The same in whole projects, at one place of every line; every place with `MQTTCERT_EVERY_PLACE`.
#[test]
fn every_scenario_survives_letters_of_every_width() {
    let every = std::env::var_os("MQTTCERT_EVERY_PLACE").is_some();
    let (mut dice, mut runs) = (Dice(5), 0);
    for dir in crate::corpus::scenarios() {
        let texts: Vec<(PathBuf, String)> = crate::peers::bytes_below(&dir)
            .into_iter()
            .filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?)))
            .collect();
        let whole = texts.iter().fold(MemoryTree::new(), |tree, (path, text)| tree.with(path, text.as_str()));
        for (path, text) in texts.iter().filter(|(path, _)| path.file_name() != Some("expect.toml".as_ref()))
        {
            let mut line = 0;
            for piece in text.split_inclusive('\n') {
                let mut places: Vec<usize> = piece.char_indices().map(|(at, _)| line + at).collect();
                line += piece.len();
                if !every {
                    places = vec![places[dice.below(places.len())]];
                }
                for at in places {
                    let mixed = format!("{}é 漢 𝄞{}", &text[..at], &text[at..]);
                    readers::judge_project(&whole.clone().with(path, mixed));
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} projects");
    assert!(runs > 1000);
}
