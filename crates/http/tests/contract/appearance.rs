//! How the pages look and what they ask: texts, profile fields, the account center, files, domains, scripts of sign-in.

use serde_json::json;
use trinco_core::assets::{Disk, Storage};

use crate::walk::Walk;

pub(crate) async fn walk(walk: &mut Walk) {
    phrases(walk).await;
    profile_fields(walk).await;
    files(walk).await;
    domains(walk).await;
    actions(walk).await;
    walk.get("/api/.well-known/experience").await;

    let captcha = json!({ "type": "Turnstile", "siteKey": "site", "secretKey": "key" });
    walk.ok("PUT", "/api/captcha-provider", json!({ "config": captcha })).await;
    walk.get("/api/captcha-provider").await;
    walk.delete("/api/captcha-provider").await;

    let seen = json!({ "signInExperienceCustomized": true, "organizationCreated": false });
    walk.ok("PATCH", "/api/configs/admin-console", seen).await;
    walk.get("/api/configs/admin-console").await;

    walk.unavailable("GET", "/api/systems/application", json!(null), 501).await;
    let application = json!({ "name": "Behind a proxy", "type": "SPA" });
    let application = walk.create("/api/applications", application).await;
    let path = format!("/api/applications/{application}/protected-app-metadata/custom-domains");
    walk.unavailable("GET", &path, json!(null), 501).await;
    walk.unavailable("POST", &path, json!({ "domain": "app.example.com" }), 501).await;
    walk.unavailable("DELETE", &format!("{path}/app.example.com"), json!(null), 501).await;
}

async fn phrases(walk: &mut Walk) {
    let path = "/api/custom-phrases/pt-BR";
    walk.ok("PUT", path, json!({ "action": { "sign_in": "Acessar" } })).await;
    walk.get(path).await;
    walk.get("/api/custom-phrases").await;
    walk.get("/api/.well-known/phrases?lng=pt-BR").await;
    walk.delete(path).await;
}

async fn profile_fields(walk: &mut Walk) {
    let all = "/api/custom-profile-fields";
    let field = |name: &str| json!({ "name": name, "type": "Text", "required": false });
    walk.ok("POST", all, field("company")).await;
    walk.ok("POST", &format!("{all}/batch"), json!([field("shoeSize"), field("hat")])).await;
    let order = json!({ "order": [{ "name": "hat", "sieOrder": 1 }, { "name": "company", "sieOrder": 3 }] });
    walk.ok("POST", &format!("{all}/properties/sie-order"), order).await;
    walk.get(all).await;
    let path = format!("{all}/company");
    let changed = json!({ "type": "Url", "required": true, "label": "Company" });
    walk.ok("PUT", &path, changed).await;
    walk.get(&path).await;
    let shown = json!({
        "enabled": true, "fields": { "name": "Edit" }, "profileFields": [{ "name": "company" }],
        "webauthnRelatedOrigins": ["https://app.example.com"], "customCss": "a {}",
        "deleteAccountUrl": "https://app.example.com/delete",
    });
    walk.ok("PATCH", "/api/account-center", shown).await;
    walk.get("/api/account-center").await;
    walk.get("/api/.well-known/account-center").await;
    walk.delete(&path).await;
}

async fn files(walk: &mut Walk) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::new(folder.path());
    walk.server.installation().set_storage(Storage::Disk(disk));
    walk.get("/api/user-assets/service-status").await;
    walk.upload("/api/user-assets", b"GIF89a").await;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("index.html", options).expect("a file");
    let archive = archive.finish().expect("an archive").into_inner();
    walk.upload("/api/sign-in-exp/default/custom-ui-assets", &archive).await;
}

async fn domains(walk: &mut Walk) {
    let id = walk.create("/api/domains", json!({ "domain": "auth.example.com" })).await;
    let path = format!("/api/domains/{id}");
    walk.get("/api/domains").await;
    walk.get(&path).await;
    let file = json!({ "path": "/a.txt", "content": "a", "contentType": "text/plain" });
    let files = format!("{path}/verification-files");
    walk.ok("PUT", &files, json!({ "verificationFiles": [file] })).await;
    walk.get(&files).await;
    walk.ok("POST", "/api/domains/cleanup", json!({ "staleDays": 30 })).await;
    walk.delete(&path).await;
}

async fn actions(walk: &mut Walk) {
    let path = "/api/configs/actions/action.postSignIn";
    let script = "const runAction = () => {};";
    let action = json!({
        "script": script, "environmentVariables": { "PLAN": "gold" }, "enabled": false,
        "onExecutionError": "allow",
    });
    walk.ok("PUT", path, action).await;
    walk.get(path).await;
    walk.get("/api/configs/actions").await;
    walk.ok("PATCH", path, json!({ "enabled": false })).await;
    let trial = json!({ "actionType": "action.postSignIn", "script": script, "event": {} });
    walk.ok("POST", "/api/configs/actions/test", trial).await;
    walk.delete(path).await;
}
