//! `cargo xtask fuzz`: the fuzz targets, built with instrumentation and run one after the other.
//!
//! Instrumentation is a thing of nightly compilers; `RUSTC_BOOTSTRAP` has the pinned one do it, so that what is fuzzed is what is
//! shipped. What a run finds to be interesting is kept in `target/fuzz/corpus` and used by the next one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::process::Process;
use crate::workspace::Workspace;
use crate::{Result, arguments, tools};

/// The release of cargo-fuzz that is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";
/// Seconds that one input may take: none comes near, unless something is no longer linear.
const PATIENCE: &str = "-timeout=20";
/// Megabytes.
const MEMORY: &str = "-rss_limit_mb=4096";

pub(crate) fn run(options: &arguments::Fuzz) -> Result<ExitCode> {
    let fuzz = Fuzz::locate()?;
    let targets = match &options.target {
        Some(target) if fuzz.targets.contains(target) => vec![target.clone()],
        Some(target) => {
            let known = fuzz.targets.join(", ");
            return Err(format!("there is no target `{target}`; the targets are {known}."));
        }
        None => fuzz.targets.clone(),
    };
    fuzz.build(options.target.as_deref())?;
    let seconds = (options.seconds / targets.len() as u64).max(1);
    println!("{} targets, {seconds} seconds each", targets.len());
    let mut outcomes = Vec::new();
    for target in targets {
        println!("── {target}");
        outcomes.push(fuzz.run(target, seconds)?);
    }
    print!("{}", table(&outcomes));
    let mut is_well = true;
    for outcome in &outcomes {
        if let Some(what) = &outcome.failure {
            is_well = false;
            println!("\n{}: {what}", outcome.target);
        }
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Fuzz {
    /// `fuzz/`
    sources: PathBuf,
    /// `fuzz/libfuzzer/`
    binaries: PathBuf,
    /// `target/fuzz/`
    output: PathBuf,
    /// What the compiler compiles for.
    host: String,
    targets: Vec<String>,
}

/// What became of a target.
struct Outcome {
    target: String,
    executions: u64,
    per_second: u64,
    /// Edges.
    coverage: u64,
    /// What went wrong, and where the input is.
    failure: Option<String>,
}

impl Fuzz {
    fn locate() -> Result<Self> {
        let workspace = Workspace::locate()?;
        let sources = workspace.root().join("fuzz");
        let binaries = sources.join("libfuzzer");
        let files = fs::read_dir(binaries.join("fuzz_targets"))
            .map_err(|error| format!("the fuzz targets cannot be listed: {error}."))?;
        let mut targets: Vec<String> = files
            .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()))
            .collect();
        targets.sort();
        let host = rustc(&workspace, &["-vV"])?;
        let host = host.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or("rustc does not say what it compiles for.")?.to_owned();
        Ok(Self { sources, binaries, output: workspace.target().join("fuzz"), host, targets })
    }

    fn build(&self, target: Option<&str>) -> Result<()> {
        if !tools::has_cargo_command("fuzz") {
            let mut install = cargo();
            install.args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ]);
            succeed("cargo install", install)?;
        }
        let mut build = cargo();
        build
            .args(["fuzz", "build", "--fuzz-dir", ".", "--sanitizer", self.sanitizer()?])
            // The code that is fuzzed is the code that is shipped.
            .arg("--no-cfg-fuzzing")
            .arg("--target-dir")
            .arg(&self.output)
            .args(target)
            .current_dir(&self.binaries)
            .env("RUSTC_BOOTSTRAP", "1");
        succeed("cargo fuzz", build)
    }

    /// AddressSanitizer where the toolchain brings it; without, a crash is still a crash.
    fn sanitizer(&self) -> Result<&'static str> {
        let workspace = Workspace::locate()?;
        let root = rustc(&workspace, &["--print", "sysroot"])?;
        let folder = Path::new(root.trim()).join("lib/rustlib").join(&self.host).join("lib");
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        Ok(if names.any(|name| name.contains("rt.asan")) { "address" } else { "none" })
    }

    fn run(&self, target: String, seconds: u64) -> Result<Outcome> {
        let folder = |kind: &str| -> Result<PathBuf> {
            let folder = self.output.join(kind).join(&target);
            fs::create_dir_all(&folder)
                .map_err(|error| format!("{} cannot be created: {error}.", folder.display()))?;
            Ok(folder)
        };
        let (corpus, artifacts) = (folder("corpus")?, folder("artifacts")?);
        let log = folder("logs")?.join("run.log");
        let mut command = Command::new(self.output.join(&self.host).join("release").join(&target));
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([PATIENCE, MEMORY, "-detect_leaks=0", "-print_final_stats=1"])
            .env("ASAN_OPTIONS", "detect_odr_violation=0:detect_leaks=0");
        let dictionary = self.sources.join("dictionaries").join(format!("{target}.dict"));
        if dictionary.exists() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        command.arg(corpus).arg(self.sources.join("seeds").join(&target));
        let status = Process::start("a fuzz target", command, Some(&log))?.wait()?;
        let text = fs::read(&log).map_err(|error| format!("the log was lost: {error}."))?;
        Ok(Outcome::read(target, status.success(), &String::from_utf8_lossy(&text), &log))
    }
}

