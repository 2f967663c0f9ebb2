//! Holds `docs/conformance/` against the repository: every test a table names is there, every row says one of three things, and the
//! counts of its README are right.

mod sources;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sources::Sources;
use table::{Evidence, Table};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn folder() -> PathBuf {
    root().join("docs/conformance")
}

/// Every table of the folder, by the name of its file.
fn tables() -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for entry in fs::read_dir(folder()).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a readable file");
        let table = Table::parse(&text).unwrap_or_else(|sentence| panic!("{name}: {sentence}"));
        tables.insert(name, table);
    }
    assert!(tables.len() > 15, "only {} tables found: the reader is blind", tables.len());
    tables
}

#[test]
fn every_test_that_a_table_names_is_there() {
    let mut sources = Sources::new(root());
    let mut missing = Vec::new();
    let mut named = 0;
    for (name, table) in tables() {
        for row in &table.rows {
            for test in row.evidence.tests() {
                named += 1;
                if let Err(reason) = sources.find(test) {
                    missing.push(format!("docs/conformance/{name}:{}: {test}: {reason}", row.line));
                }
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
    assert!(named > 500, "only {named} tests named: the reader is blind");
}

#[test]
fn no_requirement_stands_twice() {
    for (name, table) in tables() {
        let mut seen = BTreeSet::new();
        for row in &table.rows {
            let key = (row.section.clone(), row.requirement.to_lowercase());
            assert!(seen.insert(key), "{name}:{} stands twice: {}", row.line, row.requirement);
        }
    }
}

/// The summary in the README, one line for each file: rows, shown by tests, deviations, not applicable.
#[test]
fn the_readme_counts_every_table_right() {
    let readme = fs::read_to_string(folder().join("README.md")).expect("a README");
    let mut total = [0; 4];
    for (name, table) in tables() {
        let of = |kind: fn(&Evidence) -> bool| {
            table.rows.iter().filter(|row| kind(&row.evidence)).count()
        };
        let counts = [
            table.rows.len(),
            of(|evidence| matches!(evidence, Evidence::Tests(_))),
            of(|evidence| matches!(evidence, Evidence::Deviation { .. })),
            of(|evidence| matches!(evidence, Evidence::NotApplicable { .. })),
        ];
        let [rows, shown, deviations, not_applicable] = counts;
        let line = format!("({name}) | {rows} | {shown} | {deviations} | {not_applicable} |");
        assert!(readme.contains(&line), "the README should say: {line}");
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let [rows, shown, deviations, not_applicable] = total;
    let line = format!("| Together | {rows} | {shown} | {deviations} | {not_applicable} |");
    assert!(readme.contains(&line), "the README should say: {line}");
}
