//! What the Management API does to people who are signed in, and what people who sign up get.

use serde_json::{Value, json};
use trinco_core::users::{self, Registration};
use trinco_core::{Error, Secret};
use trinco_testkit::{Browser, Method, Server, Tokens, text};

const USER: (&str, &str) = ("ana", "correct horse");
const SCOPE: &str = "openid offline_access";

struct SignedIn {
    server: Server,
    admin: trinco_testkit::Admin,
    app: (String, String),
    user_path: String,
    browser: Browser,
    tokens: Tokens,
}

async fn signed_in() -> SignedIn {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let user_path = format!("/api/users/{}", admin.user(USER.0, USER.1).await);
    let browser = server.browser();
    let tokens = server.sign_in(&browser, (&app.0, &app.1), USER, SCOPE, &[]).await;
    SignedIn { server, admin, app, user_path, browser, tokens }
}

impl SignedIn {
    /// The statuses of a refresh and of userinfo, and whether the browser is still signed in.
    async fn state(&self) -> (u16, u16, bool) {
        let form = [("grant_type", "refresh_token"), ("refresh_token", self.tokens.refresh())];
        let refreshed = self.server.token((&self.app.0, &self.app.1), &form).await.status.as_u16();
        let request =
            self.browser.request(Method::GET, "/oidc/me").bearer_auth(self.tokens.access());
        let userinfo = trinco_testkit::Answer::to(request).await.status.as_u16();
        let answer =
            self.browser.get(&self.server.authorization_url(&self.app.0, "openid", &[])).await;
        (refreshed, userinfo, !answer.location().contains("/sign-in?"))
    }
}

#[tokio::test]
async fn a_suspended_user_is_signed_out_and_stays_out_until_the_suspension_is_lifted() {
    let here = signed_in().await;
    assert_eq!(here.state().await, (200, 200, true));
    let path = format!("{}/is-suspended", here.user_path);
    let user = here.admin.patch(&path, json!({ "isSuspended": true })).await.expect(200).json();
    assert_eq!(user["isSuspended"], true);
    assert!(user["lastSignInAt"].is_i64());
    assert_eq!(here.state().await, (400, 401, false));

    let now = here.server.clock().now();
    let id = here.user_path.rsplit('/').next().unwrap().to_owned();
    let recorded = here.server.tenant().write((id, now), |tx, (id, now)| {
        Box::pin(async move { users::record_sign_in(tx, id, *now).await })
    });
    assert_eq!(recorded.await.unwrap_err().code(), Some("user.suspended"));

    let user = here.admin.patch(&path, json!({ "isSuspended": false })).await.expect(200).json();
    assert_eq!(user["isSuspended"], false);
    // What was revoked stays revoked, and the person can sign in again.
    assert_eq!(here.state().await, (400, 401, false));
    here.server.sign_in(&here.browser, (&here.app.0, &here.app.1), USER, SCOPE, &[]).await;
}

#[tokio::test]
async fn a_new_password_signs_out_everyone_who_knew_the_old_one() {
    let here = signed_in().await;
    let path = format!("{}/password", here.user_path);
    let _ = here.admin.patch(&path, json!({ "password": "staple battery" })).await.expect(200);
    assert_eq!(here.state().await, (400, 401, false));
    let again = (USER.0, "staple battery");
    here.server.sign_in(&here.browser, (&here.app.0, &here.app.1), again, SCOPE, &[]).await;
}

#[tokio::test]
async fn a_deleted_user_leaves_no_session_and_no_token() {
    let here = signed_in().await;
    let _ = here.admin.delete(&here.user_path).await.expect(204);
    assert_eq!(here.state().await, (400, 401, false));
}

#[tokio::test]
async fn changing_a_name_signs_nobody_out() {
    let here = signed_in().await;
    let _ = here.admin.patch(&here.user_path, json!({ "name": "Ana" })).await.expect(200);
    assert_eq!(here.state().await, (200, 200, true));
}

async fn register(server: &Server, username: &str, password: &str) -> Result<Value, Error> {
    let registration = Registration {
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
        application_id: Some("shop".to_owned()),
    };
    users::register(server.tenant(), registration).await.map(|user| json!(user))
}

#[tokio::test]
async fn people_who_sign_up_meet_the_policies() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = register(&server, "ana", "correct horse").await.unwrap();
    assert_eq!((text(&user, "/username"), text(&user, "/applicationId")), ("ana", "shop"));
    assert_eq!(
        admin.get(&format!("/api/users/{}", text(&user, "/id"))).await.expect(200).json(),
        user
    );

    let refusal = |result: Result<Value, Error>| result.unwrap_err().code().unwrap();
    assert_eq!(
        refusal(register(&server, "ana", "correct horse").await),
        "user.username_already_in_use"
    );
    assert_eq!(refusal(register(&server, "bia", "short").await), "password.rejected");
    assert_eq!(refusal(register(&server, "beatriz", "Beatriz99").await), "password.rejected");
    assert_eq!(
        refusal(register(&server, "9bia", "correct horse").await),
        "user.username_starts_with_number"
    );

    let policy = json!({ "minLength": 5, "allowedChars": { "uppercase": false } });
    let _ = admin.patch("/api/sign-in-exp", json!({ "usernamePolicy": policy })).await.expect(200);
    assert_eq!(refusal(register(&server, "bia", "correct horse").await), "user.username_too_short");
    assert_eq!(
        refusal(register(&server, "Beatriz", "correct horse").await),
        "user.username_uppercase_not_allowed"
    );
    // Administrators may.
    let _ = admin.post("/api/users", json!({ "username": "Bia" })).await.expect(200);

    let _ = admin.patch("/api/sign-in-exp", json!({ "signInMode": "SignIn" })).await.expect(200);
    assert_eq!(
        refusal(register(&server, "carlos", "correct horse").await),
        "user.sign_up_method_not_enabled"
    );
}

#[tokio::test]
async fn people_sign_in_by_what_is_enabled_in_any_case() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let body = json!({
        "username": "Ana", "primaryEmail": "Ana@Example.com", "primaryPhone": "5511912345678", "password": "x",
    });
    admin.create("/api/users", body).await;
    let method = |identifier: &str| json!({ "identifier": identifier, "password": true, "verificationCode": false, "isPasswordPrimary": true });
    let change = json!({
        "signIn": { "methods": [method("username"), method("email"), method("phone")] },
        "usernamePolicy": { "caseSensitive": false },
    });
    let _ = admin.patch("/api/sign-in-exp", change).await.expect(200);
    for identifier in ["ANA", "aNa@eXample.com", "+55 (11) 91234-5678"] {
        server.sign_in(&server.browser(), client, (identifier, "x"), "openid", &[]).await;
    }
}
