//! What belongs to users, at the door: sessions, grants, second factors, identities elsewhere and choices.

mod guest;
mod settings;

use guest::{Guest, answer};
use serde_json::{Value, json};
use trinco_core::secrets::{self, NewTokenSet, Provider, TokenSetMetadata};
use trinco_core::sso_identities::{self, NewSsoIdentity};
use trinco_core::{JsonObject, Secret};
use trinco_testkit::{Admin, Answer, Browser, Server, Tokens, USER as ALICE, World, hidden, text};

const USER: (&str, &str) = ("ana", "correct horse");
const SCOPE: &str = "openid offline_access";

fn code(answer: &Answer) -> String {
    text(&answer.json(), "/code").to_owned()
}

struct Here {
    server: Server,
    admin: Admin,
    app: (String, String),
    id: String,
    browser: Browser,
    tokens: Tokens,
}

impl Here {
    async fn start() -> Self {
        let server = Server::start().await;
        let admin = server.admin().await;
        let app = admin.traditional("Shop").await;
        let id = admin.user(USER.0, USER.1).await;
        let browser = server.browser();
        let tokens = server.sign_in(&browser, (&app.0, &app.1), USER, SCOPE, &[]).await;
        Self { server, admin, app, id, browser, tokens }
    }

    async fn sessions(&self) -> Vec<Value> {
        let body = self.admin.get(&format!("/api/users/{}/sessions", self.id)).await.expect(200);
        body.json()["sessions"].as_array().expect("sessions").clone()
    }

    async fn grants(&self, query: &str) -> Vec<Value> {
        let path = format!("/api/users/{}/grants{query}", self.id);
        let body = self.admin.get(&path).await.expect(200).json();
        body["grants"].as_array().expect("grants").clone()
    }

    async fn refresh(&self, app: &(String, String), tokens: &Tokens) -> u16 {
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        self.server.token((&app.0, &app.1), &form).await.status.as_u16()
    }
}

#[tokio::test]
async fn a_session_tells_who_signed_in_how_and_for_what() {
    let here = Here::start().await;
    let sessions = here.sessions().await;
    assert_eq!(sessions.len(), 1);
    let session = &sessions[0];
    let grant = &here.grants("").await[0];
    let seconds = here.server.clock().now();
    let now = seconds * 1000;
    let session_id = text(session, "/payload/uid");
    assert_eq!(
        session,
        &json!({
            "payload": {
                "exp": seconds + 14 * 86_400, "iat": seconds, "jti": session_id, "uid": session_id, "kind": "Session",
                "loginTs": seconds, "accountId": here.id,
                "authorizations": {
                    here.app.0.clone(): { "sid": session_id, "grantId": grant["id"], "persistsLogout": true }
                },
            },
            "lastSubmission": {
                "interactionEvent": "SignIn", "userId": here.id,
                "verificationRecords": [{
                    "id": session.pointer("/lastSubmission/verificationRecords/0/id"), "type": "Password",
                    "identifier": { "type": "username", "value": "ana" }, "verified": true,
                }],
            },
            "clientId": here.app.0, "accountId": here.id, "expiresAt": now + 14 * 86_400_000,
        })
    );
    let path = format!("/api/users/{}/sessions/{session_id}", here.id);
    assert_eq!(&here.admin.get(&path).await.expect(200).json(), session);

    let other = here.admin.user("bia", "battery staple").await;
    let refused = here.admin.get(&format!("/api/users/{other}/sessions/{session_id}")).await;
    assert_eq!(code(&refused.expect(404)), "oidc.invalid_session_account_id");
    let refused = here.admin.delete(&format!("/api/users/{other}/sessions/{session_id}")).await;
    assert_eq!(code(&refused.expect(404)), "oidc.invalid_session_account_id");
    let refused = here.admin.get(&format!("/api/users/{}/sessions/nothing", here.id)).await;
    assert_eq!(code(&refused.expect(404)), "oidc.session_not_found");
    let nobody = here.admin.get("/api/users/nobody/sessions").await.expect(200).json();
    assert_eq!(nobody, json!({ "sessions": [] }));

    here.server.clock().advance(15 * 86_400);
    let mut here = here;
    here.admin.renew().await;
    assert!(here.sessions().await.is_empty(), "it has expired");
    here.admin.get(&path).await.expect(404);
}

