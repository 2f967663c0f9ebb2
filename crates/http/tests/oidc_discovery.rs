//! Discovery (OpenID Connect Discovery §3, §4, RFC 8414 §2, §3): well formed, and nothing is advertised that does not work. At the door.

mod attack;

use std::collections::BTreeSet;

use attack::altered;
use serde_json::{Value, json};
use trinco_testkit::{API, Answer, Method, USER, World, query_of, text};

const PATH: &str = "/oidc/.well-known/openid-configuration";

async fn document(world: &World) -> Value {
    world.server.browser().get(PATH).await.expect(200).json()
}

fn list(document: &Value, member: &str) -> Vec<String> {
    let values = document[member].as_array().unwrap_or_else(|| panic!("no list {member}"));
    values.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn the_document_has_what_the_standards_require_and_no_empty_member() {
    let world = World::start().await;
    let browser = world.server.browser();
    for path in [PATH, "/oidc/.well-known/oauth-authorization-server"] {
        let answer = browser.get(path).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let document = answer.json();
        assert_eq!(document["issuer"], world.server.issuer());
        for (member, value) in document.as_object().expect("an object") {
            let is_empty = value.is_null()
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_str().is_some_and(str::is_empty);
            assert!(!is_empty, "{member} is empty");
            if member.ends_with("_endpoint") || member == "jwks_uri" {
                let url = value.as_str().expect("a URL");
                assert!(url.starts_with(&format!("{}/", world.server.issuer())), "{member}: {url}");
                assert!(!url.contains(['#', '?']), "{member}: {url}");
            }
        }
        for required in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
        ] {
            assert!(document.get(required).is_some(), "{required}");
        }
        assert!(list(&document, "scopes_supported").contains(&"openid".to_owned()));
        assert_eq!(list(&document, "subject_types_supported"), ["public"]);
        assert_eq!(list(&document, "response_types_supported"), ["code"]);
        for claim in ["sub", "iss", "name", "email", "auth_time"] {
            assert!(list(&document, "claims_supported").contains(&claim.to_owned()), "{claim}");
        }
    }
    // Every list is of distinct values.
    for (member, value) in document(&world).await.as_object().expect("an object") {
        let values = value.as_array().cloned().unwrap_or_default();
        let distinct: BTreeSet<String> = values.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), values.len(), "{member}");
    }
}

#[tokio::test]
async fn every_advertised_endpoint_is_there() {
    let world = World::start().await;
    let document = document(&world).await;
    for (member, value) in document.as_object().expect("an object") {
        if !member.ends_with("_endpoint") && member != "jwks_uri" {
            continue;
        }
        let url = value.as_str().expect("a URL");
        let path = url.strip_prefix(world.server.base()).expect("on this server");
        let takes_get =
            ["authorization_endpoint", "userinfo_endpoint", "end_session_endpoint", "jwks_uri"];
        for method in [Method::GET, Method::POST] {
            let answer = Answer::to(world.server.browser().request(method.clone(), path)).await;
            assert_ne!(answer.status, 404, "{method} {member}");
            let is_for_get = takes_get.contains(&member.as_str());
            let refused = answer.status == 405;
            let expected = match method {
                Method::GET => !is_for_get,
                _ => member == "jwks_uri",
            };
            assert_eq!(refused, expected, "{method} {member}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn the_published_keys_are_public_distinct_and_for_signatures() {
    let world = World::start().await;
    let rotate = json!({ "signingKeyAlgorithm": "RSA", "rotationGracePeriod": 0 });
    let rotation = "/api/configs/oidc/private-keys/rotate";
    world.admin.post(rotation, rotate).await.expect(200);
    let answer = world.server.browser().get("/oidc/jwks").await.expect(200);
    assert!(answer.header("content-type").starts_with("application/jwk-set+json"));
    let keys = answer.json()["keys"].as_array().expect("a list").clone();
    assert_eq!(keys.len(), 2);
    let kids: BTreeSet<&str> = keys.iter().map(|key| text(key, "/kid")).collect();
    assert_eq!(kids.len(), keys.len());
    for key in &keys {
        assert_eq!(key["use"], "sig");
        assert!(["RSA", "EC", "OKP"].contains(&text(key, "/kty")));
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
    }
    // RFC 9068 §2.1, OpenID Connect Core §15.1: RS256 is there for whoever needs it.
    let document = document(&world).await;
    assert_eq!(list(&document, "id_token_signing_alg_values_supported")[0], "RS256");
}

#[tokio::test]
async fn every_advertised_grant_type_is_known_and_no_other_is() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let error = async |grant: &str| {
        let answer = world.server.token(client, &[("grant_type", grant)]).await.expect(400).json();
        text(&answer, "/error").to_owned()
    };
    for grant in list(&document(&world).await, "grant_types_supported") {
        assert_ne!(error(&grant).await, "unsupported_grant_type", "{grant}");
    }
    for grant in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
        "Authorization_Code",
    ] {
        assert_eq!(error(grant).await, "unsupported_grant_type", "{grant}");
        assert!(
            !list(&document(&world).await, "grant_types_supported").contains(&grant.to_owned())
        );
    }
}

#[tokio::test]
async fn every_advertised_way_to_ask_is_understood_and_no_other_is() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let document = document(&world).await;
    for (member, parameter) in [
        ("response_types_supported", "response_type"),
        ("response_modes_supported", "response_mode"),
        ("prompt_values_supported", "prompt"),
        ("code_challenge_methods_supported", "code_challenge_method"),
    ] {
        for value in list(&document, member) {
            let answer = browser.get(&altered(&url, &[(parameter, &value)])).await;
            assert!(!answer.header("location").contains("error="), "{parameter}={value}");
        }
        let refused = browser.get(&altered(&url, &[(parameter, "nonsense")])).await;
        assert!(query_of(refused.location()).contains_key("error"), "{parameter}");
    }
    let scopes = list(&document, "scopes_supported").join(" ");
    let code = query_of(browser.get(&altered(&url, &[("scope", &scopes)])).await.location());
    let tokens = world.server.exchange((&app.0, &app.1), &code["code"]).await.expect(200).json();
    assert_eq!(tokens["scope"], scopes.as_str(), "every scope is granted that is advertised");
    for flag in [
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
    ] {
        assert!(document[flag].is_boolean(), "{flag}");
    }
}

