//! `/api/custom-phrases` and `/api/.well-known/phrases`, at the door.

use serde_json::json;
use trinco_testkit::{Answer, Method, Server, text};

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

#[tokio::test]
async fn texts_are_set_read_replaced_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/custom-phrases/pt-BR";
    assert_eq!(code(admin.get(path).await, 404), "entity.not_found");
    let written = json!({ "action": { "sign_in": "Acessar" }, "mine": { "hello": "Oi" } });
    let put = admin.put(path, written.clone()).await.expect(201).json();
    assert_eq!(put["translation"], written);
    assert_eq!(put["languageTag"], "pt-BR");
    assert_eq!(admin.get(path).await.expect(200).json(), put);

    let again = admin.put(path, json!({ "action": { "continue": "Ir" } })).await.expect(201).json();
    assert_eq!(again["id"], put["id"], "it is the same entry");
    assert_eq!(again["translation"], json!({ "action": { "continue": "Ir" } }));
    assert_eq!(admin.get("/api/custom-phrases").await.expect(200).json(), json!([again]));
    admin.delete(path).await.expect(204);
    assert_eq!(code(admin.delete(path).await, 404), "entity.not_found");
    assert_eq!(admin.get("/api/custom-phrases").await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn what_has_no_place_among_the_texts_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let put = |body| admin.put("/api/custom-phrases/en", body);
    let structure = put(json!({ "action": "Go" })).await;
    assert_eq!(code(structure, 422), "localization.invalid_translation_structure");
    assert_eq!(code(put(json!({ "action": 1 })).await, 400), "guard.invalid_input");
    let unknown = admin.put("/api/custom-phrases/xx-XX", json!({})).await;
    let refused = unknown.expect(400).json();
    assert_eq!(refused["data"]["issues"][0]["path"], json!(["languageTag"]));
    let default = admin.delete("/api/custom-phrases/en").await;
    assert_eq!(code(default, 409), "localization.cannot_delete_default_language");
}

#[tokio::test]
async fn a_reader_gets_the_built_in_texts_with_what_the_tenant_wrote_over_them() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let browser = server.browser();
    let read = |query: &'static str, accept: &'static str| {
        let request = browser.request(Method::GET, &format!("/api/.well-known/phrases{query}"));
        Answer::to(request.header("accept-language", accept))
    };
    let english = read("", "en").await.expect(200);
    assert_eq!(english.header("content-language"), "en");
    assert_eq!(english.json()["action"]["sign_in"], "Sign in");
    let portuguese = read("", "pt-PT, en;q=0.5").await.expect(200);
    assert_eq!(portuguese.header("content-language"), "pt-BR");
    assert_eq!(portuguese.json()["action"]["sign_in"], "Entrar");

    let written = json!({ "action": { "sign_in": "Acessar" }, "mine": "Oi" });
    admin.put("/api/custom-phrases/pt-BR", written).await.expect(201);
    let texts = read("?lng=pt-BR", "en").await.expect(200).json();
    assert_eq!(texts["action"]["sign_in"], "Acessar");
    assert_eq!(texts["mine"], "Oi");
    assert_eq!(texts["input"]["password"], "Senha", "the rest is built in");

    // A language that only the tenant has texts in stands on the fallback.
    let written = json!({ "action": { "sign_in": "Anmelden" } });
    admin.put("/api/custom-phrases/de", written).await.expect(201);
    for (query, accept) in [("?lng=de", "en"), ("", "de, en;q=0.5")] {
        let german = read(query, accept).await.expect(200);
        assert_eq!(german.header("content-language"), "de");
        assert_eq!(german.json()["action"]["sign_in"], "Anmelden");
        assert_eq!(german.json()["input"]["password"], "Password");
    }
}
