//! A PostgreSQL that goes away, is slow, forgets its connections or takes no writes, under a node that goes on serving.

#![expect(clippy::disallowed_methods, reason = "how long a server takes is measured from outside")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use trinco_core::{MasterKey, SystemRandomness};

use super::cluster::Cluster;
use super::{random, rounds};
use crate::http::Http;
use crate::person::{App, Person, create_account};
use crate::postgres::Schema;
use crate::running::{Place, Server, json};

/// The way to the database, as a network may be.
#[derive(Clone, Default)]
struct Link(Arc<State>);

#[derive(Default)]
struct State {
    /// Nobody is let through, and whoever was is cut off.
    is_cut: AtomicBool,
    /// Milliseconds that each piece is held up.
    delay: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Link {
    /// Goes on until the test's process ends; returns the port.
    fn to(&self, database: u16, listener: TcpListener) {
        let link = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if link.0.is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", database)) else { continue };
                let copies = [client.try_clone(), server.try_clone()].map(Result::unwrap);
                link.0.open.lock().unwrap().extend(copies);
                let pairs =
                    [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
                for (from, to) in pairs {
                    let link = link.clone();
                    thread::spawn(move || link.carry(from, to));
                }
            }
        });
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            thread::sleep(Duration::from_millis(self.0.delay.load(Ordering::SeqCst)));
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Cuts every connection, in the middle of whatever it carries.
    fn cut_connections(&self) {
        for stream in self.0.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn cut(&self, is_cut: bool) {
        self.0.is_cut.store(is_cut, Ordering::SeqCst);
        if is_cut {
            self.cut_connections();
        }
    }

    fn delay(&self, milliseconds: u64) {
        self.0.delay.store(milliseconds, Ordering::SeqCst);
    }
}

/// A node, and what is needed to write to it.
struct Node {
    _place: Place,
    server: Server,
    bearer: String,
    app: App,
}

/// A node whose database is reached by way of a link.
struct Linked {
    schema: Schema,
    link: Link,
    node: Node,
}

impl Deref for Linked {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl Linked {
    fn start(name: &str) -> Option<Self> {
        let schema = Schema::create(name)?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (url, own) = schema.url_by(listener.local_addr().unwrap().port());
        let link = Link::default();
        link.to(own, listener);
        let node = Node::start(url, schema.key().to_owned());
        Some(Self { schema, link, node })
    }
}

impl Node {
    fn start(database: String, key: String) -> Self {
        let place = Place::with(vec![
            ("DB_URL", database),
            ("TRINCO_MASTER_KEY", key),
            ("ENDPOINT", "http://id.test".to_owned()),
        ]);
        let credentials = json(&place.done(&["init", "--json"]));
        let server = place.serve();
        let bearer = format!("Bearer {}", server.token(&credentials));
        let mut http = server.http();
        create_account(&mut http, &bearer);
        // Nothing that was spent is answered again, not even for a moment.
        let app = App::register(&mut http, &bearer, 0);
        Self { _place: place, server, bearer, app }
    }

    /// Creates a user; the path when that was acknowledged, `None` when it was put off. Anything else is wrong.
    fn create(&self, http: &mut Http) -> Option<String> {
        let headers =
            [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        let body = format!(r#"{{"username":"u{:016x}"}}"#, random());
        let answer = http.send("POST", "/api/users", &headers, &body).unwrap();
        if answer.status == 503 {
            let later = answer.header("retry-after").parse::<u32>();
            assert!(later.is_ok(), "whoever is put off is told for how long: {answer:?}");
            return None;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        Some(format!("/api/users/{}", answer.text("/id")))
    }

    /// Writes from several connections while `disturb` runs; what was acknowledged, and how many were put off.
    fn under_load(&self, disturb: impl FnOnce()) -> (Vec<String>, usize) {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut http = self.server.http();
                        let (mut acknowledged, mut put_off) = (Vec::new(), 0);
                        while !is_over.load(Ordering::SeqCst) {
                            match self.create(&mut http) {
                                Some(path) => acknowledged.push(path),
                                None => put_off += 1,
                            }
                        }
                        (acknowledged, put_off)
                    })
                })
                .collect();
            disturb();
            is_over.store(true, Ordering::SeqCst);
            writers.into_iter().fold((Vec::new(), 0), |(mut all, put_off), writer| {
                let (mut mine, others) = writer.join().unwrap();
                all.append(&mut mine);
                (all, put_off + others)
            })
        })
    }

    /// Asserts that it works again without anybody's help, and that everything acknowledged is there.
    fn has_recovered(&self, acknowledged: &[String]) {
        let mut http = self.server.http();
        let mut attempts = 0;
        while self.create(&mut http).is_none() {
            assert!(attempts < 100, "it never works again");
            attempts += 1;
            thread::sleep(Duration::from_millis(100));
        }
        for path in acknowledged {
            let headers = [("authorization", self.bearer.as_str())];
            let answer = http.send("GET", path, &headers, "").unwrap();
            assert_eq!(answer.status, 200, "{path} was acknowledged and is lost: {answer:?}");
        }
    }
}

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

