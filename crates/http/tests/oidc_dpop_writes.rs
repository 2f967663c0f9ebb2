//! A DPoP proof is free to make. What a stranger presents with one leaves nothing behind (RFC 9449 §11.1), at the door.

use serde_json::{Value, json};
use trinco_db::sql;
use trinco_jose::{base64url_encode, sha256};
use trinco_testkit::{Answer, Method, ProofKey, REDIRECT_URI, Tokens, USER, World, changed};

const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";

fn proof(world: &World, key: &ProofKey, method: &str, path: &str, token: Option<&str>) -> String {
    let mut jti = [0; 16];
    aws_lc_rs::rand::fill(&mut jti).expect("randomness");
    let claims = json!({
        "jti": base64url_encode(jti), "htm": method, "htu": format!("{}{path}", world.server.base()),
        "iat": world.server.clock().now(),
    });
    let ath = token.map(|token| base64url_encode(sha256(token.as_bytes())));
    key.proof(&changed(claims, json!({ "ath": ath })))
}

/// How many proofs the server remembers.
async fn remembered(world: &World) -> i64 {
    let mut conn = world.server.tenant().read().await.expect("a connection");
    let count = sql!("SELECT count(*) FROM spent_proofs WHERE tenant_id = $1");
    conn.one(count, &[]).await.expect("a row").get(0).expect("a number")
}

async fn present(world: &World, key: &ProofKey, path: &str, token: &str) -> Answer {
    let request = world.server.browser().request(Method::GET, path);
    let request = request.header("authorization", format!("DPoP {token}"));
    Answer::to(request.header("dpop", proof(world, key, "GET", path, Some(token)))).await
}

async fn ask(world: &World, proof: &str, form: &Value) -> Answer {
    let request = world.server.browser().request(Method::POST, "/oidc/token");
    Answer::to(request.header("dpop", proof).json(form)).await
}

#[tokio::test]
async fn a_protected_resource_remembers_the_proofs_of_good_tokens_only() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let bearer = world.server.sign_in(&world.server.browser(), client, USER, "openid", &[]).await;
    let key = ProofKey::new();
    for (path, token) in [
        ("/oidc/me", "garbage"),
        ("/oidc/me", bearer.access()),
        ("/oidc/me", bearer.id()),
        ("/api/roles", "garbage"),
        ("/api/roles", world.admin.token()),
        ("/api/roles", bearer.access()),
    ] {
        present(&world, &key, path, token).await.expect(401);
        assert_eq!(remembered(&world).await, 0, "{path}");
    }
}

#[tokio::test]
async fn the_token_endpoint_remembers_the_proofs_of_requests_it_answers_only() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let key = ProofKey::new();
    let for_token = || proof(&world, &key, "POST", "/oidc/token", None);
    let refresh = |token: &str| json!({ "grant_type": "refresh_token", "refresh_token": token, "client_id": spa });
    let redeem = |code: &str| {
        json!({
            "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER, "client_id": spa,
        })
    };
    for form in [
        refresh("garbage"),
        redeem("garbage"),
        json!({ "grant_type": "refresh_token", "client_id": spa }),
        json!({ "grant_type": "password", "client_id": spa }),
    ] {
        ask(&world, &for_token(), &form).await.expect(400);
        assert_eq!(remembered(&world).await, 0, "{form}");
    }

    // What is answered is remembered, and a second use spends neither code nor token.
    let url = world.server.authorization_url(&spa, "openid offline_access", &[]);
    let code = world.server.browser().authorize(&url, USER).await;
    let used = for_token();
    let tokens = Tokens(ask(&world, &used, &redeem(&code)).await.expect(200).json());
    assert_eq!(remembered(&world).await, 1);
    let replayed = ask(&world, &used, &refresh(tokens.refresh())).await.expect(400).json();
    assert_eq!(replayed["error"], "invalid_dpop_proof");
    assert_eq!(remembered(&world).await, 1);
    let next = ask(&world, &for_token(), &refresh(tokens.refresh())).await.expect(200).json();
    let code = world.server.browser().authorize(&url, USER).await;
    let replayed = ask(&world, &used, &redeem(&code)).await.expect(400).json();
    assert_eq!(replayed["error"], "invalid_dpop_proof");
    ask(&world, &for_token(), &redeem(&code)).await.expect(200);
    assert_eq!(remembered(&world).await, 3);
    ask(&world, &for_token(), &refresh(Tokens(next).refresh())).await.expect(200);
}
