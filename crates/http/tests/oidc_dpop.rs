//! DPoP (RFC 9449), at the door.
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

use serde_json::{Value, json};
use trinco_jose::{base64url_encode, sha256};
use trinco_testkit::{
    API, Answer, Method, ProofKey, REDIRECT_URI, Tokens, USER, World, changed, query_of, text,
};

const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";
const SCOPE: &str = "openid offline_access read:orders";

/// The claims of a good proof for `POST {path}`, with changes.
fn claims(world: &World, method: &str, path: &str, changes: Value) -> Value {
    let mut jti = [0; 16];
    aws_lc_rs::rand::fill(&mut jti).expect("randomness");
    let claims = json!({
        "jti": base64url_encode(jti), "htm": method, "htu": format!("{}{path}", world.server.base()),
        "iat": world.server.clock().now(),
    });
    changed(claims, changes)
}

fn for_token(world: &World, key: &ProofKey) -> String {
    key.proof(&claims(world, "POST", "/oidc/token", json!({})))
}

/// Posts a form as a client, with proofs.
async fn post(
    world: &World,
    client: (&str, &str),
    path: &str,
    form: &[(&str, &str)],
    proofs: &[&str],
) -> Answer {
    let mut request = world.server.browser().request(Method::POST, path);
    let mut form = form.to_vec();
    if client.1.is_empty() {
        form.push(("client_id", client.0));
    } else {
        request = request.basic_auth(client.0, Some(client.1));
    }
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    Answer::to(request.form(&form)).await
}

async fn exchange(world: &World, client: (&str, &str), code: &str, proofs: &[&str]) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    post(world, client, "/oidc/token", &form, proofs).await
}

async fn refresh(
    world: &World,
    client: (&str, &str),
    token: &str,
    more: &[(&str, &str)],
    proofs: &[&str],
) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(more);
    post(world, client, "/oidc/token", &form, proofs).await
}

async fn code(world: &World, client_id: &str, more: &[(&str, &str)]) -> String {
    let mut members = vec![("resource", API)];
    members.extend(more);
    let url = world.server.authorization_url(client_id, SCOPE, &members);
    world.server.browser().authorize(&url, USER).await
}

/// Tokens of a single-page application, bound to `key`.
async fn bound_tokens(world: &World, client_id: &str, key: &ProofKey) -> Tokens {
    let code = code(world, client_id, &[]).await;
    let answer = exchange(world, (client_id, ""), &code, &[&for_token(world, key)]).await;
    Tokens(answer.expect(200).json())
}

async fn me(world: &World, scheme: &str, token: &str, proof: Option<&str>) -> Answer {
    let request = world.server.browser().request(Method::GET, "/oidc/me");
    let request = request.header("authorization", format!("{scheme} {token}"));
    Answer::to(match proof {
        Some(proof) => request.header("dpop", proof),
        None => request,
    })
    .await
}

fn for_me(world: &World, key: &ProofKey, token: &str, changes: Value) -> String {
    let ath = json!({ "ath": base64url_encode(sha256(token.as_bytes())) });
    key.proof(&changed(claims(world, "GET", "/oidc/me", ath), changes))
}

