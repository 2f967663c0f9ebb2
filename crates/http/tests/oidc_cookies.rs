//! What hangs on cookies: several sign-ins in one browser, and cookies that are where they should not be, at the door.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all};
use trinco_core::{Secret, interactions, sessions};
use trinco_testkit::{Answer, Method, REDIRECT_URI, Server, USER, World, hidden, query_of};

/// A browser whose cookies are in the hands of the test.
#[derive(Clone, Default)]
struct Jar(BTreeMap<String, String>);

impl Jar {
    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (pair, rest) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            if rest.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn send(&self, server: &Server, target: &str, form: Option<&[(&str, &str)]>) -> Answer {
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let cookies: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = server.browser().request(method, target).header("accept", "text/html");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        Answer::to(match form {
            Some(form) => request.form(form),
            None => request,
        })
        .await
    }

    async fn get(&mut self, server: &Server, target: &str) -> Answer {
        let answer = self.send(server, target, None).await;
        self.keep(&answer);
        answer
    }

    /// Fills in the sign-in page and returns where it leads.
    async fn sign_in(&mut self, server: &Server, page: &str) -> String {
        let shown = self.get(server, page).await.expect(200);
        let xsrf = hidden(&shown.text, "xsrf");
        let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
        let answer = self.send(server, page, Some(&form)).await;
        self.keep(&answer);
        answer.location().to_owned()
    }
}

/// Two tabs that are opened at the same moment: both requests leave before either answer is there.
#[tokio::test]
async fn two_applications_sign_in_at_once_in_one_browser() {
    let world = World::start().await;
    let server = &world.server;
    let (one, two) = (world.admin.traditional("One").await, world.admin.traditional("Two").await);
    let mut jar = Jar::default();
    let urls = [&one, &two].map(|app| server.authorization_url(&app.0, "openid", &[]));
    let (first, second) =
        join(jar.send(server, &urls[0], None), jar.send(server, &urls[1], None)).await;
    jar.keep(&first);
    jar.keep(&second);
    for page in [first.location(), second.location()] {
        let resume = jar.sign_in(server, page).await;
        let answer = query_of(jar.get(server, &resume).await.location());
        assert!(answer.contains_key("code"), "{answer:?}");
    }
    assert_eq!(jar.0.keys().collect::<Vec<_>>(), ["_session"], "finished sign-ins leave nothing");
}

#[tokio::test]
async fn one_application_signs_in_in_two_tabs() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    let url = |state: &str| {
        server
            .authorization_url(&app.0, "openid", &[])
            .replace("state=st-1", &format!("state={state}"))
    };
    let mut jar = Jar::default();
    let older = jar.get(server, &url("older")).await.location().to_owned();
    let newer = jar.get(server, &url("newer")).await.location().to_owned();
    for (page, state) in [(&older, "older"), (&newer, "newer")] {
        let resume = jar.sign_in(server, page).await;
        assert_eq!(query_of(jar.get(server, &resume).await.location())["state"], state);
    }
    // A link without the name of an interaction leads to the application's latest.
    let latest =
        jar.get(server, &format!("{}&max_age=0", url("latest"))).await.location().to_owned();
    let plain = latest.split("&interaction=").next().expect("a URL");
    let resume = jar.sign_in(server, plain).await;
    assert_eq!(query_of(jar.get(server, &resume).await.location())["state"], "latest");
}

#[tokio::test]
async fn a_browser_keeps_eight_sign_ins_and_forgets_the_oldest() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    let url = server.authorization_url(&app.0, "openid", &[]);
    let mut jar = Jar::default();
    let oldest = jar.get(server, &url).await.location().to_owned();
    for _ in 0..12 {
        server.clock().advance(1);
        jar.get(server, &url).await.location();
    }
    assert_eq!(jar.0.len(), 8);
    jar.get(server, &oldest).await.expect(404);
}

