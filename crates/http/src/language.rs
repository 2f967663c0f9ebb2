//! The language of a request.

use http::{HeaderMap, header};
use trinco_locales::{Language, negotiate};

/// The best language for the `Accept-Language` header.
pub(crate) fn of_request(headers: &HeaderMap) -> Language {
    negotiate(None, accept(headers), Language::En)
}

/// The `Accept-Language` header.
pub(crate) fn accept(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok())
}
