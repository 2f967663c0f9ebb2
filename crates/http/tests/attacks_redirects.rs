//! Attacks that lead a person, or an answer, somewhere else: open redirects (RFC 9700 §4.1, §4.11) and tricks with the Host header
//! (§4.13), at the door.

mod attack;

use attack::{altered, as_form, pairs, raw};
use serde_json::{Value, json};
use trinco_testkit::{
    Answer, Method, ProofKey, REDIRECT_URI, Server, USER, World, hidden, query_of, text,
};

const GOOD: &str = "https://app.example.com/cb";

/// What looks like [`GOOD`] to somebody: to a person, to a prefix test, to a lenient parser or to a browser.
const LOOK_ALIKES: [&str; 34] = [
    "https://evil.example/cb",
    "http://app.example.com/cb",
    "https://app.example.com.evil.example/cb",
    "https://evilapp.example.com/cb",
    "https://app.example.comevil.example/cb",
    "https://app.example.com@evil.example/cb",
    "https://app.example.com:443@evil.example/cb",
    "https://evil.example/cb#https://app.example.com/cb",
    "https://evil.example/cb?https://app.example.com/cb",
    "https://evil.example\\@app.example.com/cb",
    "https:\\\\app.example.com\\cb",
    "https://app.example.com\\.evil.example/cb",
    "https://app.example.com%2eevil.example/cb",
    "https://app.example.com%00.evil.example/cb",
    "https://app.example.com:8443/cb",
    "https://app.example.com./cb",
    "https://app.example.com/cb/",
    "https://app.example.com/cb/../evil",
    "https://app.example.com/cb/..%2fevil",
    "https://app.example.com/cb?next=https://evil.example",
    "https://app.example.com/cb?",
    "https://app.example.com/cb#fragment",
    "https://app.example.com/CB",
    "https://app.example.com//cb",
    "https://app.example.com/c%62",
    "//app.example.com/cb",
    "/cb",
    "app.example.com/cb",
    "https:///evil.example/cb",
    "https:app.example.com/cb",
    "javascript:alert(document.cookie)//https://app.example.com/cb",
    "data:text/html,https://app.example.com/cb",
    " https://app.example.com/cb",
    "https://app.example.com/cb\r\nset-cookie: a=b",
];

async fn registered(world: &World) -> (String, String) {
    let metadata = json!({ "redirectUris": [GOOD], "postLogoutRedirectUris": [GOOD] });
    let body = json!({ "name": "Shop", "type": "Traditional", "oidcClientMetadata": metadata });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let secret = world.admin.secret_of(&id).await;
    (id, secret)
}

#[tokio::test]
async fn open_redirect_by_a_redirect_uri_that_looks_like_a_registered_one() {
    let world = World::start().await;
    let app = registered(&world).await;
    let browser = world.server.browser();
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let with = |uri: &str| altered(&url, &[("redirect_uri", uri), ("prompt", "none")]);
    let good = browser.get(&with(GOOD)).await;
    assert!(good.location().starts_with("https://app.example.com/cb?error=login_required"));
    for uri in LOOK_ALIKES {
        let page = browser.get(&with(uri)).await.expect(400);
        assert_eq!(page.header("location"), "", "{uri}");
        assert!(!page.text.contains("http-equiv"), "{uri}");
        let form = as_form(&with(uri));
        let posted = browser.submit("/oidc/auth", &pairs(&form)).await.expect(400);
        assert_eq!(posted.header("location"), "", "{uri}");
        let pushed = world.server.post_as((&app.0, &app.1), "/oidc/request", &pairs(&form)).await;
        pushed.expect(400);
    }
}

#[tokio::test]
async fn open_redirect_by_an_error_is_never_followed_before_the_redirect_uri_is_known() {
    let world = World::start().await;
    let app = registered(&world).await;
    let browser = world.server.browser();
    let url = altered(
        &world.server.authorization_url(&app.0, "openid", &[]),
        &[("redirect_uri", "https://evil.example/")],
    );
    for changes in [
        ("response_type", "token"),
        ("response_mode", "form_post"),
        ("response_mode", "carrier_pigeon"),
        ("request", "x"),
        ("request_uri", "https://evil.example/request.jwt"),
        ("prompt", "none"),
        ("client_id", "nosuchclient"),
        ("scope", "\"\\"),
        ("state", "https://evil.example/"),
    ] {
        let page = browser.get(&altered(&url, &[changes])).await.expect(400);
        assert_eq!(page.header("location"), "", "{changes:?}");
        assert!(!page.text.contains("action=\"https://evil"), "{changes:?}");
    }
}

