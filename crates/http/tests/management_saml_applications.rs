//! `/api/saml-applications` and `/api/saml`, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

const ALL: &str = "/api/saml-applications";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

async fn application(admin: &Admin, more: Value) -> Value {
    let mut body = json!({ "name": "Wiki", "nameIdFormat": PERSISTENT });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    admin.post(ALL, body).await.expect(201).json()
}

#[tokio::test]
async fn an_application_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let more = json!({
        "description": "Words", "customData": { "team": 1 }, "entityId": "https://wiki.example",
        "acsUrl": { "binding": POST, "url": "https://wiki.example/acs" },
        "attributeMapping": { "email": "mail", "sub": "uid" },
    });
    let created = application(&admin, more).await;
    let id = text(&created, "/id").to_owned();
    assert_eq!(created["type"], "SAML");
    assert_eq!(created["attributeMapping"], json!({ "email": "mail", "sub": "uid" }));
    let path = format!("{ALL}/{id}");
    assert_eq!(admin.get(&path).await.expect(200).json(), created);
    let among_all = admin.get(&format!("/api/applications/{id}")).await.expect(200).json();
    assert_eq!((&among_all["type"], &among_all["name"]), (&json!("SAML"), &json!("Wiki")));

    let changes = json!({ "name": "Pages", "acsUrl": null, "appLevelAccessControlEnabled": true });
    let changed = admin.patch(&path, changes).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["acsUrl"]), (&json!("Pages"), &Value::Null));
    assert_eq!(changed["entityId"], "https://wiki.example", "what is not named stays");
    assert_eq!(changed["appLevelAccessControlEnabled"], true);
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);
    admin.delete(&path).await.expect(204);
    assert_eq!(code(admin.get(&path).await, 404), "entity.not_exists_with_id");
    assert_eq!(code(admin.delete(&path).await, 404), "entity.not_exists_with_id");
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    let body = |more: Value| {
        let mut body = json!({ "name": "Wiki", "nameIdFormat": PERSISTENT });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("it").clone());
        body
    };
    for (more, status, wanted) in [
        (
            json!({ "acsUrl": { "binding": redirect, "url": "https://a.example" } }),
            422,
            "application.saml.acs_url_binding_not_supported",
        ),
        (json!({ "acsUrl": { "binding": POST, "url": "no url" } }), 400, "guard.invalid_input"),
        (
            json!({ "encryption": { "encryptAssertion": true, "encryptThenSign": false } }),
            400,
            "guard.invalid_input",
        ),
        (
            json!({ "encryption": { "certificate": "MIIB" } }),
            400,
            "application.saml.invalid_certificate_pem_format",
        ),
        (json!({ "nameIdFormat": "other" }), 400, "guard.invalid_input"),
        (json!({ "attributeMapping": { "shoe_size": "x" } }), 400, "guard.invalid_input"),
    ] {
        assert_eq!(code(admin.post(ALL, body(more.clone())).await, status), wanted, "{more}");
    }
    let without = admin.post(ALL, json!({ "name": "Wiki" })).await;
    assert_eq!(code(without, 400), "guard.invalid_input");
    let other = admin.create("/api/applications", json!({ "name": "App", "type": "SPA" })).await;
    let other = format!("{ALL}/{}", text(&other, "/id"));
    let only = "application.saml.saml_application_only";
    assert_eq!(code(admin.get(&other).await, 422), only);
    assert_eq!(code(admin.patch(&other, json!({})).await, 422), only);
    assert_eq!(code(admin.delete(&other).await, 422), only);
}

