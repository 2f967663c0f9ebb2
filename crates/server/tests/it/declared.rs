//! A tenant as a file: written by `trinco export`, applied by `trinco apply`.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::postgres::Schema;
use crate::running::{Place, json};

const FILE: &str = "version: 1\nroles:\n  - name: clerk\n    description: Sells\n";

fn wanted(place: &Place, text: &str) {
    fs::write(place.path().join("tenant.yaml"), text).unwrap();
}

/// Asks what would change: the exit code and what is printed.
fn dry_run(place: &Place, more: &[&str]) -> (i32, String) {
    let output = place.run(&[&["apply", "-f", "tenant.yaml", "--dry-run"], more].concat());
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Export, dry run, apply, prune: whichever process owns the data.
fn goes_through(place: &Place) {
    let before = place.done(&["export"]);
    assert!(before.contains("version: 1\n") && !before.contains("clerk"), "{before}");
    wanted(place, FILE);
    let (code, shown) = dry_run(place, &[]);
    assert_eq!(code, 2, "{shown}");
    assert!(shown.starts_with("+ role clerk\n    description: \"Sells\"\n"), "{shown}");
    assert!(
        shown.contains("1 would be created") && shown.contains("left alone: 1 role(s)"),
        "{shown}"
    );
    assert_eq!(place.done(&["export"]), before, "a dry run changes nothing");

    let shown = place.done(&["apply", "-f", "tenant.yaml"]);
    assert!(shown.contains("1 created, 0 changed, 0 deleted"), "{shown}");
    assert_eq!(dry_run(place, &[]).0, 0);
    wanted(place, &FILE.replace("Sells", "Buys"));
    let (code, shown) = dry_run(place, &["--json"]);
    let report = json(&shown);
    assert_eq!((code, &report["changed"]), (2, &Value::from(1)), "{report}");
    let member = &report["changes"][0]["members"][0];
    assert_eq!(
        *member,
        serde_json::json!({ "path": "description", "old": "Sells", "new": "Buys" })
    );
    let output = place.run_with_input(&["apply", "-f", "-"], &FILE.replace("Sells", "Buys"));
    assert!(output.status.success(), "{output:?}");

    let (code, shown) = dry_run(place, &["--prune"]);
    assert_eq!(code, 2);
    assert!(shown.starts_with("- role Logto Management API access\n"), "{shown}");
    wanted(place, &before);
    let shown = place.done(&["apply", "-f", "tenant.yaml", "--prune"]);
    assert!(shown.contains("- role clerk\n"), "{shown}");
    assert_eq!(place.done(&["export"]), before);
}

#[test]
fn a_file_is_applied_while_the_server_runs_and_while_it_does_not() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    goes_through(&place);
    let server = place.serve();
    goes_through(&place);
    // The server itself has changed, not only its database.
    wanted(&place, FILE);
    place.done(&["apply", "-f", "tenant.yaml"]);
    let bearer = format!("Bearer {}", server.token(&credentials));
    let roles = server.http().send("GET", "/api/roles", &[("authorization", &bearer)], "").unwrap();
    assert!(roles.json().as_array().unwrap().iter().any(|role| role["name"] == "clerk"));

    // A file that is longer than a line of other commands may be.
    let users: String = (0..2000)
        .map(|at| format!("  - id: user{at}\n    username: user{at}\n    roles: [clerk2]\n"))
        .collect();
    let role = FILE.replace("clerk", "clerk2");
    wanted(&place, &format!("{role}users:\n{users}"));
    let shown = place.done(&["apply", "-f", "tenant.yaml"]);
    assert!(shown.contains("2001 created"), "{}", &shown[shown.len().saturating_sub(300)..]);
    assert!(place.done(&["export", "--with", "users"]).contains("username: user1999\n"));
}

#[test]
fn nodes_on_one_postgresql_take_files_too() {
    let Some(schema) = Schema::create("declared") else { return };
    let place = schema.node("http://id.test");
    place.done(&["init"]);
    goes_through(&place);
}

#[test]
fn a_broken_file_names_its_lines_and_changes_nothing() {
    let place = Place::new();
    place.done(&["init"]);
    let before = place.done(&["export"]);
    wanted(
        &place,
        "version: 1\nroles:\n  - name: a\n    description: ok\n  - name: b\n    colour: red\n",
    );
    let (code, sentence) = place.refused(&["apply", "-f", "tenant.yaml"]);
    assert_eq!(code, 1);
    assert!(sentence.contains("nothing was changed") && sentence.contains("line "), "{sentence}");
    assert!(sentence.contains("role b"), "{sentence}");
    wanted(&place, "version: 1\nroles:\n  - name: a\n   description: x\n");
    let (_, sentence) = place.refused(&["apply", "-f", "tenant.yaml"]);
    assert!(sentence.contains("line 4"), "{sentence}");
    for text in [
        "version: 1\nroles:\n  - name: \"\\e[31mred\\u202e\"\n    description: 5\n",
        "version: 1\n\"\\e[31mred\\u2066\": []\n",
    ] {
        wanted(&place, text);
        let (_, sentence) = place.refused(&["apply", "-f", "tenant.yaml"]);
        assert!(sentence.contains("red"), "{sentence}");
        assert!(!sentence.contains(['\u{1b}', '\u{202e}', '\u{2066}']), "{sentence:?}");
    }
    let (_, sentence) = place.refused(&["apply", "-f", "none.yaml"]);
    assert!(sentence.contains("none.yaml"), "{sentence}");
    let (_, sentence) = place.refused(&["export", "--tenant", "other"]);
    assert!(sentence.contains("no tenant other"), "{sentence}");
    assert_eq!(place.done(&["export"]), before);
}

