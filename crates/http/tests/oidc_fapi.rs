//! Applications held to the FAPI 2.0 Security Profile, at the door. The names of the specification's sections are in
//! `trinco_oauth::fapi`.
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey, base64url_decode, base64url_encode};
use trinco_testkit::{
    API, Answer, Method, ProofKey, Tokens, USER, World, challenge_of, changed, query_of, text,
};

const CALLBACK: &str = "https://bank.example/callback";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";

/// An application held to the profile.
struct Bank {
    world: World,
    id: String,
    key: SigningKey,
    proof_key: ProofKey,
}

fn registration(kind: &str, key: &SigningKey, redirect_uri: &str) -> Value {
    json!({
        "name": "Bank", "type": kind,
        "oidcClientMetadata": {
            "redirectUris": [redirect_uri], "postLogoutRedirectUris": [], "jwks": { "keys": [key.public_jwk()] },
        },
        "customClientMetadata": { "securityProfile": "fapi2" },
    })
}

fn fresh() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    base64url_encode(bytes)
}

/// The header of a JWT.
fn header(token: &str) -> Value {
    let bytes = base64url_decode(token.split('.').next().expect("a header")).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

impl Bank {
    async fn start(algorithm: Algorithm) -> Self {
        Self::in_world(World::start().await, algorithm).await
    }

    async fn in_world(world: World, algorithm: Algorithm) -> Self {
        let key = SigningKey::generate(algorithm).expect("a key");
        let body = registration("Traditional", &key, CALLBACK);
        let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
        Self { world, id, key, proof_key: ProofKey::new() }
    }

    fn assertion(&self, changes: Value) -> String {
        let now = self.world.server.clock().now();
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": self.world.server.issuer(), "exp": now + 60, "jti": fresh(),
        });
        self.key.sign_jwt(None, &changed(claims, changes)).expect("it signs")
    }

    fn proof_claims(&self, path: &str) -> Value {
        let htu = format!("{}{path}", self.world.server.base());
        json!({ "jti": fresh(), "htm": "POST", "htu": htu, "iat": self.world.server.clock().now() })
    }

    /// A POST as the profile has it, but for these changes to the assertion.
    async fn post(&self, path: &str, form: &[(&str, &str)], changes: Value) -> Answer {
        let assertion = self.assertion(changes);
        let mut all = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
        all.extend(form);
        let proof = self.proof_key.proof(&self.proof_claims(path));
        let request = self.world.server.browser().request(Method::POST, path);
        Answer::to(request.header("DPoP", proof).form(&all)).await
    }

    async fn push(&self, without: &str) -> Answer {
        let challenge = challenge_of(VERIFIER);
        let mut form = vec![
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid offline_access read:orders"),
            ("resource", API),
            ("prompt", "consent"),
            ("state", "s"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        form.retain(|(name, _)| without.is_empty() || !name.starts_with(without));
        self.post("/oidc/request", &form, json!({})).await
    }

    async fn code(&self) -> String {
        let pushed = self.push("").await.expect(201).json();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", &*self.id),
                ("request_uri", text(&pushed, "/request_uri")),
            ])
            .finish();
        self.world.server.browser().authorize(&format!("/oidc/auth?{query}"), USER).await
    }

    async fn exchange(&self, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("resource", API),
        ];
        self.post("/oidc/token", &form, json!({})).await
    }

    async fn tokens(&self) -> Tokens {
        Tokens(self.exchange(&self.code().await).await.expect(200).json())
    }

    async fn refresh(&self, token: &str) -> Tokens {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("resource", API)];
        Tokens(self.post("/oidc/token", &form, json!({})).await.expect(200).json())
    }

    async fn published(&self) -> Vec<(String, String)> {
        let jwks = self.world.server.browser().get("/oidc/jwks").await.expect(200).json();
        let keys = jwks["keys"].as_array().expect("keys").iter();
        keys.map(|key| (text(key, "/kid").to_owned(), text(key, "/alg").to_owned())).collect()
    }
}

