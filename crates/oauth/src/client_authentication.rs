//! How a client proves who it is (RFC 6749 §2.3): which secret it presents, and whether it may.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::percent_decode_str;

use crate::{client::Client, client_assertion, error::OAuthError, params::Params, secret::Secret};

/// Longest `Authorization` header value, in bytes.
pub const MAX_HEADER: usize = 8 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Who a client says it is, and what it presents as proof.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The `client_id`.
    pub client_id: String,
    /// The proof.
    pub method: PresentedMethod,
}

/// The proof.
#[derive(Debug, Clone)]
pub enum PresentedMethod {
    /// `client_secret_basic`. RFC 6749 §2.3.1 has the secret form-encoded, many SDKs do not: either reading may
    /// be the secret.
    Basic {
        /// As it stands.
        raw: Secret,
        /// Form-decoded, when that is something else.
        decoded: Option<Secret>,
    },
    /// `client_secret_post`.
    Post(Secret),
    /// `private_key_jwt` (RFC 7523 §2.2); the caller verifies it with the client's keys.
    PrivateKeyJwt(Secret),
    /// `none`.
    None,
}

impl ClientCredentials {
    /// Reads the credentials of a request from its `Authorization` header and its parameters.
    ///
    /// # Errors
    /// `invalid_client` for a malformed header; `invalid_request` when two methods are used, when the two
    /// `client_id`s differ or when there is none.
    pub fn parse(authorization: Option<&str>, params: &Params) -> Result<Self, OAuthError> {
        if params.get("client_assertion").or(params.get("client_assertion_type")).is_some() {
            return Self::parse_assertion(authorization, params);
        }
        let (in_body, secret) = (params.get("client_id"), params.get("client_secret"));
        let Some(header) = authorization else {
            let client_id = in_body.ok_or_else(|| {
                OAuthError::invalid_request("no client authentication mechanism provided")
            })?;
            let method = secret
                .map_or(PresentedMethod::None, |secret| PresentedMethod::Post(Secret::new(secret)));
            return Ok(Self { client_id: client_id.to_owned(), method });
        };
        let (client_id, raw) = parse_basic(header)
            .ok_or_else(|| OAuthError::invalid_client("malformed authorization header"))?;
        if secret.is_some() {
            // RFC 6749 §2.3: not more than one method in each request.
            return Err(OAuthError::invalid_request(
                "client authentication must use one method only",
            ));
        }
        if in_body.is_some_and(|other| other != client_id) {
            return Err(OAuthError::invalid_request(
                "client_id differs from the authorization header",
            ));
        }
        let method = if raw.is_empty() {
            PresentedMethod::None
        } else {
            let decoded = form_decode(&raw).filter(|decoded| *decoded != raw).map(Secret::new);
            PresentedMethod::Basic { raw: Secret::new(raw), decoded }
        };
        Ok(Self { client_id, method })
    }

    fn parse_assertion(authorization: Option<&str>, params: &Params) -> Result<Self, OAuthError> {
        // RFC 6749 §2.3: not more than one method in each request.
        if authorization.is_some() || params.get("client_secret").is_some() {
            return Err(OAuthError::invalid_request(
                "client authentication must use one method only",
            ));
        }
        if params.required("client_assertion_type")? != client_assertion::JWT_BEARER {
            return Err(OAuthError::invalid_client("unknown client_assertion_type"));
        }
        let assertion = params.required("client_assertion")?;
        // RFC 7521 §4.2: `client_id` may be left out, the assertion names the client.
        let client_id = params
            .get("client_id")
            .map(str::to_owned)
            .or_else(|| client_assertion::unverified_subject(assertion))
            .ok_or_else(|| OAuthError::invalid_client("the assertion is malformed"))?;
        Ok(Self { client_id, method: PresentedMethod::PrivateKeyJwt(Secret::new(assertion)) })
    }

    /// The assertion to verify, if that is the method.
    #[must_use]
    pub fn assertion(&self) -> Option<&Secret> {
        match &self.method {
            PresentedMethod::PrivateKeyJwt(assertion) => Some(assertion),
            _ => None,
        }
    }

    /// The secrets to try, none for a public client. The caller compares each in constant time and accepts any.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let (first, second) = match &self.method {
            PresentedMethod::Basic { raw, decoded } => (Some(raw), decoded.as_ref()),
            PresentedMethod::Post(secret) => (Some(secret), None),
            PresentedMethod::PrivateKeyJwt(_) | PresentedMethod::None => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Whether the client may authenticate like this: one with keys by an assertion and nothing less, another
    /// confidential one by either secret method, a public one without a secret. The caller still has to verify the
    /// assertion or compare the secret.
    ///
    /// # Errors
    /// `invalid_client`.
    pub fn check(&self, client: &Client) -> Result<(), OAuthError> {
        let has_secret = self.secrets().next().is_some();
        match (client.is_confidential(), has_secret) {
            _ if client.client_id != self.client_id => {
                Err(OAuthError::invalid_client("credentials of another client"))
            }
            _ if client.private_key_jwt != self.assertion().is_some() => {
                Err(OAuthError::invalid_client("an assertion is missing or not expected"))
            }
            _ if client.private_key_jwt => Ok(()),
            (true, false) => Err(OAuthError::invalid_client("the secret is missing")),
            (false, true) => Err(OAuthError::invalid_client("a public client sent a secret")),
            (true, true) | (false, false) => Ok(()),
        }
    }
}