#[tokio::test]
async fn open_redirect_to_a_redirect_uri_that_was_taken_away_during_the_sign_in() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let page = browser.get(&url).await.location().to_owned();
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let metadata = json!({ "redirectUris": [GOOD], "postLogoutRedirectUris": [] });
    let body = json!({ "oidcClientMetadata": metadata });
    world.admin.patch(&format!("/api/applications/{}", app.0), body).await.expect(200);
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let resume = browser.submit(&page, &form).await.location().to_owned();
    let refused = browser.get(&resume).await.expect(404);
    assert_eq!(refused.header("location"), "");
    assert!(!refused.text.contains(REDIRECT_URI));
}

#[tokio::test]
async fn open_redirect_at_sign_out_is_refused_with_and_without_a_session() {
    let world = World::start().await;
    let app = registered(&world).await;
    let shop = world.admin.traditional("Other").await;
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, (&shop.0, &shop.1), USER, "openid", &[]).await;
    let end = |members: &[(&str, &str)]| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("/oidc/session/end?{}", query.extend_pairs(members).finish())
    };
    let stranger = world.server.browser();
    for uri in LOOK_ALIKES {
        let members = [("client_id", app.0.as_str()), ("post_logout_redirect_uri", uri)];
        for browser in [&browser, &stranger] {
            let refused = browser.get(&end(&members)).await.expect(400);
            assert_eq!(refused.header("location"), "", "{uri}");
        }
        let refused = browser.submit("/oidc/session/end/confirm", &members).await.expect(400);
        assert_eq!(refused.header("location"), "", "{uri}");
    }
    // The landing place of one application is none of another's, whoever's ID token comes along.
    let members = [("id_token_hint", tokens.id()), ("post_logout_redirect_uri", GOOD)];
    browser.get(&end(&members)).await.expect(400);
    let members = [members[0], members[1], ("client_id", app.0.as_str())];
    browser.get(&end(&members)).await.expect(400);
}

