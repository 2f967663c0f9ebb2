//! Backups, restores and copies of whole databases.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use trinco_core::{MIGRATIONS, MasterKey, SystemRandomness};
use trinco_db::{Db, DbUrl, Options};

use crate::http::Http;
use crate::person::{App, Person, create_account};
use crate::postgres::Schema;
use crate::running::{Place, Server, json};

/// A server with somebody who has signed in.
struct Installation {
    credentials: Value,
    app: App,
    person: Person,
    /// Not used yet.
    refresh_token: String,
}

impl Installation {
    fn prepare(server: &Server, credentials: Value) -> Self {
        let bearer = format!("Bearer {}", server.token(&credentials));
        let mut http = server.http();
        create_account(&mut http, &bearer);
        let app = App::register(&mut http, &bearer, 10);
        let mut person = Person::at(server.port);
        let code = person.authorize(&app).unwrap();
        let refresh_token = app.exchange(&mut http, &code).unwrap().text("/refresh_token");
        Self { credentials, app, person, refresh_token }
    }

    /// Asserts that everything goes on at another server: the session, the refresh token, signing in anew, and these users.
    fn goes_on(&mut self, server: &Server, users: &[String]) {
        let mut http = server.http();
        let refreshed = self.app.refresh(&mut http, &self.refresh_token).unwrap();
        assert_eq!(refreshed.status, 200, "{refreshed:?}");
        self.person.moves_to(server.port);
        for person in [&mut self.person, &mut Person::at(server.port)] {
            let code = person.authorize(&self.app).unwrap();
            assert_eq!(self.app.exchange(&mut http, &code).unwrap().status, 200);
        }
        let bearer = format!("Bearer {}", server.token(&self.credentials));
        for id in users {
            let path = format!("/api/users/{id}");
            let found = http.send("GET", &path, &[("authorization", &bearer)], "").unwrap();
            assert_eq!(found.status, 200, "{id} was acknowledged and is lost: {found:?}");
        }
    }
}