#[test]
fn a_file_with_secrets_says_so_and_is_its_owners_only() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let written = |arguments: &[&str], name: &str| {
        let path = place.path().join(name);
        let file = File::create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let status = place.command(arguments).stdout(Stdio::from(file)).status().unwrap();
        assert!(status.success());
        (
            fs::read_to_string(&path).unwrap(),
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        )
    };
    let secret = credentials["appSecret"].as_str().unwrap();
    let (text, mode) = written(&["export"], "plain.yaml");
    assert!(!text.contains(secret) && !text.contains("SECRETS"));
    assert_eq!(mode, 0o644);
    let (text, mode) = written(&["export", "--with", "secrets,users"], "secret.yaml");
    assert!(text.contains(secret) && text.contains("SECRETS"), "{text}");
    assert_eq!(mode, 0o600);

    // Elsewhere the client authenticates with what the file says.
    let other = Place::new();
    other.done(&["init"]);
    let file = place.path().join("secret.yaml");
    let shown = other.done(&["apply", "-f", file.to_str().unwrap()]);
    assert!(shown.contains("secrets: set, not shown") && !shown.contains(secret), "{shown}");
    other.serve().token(&credentials);
}

/// So many that applying them all takes a while.
const MANY: usize = 8000;

/// The last entry of the audit log about a file.
fn last_entry(place: &Place, key: &str) -> Option<Value> {
    let printed = place.done(&["logs", "export"]);
    printed.lines().map(json).rfind(|entry| entry["key"] == key)
}

/// Waits for an entry of the audit log.
fn entry(place: &Place, key: &str) -> Value {
    for _ in 0..600 {
        if let Some(entry) = last_entry(place, key) {
            return entry;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{key} does not come")
}

/// Begins to apply a file of many users.
fn begun(place: &Place) -> Child {
    let user = |at: usize| format!("  - id: user{at}\n    username: user{at}\n");
    wanted(place, &format!("version: 1\nusers:\n{}", (0..MANY).map(user).collect::<String>()));
    let mut command = place.command(&["apply", "-f", "tenant.yaml"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    entry(place, "Configuration.Apply.Begin");
    child
}

/// It was stopped on the way, says so, and everything that was done is in the audit log.
fn says_how_far_it_came(place: &Place, apply: Child) {
    let output = apply.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let done = is_half_done(place);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("of {MANY} changes {done} were made")), "{said}");
    assert!(said.contains("applying the file again goes on"), "{said}");
}

fn is_half_done(place: &Place) -> usize {
    let payload = entry(place, "Configuration.Apply")["payload"].clone();
    assert_eq!(
        (&payload["result"], &payload["created"]),
        (&Value::from("Error"), &Value::from(MANY))
    );
    let exported = place.done(&["export", "--with", "users"]);
    let done = exported.matches("username: user").count();
    assert_eq!(payload["done"], done);
    assert!(done < MANY, "it was done before it was stopped");
    done
}

#[test]
fn a_server_that_stops_ends_a_file_between_two_changes() {
    let place = Place::new();
    place.done(&["init"]);
    let mut server = place.serve();
    let apply = begun(&place);
    server.terminate();
    let (status, log) = server.ended();
    assert!(status.success() && !log.contains("cut off"), "{log}");
    says_how_far_it_came(&place, apply);
}

#[test]
fn a_file_whose_command_is_gone_is_not_applied_further() {
    let place = Place::new();
    place.done(&["init"]);
    let _server = place.serve();
    let mut apply = begun(&place);
    apply.kill().unwrap();
    apply.wait().unwrap();
    is_half_done(&place);
}

fn is_interrupted(place: &Place) {
    let apply = begun(place);
    kill_process(Pid::from_child(&apply), Signal::INT).unwrap();
    says_how_far_it_came(place, apply);
}

#[test]
fn an_interrupted_command_says_how_far_a_file_was_applied() {
    let place = Place::new();
    place.done(&["init"]);
    is_interrupted(&place);
    // By way of a server too.
    let place = Place::new();
    place.done(&["init"]);
    let _server = place.serve();
    is_interrupted(&place);
}

#[test]
fn an_interrupted_command_says_so_on_postgresql() {
    let Some(schema) = Schema::create("interrupted") else { return };
    let place = schema.node("http://id.test");
    place.done(&["init"]);
    is_interrupted(&place);
}
