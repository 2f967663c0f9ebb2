//! PAR, PKCE, `private_key_jwt` and DPoP together, as the FAPI 2.0 security profile wants them, at the door.
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

mod attack;

use attack::altered;
use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey, base64url_encode, sha256};
use trinco_testkit::{
    Answer, Method, ProofKey, REDIRECT_URI, Tokens, USER, World, changed, hidden, query_of, text,
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";

/// A world with an application that pushes every request, authenticates with a key and binds every token to another.
struct Bank {
    world: World,
    id: String,
    key: SigningKey,
    proof_key: ProofKey,
}

impl Bank {
    async fn start() -> Self {
        let world = World::start().await;
        let key = SigningKey::generate(Algorithm::PS256).expect("a key");
        let id = Self::register(&world, &key).await;
        Self { world, id, key, proof_key: ProofKey::new() }
    }

    async fn register(world: &World, key: &SigningKey) -> String {
        let body = json!({
            "name": "Bank", "type": "Traditional",
            "oidcClientMetadata": {
                "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [],
                "jwks": { "keys": [key.public_jwk()] },
            },
            "customClientMetadata": {
                "requirePushedAuthorizationRequests": true, "dpopBoundAccessTokens": true,
                "alwaysIssueRefreshToken": true,
            },
        });
        text(&world.admin.create("/api/applications", body).await, "/id").to_owned()
    }

    fn now(&self) -> i64 {
        self.world.server.clock().now()
    }

    fn assertion(&self, changes: Value) -> String {
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": self.world.server.issuer(), "iat": self.now(),
            "nbf": self.now(), "exp": self.now() + 60, "jti": fresh(),
        });
        self.key.sign_jwt(Some("JWT"), &changed(claims, changes)).expect("it signs")
    }

    /// A proof for a request, whose claims are changed.
    fn proof(&self, method: &str, path: &str, changes: Value) -> String {
        let claims = json!({
            "jti": fresh(), "htm": method, "htu": format!("{}{path}", self.world.server.base()),
            "iat": self.now(),
        });
        self.proof_key.proof(&changed(claims, changes))
    }

    fn request(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let url = self.world.server.authorization_url(&self.id, "openid profile", changes);
        query_of(&altered(&url, changes)).into_iter().collect()
    }

    async fn post(
        &self,
        path: &str,
        form: &[(String, String)],
        assertion: &str,
        proof: Option<&str>,
    ) -> Answer {
        let mut form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]);
        let request = self.world.server.browser().request(Method::POST, path).form(&form);
        Answer::to(match proof {
            Some(proof) => request.header("dpop", proof),
            None => request,
        })
        .await
    }

    async fn push(&self, form: &[(String, String)], assertion: &str) -> Answer {
        self.post("/oidc/request", form, assertion, None).await
    }

    /// The address that a browser is sent to with a pushed request.
    async fn pushed(&self, changes: &[(&str, &str)]) -> String {
        let answer = self.push(&self.request(changes), &self.assertion(json!({}))).await;
        let uri = text(&answer.expect(201).json(), "/request_uri").to_owned();
        format!("/oidc/auth?client_id={}&request_uri={uri}", self.id)
    }

    async fn code(&self) -> String {
        self.world.server.browser().authorize(&self.pushed(&[]).await, USER).await
    }

    async fn exchange(&self, code: &str, assertion: &str, proof: Option<&str>) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.post("/oidc/token", &form, assertion, proof).await
    }

    fn for_token(&self, changes: Value) -> String {
        self.proof("POST", "/oidc/token", changes)
    }

    async fn me(&self, scheme: &str, token: &str) -> Answer {
        let ath = base64url_encode(sha256(token.as_bytes()));
        let request = self.world.server.browser().request(Method::GET, "/oidc/me");
        let request = request.header("authorization", format!("{scheme} {token}"));
        let proof = self.proof("GET", "/oidc/me", json!({ "ath": ath }));
        Answer::to(request.header("dpop", proof)).await
    }
}

fn fresh() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    base64url_encode(bytes)
}

