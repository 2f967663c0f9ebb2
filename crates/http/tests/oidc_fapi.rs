//! Applications held to the FAPI 2.0 Security Profile, at the door. The names of the specification's sections are in
//! `trinco_oauth::fapi`.
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

mod bank;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use bank::{Bank, CALLBACK, JWT_BEARER, VERIFIER, header, registration};
use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey, base64url_encode, sha256};
use trinco_testkit::{
    API, Answer, Method, ProofKey, Tokens, USER, World, challenge_of, changed, query_of, text,
};

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

/// A proof by an RSA key, which may sign in two ways.
fn rsa_proof(key: &SigningKey, algorithm: &str, claims: &Value) -> String {
    let jwk = changed(json!(key.public_jwk()), json!({ "use": null, "alg": null, "kid": null }));
    let header = json!({ "alg": algorithm, "typ": "dpop+jwt", "jwk": jwk }).to_string();
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(claims.to_string()));
    let pair = RsaKeyPair::from_pkcs8(&key.to_pkcs8().expect("it exports")).expect("a key");
    let padding: &dyn RsaEncoding =
        if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), input.as_bytes(), &mut signature).expect("it signs");
    format!("{input}.{}", base64url_encode(signature))
}

/// The bank's request with a proof made elsewhere.
async fn post_with(bank: &Bank, path: &str, form: &[(&str, &str)], proof: &str) -> Answer {
    let assertion = bank.assertion(json!({}));
    let mut all = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
    all.extend(form);
    let request = bank.world.server.browser().request(Method::POST, path);
    Answer::to(request.header("dpop", proof).form(&all)).await
}

/// Whose a token is decides how the proof beside it is signed: at userinfo and the Management API, too.
#[tokio::test]
async fn fapi2_a_proof_beside_a_token_is_signed_as_the_profile_has_it() {
    let bank = Bank::start(Algorithm::ES256).await;
    let key = SigningKey::generate(Algorithm::PS256).expect("a key");
    let good = |path: &str| rsa_proof(&key, "PS256", &bank.proof_claims(path));
    let challenge = challenge_of(VERIFIER);
    let form = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let pushed = post_with(&bank, "/oidc/request", &form, &good("/oidc/request")).await;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &bank.id)
        .append_pair("request_uri", text(&pushed.expect(201).json(), "/request_uri"))
        .finish();
    let code = bank.world.server.browser().authorize(&format!("/oidc/auth?{query}"), USER).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = post_with(&bank, "/oidc/token", &form, &good("/oidc/token")).await;
    let tokens = Tokens(tokens.expect(200).json());

    let mut body = registration("MachineToMachine", &bank.key, CALLBACK);
    body["oidcClientMetadata"]["redirectUris"] = json!([]);
    let machine = text(&bank.world.admin.create("/api/applications", body).await, "/id").to_owned();
    let patch = json!({ "isAdmin": true });
    bank.world.admin.patch(&format!("/api/applications/{machine}"), patch).await.expect(200);
    let form = [
        ("grant_type", "client_credentials"),
        ("resource", "https://default.logto.app/api"),
        ("scope", "all"),
    ];
    let bank = Bank { id: machine, ..bank };
    let proof = rsa_proof(&key, "PS256", &bank.proof_claims("/oidc/token"));
    let managing = post_with(&bank, "/oidc/token", &form, &proof).await.expect(200).json();

    for (path, token) in
        [("/oidc/me", tokens.access()), ("/api/roles", text(&managing, "/access_token"))]
    {
        for (algorithm, status) in [("RS256", 401), ("PS256", 200)] {
            let ath = base64url_encode(sha256(token.as_bytes()));
            let claims = changed(bank.proof_claims(path), json!({ "htm": "GET", "ath": ath }));
            let proof = rsa_proof(&key, algorithm, &claims);
            let request = bank.world.server.browser().request(Method::GET, path);
            let request = request.header("authorization", format!("DPoP {token}"));
            let answer = Answer::to(request.header("dpop", proof)).await;
            assert_eq!(answer.status, status, "{path} {algorithm}: {}", answer.text);
            let challenge = answer.header("www-authenticate");
            let expected = "DPoP error=\"invalid_dpop_proof\"";
            assert_eq!(challenge.starts_with(expected), status == 401, "{path}: {challenge}");
        }
    }
}

#[tokio::test]
async fn fapi2_a_proof_that_does_not_count_yet_or_no_longer_is_refused() {
    let bank = Bank::start(Algorithm::ES256).await;
    let now = bank.world.server.clock().now();
    let challenge = challenge_of(VERIFIER);
    let form = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    for (changes, status) in [
        (json!({ "nbf": now + 10 }), 201),
        (json!({ "nbf": now + 61 }), 400),
        (json!({ "exp": now + 1 }), 201),
        (json!({ "exp": now }), 400),
    ] {
        let claims = changed(bank.proof_claims("/oidc/request"), changes.clone());
        let answer = post_with(&bank, "/oidc/request", &form, &bank.proof_key.proof(&claims)).await;
        assert_eq!(answer.status, status, "{changes}: {}", answer.text);
        if status == 400 {
            assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{changes}");
        }
    }
}
