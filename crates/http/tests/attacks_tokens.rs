//! Forged JWTs at every door that takes one (RFC 8725 §2): algorithm confusion, `none`, injected key ids and keys, keys of abusive
//! sizes, oversized claims. Client assertions and DPoP proofs have files of their own; they are here where the attack is the key.
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

mod attack;

use attack::token_of;
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey, base64url_encode};
use trinco_testkit::{API, Answer, Browser, Method, Tokens, USER, World, changed};

/// A world, and what good tokens in it say.
struct Target {
    world: World,
    app: (String, String),
    browser: Browser,
    access_claims: Value,
    id_claims: Value,
    kid: String,
}

impl Target {
    async fn start() -> Self {
        let world = World::start().await;
        let app = world.admin.traditional("Shop").await;
        let allowed = json!({ "customClientMetadata": { "allowTokenExchange": true } });
        world.admin.patch(&format!("/api/applications/{}", app.0), allowed).await.expect(200);
        let browser = world.server.browser();
        let tokens = world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
        let access_claims = Tokens::claims(world.admin.token());
        let id_claims = Tokens::claims(tokens.id());
        let kid = world.server.tenant().snapshot().keys.signing().kid().to_owned();
        Self { world, app, browser, access_claims, id_claims, kid }
    }

    /// Tries a token as an access token at the Management API and as a subject token, and as an ID token at the two endpoints that
    /// take one as a hint; returns whether each took it.
    async fn tried(&self, make: &dyn Fn(Option<&str>, &Value) -> String) -> [bool; 4] {
        let server = &self.world.server;
        let access = make(Some("at+jwt"), &self.access_claims);
        let request = server.browser().request(Method::GET, "/api/roles");
        let api = Answer::to(request.header("authorization", format!("Bearer {access}"))).await;
        let subject = changed(
            self.access_claims.clone(),
            json!({ "sub": self.world.user_id, "client_id": self.app.0 }),
        );
        let subject = make(Some("at+jwt"), &subject);
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "openid"),
        ];
        let exchanged = server.token((&self.app.0, &self.app.1), &form).await;
        let id = make(None, &self.id_claims);
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("id_token_hint", &id).finish();
        let end = self.browser.get(&format!("/oidc/session/end?{query}")).await;
        let hint = [("id_token_hint", id.as_str()), ("prompt", "none")];
        let url = server.authorization_url(&self.app.0, "openid", &hint);
        let authorized = self.browser.get(&url).await;
        for answer in [&api, &exchanged, &end, &authorized] {
            assert!(answer.status.as_u16() < 500, "{}", answer.text);
        }
        [
            api.status == 200,
            exchanged.status == 200,
            end.status == 200,
            authorized.header("location").contains("code="),
        ]
    }

    async fn expect_refusal(&self, make: &dyn Fn(Option<&str>, &Value) -> String) {
        let example = make(None, &json!({ "example": true }));
        assert_eq!(self.tried(make).await, [false; 4], "{example}");
    }

    /// Signed with the server's own key: good unless something else is wrong with it.
    fn signed(&self, typ: Option<&str>, claims: &Value) -> String {
        let snapshot = self.world.server.tenant().snapshot();
        snapshot.keys.signing().sign_jwt(typ, claims).expect("it signs")
    }

    /// A header like the server's own, with some members replaced or, with `null`, removed.
    fn header(&self, typ: Option<&str>, changes: Value) -> Value {
        let mut header = json!({ "alg": "ES384", "kid": self.kid });
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        changed(header, changes)
    }
}

#[tokio::test]
async fn the_doors_take_what_the_forgeries_below_are_made_from() {
    let target = Target::start().await;
    assert_eq!(target.tried(&|typ, claims| target.signed(typ, claims)).await, [true; 4]);
    // The header that the forgeries change is the server's own.
    for typ in [None, Some("at+jwt")] {
        let good = target.signed(typ, &json!({}));
        let header = trinco_jose::base64url_decode(good.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, target.header(typ, json!({})));
    }
}

#[tokio::test]
async fn alg_none_opens_no_door() {
    let target = Target::start().await;
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for kid in [Value::Null, json!(target.kid)] {
            target
                .expect_refusal(&|typ, claims| {
                    let header = target.header(typ, json!({ "alg": alg, "kid": kid }));
                    token_of(&header, claims, |_| Vec::new())
                })
                .await;
        }
    }
    // With the signature of a good token under a header that says none is needed.
    target
        .expect_refusal(&|typ, claims| {
            let good = target.signed(typ, claims);
            let (_, rest) = good.split_once('.').expect("a header");
            let header = target.header(typ, json!({ "alg": "none" })).to_string();
            format!("{}.{rest}", base64url_encode(header))
        })
        .await;
}

