//! Scripts that add claims to tokens, as administrators keep and try them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use trinco_core::token_customizers::{self, TokenType};
use trinco_db::{params, sql};
use trinco_testkit::{Admin, Answer, Server, text};

const ALL: &str = "/api/configs/jwt-customizer";
const ACCESS: &str = "/api/configs/jwt-customizer/access-token";
const MACHINE: &str = "/api/configs/jwt-customizer/client-credentials";
const ID: &str = "/api/configs/jwt-customizer/id-token";
const TEST: &str = "/api/configs/jwt-customizer/test";

const SCRIPT: &str =
    "const getCustomJwtClaims = async ({ token, context, environmentVariables }) => ({
    plan: environmentVariables.PLAN, who: context.user?.username ?? token.clientId,
});";

#[tokio::test]
async fn a_script_is_kept_shown_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    assert_eq!(admin.get(ALL).await.expect(200).json(), json!([]));
    for path in [ACCESS, MACHINE, ID] {
        assert_eq!(admin.get(path).await.expect(404).json()["code"], "entity.not_found");
        admin.patch(path, json!({ "script": SCRIPT })).await.expect(404);
        admin.delete(path).await.expect(404);
    }

    let whole = json!({
        "script": SCRIPT,
        "environmentVariables": { "PLAN": "gold" },
        "contextSample": { "user": { "id": "u", "username": "ana" } },
        "tokenSample": { "jti": "j", "kind": "AccessToken" },
        "blockIssuanceOnError": true,
    });
    assert_eq!(admin.put(ACCESS, whole.clone()).await.expect(201).json(), whole);
    assert_eq!(admin.put(ACCESS, whole.clone()).await.expect(200).json(), whole);
    assert_eq!(admin.get(ACCESS).await.expect(200).json(), whole);
    admin.put(MACHINE, json!({ "script": "x" })).await.expect(201);
    admin.put(ID, json!({ "script": "y" })).await.expect(201);
    let listed = admin.get(ALL).await.expect(200).json();
    assert_eq!(
        listed,
        json!([
            { "key": "jwt.accessToken", "value": whole },
            { "key": "jwt.clientCredentials", "value": { "script": "x" } },
            { "key": "jwt.idToken", "value": { "script": "y" } },
        ])
    );

    let mut changed = whole.clone();
    changed["environmentVariables"] = json!({ "PLAN": "silver" });
    changed["blockIssuanceOnError"] = json!(false);
    let changes =
        json!({ "environmentVariables": { "PLAN": "silver" }, "blockIssuanceOnError": false });
    assert_eq!(admin.patch(ACCESS, changes).await.expect(200).json(), changed);
    assert_eq!(admin.patch(ACCESS, json!({})).await.expect(200).json(), changed);
    // A PUT replaces everything.
    let bare = json!({ "script": "z" });
    assert_eq!(admin.put(ACCESS, bare.clone()).await.expect(200).json(), bare);
    assert_eq!(admin.get(ACCESS).await.expect(200).json(), bare);

    admin.delete(ACCESS).await.expect(204);
    admin.get(ACCESS).await.expect(404);
    assert_eq!(admin.get(ALL).await.expect(200).json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn environment_variables_are_sealed_at_rest_and_open_on_another_node() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "script": SCRIPT, "environmentVariables": { "KEY": "hunter2-hunter2" } });
    admin.put(ACCESS, body.clone()).await.expect(201);
    let query = sql!(
        "SELECT environment_variables FROM token_customizers WHERE tenant_id = $1 AND kind = $2"
    );
    let mut conn = server.tenant().read().await.unwrap();
    let row = conn.optional(query, params!["access-token"]).await.unwrap().unwrap();
    let kept: String = row.get(0).unwrap();
    assert!(kept.len() > 40 && !kept.contains("hunter2") && !kept.contains("KEY"), "{kept}");
    drop(conn);

    let other = server.second_node().await;
    let seen = token_customizers::get(other.tenant(), TokenType::AccessToken).await.unwrap();
    assert_eq!(serde_json::to_value(&seen).unwrap(), body);
    assert!(!format!("{seen:?}").contains("hunter2"));
    admin.delete(ACCESS).await.expect(204);
    assert!(other.tenant().refresh().await.unwrap());
    assert!(token_customizers::list(other.tenant()).is_empty());
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused_by_name() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (body, path) in [
        (json!({}), ""),
        (json!({ "script": "" }), "script"),
        (json!({ "script": null }), "script"),
        (json!({ "script": "a\u{0}b" }), "script"),
        (json!({ "script": "x".repeat(64 * 1024 + 1) }), "script"),
        (json!({ "script": "x", "environmentVariables": { "A": 5 } }), "environmentVariables"),
        (
            json!({ "script": "x", "environmentVariables": { "A": "x".repeat(20_000) } }),
            "environmentVariables",
        ),
        (json!({ "script": "x", "contextSample": [] }), "contextSample"),
        (json!({ "script": "x", "tokenSample": { "a": "x".repeat(70_000) } }), "tokenSample"),
        (json!({ "script": "x", "blockIssuanceOnError": "yes" }), "blockIssuanceOnError"),
    ] {
        let answer = admin.put(ACCESS, body).await.expect(400).json();
        assert_eq!(answer["code"], "guard.invalid_input");
        let named = answer["data"]["issues"][0]["path"][0].as_str().unwrap_or_default();
        assert_eq!(named, path, "{answer}");
    }
    let unknown = admin.put(&format!("{ALL}/refresh-token"), json!({ "script": "x" })).await;
    assert_eq!(unknown.expect(400).json()["code"], "guard.invalid_input");
    let anonymous = server.browser().get(ALL).await;
    assert_eq!(anonymous.expect(401).json()["code"], "auth.authorization_header_missing");
}