#[tokio::test]
async fn a_proof_binds_every_token_of_a_public_client() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let tokens = bound_tokens(&world, &spa, &key).await;
    assert_eq!(tokens.0["token_type"], "DPoP");

    let seen = [("token", tokens.access())];
    let seen = world.server.post_as(client, "/oidc/token/introspection", &seen).await.json();
    assert_eq!(seen["token_type"], "DPoP");
    assert_eq!(seen["cnf"], json!({ "jkt": key.thumbprint() }));

    // The refresh token wants the same key, and a stranger's attempt does no harm.
    let token = tokens.refresh();
    let bare = refresh(&world, client, token, &[], &[]).await.expect(400).json();
    assert_eq!(
        (&bare["error"], &bare["code"]),
        (&json!("invalid_dpop_proof"), &json!("oidc.invalid_dpop_proof"))
    );
    assert!(bare["message"].as_str().is_some_and(|text| text.contains("DPoP")));
    let stolen = refresh(&world, client, token, &[], &[&for_token(&world, &other)]).await;
    assert_eq!(stolen.expect(400).json()["error"], "invalid_grant");
    let proof = for_token(&world, &key);
    let answer = refresh(&world, client, token, &[("resource", API)], &[&proof]).await.expect(200);
    let answer = answer.json();
    assert_eq!(answer["token_type"], "DPoP");
    let jwt = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(jwt["cnf"], json!({ "jkt": key.thumbprint() }));

    // Its successor does, too, and so does what is presented again within the reuse window.
    let successor = text(&answer, "/refresh_token");
    refresh(&world, client, successor, &[], &[&for_token(&world, &other)]).await.expect(400);
    refresh(&world, client, token, &[], &[&for_token(&world, &other)]).await.expect(400);
    let again = refresh(&world, client, token, &[], &[&for_token(&world, &key)]).await.expect(200);
    assert_eq!(text(&again.json(), "/refresh_token"), successor);
    // A thief without the key cannot even have the grant revoked by replaying the token.
    world.server.clock().advance(60);
    refresh(&world, client, token, &[], &[]).await.expect(400);
    refresh(&world, client, successor, &[], &[&for_token(&world, &key)]).await.expect(200);
}

#[tokio::test]
async fn a_confidential_clients_refresh_token_is_bound_by_its_secret_alone() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let (one, other) = (ProofKey::new(), ProofKey::new());
    let code = code(&world, client.0, &[]).await;
    let tokens = exchange(&world, client, &code, &[&for_token(&world, &one)]).await.expect(200);
    let tokens = Tokens(tokens.json());
    let answer =
        refresh(&world, client, tokens.refresh(), &[], &[&for_token(&world, &other)]).await;
    let answer = Tokens(answer.expect(200).json());
    let proof = for_me(&world, &other, answer.access(), json!({}));
    me(&world, "DPoP", answer.access(), Some(&proof)).await.expect(200);
    let plain = refresh(&world, client, tokens.refresh(), &[], &[]).await.expect(200).json();
    assert_eq!(plain["token_type"], "Bearer");
}

#[tokio::test]
async fn a_bound_token_opens_userinfo_with_its_proof_only() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let tokens = bound_tokens(&world, &spa, &key).await;
    let token = tokens.access();
    let proof = for_me(&world, &key, token, json!({}));
    let answer = me(&world, "DPoP", token, Some(&proof)).await.expect(200);
    assert_eq!(answer.json()["sub"], world.user_id.as_str());
    // A thief's downgrade: the token as a bearer token, with or without a proof beside it.
    let fresh = for_me(&world, &key, token, json!({}));
    for proof in [None, Some(fresh.as_str())] {
        let answer = me(&world, "Bearer", token, proof).await.expect(401);
        let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges.len(), 2);
        assert!(challenges[0].to_str().unwrap().contains("invalid_token"));
        let expected = "DPoP algs=\"ES256 ES384 EdDSA Ed25519 PS256 RS256\", resource_metadata=";
        assert!(challenges[1].to_str().unwrap().starts_with(expected));
    }
    let form = world.server.browser().request(Method::POST, "/oidc/me");
    Answer::to(form.form(&[("access_token", token)])).await.expect(401);
    let expected = "DPoP error=\"invalid_dpop_proof\"";
    let replayed = me(&world, "DPoP", token, Some(&proof)).await.expect(401);
    assert!(replayed.header("www-authenticate").starts_with(expected), "a replayed proof");
    assert_eq!(replayed.json()["error"], "invalid_dpop_proof");
    me(&world, "DPoP", token, None).await.expect(401);
    for changes in [
        json!({ "htm": "POST" }),
        json!({ "htu": format!("{}/oidc/token", world.server.base()) }),
        json!({ "htu": "https://evil.example/oidc/me" }),
        json!({ "ath": null }),
        json!({ "ath": base64url_encode(sha256(b"another token")) }),
        json!({ "iat": world.server.clock().now() - 61 }),
        json!({ "iat": world.server.clock().now() + 11 }),
        json!({ "iat": null }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
    ] {
        let proof = for_me(&world, &key, token, changes.clone());
        let answer = me(&world, "DPoP", token, Some(&proof)).await.expect(401);
        assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{changes}");
    }
    let stolen = for_me(&world, &other, token, json!({}));
    let answer = me(&world, "DPoP", token, Some(&stolen)).await.expect(401);
    assert!(answer.header("www-authenticate").starts_with("DPoP error=\"invalid_token\""));

    // A bearer token is none of a key's.
    let code = code(&world, &spa, &[]).await;
    let bearer = Tokens(exchange(&world, (&spa, ""), &code, &[]).await.expect(200).json());
    let proof = for_me(&world, &key, bearer.access(), json!({}));
    me(&world, "DPoP", bearer.access(), Some(&proof)).await.expect(401);
    me(&world, "Bearer", bearer.access(), None).await.expect(200);
}

