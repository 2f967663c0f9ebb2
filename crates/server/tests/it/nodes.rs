//! Three nodes on one database behind a proxy that gives each connection to the next of them.

use std::thread;
use std::time::Duration;

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
fn a_change_of_the_configuration_is_seen_by_every_node() {
    // Looks at each node for as long as 10 s, on a machine that is busy with other tests. How long it really took is printed: the
    // promise is a second.
    const PAUSE: Duration = Duration::from_millis(20);
    let Some(it) = Nodes::start("changes") else { return };
    let path = "/api/sign-in-exp";
    let headers = [("authorization", it.bearer.as_str()), ("content-type", "application/json")];
    for (round, color) in ["#111111", "#222222", "#333333"].into_iter().enumerate() {
        let body = format!(
            r#"{{"color":{{"primaryColor":"{color}","isDarkModeEnabled":false,"darkPrimaryColor":"{color}"}}}}"#
        );
        let writer = &it.nodes[round];
        let written = writer.http().send("PATCH", path, &headers, &body).unwrap();
        assert_eq!(written.status, 200, "{written:?}");
        let is_seen =
            |node: &Server| it.get(&mut node.http(), path).text("/color/primaryColor") == color;
        assert!(is_seen(writer), "whoever is told that it is done can rely on it");
        let mut pauses = 0;
        while !it.nodes.iter().all(is_seen) {
            assert!(pauses < 500, "{color} is never seen");
            pauses += 1;
            thread::sleep(PAUSE);
        }
        println!("seen by all after {pauses} pauses of 20 ms");
    }
}
