//! How many tests passed and failed, read from what the test runners print.

use std::ops::AddAssign;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Reads one line of a runner's output and adds what it reports.
pub(crate) type Reader = fn(&str, &mut Tally);

/// `test result: ok. 12 passed; 0 failed; 1 ignored; …`, once for each test binary.
pub(crate) fn cargo_test(line: &str, tally: &mut Tally) {
    if let Some(result) = line.trim().strip_prefix("test result: ") {
        tally.passed += number_before(result, " passed");
        tally.failed += number_before(result, " failed");
        tally.skipped += number_before(result, " ignored");
    }
}

/// `Summary [ 1.2s] 12 tests run: 11 passed, 1 failed, 3 skipped`.
pub(crate) fn nextest(line: &str, tally: &mut Tally) {
    if line.trim().starts_with("Summary [")
        && let Some((_, result)) = line.split_once(" run: ")
    {
        tally.passed += number_before(result, " passed");
        tally.failed += number_before(result, " failed") + number_before(result, " timed out");
        tally.skipped += number_before(result, " skipped");
    }
}

/// The closing lines of `node --test`: `# pass 12` or `ℹ pass 12`.
pub(crate) fn node_test(line: &str, tally: &mut Tally) {
    let line = line.trim();
    let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else { return };
    let Some((word, number)) = rest.split_once(' ') else { return };
    let Ok(number) = number.parse::<u64>() else { return };
    match word {
        "pass" => tally.passed += number,
        "fail" | "cancelled" => tally.failed += number,
        "skipped" | "todo" => tally.skipped += number,
        _ => {}
    }
}

/// The closing lines of Playwright's list reporter: `  21 passed (1.2m)`. A flaky test has failed.
pub(crate) fn playwright(line: &str, tally: &mut Tally) {
    let mut words = line.split_whitespace();
    let (Some(number), Some(word)) = (words.next(), words.next()) else { return };
    let Ok(number) = number.parse::<u64>() else { return };
    let alone = words.next().is_none_or(|word| word.starts_with('('));
    match word {
        "passed" if alone => tally.passed += number,
        "failed" | "flaky" | "interrupted" if alone => tally.failed += number,
        "skipped" if alone => tally.skipped += number,
        // "3 did not run": a run that was cut short has not passed.
        "did" if line.trim().ends_with("did not run") => tally.failed += number,
        _ => {}
    }
}

/// pytest's last line: `1 failed, 16 passed, 6 warnings in 2.1s`. An error is a test that did not get to run.
pub(crate) fn pytest(line: &str, tally: &mut Tally) {
    let line = line.trim_matches(['=', ' ']);
    let Some((result, time)) = line.rsplit_once(" in ") else { return };
    let counts = result.split(", ").all(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    if counts && time.starts_with(|c: char| c.is_ascii_digit()) {
        tally.passed += number_before(result, " passed");
        tally.failed += number_before(result, " failed") + number_before(result, " error");
        tally.skipped += number_before(result, " skipped");
    }
}

pub(crate) fn nothing(_: &str, _: &mut Tally) {}

fn number_before(text: &str, word: &str) -> u64 {
    let Some(end) = text.find(word) else { return 0 };
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: Reader, output: &str) -> (u64, u64, u64) {
        let mut tally = Tally::default();
        for line in output.lines() {
            reader(line, &mut tally);
        }
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn cargo_results_are_summed_over_the_test_binaries() {
        let output = "running 12 tests\ntest a ... ok\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(read(cargo_test, output), (15, 2, 1));
    }

    #[test]
    fn nextest_summaries_are_read() {
        let output = "PASS [ 0.1s] x y\n\
            Summary [   1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 3 skipped";
        assert_eq!(read(nextest, output), (11, 1, 3));
    }

    #[test]
    fn node_results_are_read_in_both_reporters() {
        assert_eq!(read(node_test, "# tests 9\n# pass 7\n# fail 1\n# skipped 1"), (7, 1, 1));
        assert_eq!(read(node_test, "ℹ tests 3\nℹ pass 2\nℹ cancelled 1"), (2, 1, 0));
    }

    #[test]
    fn pytest_results_are_read_with_and_without_decoration() {
        assert_eq!(read(pytest, "..F [100%]\n17 passed, 6 warnings in 2.09s"), (17, 0, 0));
        let all = "=== 2 failed, 3 passed, 1 skipped, 1 warning, 4 errors in 61.02s (0:01:01) ===";
        assert_eq!(read(pytest, all), (3, 6, 1));
        assert_eq!(read(pytest, "E   assert 1 failed, in 3 places"), (0, 0, 0));
    }

    #[test]
    fn what_playwright_did_not_run_or_ran_twice_counts_as_failed() {
        let output = "  ok 1 x passed everything\n  2 failed\n    a\n  1 flaky\n  3 did not run\n  \
            4 skipped\n  18 passed (1.1m)";
        assert_eq!(read(playwright, output), (18, 6, 4));
    }
}
