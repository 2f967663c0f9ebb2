//! Token exchange (RFC 8693), at the door.

use serde_json::{Value, json};
use trinco_testkit::{API, Answer, Method, REDIRECT_URI, Tokens, USER, World, text};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const IMPERSONATION: &str = "urn:logto:token-type:impersonation_token";
const PERSONAL: &str = "urn:logto:token-type:personal_access_token";
const ORDERS: &str = "read:orders write:orders";

/// A world with an application that may exchange tokens.
struct Exchange {
    world: World,
    app: (String, String),
}

impl Exchange {
    async fn start() -> Self {
        let world = World::start().await;
        let app = world.admin.traditional("Worker").await;
        let allowed = json!({ "customClientMetadata": { "allowTokenExchange": true } });
        world.admin.patch(&format!("/api/applications/{}", app.0), allowed).await.expect(200);
        Self { world, app }
    }

    fn client(&self) -> (&str, &str) {
        (&self.app.0, &self.app.1)
    }

    async fn exchange(&self, token: &str, kind: &str, more: &[(&str, &str)]) -> Answer {
        let mut form =
            vec![("grant_type", GRANT), ("subject_token", token), ("subject_token_type", kind)];
        form.extend(more);
        self.world.server.token(self.client(), &form).await
    }

    async fn subject_token(&self) -> String {
        let body = json!({ "userId": self.world.user_id, "context": { "ticket": 7 } });
        let answer = self.world.admin.post("/api/subject-tokens", body).await.expect(201).json();
        assert_eq!(answer["expiresIn"], 600);
        text(&answer, "/subjectToken").to_owned()
    }

    async fn personal_token(&self, body: Value) -> String {
        let path = format!("/api/users/{}/personal-access-tokens", self.world.user_id);
        text(&self.world.admin.create(&path, body).await, "/value").to_owned()
    }

    async fn suspend(&self) {
        let path = format!("/api/users/{}/is-suspended", self.world.user_id);
        self.world.admin.patch(&path, json!({ "isSuspended": true })).await.expect(200);
    }

    /// Tokens of the user from a sign-in to the application itself.
    async fn sign_in(&self, scope: &str) -> Tokens {
        let browser = self.world.server.browser();
        let more = [("resource", API)];
        self.world.server.sign_in(&browser, self.client(), USER, scope, &more).await
    }

    async fn userinfo(&self, token: &str) -> u16 {
        let request = self.world.server.browser().request(Method::GET, "/oidc/me");
        request.bearer_auth(token).send().await.expect("the server answers").status().as_u16()
    }
}

fn refused(answer: Answer, status: u16, error: &str) {
    let body = answer.expect(status).json();
    assert_eq!(body["error"], error, "{body}");
    assert_eq!(body["code"], format!("oidc.{error}"));
}

#[tokio::test]
async fn a_subject_token_is_exchanged_for_a_token_of_its_user_once() {
    let exchange = Exchange::start().await;
    let token = exchange.subject_token().await;
    assert!(token.starts_with("sub_") && token.len() == 25, "{token}");
    let more = [("resource", API), ("scope", ORDERS)];
    let answer = exchange.exchange(&token, IMPERSONATION, &more).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    let claims = Tokens::claims(text(&body, "/access_token"));
    let now = exchange.world.server.clock().now();
    assert_eq!(
        claims,
        json!({
            "jti": claims["jti"], "sub": exchange.world.user_id, "iat": now, "exp": now + 600, "scope": ORDERS,
            "client_id": exchange.app.0, "iss": exchange.world.server.issuer(), "aud": API,
        })
    );
    assert_eq!(
        body,
        json!({
            "access_token": body["access_token"], "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer",
            "expires_in": 600, "scope": ORDERS,
        })
    );
    // A replayed subject token.
    refused(exchange.exchange(&token, IMPERSONATION, &more).await, 400, "invalid_grant");
    // The older way to name it.
    let token = exchange.subject_token().await;
    exchange.exchange(&token, ACCESS_TOKEN, &more).await.expect(200);
    let token = exchange.subject_token().await;
    exchange.world.server.clock().advance(600);
    refused(exchange.exchange(&token, IMPERSONATION, &more).await, 400, "invalid_grant");
}