#[tokio::test]
async fn a_forged_proof_is_refused() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let good = || claims(&world, "POST", "/oidc/token", json!({}));
    let public = json!(other.public_jwk());
    let mut private = json!(key.public_jwk());
    private["d"] = json!("AAAA");
    let wrong_signature = format!("{}AAAA", &key.proof(&good())[..200]);
    let code = code(&world, &spa, &[]).await;
    for proof in [
        key.forge(json!({ "alg": "none" }), &good()),
        key.forge(json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" } }), &good()),
        key.forge(json!({ "alg": "ES384" }), &good()),
        key.forge(json!({ "typ": "JWT" }), &good()),
        key.forge(json!({ "typ": null }), &good()),
        key.forge(json!({ "jwk": null }), &good()),
        key.forge(json!({ "jwk": public }), &good()),
        key.forge(json!({ "jwk": private }), &good()),
        key.forge(json!({ "crit": ["b64"], "b64": false }), &good()),
        wrong_signature,
        "nonsense".to_owned(),
        "a.b.c.d".to_owned(),
    ] {
        let answer = exchange(&world, client, &code, &[&proof]).await.expect(400);
        assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{proof}");
    }
    let (one, two) = (for_token(&world, &key), for_token(&world, &key));
    exchange(&world, client, &code, &[&one, &two]).await.expect(400);
    // None of that spent the code.
    exchange(&world, client, &code, &[&one]).await.expect(200);
}

