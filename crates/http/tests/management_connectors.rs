//! `/api/connector-factories` and `/api/connectors`, at the door.

mod peer;

use peer::Peer;
use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

fn github() -> Value {
    json!({ "connectorId": "github-universal", "config": { "clientId": "a", "clientSecret": "b" } })
}

fn oidc(target: &str) -> Value {
    json!({
        "connectorId": "oidc",
        "metadata": { "target": target, "name": { "en": "Bank", "pt-BR": "Banco" }, "logo": "https://bank.example/logo.svg" },
        "config": {
            "authorizationEndpoint": "https://bank.example/authorize?tenant=1", "tokenEndpoint": "https://bank.example/token",
            "clientId": "shop", "clientSecret": "b", "scope": "openid email",
            "idTokenVerificationConfig": { "jwksUri": "https://bank.example/jwks" },
            "customConfig": { "acr_values": "high", "state": "mine" },
        },
    })
}

async fn mail(admin: &Admin, url: &str) -> Value {
    let body = json!({ "connectorId": "http-email", "config": { "endpoint": url, "authorization": "Bearer x" } });
    admin.create("/api/connectors", body).await
}

#[tokio::test]
async fn factories_are_listed_with_what_they_ask_for() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let all = admin.get("/api/connector-factories").await.expect(200).json();
    assert_eq!(all.as_array().expect("a list").len(), 49);
    let smtp = admin
        .get("/api/connector-factories/simple-mail-transfer-protocol")
        .await
        .expect(200)
        .json();
    assert_eq!((&smtp["type"], &smtp["target"]), (&json!("Email"), &json!("smtp")));
    assert_eq!(smtp["formItems"][0]["key"], "host");
    assert_eq!(smtp["formItems"][0]["required"], true);
    assert_eq!(smtp["platform"], Value::Null);
    let unknown = admin.get("/api/connector-factories/nothing").await;
    assert_eq!(code(unknown, 404), "entity.not_found");
}

#[tokio::test]
async fn a_connector_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let created = admin.create("/api/connectors", github()).await;
    let id = text(&created, "/id").to_owned();
    assert_eq!(id.len(), 12);
    assert_eq!((&created["target"], &created["platform"]), (&json!("github"), &json!("Universal")));
    assert_eq!(created["config"], json!({ "clientId": "a", "clientSecret": "b" }));
    assert_eq!(created["metadata"], json!({}));
    let path = format!("/api/connectors/{id}");
    assert_eq!(admin.get(&path).await.expect(200).json(), created);
    let listed = admin.get("/api/connectors?target=github").await.expect(200).json();
    assert_eq!(listed, json!([created]));
    assert_eq!(admin.get("/api/connectors?target=google").await.expect(200).json(), json!([]));

    let changes = json!({ "config": { "clientId": "c", "clientSecret": "d", "scope": "user" }, "syncProfile": true, "enableTokenStorage": true });
    let changed = admin.patch(&path, changes).await.expect(200).json();
    assert_eq!(
        (&changed["config"]["clientId"], &changed["syncProfile"]),
        (&json!("c"), &json!(true))
    );
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);
    let kept = admin.patch(&path, json!({ "syncProfile": false })).await.expect(200).json();
    assert_eq!(
        (&kept["config"]["clientId"], &kept["enableTokenStorage"]),
        (&json!("c"), &json!(true))
    );
    admin.delete(&path).await.expect(204);
    for gone in [
        admin.get(&path).await,
        admin.patch(&path, json!({ "syncProfile": true })).await,
        admin.delete(&path).await,
    ] {
        assert_eq!(code(gone, 404), "entity.not_found");
    }
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_with_the_members_that_are_wrong() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "connectorId": "google-universal", "config": { "clientId": "", "prompts": ["now"] } });
    let refused = admin.post("/api/connectors", body).await.expect(400).json();
    assert_eq!(refused["code"], "connector.invalid_config");
    assert!(text(&refused, "/message").contains("config.clientId"), "{refused}");
    let paths: Vec<&Value> = refused["data"]["issues"]
        .as_array()
        .expect("issues")
        .iter()
        .map(|issue| &issue["path"])
        .collect();
    assert_eq!(
        json!(paths),
        json!([["config", "clientId"], ["config", "clientSecret"], ["config", "prompts"]])
    );
    let id = text(&admin.create("/api/connectors", github()).await, "/id").to_owned();
    let change = json!({ "config": { "clientId": "a" } });
    let refused = admin.patch(&format!("/api/connectors/{id}"), change).await;
    assert_eq!(code(refused, 400), "connector.invalid_config");
    let kept = admin.get(&format!("/api/connectors/{id}")).await.expect(200).json();
    assert_eq!(kept["config"]["clientSecret"], "b");
}

