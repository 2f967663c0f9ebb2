//! Every seed through its target, and none without one. A seed's name says what becomes of it, so a target that refuses everything,
//! or a check that is never reached, shows.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its seeds has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use trinco_fuzz::TARGETS;

fn entries(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn every_seed_is_accepted_or_refused_as_its_name_says() {
    let mut wrong = Vec::new();
    for (target, run) in TARGETS {
        let (mut accepted, mut refused) = (0, 0);
        for seed in entries(&format!("seeds/{target}")) {
            let data = fs::read(&seed).unwrap();
            let expected = match name(&seed).split('-').next() {
                Some("accepts") => true,
                Some("refuses") => false,
                _ => panic!("{seed:?} does not say whether it is accepted"),
            };
            if run(&data) != expected {
                wrong.push(format!("{target}/{}", name(&seed)));
            }
            if expected { accepted += 1 } else { refused += 1 }
        }
        assert!(accepted > 0 && refused > 0, "{target}: {accepted} accepted, {refused} refused");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_target_has_a_file_and_every_file_a_target() {
    let listed: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    let (files, seeds) = (entries("libfuzzer/fuzz_targets"), entries("seeds"));
    assert_eq!(files.iter().map(|path| name(path)).collect::<BTreeSet<_>>(), listed);
    assert_eq!(seeds.iter().map(|path| name(path)).collect::<BTreeSet<_>>(), listed);
    for dictionary in entries("dictionaries") {
        assert!(listed.contains(name(&dictionary)), "{dictionary:?} is nobody's");
    }
}
