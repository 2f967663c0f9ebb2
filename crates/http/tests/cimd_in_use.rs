//! Clients known by a document that users have let in, while strangers are busy or the document is gone, at the door.

mod agent;
mod guest;

use std::time::Duration;

use agent::{Page, Site, authorize, refusal, world_of_agents};
use futures_util::future::join_all;
use guest::{answer, arrive};
use serde_json::Value;
use trinco_testkit::{Answer, Method, Tokens, World, query_of, text};

/// Signs in and allows what is asked for.
async fn tokens_of(world: &World, client: &str) -> Tokens {
    let browser = world.server.browser();
    let url = world.server.authorization_url(client, "openid offline_access", &[]);
    let page = arrive(&browser, &url).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let code = query_of(&target).remove("code").expect("a code");
    Tokens(world.server.exchange((client, ""), &code).await.expect(200).json())
}

#[tokio::test]
async fn slow_documents_of_strangers_shut_nobody_out() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let used = site.publish("/used", &site.document("/used"));
    let tokens = tokens_of(&world, &used).await;
    let seen = site.publish("/seen", &site.document("/seen"));
    authorize(&world, &seen).await.location();
    world.server.clock().advance(700);
    let pause = Duration::from_millis(900);
    for number in 0..40 {
        let path = format!("/slow/{number}");
        site.put(&path, Page { pause, ..Page::json(&site.document(&path)) });
    }
    let slow = (0..40).map(|number| site.url(&format!("/slow/{number}")));
    let slow = join_all(slow.map(async |client| authorize(&world, &client).await.status));
    let others = async {
        while (0..40).filter(|number| site.requests(&format!("/slow/{number}")) > 0).count() < 32 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // One that has tokens is fetched all the same; of one that has none, the last good document counts.
        let before = site.requests("/used");
        world.refresh((&used, ""), tokens.refresh(), &[]).await.expect(200);
        assert_eq!(site.requests("/used"), before + 1);
        authorize(&world, &seen).await.location();
    };
    let (answers, ()) = tokio::join!(slow, others);
    assert!(answers.iter().any(|status| *status == 400), "the slow ones did not fill the places");
}

#[tokio::test]
async fn a_client_with_tokens_is_no_stranger_to_a_node_that_forgot_it() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let tokens = tokens_of(&world, &client).await;
    let elsewhere = Site::start().await;
    let other = world.server.second_node().await;
    let ask = async |client: String| {
        let url = other.authorization_url(&client, "openid", &[]);
        Answer::to(other.browser().request(Method::GET, &url)).await.expect(400).json()
    };
    for number in 0..60 {
        // Whoever has a host has all its ports.
        let site = if number % 2 == 0 { &site } else { &elsewhere };
        ask(site.url(&format!("/flood/{number}"))).await;
    }
    let refused = ask(elsewhere.url("/one/more")).await;
    assert_eq!(refused["error"], "temporarily_unavailable");
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    other.token((&client, ""), &form).await.expect(200);
}

#[tokio::test]
async fn a_client_whose_document_has_vanished_is_unknown_and_can_still_be_denied() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let tokens = tokens_of(&world, &client).await;
    let deciding = world.server.browser();
    let page = arrive(&deciding, &world.server.authorization_url(&client, "openid", &[])).await;
    let xsrf = trinco_testkit::hidden(&deciding.get(&page).await.expect(200).text, "xsrf");
    let arriving = world.server.browser();
    let url = world.server.authorization_url(&client, "openid", &[]);
    let sign_in = arriving.get(&url).await.location().to_owned();

    site.put("/client.json", Page { status: 404, ..Page::json(&Value::Null) });
    world.server.clock().advance(700);
    let refused = world.refresh((&client, ""), tokens.refresh(), &[]).await.expect(401).json();
    assert_eq!(refused["error"], "invalid_client");
    assert!(text(&refused, "/error_description").contains("served with status 200"), "{refused}");
    let form = [("token", tokens.refresh())];
    for path in ["/oidc/token/revocation", "/oidc/token/introspection", "/oidc/request"] {
        let refused = world.server.post_as((&client, ""), path, &form).await.expect(401).json();
        assert_eq!(refused["error"], "invalid_client", "{path}");
    }
    // Whose document it is learns more where there is a code for it.
    assert_eq!(refusal(&world, &client).await.0, "invalid_client_metadata");

    let sentence = "what it publishes about itself is missing or wrong";
    for (browser, page) in [(&arriving, &sign_in), (&deciding, &page)] {
        assert!(browser.get(page).await.expect(400).text.contains(sentence));
    }
    let form = |decision| [("xsrf", xsrf.as_str()), ("decision", decision)];
    deciding.submit(&page, &form("allow")).await.expect(400);
    let denied = deciding.submit(&page, &form("deny")).await.expect(200).text;
    assert!(denied.contains("You did not allow it"), "{denied}");
    deciding.submit(&page, &form("deny")).await.expect(404);
}