#[tokio::test]
async fn what_a_connector_may_be_follows_from_its_factory() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/connectors";
    for (body, status, refusal) in [
        (json!({ "connectorId": "nothing" }), 422, "connector.not_found_with_connector_id"),
        (json!({ "connectorId": "yunpian-sms" }), 501, "connector.not_implemented"),
        (json!({ "connectorId": "oidc" }), 400, "connector.should_specify_target"),
        (
            json!({ "connectorId": "google-universal", "metadata": { "target": "mine" } }),
            400,
            "connector.cannot_overwrite_metadata_for_non_standard_connector",
        ),
        (
            json!({ "connectorId": "http-email", "syncProfile": true }),
            422,
            "connector.invalid_type_for_syncing_profile",
        ),
        (
            json!({ "connectorId": "x-universal", "enableTokenStorage": true }),
            422,
            "connector.token_storage_not_supported",
        ),
        (json!({ "connectorId": "github-universal", "id": "a/b" }), 400, "guard.invalid_input"),
        (
            json!({ "connectorId": "oidc", "metadata": { "target": "a", "name": { "fr": "Banque" } } }),
            400,
            "guard.invalid_input",
        ),
    ] {
        assert_eq!(code(admin.post(path, body.clone()).await, status), refusal, "{body}");
    }
    admin.create(path, json!({ "connectorId": "github-universal", "id": "mine" })).await;
    let again = admin.post(path, github()).await;
    assert_eq!(code(again, 422), "connector.multiple_instances_not_supported");
    let same_id =
        admin.post(path, json!({ "connectorId": "discord-universal", "id": "mine" })).await;
    assert_eq!(code(same_id, 422), "entity.unique_integrity_violation");

    let bank = admin.create(path, oidc("bank")).await;
    assert_eq!((&bank["target"], &bank["name"]["pt-BR"]), (&json!("bank"), &json!("Banco")));
    assert_eq!(bank["logo"], "https://bank.example/logo.svg");
    admin.create(path, oidc("other-bank")).await;
    let taken = admin.post(path, oidc("bank")).await;
    assert_eq!(code(taken, 422), "connector.multiple_target_with_same_platform");
    let taken = admin.post(path, oidc("github")).await;
    assert_eq!(code(taken, 422), "connector.multiple_target_with_same_platform");
    let bank = format!("{path}/{}", text(&bank, "/id"));
    let moved = admin.patch(&bank, json!({ "metadata": { "target": "elsewhere" } })).await;
    assert_eq!(code(moved, 400), "connector.can_not_modify_target");
    let renamed = admin
        .patch(&bank, json!({ "metadata": { "name": { "en": "The bank" }, "logoDark": null } }))
        .await
        .expect(200)
        .json();
    assert_eq!((&renamed["name"]["en"], &renamed["target"]), (&json!("The bank"), &json!("bank")));
    assert_eq!(renamed["logo"], "https://bank.example/logo.svg");
}

#[tokio::test]
async fn there_is_one_connector_for_mail_and_one_for_text_messages() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let first = mail(&admin, "https://mail.example/send").await;
    let again =
        json!({ "connectorId": "http-email", "config": { "endpoint": "https://mail.example" } });
    let refused = admin.post("/api/connectors", again).await;
    assert_eq!(code(refused, 422), "connector.multiple_instances_not_supported");
    let sms =
        json!({ "connectorId": "http-sms", "config": { "endpoint": "https://sms.example/" } });
    admin.create("/api/connectors", sms).await;
    let postmark = json!({ "connectorId": "postmark-mail", "config": {
        "serverToken": "t", "fromEmail": "a@b.example", "templates": [{ "usageType": "Generic", "templateAlias": "x" }],
    } });
    let second = admin.create("/api/connectors", postmark).await;
    let listed = admin.get("/api/connectors").await.expect(200).json();
    let mut kinds: Vec<&str> =
        listed.as_array().expect("a list").iter().map(|one| text(one, "/connectorId")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["http-sms", "postmark-mail"], "the new one takes the place of the old one");
    assert_eq!(
        code(admin.get(&format!("/api/connectors/{}", text(&first, "/id"))).await, 404),
        "entity.not_found"
    );
    assert_eq!(second["type"], "Email");
}