#[tokio::test]
async fn a_strong_client_signs_a_person_in_and_every_token_is_bound() {
    let bank = Bank::start().await;
    let url = bank.pushed(&[("nonce", &"n".repeat(64)), ("state", "")]).await;
    let browser = bank.world.server.browser();
    let code = browser.authorize(&url, USER).await;
    let proof = bank.for_token(json!({}));
    let answer = bank.exchange(&code, &bank.assertion(json!({})), Some(&proof)).await;
    let tokens = Tokens(answer.expect(200).json());
    assert_eq!(tokens.0["token_type"], "DPoP");
    assert_eq!(Tokens::claims(tokens.id())["nonce"], "n".repeat(64));
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let me = bank.me(scheme, tokens.access()).await.expect(200).json();
        assert_eq!(me["sub"], bank.world.user_id.as_str(), "{scheme}");
    }
    bank.me("Bearer", tokens.access()).await.expect(401);
    // A confidential client's refresh token does not rotate while it is young, and works again.
    for _ in 0..2 {
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let proof = bank.for_token(json!({}));
        let answer =
            bank.post("/oidc/token", &form, &bank.assertion(json!({})), Some(&proof)).await;
        let refreshed = Tokens(answer.expect(200).json());
        assert_eq!(refreshed.refresh(), tokens.refresh());
        bank.me("DPoP", refreshed.access()).await.expect(200);
    }
}

#[tokio::test]
async fn a_strong_client_is_not_served_without_any_one_of_its_proofs() {
    let bank = Bank::start().await;
    // Not from a browser, not without PKCE done right, not for another response type or redirect URI.
    let plain = bank.world.server.authorization_url(&bank.id, "openid", &[]);
    bank.world.server.browser().get(&plain).await.expect(400);
    for (changes, error) in [
        (&[("code_challenge_method", "plain")][..], "invalid_request"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("redirect_uri", "")], "invalid_request"),
        (&[("redirect_uri", "https://evil.example/cb")], "invalid_redirect_uri"),
        (&[("nonce", &"n".repeat(513))], "invalid_request"),
        (&[("state", &"s".repeat(4097))], "invalid_request"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request"),
    ] {
        let refused = bank.push(&bank.request(changes), &bank.assertion(json!({}))).await;
        assert_eq!(refused.expect(400).json()["error"], error, "{changes:?}");
    }
    // Not without a proof of the key, nor without the assertion.
    let code = bank.code().await;
    let bare = bank.exchange(&code, &bank.assertion(json!({})), None).await.expect(400).json();
    assert_eq!(bare["error"], "invalid_dpop_proof");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("client_id", bank.id.as_str()),
    ];
    let request = bank.world.server.browser().request(Method::POST, "/oidc/token").form(&form);
    let proof = bank.for_token(json!({}));
    Answer::to(request.header("dpop", proof)).await.expect(401);
    let wrong = [("code_verifier", "A".repeat(43)), ("code_verifier", String::new())];
    for (name, value) in wrong {
        let mut form: Vec<(String, String)> =
            form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        form.retain(|(known, _)| known != name);
        form.push((name.to_owned(), value));
        let proof = bank.for_token(json!({}));
        let answer =
            bank.post("/oidc/token", &form, &bank.assertion(json!({})), Some(&proof)).await;
        assert_eq!(answer.expect(400).json()["error"], "invalid_grant");
    }
    let proof = bank.for_token(json!({}));
    bank.exchange(&code, &bank.assertion(json!({})), Some(&proof)).await.expect(200);
}

#[tokio::test]
async fn an_assertion_for_a_push_names_the_issuer_the_token_endpoint_or_the_endpoint_itself() {
    let bank = Bank::start().await;
    let issuer = bank.world.server.issuer();
    for audience in [
        json!(issuer),
        json!(format!("{issuer}/token")),
        json!(format!("{issuer}/request")),
        json!([issuer]),
    ] {
        let assertion = bank.assertion(json!({ "aud": audience }));
        bank.push(&bank.request(&[]), &assertion).await.expect(201);
    }
    for changes in [
        json!({ "aud": "https://other.example" }),
        json!({ "sub": null }),
        json!({ "exp": bank.now() - 300 }),
        json!({ "iat": bank.now() + 61, "nbf": bank.now() + 61 }),
    ] {
        let assertion = bank.assertion(changes.clone());
        bank.push(&bank.request(&[]), &assertion).await.expect(401);
    }
    let skewed = bank.assertion(json!({ "iat": bank.now() + 8, "nbf": bank.now() + 8 }));
    bank.push(&bank.request(&[]), &skewed).await.expect(201);
}

