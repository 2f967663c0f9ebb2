//! Devices of third-party applications: the consent page, then the one that confirms the device, at the door.

mod guest;
mod television;

use guest::{Guest, ORGANIZATIONS, answer};
use serde_json::{Value, json};
use television::{
    begin_with, decide, device_application, enter_and_arrive, enter_and_sign_in, error_of, poll,
    sign_in, userinfo,
};
use trinco_testkit::{API, Answer, Browser, Method, Tokens, USER, hidden, text};

const BOB: (&str, &str) = ("bob", "another long password");

/// Somebody else's television, and what it may ask for.
struct Television {
    guest: Guest,
    id: String,
}

impl Television {
    async fn start() -> Self {
        let guest = Guest::start().await;
        let body = json!({ "name": "Telly", "isThirdParty": true });
        let id = device_application(&guest.world, body).await;
        let television = Self { guest, id };
        let guest = &television.guest;
        television
            .may_ask(json!({
                "userScopes": ["profile", "email", ORGANIZATIONS],
                "resourceScopes": [guest.read], "organizationScopes": [guest.invoices],
            }))
            .await;
        television
    }

    async fn may_ask(&self, scopes: Value) {
        let path = format!("/api/applications/{}/user-consent-scopes", self.id);
        self.guest.world.admin.post(&path, scopes).await.expect(201);
    }

    async fn may_not_ask(&self, scope: &str) {
        let path = format!("/api/applications/{}/user-consent-scopes/user-scopes/{scope}", self.id);
        self.guest.world.admin.delete(&path).await.expect(204);
    }

    /// The codes for a device that asks for `scope`.
    async fn begin(&self, scope: &str) -> Value {
        let form = [("scope", scope), ("resource", API), ("prompt", "consent")];
        begin_with(self.guest.server(), &self.id, &form).await
    }

    /// Types the code; the page that comes is the one that asks for consent.
    async fn arrive(&self, browser: &Browser, codes: &Value) -> String {
        let page = enter_and_arrive(browser, text(codes, "/user_code"), USER).await;
        assert!(page.contains("/consent?app_id="), "{page}");
        page
    }

    async fn poll(&self, codes: &Value) -> Answer {
        self.guest.server().clock().advance(5);
        poll(self.guest.server(), &self.id, codes).await
    }

    async fn tokens(&self, codes: &Value) -> Tokens {
        Tokens(self.poll(codes).await.expect(200).json())
    }

    async fn userinfo(&self, tokens: &Tokens) -> Value {
        let request = self.guest.server().browser().request(Method::GET, "/oidc/me");
        Answer::to(request.bearer_auth(tokens.access())).await.expect(200).json()
    }
}

#[tokio::test]
async fn somebody_elses_television_asks_for_consent_and_then_whether_it_is_the_right_one() {
    let television = Television::start().await;
    let browser = television.guest.server().browser();
    let codes = television.begin("openid offline_access profile roles read:orders").await;
    let page = television.arrive(&browser, &codes).await;
    let shown = browser.get(&page).await.expect(200);
    for words in ["Telly", "your name, username", "read:orders", "you check that it is your device"]
    {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(!shown.text.contains("your roles"), "the operator did not list it: {}", shown.text);
    assert!(shown.header("content-security-policy").contains("form-action 'self';"));

    // Consent alone signs in no device.
    let confirm = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    assert!(confirm.contains("/device/confirm?"), "{confirm}");
    assert_eq!(error_of(television.poll(&codes).await), "authorization_pending");
    let shown = browser.get(&confirm).await.expect(200).text;
    for words in [text(&codes, "/user_code"), "Telly", "your name, username", "read:orders"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("your roles"), "{shown}");
    decide(&browser, &confirm, "allow").await.expect(200);
    let tokens = television.tokens(&codes).await;
    assert_eq!(Tokens::claims(tokens.id())["sub"], television.guest.world.user_id.as_str());
    assert_eq!(tokens.0["scope"], "openid offline_access profile");
    let (world, more) = (&television.guest.world, [("resource", API)]);
    let client = (television.id.as_str(), "");
    let refreshed = world.refresh(client, tokens.refresh(), &more).await.expect(200).json();
    assert_eq!(refreshed["scope"], "read:orders");

    // What was allowed is remembered; the device is confirmed each time.
    let codes = television.begin("openid profile").await;
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    assert_eq!(error_of(television.poll(&codes).await), "authorization_pending");
    decide(&browser, &confirm, "allow").await.expect(200);
    television.tokens(&codes).await;
    // More than that is asked for.
    let codes = television.begin("openid profile email").await;
    let page = television.arrive(&browser, &codes).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("your email address") && shown.contains("asks for more"), "{shown}");
}