#[tokio::test]
async fn a_proof_that_is_presented_many_times_at_once_counts_once() {
    let world = World::start().await;
    let other = world.server.second_node().await;
    let spa = world.admin.single_page("Page").await;
    let key = ProofKey::new();
    let tokens = bound_tokens(&world, &spa, &key).await;
    let proof = for_me(&world, &key, tokens.access(), json!({}));
    let answers = futures_util::future::join_all((0..12).map(|turn| {
        let node = if turn % 2 == 0 { &world.server } else { &other };
        let request = node.browser().request(Method::GET, "/oidc/me").header("dpop", &proof);
        Answer::to(request.header("authorization", format!("DPoP {}", tokens.access())))
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_code_that_names_a_key_is_exchanged_with_it_only() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let (key, thief) = (ProofKey::new(), ProofKey::new());
    let thumbprint = key.thumbprint();
    let code = code(&world, &spa, &[("dpop_jkt", &thumbprint)]).await;
    let bare = exchange(&world, client, &code, &[]).await.expect(400).json();
    assert_eq!(bare["error"], "invalid_dpop_proof");
    let stolen = exchange(&world, client, &code, &[&for_token(&world, &thief)]).await.expect(400);
    assert_eq!(stolen.json()["error"], "invalid_grant");
    exchange(&world, client, &code, &[&for_token(&world, &key)]).await.expect(200);

    let url = world.server.authorization_url(&spa, SCOPE, &[("dpop_jkt", "short")]);
    let refused = query_of(world.server.browser().get(&url).await.location());
    assert_eq!(refused["error"], "invalid_request");
}

#[tokio::test]
async fn a_proof_beside_a_pushed_request_binds_its_code() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let request = query_of(&world.server.authorization_url(client.0, "openid", &[]));
    let mut form: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let for_push = |key: &ProofKey| key.proof(&claims(&world, "POST", "/oidc/request", json!({})));
    let pushed = post(&world, client, "/oidc/request", &form, &[&for_push(&key)]).await.expect(201);
    let pushed = pushed.json();
    let url =
        format!("/oidc/auth?client_id={}&request_uri={}", client.0, text(&pushed, "/request_uri"));
    let code = world.server.browser().authorize(&url, USER).await;
    exchange(&world, client, &code, &[&for_token(&world, &other)]).await.expect(400);
    exchange(&world, client, &code, &[&for_token(&world, &key)]).await.expect(200);

    let thumbprint = other.thumbprint();
    form.push(("dpop_jkt", &thumbprint));
    let answer = post(&world, client, "/oidc/request", &form, &[&for_push(&key)]).await;
    assert_eq!(answer.expect(400).json()["error"], "invalid_request");
}

#[tokio::test]
async fn the_management_api_takes_a_bound_token_with_its_proof_only() {
    let world = World::start().await;
    let robot = json!({ "name": "Robot", "type": "MachineToMachine",
        "customClientMetadata": { "dpopBoundAccessTokens": true } });
    let id = text(&world.admin.create("/api/applications", robot).await, "/id").to_owned();
    let secret = world.admin.secret_of(&id).await;
    let patch = json!({ "isAdmin": true });
    world.admin.patch(&format!("/api/applications/{id}"), patch).await.expect(200);
    let client = (id.as_str(), secret.as_str());
    let form = [
        ("grant_type", "client_credentials"),
        ("resource", "https://default.logto.app/api"),
        ("scope", "all"),
    ];
    // This application asks for nothing but bound tokens.
    let bare = post(&world, client, "/oidc/token", &form, &[]).await.expect(400).json();
    assert_eq!(bare["error"], "invalid_dpop_proof");
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let answer = post(&world, client, "/oidc/token", &form, &[&for_token(&world, &key)]).await;
    let answer = answer.expect(200).json();
    assert_eq!(answer["token_type"], "DPoP");
    let token = text(&answer, "/access_token");
    let ath = base64url_encode(sha256(token.as_bytes()));
    let proof =
        |key: &ProofKey, path: &str| key.proof(&claims(&world, "GET", path, json!({ "ath": ath })));
    let call = |scheme: &'static str, proof: Option<String>| {
        let request = world
            .server
            .browser()
            .request(Method::GET, "/api/roles?page=1")
            .header("authorization", format!("{scheme} {token}"));
        Answer::to(match proof {
            Some(proof) => request.header("dpop", proof),
            None => request,
        })
    };
    call("DPoP", Some(proof(&key, "/api/roles"))).await.expect(200);
    for (scheme, proof) in [
        ("Bearer", None),
        ("Bearer", Some(proof(&key, "/api/roles"))),
        ("DPoP", None),
        ("DPoP", Some(proof(&other, "/api/roles"))),
        ("DPoP", Some(proof(&key, "/api/users"))),
    ] {
        let answer = call(scheme, proof).await.expect(401);
        assert_eq!(answer.json()["code"], "auth.unauthorized");
        assert!(answer.header("www-authenticate").starts_with("DPoP error="), "{scheme}");
    }
}

#[tokio::test]
async fn discovery_names_the_algorithms_and_browsers_may_send_proofs() {
    let world = World::start().await;
    let browser = world.server.browser();
    let document = browser.get("/oidc/.well-known/openid-configuration").await.json();
    assert_eq!(
        document["dpop_signing_alg_values_supported"],
        json!(["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"])
    );
    for path in ["/oidc/token", "/oidc/me"] {
        let preflight =
            browser.request(Method::OPTIONS, path).header("origin", "http://localhost:9999");
        let preflight = Answer::to(preflight).await.expect(204);
        assert!(preflight.header("access-control-allow-headers").contains("dpop"));
    }
}

/// The thief holds a bound token and a public client's id, but not the key.
#[tokio::test]
async fn a_stolen_bound_token_is_not_exchanged_for_one_without_a_key() {
    let world = World::start().await;
    let app = world.admin.single_page("Page").await;
    let allowed = json!({ "customClientMetadata": { "allowTokenExchange": true } });
    world.admin.patch(&format!("/api/applications/{app}"), allowed).await.expect(200);
    let key = ProofKey::new();
    let tokens = bound_tokens(&world, &app, &key).await;
    let form = [("resource", API)];
    let proof = for_token(&world, &key);
    let jwt = refresh(&world, (&app, ""), tokens.refresh(), &form, &[&proof]).await.expect(200);
    let jwt = jwt.json();
    for token in [tokens.access(), text(&jwt, "/access_token")] {
        let exchange = |proofs: Vec<String>| {
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("subject_token", token),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ];
            let (world, app) = (&world, &app);
            async move {
                let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
                post(world, (app, ""), "/oidc/token", &form, &proofs).await
            }
        };
        let refused = exchange(vec![]).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_dpop_proof", "{refused}");
        let refused = exchange(vec![for_token(&world, &ProofKey::new())]).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_grant", "{refused}");
        let taken = exchange(vec![for_token(&world, &key)]).await.expect(200).json();
        assert_eq!(taken["token_type"], "DPoP");
    }
}