#[tokio::test]
async fn every_advertised_way_to_authenticate_works_at_each_endpoint_and_no_other_does() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let spa = world.admin.single_page("Page").await;
    let document = document(&world).await;
    for endpoint in ["token", "introspection", "revocation"] {
        let member = format!("{endpoint}_endpoint_auth_methods_supported");
        let mut methods = list(&document, &member);
        methods.sort_unstable();
        let expected = ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"];
        assert_eq!(methods, expected);
        let path = text(&document, &format!("/{endpoint}_endpoint"));
        let path = path.strip_prefix(world.server.base()).expect("on this server");
        let form = [("token", "x"), ("grant_type", "refresh_token"), ("refresh_token", "x")];
        let basic = world.server.post_as((&app.0, &app.1), path, &form).await;
        let none = world.server.post_as((&spa, ""), path, &form).await;
        let mut with_secret = form.to_vec();
        with_secret.extend([("client_id", app.0.as_str()), ("client_secret", app.1.as_str())]);
        let request = world.server.browser().request(Method::POST, path);
        let post = Answer::to(request.form(&with_secret)).await;
        for answer in [basic, none, post] {
            assert_ne!(answer.status, 401, "{path}: {}", answer.text);
        }
        // `client_secret_jwt` is not offered: a secret is kept as a hash on purpose, and cannot verify an HMAC.
        let assertion = [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"),
            ("client_id", app.0.as_str()),
        ];
        let request = world.server.browser().request(Method::POST, path);
        Answer::to(request.form(&[&form[..], &assertion].concat())).await.expect(401);
        // Without any authentication nothing is answered.
        let nobody =
            Answer::to(world.server.browser().request(Method::POST, path).form(&form)).await;
        assert_eq!(nobody.expect(400).json()["error"], "invalid_request");
    }
}

#[tokio::test]
async fn every_advertised_claim_is_given_to_somebody() {
    let world = World::start().await;
    let profile = json!({
        "familyName": "F", "givenName": "G", "middleName": "M", "nickname": "N", "preferredUsername": "P",
        "profile": "https://p.example", "website": "https://w.example", "gender": "x",
        "birthdate": "1990-01-31", "zoneinfo": "Europe/Lisbon", "locale": "pt-BR", "address": { "country": "BR" },
    });
    let body = json!({ "profile": profile });
    world.admin.patch(&format!("/api/users/{}", world.user_id), body).await.expect(200);
    let app = world.admin.traditional("Shop").await;
    let metadata = json!({
        "redirectUris": [trinco_testkit::REDIRECT_URI], "postLogoutRedirectUris": [],
        "backchannelLogoutUri": "https://shop.example/logout", "backchannelLogoutSessionRequired": true,
    });
    let body = json!({ "oidcClientMetadata": metadata });
    world.admin.patch(&format!("/api/applications/{}", app.0), body).await.expect(200);
    let document = document(&world).await;
    let scopes = list(&document, "scopes_supported").join(" ");
    let browser = world.server.browser();
    let more = [("max_age", "600"), ("resource", API)];
    let tokens = world.server.sign_in(&browser, (&app.0, &app.1), USER, &scopes, &more).await;
    let request = browser.request(Method::GET, "/oidc/me").bearer_auth(tokens.access());
    let userinfo = Answer::to(request).await.expect(200).json();
    let id_token = trinco_testkit::Tokens::claims(tokens.id());
    for claim in list(&document, "claims_supported") {
        let is_given = userinfo.get(&claim).or(id_token.get(&claim)).is_some();
        assert!(is_given, "{claim} is advertised and given to nobody");
    }
}

/// RFC 8414 §3.2, OpenID Connect Discovery §4.2: several values are a list, even where there is one, and a flag is none.
#[tokio::test]
async fn every_member_of_the_document_is_of_its_type() {
    let world = World::start().await;
    let flags = [
        "authorization_response_iss_parameter_supported",
        "backchannel_logout_session_supported",
        "backchannel_logout_supported",
        "claims_parameter_supported",
        "client_id_metadata_document_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
    ];
    for (member, value) in document(&world).await.as_object().expect("an object") {
        let fits = if flags.contains(&member.as_str()) {
            value.is_boolean()
        } else if member.ends_with("_supported") {
            value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
        } else {
            let is_known = member.ends_with("_endpoint") || member == "jwks_uri";
            value.is_string() && (is_known || member == "issuer")
        };
        assert!(fits, "{member}: {value}");
        // RFC 8414 §2: nothing that is unsigned is taken for signed.
        if member.contains("signing_alg") {
            assert!(!list(&json!({ member: value }), member).contains(&"none".to_owned()));
        }
    }
}
