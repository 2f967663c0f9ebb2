//! `/api/users`, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

/// The refusal's code.
fn code(answer: &Answer) -> String {
    text(&answer.json(), "/code").to_owned()
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    list.as_array()
        .expect("a list")
        .iter()
        .map(|user| user["username"].as_str().unwrap_or("-").to_owned())
        .collect()
}

async fn listed(admin: &Admin, query: &str) -> Vec<String> {
    names(&admin.get(&format!("/api/users?{query}")).await.expect(200))
}

#[tokio::test]
async fn a_user_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin
        .create(
            "/api/users",
            json!({
                "username": "ana", "primaryEmail": "Ana@Example.com", "primaryPhone": "5511912345678",
                "name": "Ana Souza", "avatar": "https://example.com/a.png", "password": "weak",
                "customData": { "plan": "free", "seats": 1 },
                "profile": { "nickname": "Aninha", "address": { "country": "BR" } },
            }),
        )
        .await;
    let id = text(&user, "/id");
    assert_eq!(id.len(), 12);
    let now = 1_767_225_600_000_i64;
    assert_eq!(
        user,
        json!({
            "id": id, "username": "ana", "primaryEmail": "Ana@Example.com", "primaryPhone": "5511912345678",
            "name": "Ana Souza", "avatar": "https://example.com/a.png", "customData": { "plan": "free", "seats": 1 },
            "identities": {}, "lastSignInAt": null, "createdAt": now, "updatedAt": now,
            "profile": { "nickname": "Aninha", "address": { "country": "BR" } }, "applicationId": null,
            "cimdClientId": null, "isSuspended": false, "hasPassword": true,
        })
    );
    let path = format!("/api/users/{id}");
    assert_eq!(admin.get(&path).await.expect(200).json(), user);
    let with_identities = admin.get(&format!("{path}?includeSsoIdentities=true")).await.expect(200);
    assert_eq!(with_identities.json()["ssoIdentities"], json!([]));

    server.clock().advance(5);
    let changed = admin
        .patch(&path, json!({ "name": null, "avatar": "", "customData": { "only": true } }))
        .await
        .expect(200)
        .json();
    assert_eq!(changed["name"], Value::Null);
    assert_eq!(changed["avatar"], Value::Null);
    assert_eq!(changed["username"], "ana");
    assert_eq!(changed["customData"], json!({ "only": true }));
    assert_eq!(
        (changed["createdAt"].as_i64(), changed["updatedAt"].as_i64()),
        (Some(now), Some(now + 5000))
    );
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);

    let data = json!({ "customData": { "more": [1, 2] } });
    let merged = admin.patch(&format!("{path}/custom-data"), data).await.expect(200).json();
    assert_eq!(merged, json!({ "only": true, "more": [1, 2] }));
    assert_eq!(admin.get(&format!("{path}/custom-data")).await.expect(200).json(), merged);

    let profile = json!({ "profile": { "gender": "f", "address": { "region": "SP" } } });
    let merged = admin.patch(&format!("{path}/profile"), profile).await.expect(200).json();
    assert_eq!(
        merged,
        json!({ "nickname": "Aninha", "gender": "f", "address": { "region": "SP" } })
    );

    let _ = admin.delete(&path).await.expect(204);
    let gone = admin.get(&path).await.expect(404);
    assert_eq!(code(&gone), "entity.not_exists_with_id");
    let _ = admin.delete(&path).await.expect(404);
    let _ = admin.patch(&path, json!({ "name": "x" })).await.expect(404);
}

