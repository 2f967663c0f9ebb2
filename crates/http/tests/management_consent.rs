//! `/api/applications/{id}/user-consent-scopes` and `…/users/{userId}/consent-organizations`, at the door.

mod guest;

use guest::{Guest, ORGANIZATIONS};
use serde_json::{Value, json};
use trinco_testkit::{API, text};

#[tokio::test]
async fn consent_organizations_are_kept_listed_and_lost_with_the_membership() {
    let guest = Guest::start().await;
    let (admin, user) = (&guest.world.admin, &guest.world.user_id);
    let organization = guest.world.organization_id.as_str();
    let path = guest.path(&format!("users/{user}/consent-organizations"));
    let body = |ids: &[&str]| json!({ "organizationIds": ids });
    admin.post(&path, body(&[organization, organization])).await.expect(201);
    admin.post(&path, body(&[organization])).await.expect(201);
    let listed = admin.get(&path).await.expect(200);
    assert_eq!(listed.header("total-number"), "1");
    assert_eq!(listed.json()["organizations"][0]["name"], "Acme");

    let other = admin.create("/api/organizations", json!({ "name": "Other" })).await;
    let refused = admin.put(&path, body(&[organization, text(&other, "/id")])).await.expect(422);
    assert_eq!(refused.json()["code"], "organization.require_membership");
    assert_eq!(admin.get(&path).await.header("total-number"), "1", "nothing was changed");
    admin.put(&path, body(&[])).await.expect(204);
    assert_eq!(admin.get(&path).await.header("total-number"), "0");

    admin.put(&path, body(&[organization])).await.expect(204);
    admin.delete(&format!("/api/organizations/{organization}/users/{user}")).await.expect(204);
    assert_eq!(admin.get(&path).await.header("total-number"), "0", "leaving takes it back");
    admin.get(&guest.path("users/nobody/consent-organizations")).await.expect(404);
    let own = admin.traditional("Own").await.0;
    let path = format!("/api/applications/{own}/users/{user}/consent-organizations");
    let refused = admin.get(&path).await.expect(422).json();
    assert_eq!(refused["code"], "application.third_party_application_only");
}

#[tokio::test]
async fn consent_scopes_are_listed_checked_and_removed() {
    let guest = Guest::start().await;
    let admin = &guest.world.admin;
    let path = guest.path("user-consent-scopes");
    guest.may_ask_for_everything().await;
    guest.may_ask(json!({ "userScopes": ["profile"] })).await;
    let listed = admin.get(&path).await.expect(200).json();
    assert_eq!(listed["userScopes"], json!(["profile", "email", ORGANIZATIONS]));
    assert_eq!(listed["resourceScopes"][0]["resource"]["indicator"], API);
    assert_eq!(listed["resourceScopes"][0]["scopes"][0]["name"], "read:orders");
    assert_eq!(listed["organizationScopes"][0]["name"], "invoices:read");
    assert_eq!(listed["organizationResourceScopes"][0]["scopes"][0]["id"], guest.write.as_str());

    let refusal = async |body: Value, status: u16| {
        text(&admin.post(&path, body).await.expect(status).json(), "/code").to_owned()
    };
    assert_eq!(refusal(json!({ "userScopes": ["openid"] }), 400).await, "guard.invalid_input");
    for member in ["resourceScopes", "organizationScopes", "organizationResourceScopes"] {
        let code = refusal(json!({ member: ["nowhere"] }), 422).await;
        assert_eq!(code, "application.user_consent_scopes_not_found", "{member}");
    }
    let all = json!({ "resourceScopes": ["management-api-all"] });
    assert_eq!(refusal(all, 422).await, "application.consent_management_api_scopes_not_allowed");

    for (kind, id) in [
        ("user-scopes", "email"),
        ("resource-scopes", guest.read.as_str()),
        ("organization-scopes", guest.invoices.as_str()),
        ("organization-resource-scopes", guest.write.as_str()),
    ] {
        admin.delete(&format!("{path}/{kind}/{id}")).await.expect(204);
        admin.delete(&format!("{path}/{kind}/{id}")).await.expect(404);
    }
    admin.delete(&format!("{path}/toasters/x")).await.expect(400);
    let listed = admin.get(&path).await.expect(200).json();
    assert_eq!(listed["userScopes"], json!(["profile", ORGANIZATIONS]));
    assert_eq!(listed["resourceScopes"], json!([]));

    let own = admin.traditional("Own").await.0;
    let path = format!("/api/applications/{own}/user-consent-scopes");
    let refused = admin.post(&path, json!({ "userScopes": ["email"] })).await.expect(422).json();
    assert_eq!(refused["code"], "application.third_party_application_only");
    admin.get("/api/applications/nowhere/user-consent-scopes").await.expect(404);
}
