//! What the pages about a device show, at the door.

mod television;

use serde_json::json;
use television::{begin_with, decide, enter_and_sign_in, error_of, poll, sign_in, television};
use trinco_testkit::{API, Tokens, USER, hidden, text};

const SCOPE: &str = "openid offline_access profile urn:logto:scope:organizations read:orders";

/// Whoever allows a device sees whose application it is and what it gets, in the application's own looks.
#[tokio::test]
async fn the_confirmation_page_says_what_the_application_gets_under_the_name_people_know() {
    let (world, app) = television().await;
    let looks = json!({
        "displayName": "Cine em Casa", "color": { "primaryColor": "#a01020" }, "branding": {},
        "termsOfUseUrl": "https://cine.example/terms", "privacyPolicyUrl": null,
    });
    let path = format!("/api/applications/{app}/sign-in-experience");
    world.admin.put(&path, looks).await;
    let form = [("scope", SCOPE), ("resource", API), ("ui_locales", "en")];
    let codes = begin_with(&world.server, &app, &form).await;
    let browser = world.server.browser();
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    let page = browser.get(&confirm).await.expect(200).text;
    for shown in [
        "Cine em Casa",
        "#a01020",
        "https://cine.example/terms",
        "which account is yours",
        "your name, username",
        "the organizations you are a member of",
        "keep this access while you are away",
        "On Shop, it can",
        "read:orders",
        "Signed in as alice.",
        "Use another account",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("Television"), "that is the operators' name for it: {page}");
    let done = decide(&browser, &confirm, "allow").await.expect(200).text;
    assert!(done.contains("#a01020") && done.contains("https://cine.example/terms"));
}

#[tokio::test]
async fn somebody_else_can_answer_for_their_own_account() {
    let (world, app) = television().await;
    let bob = world.admin.user("bob", "another long password").await;
    let codes = begin_with(&world.server, &app, &[("scope", "openid")]).await;
    let browser = world.server.browser();
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    let shown = browser.get(&confirm).await.expect(200).text;
    let stale = hidden(&shown, "xsrf");
    let other = shown.split("<a href=\"").find(|part| part.contains("Use another account"));
    let other = other.and_then(|part| part.split('"').next()).expect("a link");
    let other = other.replace("&#38;", "&").replace("&amp;", "&");

    let next = sign_in(&browser, &other, ("bob", "another long password")).await;
    // What Alice was shown is not answered for Bob.
    browser.submit(&next, &[("xsrf", &stale), ("decision", "allow")]).await.expect(404);
    assert_eq!(error_of(poll(&world.server, &app, &codes).await), "authorization_pending");
    assert!(browser.get(&next).await.expect(200).text.contains("Signed in as bob."));
    decide(&browser, &next, "allow").await.expect(200);
    let tokens = Tokens(poll(&world.server, &app, &codes).await.expect(200).json());
    assert_eq!(Tokens::claims(tokens.id())["sub"], bob);
}
