//! Documents that lie, strangers that misuse the fetching of documents, at the door.

mod agent;
mod guest;

use std::time::Duration;

use agent::{Page, Site, authorize, refusal, world_of_agents};
use futures_util::future::join_all;
use guest::{answer, arrive};
use serde_json::{Value, json};
use trinco_testkit::{Answer, Method, REDIRECT_URI, World, query_of};

const METADATA: &str = "invalid_client_metadata";
const UNREACHABLE: &str = "the client metadata document cannot be fetched";

#[tokio::test]
async fn a_document_that_is_not_one_is_refused_with_a_sentence() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let good = |path: &str| Page::json(&site.document(path));
    let status = |path: &str, status| Page { status, ..good(path) };
    let served = "served with status 200";
    for (path, page, words) in [
        ("/moved", status("/moved", 302).with("location", &site.url("/client.json")), served),
        (
            "/moved/for/good",
            status("/moved/for/good", 301).with("location", "/client.json"),
            served,
        ),
        ("/created", status("/created", 201), served),
        ("/missing", status("/missing", 404), served),
        ("/html", good("/html").with("content-type", "text/html"), served),
        ("/text", good("/text").with("content-type", "text/plain"), served),
        ("/nothing", Page { headers: vec![], ..good("/nothing") }, served),
        ("/list", Page { body: "[]".into(), ..good("/list") }, "not a JSON object"),
        ("/broken", Page { body: "{".into(), ..good("/broken") }, "not a JSON object"),
    ] {
        site.put(path, page);
        let (error, description) = refusal(&world, &site.url(path)).await;
        assert_eq!(error, METADATA, "{path}: {description}");
        assert!(description.contains(words), "{path}: {description}");
        assert_eq!(site.requests("/client.json"), 0, "{path}: a redirect is not followed");
    }
    // A type of its own that is JSON is a document.
    site.put("/typed", good("/typed").with("content-type", "application/cimd+json"));
    assert!(authorize(&world, &site.url("/typed")).await.status.is_redirection());
}

#[tokio::test]
async fn a_huge_document_is_read_no_further_than_the_limit() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    for (path, size) in [("/over", 5 * 1024), ("/huge", 4 * 1024 * 1024)] {
        let mut document = site.document(path);
        document["padding"] = json!("x".repeat(size));
        let client = site.publish(path, &document);
        let (error, description) = refusal(&world, &client).await;
        assert_eq!(error, METADATA);
        assert!(description.contains("longer than 5120 bytes"), "{description}");
    }
    let mut document = site.document("/full");
    let length = document.to_string().len() + "\"padding\":\"\",".len();
    document["padding"] = json!("x".repeat(5 * 1024 - length));
    assert_eq!(document.to_string().len(), 5 * 1024);
    let client = site.publish("/full", &document);
    assert!(authorize(&world, &client).await.status.is_redirection());
}

#[tokio::test]
async fn a_document_must_speak_for_its_own_url_and_hold_no_secret() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let other = site.url("/other.json");
    for (path, name, value, error) in [
        ("/a", "client_id", json!(other), METADATA),
        ("/b", "client_id", json!(null), METADATA),
        ("/c", "client_id", json!(format!("{}/c?", site.base)), METADATA),
        ("/d", "client_secret", json!("s3cret"), METADATA),
        ("/e", "token_endpoint_auth_method", json!("client_secret_basic"), METADATA),
        ("/f", "token_endpoint_auth_method", json!("client_secret_post"), METADATA),
        ("/g", "token_endpoint_auth_method", json!("client_secret_jwt"), METADATA),
        ("/h", "token_endpoint_auth_method", json!("private_key_jwt"), METADATA),
        ("/i", "redirect_uris", json!([]), "invalid_redirect_uri"),
        ("/j", "redirect_uris", json!(["javascript:alert(1)"]), "invalid_redirect_uri"),
        ("/k", "redirect_uris", json!(["https://*.evil.example/cb"]), "invalid_redirect_uri"),
        ("/l", "redirect_uris", json!(["http://evil.example/cb"]), "invalid_redirect_uri"),
        ("/n2", "redirect_uris", json!(["http://127.0.0.2/cb"]), "invalid_redirect_uri"),
        ("/m", "client_name", json!("Bank\u{202e}kcatta"), METADATA),
    ] {
        let mut document = site.document(path);
        document[name] = value.clone();
        let client = site.publish(path, &document);
        let (found, description) = refusal(&world, &client).await;
        assert_eq!(found, error, "{name} {value}: {description}");
    }
    let private =
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" }] });
    let mut public_client = site.document("/q");
    public_client["jwks"] = private.clone();
    let (error, description) = refusal(&world, &site.publish("/q", &public_client)).await;
    assert_eq!(error, METADATA);
    assert!(description.contains("public keys only"), "{description}");
    for (path, keys) in [("/n", private), ("/o", json!({ "keys": [] })), ("/p", json!({}))] {
        let mut document = site.document(path);
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["jwks"] = keys;
        let client = site.publish(path, &document);
        assert_eq!(refusal(&world, &client).await.0, METADATA, "{path}");
    }
}