/// Creates users until told to stop, and notes those that were acknowledged.
fn write_until(
    stop: &AtomicBool,
    port: u16,
    bearer: &str,
    writer: usize,
    done: &Mutex<Vec<String>>,
) {
    let mut http = Http::connect(port).unwrap();
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        let body = format!(r#"{{"username":"u{writer}x{number}"}}"#);
        let answer = http.send("POST", "/api/users", &headers, &body).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        done.lock().unwrap().push(answer.text("/id"));
        number += 1;
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A place with the same master key and no data.
fn elsewhere(place: &Place) -> Place {
    let other = Place::new();
    fs::create_dir(other.path().join("data")).unwrap();
    fs::copy(place.path().join("data/master.key"), other.path().join("data/master.key")).unwrap();
    other
}

#[test]
fn a_backup_made_while_the_server_writes_restores_all_that_was_acknowledged() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let mut server = place.serve();
    let mut it = Installation::prepare(&server, credentials);
    fs::create_dir(place.path().join("backups")).unwrap();

    let bearer = format!("Bearer {}", server.token(&it.credentials));
    let (stop, done) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let before: Vec<String> = std::thread::scope(|scope| {
        for writer in 0..4 {
            let (stop, done, bearer, port) = (&stop, &done, &bearer, server.port);
            scope.spawn(move || write_until(stop, port, bearer, writer, done));
        }
        let wait_for = |count| {
            while done.lock().unwrap().len() < count {
                std::thread::yield_now();
            }
        };
        wait_for(100);
        let before = done.lock().unwrap().clone();
        // Twice: the second replaces the first.
        for _ in 0..2 {
            let output = place.run(&["backup", "backups/b.db"]);
            let sentence = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{sentence}");
            assert!(
                sentence.contains("data/master.key") && sentence.contains("fingerprint"),
                "{sentence}"
            );
        }
        // The server went on meanwhile, and does.
        let now = done.lock().unwrap().len();
        wait_for(now + 20);
        stop.store(true, Ordering::Release);
        before
    });
    println!("{} users before the backup, {} in all", before.len(), done.lock().unwrap().len());
    server.kill();

    let file = place.path().join("backups/b.db");
    assert_eq!(names_in(&place.path().join("backups")), ["b.db"]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let other = elsewhere(&place);
    other.done(&["restore", file.to_str().unwrap()]);
    let left = ["lock", "master.key", "trinco.db", "trinco.db.lock"];
    assert_eq!(names_in(&other.path().join("data")), left);
    let server = other.serve();
    it.goes_on(&server, &before);
    drop(server);
    // What is restored is no backup any more, and can be backed up itself.
    other.done(&["backup", "again.db"]);
}

#[test]
fn a_restore_replaces_nothing_before_everything_is_known_to_fit() {
    let place = Place::new();
    place.done(&["init"]);
    place.done(&["backup", "good.db"]);
    let good = fs::read(place.path().join("good.db")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(place.path().join(name), bytes).unwrap();
    write("foreign.txt", b"These are the accounts of 2024, and no database.\n");
    write("half.db", &good[..good.len() / 2]);
    write("short.db", &good[..good.len() - 100]);
    write("empty.db", b"");
    let mut flipped = good.clone();
    // A page in the middle: the first one alone tells how many there are.
    let page = good.len() / 2 / 4096 * 4096;
    flipped[page..page + 4096].fill(0x5a);
    write("flipped.db", &flipped);
    let database = place.path().join("data/trinco.db");
    let before = fs::read(&database).unwrap();
    fs::copy(&database, place.path().join("live-copy.db")).unwrap();
    let sentence_of = |place: &Place, arguments: &[&str]| {
        let (code, sentence) = place.refused(arguments);
        assert_eq!((code, sentence.lines().count()), (1, 1), "{arguments:?}: {sentence}");
        assert!(sentence.contains("nothing was restored"), "{sentence}");
        sentence
    };
    for (name, what) in [
        ("foreign.txt", "no backup"),
        ("empty.db", "no backup"),
        ("half.db", "damaged"),
        ("short.db", "damaged"),
        ("flipped.db", "damaged"),
        ("live-copy.db", "no backup"),
        ("missing.db", "cannot be read"),
    ] {
        let sentence = sentence_of(&place, &["restore", name, "--force"]);
        assert!(sentence.contains(what) && sentence.contains(name), "{name}: {sentence}");
    }
    let sentence = sentence_of(&place, &["restore", "good.db"]);
    assert!(sentence.contains("--force"), "{sentence}");

    assert_eq!(fs::read(&database).unwrap(), before, "nothing was touched");

    let mut server = place.serve();
    let sentence = sentence_of(&place, &["restore", "good.db", "--force"]);
    assert!(sentence.contains("stop the server"), "{sentence}");
    server.terminate();
    assert!(server.ended().0.success());

    // Another key, and none.
    let stranger = Place::new();
    stranger.done(&["init"]);
    let good = place.path().join("good.db");
    let sentence = sentence_of(&stranger, &["restore", good.to_str().unwrap(), "--force"]);
    assert!(sentence.contains("right key"), "{sentence}");
    let sentence = sentence_of(&Place::new(), &["restore", good.to_str().unwrap()]);
    assert!(sentence.contains("there is no key"), "{sentence}");

    // With --force the old one is moved aside, and still is a database.
    let output = place.run(&["restore", "good.db", "--force"]);
    assert!(output.status.success(), "{output:?}");
    let names = names_in(&place.path().join("data"));
    let aside = names.iter().find(|name| name.contains("before-restore")).unwrap();
    let aside = format!("sqlite:data/{aside}");
    place.done(&["db", "status", "--db-url", &aside]);
    place.serve();
}

#[test]
fn a_backup_replaces_backups_only_and_leaves_nothing_half() {
    let place = Place::new();
    place.done(&["init"]);
    fs::write(place.path().join("letter.txt"), "dear").unwrap();
    fs::create_dir(place.path().join("folder")).unwrap();
    for (name, what) in [
        ("data/trinco.db", "no backup"),
        ("data/master.key", "no backup"),
        ("letter.txt", "no backup"),
        ("folder", "a folder"),
        ("nowhere/b.db", "cannot be written"),
    ] {
        let (code, sentence) = place.refused(&["backup", name]);
        assert_eq!((code, sentence.lines().count()), (1, 1), "{name}: {sentence}");
        assert!(sentence.contains(what), "{name}: {sentence}");
    }
    assert_eq!(fs::read(place.path().join("letter.txt")).unwrap(), b"dear");
    // Left behind by a backup that was killed; and what only looks so.
    fs::create_dir(place.path().join("backups")).unwrap();
    let at = |name: &str| place.path().join("backups").join(name);
    for name in ["b.db.0123456789abcdef.partial", "yesterday.db.fedcba9876543210.partial"] {
        for companion in ["", "-journal", "-wal", "-shm"] {
            fs::write(at(&format!("{name}{companion}")), "half").unwrap();
        }
    }
    for name in ["b.db.partial", "b.db.old.partial", "c.db.0123456789abcdef.partial"] {
        std::os::unix::fs::symlink("../letter.txt", at(name)).unwrap();
    }
    place.done(&["backup", "backups/b.db"]);
    assert_eq!(
        names_in(&place.path().join("backups")),
        ["b.db", "b.db.old.partial", "b.db.partial", "c.db.0123456789abcdef.partial"]
    );
    assert_eq!(fs::metadata(at("b.db")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(place.path().join("letter.txt")).unwrap(), b"dear");
    let (_, sentence) = Place::new().refused(&["backup", "b.db"]);
    assert!(sentence.contains("--data"), "{sentence}");
}

/// A small disk, seen by this shell alone. The second backup finds it full.
const SMALL_DISK: &str = r#"
    mount -t tmpfs -o size=3m,mode=700 tmpfs disk && "$0" backup disk/b.db >/dev/null 2>&1 || exit 9
    cksum < disk/b.db; dd if=/dev/zero of=disk/ballast bs=4k 2>/dev/null; truncate -s -64k disk/ballast
    "$0" backup disk/b.db; echo "code $?"
    cksum < disk/b.db; LC_ALL=C ls -A disk"#;

#[test]
fn a_full_disk_leaves_the_earlier_backup_and_nothing_else() {
    let namespace = ["--mount", "--user", "--map-root-user"];
    let probe = Command::new("unshare")
        .args(namespace)
        .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !probe.is_ok_and(|run| run.status.success()) {
        assert!(std::env::var("CI").is_err(), "CI must have unshare");
        println!("unshare cannot be used: skipped");
        return;
    }
    let place = Place::new();
    place.done(&["init"]);
    fs::create_dir(place.path().join("disk")).unwrap();
    let trinco = env!("CARGO_BIN_EXE_trinco");
    let arguments = [&namespace[..], &["--", "sh", "-c", SMALL_DISK, trinco]].concat();
    let mut command = Command::new("unshare");
    command.args(arguments).current_dir(place.path()).env_clear();
    let output = command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let sentence = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines[1], "code 1", "{stdout}{sentence}");
    assert_eq!(lines[0], lines[2], "the earlier backup was touched");
    assert_eq!(lines[3..], ["b.db", "ballast"], "{stdout}");
    assert!(sentence.contains("the disk is full") && sentence.lines().count() == 1, "{sentence}");
}

#[test]
fn status_tells_what_is_pending_and_migrate_applies_it() {
    let key = MasterKey::generate(&SystemRandomness).to_text().to_string();
    let place = Place::with(vec![("TRINCO_MASTER_KEY", key)]);
    let data = place.path().join("data");
    fs::create_dir(&data).unwrap();
    let (earlier, newest) = MIGRATIONS.split_at(MIGRATIONS.len() - 1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = DbUrl::Sqlite(data.join("trinco.db"));
        let db = Db::open(&url, Options::default()).await.unwrap();
        db.migrate(earlier, 1).await.unwrap();
        db.close().await;
    });
    let (newest, program) = (newest[0].name, newest[0].version);

    let status = place.run(&["db", "status", "--json"]);
    assert_eq!(status.status.code(), Some(1), "{status:?}");
    let status = json(&String::from_utf8(status.stdout).unwrap());
    assert_eq!((&status["engine"], &status["upToDate"]), (&"SQLite".into(), &false.into()));
    assert_eq!(status["schemaVersion"], program - 1);
    assert_eq!(status["programVersion"], program);
    assert_eq!(status["pending"][0]["name"], newest);
    let (code, sentence) = place.refused(&["serve", "--port", "0", "--db-migrate", "never"]);
    // The log line of nothing, and one sentence.
    assert!(code == 1 && sentence.contains("trinco db migrate"), "{sentence}");
    assert_eq!(
        place.done(&["db", "migrate", "--dry-run"]),
        format!("would apply {newest} ({program})\n")
    );
    assert!(!place.run(&["db", "status"]).status.success(), "nothing was applied yet");
    assert_eq!(place.done(&["db", "migrate"]), format!("applied {newest}\n"));
    assert_eq!(place.done(&["db", "migrate"]), "");

    let server = place.serve_with(&["--port", "0", "--db-migrate", "never"]);
    let status = json(&place.done(&["db", "status", "--json"]));
    assert_eq!(status["upToDate"], true);
    assert_eq!(status["masterKey"]["state"], "fits");
    let (_, sentence) = place.refused(&["db", "migrate"]);
    assert!(sentence.contains("stop it first"), "{sentence}");
    drop(server);

    let other = MasterKey::generate(&SystemRandomness).to_text().to_string();
    let output =
        place.command(&["db", "status", "--json"]).env("TRINCO_MASTER_KEY", other).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&String::from_utf8(output.stdout).unwrap())["masterKey"]["state"], "differs");
    let (_, sentence) = Place::new().refused(&["db", "status"]);
    assert!(sentence.contains("there is no database"), "{sentence}");
}