#[tokio::test]
async fn fapi2_the_whole_flow_with_each_algorithm_of_the_profile() {
    let mut world = World::start().await;
    for algorithm in [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let bank = Bank::in_world(world, algorithm).await;
        let tokens = bank.tokens().await;
        assert_eq!(tokens.0["token_type"], "DPoP");
        assert_eq!(Tokens::claims(tokens.access())["cnf"]["jkt"], bank.proof_key.thumbprint());
        // The tenant signs with ES384; what this application gets is signed as the profile has it, by a published key.
        let published = bank.published().await;
        for token in [tokens.access(), tokens.id()] {
            let header = header(token);
            assert_eq!(header["alg"], "ES256");
            let kid = text(&header, "/kid").to_owned();
            assert!(published.contains(&(kid, "ES256".to_owned())), "{published:?}");
        }
        assert_eq!(published.len(), 2, "one key for all such applications: {published:?}");
        world = bank.world;
    }
    let plain = world.admin.traditional("Shop").await;
    let client = (plain.0.as_str(), plain.1.as_str());
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, "openid", &[]).await;
    assert_eq!(header(tokens.id())["alg"], "ES384", "the others are signed for as ever");
    let discovery = "/oidc/.well-known/openid-configuration";
    let metadata = world.server.browser().get(discovery).await.expect(200).json();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["ES384", "ES256"]));
}

#[tokio::test]
async fn fapi2_refresh_tokens_do_not_rotate() {
    let bank = Bank::start(Algorithm::ES256).await;
    let first = bank.tokens().await;
    for days in [1, 11, 1] {
        bank.world.server.clock().advance(days * 86_400);
        assert_eq!(bank.refresh(first.refresh()).await.refresh(), first.refresh());
    }
}

#[tokio::test]
async fn fapi2_a_request_that_was_not_pushed_or_lacks_pkce_is_refused() {
    let bank = Bank::start(Algorithm::ES256).await;
    let url = bank.world.server.authorization_url(&bank.id, "openid", &[]);
    let url = url.replace(
        "http%3A%2F%2Flocalhost%3A9999%2Fcallback",
        "https%3A%2F%2Fbank.example%2Fcallback",
    );
    let answer = bank.world.server.browser().get(&url).await.expect(400);
    assert!(answer.text.contains("must push"), "{}", answer.text);

    let refused = bank.push("code_challenge").await.expect(400).json();
    assert_eq!(refused["error"], "invalid_request");
    assert!(text(&refused, "/error_description").contains("code_challenge"), "{refused}");
    bank.push("redirect_uri").await.expect(400);
    let challenge = challenge_of(VERIFIER);
    let form = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    bank.post("/oidc/request", &form, json!({})).await.expect(201);
    for (name, value) in [
        ("response_type", "token"),
        ("response_type", "code id_token"),
        ("code_challenge_method", "plain"),
        ("redirect_uri", "http://bank.example/callback"),
        ("redirect_uri", "https://bank.example/callback/"),
    ] {
        let changed = form.map(|(known, old)| (known, if known == name { value } else { old }));
        bank.post("/oidc/request", &changed, json!({})).await.expect(400);
    }
}

#[tokio::test]
async fn fapi2_an_assertion_is_for_the_issuer_alone_and_a_secret_is_no_proof() {
    let bank = Bank::start(Algorithm::ES256).await;
    let issuer = bank.world.server.issuer();
    for audience in [json!(format!("{issuer}/token")), json!([issuer])] {
        let form = [("token", "x")];
        let changes = json!({ "aud": audience });
        let answer = bank.post("/oidc/token/introspection", &form, changes).await.expect(401);
        assert_eq!(answer.json()["error"], "invalid_client");
    }
    let secret = bank.world.admin.secret_of(&bank.id).await;
    let with_secret =
        bank.world.server.token((&bank.id, &secret), &[("grant_type", "refresh_token")]);
    with_secret.await.expect(401);
}

#[tokio::test]
async fn fapi2_a_push_is_authenticated_for_the_issuer_alone() {
    let bank = Bank::start(Algorithm::ES256).await;
    let issuer = bank.world.server.issuer();
    let challenge = challenge_of(VERIFIER);
    let form = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    bank.post("/oidc/request", &form, json!({ "aud": issuer })).await.expect(201);
    for audience in [
        json!(format!("{issuer}/token")),
        json!(format!("{issuer}/request")),
        json!([issuer]),
        json!([issuer, "https://other.example"]),
    ] {
        let changes = json!({ "aud": audience });
        let refused = bank.post("/oidc/request", &form, changes.clone()).await.expect(401);
        assert_eq!(refused.json()["error"], "invalid_client", "{changes}");
    }
    let mut unauthenticated = vec![("client_id", bank.id.as_str())];
    unauthenticated.extend(form);
    let request = bank.world.server.browser().request(Method::POST, "/oidc/request");
    let proof = bank.proof_key.proof(&bank.proof_claims("/oidc/request"));
    let refused = Answer::to(request.header("DPoP", proof).form(&unauthenticated)).await;
    assert_eq!(refused.expect(401).json()["error"], "invalid_client");
}

