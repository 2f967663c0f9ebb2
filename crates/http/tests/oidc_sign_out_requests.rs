//! What a sign-out request may say (OpenID Connect RP-Initiated Logout §2, §3), at the door.

use serde_json::json;
use trinco_testkit::{Browser, Tokens, USER, World, hidden};

const LANDING: &str = "http://localhost:9999/";

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
        let tokens = world.server.sign_in(&browser, client, USER, "openid", &[]).await;
        Self { world, app, browser, tokens }
    }

    fn url(members: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("/oidc/session/end?{}", query.extend_pairs(members).finish())
    }

    /// Asks, and answers the form that comes as a browser would: its own fields, unchanged.
    async fn confirmed(&self, members: &[(&str, &str)]) -> trinco_testkit::Answer {
        let page = self.browser.get(&Self::url(members)).await.expect(200);
        let xsrf = hidden(&page.text, "xsrf");
        let mut form = members.to_vec();
        form.extend([("xsrf", xsrf.as_str()), ("logout", "yes")]);
        self.browser.submit("/oidc/session/end/confirm", &form).await
    }

    async fn is_signed_in(&self) -> bool {
        let url = self.world.server.authorization_url(&self.app.0, "openid", &[("prompt", "none")]);
        self.browser.get(&url).await.location().contains("code=")
    }
}

#[tokio::test]
async fn a_hint_a_landing_place_and_a_state_bring_the_person_back() {
    let signed = Signed::start().await;
    let state = "a b&c=d";
    let members = [
        ("id_token_hint", signed.tokens.id()),
        ("post_logout_redirect_uri", LANDING),
        ("state", state),
    ];
    let landed = signed.confirmed(&members).await;
    assert_eq!(landed.location(), "http://localhost:9999/?state=a%20b%26c%3Dd");
    assert!(landed.header("set-cookie").starts_with("_session=; Max-Age=0"));
    assert!(!signed.is_signed_in().await);
}

#[tokio::test]
async fn without_a_state_none_comes_back() {
    let signed = Signed::start().await;
    let members = [("id_token_hint", signed.tokens.id()), ("post_logout_redirect_uri", LANDING)];
    assert_eq!(signed.confirmed(&members).await.location(), LANDING);
    assert!(!signed.is_signed_in().await);
}

#[tokio::test]
async fn without_a_landing_place_the_person_stays_here_and_is_told() {
    let signed = Signed::start().await;
    let page = signed.confirmed(&[("id_token_hint", signed.tokens.id())]).await.expect(200);
    assert!(page.text.contains("signed out"), "{}", page.text);
    assert!(!signed.is_signed_in().await);
}