#[tokio::test]
async fn whoever_does_not_consent_denies_the_device() {
    let television = Television::start().await;
    let browser = television.guest.server().browser();
    let codes = television.begin("openid profile").await;
    let page = television.arrive(&browser, &codes).await;
    let form = [("xsrf", hidden(&browser.get(&page).await.text, "xsrf"))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, &**value)).collect();
    let done = answer(&browser, &page, "deny", &[]).await.expect(200);
    assert!(done.text.contains("The device was denied"), "{}", done.text);
    assert_eq!(error_of(television.poll(&codes).await), "access_denied");
    browser.get(&page).await.expect(404);
    browser.submit(&page, &[form[0], ("decision", "allow")]).await.expect(404);
    // Nothing is remembered.
    let codes = television.begin("openid profile").await;
    television.arrive(&browser, &codes).await;
}

/// The consent of one person is none of another, whenever they change places.
#[tokio::test]
async fn somebody_else_who_signs_in_between_consent_and_confirmation_is_asked_themselves() {
    let television = Television::start().await;
    let world = &television.guest.world;
    let bob = world.admin.user(BOB.0, BOB.1).await;
    let browser = world.server.browser();
    let codes = television.begin("openid profile").await;
    let consent = television.arrive(&browser, &codes).await;
    let consent_of_alice = hidden(&browser.get(&consent).await.expect(200).text, "xsrf");
    let confirm = answer(&browser, &consent, "allow", &[]).await.location().to_owned();
    let confirmation_of_alice = hidden(&browser.get(&confirm).await.expect(200).text, "xsrf");

    let next = sign_in(&browser, &confirm.replace("/device/confirm?", "/sign-in?"), BOB).await;
    assert!(next.contains("/consent?"), "Bob has allowed nothing: {next}");
    // Neither Alice's forms nor the page itself get past that.
    for (page, xsrf) in [(&consent, &consent_of_alice), (&confirm, &confirmation_of_alice)] {
        let answer = browser.submit(page, &[("xsrf", xsrf), ("decision", "allow")]).await;
        assert!(answer.status == 404 || answer.location().contains("/oidc/auth/"), "{page}");
    }
    let resume = browser.get(&confirm).await.location().to_owned();
    assert!(browser.get(&resume).await.location().contains("/consent?"));
    assert_eq!(error_of(television.poll(&codes).await), "authorization_pending");

    assert!(browser.get(&next).await.expect(200).text.contains("Signed in as bob."));
    let confirm = answer(&browser, &next, "allow", &[]).await.location().to_owned();
    decide(&browser, &confirm, "allow").await.expect(200);
    assert_eq!(Tokens::claims(television.tokens(&codes).await.id())["sub"], bob);
}

#[tokio::test]
async fn what_an_operator_takes_back_between_consent_and_confirmation_is_not_granted() {
    let television = Television::start().await;
    let browser = television.guest.server().browser();
    let codes = television.begin("openid profile email").await;
    let page = television.arrive(&browser, &codes).await;
    let confirm = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let xsrf = hidden(&browser.get(&confirm).await.expect(200).text, "xsrf");
    television.may_not_ask("email").await;
    let shown = browser.get(&confirm).await.expect(200).text;
    assert!(shown.contains("your name, username") && !shown.contains("your email"), "{shown}");
    // The page they have open may say more; they grant no more than there is by now.
    browser.submit(&confirm, &[("xsrf", &xsrf), ("decision", "allow")]).await.expect(200);
    let tokens = television.tokens(&codes).await;
    assert_eq!(tokens.0["scope"], "openid profile");
    // What is put back on the list later was not granted.
    television.may_ask(json!({ "userScopes": ["email"] })).await;
    assert!(television.userinfo(&tokens).await.get("email").is_none());
}

