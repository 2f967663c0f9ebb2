//! Keys that rotate, seen from outside.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use trinco_core::keys::{self, KeyType, Policy, Rotation};
use trinco_jose::JwkSet;
use trinco_testkit::{API, Answer, Browser, Method, Server, Tokens, USER, World, text};

const PRIVATE: &str = "/api/configs/oidc/private-keys";
const COOKIE: &str = "/api/configs/oidc/cookie-keys";
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The `kid`s that are published, the one that signs first.
async fn kids(server: &Server) -> Vec<String> {
    let jwks = server.browser().get("/oidc/jwks").await.expect(200).json();
    jwks["keys"].as_array().unwrap().iter().map(|key| text(key, "/kid").to_owned()).collect()
}

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&trinco_jose::base64url_decode(header).unwrap()).unwrap()
}

/// Whether the published keys verify a token, by a library that is not ours.
async fn verifies(server: &Server, token: &str) -> bool {
    let jwks = server.browser().get("/oidc/jwks").await.expect(200);
    assert!(JwkSet::from_json(jwks.text.as_bytes()).is_ok());
    let header = jsonwebtoken::decode_header(token).unwrap();
    let (jwks, kid) = (jwks.json(), header.kid.as_deref().unwrap().to_owned());
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str());
    let Some(key) = key else { return false };
    let key: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.clone()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.validate_aud = false;
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(&key).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
}

fn statuses(keys: &Value) -> Vec<&str> {
    keys.as_array().unwrap().iter().map(|key| text(key, "/status")).collect()
}

#[tokio::test]
async fn a_new_key_is_published_for_the_grace_period_before_it_signs() {
    let mut world = World::start().await;
    let before = kids(&world.server).await;
    assert_eq!(before.len(), 1);
    let old_token = world.admin.token().to_owned();
    let now = world.server.clock().now();

    let rotated =
        world.admin.post(&format!("{PRIVATE}/rotate"), json!({})).await.expect(200).json();
    assert_eq!(statuses(&rotated), ["Next", "Current"]);
    assert_eq!(rotated[0]["effectiveAt"], now + 4 * HOUR);
    assert_eq!(rotated[0]["createdAt"], now);
    assert_eq!(rotated[0]["signingKeyAlgorithm"], "EC");
    let staged = kids(&world.server).await;
    assert_eq!((staged.len(), &staged[0]), (2, &before[0]));
    world.admin.renew().await;
    assert_eq!(header_of(world.admin.token())["kid"], before[0].as_str());

    world.server.clock().advance(4 * HOUR - 1);
    assert!(!keys::advance(world.server.tenant()).await.unwrap());
    world.server.clock().advance(1);
    assert!(keys::advance(world.server.tenant()).await.unwrap());
    assert!(!keys::advance(world.server.tenant()).await.unwrap());
    assert_eq!(kids(&world.server).await, [staged[1].clone(), before[0].clone()]);
    world.admin.renew().await;
    assert_eq!(header_of(world.admin.token())["kid"], staged[1].as_str());
    let listed = world.admin.get(PRIVATE).await.expect(200).json();
    assert_eq!(statuses(&listed), ["Current", "Previous"]);
    assert!(verifies(&world.server, &old_token).await);

    // Sessions of 14 days are the longest that anything signed lives.
    world.server.clock().advance(14 * DAY - 1);
    assert!(!keys::advance(world.server.tenant()).await.unwrap());
    world.server.clock().advance(1);
    assert!(keys::advance(world.server.tenant()).await.unwrap());
    assert_eq!(kids(&world.server).await, [staged[1].clone()]);
    assert!(!verifies(&world.server, &old_token).await);
}

#[tokio::test]
async fn a_token_outlives_the_rotation_of_its_key_but_not_the_keys_deletion() {
    let mut world = World::start().await;
    let old = world.admin.clone();
    let now = json!({ "rotationGracePeriod": 0 });
    let rotated = world.admin.post(&format!("{PRIVATE}/rotate"), now).await.expect(200).json();
    assert_eq!(statuses(&rotated), ["Current", "Previous"]);
    old.get("/api/users").await.expect(200);

    let previous = text(&rotated, "/1/id").to_owned();
    world.admin.renew().await;
    let _ = world.admin.delete(&format!("{PRIVATE}/{previous}")).await.expect(204);
    let refused = old.get("/api/users").await.expect(401).json();
    assert_eq!(refused["code"], "auth.unauthorized");
    world.admin.get("/api/users").await.expect(200);
    assert_eq!(kids(&world.server).await.len(), 1);
}

