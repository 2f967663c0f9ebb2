//! `/api/account-center` and `/api/custom-profile-fields`, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

const FIELDS: &str = "/api/custom-profile-fields";

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

fn names(fields: &Value) -> Vec<&str> {
    fields.as_array().expect("a list").iter().map(|field| text(field, "/name")).collect()
}

async fn field(admin: &Admin, name: &str) -> Value {
    let body = json!({ "name": name, "type": "Text", "required": false });
    admin.post(FIELDS, body).await.expect(201).json()
}

#[tokio::test]
async fn a_new_tenant_lets_nobody_change_anything_until_it_is_told_to() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/account-center";
    let new = admin.get(path).await.expect(200).json();
    assert_eq!(
        new,
        json!({
            "tenantId": "default", "id": "default", "enabled": false, "fields": {},
            "webauthnRelatedOrigins": [], "deleteAccountUrl": null, "customCss": null,
            "profileFields": null,
        })
    );
    let changes = json!({
        "enabled": true, "fields": { "name": "Edit", "email": "ReadOnly" },
        "deleteAccountUrl": "https://app.example/delete", "customCss": "a { color: red }",
        "webauthnRelatedOrigins": ["https://app.example"], "unknown": 1,
    });
    let changed = admin.patch(path, changes).await.expect(200).json();
    assert_eq!(changed["fields"], json!({ "name": "Edit", "email": "ReadOnly" }));
    assert_eq!(admin.get(path).await.expect(200).json(), changed);
    let public = server.browser().get("/api/.well-known/account-center").await.expect(200);
    assert_eq!(public.json(), changed);

    let cleared = json!({ "deleteAccountUrl": "", "customCss": null });
    let cleared = admin.patch(path, cleared).await.expect(200).json();
    assert_eq!((&cleared["deleteAccountUrl"], &cleared["enabled"]), (&Value::Null, &json!(true)));
    for (wrong, member) in [
        (json!({ "fields": { "name": "Maybe" } }), json!(["fields", "name"])),
        (json!({ "webauthnRelatedOrigins": ["x"] }), json!(["webauthnRelatedOrigins"])),
        (json!({ "deleteAccountUrl": "javascript:x" }), json!(["deleteAccountUrl"])),
    ] {
        let refused = admin.patch(path, wrong).await.expect(400).json();
        assert_eq!(refused["data"]["issues"][0]["path"], member);
    }
}

#[tokio::test]
async fn the_account_center_shows_known_profile_fields_and_forgets_deleted_ones() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/account-center";
    let show = |names: &[&str]| {
        let fields: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        admin.patch(path, json!({ "profileFields": fields }))
    };
    let refused = show(&["company"]).await;
    assert_eq!(code(refused, 400), "custom_profile_fields.entity_not_exists_with_names");
    field(&admin, "company").await;
    field(&admin, "shoeSize").await;
    let shown = show(&["shoeSize", "company"]).await.expect(200).json();
    assert_eq!(names(&shown["profileFields"]), ["shoeSize", "company"]);
    assert_eq!(code(show(&["company", "company"]).await, 400), "guard.invalid_input");
    admin.delete(&format!("{FIELDS}/shoeSize")).await.expect(204);
    let left = admin.get(path).await.expect(200).json();
    assert_eq!(names(&left["profileFields"]), ["company"]);
}