#[tokio::test]
async fn a_session_that_is_revoked_ends_and_grants_for_longer_stay_unless_all_are_meant() {
    for (query, status) in [("", 200), ("?revokeGrantsTarget=all", 400)] {
        let here = Here::start().await;
        let session = here.sessions().await[0].clone();
        let path = format!("/api/users/{}/sessions/{}", here.id, text(&session, "/payload/uid"));
        here.admin.delete(&format!("{path}{query}")).await.expect(204);
        assert!(here.sessions().await.is_empty());
        let url = here.server.authorization_url(&here.app.0, "openid", &[]);
        assert!(here.browser.get(&url).await.location().contains("/sign-in?"));
        assert_eq!(here.refresh(&here.app, &here.tokens).await, status, "{query}");
        here.admin.delete(&path).await.expect(404);
    }
}

#[tokio::test]
async fn first_party_grants_are_told_from_others() {
    let guest = Guest::start().await;
    let World { server, admin, user_id, .. } = &guest.world;
    let app = admin.traditional("Shop").await;
    let browser = server.browser();
    let tokens = server.sign_in(&browser, (&app.0, &app.1), ALICE, SCOPE, &[]).await;
    let page = guest.arrive(&browser, SCOPE, &[("prompt", "consent")]).await;
    let callback = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let guest_tokens = guest.exchange(&callback).await;

    let path = format!("/api/users/{user_id}/grants");
    let grants = async |query: &str| {
        let body = admin.get(&format!("{path}{query}")).await.expect(200).json();
        body["grants"].as_array().expect("grants").clone()
    };
    let ids = |grants: &[Value]| -> Vec<String> {
        grants.iter().map(|grant| text(grant, "/application/id").to_owned()).collect()
    };
    assert_eq!(grants("").await.len(), 2);
    assert_eq!(ids(&grants("?appType=firstParty").await), [app.0.as_str()]);
    let others = grants("?appType=thirdParty").await;
    assert_eq!(ids(&others), [guest.id.as_str()]);
    assert_eq!(text(&others[0], "/application/name"), "Ledger");
    assert_eq!(text(&others[0], "/payload/clientId"), guest.id);
    let refused = admin.get(&format!("{path}?appType=other")).await.expect(400);
    assert_eq!(code(&refused), "guard.invalid_input");

    let sessions = admin.get(&format!("/api/users/{user_id}/sessions")).await.expect(200).json();
    let path =
        format!("/api/users/{user_id}/sessions/{}", text(&sessions, "/sessions/0/payload/uid"));
    let refused = admin.delete(&format!("{path}?revokeGrantsTarget=none")).await.expect(400);
    assert_eq!(code(&refused), "guard.invalid_input");
    admin.delete(&format!("{path}?revokeGrantsTarget=firstParty")).await.expect(204);
    let refresh = async |client: (&str, &str), tokens: &Tokens| {
        guest.world.refresh(client, tokens.refresh(), &[]).await.status.as_u16()
    };
    assert_eq!(refresh((&app.0, &app.1), &tokens).await, 400);
    assert_eq!(refresh(guest.client(), &guest_tokens).await, 200);
}

#[tokio::test]
async fn a_grant_that_is_revoked_takes_its_tokens_along() {
    let here = Here::start().await;
    let grant = here.grants("").await[0].clone();
    let id = text(&grant, "/id");
    let seconds = here.server.clock().now();
    assert_eq!(
        (&grant["payload"]["kind"], &grant["payload"]["jti"], &grant["payload"]["iat"]),
        (&json!("Grant"), &json!(id), &json!(seconds))
    );
    let other = here.admin.user("bia", "battery staple").await;
    let refused = here.admin.delete(&format!("/api/users/{other}/grants/{id}")).await;
    assert_eq!(code(&refused.expect(404)), "oidc.invalid_grant");
    assert_eq!(here.refresh(&here.app, &here.tokens).await, 200);
    let path = format!("/api/users/{}/grants/{id}", here.id);
    here.admin.delete(&path).await.expect(204);
    assert_eq!(here.refresh(&here.app, &here.tokens).await, 400);
    assert!(here.grants("").await.is_empty());
    assert_eq!(here.sessions().await[0].pointer("/payload/authorizations"), Some(&json!({})));
    here.admin.delete(&path).await.expect(404);
}

