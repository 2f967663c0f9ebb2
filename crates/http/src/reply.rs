//! Answers whose type says what they are.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// An answer with this status.
#[derive(Clone, Debug)]
pub(crate) struct Reply<const STATUS: u16, T>(pub(crate) T);

/// 201 with what has been created.
pub(crate) type Created<T> = Reply<201, Json<T>>;
/// 201 and nothing else.
pub(crate) type Added = Reply<201, ()>;
/// 204.
pub(crate) type NoContent = Reply<204, ()>;

/// It is done.
pub(crate) const NO_CONTENT: NoContent = Reply(());
/// It has been added.
pub(crate) const ADDED: Added = Reply(());

/// 201 with `value`.
pub(crate) const fn created<T>(value: T) -> Created<T> {
    Reply(Json(value))
}

impl<const STATUS: u16, T: IntoResponse> IntoResponse for Reply<STATUS, T> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, self.0).into_response()
    }
}

/// What stands under a name now: 201 when nothing did before, else 200.
#[derive(Clone, Debug)]
pub(crate) struct Put<T> {
    pub(crate) is_new: bool,
    pub(crate) value: T,
}

impl<T: Serialize> IntoResponse for Put<T> {
    fn into_response(self) -> Response {
        let status = if self.is_new { StatusCode::CREATED } else { StatusCode::OK };
        (status, Json(self.value)).into_response()
    }
}

/// What a check has found: 200 when all is well, else 400 with the same kind of body. It is no error: the request was understood.
#[derive(Clone, Debug)]
pub(crate) struct Checked<T> {
    pub(crate) is_well: bool,
    pub(crate) found: T,
}

impl<T: Serialize> IntoResponse for Checked<T> {
    fn into_response(self) -> Response {
        let status = if self.is_well { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        (status, Json(self.found)).into_response()
    }
}

/// A list as JSON, whole or a page of it.
#[derive(Clone, Debug)]
pub(crate) struct Listed<T> {
    pub(crate) body: T,
    /// How many there are in all, and the links to the other pages (RFC 8288), when a page was asked for.
    pub(crate) pages: Option<(i64, String)>,
    /// Whether there are more than were counted.
    pub(crate) is_capped: bool,
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let mut response = Json(&self.body).into_response();
        if let Some((total, links)) = self.pages {
            let headers = response.headers_mut();
            headers.insert("total-number", HeaderValue::from(total));
            if let Ok(links) = HeaderValue::from_str(&links) {
                headers.insert(header::LINK, links);
            }
            if self.is_capped {
                headers.insert("total-number-is-capped", HeaderValue::from_static("true"));
            }
        }
        response
    }
}