#[tokio::test]
async fn fapi2_other_algorithms_sign_neither_assertions_nor_proofs() {
    // A client may have a key that the profile does not know beside one that it does.
    let (good, other) = (Algorithm::ES256, Algorithm::ES384);
    let mut bank = Bank::start(good).await;
    let other = SigningKey::generate(other).expect("a key");
    let body = json!({ "oidcClientMetadata": {
        "redirectUris": [CALLBACK], "postLogoutRedirectUris": [],
        "jwks": { "keys": [bank.key.public_jwk(), other.public_jwk()] },
    } });
    let path = format!("/api/applications/{}", bank.id);
    bank.world.admin.patch(&path, body).await.expect(200);
    bank.code().await;
    bank.key = other;
    assert_eq!(bank.push("").await.expect(401).json()["error"], "invalid_client");

    let mut bank = Bank::start(good).await;
    bank.proof_key = ProofKey::for_algorithm(Algorithm::ES384);
    assert_eq!(bank.push("").await.expect(400).json()["error"], "invalid_dpop_proof");
}

#[tokio::test]
async fn fapi2_tokens_are_bound_to_a_key_of_the_profile() {
    let bank = Bank::start(Algorithm::ES256).await;
    let code = bank.code().await;
    let assertion = bank.assertion(json!({}));
    let form = [
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let request = bank.world.server.browser().request(Method::POST, "/oidc/token").form(&form);
    assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_dpop_proof");
    // The code was not spent by that.
    bank.exchange(&code).await.expect(200);
}

#[tokio::test]
async fn fapi2_an_application_that_cannot_be_held_to_the_profile_is_told_why() {
    let world = World::start().await;
    let key = |algorithm| SigningKey::generate(algorithm).expect("a key");
    let good = key(Algorithm::ES256);
    let mut without_keys = registration("Traditional", &good, CALLBACK);
    without_keys["oidcClientMetadata"]["jwks"] = Value::Null;
    without_keys["oidcClientMetadata"].as_object_mut().expect("an object").remove("jwks");
    for (body, why) in [
        (without_keys, "public key"),
        (registration("Traditional", &key(Algorithm::ES384), CALLBACK), "public key"),
        (registration("Traditional", &key(Algorithm::RS256), CALLBACK), "public key"),
        (registration("Traditional", &good, "http://bank.example/callback"), "https"),
        (registration("Traditional", &good, "https://*.bank.example/callback"), "https"),
    ] {
        let answer = world.admin.post("/api/applications", body.clone()).await.expect(400);
        let message = answer.text;
        assert!(message.contains("securityProfile") && message.contains(why), "{body} {message}");
    }
    // Nor does one lose later what the profile asks for.
    let sound = registration("Traditional", &good, CALLBACK);
    let created = world.admin.create("/api/applications", sound).await;
    let path = format!("/api/applications/{}", text(&created, "/id"));
    let metadata =
        json!({ "redirectUris": ["http://bank.example/cb"], "postLogoutRedirectUris": [] });
    world.admin.patch(&path, json!({ "oidcClientMetadata": metadata })).await.expect(400);
    let unknown = json!({ "customClientMetadata": { "securityProfile": "fapi1" } });
    world.admin.patch(&path, unknown).await.expect(400);
}

#[tokio::test]
async fn fapi2_its_key_rotates_with_the_others_and_the_retired_one_still_verifies() {
    let bank = Bank::start(Algorithm::ES256).await;
    let before = bank.tokens().await;
    let rotate = json!({ "signingKeyAlgorithm": "EC", "rotationGracePeriod": 0 });
    bank.world.admin.post("/api/configs/oidc/private-keys/rotate", rotate).await.expect(200);
    let after = bank.tokens().await;
    assert_ne!(header(before.id())["kid"], header(after.id())["kid"]);
    let published = bank.published().await;
    for token in [before.id(), after.id()] {
        let kid = text(&header(token), "/kid").to_owned();
        assert!(published.contains(&(kid, "ES256".to_owned())), "{published:?}");
    }
    let listed = bank.world.admin.get("/api/configs/oidc/private-keys").await.expect(200).json();
    let profiles = listed.as_array().expect("keys").iter();
    let own = profiles.filter(|key| key["securityProfile"] == "fapi2").count();
    assert_eq!((own, listed.as_array().expect("keys").len()), (2, 4), "{listed}");

    // A staged key begins to sign together with the others'.
    let rotate = json!({ "signingKeyAlgorithm": "EC", "rotationGracePeriod": 60 });
    bank.world.admin.post("/api/configs/oidc/private-keys/rotate", rotate).await.expect(200);
    let current = header(bank.tokens().await.id())["kid"].clone();
    assert_eq!(current, header(after.id())["kid"]);
    bank.world.server.clock().advance(61);
    assert!(trinco_core::keys::advance(bank.world.server.tenant()).await.unwrap());
    assert_ne!(header(bank.tokens().await.id())["kid"], current);
}

#[tokio::test]
async fn fapi2_error_answers_come_back_from_the_authorization_endpoint_with_iss() {
    let bank = Bank::start(Algorithm::ES256).await;
    let challenge = challenge_of(VERIFIER);
    let form = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("prompt", "none"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let pushed = bank.post("/oidc/request", &form, json!({})).await.expect(201).json();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", &*bank.id), ("request_uri", text(&pushed, "/request_uri"))])
        .finish();
    let answer = bank.world.server.browser().get(&format!("/oidc/auth?{query}")).await;
    let answer = query_of(answer.location());
    assert_eq!(
        (answer["error"].as_str(), answer["iss"].as_str()),
        ("login_required", bank.world.server.issuer().as_str())
    );
}

#[tokio::test]
async fn fapi2_clocks_may_be_ten_seconds_ahead_and_not_more_than_a_minute() {
    let bank = Bank::start(Algorithm::ES256).await;
    let now = bank.world.server.clock().now();
    let challenge = challenge_of(VERIFIER);
    let form = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    for (ahead, status) in [(0, 201), (10, 201), (61, 401)] {
        for changes in [json!({ "iat": now + ahead }), json!({ "nbf": now + ahead })] {
            bank.post("/oidc/request", &form, changes).await.expect(status);
        }
    }
    for (ahead, status) in [(10, 201), (61, 400)] {
        let claims = changed(bank.proof_claims("/oidc/request"), json!({ "iat": now + ahead }));
        let assertion = bank.assertion(json!({}));
        let mut all = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
        all.extend(form);
        let request = bank.world.server.browser().request(Method::POST, "/oidc/request");
        let proof = bank.proof_key.proof(&claims);
        Answer::to(request.header("DPoP", proof).form(&all)).await.expect(status);
    }
}

#[tokio::test]
async fn fapi2_keys_of_one_name_are_told_apart_by_their_algorithm() {
    let bank = Bank::start(Algorithm::ES256).await;
    let other = SigningKey::generate(Algorithm::PS256).expect("a key").public_jwk();
    let own = bank.key.public_jwk();
    let namesake = changed(json!(other), json!({ "kid": own.kid() }));
    for keys in [json!([namesake, own]), json!([own, namesake])] {
        let body = json!({ "oidcClientMetadata": {
            "redirectUris": [CALLBACK], "postLogoutRedirectUris": [], "jwks": { "keys": keys },
        } });
        let path = format!("/api/applications/{}", bank.id);
        bank.world.admin.patch(&path, body).await.expect(200);
        bank.push("").await.expect(201);
    }
}

#[tokio::test]
async fn fapi2_a_machine_gets_bound_tokens_and_no_others() {
    let world = World::start().await;
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    let mut body = registration("MachineToMachine", &key, CALLBACK);
    body["oidcClientMetadata"]["redirectUris"] = json!([]);
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let bank = Bank { world, id, key, proof_key: ProofKey::new() };
    let form = [("grant_type", "client_credentials"), ("resource", API)];
    let token = bank.post("/oidc/token", &form, json!({})).await.expect(200).json();
    assert_eq!(token["token_type"], "DPoP");
    let bound = &Tokens::claims(text(&token, "/access_token"))["cnf"]["jkt"];
    assert_eq!(bound, &json!(bank.proof_key.thumbprint()));
    let assertion = bank.assertion(json!({}));
    let mut all = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
    all.extend(form);
    let request = bank.world.server.browser().request(Method::POST, "/oidc/token").form(&all);
    assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_dpop_proof");
}
