//! `/api/custom-phrases`, and the texts for a reader at `/api/.well-known/phrases`.

use axum::Json as Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::Error;
use trinco_core::custom_phrases::{
    self, CustomPhrase, PhraseLanguage, Reading, Texts, Translation,
};

use super::doors::{Doors, Input, Operation, Output, get};
use crate::app::Here;
use crate::extract::{Json, Path, Query};
use crate::failure::ApiError;
use crate::language;
use crate::reply::{Created, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Custom phrases")
        .route("/api/custom-phrases", get("List your own texts", list))
        .route(
            "/api/custom-phrases/{language_tag}",
            get("See your own texts in a language", read)
                .put("Set your own texts in a language", put)
                .delete("Delete your own texts in a language", remove),
        )
}

/// Needs no token: sign-in pages read it before anyone has signed in.
pub(super) fn public_routes() -> Doors {
    Doors::new("Custom phrases")
        .route("/api/.well-known/phrases", get("See the texts for a reader", phrases))
}

async fn list(Here(tenant): Here) -> Body<Vec<CustomPhrase>> {
    Body(custom_phrases::list(&tenant))
}

async fn read(Here(tenant): Here, Path(tag): Path<String>) -> Result<Body<CustomPhrase>, ApiError> {
    Ok(Body(custom_phrases::get(&tenant, parse_tag(&tag)?).await?))
}

async fn put(
    Here(tenant): Here,
    Path(tag): Path<String>,
    Json(translation): Json<Translation>,
) -> Result<Created<CustomPhrase>, ApiError> {
    Ok(created(custom_phrases::put(&tenant, parse_tag(&tag)?, translation).await?))
}

async fn remove(Here(tenant): Here, Path(tag): Path<String>) -> Result<NoContent, ApiError> {
    custom_phrases::delete(&tenant, parse_tag(&tag)?).await?;
    Ok(NO_CONTENT)
}

fn parse_tag(tag: &str) -> Result<PhraseLanguage, Error> {
    PhraseLanguage::from_tag(tag).ok_or_else(|| {
        Error::invalid_input("params", "languageTag", "must be the tag of a known language")
    })
}

#[derive(Deserialize, JsonSchema)]
struct PhrasesQuery {
    /// The language, by its tag. Absent: what the browser asks for.
    lng: Option<String>,
}

/// The headers of the request, for what the browser asks for.
struct Accepted(HeaderMap);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Accepted {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.headers.clone()))
    }
}

impl Input for Accepted {
    fn describe(_: &mut Operation<'_>) {}
}

/// Texts, with their language in a header.
struct InLanguage(Reading);

impl IntoResponse for InLanguage {
    fn into_response(self) -> Response {
        let mut response = Body(self.0.texts).into_response();
        let language = HeaderValue::from_static(self.0.tag);
        response.headers_mut().insert(header::CONTENT_LANGUAGE, language);
        response
    }
}

impl Output for InLanguage {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<Texts>(200, "application/json");
    }
}

async fn phrases(
    Here(tenant): Here,
    Accepted(headers): Accepted,
    Query(query): Query<PhrasesQuery>,
) -> InLanguage {
    let accept = language::accept(&headers);
    InLanguage(custom_phrases::read(&tenant, query.lng.as_deref(), accept))
}
