//! `/api/sign-in-exp` and `/api/status`, at the door.

use serde_json::{Value, json};
use trinco_core::Section;
use trinco_db::sql;
use trinco_testkit::{Answer, Server, text};

const PATH: &str = "/api/sign-in-exp";

/// The refusal's code.
fn code(answer: &Answer) -> String {
    text(&answer.json(), "/code").to_owned()
}

#[tokio::test]
async fn settings_are_read_changed_and_served_at_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let fresh = admin.get(PATH).await.expect(200).json();
    assert_eq!(fresh["color"]["primaryColor"], "#1F4E9E");
    assert_eq!(fresh["signInMode"], "SignInAndRegister");

    let change = json!({
        "color": { "primaryColor": "#abc", "isDarkModeEnabled": false, "darkPrimaryColor": "#def" },
        "termsOfUseUrl": "https://example.com/terms",
        "languageInfo": { "autoDetect": false, "fallbackLanguage": "pt-BR" },
    });
    let changed = admin.patch(PATH, change).await.expect(200).json();
    let mut expected = fresh.clone();
    expected["color"] =
        json!({ "primaryColor": "#abc", "isDarkModeEnabled": false, "darkPrimaryColor": "#def" });
    expected["termsOfUseUrl"] = "https://example.com/terms".into();
    expected["languageInfo"] = json!({ "autoDetect": false, "fallbackLanguage": "pt-BR" });
    assert_eq!(changed, expected);
    assert_eq!(admin.get(PATH).await.expect(200).json(), changed);
    let public = server.browser().get("/api/.well-known/sign-in-exp").await.expect(200).json();
    assert_eq!(public["color"], changed["color"]);

    let cleared = admin.patch(PATH, json!({ "termsOfUseUrl": null })).await.expect(200).json();
    assert_eq!(cleared["termsOfUseUrl"], Value::Null);
    // What was read can be sent back.
    assert_eq!(admin.patch(PATH, fresh.clone()).await.expect(200).json(), fresh);
}

#[tokio::test]
async fn a_change_that_was_kept_is_not_told_to_have_failed_when_it_cannot_be_read_again() {
    let server = Server::start().await;
    let tenant = server.tenant();
    // Stands for a database that goes away right after the commit.
    let kept = tenant
        .configure(&[Section::Experience], (), |tx, _, ()| {
            Box::pin(async move {
                let unreadable = sql!(
                    "INSERT INTO sign_in_experiences (tenant_id, value) VALUES ($1, '{')
                     ON CONFLICT (tenant_id) DO UPDATE SET value = '{'"
                );
                tx.execute(unreadable, &[]).await?;
                Ok(())
            })
        })
        .await;
    assert!(kept.is_ok(), "{kept:?}");
    assert!(tenant.refresh().await.is_err(), "whoever follows it notices");
    server.browser().get("/api/.well-known/sign-in-exp").await.expect(200);
}

#[tokio::test]
async fn everyone_may_read_what_sign_in_pages_need() {
    let server = Server::start().await;
    let public = server.browser().get("/api/.well-known/sign-in-exp").await.expect(200).json();
    let mut members: Vec<&str> = public.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = [
        "adaptiveMfa",
        "agreeToTermsPolicy",
        "branding",
        "captchaPolicy",
        "color",
        "customContent",
        "customCss",
        "customProfileFieldCatalog",
        "customProfileFields",
        "customUiAssets",
        "customUiCsp",
        "forgotPassword",
        "hideLogtoBranding",
        "id",
        "isDevelopmentTenant",
        "languageInfo",
        "mfa",
        "passkeySignIn",
        "passwordExpiration",
        "passwordPolicy",
        "privacyPolicyUrl",
        "sentinelPolicy",
        "signIn",
        "signInMode",
        "signUp",
        "signUpProfileFields",
        "singleSignOnEnabled",
        "socialConnectors",
        "socialSignIn",
        "socialSignInConnectorTargets",
        "ssoConnectors",
        "supportEmail",
        "supportWebsiteUrl",
        "tenantId",
        "termsOfUseUrl",
        "unknownSessionRedirectUrl",
        "usernamePolicy",
        "verificationCodePolicy",
    ];
    assert_eq!(members, expected);
    // The admin tenant takes no sign-ups.
    let admin = server.browser().get("/admin/api/.well-known/sign-in-exp").await.expect(200).json();
    assert_eq!((&admin["tenantId"], &admin["signInMode"]), (&json!("admin"), &json!("SignIn")));
    let _ = server.browser().get(PATH).await.expect(401);
}

#[tokio::test]
async fn settings_that_break_a_rule_change_nothing() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let before = admin.get(PATH).await.expect(200).json();
    for (change, expected) in [
        (json!({ "color": { "primaryColor": "red" } }), "guard.invalid_input"),
        (
            json!({ "hideLogtoBranding": true, "languageInfo": { "autoDetect": true, "fallbackLanguage": "tlh" } }),
            "sign_in_experiences.unsupported_default_language",
        ),
        (
            json!({ "hideLogtoBranding": true, "signIn": { "methods": [] } }),
            "sign_in_experiences.miss_sign_up_identifier_in_sign_in",
        ),
        (
            json!({ "mfa": { "factors": ["Totp"], "policy": "Mandatory" } }),
            "request.feature_not_supported",
        ),
    ] {
        assert_eq!(code(&admin.patch(PATH, change).await), expected);
    }
    assert_eq!(admin.get(PATH).await.expect(200).json(), before);
}

#[tokio::test]
async fn user_names_become_case_insensitive_only_when_none_collide() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let policy =
        |case_sensitive: bool| json!({ "usernamePolicy": { "caseSensitive": case_sensitive } });
    admin.create("/api/users", json!({ "username": "ana" })).await;
    let other = admin.create("/api/users", json!({ "username": "Ana" })).await;
    let refused = admin.patch(PATH, policy(false)).await;
    assert_eq!(code(&refused), "sign_in_experiences.username_policy_case_conflicts_exist");

    let path = format!("/api/users/{}", text(&other, "/id"));
    let _ = admin.patch(&path, json!({ "username": "Bia" })).await.expect(200);
    let _ = admin.patch(PATH, policy(false)).await.expect(200);
    let taken = admin.post("/api/users", json!({ "username": "ANA" })).await.expect(422);
    assert_eq!(code(&taken), "user.username_already_in_use");
    let taken = admin.patch(&path, json!({ "username": "aNa" })).await.expect(422);
    assert_eq!(code(&taken), "user.username_already_in_use");

    let _ = admin.patch(PATH, policy(true)).await.expect(200);
    let _ = admin.post("/api/users", json!({ "username": "ANA" })).await.expect(200);
}

#[tokio::test]
async fn the_status_needs_no_token_and_has_no_body() {
    let server = Server::start().await;
    let answer = server.browser().get("/api/status").await.expect(204);
    assert_eq!(answer.text, "");
}
