//! Nodes of an older program, the binary, beside a newer one: a program with a pair of migrations that only this test has.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use trinco_core::MIGRATIONS;
use trinco_db::{Db, Error, Migrating, Migration, Options};

use crate::balancer::Balancer;
use crate::http::Http;
use crate::person::{App, Person, create_account};
use crate::postgres::Schema;
use crate::running::json;

/// The newer program's: a column with what `users.name` holds, then without the old one.
fn newer() -> Vec<Migration> {
    let version = MIGRATIONS.len() as i64;
    let mut all = MIGRATIONS.to_vec();
    all.push(Migration {
        version: version + 1,
        name: "display_name",
        oldest_program: version,
        sql: "ALTER TABLE users ADD COLUMN display_name TEXT;
              UPDATE users SET display_name = name WHERE name IS NOT NULL;",
    });
    all.push(Migration {
        version: version + 2,
        name: "no_name",
        oldest_program: version + 1,
        sql: "UPDATE users SET display_name = name WHERE display_name IS NULL;
              ALTER TABLE users DROP COLUMN name;",
    });
    all
}

#[test]
fn nodes_serve_while_the_schema_is_expanded_and_are_protected_from_its_contraction() {
    let Some(schema) = Schema::create("rolling") else { return };
    let places = [schema.node("http://id.test"), schema.node("http://id.test")];
    let mut first = places[0].serve();
    let credentials = json(&places[0].done(&["init", "--json"]));
    let bearer = format!("Bearer {}", first.token(&credentials));
    create_account(&mut first.http(), &bearer);
    let app = App::register(&mut first.http(), &bearer, 10);
    let mut person = Person::at(first.port);
    let code = person.authorize(&app).unwrap();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let all = newer();
    let (expanded, version) = (&all[..all.len() - 1], MIGRATIONS.len());
    let open = || async { Db::open(&schema.url().parse().unwrap(), Options::default()).await };
    let db = runtime.block_on(open()).unwrap();
    let applied = runtime.block_on(db.migrate(expanded, 1)).unwrap();
    assert_eq!(applied, ["display_name"]);

    // The node that runs goes on, and others of its program start.
    let answer = app.exchange(&mut first.http(), &code).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut second = places[1].serve_with(&["--port", "0", "--db-migrate", "never"]);
    person.moves_to(second.port);
    let code = person.authorize(&app).unwrap();
    let tokens = app.exchange(&mut first.http(), &code).unwrap();
    let refreshed = app.refresh(&mut second.http(), &tokens.text("/refresh_token")).unwrap();
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let status = json(&places[0].done(&["db", "status", "--json"]));
    assert_eq!(status["newer"][0]["name"], "display_name", "{status}");
    assert_eq!(status["nodes"].as_array().unwrap().len(), 2, "{status}");

    // While one lives, what its program needs is not taken away: one sign of life is enough.
    let error = runtime.block_on(db.migrate(&all, 2)).unwrap_err();
    assert!(matches!(error, Error::Migration(_)), "{error:?}");
    let sentence = error.to_string();
    for part in ["no_name", &format!("schema {version};"), "trinco db migrate", "process "] {
        assert!(sentence.contains(part), "{sentence}");
    }
    let mut http = Http::connect(first.port).unwrap();
    let users = http.send("GET", "/api/users", &[("authorization", &bearer)], "").unwrap();
    assert_eq!(users.status, 200, "{users:?}");

    // A node that is stopped takes its leave; one that is overrun by force stops by itself.
    first.terminate();
    let (ended, log) = first.ended();
    assert!(ended.success(), "{log}");
    let force = Migrating { force: true, ..Migrating::default() };
    let applied = runtime.block_on(db.migrate_with(&all, force, 3)).unwrap();
    assert_eq!(applied, ["no_name"]);
    let (ended, log) = second.ended();
    assert_eq!(ended.code(), Some(1), "{log}");
    let last = log.lines().last().unwrap();
    assert!(
        last.starts_with("trinco: this program has stopped, because the database is newer"),
        "{log}"
    );

    for command in [&["serve", "--port", "0"][..], &["init"]] {
        let (code, sentence) = places[0].refused(command);
        assert_eq!(code, 1, "{sentence}");
        let last = sentence.lines().last().unwrap();
        for part in
            [format!("its schema {} ", version + 2), format!("this one is of schema {version};")]
        {
            assert!(last.contains(&part), "{sentence}");
        }
    }
    let output = places[0].run(&["db", "status"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

/// People who sign in and refresh through the balancer until they are told to stop; how many answers they got, or the first that was
/// wrong. Each request has a connection of its own: a proxy that keeps connections has to ask again when one is closed on it.
fn people(port: u16, app: &App, stop: &AtomicBool) -> Result<usize, String> {
    let mut answers = 0;
    while !stop.load(Ordering::Relaxed) {
        answers += person(port, app).map_err(|sentence| format!("after {answers}: {sentence}"))?;
    }
    Ok(answers)
}

/// Someone signs in and refreshes three times.
fn person(port: u16, app: &App) -> Result<usize, String> {
    let failed = |error: std::io::Error| error.to_string();
    let connect = || Http::connect(port).map_err(failed);
    let code = Person::at(port).authorize(app).map_err(failed)?;
    let mut last = app.exchange(&mut connect()?, &code).map_err(failed)?;
    for refreshes in 0.. {
        if last.status != 200 {
            return Err(format!("{last:?}"));
        }
        if refreshes == 3 {
            break;
        }
        last = app.refresh(&mut connect()?, &last.text("/refresh_token")).map_err(failed)?;
    }
    Ok(3)
}

#[test]
fn three_nodes_are_replaced_one_by_one_and_no_request_fails() {
    const FLAGS: &[&str] = &["--port", "0", "--shutdown-delay", "2"];
    let Some(schema) = Schema::create("replaced") else { return };
    let places: Vec<_> = (0..6).map(|_| schema.node("http://id.test")).collect();
    let mut nodes: Vec<_> = places[..3].iter().map(|place| place.serve_with(FLAGS)).collect();
    let credentials = json(&places[0].done(&["init", "--json"]));
    let bearer = format!("Bearer {}", nodes[0].token(&credentials));
    create_account(&mut nodes[0].http(), &bearer);
    let app = App::register(&mut nodes[0].http(), &bearer, 10);
    // Until the others have heard of the application.
    thread::sleep(Duration::from_secs(1));
    let balancer = Balancer::before(nodes.iter().map(|node| node.port));
    balancer.watch();
    let stop = AtomicBool::new(false);
    let answers = thread::scope(|scope| {
        let people: Vec<_> =
            (0..3).map(|_| scope.spawn(|| people(balancer.port, &app, &stop))).collect();
        // Whatever fails below, the people go home.
        let replaced = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let all = newer();
            let migrated = runtime.block_on(async {
                let db =
                    Db::open(&schema.url().parse().unwrap(), Options::default()).await.unwrap();
                db.migrate(&all[..all.len() - 1], 1).await.unwrap()
            });
            assert_eq!(migrated, ["display_name"]);
            for (old, place) in nodes.iter_mut().zip(&places[3..]) {
                let new = place.serve_with(FLAGS);
                balancer.add(new.port);
                old.terminate();
                let (ended, log) = old.ended();
                assert!(ended.success(), "{log}");
                *old = new;
            }
        }));
        stop.store(true, Ordering::Relaxed);
        let answers: Vec<_> = people.into_iter().map(|person| person.join().unwrap()).collect();
        replaced.unwrap();
        answers
    });
    for answers in answers {
        let answers = answers.unwrap_or_else(|sentence| panic!("{sentence}"));
        println!("{answers} refreshes while three nodes were replaced");
        assert!(answers > 0);
    }
}
