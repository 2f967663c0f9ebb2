//! Which claims each scope gives, and that ID tokens are what OpenID Connect Core §2 says, at the door.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trinco_testkit::{Answer, Browser, Method, Tokens, World, text};

const ANA: (&str, &str) = ("ana", "correct horse battery");
const PROFILE: [&str; 16] = [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "username",
    "created_at",
];

/// A world with a person of whom everything is known.
async fn known() -> (World, (String, String), Browser) {
    let world = World::start().await;
    let profile = json!({
        "familyName": "Souza", "givenName": "Ana", "middleName": "Maria", "nickname": "Aninha",
        "preferredUsername": "ana.souza", "profile": "https://example.com/ana",
        "website": "https://ana.example", "gender": "female", "birthdate": "1990-01-31",
        "zoneinfo": "America/Sao_Paulo", "locale": "pt-BR",
        "address": { "formatted": "Rua A, 1", "streetAddress": "Rua A", "country": "BR" },
    });
    let user = json!({
        "username": ANA.0, "password": ANA.1, "name": "Ana Souza", "avatar": "https://example.com/a.png",
        "primaryEmail": "ana@example.com", "primaryPhone": "5511912345678", "profile": profile,
    });
    world.admin.create("/api/users", user).await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    (world, app, browser)
}

/// The claims of the ID token and of userinfo for a scope.
async fn claims(
    world: &World,
    app: &(String, String),
    browser: &Browser,
    scope: &str,
) -> (Value, Value) {
    let tokens = world.server.sign_in(browser, (&app.0, &app.1), ANA, scope, &[]).await;
    let request = browser.request(Method::GET, "/oidc/me").bearer_auth(tokens.access());
    (Tokens::claims(tokens.id()), Answer::to(request).await.expect(200).json())
}

fn names(claims: &Value) -> BTreeSet<String> {
    claims.as_object().expect("an object").keys().cloned().collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What userinfo tells for a scope, `sub` aside; the ID token tells the same.
async fn told_by(scope: &str) -> Value {
    let (world, app, browser) = known().await;
    let (id_token, userinfo) = claims(&world, &app, &browser, &format!("openid {scope}")).await;
    let own = set(&["aud", "exp", "iat", "iss"]);
    let told: BTreeSet<String> = names(&id_token).difference(&own).cloned().collect();
    assert_eq!(told, names(&userinfo));
    for name in told {
        assert_eq!(id_token[&name], userinfo[&name], "{name}");
    }
    let mut userinfo = userinfo;
    assert!(userinfo.as_object_mut().expect("an object").remove("sub").is_some());
    userinfo
}

#[tokio::test]
async fn scope_openid_gives_the_subject_and_nothing_else() {
    assert_eq!(told_by("").await, json!({}));
}

#[tokio::test]
async fn scope_profile_gives_the_profile() {
    let told = told_by("profile").await;
    assert_eq!(names(&told), set(&PROFILE));
    assert_eq!(
        (&told["given_name"], &told["zoneinfo"]),
        (&json!("Ana"), &json!("America/Sao_Paulo"))
    );
    assert_eq!(told["preferred_username"], "ana.souza");
    for url in ["profile", "picture", "website"] {
        assert!(told[url].as_str().is_some_and(|url| url.starts_with("https://")), "{url}");
    }
}

#[tokio::test]
async fn scope_email_gives_the_address_and_that_it_is_verified() {
    assert_eq!(
        told_by("email").await,
        json!({ "email": "ana@example.com", "email_verified": true })
    );
}

#[tokio::test]
async fn scope_phone_gives_the_number_and_that_it_is_verified() {
    let told = told_by("phone").await;
    assert_eq!(told, json!({ "phone_number": "5511912345678", "phone_number_verified": true }));
}

#[tokio::test]
async fn scope_address_gives_an_object_with_the_standards_members() {
    let told = told_by("address").await;
    let address = &told["address"];
    assert_eq!((&address["formatted"], &address["country"]), (&json!("Rua A, 1"), &json!("BR")));
    assert_eq!(address["street_address"], "Rua A");
}

#[tokio::test]
async fn all_scopes_together_give_all_claims() {
    let told = told_by("profile email phone address").await;
    let mut expected = set(&PROFILE);
    expected.extend(set(&[
        "email",
        "email_verified",
        "phone_number",
        "phone_number_verified",
        "address",
    ]));
    assert_eq!(names(&told), expected);
}

/// The deviation from OpenID Connect Core §5.1, which has seconds, is the reference system's, and so is the number's type.
#[tokio::test]
async fn times_of_change_are_milliseconds() {
    let told = told_by("profile").await;
    let now = 1_767_225_600_000_i64;
    assert_eq!(
        (told["updated_at"].as_i64() >= Some(now), &told["created_at"]),
        (true, &json!(now))
    );
}

#[tokio::test]
async fn an_id_token_is_verified_by_a_library_that_is_not_ours() {
    let (world, app, browser) = known().await;
    for (scope, nonce) in [("openid", "n-0S6"), ("openid profile email", "other")] {
        let more = [("nonce", nonce), ("max_age", "600")];
        let tokens = world.server.sign_in(&browser, (&app.0, &app.1), ANA, scope, &more).await;
        let jwks = browser.get("/oidc/jwks").await.expect(200).text;
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks).expect("a key set");
        let header = jsonwebtoken::decode_header(tokens.id()).expect("a header");
        let discovery = browser.get("/oidc/.well-known/openid-configuration").await.json();
        let listed = discovery["id_token_signing_alg_values_supported"].as_array().expect("a list");
        assert!(listed.contains(&json!(format!("{:?}", header.alg))), "{listed:?}");
        let key = set.find(header.kid.as_deref().expect("a key id")).expect("it is published");
        let mut validation = jsonwebtoken::Validation::new(header.alg);
        validation.set_audience(&[&app.0]);
        validation.set_issuer(&[world.server.issuer()]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp", "iat"]);
        // The server's clock is moved by hand.
        validation.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_jwk(key).expect("a key");
        let verified = jsonwebtoken::decode::<Value>(tokens.id(), &key, &validation);
        let claims = verified.expect("the ID token is good").claims;
        let now = world.server.clock().now();
        assert_eq!(claims["nonce"], nonce);
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 3600)));
        assert!(claims["auth_time"].as_i64().is_some_and(|time| time <= now));
        let subject = text(&claims, "/sub");
        assert!(subject.len() <= 255 && subject.is_ascii());
        assert!(claims.get("azp").is_none(), "there is one audience");
    }
}

