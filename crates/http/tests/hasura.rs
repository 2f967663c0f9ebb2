//! `/api/authn/hasura`, at the door.

use serde_json::{Value, json};
use trinco_testkit::{API, Answer, Method, USER, World};

struct Hasura {
    world: World,
    token: String,
}

impl Hasura {
    async fn start() -> Self {
        let world = World::start().await;
        let app = world.admin.traditional("Shop").await;
        let browser = world.server.browser();
        let more = [("resource", API)];
        let scope = "openid offline_access read:orders";
        let url = world.server.authorization_url(&app.0, scope, &more);
        let code = browser.authorize(&url, USER).await;
        let client = (app.0.as_str(), app.1.as_str());
        let tokens = world.server.exchange(client, &code).await.expect(200).json();
        let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
        let tokens = world.refresh(client, refresh, &more).await.expect(200).json();
        let token = tokens["access_token"].as_str().expect("an access token").to_owned();
        Self { world, token }
    }

    async fn asks(&self, query: &str, token: &str, role: Option<&str>) -> Answer {
        let browser = self.world.server.browser();
        let mut request = browser.request(Method::GET, &format!("/api/authn/hasura?{query}"));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(role) = role {
            request = request.header("expected-role", role);
        }
        Answer::to(request).await
    }
}

#[tokio::test]
async fn hasura_learns_whose_request_it_is_and_whether_they_hold_the_role() {
    let hasura = Hasura::start().await;
    let (user, token) = (hasura.world.user_id.as_str(), hasura.token.as_str());
    let here = format!("resource={API}");
    let told = async |query: &str, token: &str, role: Option<&str>| -> Value {
        hasura.asks(query, token, role).await.expect(200).json()
    };
    let holder = json!({ "X-Hasura-User-Id": user, "X-Hasura-Role": "shopper" });
    assert_eq!(told(&here, token, Some("shopper")).await, holder);
    assert_eq!(told(&here, token, None).await, json!({ "X-Hasura-User-Id": user }));
    for (query, token) in
        [(here.as_str(), token), (here.as_str(), ""), ("resource=https://other.example", token)]
    {
        let role = if query == here && !token.is_empty() { "owner" } else { "shopper" };
        let refused = hasura.asks(query, token, Some(role)).await.expect(401).json();
        assert_eq!(refused["code"], "auth.expected_role_not_found");
    }
    let guest = format!("{here}&unauthorizedRole=guest");
    let as_guest = json!({ "X-Hasura-User-Id": user, "X-Hasura-Role": "guest" });
    assert_eq!(told(&guest, token, Some("owner")).await, as_guest);
    assert_eq!(told(&guest, token, None).await, as_guest);
    assert_eq!(
        told(&guest, "no token", Some("shopper")).await,
        json!({ "X-Hasura-Role": "guest" })
    );
    let elsewhere = "resource=https://other.example&unauthorizedRole=guest";
    assert_eq!(told(elsewhere, token, Some("shopper")).await, as_guest);
    let refused = hasura.asks("", token, None).await.expect(400).json();
    assert_eq!(refused["code"], "guard.invalid_input");
}