#[tokio::test]
async fn identifiers_are_unique_and_the_last_one_stays() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ana = admin
        .create("/api/users", json!({ "username": "ana", "primaryEmail": "ana@example.com" }))
        .await;
    for (body, expected) in [
        (json!({ "username": "ana" }), "user.username_already_in_use"),
        (json!({ "primaryEmail": "ANA@example.com" }), "user.email_already_in_use"),
    ] {
        assert_eq!(code(&admin.post("/api/users", body).await.expect(422)), expected);
    }
    // The case of user names matters unless the policy says otherwise.
    let other = admin
        .create("/api/users", json!({ "username": "Ana", "primaryPhone": "351912345678" }))
        .await;
    let path = format!("/api/users/{}", text(&other, "/id"));
    let taken = admin.patch(&path, json!({ "username": "ana" })).await.expect(422);
    assert_eq!(code(&taken), "user.username_already_in_use");
    let taken =
        admin.post("/api/users", json!({ "primaryPhone": "351912345678" })).await.expect(422);
    assert_eq!(code(&taken), "user.phone_already_in_use");

    let _ = admin.patch(&path, json!({ "username": null })).await.expect(200);
    let last = admin.patch(&path, json!({ "primaryPhone": null })).await.expect(400);
    assert_eq!(code(&last), "user.last_sign_in_method_required");
    // A freed name can be taken.
    let _ = admin.post("/api/users", json!({ "username": "Ana" })).await.expect(200);
    // A user with no identifier at all is allowed, twice.
    let _ = admin.post("/api/users", json!({})).await.expect(200);
    let _ = admin.post("/api/users", json!({})).await.expect(200);
    assert_eq!(ana["hasPassword"], false);
}

#[tokio::test]
async fn of_many_creations_of_one_name_at_once_one_succeeds() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let attempts = (0..8).map(|_| admin.post("/api/users", json!({ "username": "ana" })));
    let answers = futures_util::future::join_all(attempts).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422, 422, 422, 422, 422]);
}

#[tokio::test]
async fn changes_that_come_at_once_are_all_kept() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin.create("/api/users", json!({ "username": "ana" })).await;
    let path = format!("/api/users/{}/custom-data", text(&user, "/id"));
    let changes =
        (0..8).map(|n| admin.patch(&path, json!({ "customData": { (format!("key{n}")): n } })));
    for answer in futures_util::future::join_all(changes).await {
        let _ = answer.expect(200);
    }
    let data = admin.get(&path).await.expect(200).json();
    assert_eq!(data.as_object().unwrap().len(), 8, "{data}");
}

#[tokio::test]
async fn malformed_bodies_are_refused_by_member() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (body, member) in [
        (json!({ "username": "9ana" }), "username"),
        (json!({ "primaryEmail": "ana" }), "primaryEmail"),
        (json!({ "primaryPhone": "+55 11" }), "primaryPhone"),
        (json!({ "avatar": "javascript:alert(1)" }), "avatar"),
        (json!({ "customData": [] }), "customData"),
        (json!({ "password": "" }), "password"),
    ] {
        let answer = admin.post("/api/users", body).await.expect(400);
        assert_eq!(code(&answer), "guard.invalid_input");
        assert_eq!(text(&answer.json(), "/data/issues/0/path/0"), member);
    }
    let digest = json!({ "username": "ana", "passwordDigest": "x", "passwordAlgorithm": "rot13" });
    assert_eq!(code(&admin.post("/api/users", digest).await.expect(400)), "guard.invalid_input");
    let nul = admin.post("/api/users", json!({ "name": "a\0b" })).await.expect(400);
    assert_eq!(code(&nul), "guard.invalid_input");
}

#[tokio::test]
async fn passwords_are_set_verified_and_never_shown() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin.create("/api/users", json!({ "username": "ana" })).await;
    let path = format!("/api/users/{}", text(&user, "/id"));
    let verify = format!("{path}/password/verify");
    let has = admin.get(&format!("{path}/has-password")).await.expect(200);
    assert_eq!(has.json(), json!({ "hasPassword": false }));
    let wrong = admin.post(&verify, json!({ "password": "x" })).await.expect(422);
    assert_eq!(code(&wrong), "session.invalid_credentials");

    let set = admin
        .patch(&format!("{path}/password"), json!({ "password": "correct horse" }))
        .await
        .expect(200);
    assert_eq!(set.json()["hasPassword"], true);
    assert!(!set.text.contains("argon2"));
    assert!(!set.text.contains("correct horse"));
    let _ = admin.post(&verify, json!({ "password": "correct horse" })).await.expect(204);
    let _ = admin.post(&verify, json!({ "password": "wrong" })).await.expect(422);
    let has = admin.get(&format!("{path}/has-password")).await.expect(200);
    assert_eq!(has.json(), json!({ "hasPassword": true }));
    let shown = admin.get(&path).await.expect(200);
    assert!(!shown.text.contains("argon2"), "a hash is shown to those who ask for it");
    let _ = admin.patch("/api/users/nobody/password", json!({ "password": "x" })).await.expect(404);
    let _ = admin
        .post("/api/users/nobody/password/verify", json!({ "password": "x" }))
        .await
        .expect(404);
}