#[tokio::test]
async fn only_previous_keys_can_be_deleted() {
    let world = World::start().await;
    for path in [PRIVATE, COOKIE] {
        let only = text(&world.admin.get(path).await.expect(200).json(), "/0/id").to_owned();
        let code = async |id: &str, status: u16| {
            let refused = world.admin.delete(&format!("{path}/{id}")).await.expect(status).json();
            assert!(text(&refused, "/message").len() > 10);
            text(&refused, "/code").to_owned()
        };
        assert_eq!(code(&only, 422).await, "oidc.key_required");
        assert_eq!(code("nosuchkey", 404).await, "oidc.key_not_found");
        let rotated =
            world.admin.post(&format!("{path}/rotate"), json!({ "rotationGracePeriod": 0 })).await;
        let rotated = rotated.expect(200).json();
        let current = text(&rotated, "/0/id").to_owned();
        assert_eq!(code(&current, 422).await, "oidc.only_previous_key_can_be_deleted");
    }
    let staged = world.admin.post(&format!("{PRIVATE}/rotate"), json!({})).await.expect(200).json();
    let next = format!("{PRIVATE}/{}", text(&staged, "/0/id"));
    let refused = world.admin.delete(&next).await.expect(422).json();
    assert_eq!(refused["code"], "oidc.only_previous_key_can_be_deleted");
}

#[tokio::test]
async fn every_algorithm_signs_in_its_turn_and_all_verify_side_by_side() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let more = [("resource", API)];
    let mut signed = Vec::new();
    for algorithm in ["RS256", "PS256", "ES256", "ES512", "EdDSA", "ES384"] {
        let body = json!({ "signingKeyAlgorithm": algorithm, "rotationGracePeriod": 0 });
        let keys = world.admin.post(&format!("{PRIVATE}/rotate"), body).await.expect(200).json();
        assert_eq!(keys[0]["algorithm"], algorithm);
        let tokens =
            world.server.sign_in(&browser, client, USER, "openid read:orders", &more).await;
        assert_eq!(header_of(tokens.id())["alg"], algorithm);
        signed.push((algorithm, tokens.id().to_owned()));
        let discovery =
            browser.get("/oidc/.well-known/openid-configuration").await.expect(200).json();
        let listed = discovery["id_token_signing_alg_values_supported"].as_array().unwrap().clone();
        assert_eq!(listed[0], algorithm);
        for (earlier, token) in &signed {
            assert!(listed.contains(&json!(earlier)), "{earlier} in {listed:?}");
            // The independent library has no P-521.
            assert!(*earlier == "ES512" || verifies(&world.server, token).await, "{earlier}");
            let query = format!("/oidc/session/end?id_token_hint={token}");
            browser.get(&query).await.expect(200);
        }
    }
    let families = [("RSA", "RS256"), ("EC", "ES384")];
    for (family, algorithm) in families {
        let body = json!({ "signingKeyAlgorithm": family, "rotationGracePeriod": 0 });
        let keys = world.admin.post(&format!("{PRIVATE}/rotate"), body).await.expect(200).json();
        assert_eq!(keys[0]["algorithm"], algorithm);
        assert_eq!(keys[0]["signingKeyAlgorithm"], family);
    }
}

#[tokio::test]
async fn of_two_rotations_at_once_one_wins() {
    for grace in [0, 60] {
        let world = World::start().await;
        for (path, body) in
            [(PRIVATE, json!({ "rotationGracePeriod": grace })), (COOKIE, json!({}))]
        {
            let rotation = format!("{path}/rotate");
            let answers = futures_util::future::join_all(
                (0..6).map(|_| world.admin.post(&rotation, body.clone())),
            )
            .await;
            let mut won = 0;
            for answer in answers {
                if answer.status == 200 {
                    won += 1;
                } else {
                    assert_eq!(answer.expect(422).json()["code"], "oidc.key_rotation_in_progress");
                }
            }
            let keys = world.admin.get(path).await.expect(200).json();
            // Those that began after the winner had ended are rotations of their own, unless a key is staged.
            assert_eq!(keys.as_array().unwrap().len(), won + 1, "{keys}");
            assert_eq!(statuses(&keys).iter().filter(|status| **status == "Current").count(), 1);
            if path == PRIVATE && grace > 0 {
                assert_eq!(won, 1);
            }
        }
    }
}