/// RFC 7617 §2: `Basic base64(id ":" secret)`. The id is read form-decoded, the secret as it stands.
fn parse_basic(header: &str) -> Option<(String, String)> {
    let (scheme, value) = header.split_once(' ')?;
    if header.len() > MAX_HEADER || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let id = form_decode(id)?;
    // An escaped null byte would reach the database, too.
    let is_text = !text.contains('\0') && !id.contains('\0');
    (!id.is_empty() && is_text).then(|| (id, secret.to_owned()))
}

fn form_decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{client::ApplicationType, error::ErrorCode};

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64.encode(text))
    }

    fn parse(header: Option<&str>, body: &str) -> Result<ClientCredentials, ErrorCode> {
        ClientCredentials::parse(header, &Params::from_query(body).unwrap()).map_err(|e| e.error)
    }

    fn secrets(credentials: &ClientCredentials) -> Vec<&str> {
        credentials.secrets().map(Secret::expose).collect()
    }

    #[test]
    fn basic_with_the_same_client_id_in_the_body_is_what_sdks_send() {
        let found = parse(Some(&basic("app:s3cret")), "client_id=app").unwrap();
        assert_eq!((found.client_id.as_str(), secrets(&found)), ("app", vec!["s3cret"]));
        assert_eq!(
            parse(Some(&basic("app:s")), "client_id=b").unwrap_err(),
            ErrorCode::InvalidRequest
        );
    }

    #[test]
    fn a_secret_with_percent_signs_is_tried_in_both_readings() {
        let found = parse(Some(&basic("app:a%2Bb+c")), "").unwrap();
        assert_eq!(secrets(&found), ["a%2Bb+c", "a+b c"]);
        let found = parse(Some(&basic("app:a%ffb:c")), "").unwrap();
        assert_eq!(secrets(&found), ["a%ffb:c"]);
    }

    #[test]
    fn a_secret_in_the_body_is_accepted_but_not_beside_a_header() {
        let found = parse(None, "client_id=app&client_secret=s").unwrap();
        assert!(matches!(found.method, PresentedMethod::Post(_)));
        assert_eq!(
            parse(Some(&basic("app:s")), "client_id=app&client_secret=s").unwrap_err(),
            ErrorCode::InvalidRequest
        );
    }

    #[test]
    fn a_malformed_header_is_an_invalid_client() {
        for header in [
            "Basic",
            "Basic !!!",
            "Bearer abc",
            &basic("no-colon"),
            &basic(":s"),
            &basic("a\0:s"),
            &basic("a%00:s"),
        ] {
            assert_eq!(parse(Some(header), "client_id=app").unwrap_err(), ErrorCode::InvalidClient);
        }
        let long = basic(&format!("app:{}", "s".repeat(MAX_HEADER)));
        assert_eq!(parse(Some(&long), "").unwrap_err(), ErrorCode::InvalidClient);
    }

    #[test]
    fn a_request_without_a_client_is_invalid() {
        assert_eq!(parse(None, "grant_type=x").unwrap_err(), ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_confidential_client_needs_a_secret_by_either_method_and_a_public_one_sends_none() {
        let web = Client::new("app", ApplicationType::Traditional);
        let spa = Client::new("app", ApplicationType::SPA);
        let by_header = parse(Some(&basic("app:s")), "").unwrap();
        let by_body = parse(None, "client_id=app&client_secret=s").unwrap();
        let bare = parse(None, "client_id=app").unwrap();
        let empty = parse(Some(&basic("app:")), "").unwrap();
        for (credentials, confidential) in
            [(by_header, true), (by_body, true), (bare, false), (empty, false)]
        {
            assert_eq!(credentials.check(&web).is_ok(), confidential);
            assert_eq!(credentials.check(&spa).is_ok(), !confidential);
            assert!(credentials.check(&Client::new("b", ApplicationType::SPA)).is_err());
        }
    }

    #[test]
    fn a_client_with_keys_authenticates_by_assertion_and_by_nothing_less() {
        let web = Client::new("app", ApplicationType::Traditional);
        let strong = Client { private_key_jwt: true, ..web.clone() };
        let kind = "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"sub":"app"}"#);
        let named = parse(None, &format!("{kind}&client_assertion=h.{payload}.s")).unwrap();
        assert_eq!(named.client_id, "app");
        assert!(named.check(&strong).is_ok() && named.check(&web).is_err());
        let secret = parse(None, "client_id=app&client_secret=s").unwrap();
        assert!(secret.check(&strong).is_err());
        assert!(parse(None, "client_id=app").unwrap().check(&strong).is_err());

        let both = format!("{kind}&client_assertion=a.b.c&client_secret=s&client_id=app");
        assert_eq!(parse(None, &both).unwrap_err(), ErrorCode::InvalidRequest);
        let alone = format!("{kind}&client_assertion=a.b.c&client_id=app");
        assert_eq!(parse(Some(&basic("app:s")), &alone).unwrap_err(), ErrorCode::InvalidRequest);
        for (body, error) in [
            ("client_assertion=a.b.c&client_id=app", ErrorCode::InvalidRequest),
            (kind, ErrorCode::InvalidRequest),
            ("client_assertion_type=saml&client_assertion=x", ErrorCode::InvalidClient),
            (&format!("{kind}&client_assertion=nonsense"), ErrorCode::InvalidClient),
        ] {
            assert_eq!(parse(None, body).unwrap_err(), error, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_secret_is_read_back_encoded_or_not(id in "[0-9a-z]{1,21}", secret in "[ -~]{1,64}") {
            let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            for sent in [&secret, &encoded] {
                let found = parse(Some(&basic(&format!("{id}:{sent}"))), "").unwrap();
                prop_assert_eq!(&found.client_id, &id);
                prop_assert!(secrets(&found).contains(&secret.as_str()));
            }
        }
    }
}