#[tokio::test]
async fn twenty_parallel_exchanges_of_one_subject_token_issue_one_token() {
    let exchange = Exchange::start().await;
    let token = exchange.subject_token().await;
    let attempts =
        (0..20).map(|_| exchange.exchange(&token, IMPERSONATION, &[("scope", "openid")]));
    let answers = futures_util::future::join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_refused_exchange_does_not_spend_the_subject_token() {
    let exchange = Exchange::start().await;
    let token = exchange.subject_token().await;
    let fragment = format!("{API}#fragment");
    for resource in ["https://nowhere.example", "/api", &fragment] {
        let nowhere = [("resource", resource)];
        refused(exchange.exchange(&token, IMPERSONATION, &nowhere).await, 400, "invalid_target");
    }
    let foreign = exchange.world.admin.create("/api/organizations", json!({ "name": "X" })).await;
    let foreign = [("organization_id", text(&foreign, "/id"))];
    refused(exchange.exchange(&token, IMPERSONATION, &foreign).await, 403, "access_denied");
    exchange.exchange(&token, IMPERSONATION, &[]).await.expect(200);
}

#[tokio::test]
async fn a_personal_access_token_is_exchanged_until_it_expires_or_is_deleted() {
    let exchange = Exchange::start().await;
    let until = (exchange.world.server.clock().now() + 60) * 1000;
    let short = exchange.personal_token(json!({ "name": "Short", "expiresAt": until })).await;
    let long = exchange.personal_token(json!({ "name": "Long" })).await;
    assert!(long.starts_with("pat_") && long.len() == 36, "{long}");
    let more = [("scope", "openid profile offline_access")];
    for token in [&short, &short, &long] {
        let answer = exchange.exchange(token, PERSONAL, &more).await.expect(200).json();
        assert_eq!(answer["scope"], "openid profile", "there is no refresh token to ask for");
        assert!(answer.get("refresh_token").is_none() && answer.get("id_token").is_none());
        assert_eq!(exchange.userinfo(text(&answer, "/access_token")).await, 200);
    }
    // A token is taken as what it is only.
    refused(exchange.exchange(&long, IMPERSONATION, &more).await, 400, "invalid_grant");
    refused(exchange.exchange(&long, ACCESS_TOKEN, &more).await, 400, "invalid_grant");
    exchange.world.server.clock().advance(60);
    refused(exchange.exchange(&short, PERSONAL, &more).await, 400, "invalid_grant");
    exchange.exchange(&long, PERSONAL, &more).await.expect(200);
    let path = format!("/api/users/{}/personal-access-tokens/Long", exchange.world.user_id);
    exchange.world.admin.delete(&path).await.expect(204);
    refused(exchange.exchange(&long, PERSONAL, &more).await, 400, "invalid_grant");
}

#[tokio::test]
async fn organization_tokens_hold_what_the_roles_there_allow() {
    let exchange = Exchange::start().await;
    let token = exchange.personal_token(json!({ "name": "Bills" })).await;
    let organization = exchange.world.organization_id.as_str();
    let scope = ("scope", "invoices:read read:orders write:orders");
    let more = [("organization_id", organization), scope];
    let answer = exchange.exchange(&token, PERSONAL, &more).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(claims["aud"], format!("urn:logto:organization:{organization}"));
    assert_eq!(claims["scope"], "invoices:read");
    let more = [("organization_id", organization), ("resource", API), scope];
    let answer = exchange.exchange(&token, PERSONAL, &more).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(
        (&claims["organization_id"], &claims["scope"]),
        (&json!(organization), &json!("write:orders"))
    );
    let without = [("resource", "urn:logto:resource:organizations")];
    refused(exchange.exchange(&token, PERSONAL, &without).await, 400, "invalid_target");
}

#[tokio::test]
async fn an_access_token_is_exchanged_but_never_widened() {
    let exchange = Exchange::start().await;
    let tokens = exchange.sign_in("openid offline_access read:orders").await;
    let narrow = exchange
        .world
        .refresh(exchange.client(), tokens.refresh(), &[("resource", API)])
        .await
        .expect(200)
        .json();
    let narrow = text(&narrow, "/access_token");
    let more = [("resource", API), ("scope", ORDERS)];
    // A JWT for the same API, and an opaque token whose grant names the API.
    for token in [narrow, tokens.access()] {
        let answer = exchange.exchange(token, ACCESS_TOKEN, &more).await.expect(200).json();
        assert_eq!(answer["scope"], "read:orders");
    }
    let asked = [("scope", "openid email")];
    let answer = exchange.exchange(tokens.access(), ACCESS_TOKEN, &asked).await.expect(200).json();
    assert_eq!(answer["scope"], "openid");
    // What comes of a sign-in ends with it.
    let token = text(&answer, "/access_token").to_owned();
    assert_eq!(exchange.userinfo(&token).await, 200);
    let form = [("token", token.as_str())];
    let path = "/oidc/token/introspection";
    let seen = exchange.world.server.post_as(exchange.client(), path, &form).await.json();
    assert_eq!((&seen["active"], &seen["client_id"]), (&json!(true), &json!(exchange.app.0)));
    let path = "/oidc/token/revocation";
    exchange.world.server.post_as(exchange.client(), path, &form).await.expect(200);
    assert_eq!(exchange.userinfo(&token).await, 401);
    assert_eq!(exchange.userinfo(tokens.access()).await, 200, "the subject token lives on");
}

#[tokio::test]
async fn the_actor_is_named_in_the_token() {
    let exchange = Exchange::start().await;
    let actor_id = exchange.world.admin.user("agent", "correct horse battery").await;
    let browser = exchange.world.server.browser();
    let agent = ("agent", "correct horse battery");
    let server = &exchange.world.server;
    let actor = server.sign_in(&browser, exchange.client(), agent, "openid", &[]).await;
    let subject = exchange.personal_token(json!({ "name": "Any" })).await;
    let with = |token: &str, kind: &str| {
        [("resource", API), ("scope", ORDERS)]
            .into_iter()
            .chain([("actor_token", token), ("actor_token_type", kind)])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<Vec<_>>()
    };
    let attempt = async |token: &str, kind: &str| {
        let more = with(token, kind);
        let more: Vec<(&str, &str)> =
            more.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        exchange.exchange(&subject, PERSONAL, &more).await
    };
    let answer = attempt(actor.access(), ACCESS_TOKEN).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(
        (&claims["sub"], &claims["act"]),
        (&json!(exchange.world.user_id), &json!({ "sub": actor_id }))
    );

    refused(attempt("unknown", ACCESS_TOKEN).await, 400, "invalid_grant");
    refused(attempt(actor.access(), PERSONAL).await, 400, "invalid_request");
    let plain = exchange.exchange(&subject, PERSONAL, &[("scope", "profile")]).await.json();
    let without_openid = text(&plain, "/access_token");
    refused(attempt(without_openid, ACCESS_TOKEN).await, 400, "invalid_grant");
    let path = format!("/api/users/{actor_id}/is-suspended");
    exchange.world.admin.patch(&path, json!({ "isSuspended": true })).await.expect(200);
    refused(attempt(actor.access(), ACCESS_TOKEN).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_suspended_or_deleted_users_tokens_are_not_exchanged_and_end() {
    let exchange = Exchange::start().await;
    let personal = exchange.personal_token(json!({ "name": "Any" })).await;
    let subject = exchange.subject_token().await;
    let issued = exchange.exchange(&personal, PERSONAL, &[("scope", "openid")]).await.json();
    let opaque = text(&issued, "/access_token");
    let more = [("resource", API), ("scope", ORDERS)];
    let jwt = exchange.exchange(&personal, PERSONAL, &more).await.json();
    let jwt = text(&jwt, "/access_token");
    exchange.suspend().await;
    assert_eq!(exchange.userinfo(opaque).await, 401);
    for (token, kind) in [
        (personal.as_str(), PERSONAL),
        (&subject, IMPERSONATION),
        (opaque, ACCESS_TOKEN),
        (jwt, ACCESS_TOKEN),
    ] {
        refused(exchange.exchange(token, kind, &more).await, 400, "invalid_grant");
    }
    let path = format!("/api/users/{}", exchange.world.user_id);
    exchange.world.admin.delete(&path).await.expect(204);
    for (token, kind) in
        [(personal.as_str(), PERSONAL), (&subject, IMPERSONATION), (jwt, ACCESS_TOKEN)]
    {
        refused(exchange.exchange(token, kind, &more).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_machines_token_stands_for_no_user() {
    let exchange = Exchange::start().await;
    let token = exchange.world.admin.token().to_owned();
    let more = [("resource", API), ("scope", ORDERS)];
    refused(exchange.exchange(&token, ACCESS_TOKEN, &more).await, 400, "invalid_grant");
}

#[tokio::test]
async fn tokens_of_another_tenant_or_of_nobody_are_refused() {
    let exchange = Exchange::start().await;
    let tokens = exchange.sign_in("openid read:orders").await;
    let path = "/admin/oidc/token";
    let form = [
        ("grant_type", GRANT),
        ("subject_token", tokens.access()),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    // The other tenant knows neither the client nor the token.
    exchange.world.server.post_as(exchange.client(), path, &form).await.expect(401);
    // An ID token is no access token, and a changed signature is none.
    let more = [("scope", "openid")];
    refused(exchange.exchange(tokens.id(), ACCESS_TOKEN, &more).await, 400, "invalid_grant");
    let personal = exchange.personal_token(json!({ "name": "Any" })).await;
    let api = [("resource", API), ("scope", ORDERS)];
    let jwt = exchange.exchange(&personal, PERSONAL, &api).await.json();
    let jwt = text(&jwt, "/access_token");
    exchange.exchange(jwt, ACCESS_TOKEN, &more).await.expect(200);
    let (start, signature) = jwt.rsplit_once('.').expect("a signature");
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{start}.{flipped}{}", &signature[1..]);
    for token in [forged.as_str(), "unknown", "a.b.c"] {
        refused(exchange.exchange(token, ACCESS_TOKEN, &more).await, 400, "invalid_grant");
    }
    exchange.world.server.clock().advance(600);
    refused(exchange.exchange(jwt, ACCESS_TOKEN, &more).await, 400, "invalid_grant");
}

#[tokio::test]
async fn another_first_party_clients_token_is_taken_and_a_removed_clients_is_not() {
    let exchange = Exchange::start().await;
    let spa = exchange.world.admin.single_page("Shop").await;
    let browser = exchange.world.server.browser();
    let server = &exchange.world.server;
    let resource = [("resource", API)];
    let scope = "openid offline_access read:orders";
    let tokens = server.sign_in(&browser, (&spa, ""), USER, scope, &resource).await;
    let jwt = exchange.world.refresh((&spa, ""), tokens.refresh(), &resource).await.json();
    let jwt = text(&jwt, "/access_token");
    let more = [("resource", API), ("scope", ORDERS)];
    let answer = exchange.exchange(jwt, ACCESS_TOKEN, &more).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(
        (&claims["client_id"], &claims["scope"]),
        (&json!(exchange.app.0), &json!("read:orders"))
    );
    exchange.world.admin.delete(&format!("/api/applications/{spa}")).await.expect(204);
    refused(exchange.exchange(jwt, ACCESS_TOKEN, &more).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_third_party_clients_or_another_issuers_token_is_refused_though_its_signature_is_right() {
    let exchange = Exchange::start().await;
    let body = json!({
        "name": "Theirs", "type": "SPA", "isThirdParty": true,
        "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] }
    });
    let theirs = exchange.world.admin.create("/api/applications", body).await;
    let theirs = text(&theirs, "/id");
    let snapshot = exchange.world.server.tenant().snapshot();
    let now = exchange.world.server.clock().now();
    let token = |client: &str, issuer: &str, typ: Option<&str>| {
        let claims = json!({
            "jti": "j", "sub": exchange.world.user_id, "iat": now, "exp": now + 600, "scope": ORDERS,
            "client_id": client, "iss": issuer, "aud": API,
        });
        snapshot.keys.signing().sign_jwt(typ, &claims).expect("a token")
    };
    let issuer = exchange.world.server.issuer();
    let ours = exchange.app.0.as_str();
    let admin = format!("{}/admin/oidc", exchange.world.server.base());
    let more = [("resource", API), ("scope", ORDERS)];
    let good = token(ours, &issuer, Some("at+jwt"));
    exchange.exchange(&good, ACCESS_TOKEN, &more).await.expect(200);
    for bad in [
        token(theirs, &issuer, Some("at+jwt")),
        token("nobody", &issuer, Some("at+jwt")),
        token(ours, &admin, Some("at+jwt")),
        token(ours, &issuer, None),
        token(&exchange.world.user_id, &issuer, Some("at+jwt")),
    ] {
        refused(exchange.exchange(&bad, ACCESS_TOKEN, &more).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn only_an_application_that_was_allowed_to_exchanges_tokens() {
    let exchange = Exchange::start().await;
    let plain = exchange.world.admin.traditional("Plain").await;
    let token = exchange.personal_token(json!({ "name": "Any" })).await;
    let form = [("grant_type", GRANT), ("subject_token", &token), ("subject_token_type", PERSONAL)];
    let answer = exchange.world.server.token((&plain.0, &plain.1), &form).await;
    refused(answer, 400, "invalid_request");
    for secret in ["wrong", ""] {
        let answer = exchange.world.server.token((&exchange.app.0, secret), &form).await;
        refused(answer, 401, "invalid_client");
    }
    let body = json!({
        "name": "Theirs", "type": "Traditional", "isThirdParty": true,
        "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "allowTokenExchange": true }
    });
    let answer = exchange.world.admin.post("/api/applications", body).await.expect(422).json();
    assert_eq!(answer["code"], "application.third_party_application_cannot_enable_token_exchange");
    let wrong = [("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")];
    let form = [("grant_type", GRANT), ("subject_token", &token), wrong[0]];
    refused(exchange.world.server.token(exchange.client(), &form).await, 400, "invalid_request");
    let answer = exchange.exchange(&token, PERSONAL, &[("audience", "x")]).await;
    refused(answer, 400, "invalid_target");
}
