//! How long an exchanged token lives, and who is named in it (RFC 8693), at the door.

use serde_json::{Value, json};
use trinco_testkit::{API, Answer, Method, Tokens, USER, World, changed, text};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const PERSONAL: &str = "urn:logto:token-type:personal_access_token";
const IMPERSONATION: &str = "urn:logto:token-type:impersonation_token";
const FOR_API: [(&str, &str); 2] = [("resource", API), ("scope", "read:orders")];
const OPAQUE: [(&str, &str); 1] = [("scope", "openid")];

async fn application(world: &World) -> (String, String) {
    let app = world.admin.traditional("Worker").await;
    let allowed = json!({ "customClientMetadata": { "allowTokenExchange": true } });
    world.admin.patch(&format!("/api/applications/{}", app.0), allowed).await.expect(200);
    app
}

async fn attempt(
    world: &World,
    client: (&str, &str),
    token: &str,
    kind: &str,
    more: &[(&str, &str)],
) -> Answer {
    let mut form =
        vec![("grant_type", GRANT), ("subject_token", token), ("subject_token_type", kind)];
    form.extend(more);
    world.server.token(client, &form).await
}

/// The new token and how long it lives.
async fn exchange(
    world: &World,
    client: (&str, &str),
    token: &str,
    kind: &str,
    more: &[(&str, &str)],
) -> (String, i64) {
    let answer = attempt(world, client, token, kind, more).await.expect(200).json();
    let lifetime = answer["expires_in"].as_i64().expect("a lifetime");
    (text(&answer, "/access_token").to_owned(), lifetime)
}

#[tokio::test]
async fn exchanging_a_token_again_and_again_does_not_prolong_it() {
    let world = World::start().await;
    let app = application(&world).await;
    let client = (app.0.as_str(), app.1.as_str());
    let scope = "openid offline_access read:orders";
    let resource = [("resource", API)];
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, scope, &resource).await;
    let clock = world.server.clock();
    // Opaque: it ends an hour after the sign-in, and so does whatever comes of it.
    clock.advance(3000);
    let ends_at = clock.now() + 600;
    let (mut opaque, lifetime) =
        exchange(&world, client, tokens.access(), ACCESS_TOKEN, &OPAQUE).await;
    assert_eq!(lifetime, 600);
    for left in [400, 200] {
        clock.advance(200);
        let (next, lifetime) = exchange(&world, client, &opaque, ACCESS_TOKEN, &OPAQUE).await;
        assert_eq!(lifetime, left);
        let (jwt, lifetime) = exchange(&world, client, &opaque, ACCESS_TOKEN, &FOR_API).await;
        assert_eq!((lifetime, &Tokens::claims(&jwt)["exp"]), (left, &json!(ends_at)));
        opaque = next;
    }

    // A JWT of ten minutes.
    let answer = world.refresh(client, tokens.refresh(), &resource).await.expect(200).json();
    let mut jwt = text(&answer, "/access_token").to_owned();
    let ends_at = clock.now() + 600;
    for left in [400, 200] {
        clock.advance(200);
        let (next, lifetime) = exchange(&world, client, &jwt, ACCESS_TOKEN, &FOR_API).await;
        assert_eq!((lifetime, &Tokens::claims(&next)["exp"]), (left, &json!(ends_at)));
        let (_, lifetime) = exchange(&world, client, &jwt, ACCESS_TOKEN, &OPAQUE).await;
        assert_eq!(lifetime, left);
        jwt = next;
    }
    clock.advance(200);
    attempt(&world, client, &jwt, ACCESS_TOKEN, &FOR_API).await.expect(400);
}

/// They stand for the user, not for a session that ends.
#[tokio::test]
async fn personal_and_subject_tokens_do_not_bound_what_they_are_exchanged_for() {
    let world = World::start().await;
    let app = application(&world).await;
    let client = (app.0.as_str(), app.1.as_str());
    let until = (world.server.clock().now() + 60) * 1000;
    let body = json!({ "name": "Short", "expiresAt": until });
    let path = format!("/api/users/{}/personal-access-tokens", world.user_id);
    let personal = text(&world.admin.create(&path, body).await, "/value").to_owned();
    let body = json!({ "userId": world.user_id });
    let subject = world.admin.create("/api/subject-tokens", body).await;
    let subject = text(&subject, "/subjectToken");
    let (_, lifetime) = exchange(&world, client, &personal, PERSONAL, &OPAQUE).await;
    assert_eq!(lifetime, 3600);
    let (_, lifetime) = exchange(&world, client, subject, IMPERSONATION, &OPAQUE).await;
    assert_eq!(lifetime, 3600);
}

