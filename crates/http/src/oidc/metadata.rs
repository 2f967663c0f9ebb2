//! What the provider says about itself: discovery (OpenID Connect Discovery §4, RFC 8414) and keys (RFC 7517).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use trinco_core::clients::settings;
use trinco_core::registrations;
use trinco_oauth::metadata::Metadata;

use crate::app::Here;

/// Keys change rarely, and a rotated key is published before it signs.
const JWKS_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60");

pub(crate) async fn openid_configuration(Here(tenant): Here) -> Json<Metadata> {
    // Tokens that a previous key signed are still around, and a staged key will sign soon.
    let algorithms = tenant.snapshot().keys.algorithms();
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    Json(
        Metadata::new(tenant.issuer(), &names)
            .with_registration(registrations::is_open(&tenant))
            .with_metadata_documents(settings::is_enabled(&tenant)),
    )
}

pub(super) async fn jwks(Here(tenant): Here, headers: HeaderMap) -> Response {
    let snapshot = tenant.snapshot();
    let etag = snapshot.keys.jwks_etag();
    let mut response = if is_known(&headers, etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let content_type = HeaderValue::from_static("application/jwk-set+json; charset=utf-8");
        ([(header::CONTENT_TYPE, content_type)], snapshot.keys.jwks_json().to_owned())
            .into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, JWKS_CACHE);
    if let Ok(etag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// RFC 9110 §13.1.2: any of the listed tags, compared weakly, or `*`.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
