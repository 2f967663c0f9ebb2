//! Extractors whose refusals name the field that is wrong.

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use trinco_core::{Error, Listing, Page};

use crate::app::Here;
use crate::failure::ApiError;
use crate::reply::Listed;
use crate::strict;

/// A JSON body.
#[derive(Clone, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                value
                    .split(';')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .eq_ignore_ascii_case("application/json")
            });
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| Error::refused("request.body_too_large"))?;
        // An absent body is read as an empty object, so that the error names the first member that is missing.
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        if !body.is_empty() && !is_json {
            return Err(Error::invalid_input("body", "", "must be sent as application/json").into());
        }
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Error::invalid_input("body", "", &format!("is no JSON document ({place})"))
        })?;
        let value = strict::from_value(value)
            .map_err(|(path, rule)| Error::invalid_input("body", &path, &rule_of(&rule)))?;
        Ok(Self(value))
    }
}

/// The parameters of the path. One that cannot be text names nothing there is.
#[derive(Clone, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Error::refused("entity.not_found").into()),
        }
    }
}

/// Every `name=value` pair of the query string, for parameters that repeat.
#[derive(Clone, Debug)]
pub(crate) struct QueryPairs(pub(crate) Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryPairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query).into_owned().take(101).collect();
        if pairs.len() > 100 {
            return Err(Error::invalid_input("query", "", "has more than 100 parameters").into());
        }
        Ok(Self(pairs))
    }
}

impl QueryPairs {
    /// The first value of `name` that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(pair, value)| pair == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// The parameters of the query, read into a type. A parameter without a value counts as absent.
#[derive(Clone, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let QueryPairs(pairs) = QueryPairs::from_request_parts(parts, state).await?;
        let given: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        let deserializer =
            serde_html_form::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        match serde_path_to_error::deserialize(deserializer) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                let path = error.path().to_string();
                let path = if path == "." { "" } else { &path };
                let rule = rule_of(&error.inner().to_string());
                Err(Error::invalid_input("query", path, &rule).into())
            }
        }
    }
}

/// `page` (from 1) and `page_size` (1 to 100, 20 unless given), and what the answer's `Total-Number` and `Link` headers need.
#[derive(Clone, Debug)]
pub(crate) struct Paged {
    number: i64,
    size: i64,
    requested: bool,
    url: String,
    others: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paged {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let base = parts
            .extensions
            .get::<Here>()
            .map(|here| here.0.origin().base().to_owned())
            .unwrap_or_default();
        let path = parts
            .extensions
            .get::<axum::extract::OriginalUri>()
            .map_or(&parts.uri, |original| &original.0)
            .path();
        let url = format!("{base}{path}");
        let QueryPairs(pairs) = QueryPairs::from_request_parts(parts, state).await?;
        let number = |name: &str, default: i64| {
            pairs
                .iter()
                .find(|(pair, _)| pair == name)
                .map_or(Ok(default), |(_, value)| value.parse::<i64>())
        };
        let refuse = || ApiError(Error::refused("guard.invalid_pagination"));
        let (page, size) = (
            number("page", 1).map_err(|_| refuse())?,
            number("page_size", 20).map_err(|_| refuse())?,
        );
        if page < 1 || !(1..=100).contains(&size) || page.checked_mul(size).is_none() {
            return Err(refuse());
        }
        let is_ours = |name: &str| name == "page" || name == "page_size";
        let requested = pairs.iter().any(|(name, _)| is_ours(name));
        let others = pairs.into_iter().filter(|(name, _)| !is_ours(name)).collect();
        Ok(Self { number: page, size, requested, url, others })
    }
}

impl Paged {
    /// The part of the list that is wanted.
    pub(crate) fn page(&self) -> Page {
        Page { offset: (self.number - 1) * self.size, limit: self.size }
    }

    /// Everything unless a page was asked for: for lists whose paging is optional.
    pub(crate) fn page_or_all(&self) -> Page {
        if self.requested { self.page() } else { Page::ALL }
    }

    /// The answer: the rows, `Total-Number`, and `Link` (RFC 8288) to the first, previous, next and last page.
    pub(crate) fn respond<T>(&self, listing: Listing<T>) -> Listed<Vec<T>> {
        self.respond_with(listing.total, listing.rows)
    }

    /// [`Paged::respond`], with a body of which the rows are a part.
    pub(crate) fn respond_with<T>(&self, total: i64, body: T) -> Listed<T> {
        Listed { body, pages: Some((total, self.links(Some(total)))), is_capped: false }
    }

    /// [`Paged::respond`], without the headers when no page was asked for.
    pub(crate) fn respond_or_all<T>(&self, listing: Listing<T>) -> Listed<Vec<T>> {
        if self.requested {
            self.respond(listing)
        } else {
            Listed { body: listing.rows, pages: None, is_capped: false }
        }
    }

    /// [`Paged::respond`], of a list of which no more than `total` were counted: nobody knows its last page.
    pub(crate) fn respond_capped<T>(&self, total: i64, rows: Vec<T>) -> Listed<Vec<T>> {
        Listed { body: rows, pages: Some((total, self.links(None))), is_capped: true }
    }

    /// The links of a list that is so long, if that is known.
    fn links(&self, total: Option<i64>) -> String {
        let mut pages = vec![(1, "first")];
        if self.number > 1 {
            pages.push((self.number - 1, "prev"));
        }
        if let Some(total) = total {
            let last = ((total + self.size - 1) / self.size).max(1);
            if self.number < last {
                pages.push((self.number + 1, "next"));
            }
            pages.push((last, "last"));
        }
        let link = |(number, relation): (i64, &str)| {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&self.others)
                .append_pair("page", &number.to_string())
                .append_pair("page_size", &self.size.to_string())
                .finish();
            format!("<{}?{query}>; rel=\"{relation}\"", self.url)
        };
        pages.into_iter().map(link).collect::<Vec<_>>().join(", ")
    }
}

/// The rule, without serde's position in the text.
fn rule_of(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].chars().take(200).collect()
}