#[tokio::test]
async fn one_certificate_is_active_and_the_others_can_go() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = text(&application(&admin, json!({})).await, "/id").to_owned();
    let path = format!("{ALL}/{id}/secrets");
    let listed = admin.get(&path).await.expect(200).json();
    let first = listed[0].clone();
    assert_eq!((listed.as_array().map(Vec::len), &first["active"]), (Some(1), &json!(true)));
    assert!(text(&first, "/certificate").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(text(&first, "/expiresAt").ends_with("T00:00:00.000Z"));
    let (spaced, plain) = (
        text(&first, "/fingerprints/sha256/formatted"),
        text(&first, "/fingerprints/sha256/unformatted"),
    );
    assert_eq!(spaced.replace(':', ""), plain);

    let second = admin.post(&path, json!({ "lifeSpanInYears": 2 })).await.expect(201).json();
    assert_eq!(second["active"], false);
    let years = (second["expiresAt"].as_i64().expect("a time")
        - second["createdAt"].as_i64().expect("a time")) as f64
        / (365.25 * 86_400_000.0);
    assert!((1.99..2.01).contains(&years), "{years}");
    for wrong in [json!({}), json!({ "lifeSpanInYears": 0 }), json!({ "lifeSpanInYears": 1.5 })] {
        assert_eq!(code(admin.post(&path, wrong).await, 400), "guard.invalid_input");
    }
    let of = |secret: &Value| format!("{path}/{}", text(secret, "/id"));
    let refused = admin.delete(&of(&first)).await;
    assert_eq!(code(refused, 400), "application.saml.can_not_delete_active_secret");
    let active = admin.patch(&of(&second), json!({ "active": true })).await.expect(200).json();
    assert_eq!(active["active"], true);
    let listed = admin.get(&path).await.expect(200).json();
    let states: Vec<bool> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["active"].as_bool())
        .collect();
    assert_eq!(states.iter().filter(|active| **active).count(), 1);
    admin.delete(&of(&first)).await.expect(204);
    assert_eq!(code(admin.delete(&of(&first)).await, 404), "entity.not_exists_with_id");
    assert_eq!(
        code(admin.get(&format!("{ALL}/nobody/secrets")).await, 404),
        "entity.not_exists_with_id"
    );
}

#[tokio::test]
async fn the_metadata_name_the_active_certificate() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = text(&application(&admin, json!({})).await, "/id").to_owned();
    let secrets = admin.get(&format!("{ALL}/{id}/secrets")).await.expect(200).json();
    let certificate: String = text(&secrets, "/0/certificate")
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let path = format!("{ALL}/{id}/metadata");
    let metadata = server.browser().get(&path).await.expect(200);
    assert_eq!(metadata.header("content-type"), "text/xml; charset=utf-8");
    let base = server.base();
    for part in [
        certificate,
        format!("entityID=\"{base}/saml/{id}\""),
        format!("Location=\"{base}/api/saml/{id}/authn\""),
        PERSISTENT.to_owned(),
    ] {
        assert!(metadata.text.contains(&part), "{part} in {}", metadata.text);
    }
    let resting = format!("{ALL}/{id}/secrets/{}", text(&secrets, "/0/id"));
    admin.patch(&resting, json!({ "active": false })).await.expect(200);
    let none = server.browser().get(&path).await;
    assert!(none.status == 404 && none.text.contains("application.saml.no_active_secret"));
}

#[tokio::test]
async fn a_sign_in_says_what_the_application_lacks() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = text(&application(&admin, json!({})).await, "/id").to_owned();
    let browser = server.browser();
    let begin = |id: String| {
        let browser = browser.clone();
        async move { browser.get(&format!("/api/saml/{id}/authn?SAMLRequest=abc")).await }
    };
    assert_eq!(code(begin("nobody".to_owned()).await, 404), "entity.not_exists_with_id");
    let without = browser.get(&format!("/api/saml/{id}/authn")).await;
    assert_eq!(code(without, 400), "guard.invalid_input");
    assert_eq!(code(begin(id.clone()).await, 400), "application.saml.entity_id_required");
    let form = browser.submit(&format!("/api/saml/{id}/authn"), &[("SAMLRequest", "abc")]).await;
    assert_eq!(code(form, 400), "application.saml.entity_id_required");
    let empty = browser.submit(&format!("/api/saml/{id}/authn"), &[("RelayState", "x")]).await;
    assert_eq!(code(empty, 400), "guard.invalid_input");
    admin.patch(&format!("{ALL}/{id}"), json!({ "entityId": "wiki" })).await.expect(200);
    assert_eq!(code(begin(id.clone()).await, 400), "application.saml.acs_url_required");
    let callback = browser.get(&format!("{ALL}/{id}/callback")).await;
    assert_eq!(code(callback, 400), "application.saml.acs_url_required");
}
