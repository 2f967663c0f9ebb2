//! What was asked for on the command line.

use std::path::PathBuf;

use crate::Result;

pub(crate) const USAGE: &str = "\
Usage: cargo xtask <task>

  demo  Build and run the server with the Next.js example, ready to sign in.
        --port N        the server's port (3001; 0 picks a free one)
        --app-port N    the example's port (3000; 0 picks a free one)
        --data DIR      where the demo keeps its data (target/demo)

  test  Format, lints, Rust tests, the example's checks, browser tests.
        --interop       also clients nobody here wrote, in Rust, JavaScript and Python, and Apache
        --faults        also the fault tests: kills, full disks, lost connections
        --soak          also the tests that run for a long time

  fuzz  Fuzz the parsers that see the network: every target, or the one that is named.
        --seconds N     how long in all, shared out evenly (600)

  scale Measure the release build with many users, on SQLite and PostgreSQL.
        --users N       how many (10000)
        --users-only    without sessions, grants and organizations
        --seconds N     how long each endpoint is asked, on one connection and on 32 (10)";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Demo(Demo),
    Test(Test),
    Fuzz(Fuzz),
    Scale(Scale),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Demo {
    /// The server's port; 0 picks a free one.
    pub(crate) port: u16,
    /// The example's port; 0 picks a free one.
    pub(crate) app_port: u16,
    /// Where the demo keeps its data; `target/demo` unless given.
    pub(crate) data: Option<PathBuf>,
}

