//! What an authorization request may say (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1), at the door.

mod attack;

use attack::altered;
use serde_json::json;
use trinco_testkit::{
    Answer, Browser, Method, REDIRECT_URI, Tokens, USER, World, hidden, query_of, text,
};

/// A world with an application, and a browser in which the user is signed in.
struct Signed {
    world: World,
    app: (String, String),
    browser: Browser,
    tokens: Tokens,
}

impl Signed {
    async fn start() -> Self {
        let world = World::start().await;
        let app = world.admin.traditional("Shop").await;
        let browser = world.server.browser();
        let client = (app.0.as_str(), app.1.as_str());
        let tokens =
            world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
        Self { world, app, browser, tokens }
    }

    fn client(&self) -> (&str, &str) {
        (&self.app.0, &self.app.1)
    }

    fn url(&self, scope: &str, more: &[(&str, &str)]) -> String {
        self.world.server.authorization_url(&self.app.0, scope, more)
    }

    /// Where the signed-in browser is sent.
    async fn location(&self, url: &str) -> String {
        self.browser.get(url).await.location().to_owned()
    }

    async fn error(&self, url: &str) -> String {
        let answer = self.location(url).await;
        assert!(answer.starts_with(REDIRECT_URI), "{answer}");
        query_of(&answer).remove("error").unwrap_or_default()
    }

    async fn tokens(&self, url: &str) -> serde_json::Value {
        let code = query_of(&self.location(url).await).remove("code").expect("a code");
        self.world.server.exchange(self.client(), &code).await.expect(200).json()
    }
}

#[tokio::test]
async fn a_request_without_a_response_type_is_refused_to_the_application() {
    let signed = Signed::start().await;
    let url = altered(&signed.url("openid", &[]), &[("response_type", "")]);
    assert_eq!(signed.error(&url).await, "invalid_request");
}

#[tokio::test]
async fn response_types_that_put_tokens_into_the_url_are_refused() {
    let signed = Signed::start().await;
    let url = signed.url("openid", &[]);
    for kind in [
        "token",
        "id_token",
        "id_token token",
        "code id_token",
        "code token",
        "code id_token token",
        "none",
        "CODE",
        "code code",
    ] {
        let url = altered(&url, &[("response_type", kind), ("nonce", "n")]);
        assert_eq!(signed.error(&url).await, "unsupported_response_type", "{kind}");
    }
}

#[tokio::test]
async fn unknown_parameters_and_wishes_that_bind_nobody_are_accepted() {
    let signed = Signed::start().await;
    for more in [
        ("extra", "foobar"),
        ("display", "page"),
        ("display", "popup"),
        ("display", "touch"),
        ("claims_locales", "se pt-BR"),
        ("ui_locales", "xx zz-ZZ"),
        ("acr_values", "1 2"),
        ("login_hint", "somebody@example.com"),
    ] {
        assert!(
            signed.location(&signed.url("openid", &[more])).await.contains("code="),
            "{more:?}"
        );
    }
}

#[tokio::test]
async fn a_parameter_without_a_value_is_as_good_as_none() {
    let signed = Signed::start().await;
    let url = altered(&signed.url("openid", &[]), &[("state", ""), ("prompt", "")]);
    let empty =
        format!("{url}&state=&prompt=&max_age=&nonce=&id_token_hint=&resource=&request=&claims");
    let answer = query_of(&signed.location(&empty).await);
    assert!(answer.contains_key("code"), "{answer:?}");
    assert!(!answer.contains_key("state"), "an absent state does not come back");
}

#[tokio::test]
async fn state_and_nonce_are_optional_and_come_back_unchanged() {
    let signed = Signed::start().await;
    let bare = altered(&signed.url("openid", &[]), &[("state", "")]);
    let answer = query_of(&signed.location(&bare).await);
    assert!(!answer.contains_key("state"));
    let tokens = signed.world.server.exchange(signed.client(), &answer["code"]).await.expect(200);
    assert!(Tokens::claims(text(&tokens.json(), "/id_token")).get("nonce").is_none());

    let (state, nonce) = ("a b&c=d#é/\"<>%20+".repeat(8), "n".repeat(64));
    let url = altered(&signed.url("openid", &[]), &[("state", &state), ("nonce", &nonce)]);
    let answer = query_of(&signed.location(&url).await);
    assert_eq!(answer["state"], state);
    let tokens = signed.world.server.exchange(signed.client(), &answer["code"]).await.expect(200);
    assert_eq!(Tokens::claims(text(&tokens.json(), "/id_token"))["nonce"], nonce.as_str());
}

