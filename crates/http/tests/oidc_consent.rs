//! Third-party applications: the consent page and what bounds their tokens, at the door.

mod guest;

use guest::{Guest, ORGANIZATIONS, answer, arrive};
use serde_json::json;
use trinco_testkit::{API, Answer, Method, REDIRECT_URI, Tokens, hidden, query_of, text};

const ORGANIZATIONS_RESOURCE: &str = "urn:logto:resource:organizations";

#[tokio::test]
async fn a_third_party_application_gets_what_the_user_allows() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid profile read:orders", &[("resource", API)]).await;
    assert!(page.contains("/consent?app_id="), "{page}");
    let shown = browser.get(&page).await.expect(200);
    for words in
        ["Ledger", "your name, username", "On Shop", "read:orders", "alice", "localhost:9999"]
    {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(!shown.text.contains("type=\"checkbox\""), "no organizations were asked for");

    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    assert!(target.starts_with(REDIRECT_URI), "{target}");
    assert_eq!(query_of(&target)["state"], "st-1");
    let tokens = guest.exchange(&target).await;
    assert_eq!(Tokens::claims(tokens.id())["sub"], guest.world.user_id.as_str());
    // Answered once: going back in the browser does not make a second code.
    browser.get(&page).await.expect(404);
}

#[tokio::test]
async fn what_was_allowed_is_remembered_and_only_the_rest_is_asked_for() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let quiet = [("prompt", ""), ("resource", API)];
    let page = guest.arrive(&browser, "openid profile", &quiet).await;
    answer(&browser, &page, "allow", &[]).await.location();

    let again = guest.arrive(&browser, "openid profile", &quiet).await;
    assert!(query_of(&again).contains_key("code"), "{again}");
    let silent = guest.arrive(&browser, "openid profile", &[("prompt", "none")]).await;
    assert!(query_of(&silent).contains_key("code"), "{silent}");

    let wider = [("prompt", "none"), ("resource", API)];
    let refused = guest.arrive(&browser, "openid profile read:orders", &wider).await;
    assert_eq!(query_of(&refused)["error"], "consent_required");
    let page = guest.arrive(&browser, "openid profile read:orders", &quiet).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("read:orders") && shown.contains("asks for more"), "{shown}");
    assert!(!shown.contains("your name, username"), "it was allowed before: {shown}");

    // The client may want the page: then all of the request is on it.
    let page = guest.arrive(&browser, "openid profile", &[]).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("your name, username") && !shown.contains("asks for more"), "{shown}");
    let other = guest.server().browser();
    let elsewhere = guest.arrive(&other, "openid profile", &quiet).await;
    assert!(query_of(&elsewhere).contains_key("code"), "remembered per user, not per browser");
}

/// RFC 8252 §8.6: any application on the device may answer to these redirect URIs, so the person is asked each time.
#[tokio::test]
async fn a_native_application_is_asked_about_each_time_unless_its_redirect_uri_is_its_own() {
    let guest = Guest::start().await;
    let claimed = "https://ledger.example/callback";
    let metadata = json!({
        "redirectUris": ["com.example.ledger:/cb", "http://127.0.0.1/cb", claimed],
        "postLogoutRedirectUris": [],
    });
    let body = json!({
        "name": "Pocket", "type": "Native", "isThirdParty": true, "oidcClientMetadata": metadata,
    });
    let id = text(&guest.world.admin.create("/api/applications", body).await, "/id").to_owned();
    let browser = guest.server().browser();
    let ask = async |redirect_uri: &str, prompt: &str| {
        let url = guest.server().authorization_url(&id, "openid", &[("prompt", prompt)]);
        let encode =
            |uri: &str| form_urlencoded::byte_serialize(uri.as_bytes()).collect::<String>();
        arrive(&browser, &url.replace(&encode(REDIRECT_URI), &encode(redirect_uri))).await
    };
    for redirect_uri in ["com.example.ledger:/cb", "http://127.0.0.1:51111/cb", claimed] {
        let page = ask(redirect_uri, "consent").await;
        let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
        assert!(query_of(&target).contains_key("code"), "{target}");
    }
    for redirect_uri in ["com.example.ledger:/cb", "http://127.0.0.1:51111/cb"] {
        let page = ask(redirect_uri, "").await;
        assert!(page.contains("/consent?"), "{redirect_uri}: {page}");
        let shown = browser.get(&page).await.expect(200).text;
        assert!(shown.contains("which account is yours"), "all of it is asked for: {shown}");
        assert!(!shown.contains("asks for more"), "it asks for no more: {shown}");
        let silent = ask(redirect_uri, "none").await;
        assert_eq!(query_of(&silent)["error"], "consent_required", "{redirect_uri}");
    }
    assert!(query_of(&ask(claimed, "none").await).contains_key("code"));
}