impl Outcome {
    /// Reads what libFuzzer has written.
    fn read(target: String, is_well: bool, text: &str, log: &Path) -> Self {
        let statistic = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
            values.next_back().and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        let coverage = text.lines().filter_map(coverage_of).next_back().unwrap_or(0);
        let mut inputs = text.lines().filter_map(|line| line.split("written to ").nth(1));
        let executions = statistic("stat::number_of_executed_units:");
        let failure = match inputs.next() {
            Some(input) => Some(format!("failed on {input}; see {}", log.display())),
            None if !is_well => Some(format!("ended early; see {}", log.display())),
            // Whatever ended it so, it is no proof of anything.
            None if executions == 0 => Some(format!("ran nothing; see {}", log.display())),
            None => None,
        };
        let per_second = statistic("stat::average_exec_per_sec:");
        Self { target, executions, per_second, coverage, failure }
    }
}

/// The edges that were reached, as a line of progress says: `#12  NEW  cov: 34 ft: 56 …`.
fn coverage_of(line: &str) -> Option<u64> {
    let (_, after) = line.strip_prefix('#')?.split_once(" cov: ")?;
    after.split(' ').next()?.parse().ok()
}

fn table(outcomes: &[Outcome]) -> String {
    let row = |name: &str, executions: String, speed: String, coverage: String, crashes: usize| {
        format!("{name:<24}{executions:>14}{speed:>10}{coverage:>10}{crashes:>9}\n")
    };
    let mut text = format!(
        "\n{:<24}{:>14}{:>10}{:>10}{:>9}\n",
        "target", "executions", "per s", "coverage", "crashes"
    );
    for outcome in outcomes {
        let Outcome { target, executions, per_second, coverage, failure } = outcome;
        let crashes = usize::from(failure.is_some());
        let [executions, per_second, coverage] =
            [executions, per_second, coverage].map(u64::to_string);
        text += &row(target, executions, per_second, coverage, crashes);
    }
    let executions: u64 = outcomes.iter().map(|outcome| outcome.executions).sum();
    let crashes = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    text += &row("total", executions.to_string(), String::new(), String::new(), crashes);
    text
}

fn rustc(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc").args(arguments).current_dir(workspace.root()).output();
    let output = output.map_err(|error| format!("rustc did not start: {error}."))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Not the cargo that runs xtask: cargo-fuzz starts its own.
fn cargo() -> Command {
    Command::new("cargo")
}

fn succeed(name: &'static str, command: Command) -> Result<()> {
    let status = Process::start(name, command, None)?.wait()?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status}).")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(is_well: bool, text: &str) -> Outcome {
        Outcome::read("jwt".to_owned(), is_well, text, Path::new("run.log"))
    }

    #[test]
    fn what_libfuzzer_prints_is_counted() {
        let text = "#2\tINITED cov: 5 ft: 6\n#900\tDONE   cov: 12 ft: 34 corp: 5/6b\n\
                    stat::number_of_executed_units: 900\nstat::average_exec_per_sec:     450\n";
        let outcome = read(true, text);
        assert_eq!((outcome.executions, outcome.per_second, outcome.coverage), (900, 450, 12));
        assert!(outcome.failure.is_none());
        let table = table(&[outcome]);
        let rows: Vec<Vec<&str>> =
            table.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[2..], [vec!["jwt", "900", "450", "12", "0"], vec!["total", "900", "0"]]);
    }

    #[test]
    fn a_crash_an_early_end_and_no_run_at_all_are_failures() {
        let crash = "#9\tNEW    cov: 5\nartifact_prefix='a/'; Test unit written to a/crash-1\n";
        assert!(read(false, crash).failure.is_some_and(|what| what.contains("a/crash-1")));
        assert!(read(false, "").failure.is_some_and(|what| what.contains("ended early")));
        assert!(read(true, "").failure.is_some_and(|what| what.contains("ran nothing")));
    }
}
