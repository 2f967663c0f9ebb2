//! `/api/applications`, and what guards the whole Management API, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Answer, Method, REDIRECT_URI, Server, text};

#[tokio::test]
async fn an_application_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let metadata = json!({ "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] });
    let body = json!({ "name": "Shop", "type": "Traditional", "description": "Sells", "oidcClientMetadata": metadata });
    let created = admin.create("/api/applications", body).await;
    let path = format!("/api/applications/{}", text(&created, "/id"));
    assert_eq!(text(&created, "/id").len(), 21);
    assert!(created.get("secret").is_none(), "secrets are read where they are kept");

    let read = admin.get(&path).await.expect(200).json();
    assert_eq!((&read["name"], &read["isAdmin"]), (&json!("Shop"), &json!(false)));
    let changes = json!({ "name": "Store", "description": null, "customData": { "tier": 1 } });
    let changed = admin.patch(&path, changes).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Store"), &Value::Null));
    assert_eq!(changed["oidcClientMetadata"], read["oidcClientMetadata"], "what is absent stays");
    let merged = admin
        .patch(&format!("{path}/custom-data"), json!({ "plan": "pro" }))
        .await
        .expect(200)
        .json();
    assert_eq!(merged, json!({ "tier": 1, "plan": "pro" }));

    admin.delete(&path).await.expect(204);
    let gone = admin.get(&path).await.expect(404).json();
    assert_eq!(gone["code"], "entity.not_exists_with_id");
    assert!(gone["message"].is_string());
    admin.delete(&path).await.expect(404);
    admin.patch(&path, json!({ "name": "x" })).await.expect(404);
}

#[tokio::test]
async fn secrets_are_named_expire_and_stop_working_when_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (id, first) = admin.traditional("Shop").await;
    assert_eq!(first.len(), 32);
    let path = format!("/api/applications/{id}/secrets");
    let expires_at = (server.clock().now() + 60) * 1000;
    let second = admin
        .post(&path, json!({ "name": "deploy", "expiresAt": expires_at }))
        .await
        .expect(201)
        .json();
    let duplicate = admin.post(&path, json!({ "name": "deploy" })).await.expect(422).json();
    assert_eq!(duplicate["code"], "application.secret_name_exists");

    let accepted = async |secret: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        server.token((&id, secret), &form).await.json()["error"] == "invalid_grant"
    };
    assert!(accepted(&first).await && accepted(text(&second, "/value")).await);
    admin.patch(&format!("{path}/deploy"), json!({ "name": "ci" })).await.expect(200);
    assert!(accepted(text(&second, "/value")).await);
    server.clock().advance(61);
    assert!(accepted(&first).await && !accepted(text(&second, "/value")).await);
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let expired = server.token((&id, text(&second, "/value")), &form).await.expect(400).json();
    assert_eq!(expired["error"], "invalid_request");
    assert_eq!(expired["error_description"], "client secret has expired");
    admin.delete(&format!("{path}/Default%20secret")).await.expect(204);
    assert!(!accepted(&first).await);
    admin.delete(&format!("{path}/Default%20secret")).await.expect(404);

    let spa = admin.single_page("Page").await;
    let path = format!("/api/applications/{spa}/secrets");
    assert_eq!(admin.get(&path).await.expect(200).json(), json!([]));
    admin.post(&path, json!({ "name": "x" })).await.expect(422);
}