#[tokio::test]
async fn open_redirect_by_parameters_of_the_pages_leads_nowhere() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let page = browser.get(&url).await.location().to_owned();
    let wanted = "redirect=https://evil.example&return_to=//evil.example&next=https://evil.example";
    let page = format!("{page}&{wanted}&redirect_uri=https://evil.example");
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let resume = browser.submit(&page, &form).await.location().to_owned();
    assert!(resume.starts_with(&format!("{}/oidc/auth/", world.server.base())), "{resume}");
    let callback = browser.get(&format!("{resume}?{wanted}")).await.location().to_owned();
    assert!(callback.starts_with(REDIRECT_URI), "{callback}");

    let device = browser.get("/oidc/device?user_code=//evil.example%2F%0d%0ax:y").await;
    assert!(device.location().starts_with(&format!("{}/device?", world.server.base())));
    for path in ["/oidc/auth/https:%2F%2Fevil.example", "/oidc/auth/..%2F..%2Fevil"] {
        assert_eq!(browser.get(path).await.expect(404).header("location"), "");
    }
    for path in ["//evil.example/", "//evil.example/oidc/auth", "/\\evil.example"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let (status, answer) = raw(&world.server, &request).await;
        assert!(status >= 400, "{path}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("location:"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn open_redirect_by_splitting_the_answers_headers_is_impossible() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let state = "x\r\nlocation: https://evil.example/\r\nset-cookie: a=b\r\n\r\n<script>";
    let more = [("state", state), ("prompt", "none")];
    let url = altered(&world.server.authorization_url(&app.0, "openid", &[]), &more);
    let answer = world.server.browser().get(&url).await;
    assert_eq!(query_of(answer.location())["state"], state, "it comes back as one value");
    assert!(answer.location().starts_with(REDIRECT_URI));
    assert_eq!(answer.headers.get_all("location").iter().count(), 1);
    assert_eq!(answer.header("set-cookie"), "");
}

/// Everything that states where the server is, to a caller that claims it is elsewhere.
async fn stated_addresses(server: &Server, app: &str, tv: &str, lie: (&str, &str)) -> Vec<String> {
    let browser = server.browser();
    let ask = |method: Method, path: &str| browser.request(method, path).header(lie.0, lie.1);
    let mut found = Vec::new();
    for path in
        ["/oidc/.well-known/openid-configuration", "/admin/oidc/.well-known/openid-configuration"]
    {
        found.push(Answer::to(ask(Method::GET, path)).await.expect(200).text);
    }
    let url = server.authorization_url(app, "openid", &[]);
    found.push(Answer::to(ask(Method::GET, &url)).await.location().to_owned());
    let none = altered(&url, &[("prompt", "none")]);
    found.push(Answer::to(ask(Method::GET, &none)).await.location().to_owned());
    let form = as_form(&url);
    let posted = ask(Method::POST, "/oidc/auth").form(&pairs(&form));
    found.push(Answer::to(posted).await.location().to_owned());
    let device = ask(Method::POST, "/oidc/device/auth").form(&[("client_id", tv)]);
    found.push(Answer::to(device).await.expect(200).text);
    found.push(Answer::to(ask(Method::GET, "/oidc/device")).await.location().to_owned());
    let challenge = Answer::to(ask(Method::GET, "/oidc/me")).await.expect(401);
    found.push(challenge.header("www-authenticate").to_owned());
    found
}

#[tokio::test]
async fn host_header_tricks_never_reach_an_answer() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let tv = json!({
        "name": "Television", "type": "Native",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "isDeviceFlow": true }
    });
    let tv = text(&world.admin.create("/api/applications", tv).await, "/id").to_owned();
    for lie in [
        ("host", "evil.example"),
        ("host", "evil.example:443"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-server", "evil.example"),
        ("x-forwarded-prefix", "//evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-host", "evil.example"),
        ("x-original-url", "https://evil.example/admin/oidc"),
        ("x-rewrite-url", "/admin/oidc"),
    ] {
        for address in stated_addresses(&world.server, &app.0, &tv, lie).await {
            assert!(!address.contains("evil.example"), "{lie:?}: {address}");
            assert!(address.contains(world.server.base()) || address.contains("iss="), "{address}");
        }
    }
}

#[tokio::test]
async fn host_header_tricks_on_the_wire_change_nothing_either() {
    let world = World::start().await;
    let path = "/oidc/.well-known/openid-configuration";
    let end = "connection: close\r\n\r\n";
    for request in [
        format!("GET http://evil.example{path} HTTP/1.1\r\nhost: evil.example\r\n{end}"),
        format!("GET http://evil.example{path} HTTP/1.1\r\nhost: localhost\r\n{end}"),
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n{end}"),
        format!("GET {path} HTTP/1.1\r\nhost: user@evil.example\r\n{end}"),
        format!("GET {path} HTTP/1.1\r\nhost:\r\n{end}"),
        format!("GET {path} HTTP/1.0\r\n{end}"),
    ] {
        let (status, answer) = raw(&world.server, &request).await;
        assert!(!answer.contains("evil.example"), "{request}: {answer}");
        if status == 200 {
            assert!(
                answer.contains(&format!("\"issuer\":\"{}\"", world.server.issuer())),
                "{answer}"
            );
        } else {
            assert_eq!(status, 400, "{answer}");
        }
    }
}

/// RFC 9449 §4.3: the URL of a proof is compared with what is configured, not with what the caller says it reached.
#[tokio::test]
async fn host_header_tricks_do_not_move_a_proof_to_another_server() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let now = world.server.clock().now();
    let token = |host: &'static str, htu: String, jti: &'static str| {
        let claims = json!({ "jti": jti, "htm": "POST", "htu": htu, "iat": now });
        let request = world.server.browser().request(Method::POST, "/oidc/token");
        let request = request.basic_auth(&app.0, Some(&app.1)).header("host", host);
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        Answer::to(request.header("dpop", ProofKey::new().proof(&claims)).form(&form))
    };
    let error = |answer: Answer| -> Value { answer.expect(400).json()["error"].clone() };
    let evil = "http://evil.example/oidc/token".to_owned();
    assert_eq!(error(token("evil.example", evil, "one").await), "invalid_dpop_proof");
    let right = format!("{}/oidc/token", world.server.base());
    assert_eq!(error(token("evil.example", right, "two").await), "invalid_grant");
}