#[tokio::test]
async fn scopes_come_in_any_order_and_unknown_ones_are_left_out_which_the_answer_says() {
    let signed = Signed::start().await;
    let tokens = signed.tokens(&signed.url("email nosuchscope openid", &[])).await;
    assert_eq!(tokens["scope"], "email openid");
    assert!(tokens["id_token"].is_string());
}

#[tokio::test]
async fn without_a_scope_a_request_is_plain_oauth() {
    let signed = Signed::start().await;
    let url = altered(&signed.url("", &[]), &[("scope", "")]);
    let tokens = signed.tokens(&url).await;
    assert_eq!(tokens["scope"], "");
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none());
}

#[tokio::test]
async fn prompt_none_shows_no_page_whatever_is_missing() {
    let signed = Signed::start().await;
    let none = [("prompt", "none")];
    let first = signed.tokens(&signed.url("openid", &[("max_age", "10000")])).await;
    signed.world.server.clock().advance(100);
    let again = [("prompt", "none"), ("max_age", "10000")];
    let again = signed.tokens(&signed.url("openid", &again)).await;
    let (first, again) =
        (Tokens::claims(text(&first, "/id_token")), Tokens::claims(text(&again, "/id_token")));
    assert_eq!((&first["sub"], &first["auth_time"]), (&again["sub"], &again["auth_time"]));

    let aged = signed.url("openid", &[("prompt", "none"), ("max_age", "1")]);
    assert_eq!(signed.error(&aged).await, "login_required");
    let stranger = signed.world.server.browser().get(&signed.url("openid", &none)).await;
    assert_eq!(query_of(stranger.location())["error"], "login_required");
    for mixed in ["none login", "none consent", "consent none", "none select_account"] {
        let url = signed.url("openid", &[("prompt", mixed)]);
        assert_eq!(signed.error(&url).await, "invalid_request", "{mixed}");
    }
    let unknown = signed.url("openid", &[("prompt", "dance")]);
    assert_eq!(signed.error(&unknown).await, "invalid_request");
}

#[tokio::test]
async fn prompt_login_and_max_age_sign_in_anew_and_say_when() {
    let signed = Signed::start().await;
    let first = signed.tokens(&signed.url("openid", &[("max_age", "15000")])).await;
    let first = Tokens::claims(text(&first, "/id_token"))["auth_time"].as_i64().unwrap();
    for more in [&[("prompt", "login"), ("max_age", "15000")][..], &[("max_age", "1")]] {
        signed.world.server.clock().advance(10);
        let url = signed.url("openid", more);
        assert!(signed.location(&url).await.contains("/sign-in?"), "{more:?}");
        let code = signed.browser.authorize(&url, USER).await;
        let tokens = signed.world.server.exchange(signed.client(), &code).await.expect(200).json();
        let claims = Tokens::claims(text(&tokens, "/id_token"));
        let now = signed.world.server.clock().now();
        assert_eq!(claims["auth_time"], now, "{more:?}");
        assert!(now > first);
        assert_eq!(claims["sub"], signed.world.user_id.as_str());
    }
    let account = signed.url("openid", &[("prompt", "select_account")]);
    assert!(signed.location(&account).await.contains("/sign-in?"));
}