async fn tried(admin: &Admin, token_type: &str, script: &str) -> Answer {
    let body = json!({
        "tokenType": token_type,
        "script": script,
        "environmentVariables": { "PLAN": "gold" },
        "token": { "jti": "j", "clientId": "app" },
        "context": { "user": { "username": "ana" } },
    });
    admin.post(TEST, body).await
}

#[tokio::test]
async fn a_script_is_tried_before_it_is_kept() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for token_type in ["access-token", "client-credentials", "id-token"] {
        let claims = tried(&admin, token_type, SCRIPT).await.expect(200).json();
        assert_eq!(claims, json!({ "plan": "gold", "who": "ana" }));
    }
    // What a token would not get is not shown either.
    let greedy = "const getCustomJwtClaims = () => ({ sub: 'x', aud: 'x', email: 'x', ok: 1 })";
    let claims = tried(&admin, "access-token", greedy).await.expect(200).json();
    assert_eq!(claims, json!({ "email": "x", "ok": 1 }));
    assert_eq!(tried(&admin, "id-token", greedy).await.expect(200).json(), json!({ "ok": 1 }));

    for (script, code, says) in [
        ("const = 5", "SyntaxError", "cannot be compiled"),
        ("const other = () => ({})", "General", "no function getCustomJwtClaims"),
        (
            "const getCustomJwtClaims = () => { throw new Error('no such group') }",
            "General",
            "Error: no such group (line 1)",
        ),
        ("const getCustomJwtClaims = () => 5", "General", "must return an object"),
        (
            "const getCustomJwtClaims = () => { for (;;); }",
            "General",
            "computed for more than 250 ms",
        ),
        (
            "const getCustomJwtClaims = ({ api }) => api.denyAccess('not today')",
            "AccessDenied",
            "denied access: not today",
        ),
        (
            "const getCustomJwtClaims = () => fetch('https://a.test')",
            "General",
            "no origin is listed in scripts.fetch_allow",
        ),
    ] {
        let answer = tried(&admin, "access-token", script).await.expect(422).json();
        assert_eq!(answer["code"], "jwt_customizer.general");
        assert_eq!(answer["data"]["code"], code, "{answer}");
        assert!(text(&answer, "/data/message").contains(says), "{answer}");
        assert!(text(&answer, "/message").contains(says), "{answer}");
    }
    let unknown = tried(&admin, "refresh-token", SCRIPT).await.expect(400).json();
    assert_eq!(unknown["code"], "guard.invalid_input");
    let missing = admin.post(TEST, json!({ "tokenType": "access-token", "script": "x" })).await;
    assert_eq!(missing.expect(400).json()["code"], "guard.invalid_input");
    assert_eq!(admin.get(ALL).await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn the_operators_tenant_has_no_scripts() {
    let server = Server::start().await;
    let script: Value = json!({ "script": SCRIPT });
    let refused = token_customizers::put(
        server.installation().admin_tenant(),
        TokenType::AccessToken,
        &serde_json::from_value(script).unwrap(),
    )
    .await
    .unwrap_err();
    assert_eq!(refused.code(), Some("jwt_customizer.can_not_create_for_admin_tenant"));
}

/// Nobody would get a token's claims from a script that is no JavaScript: it is refused when it is put.
#[tokio::test]
async fn a_script_that_cannot_be_compiled_is_not_kept() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let broken = json!({ "script": "const getCustomJwtClaims =\n  async (" });
    let refused = admin.put(ACCESS, broken.clone()).await.expect(400).json();
    assert_eq!(refused["code"], "guard.invalid_input");
    assert_eq!(refused["data"]["issues"][0]["path"][0], "script", "{refused}");
    let says = text(&refused, "/data/issues/0/message");
    assert!(says.contains("cannot be compiled") && says.contains("(line 2)"), "{refused}");
    admin.get(ACCESS).await.expect(404);
    admin.patch(ACCESS, broken.clone()).await.expect(404);

    admin.put(ACCESS, json!({ "script": SCRIPT })).await.expect(201);
    admin.patch(ACCESS, broken).await.expect(400);
    assert_eq!(admin.get(ACCESS).await.expect(200).json(), json!({ "script": SCRIPT }));
    // It is compiled and not run: what it does is another matter.
    for script in ["for (;;);", "throw 5", "\"use strict\"; x", "function getCustomJwtClaims() {}"]
    {
        admin.put(ACCESS, json!({ "script": script })).await.expect(200);
    }
}
