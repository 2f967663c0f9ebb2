//! Resource indicators (RFC 8707) and JWT access tokens (RFC 9068), at the door.

use serde_json::{Value, json};
use trinco_core::TokenHash;
use trinco_db::{params, sql};
use trinco_testkit::{API, Browser, REDIRECT_URI, Tokens, USER, World, hidden, query_of, text};

const OTHER: &str = "https://other.example/api";

struct Shop {
    world: World,
    app: (String, String),
    browser: Browser,
}

impl Shop {
    /// A shop with a second API, of which the user may do nothing.
    async fn start() -> Self {
        let world = World::start().await;
        let other = json!({ "name": "Other", "indicator": OTHER });
        world.admin.create("/api/resources", other).await;
        let app = world.admin.traditional("Shop").await;
        let browser = world.server.browser();
        Self { world, app, browser }
    }

    fn client(&self) -> (&str, &str) {
        (&self.app.0, &self.app.1)
    }

    async fn sign_in(&self, more: &[(&str, &str)]) -> Tokens {
        let scope = "openid offline_access read:orders write:orders";
        self.world.server.sign_in(&self.browser, self.client(), USER, scope, more).await
    }

    async fn for_api(&self, tokens: &Tokens, resource: &str) -> Value {
        let more = [("resource", resource)];
        self.world.refresh(self.client(), tokens.refresh(), &more).await.expect(200).json()
    }
}

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().and_then(trinco_jose::base64url_decode);
    serde_json::from_slice(&header.expect("a JWS header")).expect("JSON in the header")
}

#[tokio::test]
async fn a_resource_that_is_unknown_relative_or_has_a_fragment_is_an_invalid_target() {
    let shop = Shop::start().await;
    let tokens = shop.sign_in(&[("resource", API)]).await;
    for resource in [
        "https://nowhere.example",
        "/api",
        "shopping.your-app.com/api",
        "https://shopping.your-app.com/api#fragment",
        "https://shopping.your-app.com/api/",
        "HTTPS://shopping.your-app.com/api",
        "not a uri",
    ] {
        let url =
            shop.world.server.authorization_url(&shop.app.0, "openid", &[("resource", resource)]);
        let answer = query_of(shop.browser.get(&url).await.location());
        assert_eq!(answer["error"], "invalid_target", "{resource}");
        let more = [("resource", resource)];
        let refused = shop.world.refresh(shop.client(), tokens.refresh(), &more).await;
        assert_eq!(refused.expect(400).json()["error"], "invalid_target", "{resource}");
    }
    // Among good ones, too; and a token has one audience.
    let both = [("resource", API), ("resource", "https://nowhere.example")];
    let url = shop.world.server.authorization_url(&shop.app.0, "openid", &both);
    assert_eq!(query_of(shop.browser.get(&url).await.location())["error"], "invalid_target");
    let both = [("resource", API), ("resource", OTHER)];
    let refused = shop.world.refresh(shop.client(), tokens.refresh(), &both).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_target");
}

#[tokio::test]
async fn several_resources_are_granted_and_each_token_is_for_one_of_them() {
    let shop = Shop::start().await;
    let tokens = shop.sign_in(&[("resource", API), ("resource", OTHER)]).await;
    for (resource, scope) in [(API, "read:orders write:orders"), (OTHER, "")] {
        let answer = shop.for_api(&tokens, resource).await;
        let claims = Tokens::claims(text(&answer, "/access_token"));
        assert_eq!((&claims["aud"], &claims["scope"]), (&json!(resource), &json!(scope)));
        assert_eq!(answer["scope"], scope, "what is allowed elsewhere is not allowed here");
    }
    // What was not granted is not had later.
    let narrow = shop.sign_in(&[("resource", API)]).await;
    let more = [("resource", OTHER)];
    let refused = shop.world.refresh(shop.client(), narrow.refresh(), &more).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_target");
}

#[tokio::test]
async fn a_code_may_be_exchanged_for_a_token_of_one_resource_at_once() {
    let shop = Shop::start().await;
    let url = shop.world.server.authorization_url(
        &shop.app.0,
        "openid read:orders",
        &[("resource", API)],
    );
    let code = shop.browser.authorize(&url, USER).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
        ("resource", API),
    ];
    let answer = shop.world.server.token(shop.client(), &form).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!(API), &json!("read:orders")));
}

#[tokio::test]
async fn the_default_resource_is_meant_when_a_request_names_none() {
    let shop = Shop::start().await;
    let resources = shop.world.admin.get("/api/resources").await.expect(200).json();
    let ours = resources.as_array().unwrap().iter().find(|one| one["indicator"] == API).unwrap();
    let path = format!("/api/resources/{}/is-default", text(ours, "/id"));
    shop.world.admin.patch(&path, json!({ "isDefault": true })).await.expect(200);
    let url = shop.world.server.authorization_url(&shop.app.0, "read:orders", &[]);
    let code = shop.browser.authorize(&url, USER).await;
    let answer = shop.world.server.exchange(shop.client(), &code).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!(API), &json!("read:orders")));
}