/// RFC 9449 §4.3 (3).
#[tokio::test]
async fn a_proof_says_all_that_it_must() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let key = ProofKey::new();
    let code = code(&world, &spa, &[]).await;
    for name in ["jti", "htm", "htu", "iat"] {
        for value in [Value::Null, json!(""), json!(["POST"]), json!(true)] {
            let proof = key.proof(&claims(&world, "POST", "/oidc/token", json!({ name: value })));
            let refused = exchange(&world, client, &code, &[&proof]).await.expect(400).json();
            assert_eq!(refused["error"], "invalid_dpop_proof", "{name}: {value}");
        }
    }
    exchange(&world, client, &code, &[&for_token(&world, &key)]).await.expect(200);
}

/// RFC 9449 §5.2: whatever it is asked with, a token is asked for with a proof.
#[tokio::test]
async fn a_client_that_always_proves_a_key_gets_no_token_by_any_grant_without() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let key = ProofKey::new();
    let code = code(&world, client.0, &[]).await;
    let tokens = Tokens(exchange(&world, client, &code, &[]).await.expect(200).json());
    let always = json!({ "customClientMetadata": {
        "dpopBoundAccessTokens": true, "allowTokenExchange": true,
    } });
    world.admin.patch(&format!("/api/applications/{}", client.0), always).await.expect(200);
    let exchanged = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", tokens.access()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    let refreshed = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    for form in [&refreshed[..], &exchanged] {
        let bare = post(&world, client, "/oidc/token", form, &[]).await.expect(400).json();
        assert_eq!(bare["error"], "invalid_dpop_proof", "{form:?}");
        let proof = for_token(&world, &key);
        let bound = post(&world, client, "/oidc/token", form, &[&proof]).await.expect(200).json();
        assert_eq!(bound["token_type"], "DPoP", "{form:?}");
    }

    let television = json!({
        "name": "Television", "type": "Native",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "isDeviceFlow": true, "dpopBoundAccessTokens": true },
    });
    let television = world.admin.create("/api/applications", television).await;
    let television = (text(&television, "/id"), "");
    let asked = [("scope", "openid")];
    let codes = post(&world, television, "/oidc/device/auth", &asked, &[]).await.expect(200).json();
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", text(&codes, "/device_code")),
    ];
    let bare = post(&world, television, "/oidc/token", &form, &[]).await.expect(400).json();
    assert_eq!(bare["error"], "invalid_dpop_proof");
    let proof = for_token(&world, &key);
    let polled = post(&world, television, "/oidc/token", &form, &[&proof]).await.expect(400).json();
    assert_eq!(polled["error"], "authorization_pending");
}