#[tokio::test]
async fn applications_are_listed_in_pages_and_filtered() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for number in 0..25 {
        server.clock().advance(1);
        let kind = if number % 5 == 0 { "SPA" } else { "Traditional" };
        admin
            .create(
                "/api/applications",
                json!({ "name": format!("App {number:02}"), "type": kind }),
            )
            .await;
    }
    let page = admin
        .get("/api/applications?page=2&page_size=10&types=Traditional&types=SPA")
        .await
        .expect(200);
    assert_eq!(page.header("total-number"), "25");
    let names: Vec<Value> =
        page.json().as_array().unwrap().iter().map(|app| app["name"].clone()).collect();
    assert_eq!((names.len(), &names[0]), (10, &json!("App 14")));
    let link = page.header("link");
    for relation in [
        "page=1&page_size=10>; rel=\"first\"",
        "rel=\"prev\"",
        "page=3&page_size=10>; rel=\"next\"",
        "rel=\"last\"",
    ] {
        assert!(link.contains(relation), "{link}");
    }
    assert!(
        link.contains(&format!(
            "<{}/api/applications?types=Traditional&types=SPA&page=",
            server.base()
        )),
        "{link}"
    );
    assert_eq!(admin.get("/api/applications?types=SPA").await.header("total-number"), "5");
    assert_eq!(
        admin.get("/api/applications?search=%25app%2007%25").await.header("total-number"),
        "1"
    );
    for bad in [
        "page=0",
        "page_size=0",
        "page_size=101",
        "page=x",
        "page=9223372036854775807&page_size=100",
    ] {
        let answer = admin.get(&format!("/api/applications?{bad}")).await.expect(400).json();
        assert_eq!(answer["code"], "guard.invalid_pagination", "{bad}");
    }
    admin.get("/api/applications?types=Toaster").await.expect(400);
}

#[tokio::test]
async fn a_body_that_breaks_a_rule_is_refused_by_the_name_of_the_member() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let with = |member: &str, value: Value| {
        let mut body = json!({ "name": "Shop", "type": "Traditional" });
        body[member] = value;
        body
    };
    let uris = |uri: &str| json!({ "redirectUris": [uri], "postLogoutRedirectUris": [] });
    for (body, path) in [
        (json!({ "type": "Traditional" }), "name"),
        (json!({ "name": "Shop" }), "type"),
        (with("name", json!("")), "name"),
        (with("name", json!("x".repeat(257))), "name"),
        (with("name", json!("nul\u{0}")), "name"),
        (with("type", json!("Toaster")), "type"),
        (with("customData", json!([])), "customData"),
        (
            with("oidcClientMetadata", uris("javascript:alert(1)")),
            "oidcClientMetadata.redirectUris",
        ),
        (with("oidcClientMetadata", uris("/relative")), "oidcClientMetadata.redirectUris"),
        (
            with("customClientMetadata", json!({ "refreshTokenTtlInDays": 181 })),
            "refreshTokenTtlInDays",
        ),
    ] {
        let answer = admin.post("/api/applications", body).await.expect(400).json();
        assert_eq!(answer["code"], "guard.invalid_input", "{answer}");
        assert!(answer.to_string().contains(path.rsplit('.').next().unwrap()), "{path}: {answer}");
    }
    let request = |content_type: &'static str, body: String| {
        let request =
            server.browser().request(Method::POST, "/api/applications").bearer_auth(admin.token());
        Answer::to(request.header("content-type", content_type).body(body))
    };
    request("application/json", "{".to_owned()).await.expect(400);
    request("application/json", "{} {}".to_owned()).await.expect(400);
    request("text/plain", "{}".to_owned()).await.expect(400);
    request("application/json", format!("{{\"name\":\"{}\"}}", "x".repeat(1_100_000)))
        .await
        .expect(413);
    let deep = format!(
        "{{\"name\":\"x\",\"type\":\"SPA\",\"customData\":{}{}}}",
        "{\"a\":".repeat(500),
        "1".to_owned() + &"}".repeat(500)
    );
    request("application/json", deep).await.expect(400);
    assert_eq!(
        admin.get("/api/applications").await.header("total-number"),
        "1",
        "nothing was stored"
    );
}

