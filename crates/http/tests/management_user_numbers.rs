//! How many users there are, come and are active; who is found; and what ends a lockout, at the door.

use serde_json::{Value, json};
use trinco_core::Secret;
use trinco_core::users::{self, Registration};
use trinco_testkit::{Admin, Answer, Server, World, hidden, text};

const DAY: i64 = 86_400;

fn code(answer: &Answer) -> String {
    text(&answer.json(), "/code").to_owned()
}

async fn total(admin: &Admin, path: &str) -> String {
    admin.get(path).await.expect(200).header("total-number").to_owned()
}

/// Each list's total as it is kept, and as it is counted: a search that everything fits counts.
async fn totals(admin: &Admin, paths: &[&str]) {
    for path in paths {
        let (kept, counted) =
            (total(admin, path).await, total(admin, &format!("{path}?search=%25_%25")).await);
        let counted = if path.ends_with("/api/users") { counted } else { count(admin, path).await };
        assert_eq!(kept, counted, "{path}");
    }
}

/// The rows themselves, page by page.
async fn count(admin: &Admin, path: &str) -> String {
    let mut rows = 0;
    for page in 1.. {
        let answer = admin.get(&format!("{path}?page_size=100&page={page}")).await.expect(200);
        let list = answer.json();
        let found = list.as_array().expect("a list").len();
        rows += found;
        if found < 100 {
            break;
        }
    }
    rows.to_string()
}

#[tokio::test]
async fn totals_stay_true_through_everything() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let role =
        json!({ "name": "reader", "description": "Reads", "type": "User", "isDefault": true });
    let role = text(&admin.create("/api/roles", role).await, "/id").to_owned();
    let extra = json!({ "name": "writer", "description": "Writes", "type": "User" });
    let extra = text(&admin.create("/api/roles", extra).await, "/id").to_owned();
    let mut organizations = Vec::new();
    for name in ["Acme", "Bolt"] {
        let made = admin.create("/api/organizations", json!({ "name": name })).await;
        organizations.push(text(&made, "/id").to_owned());
    }
    let mut users = Vec::new();
    for number in 0..24 {
        let body = json!({ "username": format!("user{number}") });
        users.push(text(&admin.create("/api/users", body).await, "/id").to_owned());
    }
    let of_role = format!("/api/roles/{role}/users");
    let of_extra = format!("/api/roles/{extra}/users");
    let of_acme = format!("/api/organizations/{}/users", organizations[0]);
    let of_bolt = format!("/api/organizations/{}/users", organizations[1]);
    let lists = ["/api/users", "/api/organizations", &of_role, &of_extra, &of_acme, &of_bolt];
    admin.post(&of_acme, json!({ "userIds": users[..20] })).await.expect(201);
    // Those who are members already are not counted twice.
    admin.post(&of_acme, json!({ "userIds": users[10..22] })).await.expect(201);
    admin.post(&of_bolt, json!({ "userIds": users[..3] })).await.expect(201);
    admin.post(&of_extra, json!({ "userIds": users[..5] })).await.expect(201);
    totals(&admin, &lists).await;
    assert_eq!(total(&admin, &of_acme).await, "22");
    assert_eq!(total(&admin, &of_role).await, "24");

    admin.put(&of_bolt, json!({ "userIds": users[2..6] })).await.expect(204);
    admin.delete(&format!("{of_acme}/{}", users[7])).await.expect(204);
    admin.delete(&format!("{of_role}/{}", users[8])).await.expect(204);
    let path = format!("/api/users/{}/roles", users[9]);
    admin.put(&path, json!({ "roleIds": [extra] })).await.expect(200);
    // What is refused is not counted.
    admin.post(&of_extra, json!({ "userIds": [users[20], users[9]] })).await.expect(422);
    admin.post("/api/users", json!({ "username": "user0" })).await.expect(422);
    totals(&admin, &lists).await;

    for id in &users[..4] {
        admin.delete(&format!("/api/users/{id}")).await.expect(204);
    }
    totals(&admin, &lists).await;
    assert_eq!(total(&admin, "/api/users").await, "20");
    assert_eq!(total(&admin, &of_bolt).await, "2");

    admin.delete(&format!("/api/organizations/{}", organizations[0])).await.expect(204);
    admin.delete(&format!("/api/roles/{role}")).await.expect(204);
    admin.delete(&format!("/api/users/{}", users[5])).await.expect(204);
    let lists = ["/api/users", "/api/organizations", &of_extra, &of_bolt];
    totals(&admin, &lists).await;
    assert_eq!(total(&admin, "/api/organizations").await, "1");
    // Nothing is kept of what is gone.
    let select = trinco_db::sql!(
        "SELECT COUNT(*) FROM counts WHERE tenant_id = $1 AND owner_id IN ($2, $3)"
    );
    let mut conn = server.tenant().read().await.expect("a connection");
    let row = conn.one(select, trinco_db::params![&organizations[0], &role]).await.expect("a row");
    assert_eq!(row.get::<i64>(0).expect("a number"), 0);
}

