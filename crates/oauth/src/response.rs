//! The authorization response (RFC 6749 §4.1.2, RFC 9207) as data: a URL to redirect to, or a form to post.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    authorization::{ResponseMode, ResponseTarget},
    error::OAuthError,
};

/// Everything but the unreserved characters of RFC 3986 §2.3. A space becomes `%20`, which readers of forms and
/// readers of URLs both understand.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An answer ready to be sent through the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationResponse {
    /// Redirect (303) to this URL.
    Redirect(String),
    /// Show a page that posts this form.
    FormPost {
        /// Where the form goes.
        action: String,
        /// Hidden fields, in order.
        fields: Vec<(&'static str, String)>,
    },
}

impl AuthorizationResponse {
    /// A code for the client.
    #[must_use]
    pub fn success(target: &ResponseTarget, code: &str, issuer: &str) -> Self {
        Self::new(target, vec![("code", code.to_owned())], issuer)
    }

    /// An error for the client.
    #[must_use]
    pub fn error(target: &ResponseTarget, error: &OAuthError, issuer: &str) -> Self {
        let members = vec![
            ("error", error.error.as_str().to_owned()),
            ("error_description", error.description.to_string()),
        ];
        Self::new(target, members, issuer)
    }

    fn new(
        target: &ResponseTarget,
        mut members: Vec<(&'static str, String)>,
        issuer: &str,
    ) -> Self {
        members.extend(target.state.clone().map(|state| ("state", state)));
        // RFC 9207 §2: the client learns who answers, in errors too.
        members.push(("iss", issuer.to_owned()));
        let uri = target.redirect_uri.as_str();
        match target.response_mode {
            ResponseMode::Query => Self::Redirect(with_query(uri, &members)),
            ResponseMode::Fragment => Self::Redirect(format!("{uri}#{}", encode(&members))),
            ResponseMode::FormPost => Self::FormPost { action: uri.to_owned(), fields: members },
        }
    }
}

/// The URI with members added to its query. What it holds already stays (RFC 6749 §3.1.2), but for what has the name of a member:
/// each occurs once in an answer (§3.1). It has no fragment.
pub(crate) fn with_query(uri: &str, members: &[(&str, String)]) -> String {
    let is_member = |pair: &&str| {
        let (name, _) = url::form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default();
        members.iter().any(|(member, _)| *member == name)
    };
    let uri = match uri.split_once('?') {
        Some((base, query)) if query.split('&').any(|pair| is_member(&pair)) => {
            let own: Vec<&str> = query.split('&').filter(|pair| !is_member(pair)).collect();
            Cow::Owned(format!("{base}?{}", own.join("&")))
        }
        _ => Cow::Borrowed(uri),
    };
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{}", encode(members))
}

fn encode(members: &[(&str, String)]) -> String {
    let pair =
        |(name, value): &(&str, String)| format!("{name}={}", utf8_percent_encode(value, ENCODED));
    members.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{error::ErrorCode, params::Params, redirect_uri::RedirectUri};

    const ISSUER: &str = "http://localhost:4001/oidc";

    fn target(uri: &str, response_mode: ResponseMode, state: Option<&str>) -> ResponseTarget {
        ResponseTarget {
            redirect_uri: RedirectUri::try_from(uri.to_owned()).unwrap(),
            response_mode,
            state: state.map(Into::into),
        }
    }

    fn url(response: AuthorizationResponse) -> String {
        match response {
            AuthorizationResponse::Redirect(url) => url,
            AuthorizationResponse::FormPost { .. } => panic!("a form"),
        }
    }

    #[test]
    fn a_code_is_sent_with_state_and_issuer_in_the_order_of_the_trace() {
        let target = target("http://localhost:9999/callback", ResponseMode::Query, Some("st-0"));
        assert_eq!(
            url(AuthorizationResponse::success(&target, "o5Bt", ISSUER)),
            "http://localhost:9999/callback?code=o5Bt&state=st-0&iss=http%3A%2F%2Flocalhost%3A4001%2Foidc"
        );
    }

    #[test]
    fn the_query_of_the_redirect_uri_stays() {
        for (uri, start) in [
            ("https://a.example.com/cb?x=1", "https://a.example.com/cb?x=1&code=c&iss="),
            ("https://a.example.com/cb?", "https://a.example.com/cb?code=c&iss="),
            ("com.example.app:/cb", "com.example.app:/cb?code=c&iss="),
        ] {
            let target = target(uri, ResponseMode::Query, None);
            let url = url(AuthorizationResponse::success(&target, "c", ISSUER));
            assert!(url.starts_with(start), "{url}");
        }
    }

    #[test]
    fn a_name_of_the_answer_gives_way_in_the_query_of_the_redirect_uri() {
        for (uri, start) in [
            ("https://a.example/cb?code=x&y=1", "https://a.example/cb?y=1&code=c&state=s&iss="),
            ("https://a.example/cb?st%61te=x", "https://a.example/cb?code=c&state=s&iss="),
            ("https://a.example/cb?iss&states=1", "https://a.example/cb?states=1&code=c&state=s&"),
            // A name that only another answer has stays.
            ("https://a.example/cb?error=x", "https://a.example/cb?error=x&code=c&state=s&iss="),
            ("https://a.example/cb?a=1&&b=?/&", "https://a.example/cb?a=1&&b=?/&code=c&state=s&"),
        ] {
            let target = target(uri, ResponseMode::Query, Some("s"));
            let url = url(AuthorizationResponse::success(&target, "c", ISSUER));
            assert!(url.starts_with(start), "{url}");
        }
    }

    #[test]
    fn errors_travel_in_the_fragment_and_in_a_form_too() {
        let error = OAuthError::new(ErrorCode::LoginRequired, "the user must sign in");
        let fragment = target("https://a.example.com/cb?x=1", ResponseMode::Fragment, Some("s"));
        assert_eq!(
            url(AuthorizationResponse::error(&fragment, &error, "https://i.example")),
            "https://a.example.com/cb?x=1#error=login_required&error_description=the%20user%20must%20sign%20in&state=s&iss=https%3A%2F%2Fi.example"
        );
        let form = target("https://a.example.com/cb", ResponseMode::FormPost, None);
        let AuthorizationResponse::FormPost { action, fields } =
            AuthorizationResponse::error(&form, &error, ISSUER)
        else {
            panic!("a redirect")
        };
        assert_eq!(action, "https://a.example.com/cb");
        assert_eq!(
            fields.iter().map(|f| f.0).collect::<Vec<_>>(),
            ["error", "error_description", "iss"]
        );
    }

    proptest! {
        #[test]
        fn any_state_comes_back_and_adds_nothing(state in "[^\0]{1,40}") {
            let target = target("https://a.example.com/cb", ResponseMode::Query, Some(&state));
            let url = url(AuthorizationResponse::success(&target, "c", ISSUER));
            prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
            let params = Params::from_query(url.split_once('?').unwrap().1).unwrap();
            prop_assert_eq!(params.get("state"), Some(state.as_str()));
            prop_assert_eq!((params.get("code"), params.get("iss")), (Some("c"), Some(ISSUER)));
        }
    }
}
