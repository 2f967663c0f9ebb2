//! Three nodes on one database behind a proxy that gives each connection to the next of them.

#![expect(clippy::disallowed_methods, reason = "how long a server takes is measured from outside")]

use std::thread;
use std::time::{Duration, Instant};

use crate::balancer::Balancer;
use crate::http::{Answer, Http};
use crate::person::{App, Person, create_account};
use crate::postgres::Schema;
use crate::running::{Place, Server, json};

struct Nodes {
    _schema: Schema,
    _places: Vec<Place>,
    nodes: Vec<Server>,
    proxy: u16,
    bearer: String,
}

impl Nodes {
    fn start(name: &str) -> Option<Self> {
        let schema = Schema::create(name)?;
        let places: Vec<Place> = (0..3).map(|_| schema.node("http://id.test")).collect();
        let nodes: Vec<Server> = places.iter().map(Place::serve).collect();
        let credentials = json(&places[0].done(&["init", "--json"]));
        let bearer = format!("Bearer {}", nodes[2].token(&credentials));
        let proxy = Balancer::before(nodes.iter().map(|node| node.port)).port;
        Some(Self { _schema: schema, _places: places, nodes, proxy, bearer })
    }

    /// A connection of its own, and so the next node.
    fn next(&self) -> Http {
        Http::connect(self.proxy).unwrap()
    }

    fn get(&self, http: &mut Http, path: &str) -> Answer {
        http.send("GET", path, &[("authorization", &self.bearer)], "").unwrap()
    }
}

#[test]
fn a_sign_in_crosses_three_nodes_and_parallel_refreshes_never_fork() {
    let Some(it) = Nodes::start("three") else { return };
    create_account(&mut it.next(), &it.bearer);
    let app = App::register(&mut it.next(), &it.bearer, 10);
    let mut person = Person::at(it.proxy);
    // Three sign-ins of four and more requests each, so that every step is done by every node.
    for _ in 0..3 {
        let mut stranger = Person::at(it.proxy);
        stranger.authorize(&app).unwrap();
    }
    let code = person.authorize(&app).unwrap();
    let tokens = app.exchange(&mut it.next(), &code).unwrap();
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let access = format!("Bearer {}", tokens.text("/access_token"));
    for _ in 0..3 {
        let headers = [("authorization", access.as_str())];
        let answer = it.next().send("GET", "/oidc/me", &headers, "").unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    // Every node at once, with one token: all get the same successor.
    let token = tokens.text("/refresh_token");
    let answers: Vec<Answer> = thread::scope(|scope| {
        let asking: Vec<_> =
            (0..9).map(|_| scope.spawn(|| app.refresh(&mut it.next(), &token).unwrap())).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let successor = answers[0].text("/refresh_token");
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.text("/refresh_token"), successor);
    }

    // The same session is known to each, and a code is redeemed by one of them, once.
    let code = person.authorize(&app).unwrap();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..9)
            .map(|_| scope.spawn(|| app.exchange(&mut it.next(), &code).unwrap().status))
            .collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let redeemed = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 400).count();
    assert_eq!((redeemed, refused), (1, 8), "{statuses:?}");
}

#[test]
fn a_change_of_the_configuration_is_seen_by_every_node_within_a_second() {
    const PROMISED: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_millis(20);
    /// A machine that is busy with other tests may take longer in one round or another; one that never ends is an error.
    const AT_MOST: Duration = Duration::from_secs(10);
    let Some(it) = Nodes::start("changes") else { return };
    let path = "/api/sign-in-exp";
    let headers = [("authorization", it.bearer.as_str()), ("content-type", "application/json")];
    let mut taken = Vec::new();
    let mut last = 0;
    for color in ["#111111", "#222222", "#333333", "#444444"] {
        let body = format!(
            r#"{{"color":{{"primaryColor":"{color}","isDarkModeEnabled":false,"darkPrimaryColor":"{color}"}}}}"#
        );
        // Not the one that saw the change before as the last: it has just looked, so that luck is no help.
        let writer = &it.nodes[(last + 1) % it.nodes.len()];
        let written = writer.http().send("PATCH", path, &headers, &body).unwrap();
        assert_eq!(written.status, 200, "{written:?}");
        let acknowledged = Instant::now();
        let is_seen =
            |node: &Server| it.get(&mut node.http(), path).text("/color/primaryColor") == color;
        assert!(is_seen(writer), "whoever is told that it is done can rely on it");
        while let Some(late) = it.nodes.iter().position(|node| !is_seen(node)) {
            assert!(acknowledged.elapsed() < AT_MOST, "{color} is never seen");
            last = late;
            thread::sleep(PAUSE);
        }
        taken.push(acknowledged.elapsed());
    }
    println!("seen by all after {taken:?}");
    let quickest = taken[1..].iter().min().unwrap();
    assert!(*quickest <= PROMISED, "{taken:?}");
}