impl Default for Demo {
    fn default() -> Self {
        Self { port: 3001, app_port: 3000, data: None }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Test {
    /// The tiers asked for beyond the fast one, by name.
    pub(crate) tiers: Vec<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fuzz {
    /// The one target; all of them unless given.
    pub(crate) target: Option<String>,
    /// For all targets together.
    pub(crate) seconds: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) users: u64,
    /// No sessions, no grants, no organizations.
    pub(crate) users_only: bool,
    /// For each endpoint, on one connection and again on many.
    pub(crate) seconds: u64,
}

pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Task> {
    let mut arguments = arguments.peekable();
    match arguments.next().as_deref() {
        Some("demo") => demo(arguments),
        Some("test") => test(arguments),
        Some("fuzz") => fuzz(arguments),
        Some("scale") => scale(arguments),
        None | Some("help" | "-h" | "--help") => Ok(Task::Help),
        Some(other) => Err(format!("there is no task `{other}`.\n\n{USAGE}")),
    }
}

fn demo(mut arguments: impl Iterator<Item = String>) -> Result<Task> {
    let mut demo = Demo::default();
    while let Some(argument) = arguments.next() {
        let (flag, inline) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let mut value = || {
            inline.clone().or_else(|| arguments.next()).ok_or(format!("`{flag}` needs a value."))
        };
        match flag {
            "--port" => demo.port = port(flag, &value()?)?,
            "--app-port" => demo.app_port = port(flag, &value()?)?,
            "--data" => demo.data = Some(value()?.into()),
            "-h" | "--help" => return Ok(Task::Help),
            _ => return Err(format!("`demo` has no option `{flag}`.\n\n{USAGE}")),
        }
    }
    if demo.port != 0 && demo.port == demo.app_port {
        return Err(format!("`--port` and `--app-port` are both {}.", demo.port));
    }
    Ok(Task::Demo(demo))
}

fn test(arguments: impl Iterator<Item = String>) -> Result<Task> {
    let mut test = Test::default();
    for argument in arguments {
        match argument.as_str() {
            "--interop" => test.tiers.push("interop"),
            "--faults" => test.tiers.push("faults"),
            "--soak" => test.tiers.push("soak"),
            "-h" | "--help" => return Ok(Task::Help),
            _ => return Err(format!("`test` has no option `{argument}`.\n\n{USAGE}")),
        }
    }
    Ok(Task::Test(test))
}

fn fuzz(mut arguments: impl Iterator<Item = String>) -> Result<Task> {
    let mut fuzz = Fuzz { target: None, seconds: 600 };
    while let Some(argument) = arguments.next() {
        let (flag, inline) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        match flag {
            "--seconds" => {
                fuzz.seconds = count(flag, inline.or_else(|| arguments.next()), 1)?;
            }
            "-h" | "--help" => return Ok(Task::Help),
            _ if !flag.starts_with('-') && fuzz.target.is_none() => fuzz.target = Some(argument),
            _ => return Err(format!("`fuzz` has no option `{argument}`.\n\n{USAGE}")),
        }
    }
    Ok(Task::Fuzz(fuzz))
}

fn scale(mut arguments: impl Iterator<Item = String>) -> Result<Task> {
    let mut scale = Scale { users: 10_000, users_only: false, seconds: 10 };
    while let Some(argument) = arguments.next() {
        let (flag, inline) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let value =
            |arguments: &mut dyn Iterator<Item = String>| inline.or_else(|| arguments.next());
        match flag {
            "--users" => scale.users = count(flag, value(&mut arguments), 1_000)?,
            "--seconds" => scale.seconds = count(flag, value(&mut arguments), 1)?,
            "--users-only" => scale.users_only = true,
            "-h" | "--help" => return Ok(Task::Help),
            _ => return Err(format!("`scale` has no option `{argument}`.\n\n{USAGE}")),
        }
    }
    Ok(Task::Scale(scale))
}

/// A number of at least `least`.
fn count(flag: &str, value: Option<String>, least: u64) -> Result<u64> {
    let value = value.ok_or(format!("`{flag}` needs a value."))?;
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or(format!("`{flag}` is a number of at least {least}, not `{value}`."))
}

fn port(flag: &str, text: &str) -> Result<u16> {
    text.parse().map_err(|_| format!("`{flag}` is a port from 0 to 65535, not `{text}`."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_demo_runs_on_the_ports_of_the_guide_unless_told_otherwise() {
        let expected = Demo { port: 3001, app_port: 3000, data: None };
        assert_eq!(parsed("demo"), Ok(Task::Demo(expected)));
    }

    #[test]
    fn an_option_takes_its_value_after_a_space_or_an_equals_sign() {
        let expected = Demo { port: 0, app_port: 4000, data: Some("there".into()) };
        assert_eq!(parsed("demo --port 0 --app-port=4000 --data there"), Ok(Task::Demo(expected)));
    }

    #[test]
    fn a_wrong_option_is_named() {
        for (line, named) in [
            ("demo --prot 1", "--prot"),
            ("demo --port", "--port"),
            ("demo --port 65536", "65536"),
            ("demo --port 3000", "3000"),
            ("test --fast", "--fast"),
            ("fuzz --seconds", "--seconds"),
            ("fuzz --seconds 0", "0"),
            ("fuzz jwt params", "params"),
            ("scale --users 10", "1000"),
            ("scale 10000", "10000"),
            ("deploy", "deploy"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(named), "{line}: {error}");
        }
    }

    #[test]
    fn tiers_are_added_to_the_fast_one() {
        assert_eq!(parsed("test"), Ok(Task::Test(Test::default())));
        let both = Test { tiers: vec!["interop", "soak"] };
        assert_eq!(parsed("test --interop --soak"), Ok(Task::Test(both)));
    }

    #[test]
    fn a_scale_is_a_number_of_users() {
        let expected = Scale { users: 1_000_000, users_only: true, seconds: 10 };
        assert_eq!(parsed("scale --users-only --users=1000000"), Ok(Task::Scale(expected)));
    }

    #[test]
    fn every_target_is_fuzzed_unless_one_is_named() {
        let all = Fuzz { target: None, seconds: 600 };
        assert_eq!(parsed("fuzz"), Ok(Task::Fuzz(all)));
        let one = Fuzz { target: Some("jwt".to_owned()), seconds: 5 };
        assert_eq!(parsed("fuzz jwt --seconds=5"), Ok(Task::Fuzz(one)));
    }
}