#[tokio::test]
async fn denying_sends_access_denied_and_remembers_nothing() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid profile", &[]).await;
    let target = answer(&browser, &page, "deny", &[]).await.location().to_owned();
    let query = query_of(&target);
    assert_eq!((query["error"].as_str(), query["state"].as_str()), ("access_denied", "st-1"));
    assert_eq!(query["iss"], guest.server().issuer());
    assert!(!query.contains_key("code"));
    browser.get(&page).await.expect(404);
    let silent = guest.arrive(&browser, "openid", &[("prompt", "none")]).await;
    assert_eq!(query_of(&silent)["error"], "consent_required");
}

#[tokio::test]
async fn scope_upgrade_beyond_the_consent_scopes_is_dropped() {
    let guest = Guest::start().await;
    guest.may_ask(json!({ "userScopes": ["email"], "resourceScopes": [guest.read] })).await;
    let browser = guest.server().browser();
    let scope = "openid offline_access profile email roles read:orders write:orders";
    let page = guest.arrive(&browser, scope, &[("resource", API)]).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("your email address") && shown.contains("read:orders"));
    assert!(shown.contains("keep this access while you are away"), "{shown}");
    for beyond in ["your name, username", "your roles", "write:orders"] {
        assert!(!shown.contains(beyond), "{beyond}");
    }
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = guest.exchange(&target).await;
    let claims = Tokens::claims(tokens.id());
    assert!(claims.get("roles").is_none() && claims.get("name").is_none(), "{claims}");
    let world = &guest.world;
    let resource = [("resource", API)];
    let answer = world.refresh(guest.client(), tokens.refresh(), &resource).await.expect(200);
    assert_eq!(answer.json()["scope"], "read:orders");
    let more = [("resource", API), ("scope", "read:orders write:orders")];
    let refused = world.refresh(guest.client(), tokens.refresh(), &more).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_scope");

    // Putting a scope on the list later does not widen what was allowed; taking one off narrows it at once.
    guest.may_ask(json!({ "resourceScopes": [guest.write], "userScopes": ["profile"] })).await;
    let answer = world.refresh(guest.client(), tokens.refresh(), &resource).await.expect(200);
    assert_eq!(answer.json()["scope"], "read:orders");
    let off = guest.path(&format!("user-consent-scopes/resource-scopes/{}", guest.read));
    world.admin.delete(&off).await.expect(204);
    let answer = world.refresh(guest.client(), tokens.refresh(), &resource).await.expect(200);
    assert_eq!(answer.json()["scope"], "");
    world.admin.delete(&guest.path("user-consent-scopes/user-scopes/email")).await.expect(204);
    let request = browser.request(Method::GET, "/oidc/me").bearer_auth(tokens.access());
    let userinfo = Answer::to(request).await.expect(200).json();
    assert!(userinfo.get("email").is_none(), "{userinfo}");
}

#[tokio::test]
async fn scope_upgrade_by_tampering_with_the_form_changes_nothing() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let other = guest.world.admin.create("/api/organizations", json!({ "name": "Other" })).await;
    let page = guest.arrive(&browser, "openid", &[]).await;
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let form = [
        ("xsrf", xsrf.as_str()),
        ("decision", "allow"),
        ("scope", "openid profile email"),
        ("organization_ids", guest.world.organization_id.as_str()),
        ("organization_ids", text(&other, "/id")),
    ];
    let target = browser.submit(&page, &form).await.location().to_owned();
    let tokens = guest.exchange(&target).await;
    assert_eq!(tokens.0["scope"], "openid");
    let path = guest.path(&format!("users/{}/consent-organizations", guest.world.user_id));
    let kept = guest.world.admin.get(&path).await.expect(200).json();
    assert_eq!(kept["organizations"], json!([]), "none were asked for");
}