#[tokio::test]
async fn users_are_listed_newest_first_in_pages() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for n in 0..5 {
        server.clock().advance(10);
        admin.create("/api/users", json!({ "username": format!("user_{n}") })).await;
    }
    let first = admin.get("/api/users?page=1&page_size=2").await.expect(200);
    assert_eq!(names(&first), ["user_4", "user_3"]);
    assert_eq!(first.header("total-number"), "5");
    assert!(first.header("link").contains("rel=\"next\""));
    assert_eq!(listed(&admin, "page=3&page_size=2").await, ["user_0"]);
    let _ = admin.get("/api/users?page=0").await.expect(400);
}

#[tokio::test]
async fn users_are_searched_by_pattern_and_exactly() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (username, email, name) in [
        ("ana_9", "Ana@Example.com", "Ana Souza"),
        ("anab9", "bia@example.com", "Beatriz"),
        ("carlos", "carlos@ana.example", "100% Carlos"),
    ] {
        server.clock().advance(10);
        admin
            .create(
                "/api/users",
                json!({ "username": username, "primaryEmail": email, "name": name }),
            )
            .await;
    }
    assert_eq!(listed(&admin, "search=%25ANA%25").await, ["carlos", "anab9", "ana_9"]);
    assert_eq!(listed(&admin, "search=ana").await, Vec::<String>::new());
    assert_eq!(listed(&admin, "search.username=ana_9").await, ["anab9", "ana_9"]);
    assert_eq!(listed(&admin, "search.username=ana%5C_9").await, ["ana_9"]);
    assert_eq!(listed(&admin, "search.name=%25%5C%25%25").await, ["carlos"]);
    assert_eq!(listed(&admin, "search.username=ana_9&mode=exact").await, ["ana_9"]);
    assert_eq!(listed(&admin, "search.primaryEmail=ana@example.com").await, ["ana_9"]);
    assert_eq!(
        listed(&admin, "search.primaryEmail=ana@example.com&isCaseSensitive=true").await,
        Vec::<String>::new()
    );
    let exact =
        "search.username=carlos&search.username=anab9&mode.username=exact&search.name=x&joint=or";
    assert_eq!(listed(&admin, exact).await, ["carlos", "anab9"]);
    let both = "search.username=%25a%25&search.name=%25ana%25&joint=and";
    assert_eq!(listed(&admin, both).await, ["ana_9"]);
    let searched = admin.get("/api/users?search=%25ana%25&page_size=1").await.expect(200);
    assert_eq!(searched.header("total-number"), "3");
    for query in ["search=x&mode=glob", "search=", "search.avatar=x", "search=x%5C"] {
        let answer = admin.get(&format!("/api/users?{query}")).await.expect(400);
        assert_eq!(code(&answer), "request.invalid_input", "{query}");
    }
}

#[tokio::test]
async fn new_users_get_the_default_roles_and_lists_leave_holders_out() {
    let server = Server::start().await;
    let admin = server.admin().await;
    admin.create("/api/users", json!({ "username": "before" })).await;
    let body = json!({ "name": "reader", "description": "x", "type": "User", "isDefault": true });
    let role = admin.create("/api/roles", body).await;
    let user = admin.create("/api/users", json!({ "username": "after" })).await;
    let roles = admin.get(&format!("/api/users/{}/roles", text(&user, "/id"))).await.expect(200);
    assert_eq!(text(&roles.json(), "/0/id"), text(&role, "/id"));
    let excluding = format!("excludeRoleId={}", text(&role, "/id"));
    assert_eq!(listed(&admin, &excluding).await, ["before"]);
    assert_eq!(
        listed(&admin, &format!("{excluding}&search=%25after%25")).await,
        Vec::<String>::new()
    );

    let organization = admin.create("/api/organizations", json!({ "name": "Acme" })).await;
    let id = text(&organization, "/id");
    let members = json!({ "userIds": [text(&user, "/id")] });
    let _ = admin.post(&format!("/api/organizations/{id}/users"), members).await.expect(201);
    assert_eq!(listed(&admin, &format!("excludeOrganizationId={id}")).await, ["before"]);
}

#[tokio::test]
async fn without_a_token_there_are_no_users() {
    let server = Server::start().await;
    let answer = server.browser().get("/api/users").await.expect(401);
    assert_eq!(code(&answer), "auth.authorization_header_missing");
}
