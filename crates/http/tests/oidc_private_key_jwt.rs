//! Clients that authenticate with a key of their own (RFC 7523, OpenID Connect Core §9), at the door.
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey, base64url_encode};
use trinco_testkit::{API, Answer, Method, REDIRECT_URI, USER, World, changed, query_of, text};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A machine-to-machine application with a key.
struct Machine {
    world: World,
    id: String,
    key: SigningKey,
}

impl Machine {
    async fn start() -> Self {
        let world = World::start().await;
        let (id, key) = register(&world, Algorithm::ES256).await;
        Self { world, id, key }
    }

    /// The claims of a good assertion, with some replaced or, with `null`, removed.
    fn claims(&self, changes: Value) -> Value {
        let now = self.world.server.clock().now();
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": self.world.server.issuer(), "iat": now, "exp": now + 60,
            "jti": format!("jti-{}", base64url_encode(fresh())),
        });
        changed(claims, changes)
    }

    fn assertion(&self, changes: Value) -> String {
        self.key.sign_jwt(Some("JWT"), &self.claims(changes)).expect("it signs")
    }

    async fn ask(&self, assertion: &str) -> Answer {
        token(&self.world, assertion, &[]).await
    }

    async fn expect_refusal(&self, assertion: &str) {
        let answer = self.ask(assertion).await.expect(401);
        assert_eq!(answer.json()["error"], "invalid_client");
    }
}

fn fresh() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    bytes
}

async fn register(world: &World, algorithm: Algorithm) -> (String, SigningKey) {
    let key = SigningKey::generate(algorithm).expect("a key");
    let body = json!({
        "name": "Robot", "type": "MachineToMachine",
        "oidcClientMetadata": {
            "redirectUris": [], "postLogoutRedirectUris": [], "jwks": { "keys": [key.public_jwk()] },
        },
    });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    (id, key)
}

async fn post(world: &World, path: &str, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
    form.extend(more);
    Answer::to(world.server.browser().request(Method::POST, path).form(&form)).await
}

async fn token(world: &World, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "client_credentials"), ("resource", API)];
    form.extend(more);
    post(world, "/oidc/token", assertion, &form).await
}

#[tokio::test]
async fn a_client_authenticates_with_each_algorithm_and_each_name_of_the_server() {
    let mut world = World::start().await;
    for algorithm in
        [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]
    {
        let (id, key) = register(&world, algorithm).await;
        let machine = Machine { world, id, key };
        let answer = machine.ask(&machine.assertion(json!({}))).await.expect(200).json();
        assert_eq!(answer["token_type"], "Bearer", "{algorithm}");
        world = machine.world;
    }
    let (id, key) = register(&world, Algorithm::ES256).await;
    let machine = Machine { world, id, key };
    let issuer = machine.world.server.issuer();
    for audience in [json!(format!("{issuer}/token")), json!([issuer])] {
        machine.ask(&machine.assertion(json!({ "aud": audience }))).await.expect(200);
    }
    let more = json!({ "extra": { "a": [1] }, "azp": "x", "scope": "all" });
    machine.ask(&machine.assertion(more)).await.expect(200);
    let named = machine.assertion(json!({}));
    token(&machine.world, &named, &[("client_id", &machine.id)]).await.expect(200);
    let typed = machine.key.sign_jwt(Some("client-authentication+jwt"), &machine.claims(json!({})));
    machine.ask(&typed.expect("it signs")).await.expect(200);
}

#[tokio::test]
async fn ed25519_is_known_by_the_name_that_rfc_9864_gives_it() {
    let world = World::start().await;
    let key = SigningKey::generate(Algorithm::EdDSA).expect("a key");
    let jwk = changed(json!(key.public_jwk()), json!({ "alg": "Ed25519" }));
    let body = json!({
        "name": "Robot", "type": "MachineToMachine",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [], "jwks": { "keys": [jwk] } },
    });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let machine = Machine { world, id, key };
    let header = json!({ "alg": "Ed25519", "kid": machine.key.kid() });
    let [header, claims] =
        [header, machine.claims(json!({}))].map(|part| base64url_encode(part.to_string()));
    let input = format!("{header}.{claims}");
    let der = machine.key.to_pkcs8().expect("it exports");
    let pair = Ed25519KeyPair::from_pkcs8(&der).expect("a key");
    let signature = base64url_encode(pair.sign(input.as_bytes()));
    machine.ask(&format!("{input}.{signature}")).await.expect(200);
}