#[tokio::test]
async fn scope_upgrade_while_the_person_reads_is_shown_before_it_is_allowed() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid profile read:orders", &[("resource", API)]).await;
    let of_profile = guest.path("user-consent-scopes/user-scopes/profile");
    guest.world.admin.delete(&of_profile).await.expect(204);
    let shown = browser.get(&page).await.expect(200).text;
    assert!(!shown.contains("your name, username") && shown.contains("read:orders"), "{shown}");
    // The ceiling rises again while the page is open.
    guest.may_ask(json!({ "userScopes": ["profile"] })).await;
    let xsrf = hidden(&shown, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    let again = browser.submit(&page, &form).await.expect(200).text;
    assert!(again.contains("asks for changed while you were reading"), "{again}");
    assert!(again.contains("your name, username") && again.contains("read:orders"), "{again}");
    let xsrf = hidden(&again, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    let target = browser.submit(&page, &form).await.location().to_owned();
    let tokens = guest.exchange(&target).await;
    assert_eq!(Tokens::claims(tokens.id())["sub"], guest.world.user_id.as_str());

    // Saying no needs no second look.
    let more = [("prompt", "consent"), ("resource", API)];
    let page = guest.arrive(&browser, "openid profile read:orders", &more).await;
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    guest.world.admin.delete(&of_profile).await.expect(204);
    let form = [("xsrf", xsrf.as_str()), ("decision", "deny")];
    assert_eq!(query_of(browser.submit(&page, &form).await.location())["error"], "access_denied");
}

#[tokio::test]
async fn what_the_person_ticked_stays_ticked_when_the_page_comes_back_changed() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let (admin, acme) = (&guest.world.admin, guest.world.organization_id.clone());
    let is_ticked = |page: &str, id: &str| {
        let input = page.split("<input ").find(|input| input.contains(id)).expect("it is there");
        input.split('>').next().is_some_and(|input| input.ends_with(" checked"))
    };
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, &format!("openid profile {ORGANIZATIONS}"), &[]).await;
    let mut shown = browser.get(&page).await.expect(200).text;
    assert!(is_ticked(&shown, &acme), "the only one, the first time: {shown}");

    // It is unticked, and the page comes back.
    admin.delete(&guest.path("user-consent-scopes/user-scopes/profile")).await.expect(204);
    let xsrf = hidden(&shown, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    shown = browser.submit(&page, &form).await.expect(200).text;
    assert!(shown.contains("while you were reading") && !is_ticked(&shown, &acme), "{shown}");

    // There are two now, and one is ticked.
    let other = admin.create("/api/organizations", json!({ "name": "Other" })).await;
    let other = text(&other, "/id").to_owned();
    let members = json!({ "userIds": [guest.world.user_id] });
    admin.post(&format!("/api/organizations/{other}/users"), members).await.expect(201);
    guest.may_ask(json!({ "userScopes": ["profile"] })).await;
    let xsrf = hidden(&shown, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow"), ("organization_ids", &other)];
    shown = browser.submit(&page, &form).await.expect(200).text;
    assert!(shown.contains("while you were reading"), "{shown}");
    assert!(is_ticked(&shown, &other) && !is_ticked(&shown, &acme), "{shown}");
}

#[tokio::test]
async fn an_api_that_only_learns_who_the_user_is_is_on_the_page_too() {
    let guest = Guest::start().await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid", &[]).await;
    answer(&browser, &page, "allow", &[]).await.location();
    // Nothing but an audience is new, and that is asked for.
    let page = guest.arrive(&browser, "openid", &[("prompt", ""), ("resource", API)]).await;
    assert!(page.contains("/consent?"), "{page}");
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("On Shop, it can") && shown.contains("say who you are"), "{shown}");
    answer(&browser, &page, "allow", &[]).await.location();
    let target = guest.arrive(&browser, "openid", &[("prompt", ""), ("resource", API)]).await;
    assert!(query_of(&target).contains_key("code"), "remembered: {target}");
}

#[tokio::test]
async fn an_organization_token_needs_the_users_choice() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let (world, organization) = (&guest.world, guest.world.organization_id.as_str());
    let browser = guest.server().browser();
    let scope = format!("openid offline_access {ORGANIZATIONS} invoices:read write:orders");
    let resources = [("resource", ORGANIZATIONS_RESOURCE), ("resource", API)];
    let page = guest.arrive(&browser, &scope, &resources).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("Acme") && shown.contains("type=\"checkbox\""), "{shown}");
    assert!(shown.contains("invoices:read"));

    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = guest.exchange(&target).await;
    assert_eq!(Tokens::claims(tokens.id())["organizations"], json!([]), "it was let into none");
    let wanted = [("organization_id", organization)];
    let refused = world.refresh(guest.client(), tokens.refresh(), &wanted).await.expect(403).json();
    assert_eq!(refused["error"], "access_denied");

    let page = guest.arrive(&browser, &scope, &resources).await;
    let target = answer(&browser, &page, "allow", &[organization]).await.location().to_owned();
    let tokens = guest.exchange(&target).await;
    assert_eq!(Tokens::claims(tokens.id())["organizations"], json!([organization]));
    let granted = world.refresh(guest.client(), tokens.refresh(), &wanted).await.expect(200).json();
    assert_eq!(granted["scope"], "invoices:read");

    // `write:orders` was put on the list for organizations only.
    let plain = [("resource", API)];
    let plain = world.refresh(guest.client(), tokens.refresh(), &plain).await.expect(200).json();
    assert_eq!(plain["scope"], "");
    let inside = [("resource", API), ("organization_id", organization)];
    let inside = world.refresh(guest.client(), tokens.refresh(), &inside).await.expect(200).json();
    assert_eq!(inside["scope"], "write:orders");

    let one = guest.path(&format!("users/{}/consent-organizations/{organization}", world.user_id));
    world.admin.delete(&one).await.expect(204);
    world.refresh(guest.client(), tokens.refresh(), &wanted).await.expect(403);
    world.admin.delete(&one).await.expect(404);
}

