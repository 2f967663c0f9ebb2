//! What is answered under own domains besides everything else: their challenges and verification files.

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, Method, header};
use trinco_core::{Error, domains};

use crate::app::{App, Here};
use crate::extract::Path;
use crate::failure::ApiError;
use crate::pages;

/// The challenges that tell whether a domain leads here.
pub(crate) fn routes() -> Router<App> {
    Router::new().route(&format!("{}/{{id}}", domains::CHALLENGES), get(challenge))
}

async fn challenge(
    Here(tenant): Here,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(answer) = domains::challenge(&tenant, host(&headers), &id).await? else {
        return Err(Error::refused("entity.not_found").into());
    };
    let headers = [(header::CONTENT_TYPE, "text/plain"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, answer).into_response())
}

/// A path that no route has: a verification file of the domain it was asked under, or nothing.
pub(crate) async fn file_or_nothing(
    here: Here,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        match domains::file_at(&here.0, host(&headers), uri.path()).await {
            Ok(Some(file)) => {
                let headers = [(header::CONTENT_TYPE, file.content_type.as_str())];
                return (headers, file.content).into_response();
            }
            Ok(None) => {}
            Err(error) => return ApiError(error).into_response(),
        }
    }
    pages::not_found(here, headers, request).await
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}
