//! What identity providers say of themselves, asked for when someone looks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use trinco_connectors::outbound::{Outbound, Request};
use trinco_connectors::saml::{self, METADATA_LIMIT};
use url::Url;

use super::model::{
    AttributeMapping, OidcProviderConfig, ProviderConfig, ProviderType, SamlIdentityProvider,
    SamlProviderConfig, ServiceProvider, SsoConnector, text,
};
use crate::{Result, Tenant};

/// Nobody waits longer to look at a list.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What is asked for unless a configuration says otherwise.
const SCOPE: &str = "openid profile email";

/// What is known of a connector's identity provider. One that cannot be asked, or is not configured, says nothing.
pub(super) async fn of(
    tenant: &Tenant,
    connector: &SsoConnector,
) -> Result<Option<ProviderConfig>> {
    let outbound = tenant.outbound()?.clone().with_timeout(TIMEOUT);
    Ok(match connector.provider.provider_type {
        ProviderType::Oidc => oidc(&outbound, connector).await.map(ProviderConfig::Oidc),
        ProviderType::Saml => Some(ProviderConfig::Saml(saml(tenant, &outbound, connector).await)),
    })
}

/// The members of a discovery document that count.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
}

async fn oidc(outbound: &Outbound, connector: &SsoConnector) -> Option<OidcProviderConfig> {
    let config = &connector.config;
    let issuer = connector.provider.issuer.or_else(|| text(config, "issuer"))?;
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let body = fetch(outbound, &url, "application/json", connector).await?;
    let found: Discovery = match serde_json::from_slice(&body) {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(connector = connector.id, %error, "a discovery document cannot be read");
            return None;
        }
    };
    Some(OidcProviderConfig {
        issuer: found.issuer,
        authorization_endpoint: found.authorization_endpoint,
        token_endpoint: found.token_endpoint,
        userinfo_endpoint: found.userinfo_endpoint,
        jwks_uri: found.jwks_uri,
        scope: scope(text(config, "scope")),
    })
}

/// What is asked for: always for who it is.
fn scope(configured: Option<&str>) -> String {
    let configured = configured.unwrap_or(SCOPE);
    let has_openid = configured.split_whitespace().any(|scope| scope == "openid");
    if has_openid { configured.to_owned() } else { format!("openid {configured}") }
}

async fn saml(
    tenant: &Tenant,
    outbound: &Outbound,
    connector: &SsoConnector,
) -> SamlProviderConfig {
    let base = tenant.origin().base();
    SamlProviderConfig {
        default_attribute_mapping: AttributeMapping {
            id: "nameID".to_owned(),
            email: "email".to_owned(),
            name: "name".to_owned(),
        },
        service_provider: ServiceProvider {
            entity_id: format!("{base}/enterprise-sso/{}", connector.id),
            assertion_consumer_service_url: format!(
                "{base}/api/authn/single-sign-on/saml/{}",
                connector.id
            ),
        },
        identity_provider: identity_provider(outbound, connector).await,
    }
}

/// By the members that name it one by one, else by its metadata.
async fn identity_provider(
    outbound: &Outbound,
    connector: &SsoConnector,
) -> Option<SamlIdentityProvider> {
    let config = &connector.config;
    if let (Some(entity_id), Some(endpoint), Some(certificate)) =
        (text(config, "entityId"), text(config, "signInEndpoint"), text(config, "x509Certificate"))
    {
        let base64: String = certificate
            .lines()
            .filter(|line| !line.contains("-----"))
            .flat_map(str::chars)
            .filter(|symbol| !symbol.is_whitespace())
            .collect();
        return Some(SamlIdentityProvider {
            entity_id: entity_id.to_owned(),
            sign_in_endpoint: endpoint.to_owned(),
            x509_certificate: base64,
            name_id_format: None,
            want_authn_requests_signed: false,
        });
    }
    let fetched;
    let metadata = match text(config, "metadata") {
        Some(metadata) => metadata,
        None => {
            let url = text(config, "metadataUrl")?;
            let outbound = outbound.clone().with_room_for(METADATA_LIMIT);
            let body = fetch(&outbound, url, "application/samlmetadata+xml", connector).await?;
            fetched = String::from_utf8(body.to_vec()).ok()?;
            &fetched
        }
    };
    match saml::parse(metadata) {
        Ok(found) => Some(SamlIdentityProvider {
            entity_id: found.entity_id,
            sign_in_endpoint: found.sign_in_endpoint,
            x509_certificate: STANDARD.encode(found.certificates.first()?),
            name_id_format: found.name_id_formats.into_iter().next(),
            want_authn_requests_signed: found.wants_signed_requests,
        }),
        Err(error) => {
            tracing::debug!(connector = connector.id, %error, "metadata cannot be read");
            None
        }
    }
}

/// What is found there decides whom users are taken for: it must come over TLS, or from this machine.
async fn fetch(
    outbound: &Outbound,
    url: &str,
    accept: &'static str,
    connector: &SsoConnector,
) -> Option<Bytes> {
    let url = Url::parse(url).ok()?;
    if url.scheme() != "https" && !outbound.reaches_own_machine(&url) {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    let request = Request { method: Method::GET, url, headers, body: Bytes::new() };
    match outbound.send(request).await {
        Ok(answer) if answer.status == StatusCode::OK => Some(answer.body),
        Ok(answer) => {
            let status = answer.status.as_u16();
            tracing::debug!(
                connector = connector.id,
                status,
                "an identity provider did not answer"
            );
            None
        }
        Err(error) => {
            tracing::debug!(connector = connector.id, %error, "an identity provider was not reached");
            None
        }
    }
}