#[tokio::test]
async fn an_assertion_opens_pushed_requests_introspection_and_revocation() {
    let world = World::start().await;
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    let body = json!({
        "name": "Shop", "type": "Traditional",
        "oidcClientMetadata": {
            "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [], "jwks": { "keys": [key.public_jwk()] },
        },
    });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let machine = Machine { world, id, key };
    let server = &machine.world.server;
    let endpoint = |path: &str| format!("{}{path}", server.issuer());

    let request = query_of(&server.authorization_url(&machine.id, "openid offline_access", &[]));
    let request: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let assertion = machine.assertion(json!({ "aud": endpoint("/request") }));
    let pushed = post(&machine.world, "/oidc/request", &assertion, &request).await.expect(201);
    let request_uri = text(&pushed.json(), "/request_uri").to_owned();
    let url = format!("/oidc/auth?client_id={}&request_uri={request_uri}", machine.id);
    let code = server.browser().authorize(&url, USER).await;
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
    ];
    let assertion = machine.assertion(json!({}));
    let tokens = post(&machine.world, "/oidc/token", &assertion, &exchange).await.expect(200);
    let refresh = text(&tokens.json(), "/refresh_token").to_owned();

    let form = [("token", refresh.as_str())];
    let assertion = machine.assertion(json!({ "aud": endpoint("/token/introspection") }));
    let seen = post(&machine.world, "/oidc/token/introspection", &assertion, &form).await;
    assert_eq!(seen.expect(200).json()["active"], true);
    let assertion = machine.assertion(json!({ "aud": endpoint("/token/revocation") }));
    post(&machine.world, "/oidc/token/revocation", &assertion, &form).await.expect(200);
    let assertion = machine.assertion(json!({}));
    let seen = post(&machine.world, "/oidc/token/introspection", &assertion, &form).await;
    assert_eq!(seen.expect(200).json(), json!({ "active": false }));

    // What is meant for one endpoint does not open another.
    let assertion = machine.assertion(json!({ "aud": endpoint("/token/revocation") }));
    post(&machine.world, "/oidc/token", &assertion, &exchange).await.expect(401);
}

#[tokio::test]
async fn a_replayed_assertion_is_refused() {
    let machine = Machine::start().await;
    let assertion = machine.assertion(json!({}));
    machine.ask(&assertion).await.expect(200);
    machine.expect_refusal(&assertion).await;
    // The `jti` counts, not the bytes.
    machine.ask(&machine.assertion(json!({ "jti": "once" }))).await.expect(200);
    machine.expect_refusal(&machine.assertion(json!({ "jti": "once", "iat": 1 }))).await;
}

#[tokio::test]
async fn a_spent_assertion_is_remembered_until_it_has_expired() {
    let machine = Machine::start().await;
    let assertion = machine.assertion(json!({}));
    machine.ask(&assertion).await.expect(200);
    let tenant = machine.world.server.tenant();
    // It expires in 60 seconds, and clocks may differ by 10.
    machine.world.server.clock().advance(69);
    assert_eq!(
        trinco_core::retention::sweep(tenant, &trinco_core::retention::Policy::default(), 100)
            .await
            .expect("a sweep"),
        0
    );
    machine.expect_refusal(&assertion).await;
    machine.world.server.clock().advance(1);
    assert_eq!(
        trinco_core::retention::sweep(tenant, &trinco_core::retention::Policy::default(), 100)
            .await
            .expect("a sweep"),
        1
    );
    machine.expect_refusal(&assertion).await;
}