#[tokio::test]
async fn second_factors_are_added_shown_and_taken_away() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = format!("/api/users/{}/mfa-verifications", admin.user(USER.0, USER.1).await);
    let alone = admin.post(&path, json!({ "type": "BackupCode" })).await.expect(422);
    assert_eq!(code(&alone), "session.mfa.backup_code_can_not_be_alone");

    let totp = admin.post(&path, json!({ "type": "Totp" })).await.expect(200).json();
    assert_eq!(text(&totp, "/secret").len(), 32);
    assert!(text(&totp, "/secretQrCode").starts_with("data:image/png;base64,"));
    let again = admin.post(&path, json!({ "type": "Totp" })).await.expect(422);
    assert_eq!(code(&again), "user.totp_already_in_use");
    let codes = admin.post(&path, json!({ "type": "BackupCode" })).await.expect(200).json();
    assert_eq!(codes["codes"].as_array().map(Vec::len), Some(10));
    let again = admin.post(&path, json!({ "type": "BackupCode" })).await.expect(422);
    assert_eq!(code(&again), "user.backup_code_already_in_use");

    let listed = admin.get(&path).await.expect(200).json();
    assert_eq!(
        listed,
        json!([
            { "id": listed[0]["id"], "createdAt": "2026-01-01T00:00:00.000Z", "type": "Totp" },
            {
                "id": listed[1]["id"], "createdAt": "2026-01-01T00:00:00.000Z", "type": "BackupCode",
                "remainCodes": 10,
            },
        ])
    );
    let one = format!("{path}/{}", text(&listed, "/0/id"));
    admin.delete(&one).await.expect(204);
    assert_eq!(code(&admin.delete(&one).await.expect(404)), "entity.not_exists_with_id");
    let own = json!({ "type": "Totp", "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" });
    let added = admin.post(&path, own.clone()).await.expect(200).json();
    assert_eq!(added["secret"], own["secret"]);
    admin.get("/api/users/nobody/mfa-verifications").await.expect(404);
    admin.post("/api/users/nobody/mfa-verifications", own).await.expect(404);
}

#[tokio::test]
async fn second_factors_that_could_not_be_used_are_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = format!("/api/users/{}/mfa-verifications", admin.user(USER.0, USER.1).await);
    let wrong = admin.post(&path, json!({ "type": "Totp", "secret": "no base32!" })).await;
    assert_eq!(code(&wrong.expect(422)), "user.totp_secret_invalid");
    let wrong = admin.post(&path, json!({ "type": "BackupCode", "codes": ["1", "2"] })).await;
    assert_eq!(code(&wrong.expect(422)), "user.wrong_backup_code_format");
    for body in [json!({ "type": "WebAuthn" }), json!({}), json!({ "type": "Totp", "secret": 1 })] {
        assert_eq!(code(&admin.post(&path, body).await.expect(400)), "guard.invalid_input");
    }
}

#[tokio::test]
async fn what_is_secret_about_second_factors_is_not_in_the_database() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = admin.user(USER.0, USER.1).await;
    let path = format!("/api/users/{id}/mfa-verifications");
    let totp = admin.post(&path, json!({ "type": "Totp" })).await.expect(200).json();
    let codes = admin.post(&path, json!({ "type": "BackupCode" })).await.expect(200).json();
    let select =
        trinco_db::sql!("SELECT mfa_verifications FROM users WHERE tenant_id = $1 AND id = $2");
    let mut conn = server.tenant().read().await.expect("a connection");
    let row = conn.one(select, trinco_db::params![&id]).await.expect("a row");
    let kept: String = row.get(0).expect("a text");
    assert!(!kept.contains(text(&totp, "/secret")));
    assert!(!kept.contains(text(&codes, "/codes/0")));
}

#[tokio::test]
async fn identities_are_linked_once_changed_and_unlinked() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = admin.user(USER.0, USER.1).await;
    let path = format!("/api/users/{id}/identities/github");
    assert_eq!(code(&admin.get(&path).await.expect(404)), "user.identity_not_exist");
    let identity = json!({ "userId": "583231", "details": { "name": "Octocat" } });
    let linked = admin.put(&path, identity.clone()).await.expect(201).json();
    assert_eq!(linked, json!({ "github": identity }));
    assert_eq!(admin.get(&path).await.expect(200).json(), json!({ "identity": identity }));
    let linked = admin.put(&path, json!({ "userId": "9" })).await.expect(200).json();
    assert_eq!(linked, json!({ "github": { "userId": "9" } }));

    let other = admin.user("bia", "battery staple").await;
    let theirs = format!("/api/users/{other}/identities/github");
    let taken = admin.put(&theirs, json!({ "userId": "9" })).await.expect(422);
    assert_eq!(code(&taken), "user.identity_already_in_use");
    admin.put(&theirs, json!({ "userId": "583231" })).await.expect(201);
    assert_eq!(code(&admin.put(&theirs, json!({})).await.expect(400)), "guard.invalid_input");
    admin.put("/api/users/nobody/identities/github", json!({ "userId": "1" })).await.expect(404);

    let user = admin.delete(&path).await.expect(200).json();
    assert_eq!(user["identities"], json!({}));
    assert_eq!(code(&admin.delete(&path).await.expect(404)), "user.identity_not_exist");
    admin.put(&theirs, json!({ "userId": "9" })).await.expect(200);
    // Who is deleted leaves the account to others.
    admin.delete(&format!("/api/users/{other}")).await.expect(204);
    admin.put(&path, json!({ "userId": "9" })).await.expect(201);
}