#[test]
fn an_installation_moves_to_postgresql_and_back_with_its_sessions() {
    let Some(schema) = Schema::create("moves") else { return };
    let variables = vec![
        ("TRINCO_MASTER_KEY", schema.key().to_owned()),
        ("ENDPOINT", "http://id.test".to_owned()),
        ("TARGET", schema.url()),
    ];
    let place = Place::with(variables.clone());
    let credentials = json(&place.done(&["init", "--json"]));
    let mut server = place.serve();
    let mut it = Installation::prepare(&server, credentials);
    let (_, sentence) = place.refused(&["db", "copy", "env:TARGET", "sqlite:data/trinco.db"]);
    assert!(sentence.contains("stop it first"), "{sentence}");
    server.terminate();
    assert!(server.ended().0.success());
    let counts = place.done(&["db", "copy", "sqlite:data/trinco.db", "env:TARGET"]);
    assert!(counts.lines().any(|line| line.trim() == "1  users"), "{counts}");
    let (_, sentence) = place.refused(&["db", "copy", "sqlite:data/trinco.db", "env:TARGET"]);
    assert!(sentence.contains("not empty"), "{sentence}");

    let node = schema.node("http://id.test");
    let server = node.serve();
    it.goes_on(&server, &[]);
    // The newest token, so that the next server must know it.
    let code = it.person.authorize(&it.app).unwrap();
    it.refresh_token = it.app.exchange(&mut server.http(), &code).unwrap().text("/refresh_token");
    node.done(&["backup", "b.db"]);
    let (_, sentence) = node.refused(&["restore", "b.db", "--force"]);
    assert!(sentence.contains("stop it first"), "{sentence}");
    drop(server);

    let back = Place::with(variables);
    back.done(&["restore", node.path().join("b.db").to_str().unwrap()]);
    let server = back.serve();
    it.goes_on(&server, &[]);
    drop(server);

    // And a backup goes back to PostgreSQL too.
    let Some(second) = Schema::create("moves_again") else { return };
    let variables = vec![("TRINCO_MASTER_KEY", schema.key().to_owned()), ("DB_URL", second.url())];
    let again = Place::with(variables);
    back.done(&["backup", "c.db"]);
    again.done(&["restore", back.path().join("c.db").to_str().unwrap()]);
    assert_eq!(json(&again.done(&["db", "status", "--json"]))["masterKey"]["state"], "fits");
}

