//! A table of requirements, as Markdown.

/// The headers a table may have: that of a specification, and that of a test plan.
const HEADERS: [&str; 2] = [
    "| Section | Requirement | Level | Shown by |",
    "| Plan | Module and behaviour | Level | Shown by |",
];
const LEVELS: [&str; 2] = ["MUST", "MUST NOT"];

/// The rows of one file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

/// A requirement and what is said of it.
#[derive(Debug)]
pub(crate) struct Row {
    /// In its file, from 1.
    pub(crate) line: usize,
    pub(crate) section: String,
    pub(crate) requirement: String,
    pub(crate) evidence: Evidence,
}

/// What is said of a requirement. Deviations may name the tests that show what happens instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    Tests(Vec<String>),
    Deviation { tests: Vec<String> },
    NotApplicable { tests: Vec<String> },
}

impl Evidence {
    pub(crate) fn tests(&self) -> &[String] {
        match self {
            Self::Tests(tests) | Self::Deviation { tests } | Self::NotApplicable { tests } => tests,
        }
    }

    fn parse(cell: &str) -> Result<Self, String> {
        let tests = quoted(cell)?;
        for (beginning, is_deviation) in
            [("deliberate deviation: ", true), ("not applicable: ", false)]
        {
            let Some(why) = cell.strip_prefix(beginning) else { continue };
            if why.trim().len() < 10 {
                return Err(format!("no reason is given: {cell}"));
            }
            let tests: Vec<String> = tests.into_iter().filter(|text| is_test(text)).collect();
            return Ok(if is_deviation {
                Self::Deviation { tests }
            } else {
                Self::NotApplicable { tests }
            });
        }
        if tests.is_empty() {
            return Err(format!("neither tests nor a reason: {cell}"));
        }
        if let Some(other) = tests.iter().find(|text| !is_test(text)) {
            return Err(format!("no test: {other}"));
        }
        let written: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
        if written.join(", ") != cell {
            return Err(format!("tests are a list and nothing else: {cell}"));
        }
        Ok(Self::Tests(tests))
    }
}

impl Table {
    /// Reads the one table of a file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        if !text.starts_with("# ") {
            return Err("it begins without a title".to_owned());
        }
        lines
            .find(|(_, line)| HEADERS.contains(line))
            .ok_or_else(|| "it has no table with the right header".to_owned())?;
        if lines.next().map(|(_, line)| line) != Some("|---|---|---|---|") {
            return Err("the header is not followed by its rule".to_owned());
        }
        let rows: Vec<Row> = lines
            .by_ref()
            .take_while(|(_, line)| line.starts_with('|'))
            .map(|(line, text)| Row::parse(line, text))
            .collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Err("its table is empty".to_owned());
        }
        match lines.find(|(_, line)| line.starts_with('|')) {
            Some((line, _)) => Err(format!("line {line} belongs to a second table")),
            None => Ok(Self { rows }),
        }
    }
}

impl Row {
    fn parse(line: usize, text: &str) -> Result<Self, String> {
        let fail = |sentence: &str| format!("line {line}: {sentence}: {text}");
        let inner = text
            .strip_prefix("| ")
            .and_then(|text| text.strip_suffix(" |"))
            .ok_or_else(|| fail("not a row"))?;
        let cells: Vec<&str> = inner.split(" | ").map(str::trim).collect();
        let [section, requirement, level, evidence] = cells[..] else {
            return Err(fail("a row has four cells"));
        };
        if section.is_empty() || requirement.len() < 10 {
            return Err(fail("section or requirement is missing"));
        }
        if !LEVELS.contains(&level) {
            return Err(fail("the level is MUST or MUST NOT"));
        }
        Ok(Self {
            line,
            section: section.to_owned(),
            requirement: requirement.to_owned(),
            evidence: Evidence::parse(evidence).map_err(|sentence| fail(&sentence))?,
        })
    }
}

/// Whether a text in code quotes is the name of a test.
fn is_test(text: &str) -> bool {
    text.contains(".rs::") || text.contains(".spec.ts: ")
}

fn quoted(cell: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = cell.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return Err(format!("a quote is not closed: {cell}"));
    }
    Ok(parts.into_iter().skip(1).step_by(2).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(row: &str) -> Result<Table, String> {
        Table::parse(&format!("# X\n\n{}\n|---|---|---|---|\n{row}\n", HEADERS[0]))
    }

    fn with_evidence(cell: &str) -> Result<Evidence, String> {
        with(&format!("| §1 | a long requirement | MUST | {cell} |"))
            .map(|mut table| table.rows.remove(0).evidence)
    }

    #[test]
    fn each_of_the_three_forms_is_read() {
        assert_eq!(
            with_evidence("`a/b.rs::c`, `e2e/x.spec.ts: a title`"),
            Ok(Evidence::Tests(vec!["a/b.rs::c".to_owned(), "e2e/x.spec.ts: a title".to_owned()]))
        );
        assert_eq!(
            with_evidence("deliberate deviation: `x` is what clients know (`a/b.rs::c`)"),
            Ok(Evidence::Deviation { tests: vec!["a/b.rs::c".to_owned()] })
        );
        assert_eq!(
            with_evidence("not applicable: there is no implicit flow"),
            Ok(Evidence::NotApplicable { tests: vec![] })
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for cell in [
            "",
            "yes",
            "tested",
            "`a/b.rs`",
            "`a/b.rs::c` and more",
            "`a/b.rs::c`,`a/b.rs::d`",
            "`a/b.rs::c",
            "deliberate deviation: no",
            "not applicable:",
            "pending: soon there will be one",
        ] {
            assert!(with_evidence(cell).is_err(), "{cell}");
        }
        for row in [
            "| §1 | a long requirement | SHOULD | `a/b.rs::c` |",
            "| §1 | a long requirement | `a/b.rs::c` |",
            "|  | a long requirement | MUST | `a/b.rs::c` |",
            "| §1 | short | MUST | `a/b.rs::c` |",
            "| §1 | a long requirement | MUST | `a/b.rs::c` | x |",
        ] {
            assert!(with(row).is_err(), "{row}");
        }
        let good = "| §1 | a long requirement | MUST | `a/b.rs::c` |";
        assert!(with(good).is_ok());
        assert!(with(&format!("{good}\n\n{good}")).is_err(), "a row outside its table");
        assert!(Table::parse("# X\n\nnothing\n").is_err());
        assert!(with("").is_err(), "an empty table");
    }
}
