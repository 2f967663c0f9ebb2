//! Writers that note what was acknowledged, until the server dies.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::random;
use crate::http::{Answer, Http};
use crate::person::{App, Person, create_account};
use crate::running::Server;

/// Connections that write at once, so that transactions share commits.
const WRITERS: usize = 8;

/// Those who write, and what they write to.
pub(super) struct Load {
    credentials: Value,
    /// Answers a spent refresh token for as long as any round takes.
    patient: App,
    /// Answers no spent refresh token.
    strict: App,
    /// One for each writer of tokens: signed in once, the session outlives the server.
    people: Vec<Mutex<Person>>,
}

/// What the server said it had done.
#[derive(Default)]
pub(super) struct Acknowledged {
    /// Users and applications by their paths.
    paths: Vec<String>,
    /// Of each chain of refresh tokens the newest, at the patient application.
    newest: Vec<String>,
    /// Codes and refresh tokens that have been spent, at the strict application; one of each grant.
    spent: Vec<Spent>,
}

enum Spent {
    Code(String),
    RefreshToken(String),
}

impl Load {
    /// Creates the applications and the person, and signs the person in.
    pub(super) fn prepare(server: &Server, credentials: &Value) -> Self {
        let bearer = format!("Bearer {}", server.token(credentials));
        let mut http = server.http();
        create_account(&mut http, &bearer);
        let patient = App::register(&mut http, &bearer, 60);
        let strict = App::register(&mut http, &bearer, 0);
        let people = (0..WRITERS).map(|_| Mutex::new(Person::at(server.port))).collect();
        let load = Self { credentials: credentials.clone(), patient, strict, people };
        for person in load.people.iter().skip(2).step_by(2) {
            person.lock().unwrap().authorize(&load.patient).unwrap();
        }
        load
    }

    /// Writes until `end`, which is called while all are writing, has ended the server.
    pub(super) fn run(&self, server: &Server, end: impl FnOnce()) -> Acknowledged {
        let bearer = format!("Bearer {}", server.token(&self.credentials));
        let (port, begun) = (server.port, AtomicBool::new(false));
        let acknowledged = Mutex::new(Acknowledged::default());
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (acknowledged, begun, bearer) = (&acknowledged, &begun, &bearer);
                    scope.spawn(move || {
                        let mut mine = Acknowledged::default();
                        // The error is the end of the server.
                        let _ = self.write(port, bearer, writer, begun, &mut mine);
                        acknowledged.lock().unwrap().take(mine);
                    })
                })
                .collect();
            while !begun.load(Ordering::Acquire) {
                // Writers that are refused end by panicking, and the scope passes that on.
                if writers.iter().all(|writer| writer.is_finished()) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // The moment is part of what is tested: any point of a group commit, or between two.
            std::thread::sleep(Duration::from_micros(50_000 + random() % 700_000));
            end();
        });
        acknowledged.into_inner().unwrap()
    }

    fn write(
        &self,
        port: u16,
        bearer: &str,
        writer: usize,
        begun: &AtomicBool,
        mine: &mut Acknowledged,
    ) -> io::Result<()> {
        let mut http = Http::connect(port)?;
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        loop {
            match writer {
                0 => {
                    let body = format!(r#"{{"username":"u{:016x}"}}"#, random());
                    let answer = done(http.send("POST", "/api/users", &headers, &body)?);
                    mine.paths.push(format!("/api/users/{}", answer.text("/id")));
                }
                writer if !writer.is_multiple_of(2) => {
                    let uris =
                        r#"{"redirectUris":["http://localhost/x"],"postLogoutRedirectUris":[]}"#;
                    let body =
                        format!(r#"{{"name":"A","type":"SPA","oidcClientMetadata":{uris}}}"#);
                    let answer = done(http.send("POST", "/api/applications", &headers, &body)?);
                    mine.paths.push(format!("/api/applications/{}", answer.text("/id")));
                }
                writer => {
                    let mut person = self.people[writer].lock().unwrap();
                    person.moves_to(port);
                    self.sign_in(&mut person, &mut http, mine)?;
                }
            }
            begun.store(true, Ordering::Release);
        }
    }

    /// A grant at each application, whose refresh token is used a few times.
    fn sign_in(
        &self,
        person: &mut Person,
        http: &mut Http,
        mine: &mut Acknowledged,
    ) -> io::Result<()> {
        let code = person.authorize(&self.strict)?;
        let first = done(self.strict.exchange(http, &code)?).text("/refresh_token");
        let index = mine.spent.len();
        mine.spent.push(Spent::Code(code));
        done(self.strict.refresh(http, &first)?);
        if random().is_multiple_of(2) {
            mine.spent[index] = Spent::RefreshToken(first);
        }

        let code = person.authorize(&self.patient)?;
        let mut token = done(self.patient.exchange(http, &code)?).text("/refresh_token");
        let index = mine.newest.len();
        mine.newest.push(token.clone());
        for _ in 0..3 {
            token = done(self.patient.refresh(http, &token)?).text("/refresh_token");
            mine.newest[index].clone_from(&token);
        }
        Ok(())
    }

    /// Asserts that all of it is there, and that nothing spent is taken again.
    pub(super) fn check(&self, server: &Server, acknowledged: &Acknowledged) {
        self.check_paths(server, &acknowledged.paths);
        let mut http = server.http();
        for token in &acknowledged.newest {
            let answer = self.patient.refresh(&mut http, token).unwrap();
            assert_eq!(
                answer.status, 200,
                "a refresh token was acknowledged and is lost: {answer:?}"
            );
        }
        for spent in &acknowledged.spent {
            let answer = match spent {
                Spent::Code(code) => self.strict.exchange(&mut http, code),
                Spent::RefreshToken(token) => self.strict.refresh(&mut http, token),
            };
            let answer = answer.unwrap();
            assert_eq!(answer.status, 400, "it was taken twice: {answer:?}");
            assert_eq!(answer.text("/error"), "invalid_grant");
        }
    }

    fn check_paths(&self, server: &Server, paths: &[String]) {
        let mut http = server.http();
        // A token lives for an hour; a new one for each part keeps any number of rounds within it.
        for part in paths.chunks(10_000) {
            let bearer = format!("Bearer {}", server.token(&self.credentials));
            for path in part {
                let answer = http.send("GET", path, &[("authorization", &bearer)], "").unwrap();
                assert_eq!(answer.status, 200, "{path} was acknowledged and is lost: {answer:?}");
            }
        }
    }

    /// As [`Load::check`], for what later rounds must not have touched.
    pub(super) fn check_rows(&self, server: &Server, all: &[Acknowledged]) {
        for acknowledged in all {
            self.check_paths(server, &acknowledged.paths);
        }
    }
}

impl Acknowledged {
    fn take(&mut self, mut other: Self) {
        self.paths.append(&mut other.paths);
        self.newest.append(&mut other.newest);
        self.spent.append(&mut other.spent);
    }

    /// Asserts that every kind of writer got somewhere.
    pub(super) fn describe(&self) -> String {
        assert!(!self.paths.is_empty(), "nothing was written");
        let Self { paths, newest, spent } = self;
        format!(
            "{} rows, {} chains of refresh tokens, {} things spent",
            paths.len(),
            newest.len(),
            spent.len()
        )
    }

    pub(super) fn len(&self) -> usize {
        self.paths.len() + self.newest.len() + self.spent.len()
    }
}

/// What a server that works answers to a write.
fn done(answer: Answer) -> Answer {
    assert!((200..300).contains(&answer.status), "{answer:?}");
    answer
}