#[tokio::test]
async fn tokens_of_other_providers_are_told_of_on_request_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = admin.user(USER.0, USER.1).await;
    let tenant = server.tenant();
    admin
        .put(&format!("/api/users/{id}/identities/google"), json!({ "userId": "g1" }))
        .await
        .expect(201);
    let tokens = |provider: Provider, identity_id: &str| NewTokenSet {
        provider,
        identity_id: identity_id.to_owned(),
        tokens: Secret::new(r#"{"access_token":"very secret"}"#.to_owned()),
        metadata: TokenSetMetadata { has_refresh_token: true, ..TokenSetMetadata::default() },
    };
    let google = Provider::Social { connector_id: "c1".to_owned(), target: "google".to_owned() };
    let social = secrets::keep(tenant, &id, tokens(google.clone(), "g1")).await.expect("kept");
    let issuer = "https://idp.example".to_owned();
    let new = NewSsoIdentity {
        issuer: issuer.clone(),
        identity_id: "e1".to_owned(),
        sso_connector_id: "s1".to_owned(),
        detail: JsonObject::new(),
    };
    sso_identities::link(tenant, &id, new.clone()).await.expect("linked");
    let enterprise = Provider::Enterprise { sso_connector_id: "s1".to_owned(), issuer };
    let sso = secrets::keep(tenant, &id, tokens(enterprise, "e1")).await.expect("kept");
    let revealed = secrets::reveal(tenant, &sso).await.expect("revealed");
    assert_eq!(revealed.reveal(), r#"{"access_token":"very secret"}"#);

    let path = format!("/api/users/{id}");
    let all = admin.get(&format!("{path}/all-identities?includeTokenSecret=true")).await;
    let all = all.expect(200).json();
    let now = server.clock().now() * 1000;
    assert_eq!(
        all,
        json!({
            "socialIdentities": [{
                "target": "google", "identity": { "userId": "g1" },
                "tokenSecret": {
                    "tenantId": "default", "id": social, "userId": id, "type": "federated_token_set",
                    "metadata": { "hasRefreshToken": true }, "createdAt": now, "updatedAt": now, "identityId": "g1",
                    "connectorId": "c1", "target": "google",
                },
            }],
            "ssoIdentities": [{
                "ssoConnectorId": "s1",
                "ssoIdentity": {
                    "tenantId": "default", "id": all.pointer("/ssoIdentities/0/ssoIdentity/id"), "userId": id,
                    "issuer": "https://idp.example", "identityId": "e1", "detail": {}, "createdAt": now,
                    "updatedAt": now, "ssoConnectorId": "s1",
                },
                "tokenSecret": {
                    "tenantId": "default", "id": sso, "userId": id, "type": "federated_token_set",
                    "metadata": { "hasRefreshToken": true }, "createdAt": now, "updatedAt": now, "identityId": "e1",
                    "ssoConnectorId": "s1", "issuer": "https://idp.example",
                },
            }],
        })
    );
    assert!(!all.to_string().contains("very secret"));
    let plain = admin.get(&format!("{path}/all-identities")).await.expect(200).json();
    assert_eq!(plain.pointer("/socialIdentities/0/tokenSecret"), None);
    let one = admin.get(&format!("{path}/sso-identities/s1?includeTokenSecret=1")).await;
    assert_eq!(one.expect(200).json()["tokenSecret"]["id"], json!(sso));
    let missing = admin.get(&format!("{path}/sso-identities/other")).await.expect(404);
    assert_eq!(code(&missing), "user.enterprise_sso_identity_not_exists");
    let user = admin.get(&format!("{path}?includeSsoIdentities=true")).await.expect(200).json();
    assert_eq!(user["ssoIdentities"][0], all["ssoIdentities"][0]["ssoIdentity"]);

    admin.delete(&format!("/api/secrets/{sso}")).await.expect(204);
    let gone = admin.delete(&format!("/api/secrets/{sso}")).await.expect(404);
    assert_eq!(code(&gone), "entity.not_exists_with_id");
    let one = admin.get(&format!("{path}/sso-identities/s1?includeTokenSecret=1")).await;
    assert_eq!(one.expect(200).json().get("tokenSecret"), None);
    // Unlinked, an account leaves no tokens behind.
    admin.delete(&format!("{path}/identities/google")).await.expect(200);
    assert!(secrets::reveal(tenant, &social).await.is_err());

    let other = admin.user("bia", "battery staple").await;
    let refused = sso_identities::link(tenant, &other, new).await.unwrap_err();
    assert_eq!(refused.code(), Some("user.identity_already_in_use"));
}

#[tokio::test]
async fn choices_about_signing_in_are_merged() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = format!("/api/users/{}/logto-configs", admin.user(USER.0, USER.1).await);
    let none = json!({
        "mfa": { "skipped": false, "skipMfaOnSignIn": false }, "passkeySignIn": { "skipped": false },
    });
    assert_eq!(admin.get(&path).await.expect(200).json(), none);
    let changes = json!({ "mfa": { "enabled": true, "skipMfaOnSignIn": true } });
    admin.patch(&path, changes).await.expect(200);
    let changes = json!({ "mfa": { "skipped": true }, "passkeySignIn": { "skipped": true } });
    let changed = admin.patch(&path, changes).await.expect(200).json();
    assert_eq!(
        changed,
        json!({
            "mfa": { "enabled": true, "skipped": true, "skipMfaOnSignIn": true },
            "passkeySignIn": { "skipped": true },
        })
    );
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);
    let wrong = admin.patch(&path, json!({ "mfa": { "enabled": "yes" } })).await.expect(400);
    assert_eq!(code(&wrong), "guard.invalid_input");
    admin.get("/api/users/nobody/logto-configs").await.expect(404);
    admin.patch("/api/users/nobody/logto-configs", json!({})).await.expect(404);
}

