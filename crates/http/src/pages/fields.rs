//! What a person's browser sends to a page. What cannot be read is answered with a page, too.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};

use super::context::PageContext;
use crate::app::Here;

/// So many names and values are looked at.
const MOST: usize = 100;

/// Names and values, in order.
#[derive(Debug)]
pub(super) struct Pairs(Vec<(String, String)>);

/// The fields of an `application/x-www-form-urlencoded` form.
#[derive(Debug)]
pub(super) struct Fields(pub(super) Pairs);

/// The query of a page's address.
#[derive(Debug)]
pub(super) struct Query(pub(super) Pairs);

impl Pairs {
    fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().take(MOST).collect())
    }

    /// The values of `names`, empty where there is none; `None` when one of them repeats, because nobody knows which is meant.
    pub(super) fn once<const N: usize>(&self, names: [&str; N]) -> Option<[&str; N]> {
        let mut values = [""; N];
        for (value, name) in values.iter_mut().zip(names) {
            let mut found = self.all(name);
            *value = found.next().unwrap_or_default();
            if found.next().is_some() {
                return None;
            }
        }
        Some(values)
    }

    /// Every value of `name`.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let here = request.extensions().get::<Here>().cloned();
        let headers = request.headers().clone();
        let page = |draw: &dyn Fn(&PageContext<'_>) -> Response| match &here {
            Some(here) => draw(&PageContext::new(&here.0, &headers)),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        if !is_form(&headers) {
            return Err(page(&|page| page.unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE)));
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| {
            page(&|page| page.refused(StatusCode::PAYLOAD_TOO_LARGE, "request.body_too_large"))
        })?;
        Ok(Self(Pairs::parse(&body)))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Pairs::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// Which interaction a page is about: the application and the tag in its address. `None` for an address that names several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose<'a> {
    pub(super) app_id: &'a str,
    pub(super) interaction: &'a str,
}

impl Query {
    /// Reads [`Whose`] the page is.
    pub(super) fn whose(&self) -> Option<Whose<'_>> {
        let [app_id, interaction] = self.0.once(["app_id", "interaction"])?;
        Some(Whose { app_id, interaction })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_repeats_has_no_value() {
        let pairs = Pairs::parse(b"a=1&b=&c=2&c=2&ignored=1&ignored=2");
        assert_eq!(pairs.once(["a", "b", "d"]), Some(["1", "", ""]));
        assert_eq!(pairs.once(["a", "c"]), None);
        assert_eq!(pairs.all("c").collect::<Vec<_>>(), ["2", "2"]);
    }
}
