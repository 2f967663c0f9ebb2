//! SAML applications.

use serde_json::{Value, json};

use crate::walk::Walk;

pub(crate) async fn walk(walk: &mut Walk) {
    let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    let application = json!({
        "name": "Wiki", "description": "Words", "customData": { "team": 1 }, "entityId": "wiki",
        "acsUrl": { "binding": binding, "url": "https://wiki.example.com/acs" },
        "attributeMapping": { "email": "mail" },
        "nameIdFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    });
    let id = walk.create("/api/saml-applications", application).await;
    let path = format!("/api/saml-applications/{id}");
    walk.get(&path).await;
    let changes = json!({ "name": "Pages", "appLevelAccessControlEnabled": false });
    walk.ok("PATCH", &path, changes).await;
    let secrets = format!("{path}/secrets");
    let secret = walk.create(&secrets, json!({ "lifeSpanInYears": 1 })).await;
    walk.get(&secrets).await;
    walk.get(&format!("{path}/metadata")).await;
    walk.ok("PATCH", &format!("{secrets}/{secret}"), json!({ "active": false })).await;
    walk.delete(&format!("{secrets}/{secret}")).await;

    // The exchange of messages is not there yet.
    let authn = format!("/api/saml/{id}/authn");
    walk.unavailable("GET", &format!("{authn}?SAMLRequest=abc"), Value::Null, 422).await;
    let form = json!({ "SAMLRequest": "abc", "RelayState": "x" });
    walk.unavailable("POST", &authn, form, 422).await;
    walk.unavailable("GET", &format!("{path}/callback"), Value::Null, 422).await;
    walk.delete(&path).await;
}
