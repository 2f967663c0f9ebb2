//! The steps of a long task: named, timed, counted.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::process::Process;
use crate::tally::{Reader, Tally};

/// What has happened so far.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<(&'static str, Duration, bool)>,
    tally: Tally,
}

impl Steps {
    pub(crate) fn begin() -> Self {
        Self { started: now(), done: Vec::new(), tally: Tally::default() }
    }

    /// Does one step; a failure is shown and remembered, and the steps after it still run.
    pub(crate) fn step<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut Tally) -> Result<T>,
    ) -> Option<T> {
        println!("\n── {name}");
        let (started, before) = (now(), self.tally);
        let result = work(&mut self.tally);
        crate::process::leave_to_the_signal_handler_if_stopping();
        let took = started.elapsed();
        let result = result.and_then(|value| {
            let failed = self.tally.failed - before.failed;
            if failed > 0 { Err(format!("{failed} failed.")) } else { Ok(value) }
        });
        self.done.push((name, took, result.is_ok()));
        match result {
            Ok(value) => {
                println!("── {name}: done in {}", seconds(took));
                Some(value)
            }
            Err(sentence) => {
                println!("── {name}: FAILED in {}: {sentence}", seconds(took));
                None
            }
        }
    }

    /// Prints what happened, the totals last; whether everything went well.
    pub(crate) fn finish(self) -> bool {
        println!();
        for (name, took, passed) in &self.done {
            println!("{} {:>7}  {name}", if *passed { "ok    " } else { "FAILED" }, seconds(*took));
        }
        println!("total  {:>7}\n", seconds(self.started.elapsed()));
        let Tally { passed, failed, skipped } = self.tally;
        // No test at all is not success either.
        let well = self.done.iter().all(|(_, _, passed)| *passed) && failed == 0 && passed > 0;
        let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        println!("{passed} passed, {failed} failed{skipped}");
        well
    }
}

/// Runs `command`, shows what it prints and lets `reader` count; an error when it fails.
pub(crate) fn run(
    name: &'static str,
    mut command: Command,
    reader: Reader,
    tally: &mut Tally,
) -> Result<()> {
    command.stdout(Stdio::piped());
    let mut process = Process::start(name, command, None)?;
    if let Some(stdout) = process.take_stdout() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.map_err(|error| format!("{name}'s output was lost: {error}."))?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            reader(&line, tally);
        }
    }
    let status = process.wait()?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status}).")) }
}

#[expect(clippy::disallowed_methods, reason = "xtask times its own work; no library is involved")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