#[tokio::test]
async fn a_request_without_anything_or_with_a_state_alone_asks_the_person() {
    for members in [&[][..], &[("state", "lonely")]] {
        let signed = Signed::start().await;
        let page = signed.browser.get(&Signed::url(members)).await.expect(200);
        assert!(!page.text.contains("auto-submit"), "{}", page.text);
        assert!(signed.is_signed_in().await, "asking ends nothing");
        signed.confirmed(members).await.expect(200);
        assert!(!signed.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_hint_about_somebody_else_asks_the_person() {
    let signed = Signed::start().await;
    let bob = ("bob", "another long password");
    signed.world.admin.user(bob.0, bob.1).await;
    let server = &signed.world.server;
    let client = (signed.app.0.as_str(), signed.app.1.as_str());
    let bobs = server.sign_in(&server.browser(), client, bob, "openid", &[]).await;
    let page = signed.browser.get(&Signed::url(&[("id_token_hint", bobs.id())])).await.expect(200);
    assert!(!page.text.contains("auto-submit"), "{}", page.text);
    assert!(signed.is_signed_in().await);
}

#[tokio::test]
async fn a_hint_that_was_changed_or_is_not_an_id_token_of_ours_is_refused_and_ends_nothing() {
    let signed = Signed::start().await;
    let token = signed.tokens.id();
    let (start, signature) = token.rsplit_once('.').expect("a signature");
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{start}.{flipped}{}", &signature[1..]);
    let mut parts = token.split('.');
    let (header, claims) = (parts.next().unwrap(), Tokens::claims(token));
    let claims = trinco_testkit::changed(claims, json!({ "sub": "somebody" })).to_string();
    let altered = format!("{header}.{}.{signature}", trinco_jose::base64url_encode(claims));
    for hint in [&forged, &altered, signed.tokens.access(), signed.world.admin.token(), "x"] {
        let members = [("id_token_hint", hint), ("post_logout_redirect_uri", LANDING)];
        let refused = signed.browser.get(&Signed::url(&members)).await.expect(400);
        assert_eq!(refused.header("location"), "", "{hint}");
        assert!(signed.is_signed_in().await);
    }
}

#[tokio::test]
async fn an_expired_hint_is_still_a_hint() {
    let signed = Signed::start().await;
    signed.world.server.clock().advance(2 * 3600);
    let members = [("id_token_hint", signed.tokens.id()), ("post_logout_redirect_uri", LANDING)];
    assert_eq!(signed.confirmed(&members).await.location(), LANDING);
}

#[tokio::test]
async fn a_hint_that_was_issued_to_another_client_is_refused() {
    let signed = Signed::start().await;
    let other = signed.world.admin.traditional("Other").await;
    let members = [("id_token_hint", signed.tokens.id()), ("client_id", other.0.as_str())];
    signed.browser.get(&Signed::url(&members)).await.expect(400);
    let members = [("id_token_hint", signed.tokens.id()), ("client_id", signed.app.0.as_str())];
    signed.confirmed(&members).await.expect(200);
}

#[tokio::test]
async fn a_landing_place_is_compared_whole() {
    let signed = Signed::start().await;
    for uri in [
        "http://localhost:9999/?foo=bar",
        "http://localhost:9999/x",
        "http://localhost:9998/",
        "https://localhost:9999/",
        "http://localhost:9999/#x",
        "http://localhost:9999/callback",
    ] {
        let members = [("id_token_hint", signed.tokens.id()), ("post_logout_redirect_uri", uri)];
        let refused = signed.browser.get(&Signed::url(&members)).await.expect(400);
        assert_eq!(refused.header("location"), "", "{uri}");
    }
    assert!(signed.is_signed_in().await);
}

/// A form of another site comes without the cookies, so that nobody seems to be signed in; the session would outlive the sign-out.
#[tokio::test]
async fn a_request_by_post_comes_back_by_get_which_has_the_cookies() {
    let signed = Signed::start().await;
    let state = "x".repeat(100);
    let members = [
        ("id_token_hint", signed.tokens.id()),
        ("post_logout_redirect_uri", LANDING),
        ("state", state.as_str()),
        ("logout", "yes"),
    ];
    let back = signed.world.server.browser().submit("/oidc/session/end", &members).await;
    assert_eq!(back.header("cache-control"), "no-store");
    let expected = format!("{}{}", signed.world.server.base(), Signed::url(&members[..3]));
    assert_eq!(back.location(), expected, "what is no parameter of it is left behind");
    let page = signed.browser.get(back.location()).await.expect(200);
    assert!(page.text.contains("auto-submit"), "{}", page.text);
    assert!(signed.is_signed_in().await, "asking ends nothing");

    // From this server's own pages the cookies come along at once, and the person is asked as ever.
    let page = signed.browser.submit("/oidc/session/end", &members).await.expect(200);
    assert!(!hidden(&page.text, "xsrf").is_empty());
    // Nobody is signed in: it leads to the landing place all the same.
    let stranger = signed.world.server.browser();
    let back = stranger.submit("/oidc/session/end", &members).await.location().to_owned();
    assert_eq!(stranger.get(&back).await.location(), format!("{LANDING}?state={state}"));
}

#[tokio::test]
async fn languages_that_nobody_here_speaks_are_no_error() {
    let signed = Signed::start().await;
    for (asked, spoken) in [("xx zz-ZZ", "en"), ("xx pt-BR", "pt-BR"), ("", "en")] {
        let page = signed.browser.get(&Signed::url(&[("ui_locales", asked)])).await.expect(200);
        assert!(page.text.contains(&format!("<html lang=\"{spoken}\"")), "{asked}: {}", page.text);
    }
}

/// As the reference system has it, and as redirect URIs do: a registered wildcard stands for one label.
#[tokio::test]
async fn a_wildcard_of_a_landing_place_stands_for_a_label_of_the_same_site() {
    let signed = Signed::start().await;
    let metadata =
        json!({ "redirectUris": [], "postLogoutRedirectUris": ["https://*.shop.example/bye"] });
    let body = json!({ "oidcClientMetadata": metadata });
    let path = format!("/api/applications/{}", signed.app.0);
    signed.world.admin.patch(&path, body).await.expect(200);
    let asked = async |uri: &str| {
        let members = [("id_token_hint", signed.tokens.id()), ("post_logout_redirect_uri", uri)];
        signed.browser.get(&Signed::url(&members)).await
    };
    for uri in
        ["https://shop.example/bye", "https://a.b.shop.example/bye", "https://evil.example/bye"]
    {
        assert_eq!(asked(uri).await.expect(400).header("location"), "", "{uri}");
    }
    asked("https://pr-7.shop.example/bye").await.expect(200);
}