#[tokio::test]
async fn an_assertion_that_is_presented_many_times_at_once_is_accepted_once() {
    let machine = Machine::start().await;
    let other = machine.world.server.second_node().await;
    let assertion = machine.assertion(json!({}));
    let form = [
        ("grant_type", "client_credentials"),
        ("resource", API),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
    ];
    let answers = futures_util::future::join_all((0..12).map(|turn| {
        let node = if turn % 2 == 0 { &machine.world.server } else { &other };
        Answer::to(node.browser().request(Method::POST, "/oidc/token").form(&form))
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn an_assertion_for_another_audience_is_refused() {
    let machine = Machine::start().await;
    let issuer = machine.world.server.issuer();
    for audience in [
        json!("https://other.example"),
        json!([issuer, "https://other.example"]),
        json!([]),
        json!(format!("{issuer}/")),
        json!(null),
    ] {
        machine.expect_refusal(&machine.assertion(json!({ "aud": audience }))).await;
    }
}

#[tokio::test]
async fn an_expired_or_long_lived_assertion_is_refused() {
    let machine = Machine::start().await;
    let now = machine.world.server.clock().now();
    for (claim, time) in
        [("exp", now - 10), ("exp", now + 3611), ("nbf", now + 60), ("iat", now + 60)]
    {
        machine.expect_refusal(&machine.assertion(json!({ claim: time }))).await;
    }
    machine.expect_refusal(&machine.assertion(json!({ "exp": null }))).await;
    machine.expect_refusal(&machine.assertion(json!({ "jti": null }))).await;
    // An hour: what authlib asks for.
    let hour = machine.assertion(json!({ "exp": now + 3600 }));
    machine.ask(&hour).await.expect(200);
    machine.world.server.clock().advance(3599);
    trinco_core::retention::sweep(
        machine.world.server.tenant(),
        &trinco_core::retention::Policy::default(),
        100,
    )
    .await
    .expect("a sweep");
    machine.expect_refusal(&hour).await;
}

#[tokio::test]
async fn an_unsigned_assertion_is_refused() {
    let machine = Machine::start().await;
    let claims = base64url_encode(machine.claims(json!({})).to_string());
    for alg in ["none", "None", ""] {
        let header = base64url_encode(json!({ "alg": alg, "typ": "JWT" }).to_string());
        machine.expect_refusal(&format!("{header}.{claims}.")).await;
    }
}

#[tokio::test]
async fn an_hmac_keyed_with_the_public_key_is_refused() {
    let machine = Machine::start().await;
    let jwk = machine.key.public_jwk();
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": jwk.kid() }).to_string();
    let claims = machine.claims(json!({})).to_string();
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(claims));
    let public = serde_json::to_vec(&jwk).expect("JSON");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &public);
    let tag = base64url_encode(hmac::sign(&key, input.as_bytes()).as_ref());
    machine.expect_refusal(&format!("{input}.{tag}")).await;
}

#[tokio::test]
async fn another_clients_key_does_not_sign_for_this_one() {
    let machine = Machine::start().await;
    let (other_id, other_key) = register(&machine.world, Algorithm::ES256).await;
    let forged = other_key.sign_jwt(Some("JWT"), &machine.claims(json!({}))).expect("it signs");
    machine.expect_refusal(&forged).await;
    // Nor does its own assertion, under this client's name.
    let own = machine.claims(json!({ "iss": other_id, "sub": other_id }));
    let own = other_key.sign_jwt(Some("JWT"), &own).expect("it signs");
    let answer = token(&machine.world, &own, &[("client_id", &machine.id)]).await.expect(401);
    assert_eq!(answer.json()["error"], "invalid_client");
    machine.expect_refusal(&machine.assertion(json!({ "iss": other_id }))).await;
    token(&machine.world, &own, &[("client_id", &other_id)]).await.expect(200);
}

#[tokio::test]
async fn a_key_in_the_header_of_an_assertion_is_not_read() {
    let machine = Machine::start().await;
    let thief = SigningKey::generate(Algorithm::ES256).expect("a key");
    let token = thief.sign_jwt(Some("JWT"), &machine.claims(json!({}))).expect("it signs");
    machine.expect_refusal(&token).await;
    let mut parts = token.split('.');
    parts.next();
    let header = json!({ "alg": "ES256", "jwk": thief.public_jwk() }).to_string();
    let forged = format!(
        "{}.{}.{}",
        base64url_encode(header),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default()
    );
    machine.expect_refusal(&forged).await;
}

#[tokio::test]
async fn another_type_of_token_by_the_same_key_is_refused() {
    let machine = Machine::start().await;
    for typ in ["at+jwt", "dpop+jwt", "logout+jwt"] {
        let token = machine.key.sign_jwt(Some(typ), &machine.claims(json!({}))).expect("it signs");
        machine.expect_refusal(&token).await;
    }
}

#[tokio::test]
async fn an_application_with_keys_no_longer_authenticates_with_its_secret() {
    let machine = Machine::start().await;
    let secret = machine.world.admin.secret_of(&machine.id).await;
    let form = [("grant_type", "client_credentials"), ("resource", API)];
    machine.world.server.token((&machine.id, &secret), &form).await.expect(401);
    // Without the keys it does, and assertions are over.
    let metadata =
        json!({ "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] } });
    let path = format!("/api/applications/{}", machine.id);
    machine.world.admin.patch(&path, metadata).await.expect(200);
    machine.world.server.token((&machine.id, &secret), &form).await.expect(200);
    machine.expect_refusal(&machine.assertion(json!({}))).await;
}

#[tokio::test]
async fn a_rotated_key_no_longer_signs() {
    let machine = Machine::start().await;
    let next = SigningKey::generate(Algorithm::ES384).expect("a key");
    let metadata = json!({ "oidcClientMetadata": {
        "redirectUris": [], "postLogoutRedirectUris": [], "jwks": { "keys": [next.public_jwk()] },
    } });
    let path = format!("/api/applications/{}", machine.id);
    machine.world.admin.patch(&path, metadata).await.expect(200);
    machine.expect_refusal(&machine.assertion(json!({}))).await;
    let claims = machine.claims(json!({}));
    machine.ask(&next.sign_jwt(Some("JWT"), &claims).expect("it signs")).await.expect(200);
}

#[tokio::test]
async fn a_key_set_must_be_public_usable_and_for_a_server() {
    let world = World::start().await;
    let public = json!(SigningKey::generate(Algorithm::ES256).expect("a key").public_jwk());
    let mut private = public.clone();
    private["d"] = json!("AAAA");
    // A good key, of an algorithm no assertion may have: it would lock the application out.
    let unusable = json!(SigningKey::generate(Algorithm::ES512).expect("a key").public_jwk());
    let create = |kind: &'static str, jwks: Value| {
        let metadata = json!({ "redirectUris": [], "postLogoutRedirectUris": [], "jwks": jwks });
        let body = json!({ "name": "Robot", "type": kind, "oidcClientMetadata": metadata });
        let world = &world;
        async move { world.admin.post("/api/applications", body).await }
    };
    for jwks in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": "none" }),
        json!({ "keys": [private] }),
        json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] }),
        json!({ "keys": [public, { "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }] }),
        json!({ "keys": vec![public.clone(); 17] }),
        json!({ "keys": [unusable] }),
        json!({ "keys": [public, unusable] }),
    ] {
        let answer = create("MachineToMachine", jwks.clone()).await;
        assert_eq!(answer.expect(400).json()["code"], "guard.invalid_input", "{jwks}");
    }
    create("SPA", json!({ "keys": [public] })).await.expect(400);
    let created = create("Traditional", json!({ "keys": [public] })).await.expect(200).json();
    assert_eq!(created["oidcClientMetadata"]["jwks"]["keys"][0], public);
}

#[tokio::test]
async fn discovery_names_the_method_and_its_algorithms() {
    let world = World::start().await;
    let document =
        world.server.browser().get("/oidc/.well-known/openid-configuration").await.json();
    for endpoint in ["token", "introspection", "revocation"] {
        let methods = &document[format!("{endpoint}_endpoint_auth_methods_supported")];
        assert!(methods.as_array().expect("a list").contains(&json!("private_key_jwt")));
        assert_eq!(
            document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")],
            json!(["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"])
        );
    }
}