/// RFC 9068 §2, §4: as a resource server would, with a library that is not ours.
#[tokio::test]
async fn an_access_token_is_verified_as_rfc_9068_says_by_a_library_that_is_not_ours() {
    let mut shop = Shop::start().await;
    let mut seen = std::collections::BTreeSet::new();
    for algorithm in ["RS256", "ES256", "ES384"] {
        let rotate = json!({ "signingKeyAlgorithm": algorithm, "rotationGracePeriod": 0 });
        let rotation = "/api/configs/oidc/private-keys/rotate";
        shop.world.admin.post(rotation, rotate).await.expect(200);
        shop.world.admin.renew().await;
        let tokens = shop.sign_in(&[("resource", API)]).await;
        let answer = shop.for_api(&tokens, API).await;
        let token = text(&answer, "/access_token");
        let header = header_of(token);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!(algorithm)));
        let jwks = shop.browser.get("/oidc/jwks").await.expect(200).text;
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks).unwrap();
        let parsed = jsonwebtoken::decode_header(token).unwrap();
        let key = set.find(parsed.kid.as_deref().unwrap()).expect("it is published");
        let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
        let verify = |audience: &str| {
            let mut validation = jsonwebtoken::Validation::new(parsed.alg);
            validation.set_audience(&[audience]);
            validation.set_issuer(&[shop.world.server.issuer()]);
            validation.set_required_spec_claims(&["iss", "exp", "aud", "sub"]);
            // The server's clock is moved by hand.
            validation.validate_exp = false;
            jsonwebtoken::decode::<Value>(token, &key, &validation).map(|verified| verified.claims)
        };
        let claims = verify(API).expect("the token is good");
        assert!(verify(OTHER).is_err(), "it is for one resource");
        for required in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
            assert!(claims.get(required).is_some(), "{required}");
        }
        assert_eq!(claims["client_id"], shop.app.0.as_str());
        assert_eq!(claims["sub"], shop.world.user_id.as_str());
        assert!(claims["exp"].as_i64() > claims["iat"].as_i64());
        assert!(seen.insert(text(&claims, "/jti").to_owned()), "each has an id of its own");
        let again = shop.for_api(&tokens, API).await;
        let again = Tokens::claims(text(&again, "/access_token"));
        assert!(seen.insert(text(&again, "/jti").to_owned()));
    }
}

/// RFC 9068 §2.2, §5; RFC 9700 §4.15: a client is never taken for a person.
#[tokio::test]
async fn a_clients_own_token_names_the_client_which_chose_neither_name_nor_claims() {
    let shop = Shop::start().await;
    let robot = json!({ "name": "Robot", "type": "MachineToMachine", "id": shop.world.user_id,
        "clientId": shop.world.user_id, "customData": { "sub": shop.world.user_id } });
    let robot = shop.world.admin.create("/api/applications", robot).await;
    let id = text(&robot, "/id").to_owned();
    assert_ne!(id, shop.world.user_id);
    assert_eq!((id.len(), shop.world.user_id.len()), (21, 12), "their shapes differ");
    let secret = shop.world.admin.secret_of(&id).await;
    let form =
        [("grant_type", "client_credentials"), ("resource", API), ("sub", &shop.world.user_id)];
    let answer = shop.world.server.token((&id, &secret), &form).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(id), &json!(id)));
}

/// Who reads the database can use nothing of what it finds there.
#[tokio::test]
async fn only_hashes_of_codes_tokens_and_cookies_are_kept() {
    let shop = Shop::start().await;
    let url = shop.world.server.authorization_url(&shop.app.0, "openid offline_access", &[]);
    let page = shop.browser.get(&url).await.location().to_owned();
    let xsrf = hidden(&shop.browser.get(&page).await.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let signed_in = shop.browser.submit(&page, &form).await;
    let cookie = signed_in.header("set-cookie").strip_prefix("_session=").unwrap().to_owned();
    let cookie = cookie.split(['.', ';']).next().unwrap();
    let callback = shop.browser.get(signed_in.location()).await.location().to_owned();
    let code = query_of(&callback).remove("code").unwrap();
    let answer = shop.world.server.exchange(shop.client(), &code).await.expect(200);
    let tokens = Tokens(answer.json());

    let mut conn = shop.world.server.tenant().read().await.unwrap();
    for (statement, secret) in [
        (sql!("SELECT hash FROM authorization_codes WHERE tenant_id = $1"), code.as_str()),
        (sql!("SELECT hash FROM access_tokens WHERE tenant_id = $1"), tokens.access()),
        (sql!("SELECT hash FROM refresh_tokens WHERE tenant_id = $1"), tokens.refresh()),
        (sql!("SELECT cookie_hash FROM sessions WHERE tenant_id = $1"), cookie),
    ] {
        let rows = conn.all(statement, params![]).await.unwrap();
        let kept: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        assert!(kept.contains(&TokenHash::of(secret).as_str().to_owned()), "{kept:?}");
        assert!(!kept.iter().any(|kept| kept.contains(secret)), "{kept:?}");
    }
    let logs = sql!("SELECT payload FROM logs WHERE tenant_id = $1");
    for row in conn.all(logs, params![]).await.unwrap() {
        let payload: String = row.get(0).unwrap();
        for secret in [code.as_str(), tokens.access(), tokens.refresh(), cookie, USER.1] {
            assert!(!payload.contains(secret), "{payload}");
        }
    }
}

/// RFC 8707 §2.2: a token for a part of what was granted leaves the refresh token good for all of it.
#[tokio::test]
async fn a_code_exchanged_for_a_part_leaves_the_whole_to_the_refresh_token() {
    let shop = Shop::start().await;
    let both = [("resource", API), ("resource", OTHER)];
    let url = shop.world.server.authorization_url(
        &shop.app.0,
        "openid offline_access read:orders write:orders",
        &both,
    );
    let code = shop.browser.authorize(&url, USER).await;
    let part = [("resource", OTHER)];
    let answer = shop.world.server.exchange_for(shop.client(), &code, &part).await.expect(200);
    let tokens = Tokens(answer.json());
    assert_eq!(Tokens::claims(tokens.access())["aud"], OTHER);
    assert_eq!(tokens.0["scope"], "", "of what was asked for, nothing is allowed there");
    let answer = shop.for_api(&tokens, API).await;
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(
        (&claims["aud"], &claims["scope"]),
        (&json!(API), &json!("read:orders write:orders"))
    );
}
