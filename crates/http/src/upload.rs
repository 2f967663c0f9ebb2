//! A file that is sent as a form, and serving what was uploaded.

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, header};
use schemars::JsonSchema;
use trinco_core::{Error, assets};

use crate::app::{App, Here};
use crate::extract::Path;
use crate::failure::ApiError;

/// What a form takes around the file: bytes.
const FORM: usize = 64 * 1024;

/// The file of a form (RFC 7578), its part `file`, of at most so many bytes.
#[derive(Clone, Debug)]
pub(crate) struct Upload<const LIMIT: usize>(pub(crate) Bytes);

/// The form, for the API's description.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its schema alone is used")]
pub(crate) struct UploadForm {
    /// The file.
    #[schemars(extend("format" = "binary"))]
    file: String,
}

impl<const LIMIT: usize, S: Send + Sync> FromRequest<S> for Upload<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Self::Rejection> {
        DefaultBodyLimit::max(LIMIT + FORM).apply(&mut request);
        let mut form = Multipart::from_request(request, state)
            .await
            .map_err(|_| Error::invalid_input("body", "", "must be sent as multipart/form-data"))?;
        let broken = |error: axum::extract::multipart::MultipartError| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Error::refused("guard.file_size_exceeded")
            } else {
                Error::invalid_input("body", "", "is no form that can be read")
            }
        };
        while let Some(part) = form.next_field().await.map_err(broken)? {
            if part.name() != Some("file") {
                continue;
            }
            let file = part.bytes().await.map_err(broken)?;
            if file.len() > LIMIT {
                return Err(Error::refused("guard.file_size_exceeded").into());
            }
            return Ok(Self(file));
        }
        Err(Error::invalid_field("file", "is missing").into())
    }
}

/// Pictures are for everyone: they stand on pages of applications, and before anyone has signed in.
pub(crate) fn routes() -> Router<App> {
    Router::new().route(&format!("{}/{{name}}", assets::IMAGES), get(image))
}

async fn image(Here(tenant): Here, Path(name): Path<String>) -> Result<Response, ApiError> {
    let Some((kind, bytes)) = assets::image(&tenant, &name).await? else {
        return Err(Error::refused("entity.not_found").into());
    };
    let headers = [
        (header::CONTENT_TYPE, kind.media_type()),
        (header::CONTENT_DISPOSITION, "inline"),
        // A name is never used again.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        // An SVG is a document: opened by itself it must not run anything in this origin.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
        ),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    Ok((headers, bytes).into_response())
}