#[tokio::test]
async fn an_id_token_hint_names_whom_the_application_expects() {
    let signed = Signed::start().await;
    let server = &signed.world.server;
    let hint = |token: &str, prompt: &str| {
        signed.url("openid", &[("id_token_hint", token), ("prompt", prompt)])
    };
    let alices = signed.tokens.id();
    assert!(signed.location(&hint(alices, "none")).await.contains("code="));

    let bob = ("bob", "another long password");
    signed.world.admin.user(bob.0, bob.1).await;
    let bobs = server.sign_in(&server.browser(), signed.client(), bob, "openid", &[]).await;
    assert_eq!(signed.error(&hint(bobs.id(), "none")).await, "login_required");
    let url = hint(bobs.id(), "consent");
    assert!(signed.location(&url).await.contains("/sign-in?"));
    // Signing in as somebody else than the one who was expected does not help.
    let page = signed.location(&url).await;
    let xsrf = hidden(&signed.browser.get(&page).await.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let resume = signed.browser.submit(&page, &form).await.location().to_owned();
    assert_eq!(signed.error(&resume).await, "login_required");

    for wrong in ["nonsense", "a.b.c", &alices[..alices.len() - 5]] {
        assert_eq!(signed.error(&hint(wrong, "none")).await, "invalid_request", "{wrong}");
    }
    // An expired one still says who it was about.
    server.clock().advance(7200);
    assert!(signed.location(&hint(alices, "none")).await.contains("code="));
}

#[tokio::test]
async fn a_login_hint_fills_the_field_and_harms_nothing() {
    let signed = Signed::start().await;
    let browser = signed.world.server.browser();
    for (hint, shown) in [("alice", "alice"), ("\"><script>", "&#34;&#62;&#60;script&#62;")] {
        let page = browser.get(&signed.url("openid", &[("login_hint", hint)])).await;
        let page = browser.get(page.location()).await.expect(200);
        assert!(page.text.contains(&format!("value=\"{shown}\"")), "{}", page.text);
    }
}

#[tokio::test]
async fn request_objects_are_refused_and_never_fetched() {
    let signed = Signed::start().await;
    let object = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ.";
    for (name, value, error) in [
        ("request", object, "request_not_supported"),
        ("request_uri", "https://evil.example/request.jwt", "request_uri_not_supported"),
        ("registration", "{}", "registration_not_supported"),
    ] {
        assert_eq!(signed.error(&signed.url("openid", &[(name, value)])).await, error);
    }
    let discovery = "/oidc/.well-known/openid-configuration";
    let discovery = signed.browser.get(discovery).await.json();
    assert_eq!(discovery["request_parameter_supported"], false);
    assert_eq!(discovery["request_uri_parameter_supported"], false);
}

#[tokio::test]
async fn answers_travel_by_each_response_mode() {
    let signed = Signed::start().await;
    let by = |mode: &'static str| signed.url("openid", &[("response_mode", mode)]);
    let query = signed.location(&by("query")).await;
    assert!(query.starts_with(&format!("{REDIRECT_URI}?code=")), "{query}");
    let fragment = signed.location(&by("fragment")).await;
    assert!(fragment.starts_with(&format!("{REDIRECT_URI}#code=")), "{fragment}");
    let form = signed.browser.get(&by("form_post")).await.expect(200);
    assert_eq!(hidden(&form.text, "state"), "st-1");
    assert_eq!(form.header("cache-control"), "no-store");
    assert!(form.text.contains("method=\"post\"") || form.text.contains("method=\"POST\""));
    // Nobody but the server learns the challenge from an answer (RFC 7636 §4.4).
    for answer in [&query, &fragment, &form.text] {
        assert!(!answer.contains("code_challenge"), "{answer}");
    }
    // Errors, too.
    let more = [("response_mode", "form_post"), ("prompt", "none"), ("max_age", "0")];
    let form = signed.browser.get(&signed.url("openid", &more)).await.expect(200);
    assert_eq!(hidden(&form.text, "error"), "login_required");
    assert!(!form.text.contains("name=\"code\""));
}

#[tokio::test]
async fn an_application_uses_the_grants_of_its_kind_only() {
    let signed = Signed::start().await;
    let admin = &signed.world.admin;
    let robot = json!({ "name": "Robot", "type": "MachineToMachine",
        "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] } });
    let robot = text(&admin.create("/api/applications", robot).await, "/id").to_owned();
    let url = signed.world.server.authorization_url(&robot, "openid", &[]);
    assert_eq!(signed.error(&url).await, "unauthorized_client");
}

#[tokio::test]
async fn redirect_uris_are_registered_whole_or_not_at_all() {
    let signed = Signed::start().await;
    for uri in [
        "https://a.example/cb#fragment",
        "https://a.example/cb#",
        "/cb",
        "a.example/cb",
        "https://*.com/cb",
        "https://*/cb",
        "https://a.example:*/cb",
        "https://a.example/cb?x=*",
        "*://a.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://user:password@a.example/cb",
        "https://a.example/c b",
    ] {
        let metadata = json!({ "redirectUris": [uri], "postLogoutRedirectUris": [] });
        let body = json!({ "name": "Shop", "type": "Traditional", "oidcClientMetadata": metadata });
        let refused = signed.world.admin.post("/api/applications", body).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input", "{uri}");
    }
}

#[tokio::test]
async fn the_pages_cannot_be_framed_cached_or_leak_their_address() {
    let signed = Signed::start().await;
    let browser = signed.world.server.browser();
    let start = browser.get(&signed.url("openid", &[])).await;
    assert_eq!(start.header("cache-control"), "no-store");
    let sign_in = start.location().to_owned();
    let register = sign_in.replace("/sign-in?", "/register?");
    for page in [sign_in, register, "/device".to_owned(), "/oidc/session/end".to_owned()] {
        let page = browser.get(&page).await.expect(200);
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let referrer = page.header("referrer-policy");
        assert!(
            ["no-referrer", "strict-origin-when-cross-origin"].contains(&referrer),
            "{referrer}"
        );
    }
    let request = browser.request(Method::GET, &signed.url("openid", &[("prompt", "none")]));
    let answer = Answer::to(request).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (303, "no-store"));
}

#[tokio::test]
async fn landing_places_are_registered_by_the_rules_of_redirect_uris() {
    let signed = Signed::start().await;
    for uri in ["/", "a.example", "https://a.example/#x", "javascript:alert(1)", "https://*.com/"] {
        let metadata = json!({ "redirectUris": [], "postLogoutRedirectUris": [uri] });
        let body = json!({ "name": "Shop", "type": "Traditional", "oidcClientMetadata": metadata });
        let refused = signed.world.admin.post("/api/applications", body).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input", "{uri}");
    }
}

/// RFC 9700 §2.6: browsers navigate here; no page of another origin has anything to read.
#[tokio::test]
async fn the_authorization_endpoint_answers_no_page_of_another_origin() {
    let signed = Signed::start().await;
    let url = signed.url("openid", &[("prompt", "none")]);
    for path in [url.as_str(), "/oidc/session/end", "/sign-in"] {
        for origin in ["https://evil.example", "http://localhost:9999", "null"] {
            for method in [Method::GET, Method::OPTIONS] {
                let request = signed.browser.request(method.clone(), path).header("origin", origin);
                let request = request.header("access-control-request-method", "GET");
                let answer = Answer::to(request).await;
                for header in ["origin", "methods", "headers", "credentials"] {
                    let name = format!("access-control-allow-{header}");
                    assert_eq!(answer.header(&name), "", "{method} {path} {name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_claims_parameter_causes_no_error() {
    let signed = Signed::start().await;
    let claims = r#"{"userinfo":{"name":{"essential":true}},"id_token":{"auth_time":null}}"#;
    let url = signed.url("openid", &[("claims", claims)]);
    assert!(signed.location(&url).await.contains("code="));
}

/// RFC 9700 §4.16: whatever is shown on the way of a sign-in, be it what is wrong.
#[tokio::test]
async fn the_pages_that_say_what_is_wrong_cannot_be_framed_either() {
    let signed = Signed::start().await;
    let browser = signed.world.server.browser();
    let stranger = altered(&signed.url("openid", &[]), &[("client_id", "nosuchclient")]);
    let lost = format!("/sign-in?app_id={}&interaction=none", signed.app.0);
    for (page, status) in [
        (stranger.as_str(), 400),
        (lost.as_str(), 404),
        ("/oidc/auth/none", 404),
        ("/device/confirm?app_id=none", 404),
        ("/oidc/session/end?id_token_hint=none", 400),
        ("/nosuchpage", 404),
    ] {
        let shown = browser.get(page).await;
        assert_eq!(shown.status, status, "{page}: {}", shown.text);
        assert!(shown.header("content-type").starts_with("text/html"), "{page}");
        let policy = shown.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{page}: {policy}");
        assert_eq!(shown.header("x-frame-options"), "DENY", "{page}");
    }
}