#[tokio::test]
async fn alg_confusion_with_the_published_key_as_a_shared_secret_opens_no_door() {
    let target = Target::start().await;
    let published = target.browser.get("/oidc/jwks").await.expect(200);
    let jwk = published.json()["keys"][0].clone();
    let secrets = [published.text.clone(), jwk.to_string(), jwk["x"].as_str().unwrap().to_owned()];
    for (alg, hash) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        for secret in &secrets {
            let key = hmac::Key::new(hash, secret.as_bytes());
            target
                .expect_refusal(&|typ, claims| {
                    let header = target.header(typ, json!({ "alg": alg }));
                    token_of(&header, claims, |input| hmac::sign(&key, input).as_ref().to_vec())
                })
                .await;
        }
    }
}

#[tokio::test]
async fn alg_confusion_between_the_algorithms_of_one_key_opens_no_door() {
    let target = Target::start().await;
    for alg in ["ES256", "ES512", "ES256K", "EdDSA", "RS256", "PS256", "RS1", "es384"] {
        target
            .expect_refusal(&|typ, claims| {
                // The signature is the right key's over exactly this header.
                let good = target.signed(typ, claims);
                let header = target.header(typ, json!({ "alg": alg })).to_string();
                let rest = good.split_once('.').expect("a header").1;
                format!("{}.{rest}", base64url_encode(header))
            })
            .await;
    }
}

#[tokio::test]
async fn kid_injection_finds_no_key() {
    let target = Target::start().await;
    let attackers = SigningKey::generate(Algorithm::ES384).expect("a key");
    for kid in [
        json!("../../../../dev/null"),
        json!("/proc/self/environ"),
        json!("' OR '1'='1"),
        json!("x' UNION SELECT 'secret"),
        json!("https://evil.example/jwks.json"),
        json!("key\u{0}"),
        json!("\r\nx: y"),
        json!(""),
        json!("a".repeat(700)),
        json!({ "kty": "oct", "k": "AAAA" }),
        json!([]),
        json!(0),
        json!(attackers.kid()),
        json!(target.kid),
    ] {
        target
            .expect_refusal(&|typ, claims| {
                let signed = attackers.sign_jwt(typ, claims).expect("it signs");
                let header = target.header(typ, json!({ "kid": kid })).to_string();
                let rest = signed.split_once('.').expect("a header").1;
                format!("{}.{rest}", base64url_encode(header))
            })
            .await;
    }
}

#[tokio::test]
async fn kid_injection_with_a_key_in_the_header_is_not_read() {
    let target = Target::start().await;
    let attackers = SigningKey::generate(Algorithm::ES384).expect("a key");
    let jwk = json!(attackers.public_jwk());
    for changes in [
        json!({ "jwk": jwk, "kid": null }),
        json!({ "jwk": jwk, "kid": attackers.kid() }),
        json!({ "jwk": jwk }),
        json!({ "jku": "https://evil.example/jwks", "kid": attackers.kid() }),
        json!({ "x5u": "https://evil.example/cert", "x5c": ["MIIB"], "kid": null }),
    ] {
        target
            .expect_refusal(&|typ, claims| {
                let header = target.header(typ, changes.clone());
                let signed = attackers.sign_jwt(typ, claims).expect("it signs");
                let rest = signed.split_once('.').expect("a header").1;
                format!("{}.{rest}", base64url_encode(header.to_string()))
            })
            .await;
    }
}

/// RFC 8725 §3.11: what the server signed for one purpose is good for no other.
#[tokio::test]
async fn another_type_of_token_by_the_right_key_opens_no_door() {
    let target = Target::start().await;
    for other in [Some("logout+jwt"), Some("dpop+jwt"), Some("client-authentication+jwt")] {
        target.expect_refusal(&|_, claims| target.signed(other, claims)).await;
    }
    target
        .expect_refusal(&|typ, claims| {
            let swapped = if typ.is_some() { None } else { Some("at+jwt") };
            target.signed(swapped, claims)
        })
        .await;
}

/// A modulus of so many bits. What is a key to the parser need not be one to a mathematician.
fn modulus(bits: usize) -> String {
    let mut n = vec![0xA5; bits.div_ceil(8)];
    n[0] = 1 << ((bits - 1) % 8);
    *n.last_mut().expect("a last byte") = 1;
    base64url_encode(n)
}