/// Somebody who got hold of a session cookie still cannot answer for the person where a sign-in is asked for: their own sign-in in
/// the same interaction does not count for it (OpenID Connect Core §3.1.2.1).
#[tokio::test]
async fn attack_a_stolen_session_cookie_does_not_pass_prompt_login_or_max_age() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    world.admin.user("mallory", "another horse battery").await;
    let mut victim = Jar::default();
    let page = victim
        .get(server, &server.authorization_url(&app.0, "openid", &[]))
        .await
        .location()
        .to_owned();
    victim.sign_in(server, &page).await;
    server.clock().advance(100);

    for more in [[("prompt", "login")], [("max_age", "0")]] {
        let mut thief = Jar::default();
        let url = server.authorization_url(&app.0, "openid", &more);
        let page = thief.get(server, &url).await.location().to_owned();
        let shown = thief.get(server, &page).await.expect(200);
        let xsrf = hidden(&shown.text, "xsrf");
        let form = [
            ("xsrf", xsrf.as_str()),
            ("identifier", "mallory"),
            ("password", "another horse battery"),
        ];
        let resume = thief.send(server, &page, Some(&form)).await.location().to_owned();
        thief.0.insert("_session".to_owned(), victim.0["_session"].clone());
        let target = thief.get(server, &resume).await.location().to_owned();
        assert!(target.contains("/sign-in?"), "{more:?}: {target}");
    }
}

/// A sign-out that crosses silent requests on their way: whatever those were answered with, nothing of it works afterwards.
#[tokio::test]
async fn nothing_that_was_issued_while_the_session_ended_outlives_it() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    for _ in 0..8 {
        let browser = server.browser();
        server.sign_in(&browser, client, USER, "openid", &[]).await;
        let end = format!("/oidc/session/end?client_id={}", app.0);
        let page = browser.get(&end).await.expect(200);
        let xsrf = hidden(&page.text, "xsrf");
        let form = [("client_id", client.0), ("xsrf", &xsrf), ("logout", "yes")];
        let silent = server.authorization_url(client.0, "openid", &[("prompt", "none")]);
        let (_, answers) = join(
            browser.submit("/oidc/session/end/confirm", &form),
            join_all((0..8).map(|_| browser.get(&silent))),
        )
        .await;
        for answer in answers {
            let mut query = query_of(answer.location());
            match query.remove("code") {
                None => assert_eq!(query["error"], "login_required"),
                Some(code) => {
                    server.exchange(client, &code).await.expect(400);
                }
            }
        }
    }
}

/// RP-Initiated Logout §2: a POST works as a GET does. From another site it comes without `SameSite=Lax` cookies.
#[tokio::test]
async fn signing_out_by_a_form_of_another_site_goes_on_by_get_and_forgets_no_session() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    let browser = server.browser();
    let tokens = server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    let form = [
        ("id_token_hint", tokens.id()),
        ("post_logout_redirect_uri", "http://localhost:9999/"),
        ("state", "a&b"),
    ];
    let answer = Jar::default().send(server, "/oidc/session/end", Some(&form)).await;
    assert_eq!(answer.header("set-cookie"), "");
    let next = answer.location().to_owned();
    let page = browser.get(&next).await.expect(200);
    assert_eq!(hidden(&page.text, "state"), "a&#38;b");
    assert!(page.text.contains("auto-submit"), "{}", page.text);

    // Without a session there is nothing to end and no cookie to forget.
    let landed = Jar::default().send(server, &next, None).await;
    assert_eq!(landed.location(), "http://localhost:9999/?state=a%26b");
    assert_eq!(landed.header("set-cookie"), "");
    // With cookies a form is answered as it is.
    let own = browser.submit("/oidc/session/end", &form).await.expect(200);
    assert!(own.text.contains("auto-submit"));
    let signed_in = browser.get(&server.authorization_url(&app.0, "openid", &[])).await;
    assert!(signed_in.location().starts_with(REDIRECT_URI), "nobody has confirmed yet");
}

/// A browser that is signed in, and the page on which it may sign in once more.
async fn about_to_sign_in_again(server: &Server, application_id: &str) -> (Jar, String) {
    let mut jar = Jar::default();
    let url = server.authorization_url(application_id, "openid", &[]);
    let page = jar.get(server, &url).await.location().to_owned();
    let resume = jar.sign_in(server, &page).await;
    jar.get(server, &resume).await.location();
    let again = server.authorization_url(application_id, "openid", &[("prompt", "login")]);
    let page = jar.get(server, &again).await.location().to_owned();
    (jar, page)
}

/// The fields of the form that asks whether to sign out.
async fn sign_out_form(jar: &mut Jar, server: &Server) -> Vec<(&'static str, String)> {
    let page = jar.get(server, "/oidc/session/end").await.expect(200);
    ["xsrf", "session", "logout"].map(|name| (name, hidden(&page.text, name))).into()
}