#[tokio::test]
async fn id_tokens_are_always_signed() {
    let (world, app, browser) = known().await;
    let tokens = world.server.sign_in(&browser, (&app.0, &app.1), ANA, "openid", &[]).await;
    assert!(tokens.id().rsplit_once('.').expect("three parts").1.len() > 80);
    let discovery = browser.get("/oidc/.well-known/openid-configuration").await.json();
    let listed = &discovery["id_token_signing_alg_values_supported"];
    assert!(!listed.to_string().contains("none") && !listed.to_string().contains("HS"), "{listed}");
    let path = format!("/api/applications/{}", app.0);
    let application = world.admin.get(&path).await.expect(200).text;
    assert!(!application.contains("signed_response_alg"), "there is no way to ask for less");
}

#[tokio::test]
async fn a_refreshed_id_token_says_the_same_of_the_sign_in() {
    let (world, app, browser) = known().await;
    let client = (app.0.as_str(), app.1.as_str());
    let more = [("nonce", "n-1"), ("max_age", "600")];
    let scope = "openid offline_access";
    let first = world.server.sign_in(&browser, client, ANA, scope, &more).await;
    world.server.clock().advance(300);
    let later = Tokens(world.refresh(client, first.refresh(), &[]).await.expect(200).json());
    let (first, later) = (Tokens::claims(first.id()), Tokens::claims(later.id()));
    for same in ["iss", "sub", "aud", "auth_time", "nonce"] {
        assert_eq!(first[same], later[same], "{same}");
    }
    assert_eq!(later["iat"], world.server.clock().now());
}

#[tokio::test]
async fn subjects_are_never_given_to_somebody_else() {
    let (world, app, browser) = known().await;
    let (one, _) = claims(&world, &app, &browser, "openid").await;
    let other = world.admin.traditional("Other").await;
    let (same, _) = claims(&world, &other, &browser, "openid").await;
    assert_eq!(one["sub"], same["sub"], "the same for every application: subjects are public");
    let path = format!("/api/users/{}", text(&one, "/sub"));
    world.admin.delete(&path).await.expect(204);
    let again = json!({ "username": ANA.0, "password": ANA.1 });
    let again = world.admin.create("/api/users", again).await;
    assert_ne!(again["id"], one["sub"], "a name can come back, a subject does not");
}