#[tokio::test]
async fn a_client_id_must_be_a_sound_url_before_anything_is_fetched() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let port = site.base.rsplit(':').next().unwrap();
    for client in [
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/a/../client.json"),
        format!("http://127.0.0.1:{port}/a/%2e%2e/client.json"),
        format!("http://127.0.0.1:{port}/client.json#x"),
        format!("http://user@127.0.0.1:{port}/client.json"),
        format!("http://127.1:{port}/client.json"),
        format!("http://0x7f000001:{port}/client.json"),
        format!("HTTP://127.0.0.1:{port}/client.json"),
        // Plain http is for this machine alone, whatever a name resolves to.
        format!("http://agent.example:{port}/client.json"),
        format!("http://10.0.0.1:{port}/client.json"),
        format!("http://127.0.0.1:{port}/{}", "c".repeat(2048)),
        "https://agent.example".to_owned(),
        "https://".to_owned(),
    ] {
        let (error, description) = refusal(&world, &client).await;
        assert_eq!(error, "invalid_client", "{client}: {description}");
    }
    assert_eq!(site.requests("/client.json"), 0);

    // The longest there may be works, on both engines and in the cookie.
    let path = format!("/{}", "c".repeat(2048 - site.base.len() - 1));
    let client = site.publish(&path, &site.document(&path));
    assert_eq!(client.len(), 2048);
    let browser = world.server.browser();
    let page = arrive(&browser, &world.server.authorization_url(&client, "openid", &[])).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let code = query_of(&target).remove("code").expect("a code");
    world.server.exchange((&client, ""), &code).await.expect(200);
}

#[tokio::test]
async fn private_addresses_are_out_of_reach_and_tell_nothing() {
    let world = world_of_agents().await;
    for host in [
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fd00::1]",
        "[::ffff:a00:1]",
        "0.0.0.0",
        "nowhere.invalid",
    ] {
        let (error, description) = refusal(&world, &format!("https://{host}/client.json")).await;
        assert_eq!(
            (error.as_str(), description.as_str()),
            ("invalid_client", UNREACHABLE),
            "{host}"
        );
    }
    // Nor is what a document refers to.
    let site = Site::start().await;
    for (path, keys) in [
        ("/a", "https://10.0.0.1/keys"),
        ("/b", "https://169.254.169.254/keys"),
        ("/c", "https://[::ffff:a00:1]/keys"),
    ] {
        let mut document = site.document(path);
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["jwks_uri"] = json!(keys);
        let (error, description) = refusal(&world, &site.publish(path, &document)).await;
        assert_eq!(
            (error.as_str(), description.as_str()),
            ("invalid_client", UNREACHABLE),
            "{keys}"
        );
    }
    for (path, keys) in [("/d", "http://10.0.0.1/keys"), ("/e", "file:///etc/passwd")] {
        let mut document = site.document(path);
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["jwks_uri"] = json!(keys);
        let (error, description) = refusal(&world, &site.publish(path, &document)).await;
        assert_eq!(error, METADATA, "{keys}: {description}");
    }
}

#[tokio::test]
async fn a_slow_document_is_given_up() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let slow = Page { pause: Duration::from_secs(20), ..Page::json(&site.document("/slow")) };
    site.put("/slow", slow);
    let (error, description) = refusal(&world, &site.url("/slow")).await;
    assert_eq!((error.as_str(), description.as_str()), ("invalid_client", UNREACHABLE));
}

#[tokio::test]
async fn requests_at_once_share_one_fetch_and_a_failure_is_not_tried_again_at_once() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let pause = Duration::from_millis(200);
    site.put("/client.json", Page { pause, ..Page::json(&site.document("/client.json")) });
    let client = site.url("/client.json");
    let answers = join_all((0..20).map(|_| authorize(&world, &client))).await;
    assert!(answers.iter().all(|answer| answer.status.is_redirection()));
    assert_eq!(site.requests("/client.json"), 1);

    site.put("/down", Page { status: 503, ..Page::json(&json!({})) });
    let down = site.url("/down");
    join_all((0..20).map(|_| authorize(&world, &down))).await;
    assert_eq!(site.requests("/down"), 1);
    site.publish("/down", &site.document("/down"));
    assert_eq!(refusal(&world, &down).await.1, UNREACHABLE, "not yet");
    world.server.clock().advance(10);
    assert!(authorize(&world, &down).await.status.is_redirection());
}

