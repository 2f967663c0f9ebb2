//! Requests that a browser is made to send, and cookies that somebody made: CSRF on signing in, consenting and signing out (RFC 6749
//! §10.12, RFC 9700 §4.7), at the door.

mod guest;

use guest::{Guest, arrive};
use trinco_testkit::{Answer, Browser, Method, USER, World, hidden, query_of};

async fn page_of(browser: &Browser, url: &str) -> (String, String) {
    let page = browser.get(url).await.location().to_owned();
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    (page, xsrf)
}

async fn is_signed_in(world: &World, browser: &Browser, client_id: &str) -> bool {
    let none = [("prompt", "none")];
    let url = world.server.authorization_url(client_id, "openid", &none);
    browser.get(&url).await.location().contains("code=")
}

#[tokio::test]
async fn csrf_on_login_with_a_token_the_attacker_got_in_his_own_browser() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let (attacker, victim) = (world.server.browser(), world.server.browser());
    let (_, attackers) = page_of(&attacker, &url).await;
    let (page, own) = page_of(&victim, &url).await;
    assert_ne!(attackers, own);
    // The forged form carries the attacker's account and the attacker's token to the victim's browser.
    let form = |xsrf: &str| {
        [("xsrf", xsrf), ("identifier", USER.0), ("password", USER.1)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |browser: &Browser, xsrf: &str| {
        let form = form(xsrf);
        let form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.submit(&page, &form).await
    };
    let refused = send(&victim, &attackers).await.expect(404);
    assert_eq!(refused.header("set-cookie"), "");
    // Nor does the right token help in a browser without the cookies it belongs to.
    send(&world.server.browser(), &own).await.expect(404);
    assert!(!is_signed_in(&world, &victim, &app.0).await);
    send(&victim, &own).await.location();
}

#[tokio::test]
async fn csrf_on_login_with_the_token_of_another_page_of_the_same_sign_in() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let (page, sign_in) =
        page_of(&browser, &world.server.authorization_url(&app.0, "openid", &[])).await;
    let register = page.replace("/sign-in?", "/register?");
    let for_register = hidden(&browser.get(&register).await.expect(200).text, "xsrf");
    for (page, xsrf) in [(&page, &for_register), (&register, &sign_in)] {
        let form = [("xsrf", xsrf.as_str()), ("identifier", "mallory"), ("password", USER.1)];
        browser.submit(page, &form).await.expect(404);
    }
}

/// Another site can only send what a form can send, and its requests come without the cookies.
#[tokio::test]
async fn csrf_on_login_is_also_stopped_by_cookies_that_stay_at_home() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let started = browser.get(&world.server.authorization_url(&app.0, "openid", &[])).await;
    let page = started.location().to_owned();
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let signed_in = browser.submit(&page, &form).await;
    for (answer, name) in [(&started, "_interaction_"), (&signed_in, "_session=")] {
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with(name), "{cookie}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.split("; ").any(|found| found == attribute), "{attribute}: {cookie}");
        }
        assert!(!cookie.contains("Domain="), "{cookie}");
    }
    for content_type in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let body = format!("xsrf={xsrf}&identifier={}&password=x", USER.0);
        let request = browser.request(Method::POST, &page).header("content-type", content_type);
        Answer::to(request.body(body)).await.expect(415);
    }
}

#[tokio::test]
async fn csrf_on_consent_with_the_token_of_the_sign_in_page_or_by_a_link() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let url = guest.url("openid profile", &[]);
    let (_, for_sign_in) = page_of(&browser, &url).await;
    let page = arrive(&browser, &url).await;
    assert!(page.contains("/consent?"), "{page}");
    let form = [("xsrf", for_sign_in.as_str()), ("decision", "allow")];
    browser.submit(&page, &form).await.expect(404);
    // A link shows the page; it answers nothing.
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let link = format!("{page}&xsrf={xsrf}&decision=allow");
    assert!(browser.get(&link).await.expect(200).text.contains("Allow access?"));
    let silent = guest.arrive(&browser, "openid profile", &[("prompt", "none")]).await;
    assert_eq!(query_of(&silent)["error"], "consent_required");
}