#[tokio::test]
async fn a_password_is_made_to_expire_where_passwords_do() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let id = admin.user(USER.0, USER.1).await;
    let path = format!("/api/users/{id}/password/expiration");
    let refused = admin.patch(&path, json!({ "isExpired": true })).await.expect(400);
    assert_eq!(code(&refused), "sign_in_experiences.password_expiration_not_enabled");

    settings::let_passwords_expire(&server, Some(30)).await;
    let signs_in = async || {
        let browser = server.browser();
        let url = server.authorization_url(&app.0, "openid", &[]);
        let page = browser.get(&url).await.location().to_owned();
        let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
        let fields = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
        browser.submit(&page, &fields).await.status == 303
    };
    assert!(signs_in().await);
    let user = admin.patch(&path, json!({ "isExpired": true })).await.expect(200).json();
    assert_eq!(user["id"], json!(id));
    assert!(!signs_in().await);
    admin.patch(&path, json!({ "isExpired": false })).await.expect(200);
    assert!(signs_in().await);
    admin.patch(&path, json!({ "isExpired": true })).await.expect(200);
    let password = json!({ "password": USER.1 });
    admin.patch(&format!("/api/users/{id}/password"), password).await.expect(200);
    assert!(signs_in().await, "it is a new one");
    server.clock().advance(30 * 86_400);
    assert!(!signs_in().await, "it is too old");
    admin.renew().await;
    assert_eq!(code(&admin.patch(&path, json!({})).await.expect(400)), "guard.invalid_input");
    let nobody = "/api/users/nobody/password/expiration";
    admin.patch(nobody, json!({ "isExpired": true })).await.expect(404);
}

#[tokio::test]
async fn secrets_that_are_read_are_noted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = admin.user(USER.0, USER.1).await;
    let path = format!("/api/users/{id}/personal-access-tokens");
    admin.get(&path).await.expect(200);
    admin.create(&path, json!({ "name": "laptop" })).await;
    admin.get(&path).await.expect(200);
    admin.get(&format!("/api/users/{id}?includePasswordHash=true")).await.expect(200);
    let counts = format!("{:?}", server.installation().audit_counts().all());
    assert_eq!(counts.matches("PersonalAccessToken.Reveal").count(), 1, "{counts}");
    assert_eq!(counts.matches("User.PasswordDigest.Reveal").count(), 1, "{counts}");
}
