//! The fuzz corpus through every reader: what once made one stumble never does again.

use std::fs;
use std::path::Path;

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
