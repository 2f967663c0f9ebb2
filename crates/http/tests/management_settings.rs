//! Small settings at the door: `/api/captcha-provider`, `/api/configs/admin-console` and what belongs to protected applications.

use serde_json::{Value, json};
use trinco_testkit::{Answer, Server, text};

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

#[tokio::test]
async fn a_captcha_provider_is_set_revealed_and_deleted() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    let path = "/api/captcha-provider";
    assert_eq!(code(admin.get(path).await, 404), "entity.not_found");
    let turnstile = json!({ "type": "Turnstile", "siteKey": "site", "secretKey": "hunter2" });
    let put = admin.put(path, json!({ "config": turnstile })).await.expect(200).json();
    assert_eq!(put["config"], turnstile);
    assert_eq!(admin.get(path).await.expect(200).json(), put);
    let public = server.browser().get("/api/.well-known/sign-in-exp").await.expect(200);
    assert_eq!(public.json()["captchaConfig"], json!({ "type": "Turnstile", "siteKey": "site" }));
    assert!(!public.text.contains("hunter2"));

    server.clock().advance(60);
    admin.renew().await;
    let recaptcha = json!({
        "type": "RecaptchaEnterprise", "siteKey": "s", "secretKey": "k", "projectId": "p",
        "mode": "invisible",
    });
    let again = admin.put(path, json!({ "config": recaptcha })).await.expect(200).json();
    assert_eq!((&again["id"], &again["createdAt"]), (&put["id"], &put["createdAt"]));
    assert!(again["updatedAt"].as_i64() > put["updatedAt"].as_i64());
    for wrong in [
        json!({}),
        json!({ "config": { "type": "Turnstile", "siteKey": "site" } }),
        json!({ "config": { "type": "Other", "siteKey": "site", "secretKey": "x" } }),
    ] {
        assert_eq!(code(admin.put(path, wrong).await, 400), "guard.invalid_input");
    }
    admin.delete(path).await.expect(204);
    assert_eq!(code(admin.delete(path).await, 404), "entity.not_found");
    let public = server.browser().get("/api/.well-known/experience").await.expect(200).json();
    assert_eq!(public.get("captchaConfig"), None);
}

#[tokio::test]
async fn reading_the_secret_of_the_captcha_provider_is_recorded() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let config = json!({ "type": "Turnstile", "siteKey": "site", "secretKey": "hunter2" });
    admin.put("/api/captcha-provider", json!({ "config": config })).await.expect(200);
    admin.get("/api/captcha-provider").await.expect(200);
    let entries = trinco_core::audit::page(
        &server.installation().db().tenant("default"),
        (0, i64::MAX),
        None,
        1000,
    )
    .await
    .expect("the audit log");
    let of = |key: &str| entries.iter().filter(|entry| entry.key == key).count();
    assert_eq!(of("CaptchaProvider.Secret.Read"), 1);
    assert_eq!(of("CaptchaProvider.Update"), 1);
    let all = serde_json::to_string(&entries).expect("JSON");
    assert!(!all.contains("hunter2"));
}

#[tokio::test]
async fn the_console_remembers_what_it_is_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/configs/admin-console";
    let new = json!({ "signInExperienceCustomized": false, "organizationCreated": false });
    assert_eq!(admin.get(path).await.expect(200).json(), new);
    let changes = json!({
        "organizationCreated": true, "checkedChargeNotification": { "token": true },
        "developmentTenantMigrationNotification": { "isPaidTenant": false, "tag": "t" },
    });
    let changed = admin.patch(path, changes).await.expect(200).json();
    assert_eq!(changed["organizationCreated"], true);
    assert_eq!(changed["signInExperienceCustomized"], false);
    assert_eq!(changed["checkedChargeNotification"], json!({ "token": true }));
    let more = admin.patch(path, json!({ "signInExperienceCustomized": true })).await;
    assert_eq!(more.expect(200).json()["organizationCreated"], true);
    let wrong = admin.patch(path, json!({ "organizationCreated": "yes" })).await;
    let refused: Value = wrong.expect(400).json();
    assert_eq!(refused["data"]["issues"][0]["path"], json!(["organizationCreated"]));
}

#[tokio::test]
async fn nothing_serves_protected_applications_here_and_the_answer_says_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let not_configured = "application.protected_app_not_configured";
    assert_eq!(code(admin.get("/api/systems/application").await, 501), not_configured);
    let body = json!({ "name": "App", "type": "SPA" });
    let id = text(&admin.create("/api/applications", body).await, "/id").to_owned();
    for (id, status) in [(id.as_str(), 501), ("nobody", 404)] {
        let path = format!("/api/applications/{id}/protected-app-metadata/custom-domains");
        let domain = json!({ "domain": "a.example.com" });
        let wanted = if status == 501 { not_configured } else { "entity.not_exists_with_id" };
        assert_eq!(code(admin.get(&path).await, status), wanted);
        assert_eq!(code(admin.post(&path, domain).await, status), wanted);
        assert_eq!(code(admin.delete(&format!("{path}/a.example.com")).await, status), wanted);
        assert_eq!(code(admin.post(&path, json!({})).await, 400), "guard.invalid_input");
    }
}

#[tokio::test]
async fn sign_in_pages_are_told_how_an_application_and_an_organization_want_them_to_look() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.create("/api/applications", json!({ "name": "App", "type": "SPA" })).await;
    let app = text(&app, "/id").to_owned();
    let own = json!({
        "color": { "primaryColor": "#111111" }, "customCss": "a { color: red }",
        "branding": { "logoUrl": "https://app.example/logo.png" },
        "termsOfUseUrl": "https://app.example/terms", "privacyPolicyUrl": "",
    });
    let path = format!("/api/applications/{app}/sign-in-experience");
    assert!(admin.put(&path, own).await.status.is_success());
    let body = json!({ "name": "Team", "color": { "primaryColor": "#222222", "darkPrimaryColor": "#333333" } });
    let organization = admin.create("/api/organizations", body).await;
    let organization = text(&organization, "/id").to_owned();
    let read = |query: String| {
        let browser = server.browser();
        async move {
            let path = format!("/api/.well-known/experience{query}");
            browser.get(&path).await.expect(200).json()
        }
    };
    let plain = read(String::new()).await;
    assert_eq!(read("?appId=nobody&organizationId=nobody".to_owned()).await, plain);
    let of_app = read(format!("?appId={app}")).await;
    assert_eq!(of_app["color"]["primaryColor"], "#111111");
    assert_eq!(of_app["branding"], json!({ "logoUrl": "https://app.example/logo.png" }));
    assert_eq!(of_app["customCss"], "a { color: red }");
    assert_eq!(of_app["termsOfUseUrl"], "https://app.example/terms");
    assert_eq!(of_app["privacyPolicyUrl"], plain["privacyPolicyUrl"]);
    let of_both = read(format!("?appId={app}&organizationId={organization}")).await;
    assert_eq!(of_both["color"]["primaryColor"], "#222222");
    assert_eq!(of_both["color"]["darkPrimaryColor"], "#333333");
    assert_eq!(of_both["customCss"], "a { color: red }");
}
