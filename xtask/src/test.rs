//! `cargo xtask test`: everything the repository promises, checked.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::interop::{self, Clients};
use crate::postgres::Postgres;
use crate::process::TemporaryFolder;
use crate::redis::Redis;
use crate::steps::{Steps, run as run_command};
use crate::tally::{self, Tally};
use crate::tools::{self, SystemTools};
use crate::workspace::Workspace;
use crate::{Result, arguments};

/// How often a fault test kills the server.
const ROUNDS: &str = "TRINCO_FAULT_ROUNDS";
const ROUNDS_OF_EVERY_RUN: &str = "10";
const ROUNDS_OF_THE_TIER: &str = "200";
const FAULTS: &str = "faults";
const INTEROP: &str = "interop";

/// The package whose tests stand at the HTTP door.
const DOORS: &str = "trinco-http";

pub(crate) fn run(options: &arguments::Test) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    let logs = workspace.target().join("test-logs");
    fs::create_dir_all(&logs)
        .map_err(|error| format!("{} cannot be created: {error}.", logs.display()))?;
    for tier in &options.tiers {
        if *tier != FAULTS && !workspace.has_tests_named(tier) {
            return Err(format!("there are no {tier} tests: no file tests/{tier}*.rs exists."));
        }
    }
    // Without these nothing below means anything: the only step whose failure ends the run.
    let system = SystemTools::prepare(&workspace)?;
    let wants_clients = options.tiers.contains(&INTEROP);
    let clients = wants_clients.then(|| Clients::prepare(&workspace)).transpose()?;

    let mut steps = Steps::begin();
    steps.step("format", |tally| cargo(&workspace, tally, &["fmt", "--all", "--check"]));
    steps.step("clippy", |tally| {
        let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        cargo(&workspace, tally, &lints)
    });
    let built = steps.step("build", |tally| {
        cargo(&workspace, tally, &["build", "--workspace", "--all-targets"])
    });
    if built.is_some() {
        steps.step("rust tests", |tally| rust_tests(&workspace, &system, &logs, tally));
        steps.step("doors on postgresql", |tally| {
            doors_on_postgres(&workspace, &system, &logs, tally)
        });
        for tier in &options.tiers {
            steps.step(tier, |tally| tier_tests(&workspace, &system, &logs, tier, tally));
        }
        if let Some(clients) = &clients {
            steps.step(interop::JAVASCRIPT, |tally| {
                clients.javascript(&workspace, &system, &logs, tally)
            });
            steps.step(interop::PYTHON, |tally| clients.python(&workspace, &logs, tally));
        }
    }
    steps.step("example", |tally| example_checks(&workspace, &logs, tally));
    if built.is_some() {
        steps.step("browser tests", |tally| browser_tests(&workspace, &system, &logs, tally));
        steps.step("tutorial on postgresql", |tally| {
            tutorial_on_postgres(&workspace, &system, &logs, tally)
        });
    }
    Ok(if steps.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cargo(workspace: &Workspace, tally: &mut Tally, arguments: &[&str]) -> Result<()> {
    run_command("cargo", workspace.cargo(arguments), tally::nothing, tally)
}

fn rust_tests(
    workspace: &Workspace,
    system: &SystemTools,
    logs: &Path,
    tally: &mut Tally,
) -> Result<()> {
    let postgres = Postgres::start(&system.postgres, logs)?;
    let with_postgres = |arguments: &[&str]| with_postgres(workspace, arguments, &postgres);
    if tools::has_cargo_command("nextest") {
        let tests = ["nextest", "run", "--workspace", "--no-fail-fast", "--color=never"];
        // nextest reports on its standard error.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 2>&1"]).arg(env_cargo()).args(tests);
        command.current_dir(workspace.root());
        command.env("TRINCO_TEST_POSTGRES", &postgres.url).env(ROUNDS, ROUNDS_OF_EVERY_RUN);
        let tests = run_command("cargo nextest", command, tally::nextest, tally);
        let docs = with_postgres(&["test", "--workspace", "--doc", "--no-fail-fast"]);
        let docs = run_command("cargo test --doc", docs, tally::cargo_test, tally);
        return tests.and(docs);
    }
    let tests = with_postgres(&["test", "--workspace", "--no-fail-fast", "--color=never"]);
    run_command("cargo test", tests, tally::cargo_test, tally)
}

/// The tests at the HTTP door once more, each server on a PostgreSQL schema of its own.
fn doors_on_postgres(
    workspace: &Workspace,
    system: &SystemTools,
    logs: &Path,
    tally: &mut Tally,
) -> Result<()> {
    let postgres = Postgres::start(&system.postgres, logs)?;
    // The whole workspace is named, so that nothing is compiled anew for another choice of features.
    let mut tests = vec!["test", "--workspace", "--no-fail-fast", "--color=never"];
    for file in workspace.tests_of(DOORS) {
        tests.extend(["--test", file]);
    }
    let mut command = with_postgres(workspace, &tests, &postgres);
    command.env("TRINCO_TEST_ENGINE", "postgres");
    run_command("cargo test", command, tally::cargo_test, tally)
}

/// `faults` is every fault test with many more rounds; any other tier is the files named after it, ignored tests included.
fn tier_tests(
    workspace: &Workspace,
    system: &SystemTools,
    logs: &Path,
    tier: &str,
    tally: &mut Tally,
) -> Result<()> {
    let postgres = Postgres::start(&system.postgres, logs)?;
    let files = format!("{tier}*");
    let mut tests = vec!["test", "--no-fail-fast", "--color=never"];
    if tier == FAULTS {
        // What they count is part of what they say.
        tests.extend(["--package", "trinco-server", "--test", "it", "--", FAULTS, "--nocapture"]);
    } else {
        tests.extend(["--workspace", "--test", &files, "--", "--include-ignored"]);
    }
    let mut command = with_postgres(workspace, &tests, &postgres);
    command.env(ROUNDS, ROUNDS_OF_THE_TIER);
    run_command("cargo test", command, tally::cargo_test, tally)
}

fn with_postgres(workspace: &Workspace, arguments: &[&str], postgres: &Postgres) -> Command {
    let mut command = workspace.cargo(arguments);
    command.env("TRINCO_TEST_POSTGRES", &postgres.url).env(ROUNDS, ROUNDS_OF_EVERY_RUN);
    command
}

fn example_checks(workspace: &Workspace, logs: &Path, tally: &mut Tally) -> Result<()> {
    let example = workspace.example();
    tools::install_npm_packages(&example, &logs.join("example-npm.log"))?;
    let mut first_failure = Ok(());
    for script in ["typecheck", "test", "check-guide"] {
        let mut command = tools::npm(&example);
        command.args(["run", "--silent", script]);
        let result = run_command(script, command, tally::node_test, tally);
        first_failure = first_failure.and(result);
    }
    first_failure
}

fn browser_tests(
    workspace: &Workspace,
    system: &SystemTools,
    logs: &Path,
    tally: &mut Tally,
) -> Result<()> {
    let folder = workspace.browser_tests();
    tools::install_npm_packages(&folder, &logs.join("e2e-npm.log"))?;
    tools::install_npm_packages(&workspace.example(), &logs.join("example-npm.log"))?;
    let mut types = tools::npm(&folder);
    types.args(["run", "--silent", "typecheck"]);
    run_command("typecheck", types, tally::nothing, tally)?;
    let redis = Redis::start(&system.redis, logs)?;
    // Browser profiles and server data go where a signal cannot make us forget them.
    let temporary = TemporaryFolder::create("e2e")?;
    let command = playwright(workspace, system, temporary.path(), &redis);
    run_command("playwright", command, tally::playwright, tally)
}

/// What the tutorial promises, once more with a server on PostgreSQL.
fn tutorial_on_postgres(
    workspace: &Workspace,
    system: &SystemTools,
    logs: &Path,
    tally: &mut Tally,
) -> Result<()> {
    let redis = Redis::start(&system.redis, logs)?;
    let postgres = Postgres::start(&system.postgres, logs)?;
    let temporary = TemporaryFolder::create("e2e")?;
    let mut command = playwright(workspace, system, temporary.path(), &redis);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(system.postgres.clone()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders)
        .map_err(|error| format!("the PATH cannot be extended: {error}."))?;
    command.args(["--", "sign-in", "tokens"]).env("POSTGRES_URL", &postgres.url).env("PATH", path);
    run_command("playwright", command, tally::playwright, tally)
}

fn playwright(
    workspace: &Workspace,
    system: &SystemTools,
    temporary: &Path,
    redis: &Redis,
) -> Command {
    let mut command = tools::npm(&workspace.browser_tests());
    command
        .args(["test", "--silent"])
        .env("TMPDIR", temporary)
        .env("TRINCO_BIN", workspace.server_binary())
        .env("CHROMIUM", &system.chromium)
        .env("REDIS_URL", &redis.url)
        .env("NO_COLOR", "1");
    command
}

fn env_cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