#[tokio::test]
async fn whoever_signs_up_is_counted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let role =
        json!({ "name": "reader", "description": "Reads", "type": "User", "isDefault": true });
    let role = text(&admin.create("/api/roles", role).await, "/id").to_owned();
    let new = Registration {
        username: "ana".to_owned(),
        password: Secret::new("long enough to be good".to_owned()),
        application_id: None,
    };
    users::register(server.tenant(), new.clone()).await.expect("an account");
    users::register(server.tenant(), new).await.expect_err("the name is taken");
    assert_eq!(total(&admin, "/api/users").await, "1");
    assert_eq!(total(&admin, &format!("/api/roles/{role}/users")).await, "1");
    let listed = admin.get("/api/roles").await.expect(200).json();
    let reader = listed.as_array().expect("roles").iter().find(|one| one["id"] == role.as_str());
    assert_eq!(reader.expect("the role")["usersCount"], 1);
}

#[tokio::test]
async fn totals_stay_true_when_much_happens_at_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let made = admin.create("/api/organizations", json!({ "name": "Acme" })).await;
    let members = format!("/api/organizations/{}/users", text(&made, "/id"));
    let role =
        json!({ "name": "reader", "description": "Reads", "type": "User", "isDefault": true });
    let role = text(&admin.create("/api/roles", role).await, "/id").to_owned();
    let of_role = format!("/api/roles/{role}/users");
    let rounds = (0..12).map(|number| {
        let (admin, members) = (admin.clone(), members.clone());
        async move {
            let body = json!({ "username": format!("user{number}") });
            let id = text(&admin.create("/api/users", body).await, "/id").to_owned();
            let joins = admin.post(&members, json!({ "userIds": [id] }));
            if number % 3 == 0 {
                let path = format!("/api/users/{id}");
                // Whichever comes first, the member is gone in the end, or was none.
                let (_, deleted) = futures_util::future::join(joins, admin.delete(&path)).await;
                deleted.expect(204);
            } else {
                joins.await.expect(201);
            }
        }
    });
    futures_util::future::join_all(rounds).await;
    totals(&admin, &["/api/users", &members, &of_role]).await;
    assert_eq!(total(&admin, &members).await, "8");
}

#[tokio::test]
async fn new_users_are_counted_by_day_and_week() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    let new = async |admin: &Admin| admin.get("/api/dashboard/users/new").await.expect(200).json();
    admin.user("ana", "correct horse").await;
    admin.user("bia", "correct horse").await;
    let total = admin.get("/api/dashboard/users/total").await.expect(200).json();
    assert_eq!(total, json!({ "totalUserCount": 2 }));
    let two = json!({ "count": 2, "delta": 2 });
    assert_eq!(new(&admin).await, json!({ "today": two, "last7Days": two }));
    server.clock().advance(DAY);
    admin.renew().await;
    admin.user("caio", "correct horse").await;
    assert_eq!(
        new(&admin).await,
        json!({ "today": { "count": 1, "delta": -1 }, "last7Days": { "count": 3, "delta": 3 } })
    );
    server.clock().advance(6 * DAY);
    admin.renew().await;
    assert_eq!(
        new(&admin).await,
        json!({ "today": { "count": 0, "delta": 0 }, "last7Days": { "count": 1, "delta": -1 } })
    );
}