#[tokio::test]
async fn csrf_on_consent_answers_nothing() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid profile", &[]).await;
    // Another interaction of another browser has a token of its own; it is of no use here.
    let thief = guest.server().browser();
    let theirs = guest.arrive(&thief, "openid profile", &[]).await;
    let foreign = hidden(&thief.get(&theirs).await.text, "xsrf");
    for xsrf in ["", "x", foreign.as_str()] {
        for decision in ["allow", "deny"] {
            let form = [("xsrf", xsrf), ("decision", decision)];
            browser.submit(&page, &form).await.expect(404);
        }
    }
    // Without the cookies there is no interaction, whatever the token.
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    guest.server().browser().submit(&page, &form).await.expect(404);
    browser.submit(&page, &[("xsrf", xsrf.as_str())]).await.expect(404);
    assert!(query_of(browser.submit(&page, &form).await.location()).contains_key("code"));
}

#[tokio::test]
async fn clickjacking_the_consent_page_is_refused_by_its_headers() {
    let guest = Guest::start().await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid", &[]).await;
    let shown = browser.get(&page).await.expect(200);
    let policy = shown.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://localhost:9999;"), "{policy}");
    assert_eq!(shown.header("x-frame-options"), "DENY");
    assert_eq!(shown.header("referrer-policy"), "no-referrer");
    assert_eq!(shown.header("cache-control"), "no-store");
}

#[tokio::test]
async fn confused_deputy_the_consent_of_one_user_is_none_of_another() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    guest.world.admin.user("bob", "another long password").await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid profile", &[]).await;
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");

    // Bob signs in at the same browser while Alice's page is still open.
    let sign_in = page.replace("/consent?", "/sign-in?");
    let token = hidden(&browser.get(&sign_in).await.expect(200).text, "xsrf");
    let form =
        [("xsrf", token.as_str()), ("identifier", "bob"), ("password", "another long password")];
    let resume = browser.submit(&sign_in, &form).await.location().to_owned();
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    browser.submit(&page, &form).await.expect(404);

    // He is asked himself.
    let page = browser.get(&resume).await.location().to_owned();
    assert!(browser.get(&page).await.expect(200).text.contains("bob"));
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = guest.exchange(&target).await;
    assert_ne!(Tokens::claims(tokens.id())["sub"], guest.world.user_id.as_str());
    let alice = guest.server().browser();
    let asked = guest.arrive(&alice, "openid profile", &[("prompt", "")]).await;
    assert!(asked.contains("/consent?"), "Alice has allowed nothing: {asked}");
}

#[tokio::test]
async fn confused_deputy_the_consent_for_one_application_is_none_for_another() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let metadata = json!({ "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] });
    let body = json!({
        "name": "Snoop", "type": "SPA", "isThirdParty": true, "oidcClientMetadata": metadata,
    });
    let created = guest.world.admin.create("/api/applications", body).await;
    let snoop = text(&created, "/id");
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid profile", &[]).await;
    let theirs =
        arrive(&browser, &guest.server().authorization_url(snoop, "openid profile", &[])).await;
    // The token of one page does not answer the other.
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    browser.submit(&theirs, &form).await.expect(404);
    answer(&browser, &page, "allow", &[]).await.location();
    let quiet = [("prompt", "none")];
    let target = arrive(&browser, &guest.server().authorization_url(snoop, "openid", &quiet)).await;
    assert_eq!(query_of(&target)["error"], "consent_required");
}

#[tokio::test]
async fn the_consent_page_needs_a_session_and_speaks_the_readers_language() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let sign_in = browser.get(&guest.url("openid", &[])).await.location().to_owned();
    let page = sign_in.replace("/sign-in?", "/consent?");
    browser.get(&page).await.expect(404);
    let page = guest.arrive(&browser, "openid profile", &[("ui_locales", "pt-BR")]).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("lang=\"pt-BR\"") && shown.contains("Permitir acesso?"), "{shown}");
    // A sign-in that is asked for anew comes before the consent.
    guest.server().clock().advance(100);
    let page = guest.arrive(&browser, "openid", &[("max_age", "10")]).await;
    assert!(page.contains("/consent?"), "{page}");
}

#[tokio::test]
async fn fifty_answers_at_once_issue_one_code() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid profile", &[]).await;
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    let answers =
        futures_util::future::join_all((0..50).map(|_| browser.submit(&page, &form))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 303 || answer.status == 404));
}