/// RFC 9449 §7.1: a page reads a challenge that the server lets it read.
#[tokio::test]
async fn a_page_of_any_origin_reads_why_its_token_was_refused() {
    let world = World::start().await;
    let request = world.server.browser().request(Method::GET, "/oidc/me");
    let request = request.header("origin", "https://page.example");
    let refused = Answer::to(request.header("authorization", "DPoP nonsense")).await.expect(401);
    assert!(refused.header("www-authenticate").starts_with("DPoP error="));
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    assert_eq!(refused.header("access-control-expose-headers"), "WWW-Authenticate");
}

/// RFC 9449 §10.1: a push names the key by `dpop_jkt` as a request from a browser does, and a proof beside it is checked as any other.
#[tokio::test]
async fn a_key_that_a_pushed_request_names_binds_its_code() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let thumbprint = key.thumbprint();
    let more = [("dpop_jkt", thumbprint.as_str())];
    let request = query_of(&world.server.authorization_url(client.0, "openid", &more));
    let form: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let good = claims(&world, "POST", "/oidc/request", json!({}));
    let stale = json!({ "iat": world.server.clock().now() - 61 });
    for wrong in [
        key.proof(&changed(good.clone(), json!({ "htm": "GET" }))),
        key.proof(&changed(good.clone(), stale)),
        key.forge(json!({ "typ": "JWT" }), &good),
        for_token(&world, &key),
    ] {
        let refused = post(&world, client, "/oidc/request", &form, &[&wrong]).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_dpop_proof", "{wrong}");
    }
    for proofs in [vec![], vec![key.proof(&good)]] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let pushed = post(&world, client, "/oidc/request", &form, &proofs).await.expect(201).json();
        let uri = text(&pushed, "/request_uri");
        let url = format!("/oidc/auth?client_id={}&request_uri={uri}", client.0);
        let code = world.server.browser().authorize(&url, USER).await;
        exchange(&world, client, &code, &[]).await.expect(400);
        exchange(&world, client, &code, &[&for_token(&world, &other)]).await.expect(400);
        exchange(&world, client, &code, &[&for_token(&world, &key)]).await.expect(200);
    }
}

/// RFC 9449 §5: whatever refresh token comes together with a proof of a public client is bound.
#[tokio::test]
async fn a_public_clients_refresh_token_is_bound_from_the_first_proof_on() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let code = code(&world, &spa, &[]).await;
    let plain = Tokens(exchange(&world, client, &code, &[]).await.expect(200).json());
    assert_eq!(plain.0["token_type"], "Bearer");
    let answer = refresh(&world, client, plain.refresh(), &[], &[&for_token(&world, &key)]).await;
    let bound = Tokens(answer.expect(200).json());
    assert_eq!(bound.0["token_type"], "DPoP");
    assert_ne!(bound.refresh(), plain.refresh());
    // The token that was not bound is answered for a while with the one that is: not without the key either.
    for token in [bound.refresh(), plain.refresh()] {
        let bare = refresh(&world, client, token, &[], &[]).await.expect(400).json();
        assert_eq!(bare["error"], "invalid_dpop_proof");
        let stolen = refresh(&world, client, token, &[], &[&for_token(&world, &other)]).await;
        assert_eq!(stolen.expect(400).json()["error"], "invalid_grant");
    }
    for token in [plain.refresh(), bound.refresh()] {
        let answer = refresh(&world, client, token, &[], &[&for_token(&world, &key)]).await;
        let answer = Tokens(answer.expect(200).json());
        assert_eq!(answer.refresh() == bound.refresh(), token == plain.refresh());
    }
}
