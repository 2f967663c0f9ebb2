//! What the provider says about itself: discovery (OpenID Connect Discovery §4, RFC 8414) and keys (RFC 7517).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use trinco_oauth::metadata::Metadata;

use crate::app::Here;

/// Keys change rarely, and a rotated key is published before it signs.
const JWKS_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60");

pub(super) async fn openid_configuration(Here(tenant): Here) -> Json<Metadata> {
    let algorithm = tenant.snapshot().keys.algorithm().to_string();
    Json(Metadata::new(tenant.issuer(), &[&algorithm]))
}

pub(super) async fn jwks(Here(tenant): Here) -> Response {
    let body = tenant.snapshot().keys.jwks_json().to_owned();
    let content_type = HeaderValue::from_static("application/jwk-set+json; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, JWKS_CACHE)], body)
        .into_response()
}