#[test]
fn a_backup_says_what_it_waits_for() {
    let Some(schema) = Schema::create("patient") else { return };
    let place = schema.node("http://localhost:1");
    place.done(&["init", "--json"]);
    let migrating =
        "BEGIN; SELECT pg_advisory_xact_lock(7454293310147); SELECT pg_sleep(3); COMMIT";
    let output = std::thread::scope(|scope| {
        scope.spawn(|| schema.as_superuser(migrating));
        std::thread::sleep(Duration::from_millis(500));
        place.run(&["backup", "b.db"])
    });
    let sentences = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{sentences}");
    assert!(sentences.starts_with("waiting for a migration, a backup,"), "{sentences}");
}

#[test]
fn a_backup_that_is_interrupted_leaves_nothing_behind() {
    let Some(schema) = Schema::create("interrupted") else { return };
    let place = schema.node("http://localhost:1");
    place.done(&["init", "--json"]);
    fs::create_dir(place.path().join("backups")).unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        // It has begun, and waits.
        let migrating =
            "BEGIN; SELECT pg_advisory_xact_lock(7454293310147); SELECT pg_sleep(2); COMMIT";
        std::thread::scope(|scope| {
            scope.spawn(|| schema.as_superuser(migrating));
            std::thread::sleep(Duration::from_millis(500));
            let mut command = place.command(&["backup", "backups/b.db"]);
            let mut backup = command.stderr(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(backup.stderr.take().unwrap()).lines();
            assert!(lines.next().unwrap().unwrap().starts_with("waiting for"));
            let begun = names_in(&place.path().join("backups"));
            assert!(begun.iter().any(|name| name.ends_with(".partial")), "{begun:?}");
            kill_process(Pid::from_child(&backup), signal).unwrap();
            let sentence = lines.next().unwrap().unwrap();
            assert!(sentence.ends_with("it was interrupted"), "{sentence}");
            assert_eq!(backup.wait().unwrap().code(), Some(1));
        });
        assert_eq!(names_in(&place.path().join("backups")), [""; 0]);
    }
}