#[tokio::test]
async fn a_profile_field_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({
        "name": "birthdate", "type": "Date", "required": true, "label": "Birthday",
        "config": { "format": "yyyy-MM-dd", "minLength": 3 },
    });
    let created = admin.post(FIELDS, body.clone()).await.expect(201).json();
    assert_eq!(created["config"], json!({ "format": "yyyy-MM-dd" }));
    assert_eq!((&created["sieOrder"], &created["description"]), (&json!(1), &Value::Null));
    assert_eq!(code(admin.post(FIELDS, body).await, 422), "custom_profile_fields.name_exists");
    let path = format!("{FIELDS}/birthdate");
    assert_eq!(admin.get(&path).await.expect(200).json(), created);
    let change = json!({ "type": "Text", "required": false, "description": "A day" });
    let changed = admin.put(&path, change).await.expect(200).json();
    assert_eq!((&changed["id"], &changed["type"]), (&created["id"], &json!("Text")));
    assert_eq!((&changed["config"], &changed["label"]), (&json!({}), &json!("")));
    let public = server.browser().get("/api/.well-known/experience").await.expect(200).json();
    assert_eq!(public["customProfileFieldCatalog"], json!([changed]));
    admin.delete(&path).await.expect(204);
    for gone in [
        admin.get(&path).await,
        admin.delete(&path).await,
        admin.put(&path, json!({ "type": "Text", "required": false })).await,
    ] {
        assert_eq!(code(gone, 404), "entity.not_found");
    }
}

#[tokio::test]
async fn what_breaks_a_rule_of_its_type_is_not_created() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let regex = |format: &str| json!({ "name": "x", "type": "Regex", "required": false, "config": { "format": format } });
    admin.post(FIELDS, regex("^(?<year>\\d{4})$")).await.expect(201);
    let of = |name: &str, kind: &str, config: Value| json!({ "name": name, "type": kind, "required": false, "config": config });
    for (body, wanted) in [
        (regex("("), "custom_profile_fields.invalid_regex_format"),
        (of("a-b", "Text", json!({})), "custom_profile_fields.invalid_name"),
        (of("email", "Text", json!({})), "custom_profile_fields.name_conflict_sign_in_identifier"),
        (of("customData", "Text", json!({})), "custom_profile_fields.name_conflict_built_in_prop"),
        (of("a", "Select", json!({ "options": [] })), "custom_profile_fields.invalid_options"),
        (of("a", "Wish", json!({})), "guard.invalid_input"),
    ] {
        assert_eq!(code(admin.post(FIELDS, body.clone()).await, 400), wanted, "{body}");
    }
    let long = of("a", "Text", json!({ "placeholder": "x".repeat(257) }));
    let refused = admin.post(FIELDS, long).await.expect(400).json();
    assert_eq!(refused["data"]["issues"][0]["path"], json!(["config", "placeholder"]));
}

#[tokio::test]
async fn fields_are_created_together_and_arranged() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let of = |name: &str| json!({ "name": name, "type": "Text", "required": false });
    let batch = format!("{FIELDS}/batch");
    let created = admin.post(&batch, json!([of("a"), of("b"), of("c")])).await.expect(201).json();
    assert_eq!(names(&created), ["a", "b", "c"]);
    let half = admin.post(&batch, json!([of("d"), of("a")])).await;
    assert_eq!(code(half, 422), "custom_profile_fields.name_exists");
    assert_eq!(names(&admin.get(FIELDS).await.expect(200).json()), ["a", "b", "c"]);
    let many: Vec<Value> = (0..21).map(|number| of(&format!("f{number}"))).collect();
    assert_eq!(code(admin.post(&batch, json!(many)).await, 400), "guard.invalid_input");

    let arranging = format!("{FIELDS}/properties/sie-order");
    let arrange = |order: Value| admin.post(&arranging, json!({ "order": order }));
    let at = |name: &str, order: i64| json!({ "name": name, "sieOrder": order });
    let arranged = arrange(json!([at("c", 1), at("a", 2), at("b", 3)])).await.expect(200).json();
    assert_eq!(names(&arranged), ["c", "a", "b"]);
    assert_eq!(names(&admin.get(FIELDS).await.expect(200).json()), ["c", "a", "b"]);
    let unknown = arrange(json!([at("a", 1), at("nobody", 9)])).await;
    assert_eq!(code(unknown, 400), "custom_profile_fields.entity_not_exists_with_names");
    let twice = arrange(json!([at("a", 1), at("b", 1)])).await;
    assert_eq!(code(twice, 400), "custom_profile_fields.conflicted_sie_order");
}