#[tokio::test]
async fn users_are_active_on_the_days_they_sign_in_or_get_tokens() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let scope = "openid offline_access";
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, trinco_testkit::USER, scope, &[]).await;
    world.admin.user("bia", "battery staple").await;
    let bia = ("bia", "battery staple");
    let again = world.server.browser();
    world.server.sign_in(&again, client, bia, scope, &[]).await;
    world.server.sign_in(&world.server.browser(), client, bia, scope, &[]).await;

    let mut admin = world.admin.clone();
    let active = async |admin: &Admin, query: &str| {
        admin.get(&format!("/api/dashboard/users/active{query}")).await.expect(200).json()
    };
    let numbers = |shown: &Value| -> Vec<i64> {
        ["/dau", "/wau", "/mau"]
            .iter()
            .flat_map(|path| {
                ["count", "delta"].map(|name| shown.pointer(path).expect("a part")[name].as_i64())
            })
            .map(|number| number.expect("a number"))
            .collect()
    };
    let shown = active(&admin, "").await;
    assert_eq!(numbers(&shown), [2, 2, 2, 2, 2, 2], "each counts once");
    let curve = shown["dauCurve"].as_array().expect("a curve").clone();
    assert_eq!(curve.len(), 30);
    assert_eq!(curve[29], json!({ "date": "2026-01-01", "count": 2 }));
    assert_eq!(curve[0], json!({ "date": "2025-12-03", "count": 0 }));

    // Alice comes back with a refresh token, ten days later.
    world.server.clock().advance(10 * DAY);
    admin.renew().await;
    world.refresh(client, tokens.refresh(), &[]).await.expect(200);
    assert_eq!(numbers(&active(&admin, "").await), [1, 1, 1, -1, 2, 2]);
    world.server.clock().advance(DAY);
    admin.renew().await;
    assert_eq!(numbers(&active(&admin, "").await), [0, -1, 1, -1, 2, 2]);
    assert_eq!(numbers(&active(&admin, "?date=2026-01-01").await), [2, 2, 2, 2, 2, 2]);
    world.server.clock().advance(60 * DAY);
    admin.renew().await;
    assert_eq!(numbers(&active(&admin, "").await), [0, 0, 0, 0, 0, 0]);
    for date in ["2026-02-30", "yesterday", "2026-1-1"] {
        let refused = admin.get(&format!("/api/dashboard/users/active?date={date}")).await;
        assert_eq!(code(&refused.expect(400)), "guard.invalid_input");
    }
}

#[tokio::test]
async fn users_are_found_by_regular_expressions() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (username, email, name) in [
        ("ana", "ana@example.com", "Ana Souza"),
        ("joana", "joana@example.org", "Joana Lima"),
        ("caio", "caio99@example.com", "Caio"),
    ] {
        let body = json!({ "username": username, "primaryEmail": email, "name": name });
        admin.create("/api/users", body).await;
        server.clock().advance(1);
    }
    let found = async |query: &[(&str, &str)]| {
        let mut url = url::form_urlencoded::Serializer::new(String::new());
        let answer = admin.get(&format!("/api/users?{}", url.extend_pairs(query).finish())).await;
        let list = answer.expect(200).json();
        let mut names: Vec<String> = list
            .as_array()
            .expect("a list")
            .iter()
            .map(|user| text(user, "/username").to_owned())
            .collect();
        names.sort();
        names
    };
    for (query, expected) in [
        (vec![("search", "^A.*A$"), ("mode", "posix"), ("isCaseSensitive", "false")], vec!["ana"]),
        (
            vec![("search.name", "ana"), ("mode.name", "posix"), ("isCaseSensitive", "true")],
            vec!["joana"],
        ),
        (vec![("search.primaryEmail", r"\d{2}@"), ("mode", "posix")], vec!["caio"]),
        (
            vec![("search.username", "(jo)?ana"), ("mode.username", "similar_to")],
            vec!["ana", "joana"],
        ),
        (vec![("search", "%@example._om"), ("mode", "similar_to")], vec!["ana", "caio"]),
        (
            vec![
                ("search.primaryEmail", "%.com"),
                ("mode.primaryEmail", "similar_to"),
                ("search.username", "caio"),
                ("mode.username", "exact"),
                ("joint", "and"),
            ],
            vec!["caio"],
        ),
        (
            vec![
                ("search.username", "ana"),
                ("search.username", "CAIO"),
                ("mode.username", "exact"),
            ],
            vec!["ana", "caio"],
        ),
    ] {
        assert_eq!(found(&query).await, expected, "{query:?}");
    }
    for query in ["search=(a&mode=posix", "search=a**&mode=posix", "search=%5Cbx&mode=posix"] {
        let refused = admin.get(&format!("/api/users?{query}")).await.expect(400);
        assert_eq!(code(&refused), "request.invalid_input");
    }
}