#[tokio::test]
async fn the_actor_of_an_opaque_token_is_told_by_introspection_and_not_lost_on_the_way() {
    let world = World::start().await;
    let app = application(&world).await;
    let client = (app.0.as_str(), app.1.as_str());
    let agent_id = world.admin.user("agent", "correct horse battery").await;
    let agent = ("agent", "correct horse battery");
    let actor = world.server.sign_in(&world.server.browser(), client, agent, "openid", &[]).await;
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, "openid", &[]).await;
    let with_actor =
        [OPAQUE[0], ("actor_token", actor.access()), ("actor_token_type", ACCESS_TOKEN)];
    let (opaque, _) = exchange(&world, client, tokens.access(), ACCESS_TOKEN, &with_actor).await;
    let told = async |token: &str| -> Value {
        let form = [("token", token)];
        world.server.post_as(client, "/oidc/token/introspection", &form).await.json()
    };
    let act = json!({ "sub": agent_id });
    assert_eq!(told(&opaque).await["act"], act);
    assert_eq!(told(&opaque).await["sub"], world.user_id.as_str());
    assert!(told(tokens.access()).await.get("act").is_none());

    // Exchanged once more without saying who acts: it still says so.
    let (jwt, _) = exchange(&world, client, &opaque, ACCESS_TOKEN, &FOR_API).await;
    assert_eq!(Tokens::claims(&jwt)["act"], act);
    let (again, _) = exchange(&world, client, &jwt, ACCESS_TOKEN, &OPAQUE).await;
    assert_eq!(told(&again).await["act"], act);
}

/// RFC 8693 §4.1: what counts is the token's own claims and who acts now; those who acted before are history.
#[tokio::test]
async fn of_a_chain_of_actors_only_the_current_one_counts() {
    let world = World::start().await;
    let app = application(&world).await;
    let client = (app.0.as_str(), app.1.as_str());
    let now = world.server.clock().now();
    let sign = |claims: Value| {
        let snapshot = world.server.tenant().snapshot();
        snapshot.keys.signing().sign_jwt(Some("at+jwt"), &claims).expect("it signs")
    };
    let token = sign(json!({
        "jti": "j", "sub": world.user_id, "iat": now, "exp": now + 60, "scope": "read:orders",
        "client_id": app.0, "iss": world.server.issuer(), "aud": API,
        // Neither time nor scope mean anything in there.
        "act": { "sub": "agent", "exp": now - 60, "scope": "", "act": { "sub": "before", "act": { "sub": "first" } } },
    }));
    let (jwt, lifetime) = exchange(&world, client, &token, ACCESS_TOKEN, &FOR_API).await;
    let claims = Tokens::claims(&jwt);
    assert_eq!(
        (&claims["act"], &claims["scope"]),
        (&json!({ "sub": "agent" }), &json!("read:orders"))
    );
    assert_eq!((&claims["sub"], lifetime), (&json!(world.user_id), 60));

    // The Management API is a consumer, too.
    let admin = Tokens::claims(world.admin.token());
    let roles = async |changes: Value| {
        let token = sign(changed(admin.clone(), changes));
        let request = world.server.browser().request(Method::GET, "/api/roles");
        Answer::to(request.bearer_auth(token)).await.status.as_u16()
    };
    assert_eq!(
        roles(json!({ "act": { "sub": "a", "scope": "", "act": { "sub": "b" } } })).await,
        200
    );
    let prior = json!({ "sub": admin["sub"], "scope": "all", "act": admin });
    assert_eq!(roles(json!({ "scope": "", "act": prior })).await, 403);
}

/// RFC 8693 §2.1.1, §2.2.2: a token is for one target, and is not issued for fewer than were asked for.
#[tokio::test]
async fn targets_that_cannot_all_be_served_are_refused_and_nothing_is_spent() {
    let world = World::start().await;
    let other = json!({ "name": "Other", "indicator": "https://other.example/api" });
    world.admin.create("/api/resources", other).await;
    let app = application(&world).await;
    let client = (app.0.as_str(), app.1.as_str());
    let subject =
        world.admin.create("/api/subject-tokens", json!({ "userId": world.user_id })).await;
    let subject = text(&subject, "/subjectToken");
    for more in [
        [("resource", API), ("resource", "https://other.example/api")],
        [("resource", API), ("audience", "https://other.example/api")],
        [("resource", API), ("audience", API)],
    ] {
        let refused = attempt(&world, client, subject, IMPERSONATION, &more).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_target", "{more:?}");
    }
    attempt(&world, client, subject, IMPERSONATION, &FOR_API).await.expect(200);
}