#[tokio::test]
async fn a_rotation_in_an_emergency_discards_a_staged_key() {
    let world = World::start().await;
    let rotation = format!("{PRIVATE}/rotate");
    let _ = world.admin.post(&rotation, json!({})).await.expect(200);
    let refused = world.admin.post(&rotation, json!({})).await.expect(422).json();
    assert_eq!(refused["code"], "oidc.key_rotation_in_progress");
    let staged = kids(&world.server).await[1].clone();
    let rotated =
        world.admin.post(&rotation, json!({ "rotationGracePeriod": 0 })).await.expect(200).json();
    assert_eq!(statuses(&rotated), ["Current", "Previous"]);
    let published = kids(&world.server).await;
    assert!(!published.contains(&staged));
    // The time of the one that was staged comes, and the key of the emergency goes on signing.
    world.server.clock().advance(5 * HOUR);
    keys::advance(world.server.tenant()).await.unwrap();
    assert_eq!(kids(&world.server).await, published);
    // The next rotation is as free as the first.
    let mut admin = world.admin.clone();
    admin.renew().await;
    let _ = admin.post(&rotation, json!({})).await.expect(200);
}

/// Applications held to FAPI 2.0 have a key of their own; it is discarded alike.
#[tokio::test]
async fn a_rotation_in_an_emergency_discards_the_staged_key_of_a_profile_too() {
    let world = World::start().await;
    let own = trinco_jose::SigningKey::generate("ES256".parse().unwrap()).unwrap().public_jwk();
    let body = json!({
        "name": "Bank", "type": "Traditional",
        "oidcClientMetadata": {
            "redirectUris": ["https://bank.example/cb"], "postLogoutRedirectUris": [],
            "jwks": { "keys": [own] },
        },
        "customClientMetadata": { "securityProfile": "fapi2" },
    });
    world.admin.create("/api/applications", body).await;
    let rotation = format!("{PRIVATE}/rotate");
    let staged = world.admin.post(&rotation, json!({})).await.expect(200).json();
    assert_eq!(statuses(&staged).iter().filter(|status| **status == "Next").count(), 2);
    let rotated =
        world.admin.post(&rotation, json!({ "rotationGracePeriod": 0 })).await.expect(200).json();
    assert!(!statuses(&rotated).contains(&"Next"), "{rotated}");
}

#[tokio::test]
async fn a_rotation_that_makes_no_sense_is_refused() {
    let world = World::start().await;
    for (path, body) in [
        (PRIVATE, json!({ "signingKeyAlgorithm": "HS256" })),
        (PRIVATE, json!({ "signingKeyAlgorithm": "none" })),
        (PRIVATE, json!({ "rotationGracePeriod": -1 })),
        (PRIVATE, json!({ "rotationGracePeriod": 0.5 })),
        (PRIVATE, json!({ "rotationGracePeriod": 1e300 })),
        (PRIVATE, json!({ "rotationGracePeriod": 7_776_001 })),
        (COOKIE, json!({ "signingKeyAlgorithm": "EC" })),
        (COOKIE, json!({ "rotationGracePeriod": 60 })),
        ("/api/configs/oidc/other-keys", json!({})),
    ] {
        let refused = world.admin.post(&format!("{path}/rotate"), body.clone()).await;
        assert_eq!(refused.expect(400).json()["code"], "guard.invalid_input", "{path} {body}");
    }
    let _ = world.admin.get("/api/configs/oidc/other-keys").await.expect(400);
    assert_eq!(kids(&world.server).await.len(), 1);
}

async fn is_signed_in(server: &Server, browser: &Browser, client_id: &str) -> bool {
    let url = server.authorization_url(client_id, "openid", &[]);
    browser.get(&url).await.location().contains("code=")
}

