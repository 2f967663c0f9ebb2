//! The fields of a form that a person sends.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};

use super::context::PageContext;
use crate::app::Here;

/// `application/x-www-form-urlencoded` fields, in order. What is no such form is answered with a page.
#[derive(Debug)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    /// The first value of `name`; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let here = request.extensions().get::<Here>().cloned();
        let headers = request.headers().clone();
        let refuse = |status: StatusCode, code: &str| match &here {
            Some(here) => PageContext::new(&here.0, &headers).refused(status, code),
            None => status.into_response(),
        };
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = content_type.is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        if !is_form {
            return Err(refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "request.unsupported_media_type",
            ));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| refuse(StatusCode::PAYLOAD_TOO_LARGE, "request.body_too_large"))?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().take(100).collect()))
    }
}
