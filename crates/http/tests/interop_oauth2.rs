//! The `oauth2` crate, a client nobody here wrote, against the server: code flow with PKCE, refresh, client credentials, device flow,
//! introspection, revocation.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, DeviceCodeErrorResponseType, EndpointNotSet, EndpointSet,
    IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, RevocationUrl, Scope, StandardDeviceAuthorizationResponse,
    TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use serde_json::json;
use trinco_testkit::{API, Browser, REDIRECT_URI, Server, Tokens, USER, World, hidden, text};
use wire::http;

mod wire;

type Client<Device = EndpointNotSet> =
    BasicClient<EndpointSet, Device, EndpointSet, EndpointSet, EndpointSet>;

/// A client of the crate; one without a secret is public.
fn client(server: &Server, id: &str, secret: &str) -> Client {
    let at = |path: &str| format!("{}{path}", server.issuer());
    let https = |path: &str| at(path).replace("http:", "https:");
    let client = BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::new(at("/auth")).unwrap())
        .set_token_uri(TokenUrl::new(at("/token")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(at("/token/introspection")).unwrap())
        .set_revocation_url(RevocationUrl::new(https("/token/revocation")).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
    if secret.is_empty() {
        return client.set_auth_type(AuthType::RequestBody);
    }
    client.set_client_secret(ClientSecret::new(secret.to_owned()))
}

fn scopes() -> [Scope; 4] {
    ["openid", "offline_access", "profile", "read:orders"].map(|name| Scope::new(name.to_owned()))
}

/// From the authorization request to its code.
async fn sign_in(server: &Server, client: &Client) -> (AuthorizationCode, PkceCodeVerifier) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, _) = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scopes())
        .add_extra_param("prompt", "consent")
        .add_extra_param("resource", API)
        .set_pkce_challenge(challenge)
        .url();
    let code = server.browser().authorize(url.as_str(), USER).await;
    (AuthorizationCode::new(code), verifier)
}

async fn is_active(client: &Client, token: &str) -> bool {
    let token = AccessToken::new(token.to_owned());
    let answer = client.introspect(&token).request_async(&http).await.expect("introspection");
    answer.active()
}

async fn refused_with(client: &Client, token: &RefreshToken) -> BasicErrorResponseType {
    let error = client.exchange_refresh_token(token).request_async(&http).await;
    let Err(RequestTokenError::ServerResponse(answer)) = error else {
        panic!("the server should refuse: {error:?}");
    };
    answer.error().clone()
}

#[tokio::test]
async fn the_oauth2_crate_signs_in_refreshes_and_revokes() {
    let world = World::start().await;
    let (shop, secret) = world.admin.traditional("Shop").await;
    let page = world.admin.single_page("Page").await;
    for (id, secret, auth_type) in [
        (&shop, secret.as_str(), AuthType::BasicAuth),
        (&shop, &secret, AuthType::RequestBody),
        (&page, "", AuthType::RequestBody),
    ] {
        let client = client(&world.server, id, secret).set_auth_type(auth_type);
        let (code, verifier) = sign_in(&world.server, &client).await;
        let tokens = client
            .exchange_code(code.clone())
            .set_pkce_verifier(verifier)
            .request_async(&http)
            .await
            .expect("tokens");
        assert!(matches!(tokens.token_type(), BasicTokenType::Bearer));
        let refresh = tokens.refresh_token().expect("a refresh token");
        let renewed = client
            .exchange_refresh_token(refresh)
            .add_extra_param("resource", API)
            .request_async(&http)
            .await
            .expect("a refresh");
        let claims = Tokens::claims(renewed.access_token().secret());
        assert_eq!((&claims["aud"], &claims["scope"]), (&json!(API), &json!("read:orders")));
        assert_eq!(renewed.scopes().map(|scopes| scopes.len()), Some(1));

        let current = renewed.refresh_token().unwrap_or(refresh);
        assert!(is_active(&client, current.secret()).await);
        client
            .revoke_token(current.clone().into())
            .expect("a URL with https")
            .request_async(&http)
            .await
            .expect("revocation");
        assert!(!is_active(&client, current.secret()).await);
        assert_eq!(refused_with(&client, current).await, BasicErrorResponseType::InvalidGrant);
    }
}