#[tokio::test]
async fn old_cookies_work_after_a_rotation_until_their_key_is_deleted() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let (old, new) = (world.server.browser(), world.server.browser());
    world.server.sign_in(&old, client, USER, "openid", &[]).await;
    let rotated = world.admin.post(&format!("{COOKIE}/rotate"), json!({})).await.expect(200).json();
    assert_eq!(statuses(&rotated), ["Current", "Previous"]);
    // From now on every node knows the new key, and it signs.
    world.server.clock().advance(10);
    assert!(is_signed_in(&world.server, &old, &app.0).await);
    world.server.sign_in(&new, client, USER, "openid", &[]).await;

    let previous = format!("{COOKIE}/{}", text(&rotated, "/1/id"));
    let _ = world.admin.delete(&previous).await.expect(204);
    assert!(!is_signed_in(&world.server, &old, &app.0).await);
    assert!(is_signed_in(&world.server, &new, &app.0).await);
}

#[tokio::test]
async fn a_chain_of_refresh_tokens_goes_on_across_a_rotation_of_the_keys() {
    let world = World::start().await;
    let app = world.admin.single_page("Page").await;
    let client = (app.as_str(), "");
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let refreshed = async |token: &str| {
        Tokens(world.refresh(client, token, &[]).await.expect(200).json()).refresh().to_owned()
    };
    let first = tokens.refresh().to_owned();
    let second = refreshed(&first).await;
    let rotate = json!({ "rotationGracePeriod": 0 });
    let _ = world.admin.post(&format!("{PRIVATE}/rotate"), rotate.clone()).await.expect(200);
    // The successor of a token from before is derived with the key from before: parallel requests still agree.
    let third = refreshed(&second).await;
    assert_eq!(refreshed(&second).await, third);
    let _ = world.admin.post(&format!("{PRIVATE}/rotate"), rotate).await.expect(200);
    assert_eq!(refreshed(&first).await, third, "the newest member of the chain");
    let fourth = refreshed(&third).await;
    assert_ne!(fourth, third);
    assert_eq!(refreshed(&second).await, fourth);
}

#[tokio::test]
async fn a_schedule_rotates_old_keys_and_keeps_their_algorithm() {
    let world = World::start().await;
    let tenant = world.server.tenant();
    let rotation = Rotation {
        key_type: KeyType::PrivateKeys,
        grace: Some(0),
        algorithm: "EdDSA".parse().ok(),
    };
    keys::rotate(tenant, rotation).await.unwrap();
    world.server.clock().advance(400 * DAY);
    keys::advance(tenant).await.unwrap();
    assert_eq!(keys::list(tenant, KeyType::PrivateKeys).len(), 1, "no schedule by default");

    world
        .server
        .installation()
        .set_key_policy(Policy { rotate_every_ms: Some(30 * DAY * 1000), ..Policy::default() });
    assert!(keys::advance(tenant).await.unwrap());
    assert!(!keys::advance(tenant).await.unwrap());
    let staged = keys::list(tenant, KeyType::PrivateKeys);
    assert_eq!(staged.len(), 2);
    assert_eq!(staged[0].algorithm, "EdDSA".parse().ok());
    assert_eq!(keys::list(tenant, KeyType::CookieKeys).len(), 2);
    world.server.clock().advance(5 * HOUR);
    assert!(keys::advance(tenant).await.unwrap());
    world.server.clock().advance(29 * DAY);
    keys::advance(tenant).await.unwrap();
    assert_eq!(keys::list(tenant, KeyType::PrivateKeys).len(), 1, "the promoted key is young");
}

#[tokio::test]
async fn published_keys_are_revalidated_by_their_entity_tag() {
    let world = World::start().await;
    let ask = async |tag: &str| {
        let request = world.server.browser().request(Method::GET, "/oidc/jwks");
        Answer::to(request.header("if-none-match", tag)).await
    };
    let first = ask("\"other\"").await.expect(200);
    assert_eq!(first.header("cache-control"), "public, max-age=60");
    assert!(first.header("content-type").starts_with("application/jwk-set+json"));
    let tag = first.header("etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let same = ask(&known).await.expect(304);
        assert_eq!((same.text.as_str(), same.header("etag")), ("", tag.as_str()));
        assert_eq!(same.header("cache-control"), "public, max-age=60");
    }
    let _ = world.admin.post(&format!("{PRIVATE}/rotate"), json!({})).await.expect(200);
    assert_ne!(ask(&tag).await.expect(200).header("etag"), tag);
}