#[tokio::test]
async fn a_document_is_kept_as_long_as_its_server_says_within_bounds() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    for (path, cache, kept, gone) in [
        ("/silent", None, 599, 1),
        ("/short", Some("max-age=1"), 59, 1),
        ("/hour", Some("public, max-age=3600"), 3599, 1),
        ("/never", Some("no-store"), 59, 1),
        ("/ever", Some("max-age=31536000, immutable"), 86_399, 1),
    ] {
        let page = Page::json(&site.document(path));
        site.put(
            path,
            match cache {
                Some(value) => page.with("cache-control", value),
                None => page,
            },
        );
        let client = site.url(path);
        authorize(&world, &client).await.location();
        world.server.clock().advance(kept);
        authorize(&world, &client).await.location();
        assert_eq!(site.requests(path), 1, "{path}");
        world.server.clock().advance(gone);
        authorize(&world, &client).await.location();
        assert_eq!(site.requests(path), 2, "{path}");
    }
}

/// Allows what is asked for and returns the code.
async fn code_of(world: &World, client: &str) -> String {
    let browser = world.server.browser();
    let page = arrive(&browser, &world.server.authorization_url(client, "openid", &[])).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    query_of(&target).remove("code").expect("a code")
}

#[tokio::test]
async fn redirect_uris_that_change_count_from_the_next_fetch_on() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let mut document = site.document("/client.json");
    let client = site.publish("/client.json", &document);
    let browser = world.server.browser();
    let url = world.server.authorization_url(&client, "openid", &[]);
    let page = arrive(&browser, &url).await;

    // While a person looks at the page, the client moves away from the redirect URI.
    document["redirect_uris"] = json!(["https://agent.example/cb"]);
    site.publish("/client.json", &document);
    world.server.clock().advance(700);
    browser.get(&page).await.location();
    let refused = authorize(&world, &client).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_redirect_uri");

    // Loopback ports may differ, everything else must be the same.
    document["redirect_uris"] = json!([REDIRECT_URI, "https://agent.example/cb"]);
    site.publish("/client.json", &document);
    world.server.clock().advance(700);
    code_of(&world, &client).await;
    let ask = async |uri: &str| {
        let url = world.server.authorization_url(&client, "openid", &[]);
        let encoded: String = form_urlencoded::byte_serialize(uri.as_bytes()).collect();
        let registered: String = form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect();
        let url = url.replace(&registered, &encoded);
        Answer::to(world.server.browser().request(Method::GET, &url)).await
    };
    ask("http://localhost:1/callback").await.location();
    ask("https://agent.example/cb").await.location();
    for uri in [
        "http://localhost:1/other",
        "http://127.0.0.1:9999/callback",
        "https://agent.example/cb/",
        "https://agent.example/cb?x=1",
        "https://agent.example:8443/cb",
        "https://agent.example.evil.example/cb",
    ] {
        assert_eq!(ask(uri).await.expect(400).json()["error"], "invalid_redirect_uri", "{uri}");
    }
}

#[tokio::test]
async fn a_client_whose_site_is_down_goes_on_for_a_day_and_one_that_was_taken_down_does_not() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    authorize(&world, &client).await.location();
    site.put("/client.json", Page { status: 500, ..Page::json(&Value::Null) });
    world.server.clock().advance(3600);
    authorize(&world, &client).await.location();
    world.server.clock().advance(86_400);
    assert_eq!(refusal(&world, &client).await.1, UNREACHABLE);

    site.publish("/client.json", &site.document("/client.json"));
    world.server.clock().advance(10);
    authorize(&world, &client).await.location();
    site.put("/client.json", Page { status: 410, ..Page::json(&Value::Null) });
    world.server.clock().advance(3600);
    assert_eq!(refusal(&world, &client).await.0, METADATA);
}

#[tokio::test]
async fn a_stranger_cannot_have_many_requests_sent() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let known = site.publish("/client.json", &site.document("/client.json"));
    authorize(&world, &known).await.location();
    let mut sent = 0;
    for number in 0..80 {
        let path = format!("/flood/{number}");
        authorize(&world, &site.url(&path)).await;
        sent += site.requests(&path);
    }
    assert_eq!(sent, 59, "sixty in a minute, the good one among them");
    let busy = authorize(&world, &site.url("/flood/80")).await.expect(400).json();
    assert_eq!(busy["error"], "temporarily_unavailable");
    world.server.clock().advance(700);
    authorize(&world, &known).await.location();
}

#[tokio::test]
async fn naming_such_a_client_signs_nobody_out() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let encoded: String = form_urlencoded::byte_serialize(client.as_bytes()).collect();
    let browser = world.server.browser();
    let page = arrive(&browser, &world.server.authorization_url(&client, "openid", &[])).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let code = query_of(&target).remove("code").expect("a code");
    let tokens = world.server.exchange((&client, ""), &code).await.expect(200).json();
    // The question is one for the person, who stays signed in without an answer.
    let page = browser.get(&format!("/oidc/session/end?client_id={encoded}")).await.expect(200);
    assert!(page.text.contains("<h1>Sign out?</h1>"), "{}", page.text);
    let hint = trinco_testkit::text(&tokens, "/id_token");
    browser.get(&format!("/oidc/session/end?id_token_hint={hint}")).await.expect(200);
}