#[tokio::test]
async fn only_a_token_for_this_api_with_the_scope_opens_the_door() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let call = |authorization: Option<String>| {
        let request = server.browser().request(Method::GET, "/api/applications");
        Answer::to(match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        })
    };
    assert_eq!(call(None).await.expect(401).json()["code"], "auth.authorization_header_missing");
    let basic = call(Some("Basic eDp5".to_owned())).await.expect(401).json();
    assert_eq!(basic["code"], "auth.authorization_token_type_not_supported");
    let mut tampered = admin.token().to_owned();
    tampered.pop();
    for token in ["nonsense", "a.b.c", tampered.as_str()] {
        assert_eq!(
            call(Some(format!("Bearer {token}"))).await.expect(401).json()["code"],
            "auth.unauthorized"
        );
    }

    // A machine without the role gets a token without the scope; a token for another resource is for another door.
    let machine = admin
        .create("/api/applications", json!({ "name": "Robot", "type": "MachineToMachine" }))
        .await;
    let id = text(&machine, "/id");
    let secret = admin.secret_of(id).await;
    let other = json!({ "name": "Other", "indicator": "https://other.example" });
    admin.create("/api/resources", other).await;
    let token = async |resource: &str| {
        let form = [("grant_type", "client_credentials"), ("resource", resource), ("scope", "all")];
        let answer = server.token((id, &secret), &form).await.expect(200).json();
        format!("Bearer {}", text(&answer, "/access_token"))
    };
    let without_scope = token("https://default.logto.app/api").await;
    assert_eq!(call(Some(without_scope)).await.expect(403).json()["code"], "auth.forbidden");
    assert_eq!(
        call(Some(token("https://other.example").await)).await.expect(401).json()["code"],
        "auth.unauthorized"
    );

    admin.patch(&format!("/api/applications/{id}"), json!({ "isAdmin": true })).await.expect(200);
    call(Some(token("https://default.logto.app/api").await)).await.expect(200);
    server.clock().advance(3605);
    assert_eq!(
        call(Some(format!("Bearer {}", admin.token()))).await.expect(401).json()["code"],
        "auth.unauthorized"
    );
}

#[tokio::test]
async fn messages_come_in_the_readers_language() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let request = server
        .browser()
        .request(Method::GET, "/api/applications/nowhere")
        .bearer_auth(admin.token());
    let portuguese =
        Answer::to(request.header("accept-language", "pt-BR")).await.expect(404).json();
    let english = admin.get("/api/applications/nowhere").await.expect(404).json();
    assert_eq!(portuguese["code"], english["code"]);
    assert_ne!(portuguese["message"], english["message"]);
}

#[tokio::test]
async fn lifetimes_and_limits_have_bounds() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (id, _) = admin.traditional("Shop").await;
    let path = format!("/api/applications/{id}");
    for (member, value) in [
        ("idTokenTtl", json!(0)),
        ("idTokenTtl", json!(31_536_001)),
        ("idTokenTtl", json!(u32::MAX)),
        ("maxAllowedGrants", json!(0)),
    ] {
        let metadata = json!({ "customClientMetadata": { member: value } });
        let refused = admin.patch(&path, metadata.clone()).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input");
        assert!(refused.to_string().contains(member), "{refused}");
        let mut body = metadata;
        body["name"] = json!("Other");
        body["type"] = json!("Traditional");
        admin.post("/api/applications", body).await.expect(400);
    }
    for (member, value) in [("idTokenTtl", 1), ("idTokenTtl", 31_536_000), ("maxAllowedGrants", 1)]
    {
        let metadata = json!({ "customClientMetadata": { member: value } });
        let kept = admin.patch(&path, metadata).await.expect(200).json();
        assert_eq!(kept["customClientMetadata"][member], value);
    }
}

#[tokio::test]
async fn applications_in_browsers_and_on_devices_get_no_secret() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for kind in ["Native", "SPA"] {
        let metadata = json!({ "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] });
        let body = json!({ "name": "App", "type": kind, "oidcClientMetadata": metadata });
        let app = admin.create("/api/applications", body).await;
        assert!(app.get("secret").is_none_or(|secret| secret == ""), "{app}");
        let path = format!("/api/applications/{}/secrets", text(&app, "/id"));
        assert_eq!(admin.get(&path).await.expect(200).json(), json!([]));
        admin.post(&path, json!({ "name": "x" })).await.expect(422);
        assert_eq!(admin.get(&path).await.expect(200).json(), json!([]));
    }
}
