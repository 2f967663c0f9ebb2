//! How long tokens live at most, at the door.

use serde_json::{Value, json};
use trinco_testkit::{API, Tokens, USER, World};

async fn limit(world: &World, id: &str, metadata: Value) {
    let body = json!({ "customClientMetadata": metadata });
    world.admin.patch(&format!("/api/applications/{id}"), body).await.expect(200);
}

fn lifetime(token: &str) -> i64 {
    let claims = Tokens::claims(token);
    claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat")
}

#[tokio::test]
async fn an_application_shortens_its_access_tokens_and_never_prolongs_them() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let scope = "openid offline_access urn:logto:scope:organizations";
    let sign_in = async || {
        world
            .server
            .sign_in(&world.server.browser(), client, USER, scope, &[("resource", API)])
            .await
    };
    let for_api = [("resource", API)];
    let organization = [("organization_id", world.organization_id.as_str())];
    // The API's own tokens live for 600 seconds, the others for 3600.
    for (most, of_api, of_others) in [(120, 120, 120), (1200, 600, 1200), (86_400, 600, 3600)] {
        limit(&world, client.0, json!({ "maxAccessTokenTtl": most })).await;
        let tokens = sign_in().await;
        assert_eq!(tokens.0["expires_in"], of_others, "opaque");
        let asked = world.refresh(client, tokens.refresh(), &for_api).await.expect(200).json();
        assert_eq!(asked["expires_in"], of_api);
        assert_eq!(lifetime(Tokens(asked).access()), of_api);
        let asked = world.refresh(client, tokens.refresh(), &organization).await.expect(200).json();
        assert_eq!(lifetime(Tokens(asked).access()), of_others);
    }
    limit(&world, client.0, json!({ "maxAccessTokenTtl": 60 })).await;
    let tokens = sign_in().await;
    world.server.clock().advance(61);
    let request = world.server.browser().request(trinco_testkit::Method::GET, "/oidc/me");
    trinco_testkit::Answer::to(request.bearer_auth(tokens.access())).await.expect(401);

    for refused in [0, 59, 86_401] {
        let body = json!({ "customClientMetadata": { "maxAccessTokenTtl": refused } });
        world.admin.patch(&format!("/api/applications/{}", client.0), body).await.expect(400);
    }
}

#[tokio::test]
async fn nothing_from_one_authorization_outlives_what_the_application_allows_it() {
    let mut world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    limit(&world, client.0, json!({ "maxGrantTtlInDays": 1, "refreshTokenTtlInDays": 14 })).await;
    let scope = "openid offline_access";
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, scope, &[("resource", API)]).await;
    world.server.clock().advance(86_400 - 100);
    let more = [("resource", API)];
    let last = Tokens(world.refresh(client, tokens.refresh(), &more).await.expect(200).json());
    assert_eq!(lifetime(last.access()), 100, "an access token ends with its grant, too");
    let form = [("token", last.refresh())];
    let told = world.server.post_as(client, "/oidc/token/introspection", &form).await.expect(200);
    assert_eq!(told.json()["exp"].as_i64().unwrap(), world.server.clock().now() + 100);
    world.server.clock().advance(101);
    let refused = world.refresh(client, last.refresh(), &[]).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_grant");

    world.admin.renew().await;
    for refused in [0, 181] {
        let body = json!({ "customClientMetadata": { "maxGrantTtlInDays": refused } });
        world.admin.patch(&format!("/api/applications/{}", client.0), body).await.expect(400);
    }
}