#[tokio::test]
async fn the_oauth2_crate_is_told_what_is_wrong() {
    let world = World::start().await;
    let (shop, secret) = world.admin.traditional("Shop").await;
    let good = client(&world.server, &shop, &secret);
    let (code, _) = sign_in(&world.server, &good).await;
    let (_, wrong) = PkceCodeChallenge::new_random_sha256();
    for (client, expected) in [
        (client(&world.server, &shop, "wrong"), BasicErrorResponseType::InvalidClient),
        (good, BasicErrorResponseType::InvalidGrant),
    ] {
        let verifier = PkceCodeVerifier::new(wrong.secret().clone());
        let request = client.exchange_code(code.clone()).set_pkce_verifier(verifier);
        let Err(RequestTokenError::ServerResponse(answer)) = request.request_async(&http).await
        else {
            panic!("the server should refuse");
        };
        assert_eq!(*answer.error(), expected);
        assert!(answer.error_description().is_some());
    }
}

#[tokio::test]
async fn the_oauth2_crate_gets_client_credentials() {
    let world = World::start().await;
    let body = json!({ "name": "Robot", "type": "MachineToMachine" });
    let machine = world.admin.create("/api/applications", body).await;
    let id = text(&machine, "/id");
    let secret = world.admin.secret_of(id).await;
    let tokens = client(&world.server, id, &secret)
        .exchange_client_credentials()
        .add_extra_param("resource", API)
        .request_async(&http)
        .await
        .expect("a token");
    assert_eq!(Tokens::claims(tokens.access_token().secret())["sub"], id);
    assert!(tokens.expires_in().is_some_and(|life| life == Duration::from_secs(600)));
    assert!(tokens.refresh_token().is_none());
}

/// A person with a browser answers what the device shows.
async fn answer(browser: &Browser, codes: &StandardDeviceAuthorizationResponse, decision: &str) {
    let address = codes.verification_uri_complete().expect("an address").secret();
    let page = browser.get(browser.get(address).await.location()).await.expect(200);
    let (xsrf, code) = (hidden(&page.text, "xsrf"), codes.user_code().secret());
    let form = [("xsrf", xsrf.as_str()), ("user_code", code)];
    let resume = browser.submit("/device", &form).await.location().to_owned();
    let mut next = browser.get(&resume).await.location().to_owned();
    if next.contains("/sign-in?") {
        let xsrf = hidden(&browser.get(&next).await.text, "xsrf");
        let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
        let resume = browser.submit(&next, &form).await.location().to_owned();
        next = browser.get(&resume).await.location().to_owned();
    }
    let xsrf = hidden(&browser.get(&next).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("decision", decision)];
    let _ = browser.submit(&next, &form).await.expect(200);
}

#[tokio::test]
async fn the_oauth2_crate_signs_in_a_device() {
    let world = World::start().await;
    let body = json!({
        "name": "Television", "type": "Native",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "isDeviceFlow": true },
    });
    let app = world.admin.create("/api/applications", body).await;
    let url = DeviceAuthorizationUrl::new(format!("{}/device/auth", world.server.issuer()));
    let client: Client<EndpointSet> =
        client(&world.server, text(&app, "/id"), "").set_device_authorization_url(url.unwrap());
    let browser = world.server.browser();
    for decision in ["allow", "deny"] {
        let codes: StandardDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scopes(scopes())
            .add_extra_param("resource", API)
            .request_async(&http)
            .await
            .expect("codes");
        // The first poll finds a person who has not made up their mind; then the crate waits as it was told.
        let wait = |time: Duration| {
            let (browser, codes, clock) = (&browser, &codes, world.server.clock());
            async move {
                clock.advance(i64::try_from(time.as_secs()).expect("a short time"));
                answer(browser, codes, decision).await;
            }
        };
        let request = client.exchange_device_access_token(&codes);
        let outcome = request.request_async(&http, wait, None).await;
        match (decision, outcome) {
            ("allow", Ok(tokens)) => assert!(tokens.refresh_token().is_some()),
            ("deny", Err(RequestTokenError::ServerResponse(answer))) => {
                assert_eq!(*answer.error(), DeviceCodeErrorResponseType::AccessDenied);
            }
            (_, outcome) => panic!("{decision}: {outcome:?}"),
        }
    }
}
