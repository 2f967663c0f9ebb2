//! The `openidconnect` crate, a client nobody here wrote, against the server: code flow with PKCE and nonce, refresh, userinfo,
//! client credentials, introspection, revocation. It verifies ID tokens and `at_hash`-less responses by its own rules.

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreTokenIntrospectionResponse,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IntrospectionUrl, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl,
    RevocationUrl, Scope, TokenIntrospectionResponse, TokenResponse,
};
use serde_json::json;
use trinco_testkit::{Method, REDIRECT_URI, Server, query_of, text};

const USER: (&str, &str) = ("alice", "correct horse battery");

/// The crate's HTTP is ours to provide. It revokes over https only; the test server has no certificate.
async fn http(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let method = Method::from_bytes(parts.method.as_str().as_bytes()).expect("a method");
    let url = parts.uri.to_string().replace("https://127.0.0.1", "http://127.0.0.1");
    let mut outgoing = reqwest::Client::new().request(method, url).body(body);
    for (name, value) in &parts.headers {
        outgoing = outgoing.header(name.as_str(), value.as_bytes());
    }
    let answer = outgoing.send().await?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() =
        openidconnect::http::StatusCode::from_u16(answer.status().as_u16()).expect("a status");
    for (name, value) in answer.headers() {
        let name =
            openidconnect::http::HeaderName::from_bytes(name.as_str().as_bytes()).expect("a name");
        response.headers_mut().append(
            name,
            openidconnect::http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    *response.body_mut() = answer.bytes().await?.to_vec();
    Ok(response)
}

#[tokio::test]
async fn the_openidconnect_crate_signs_in_refreshes_and_revokes() {
    // The crate checks `iat` and `exp` against the system's clock.
    let server = Server::start_at_system_time().await;
    let admin = server.admin().await;
    let (id, secret) = admin.traditional("Shop").await;
    let user_id = admin.user(USER.0, USER.1).await;

    let issuer = IssuerUrl::new(server.issuer()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.expect("discovery");
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(id),
        Some(ClientSecret::new(secret)),
    )
    .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap())
    .set_introspection_url(
        IntrospectionUrl::new(format!("{}/token/introspection", server.issuer())).unwrap(),
    )
    .set_revocation_url(
        RevocationUrl::new(
            format!("{}/token/revocation", server.issuer()).replace("http:", "https:"),
        )
        .unwrap(),
    );

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(
            ["offline_access", "profile", "email"].map(|scope| Scope::new(scope.to_owned())),
        )
        .add_extra_param("prompt", "consent")
        .set_pkce_challenge(challenge)
        .url();
    let browser = server.browser();
    let page = browser.get(url.as_str()).await.location().to_owned();
    let xsrf = trinco_testkit::hidden(&browser.get(&page).await.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let resume = browser.submit(&page, &form).await.location().to_owned();
    let answer = query_of(browser.get(&resume).await.location());
    assert_eq!(&answer["state"], state.secret());

    let tokens = client
        .exchange_code(AuthorizationCode::new(answer["code"].clone()))
        .expect("a token endpoint")
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .expect("tokens");
    let claims = tokens
        .id_token()
        .expect("an ID token")
        .claims(&client.id_token_verifier(), &nonce)
        .expect("a valid ID token");
    assert_eq!(claims.subject().as_str(), user_id);
    assert_eq!(claims.preferred_username().unwrap().as_str(), USER.0);

    let userinfo: CoreUserInfoClaims = client
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        .expect("a userinfo endpoint")
        .request_async(&http)
        .await
        .expect("userinfo");
    assert_eq!(userinfo.subject().as_str(), user_id);

    let refresh = tokens.refresh_token().expect("a refresh token");
    let refreshed = client
        .exchange_refresh_token(refresh)
        .expect("a token endpoint")
        .request_async(&http)
        .await
        .expect("a refresh");
    let again =
        refreshed.id_token().expect("an ID token").claims(&client.id_token_verifier(), &nonce);
    assert_eq!(again.expect("the nonce stays").subject().as_str(), user_id);

    let introspected: CoreTokenIntrospectionResponse = client
        .introspect(refreshed.access_token())
        .request_async(&http)
        .await
        .expect("introspection");
    assert!(introspected.active());

    client
        .revoke_token(refresh.clone().into())
        .expect("a revocable token")
        .request_async(&http)
        .await
        .expect("revocation");
    client
        .exchange_refresh_token(refresh)
        .unwrap()
        .request_async(&http)
        .await
        .expect_err("a revoked token");
    let dead: CoreTokenIntrospectionResponse = client
        .introspect(&AccessToken::new(tokens.access_token().secret().clone()))
        .request_async(&http)
        .await
        .expect("introspection");
    assert!(!dead.active());
}

#[tokio::test]
async fn the_openidconnect_crate_gets_client_credentials() {
    let server = Server::start_at_system_time().await;
    let admin = server.admin().await;
    let machine = admin
        .create("/api/applications", json!({ "name": "Robot", "type": "MachineToMachine" }))
        .await;
    let id = text(&machine, "/id").to_owned();
    let secret = admin.secret_of(&id).await;
    let issuer = IssuerUrl::new(server.issuer()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.expect("discovery");
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(id),
        Some(ClientSecret::new(secret)),
    );
    let tokens = client
        .exchange_client_credentials()
        .expect("a token endpoint")
        .add_extra_param("resource", "https://default.logto.app/api")
        .add_scope(Scope::new("all".to_owned()))
        .request_async(&http)
        .await
        .expect("a token");
    assert_eq!(tokens.access_token().secret().split('.').count(), 3);
}
