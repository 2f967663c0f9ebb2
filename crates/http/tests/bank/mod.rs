//! An application held to the FAPI 2.0 Security Profile, and what it does as the profile has it.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey, base64url_decode, base64url_encode};
use trinco_testkit::{
    API, Answer, Method, ProofKey, Tokens, USER, World, challenge_of, changed, text,
};

pub(crate) const CALLBACK: &str = "https://bank.example/callback";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
pub(crate) const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";

/// An application held to the profile.
pub(crate) struct Bank {
    pub(crate) world: World,
    pub(crate) id: String,
    pub(crate) key: SigningKey,
    pub(crate) proof_key: ProofKey,
}

pub(crate) fn registration(kind: &str, key: &SigningKey, redirect_uri: &str) -> Value {
    json!({
        "name": "Bank", "type": kind,
        "oidcClientMetadata": {
            "redirectUris": [redirect_uri], "postLogoutRedirectUris": [], "jwks": { "keys": [key.public_jwk()] },
        },
        "customClientMetadata": { "securityProfile": "fapi2" },
    })
}

pub(crate) fn fresh() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    base64url_encode(bytes)
}

/// The header of a JWT.
pub(crate) fn header(token: &str) -> Value {
    let bytes = base64url_decode(token.split('.').next().expect("a header")).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

impl Bank {
    pub(crate) async fn start(algorithm: Algorithm) -> Self {
        Self::in_world(World::start().await, algorithm).await
    }

    pub(crate) async fn in_world(world: World, algorithm: Algorithm) -> Self {
        let key = SigningKey::generate(algorithm).expect("a key");
        let body = registration("Traditional", &key, CALLBACK);
        let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
        Self { world, id, key, proof_key: ProofKey::new() }
    }

    pub(crate) fn assertion(&self, changes: Value) -> String {
        let now = self.world.server.clock().now();
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": self.world.server.issuer(), "exp": now + 60, "jti": fresh(),
        });
        self.key.sign_jwt(None, &changed(claims, changes)).expect("it signs")
    }

    pub(crate) fn proof_claims(&self, path: &str) -> Value {
        let htu = format!("{}{path}", self.world.server.base());
        json!({ "jti": fresh(), "htm": "POST", "htu": htu, "iat": self.world.server.clock().now() })
    }

    /// A POST as the profile has it, but for these changes to the assertion.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)], changes: Value) -> Answer {
        let assertion = self.assertion(changes);
        let mut all = vec![("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
        all.extend(form);
        let proof = self.proof_key.proof(&self.proof_claims(path));
        let request = self.world.server.browser().request(Method::POST, path);
        Answer::to(request.header("DPoP", proof).form(&all)).await
    }

    pub(crate) async fn push(&self, without: &str) -> Answer {
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

    pub(crate) async fn code(&self) -> String {
        let pushed = self.push("").await.expect(201).json();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", &*self.id),
                ("request_uri", text(&pushed, "/request_uri")),
            ])
            .finish();
        self.world.server.browser().authorize(&format!("/oidc/auth?{query}"), USER).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("resource", API),
        ];
        self.post("/oidc/token", &form, json!({})).await
    }

    pub(crate) async fn tokens(&self) -> Tokens {
        Tokens(self.exchange(&self.code().await).await.expect(200).json())
    }

    pub(crate) async fn refresh(&self, token: &str) -> Tokens {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("resource", API)];
        Tokens(self.post("/oidc/token", &form, json!({})).await.expect(200).json())
    }

    pub(crate) async fn published(&self) -> Vec<(String, String)> {
        let jwks = self.world.server.browser().get("/oidc/jwks").await.expect(200).json();
        let keys = jwks["keys"].as_array().expect("keys").iter();
        keys.map(|key| (text(key, "/kid").to_owned(), text(key, "/alg").to_owned())).collect()
    }
}