#[tokio::test]
async fn csrf_on_logout_without_the_forms_token_ends_nothing() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let (victim, attacker) = (world.server.browser(), world.server.browser());
    for browser in [&victim, &attacker] {
        world.server.sign_in(browser, (&app.0, &app.1), USER, "openid", &[]).await;
    }
    let page = attacker.get(&format!("/oidc/session/end?client_id={}", app.0)).await.expect(200);
    let foreign = hidden(&page.text, "xsrf");
    let confirm = "/oidc/session/end/confirm";
    for xsrf in ["", "x", foreign.as_str()] {
        let form = [("client_id", app.0.as_str()), ("xsrf", xsrf), ("logout", "yes")];
        let refused = victim.submit(confirm, &form).await.expect(400);
        assert_eq!(refused.header("set-cookie"), "", "the cookie stays");
    }
    // The victim's own form, unanswered or by a link.
    let page = victim.get(&format!("/oidc/session/end?client_id={}", app.0)).await.expect(200);
    let own = hidden(&page.text, "xsrf");
    victim.submit(confirm, &[("client_id", &app.0), ("xsrf", &own)]).await.expect(400);
    let link = format!("{confirm}?client_id={}&xsrf={own}&logout=yes", app.0);
    victim.get(&link).await.expect(405);
    victim.submit("/oidc/session/end", &[("xsrf", &own), ("logout", "yes")]).await.expect(200);
    assert!(is_signed_in(&world, &victim, &app.0).await);
    victim
        .submit(confirm, &[("client_id", &app.0), ("xsrf", &own), ("logout", "yes")])
        .await
        .expect(200);
    assert!(!is_signed_in(&world, &victim, &app.0).await);
    assert!(is_signed_in(&world, &attacker, &app.0).await);
}

/// The value of a cookie that an answer sets, whose name begins so.
fn set_by(answer: &Answer, name: &str) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let cookie = cookies
        .filter_map(|value| value.to_str().ok()?.split_once('='))
        .find(|(found, _)| found.starts_with(name));
    let (_, value) = cookie.unwrap_or_else(|| panic!("no cookie {name}"));
    value.split(';').next().unwrap_or_default().to_owned()
}

/// Whether a browser with this cookie and no other is signed in.
async fn opens(world: &World, client_id: &str, name: &str, value: &str) -> bool {
    let none = [("prompt", "none")];
    let url = world.server.authorization_url(client_id, "openid", &none);
    let request = world.server.browser().request(Method::GET, &url);
    let answer = Answer::to(request.header("cookie", format!("{name}={value}"))).await;
    answer.location().contains("code=")
}

#[tokio::test]
async fn forged_cookies_open_no_session() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let started = browser.get(&world.server.authorization_url(&app.0, "openid", &[])).await;
    let interaction = set_by(&started, "_interaction_");
    let page = started.location().to_owned();
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let session = set_by(&browser.submit(&page, &form).await, "_session");
    assert!(opens(&world, &app.0, "_session", &session).await);

    let (value, tag) = session.rsplit_once('.').expect("a value and its tag");
    let flipped = if tag.starts_with('A') { "B" } else { "A" };
    let longest = "a".repeat(4000);
    for forged in [
        value.to_owned(),
        format!("{value}."),
        format!("{value}.{flipped}{}", &tag[1..]),
        format!("{value}x.{tag}"),
        format!("{value}.{value}.{tag}"),
        // Signed, but for another purpose.
        interaction.clone(),
        format!("{value}.{}", interaction.rsplit_once('.').expect("a tag").1),
        longest,
        "%00".to_owned(),
        "../../session".to_owned(),
    ] {
        assert!(!opens(&world, &app.0, "_session", &forged).await, "{forged}");
    }
    // One tenant's cookie is none of another's, under either name.
    for name in ["_session_admin", "_interaction", "_SESSION", "session"] {
        assert!(!opens(&world, &app.0, name, &session).await, "{name}");
    }
}

#[tokio::test]
async fn session_fixation_fails_because_signing_in_changes_the_cookie() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let again = [("prompt", "login")];
    let url = world.server.authorization_url(&app.0, "openid", &again);
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let (page, xsrf) = page_of(&browser, &url).await;
        let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
        sessions.push(set_by(&browser.submit(&page, &form).await, "_session"));
    }
    assert_ne!(sessions[0], sessions[1]);
    assert!(!opens(&world, &app.0, "_session", &sessions[0]).await, "the planted one is dead");
    assert!(opens(&world, &app.0, "_session", &sessions[1]).await);
}