#[tokio::test]
async fn key_size_abuse_by_a_clients_registered_keys_is_refused() {
    let world = World::start().await;
    let register = |key: Value| {
        let metadata = json!({
            "redirectUris": [], "postLogoutRedirectUris": [], "jwks": { "keys": [key] },
        });
        let body =
            json!({ "name": "Robot", "type": "MachineToMachine", "oidcClientMetadata": metadata });
        let world = &world;
        async move { world.admin.post("/api/applications", body).await.status.as_u16() }
    };
    let rsa = |n: String, e: &str| json!({ "kty": "RSA", "n": n, "e": e });
    for bits in [2048, 4096, 8192] {
        assert_eq!(register(rsa(modulus(bits), "AQAB")).await, 200, "{bits}");
    }
    for bits in [8, 512, 1024, 2047, 8193, 16_384, 65_536] {
        assert_eq!(register(rsa(modulus(bits), "AQAB")).await, 400, "{bits}");
    }
    // An exponent of 1 verifies anything, an even one nothing, a long one costs the verifier dearly.
    for e in ["AQ", "Ag", "", "AQAAAAE", &base64url_encode(vec![0xFF; 256])] {
        assert_eq!(register(rsa(modulus(2048), e)).await, 400, "{e}");
    }
    let coordinate = |bytes: usize| base64url_encode(vec![1; bytes]);
    for key in [
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate(32), "y": coordinate(32) }),
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate(4096), "y": coordinate(4096) }),
        json!({ "kty": "EC", "crv": "P-192", "x": coordinate(24), "y": coordinate(24) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": coordinate(31) }),
        json!({ "kty": "OKP", "crv": "X25519", "x": coordinate(32) }),
    ] {
        assert_eq!(register(key.clone()).await, 400, "{key}");
    }
}

#[tokio::test]
async fn oversized_claims_are_refused_though_the_signature_is_right() {
    let target = Target::start().await;
    let padded = |length: usize| {
        let target = &target;
        move |typ: Option<&str>, claims: &Value| {
            target.signed(typ, &changed(claims.clone(), json!({ "pad": "x".repeat(length) })))
        }
    };
    assert_eq!(target.tried(&padded(100)).await, [true; 4]);
    target.expect_refusal(&padded(8 * 1024)).await;
}

#[tokio::test]
async fn oversized_claims_by_nesting_or_number_bring_nothing_down() {
    let target = Target::start().await;
    let deep = format!("{}{}", "[".repeat(2500), "]".repeat(2500));
    for pad in [
        format!(r#"{{"pad":{deep}}}"#),
        format!(r#"{{"pad":1e{}}}"#, "9".repeat(400)),
        format!(r#"{{{}"z":1}}"#, (0..700).map(|i| format!(r#""c{i}":1,"#)).collect::<String>()),
    ] {
        let snapshot = target.world.server.tenant().snapshot();
        let make = |typ: Option<&str>, claims: &Value| {
            // As the server's own broken code might sign it: the claims are written by hand.
            let text = claims.to_string().replacen('{', &format!("{},", &pad[..pad.len() - 1]), 1);
            let good = snapshot.keys.signing().sign_jwt(typ, claims).expect("it signs");
            let parts: Vec<&str> = good.split('.').collect();
            format!("{}.{}.{}", parts[0], base64url_encode(text), parts[2])
        };
        target.expect_refusal(&make).await;
    }
    let request = target.world.server.browser().request(Method::GET, "/api/status");
    Answer::to(request).await.expect(204);
}

/// RFC 9068 §4: whatever is wrong with a token, the answer has the same code.
#[tokio::test]
async fn a_token_that_fails_any_check_is_an_invalid_token_to_the_management_api() {
    let target = Target::start().await;
    let good = &target.access_claims;
    let call = async |token: String| {
        let request = target.world.server.browser().request(Method::GET, "/api/roles");
        Answer::to(request.bearer_auth(token)).await
    };
    let at = |typ: &'static str, changes: Value| {
        target.signed(Some(typ), &changed(good.clone(), changes))
    };
    // What the standard allows besides what this server issues itself.
    call(at("application/at+jwt", json!({}))).await.expect(200);
    call(at("at+jwt", json!({ "aud": ["https://other.example", good["aud"]] }))).await.expect(200);

    let attackers = SigningKey::generate(Algorithm::ES384).expect("a key");
    let signed = at("at+jwt", json!({}));
    let mut cut = signed.clone();
    cut.truncate(cut.len() - 4);
    let none = target.header(Some("at+jwt"), json!({ "alg": "none" }));
    let past = target.world.server.clock().now() - 600;
    for (what, token) in [
        ("no type", target.signed(None, good)),
        ("another type", at("JWT", json!({}))),
        ("a type that begins alike", at("at+jwt+x", json!({}))),
        ("another issuer", at("at+jwt", json!({ "iss": "https://other.example" }))),
        ("no issuer", at("at+jwt", json!({ "iss": null }))),
        ("another audience", at("at+jwt", json!({ "aud": "https://other.example" }))),
        ("other audiences", at("at+jwt", json!({ "aud": ["https://other.example", API] }))),
        ("no audience", at("at+jwt", json!({ "aud": null }))),
        ("expired", at("at+jwt", json!({ "exp": past }))),
        ("no expiry", at("at+jwt", json!({ "exp": null }))),
        ("a cut signature", cut),
        ("another key", attackers.sign_jwt(Some("at+jwt"), good).expect("it signs")),
        ("no signature", token_of(&none, good, |_| Vec::new())),
    ] {
        let answer = call(token).await.expect(401);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{what}: {challenge}");
    }
}