#[tokio::test]
async fn an_administrator_ends_a_lockout() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let policy = json!({ "sentinelPolicy": { "maxAttempts": 2, "lockoutDuration": 60 } });
    admin.patch("/api/sign-in-exp", policy).await.expect(200);
    let app = admin.single_page("Shop").await;
    admin.user("ana", "correct horse").await;
    let attempt = async |name: &str, password: &str| {
        let browser = server.browser();
        let url = server.authorization_url(&app, "openid", &[]);
        let page = browser.get(&url).await.location().to_owned();
        let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
        let fields = [("xsrf", xsrf.as_str()), ("identifier", name), ("password", password)];
        browser.submit(&page, &fields).await.status.as_u16()
    };
    let right = async || attempt("ana", "correct horse").await;
    let fail = async || {
        attempt("ana", "wrong").await;
        attempt("ana", "wrong").await;
    };
    assert_eq!(right().await, 303);
    fail().await;
    assert_ne!(right().await, 303, "locked out");
    let end = "/api/sentinel-activities/delete";
    let other = json!({ "targetType": "App", "targets": ["ana"] });
    admin.post(end, other).await.expect(204);
    assert_ne!(right().await, 303, "no application has that name");
    admin.post(end, json!({ "targetType": "User", "targets": ["ANA"] })).await.expect(204);
    assert_eq!(right().await, 303);
    for body in [
        json!({ "targetType": "User" }),
        json!({ "targetType": "Robot", "targets": [] }),
        json!({ "targetType": "User", "targets": vec!["a"; 101] }),
    ] {
        assert_eq!(code(&admin.post(end, body).await.expect(400)), "guard.invalid_input");
    }
}

#[tokio::test]
async fn user_names_that_differ_in_case_are_listed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/sign-in-exp/username-policy/case-sensitivity-conflicts";
    let none = admin.get(&format!("{path}?limit=20")).await.expect(200).json();
    assert_eq!(none, json!({ "totalConflicts": 0, "samples": [] }));
    let mut ids = Vec::new();
    for name in ["bia", "Bia", "ana", "ANA", "Ana", "caio"] {
        ids.push(admin.user(name, "correct horse").await);
        server.clock().advance(1);
    }
    let all = admin.get(path).await.expect(200).json();
    assert_eq!(
        all,
        json!({
            "totalConflicts": 2,
            "samples": [
                { "usernameLower": "ana", "userIds": [ids[2], ids[3], ids[4]] },
                { "usernameLower": "bia", "userIds": [ids[0], ids[1]] },
            ],
        })
    );
    let one = admin.get(&format!("{path}?limit=1")).await.expect(200).json();
    assert_eq!(
        (&one["totalConflicts"], one["samples"].as_array().map(Vec::len)),
        (&json!(2), Some(1))
    );
    for limit in ["0", "101", "many"] {
        let refused = admin.get(&format!("{path}?limit={limit}")).await.expect(400);
        assert_eq!(code(&refused), "guard.invalid_input");
    }
}

#[tokio::test]
async fn a_password_is_checked_by_the_policy() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = admin.user("anabela", "correct horse").await;
    let path = "/api/sign-in-exp/default/check-password";
    let good = json!({ "password": "long enough to be good", "userId": id });
    assert_eq!(admin.post(path, good).await.expect(200).json(), json!({ "result": true }));
    let short = json!({ "password": "abx", "userId": id });
    assert_eq!(
        admin.post(path, short).await.expect(400).json(),
        json!({
            "result": false,
            "issues": [{ "code": "password_rejected.too_short", "interpolation": { "min": 8 } }],
        })
    );
    let own = json!({ "password": "anabela12", "userId": id });
    let refused = admin.post(path, own).await.expect(400).json();
    assert_eq!(text(&refused, "/issues/0/code"), "password_rejected.user_info");
    let nobody = json!({ "password": "long enough to be good" });
    assert_eq!(code(&admin.post(path, nobody.clone()).await.expect(400)), "request.invalid_input");
    let unknown = json!({ "password": "x", "userId": "nobody" });
    admin.post(path, unknown).await.expect(404);
    let policy = json!({ "passwordPolicy": { "rejects": { "userInfo": false } } });
    admin.patch("/api/sign-in-exp", policy).await.expect(200);
    assert_eq!(admin.post(path, nobody).await.expect(200).json(), json!({ "result": true }));
}
