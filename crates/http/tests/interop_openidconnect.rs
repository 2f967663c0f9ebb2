//! The `openidconnect` crate, a client nobody here wrote, against the server: code flow with PKCE and nonce, refresh, userinfo,
//! client credentials, introspection, revocation, logout. It verifies ID tokens and `at_hash`-less responses by its own rules.

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreTokenIntrospectionResponse,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IntrospectionUrl, IssuerUrl,
    LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, RevocationUrl, Scope, TokenIntrospectionResponse,
    TokenResponse,
};
use serde_json::json;
use trinco_testkit::{REDIRECT_URI, Server, USER, hidden, query_of, text};
use wire::http;

mod wire;

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
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
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

#[tokio::test]
async fn the_openidconnect_crate_signs_out() {
    let server = Server::start_at_system_time().await;
    let admin = server.admin().await;
    let (id, secret) = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    let issuer = IssuerUrl::new(server.issuer()).unwrap();
    let metadata =
        ProviderMetadataWithLogout::discover_async(issuer, &http).await.expect("discovery");
    let endpoint = metadata.additional_metadata().end_session_endpoint.clone().expect("a URL");
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(id),
        Some(ClientSecret::new(secret)),
    )
    .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, _, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .set_pkce_challenge(challenge)
        .url();
    let browser = server.browser();
    let code = browser.authorize(url.as_str(), USER).await;
    let tokens = client
        .exchange_code(AuthorizationCode::new(code))
        .expect("a token endpoint")
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .expect("tokens");
    let id_token = tokens.id_token().expect("an ID token");
    id_token.claims(&client.id_token_verifier(), &nonce).expect("a valid ID token");
    id_token
        .claims(&client.id_token_verifier(), &Nonce::new("another".to_owned()))
        .expect_err("the nonce of another sign-in");

    let home = PostLogoutRedirectUrl::new("http://localhost:9999/".to_owned()).unwrap();
    let url = LogoutRequest::from(endpoint)
        .set_id_token_hint(id_token)
        .set_post_logout_redirect_uri(home)
        .set_state(CsrfToken::new("bye".to_owned()))
        .http_get_url();
    let page = browser.get(url.as_str()).await.expect(200);
    // The page submits what it was asked, and two fields of its own.
    let mut form = query_of(url.as_str());
    form.insert("xsrf".to_owned(), hidden(&page.text, "xsrf"));
    form.insert("logout".to_owned(), "yes".to_owned());
    let form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let landed = browser.submit("/oidc/session/end/confirm", &form).await;
    let farewell = landed.location();
    assert_eq!(farewell, "http://localhost:9999/?state=bye");
}
