//! What ID tokens say and how long sessions last, as administrators set it.

use serde_json::json;
use trinco_testkit::{Tokens, USER, World};

const ID_TOKEN: &str = "/api/configs/id-token";
const SESSION: &str = "/api/configs/oidc/session";
const SCOPE: &str = "openid offline_access roles custom_data urn:logto:scope:organizations urn:logto:scope:organization_roles";

#[tokio::test]
async fn id_tokens_say_what_the_administrator_chose_and_userinfo_says_all() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let settings = world.admin.get(ID_TOKEN).await.expect(200).json();
    assert_eq!(
        settings,
        json!({ "enabledExtendedClaims": ["roles", "organizations", "organization_roles"] })
    );
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, SCOPE, &[]).await;
    let claims = Tokens::claims(tokens.id());
    assert_eq!(claims["roles"], json!(["shopper"]));
    assert!(claims.get("custom_data").is_none() && claims.get("organization_data").is_none());

    let chosen = json!({ "enabledExtendedClaims": ["custom_data", "organization_data"] });
    assert_eq!(world.admin.put(ID_TOKEN, chosen.clone()).await.expect(200).json(), chosen);
    assert_eq!(world.admin.get(ID_TOKEN).await.expect(200).json(), chosen);
    let refreshed = Tokens(world.refresh(client, tokens.refresh(), &[]).await.expect(200).json());
    let claims = Tokens::claims(refreshed.id());
    assert_eq!(claims["custom_data"], json!({}));
    assert_eq!(claims["organization_data"][0]["name"], "Acme");
    assert!(claims.get("roles").is_none() && claims.get("organizations").is_none());
    let request = browser.request(trinco_testkit::Method::GET, "/oidc/me");
    let userinfo = trinco_testkit::Answer::to(request.bearer_auth(refreshed.access())).await;
    assert_eq!(userinfo.expect(200).json()["roles"], json!(["shopper"]));

    let none = world.admin.put(ID_TOKEN, json!({})).await.expect(200).json();
    assert_eq!(none, json!({ "enabledExtendedClaims": [] }));
    let unknown = json!({ "enabledExtendedClaims": ["passwords"] });
    assert_eq!(
        world.admin.put(ID_TOKEN, unknown).await.expect(400).json()["code"],
        "guard.invalid_input"
    );
    assert_eq!(world.admin.get(ID_TOKEN).await.expect(200).json(), none);
}

#[tokio::test]
async fn a_session_lasts_as_long_as_the_administrator_chose() {
    let mut world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    assert_eq!(world.admin.get(SESSION).await.expect(200).json(), json!({ "ttl": 1_209_600 }));
    let changed = world.admin.patch(SESSION, json!({ "ttl": 7200 })).await.expect(200).json();
    assert_eq!(changed, json!({ "ttl": 7200 }));
    assert_eq!(world.admin.patch(SESSION, json!({})).await.expect(200).json(), changed);

    let browser = world.server.browser();
    world.server.sign_in(&browser, client, USER, "openid", &[]).await;
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    world.server.clock().advance(7199);
    assert!(browser.get(&url).await.location().contains("code="));
    world.server.clock().advance(1);
    assert!(browser.get(&url).await.location().contains("/sign-in?"));
    world.admin.renew().await;

    for wrong in [json!(0), json!(-1), json!(31_536_001), json!("7200"), json!(1.5)] {
        let refused = world.admin.patch(SESSION, json!({ "ttl": wrong })).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input", "{wrong}");
    }
    assert_eq!(world.admin.get(SESSION).await.expect(200).json(), changed);
}

#[tokio::test]
async fn settings_are_for_holders_of_a_management_token() {
    let world = World::start().await;
    let browser = world.server.browser();
    for path in [ID_TOKEN, SESSION, "/api/configs/oidc/private-keys"] {
        browser.get(path).await.expect(401);
    }
}