#[test]
fn a_database_that_is_cut_off_and_slow_costs_patience_and_nothing_else() {
    let Some(node) = Linked::start("cut") else { return };
    let (acknowledged, put_off) = node.under_load(|| {
        for _ in 0..10 {
            pause(100 + random() % 200);
            node.link.cut_connections();
        }
        // A restart as a client sees it: nobody answers for a while.
        node.link.cut(true);
        pause(1_000);
        node.link.cut(false);
        pause(500);
        node.link.delay(40);
        pause(1_500);
        node.link.delay(0);
        pause(500);
    });
    println!("{} acknowledged, {put_off} put off", acknowledged.len());
    assert!(!acknowledged.is_empty() && put_off > 0, "both must have happened");
    node.has_recovered(&acknowledged);
}

#[test]
fn codes_and_refresh_tokens_are_taken_once_whatever_the_connection_does() {
    let Some(node) = Linked::start("once") else { return };
    let mut person = Person::at(node.server.port);
    let mut http = node.server.http();
    let (mut redeemed, mut put_off) = (0, 0);
    for round in 0..12 {
        let code = person.authorize(&node.app).unwrap();
        // The connection goes away somewhere in the exchange, or right before.
        let first = thread::scope(|scope| {
            let exchange =
                scope.spawn(|| node.app.exchange(&mut node.server.http(), &code).unwrap());
            thread::sleep(Duration::from_micros(random() % 12_000));
            node.link.cut_connections();
            exchange.join().unwrap()
        });
        assert!([200, 503].contains(&first.status), "round {round}: {first:?}");
        let again = loop {
            let again = node.app.exchange(&mut http, &code).unwrap();
            if again.status != 503 {
                break again;
            }
        };
        match (first.status, again.status) {
            (200, 400) => redeemed += 1,
            // Whether it was spent before the connection was lost only the database knows; once it is, at the latest now.
            (503, 200 | 400) => put_off += 1,
            _ => panic!("round {round}: it was taken twice: {first:?} {again:?}"),
        }
        if again.status == 200 {
            let third = node.app.exchange(&mut http, &code).unwrap();
            assert_eq!(third.status, 400, "round {round}: {third:?}");
        }
    }
    println!("{redeemed} redeemed at once, {put_off} put off");
}

#[test]
fn a_database_that_takes_no_writes_still_answers_what_needs_none() {
    let Some(node) = Linked::start("readonly") else { return };
    let acknowledged = vec![node.create(&mut node.server.http()).expect("it works")];
    node.schema.as_superuser("ALTER ROLE {role} SET default_transaction_read_only = on");
    node.link.cut_connections();
    let mut http = node.server.http();
    for _ in 0..5 {
        assert_eq!(node.create(&mut http), None, "it cannot be kept");
    }
    let headers = [("authorization", node.bearer.as_str())];
    let found = http.send("GET", &acknowledged[0], &headers, "").unwrap();
    assert_eq!(found.status, 200, "{found:?}");
    let jwks = http.send("GET", "/oidc/jwks", &[], "").unwrap();
    assert_eq!(jwks.status, 200, "{jwks:?}");
    node.schema.as_superuser("ALTER ROLE {role} SET default_transaction_read_only = off");
    // A failover hands out new connections; so does this.
    node.link.cut_connections();
    node.has_recovered(&acknowledged);
}

#[test]
fn a_postgresql_that_is_killed_and_started_again_loses_nothing_that_was_acknowledged() {
    let Some(mut cluster) = Cluster::create(&["fsync=on"], &[]) else { return };
    let key = MasterKey::generate(&SystemRandomness).to_text().to_string();
    let node = Node::start(cluster.url(), key);
    let mut all = Vec::new();
    for round in 0..rounds().div_ceil(10) {
        let (mut acknowledged, put_off) = node.under_load(|| {
            pause(200 + random() % 500);
            cluster.kill();
            pause(random() % 1_500);
            cluster.start();
            pause(300);
        });
        println!("round {round}: {} acknowledged, {put_off} put off", acknowledged.len());
        assert!(!acknowledged.is_empty() && put_off > 0, "both must have happened");
        // Each round's own; everything once more at the end, for reading it all each time would take longer than all kills.
        node.has_recovered(&acknowledged);
        all.append(&mut acknowledged);
    }
    node.has_recovered(&all);
}

#[test]
fn a_database_that_hangs_does_not_keep_a_server_that_is_told_to_stop() {
    let Some(mut linked) = Linked::start("hang") else { return };
    // Longer than anybody waits.
    linked.link.delay(60_000);
    // Until a job waits for it.
    pause(1_000);
    let told = Instant::now();
    linked.node.server.terminate();
    let (status, log) = linked.node.server.ended();
    let taken = told.elapsed();
    // For the schema to be dropped.
    linked.link.cut(true);
    assert!(status.success(), "{log}");
    assert!(taken < Duration::from_millis(12_500), "{taken:?}: {log}");
}
