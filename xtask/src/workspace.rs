//! Where things are in this checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Result;

/// The workspace as `cargo metadata` describes it.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    test_targets: Vec<TestTarget>,
}

/// A file of integration tests and the package it belongs to.
struct TestTarget {
    package: String,
    name: String,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(here)
            .output()
            .map_err(|error| format!("cargo metadata did not start: {error}."))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(format!("cargo metadata failed: {}", reason.trim()));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("cargo metadata cannot be read: {error}."))?;
        let path = |key: &str| {
            let text = metadata[key].as_str().ok_or(format!("cargo metadata has no `{key}`."))?;
            Ok::<_, String>(PathBuf::from(text))
        };
        let test_targets = metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(test_targets_of)
            .collect();
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")?, test_targets })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    pub(crate) fn example(&self) -> PathBuf {
        self.root.join("examples/next-app-router")
    }

    pub(crate) fn browser_tests(&self) -> PathBuf {
        self.root.join("e2e")
    }

    /// The tests with clients in other languages.
    pub(crate) fn interop(&self) -> PathBuf {
        self.root.join("interop")
    }

    /// The server as `cargo build` leaves it.
    pub(crate) fn server_binary(&self) -> PathBuf {
        self.target.join("debug/trinco")
    }

    /// Whether a tier of tests exists: integration tests in files named after it.
    pub(crate) fn has_tests_named(&self, prefix: &str) -> bool {
        self.test_targets.iter().any(|target| target.name.starts_with(prefix))
    }

    /// The files of integration tests of one package.
    pub(crate) fn tests_of(&self, package: &str) -> impl Iterator<Item = &str> {
        let of_it = self.test_targets.iter().filter(move |target| target.package == package);
        of_it.map(|target| target.name.as_str())
    }

    /// A cargo command at the root of the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }
}

/// The test targets of one entry of `packages` in the answer of `cargo metadata`.
fn test_targets_of(package: &Value) -> impl Iterator<Item = TestTarget> {
    let targets = package["targets"].as_array().into_iter().flatten();
    targets.filter(|target| target["kind"][0] == "test").filter_map(|target| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(TestTarget { package: text(&package["name"])?, name: text(&target["name"])? })
    })
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set for xtask by the cargo that runs it; a changed value would rebuild what reads it.
    for variable in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME"] {
        command.env_remove(variable);
    }
    command
}