fn borrowed<'a>(form: &'a [(&str, String)]) -> Vec<(&'a str, &'a str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn is_signed_in(jar: &Jar, server: &Server, application_id: &str) -> bool {
    let silent = server.authorization_url(application_id, "openid", &[("prompt", "none")]);
    query_of(jar.send(server, &silent, None).await.location()).contains_key("code")
}

/// Applications are told that a session has ended by its id: what begins afterwards needs another one.
#[tokio::test]
async fn a_sign_in_that_a_sign_out_has_overtaken_starts_a_session_of_its_own() {
    let world = World::start().await;
    let (server, tenant) = (&world.server, world.server.tenant());
    let app = world.admin.traditional("Shop").await;
    let (jar, _) = about_to_sign_in_again(server, &app.0).await;
    let value = |name: &str| {
        let (_, cookie) =
            jar.0.iter().find(|(found, _)| found.starts_with(name)).expect("a cookie");
        cookie.rsplit_once('.').expect("a tag").0.to_owned()
    };
    let ended = sessions::find(tenant, &value("_session")).await.unwrap().expect("a session");
    let interaction_id = value("_interaction").rsplit_once('~').expect("parts").1.to_owned();
    let interaction = interactions::find(tenant, &interaction_id).await.unwrap().expect("one");
    sessions::sign_out(tenant, &ended, None).await.unwrap();

    let password = Secret::new(USER.1.to_owned());
    let signed_in =
        interactions::sign_in(tenant, &interaction, Some(&ended), USER.0, &password).await.unwrap();
    let cookie = signed_in.cookie.reveal();
    let begun = sessions::find(tenant, cookie).await.unwrap().expect("a session");
    assert_ne!(begun.id, ended.id);
    let answer = interactions::resume(tenant, &interaction_id, Some(cookie)).await.unwrap();
    assert!(format!("{answer:?}").contains("code"), "{answer:?}");
}

/// Somebody signs in again in one tab while another one asks whether to sign out.
#[tokio::test]
async fn the_question_in_one_tab_is_still_good_after_a_sign_in_in_another() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    // The answer is sent with the new cookie, or crosses the sign-in and has the old one: the person is signed out either way.
    for with_new_cookie in [true, false] {
        let (mut jar, page) = about_to_sign_in_again(server, &app.0).await;
        let form = sign_out_form(&mut jar, server).await;
        let before = jar.clone();
        jar.sign_in(server, &page).await;
        assert!(is_signed_in(&jar, server, &app.0).await);
        let sender = if with_new_cookie { &jar } else { &before };
        let answer = sender.send(server, "/oidc/session/end/confirm", Some(&borrowed(&form))).await;
        assert!(answer.expect(200).text.contains("You are signed out"));
        assert!(!is_signed_in(&jar, server, &app.0).await, "{with_new_cookie}");
    }
}

/// Who has signed in since is not who was asked.
#[tokio::test]
async fn the_question_in_one_tab_is_asked_again_when_somebody_else_signs_in_in_another() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    world.admin.user("bob", "another horse battery").await;
    let (mut jar, page) = about_to_sign_in_again(server, &app.0).await;
    let form = sign_out_form(&mut jar, server).await;
    let shown = jar.get(server, &page).await.expect(200);
    let xsrf = hidden(&shown.text, "xsrf");
    let bob = [("xsrf", &*xsrf), ("identifier", "bob"), ("password", "another horse battery")];
    let answer = jar.send(server, &page, Some(&bob)).await;
    jar.keep(&answer);
    let asked = jar.send(server, "/oidc/session/end/confirm", Some(&borrowed(&form))).await;
    let asked = asked.expect(200);
    assert!(!asked.text.contains("auto-submit"), "{}", asked.text);
    assert!(is_signed_in(&jar, server, &app.0).await);
    let form = ["xsrf", "session", "logout"].map(|name| (name, hidden(&asked.text, name)));
    jar.send(server, "/oidc/session/end/confirm", Some(&borrowed(&form))).await.expect(200);
    assert!(!is_signed_in(&jar, server, &app.0).await);

    // A form of nobody's making ends nothing.
    let (jar, _) = about_to_sign_in_again(server, &app.0).await;
    let session = form[1].1.clone();
    for forged in [
        vec![("logout", "yes"), ("xsrf", "AAAA"), ("session", &*session)],
        vec![("logout", "yes"), ("session", &*session)],
        vec![("logout", "yes")],
    ] {
        jar.send(server, "/oidc/session/end/confirm", Some(&forged)).await.expect(400);
    }
    assert!(is_signed_in(&jar, server, &app.0).await);
}