#[tokio::test]
async fn what_an_operator_adds_after_the_device_has_asked_was_not_asked_for() {
    let television = Television::start().await;
    let browser = television.guest.server().browser();
    television.may_not_ask("profile").await;
    let codes = television.begin("openid profile email").await;
    let page = television.arrive(&browser, &codes).await;
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    television.may_ask(json!({ "userScopes": ["profile"] })).await;
    let allowed = browser.submit(&page, &[("xsrf", &xsrf), ("decision", "allow")]).await;
    decide(&browser, allowed.location(), "allow").await.expect(200);
    assert_eq!(television.tokens(&codes).await.0["scope"], "openid email");
}

#[tokio::test]
async fn replayed_forms_answer_nothing_twice() {
    let television = Television::start().await;
    let server = television.guest.server();
    let browser = server.browser();
    let codes = television.begin("openid profile").await;
    let page = television.arrive(&browser, &codes).await;
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let consent = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    // Another browser has the form and nothing else.
    server.browser().submit(&page, &consent).await.expect(404);
    browser.submit(&page, &[("xsrf", "x"), ("decision", "allow")]).await.expect(404);

    let answers = (0..20).map(|_| browser.submit(&page, &consent));
    let answers = futures_util::future::join_all(answers).await;
    assert!(answers.iter().all(|answer| answer.status == 303 || answer.status == 404));
    let mut confirm = answers.iter().map(|answer| answer.header("location"));
    let confirm = confirm.find(|target| target.contains("/device/confirm?"));
    let confirm = confirm.expect("one was the first").to_owned();
    let xsrf = hidden(&browser.get(&confirm).await.expect(200).text, "xsrf");
    let confirmation = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    // Each page has a token of its own.
    browser.submit(&confirm, &consent).await.expect(404);
    let answers = (0..20).map(|_| browser.submit(&confirm, &confirmation));
    let answers = futures_util::future::join_all(answers).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 404).count(), 19);

    let tokens = television.tokens(&codes).await;
    browser.submit(&page, &consent).await.expect(404);
    browser.submit(&page, &[consent[0], ("decision", "deny")]).await.expect(404);
    browser.submit(&confirm, &[confirmation[0], ("decision", "deny")]).await.expect(404);
    assert_eq!(userinfo(server, tokens.access()).await, 200);
}

#[tokio::test]
async fn a_television_reaches_the_organizations_that_were_chosen() {
    let television = Television::start().await;
    let world = &television.guest.world;
    let organization = world.organization_id.as_str();
    let browser = world.server.browser();
    let scope = format!("openid offline_access {ORGANIZATIONS} invoices:read");
    let form = [("scope", scope.as_str()), ("resource", "urn:logto:resource:organizations")];
    let codes = begin_with(&world.server, &television.id, &form).await;
    let page = television.arrive(&browser, &codes).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("Acme") && shown.contains("type=\"checkbox\""), "{shown}");
    let confirm = answer(&browser, &page, "allow", &[organization]).await.location().to_owned();
    let shown = browser.get(&confirm).await.expect(200).text;
    for words in ["the organizations you have chosen", "invoices:read"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    decide(&browser, &confirm, "allow").await.expect(200);
    let tokens = television.tokens(&codes).await;
    assert_eq!(Tokens::claims(tokens.id())["organizations"], json!([organization]));
    let more = [("organization_id", organization)];
    let client = (television.id.as_str(), "");
    let granted = world.refresh(client, tokens.refresh(), &more).await.expect(200).json();
    assert_eq!(granted["scope"], "invoices:read");
}

#[tokio::test]
async fn who_may_not_use_the_application_any_more_is_not_asked_and_the_device_is_told() {
    let television = Television::start().await;
    let admin = &television.guest.world.admin;
    let browser = television.guest.server().browser();
    let codes = television.begin("openid profile").await;
    let page = television.arrive(&browser, &codes).await;
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let path = format!("/api/applications/{}", television.id);
    admin.patch(&path, json!({ "appLevelAccessControlEnabled": true })).await.expect(200);
    let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
    let mut refused = browser.submit(&page, &form).await;
    if refused.status == 303 {
        refused = browser.get(refused.location()).await;
    }
    assert!(refused.expect(400).text.contains("Access was refused."));
    assert_eq!(error_of(television.poll(&codes).await), "access_denied");
}