#[tokio::test]
async fn a_message_is_sent_on_trial() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let peer = Peer::start().await;
    let config = json!({ "endpoint": peer.url("/mail"), "authorization": "Bearer secret" });
    let body = json!({ "config": config, "email": "ana@example.com" });
    admin.post("/api/connectors/http-email/test", body).await.expect(204);
    let asked = peer.last();
    assert_eq!(asked.headers["authorization"], "Bearer secret");
    assert_eq!(
        asked.json(),
        json!({ "to": "ana@example.com", "type": "Generic", "payload": { "code": "000000" } })
    );
    let body = json!({ "config": config, "phone": "5511912345678", "email": "ana@example.com" });
    admin.post("/api/connectors/http-sms/test", body.clone()).await.expect(204);
    assert_eq!(peer.last().json()["to"], "5511912345678");

    peer.say("/mail", 500, "out of order");
    let failed = admin.post("/api/connectors/http-sms/test", body).await.expect(400).json();
    assert_eq!(failed["code"], "connector.general");
    assert!(text(&failed, "/message").contains("500 out of order"), "{failed}");
    let mail = |config: Value| json!({ "config": config, "email": "ana@example.com" });
    for (factory, body, status, refusal) in [
        ("nothing", mail(config.clone()), 404, "entity.not_found"),
        ("http-sms", mail(config.clone()), 400, "connector.unexpected_type"),
        ("http-email", mail(json!({})), 400, "connector.invalid_config"),
        ("http-email", mail(json!({ "endpoint": "http://10.0.0.1/" })), 400, "connector.general"),
        ("http-email", json!({ "config": config }), 400, "guard.invalid_input"),
        ("http-email", json!({ "config": config, "email": "nobody" }), 400, "guard.invalid_input"),
        ("aliyun-direct-mail", mail(config.clone()), 501, "connector.not_implemented"),
    ] {
        let path = format!("/api/connectors/{factory}/test");
        assert_eq!(
            code(admin.post(&path, body.clone()).await, status),
            refusal,
            "{factory} {body}"
        );
    }
}