#[tokio::test]
async fn a_request_uri_is_long_fresh_and_its_clients_alone() {
    let bank = Bank::start().await;
    let (one, two) = (bank.pushed(&[]).await, bank.pushed(&[]).await);
    assert_ne!(one, two);
    let uri = query_of(&one).remove("request_uri").expect("a reference");
    let random = uri.rsplit_once(':').expect("a URN").1;
    assert!(random.len() >= 43, "128 bits and more: {random}");
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    let other = Bank::register(&bank.world, &key).await;
    let browser = bank.world.server.browser();
    browser.get(&one.replace(&bank.id, &other)).await.expect(400);
    let code = browser.authorize(&one, USER).await;
    // The code is bound to the client, too.
    let other = Bank { world: bank.world, id: other, key, proof_key: ProofKey::new() };
    let proof = other.for_token(json!({}));
    let stolen = other.exchange(&code, &other.assertion(json!({})), Some(&proof)).await;
    assert_eq!(stolen.expect(400).json()["error"], "invalid_grant");
    browser.get(&one).await.expect(400);
}

#[tokio::test]
async fn a_proof_may_be_ten_seconds_off_and_its_further_claims_are_ignored() {
    let bank = Bank::start().await;
    let now = bank.now();
    for changes in [
        json!({ "iat": now - 10 }),
        json!({ "iat": now + 10 }),
        json!({ "nbf": now, "exp": now + 60 }),
        json!({ "extra": { "a": [1] } }),
        json!({ "ath": "not asked for here" }),
    ] {
        let code = bank.code().await;
        let proof = bank.for_token(changes.clone());
        let answer = bank.exchange(&code, &bank.assertion(json!({})), Some(&proof)).await;
        assert_eq!(answer.status, 200, "{changes}: {}", answer.text);
    }
    for changes in [json!({ "iat": now - 61 }), json!({ "iat": now + 11 })] {
        let code = bank.code().await;
        let proof = bank.for_token(changes.clone());
        let answer = bank.exchange(&code, &bank.assertion(json!({})), Some(&proof)).await;
        assert_eq!(answer.expect(400).json()["error"], "invalid_dpop_proof", "{changes}");
    }
}

#[tokio::test]
async fn a_code_is_good_for_a_minute_and_once() {
    let bank = Bank::start().await;
    let code = bank.code().await;
    let exchange = async |code: &str| {
        let proof = bank.for_token(json!({}));
        bank.exchange(code, &bank.assertion(json!({})), Some(&proof)).await
    };
    exchange(&code).await.expect(200);
    bank.world.server.clock().advance(1);
    assert_eq!(exchange(&code).await.expect(400).json()["error"], "invalid_grant");
    let code = bank.code().await;
    bank.world.server.clock().advance(60);
    assert_eq!(exchange(&code).await.expect(400).json()["error"], "invalid_grant");
}

#[tokio::test]
async fn what_the_browser_adds_to_a_pushed_request_does_not_count() {
    let bank = Bank::start().await;
    let url = bank.pushed(&[("state", ""), ("nonce", "pushed")]).await;
    let more = "state=added&nonce=added&scope=openid+email&response_mode=fragment&prompt=none";
    let browser = bank.world.server.browser();
    let page = browser.get(&format!("{url}&{more}")).await.location().to_owned();
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let resume = browser.submit(&page, &form).await.location().to_owned();
    let answer = query_of(browser.get(&resume).await.location());
    assert!(!answer.contains_key("state"), "{answer:?}");
    let proof = bank.for_token(json!({}));
    let tokens = bank.exchange(&answer["code"], &bank.assertion(json!({})), Some(&proof)).await;
    let tokens = Tokens(tokens.expect(200).json());
    assert_eq!(Tokens::claims(tokens.id())["nonce"], "pushed");
    assert_eq!(tokens.0["scope"], "openid profile");
}