#[tokio::test]
async fn someone_is_sent_to_the_service_with_what_it_asks_for() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let asked = json!({ "state": "s 1", "redirectUri": "https://shop.example/callback/x" });
    for (body, expected) in [
        (
            github(),
            "https://github.com/login/oauth/authorize?client_id=a&redirect_uri=https%3A%2F%2Fshop.example%2Fcallback%2Fx\
             &response_type=code&state=s+1&scope=read%3Auser+user%3Aemail",
        ),
        (
            json!({ "connectorId": "google-universal", "config": {
                "clientId": "a", "clientSecret": "b", "scope": "openid\nemail", "prompts": ["consent", "select_account"], "offlineAccess": true,
            } }),
            "https://accounts.google.com/o/oauth2/v2/auth?client_id=a&redirect_uri=https%3A%2F%2Fshop.example%2Fcallback%2Fx\
             &response_type=code&state=s+1&scope=openid+email&prompt=consent+select_account&access_type=offline",
        ),
        (
            json!({ "connectorId": "azuread-universal", "config": {
                "clientId": "a", "clientSecret": "b", "cloudInstance": "https://login.microsoftonline.com", "tenantId": "common",
            } }),
            "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=a&redirect_uri=https%3A%2F%2Fshop.example%2Fcallback%2Fx\
             &response_type=code&state=s+1&scope=openid+profile+email+User.Read",
        ),
        (
            json!({ "connectorId": "apple-universal", "config": { "clientId": "a", "scope": "email name" } }),
            "https://appleid.apple.com/auth/authorize?client_id=a&redirect_uri=https%3A%2F%2Fshop.example%2Fcallback%2Fx\
             &response_type=code&state=s+1&scope=email+name&response_mode=form_post",
        ),
        (
            json!({ "connectorId": "wechat-web", "config": { "appId": "a", "appSecret": "b" } }),
            "https://open.weixin.qq.com/connect/qrconnect?appid=a&redirect_uri=https%3A%2F%2Fshop.example%2Fcallback%2Fx\
             &response_type=code&state=s+1&scope=snsapi_login#wechat_redirect",
        ),
        (
            json!({ "connectorId": "wechat-native", "config": { "appId": "a", "appSecret": "b" } }),
            "wechat://?app_id=a&state=s+1",
        ),
        (
            oidc("bank"),
            "https://bank.example/authorize?tenant=1&client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fcallback%2Fx\
             &response_type=code&state=s+1&scope=openid+email&acr_values=high",
        ),
    ] {
        let id = text(&admin.create("/api/connectors", body).await, "/id").to_owned();
        let path = format!("/api/connectors/{id}/authorization-uri");
        let answer = admin.post(&path, asked.clone()).await.expect(200).json();
        assert_eq!(text(&answer, "/redirectTo"), expected);
    }
    let sms =
        json!({ "connectorId": "http-sms", "config": { "endpoint": "https://sms.example/" } });
    let empty = json!({ "connectorId": "discord-universal" });
    let guarded =
        json!({ "connectorId": "x-universal", "config": { "clientId": "a", "clientSecret": "b" } });
    for (body, status, refusal) in [
        (sms, 400, "connector.unexpected_type"),
        (empty, 400, "connector.invalid_config"),
        (guarded, 501, "connector.not_implemented"),
    ] {
        let id = text(&admin.create("/api/connectors", body).await, "/id").to_owned();
        let path = format!("/api/connectors/{id}/authorization-uri");
        assert_eq!(code(admin.post(&path, asked.clone()).await, status), refusal);
        for wrong in [json!({ "state": "s" }), json!({ "state": "s", "redirectUri": "x" })] {
            assert_eq!(code(admin.post(&path, wrong).await, 400), "guard.invalid_input");
        }
    }
    let nowhere = admin.post("/api/connectors/nobody/authorization-uri", asked).await;
    assert_eq!(code(nowhere, 404), "entity.not_found");
}

#[tokio::test]
async fn configurations_are_sealed_and_their_reading_is_in_the_audit_log() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "connectorId": "github-universal", "config": { "clientId": "a", "clientSecret": "very-secret" } });
    let id = text(&admin.create("/api/connectors", body).await, "/id").to_owned();
    let mut conn = server.tenant().read().await.expect("a connection");
    let statement = trinco_db::sql!("SELECT config FROM connectors WHERE tenant_id = $1");
    let stored: String = conn.one(statement, &[]).await.expect("a row").get(0).expect("a text");
    assert!(!stored.contains("secret"), "{stored}");
    drop(conn);
    admin.get(&format!("/api/connectors/{id}")).await.expect(200);
    let mut conn = server.tenant().read().await.expect("a connection");
    let statement = trinco_db::sql!(
        "SELECT payload FROM logs WHERE tenant_id = $1 AND key = 'Connector.Config.Revealed'"
    );
    let payload: String = conn.one(statement, &[]).await.expect("a row").get(0).expect("a text");
    assert!(payload.contains(&id) && !payload.contains("secret"), "{payload}");
}

#[tokio::test]
async fn a_target_stays_on_the_sign_in_page_as_long_as_it_has_a_connector() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = text(&admin.create("/api/connectors", github()).await, "/id").to_owned();
    let settings = json!({ "socialSignInConnectorTargets": ["google", "github", "github"] });
    let changed = admin.patch("/api/sign-in-exp", settings).await.expect(200).json();
    assert_eq!(changed["socialSignInConnectorTargets"], json!(["github"]));
    admin.delete(&format!("/api/connectors/{id}")).await.expect(204);
    let settings = admin.get("/api/sign-in-exp").await.expect(200).json();
    assert_eq!(settings["socialSignInConnectorTargets"], json!([]));
}
