//! Token introspection (RFC 7662).

use serde::Serialize;

use crate::{
    claims::Actor,
    client::Client,
    dpop::Confirmation,
    error::{ErrorCode, OAuthError},
    params::Params,
    scope::Scope,
    secret::Secret,
    token::{MAX_TOKEN, TokenType},
};

/// A token presented for introspection or revocation.
#[derive(Debug, Clone)]
pub struct PresentedToken {
    /// An opaque access token or a refresh token.
    pub token: Secret,
    /// Where to look first.
    pub hint: Option<TokenTypeHint>,
}

/// RFC 7009 §2.1. Unknown hints are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// `access_token`.
    AccessToken,
    /// `refresh_token`.
    RefreshToken,
}

impl PresentedToken {
    /// Reads `token` and `token_type_hint`.
    ///
    /// # Errors
    /// `invalid_request` when the token is missing; `unsupported_token_type` for a JWT, which is verified by its
    /// signature and cannot be taken back.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        let token = params.required("token")?;
        // RFC 7662 §2.2, RFC 7009 §2.2: what is longer than any token of ours is unknown, and that is no error.
        if token.len() <= MAX_TOKEN && looks_like_jwt(token) {
            return Err(OAuthError::new(
                ErrorCode::UnsupportedTokenType,
                "structured JWT tokens are not supported here",
            ));
        }
        let hint = match params.get("token_type_hint") {
            Some("access_token") => Some(TokenTypeHint::AccessToken),
            Some("refresh_token") => Some(TokenTypeHint::RefreshToken),
            _ => None,
        };
        Ok(Self { token: Secret::new(token), hint })
    }
}

/// RFC 7515 §3.1: three parts of base64url. An opaque token has no dot.
fn looks_like_jwt(token: &str) -> bool {
    token.split('.').count() == 3
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Whether a client may learn about a token: the operator's confidential ones, which may stand for resource servers, about any; a
/// public one and a third party's about its own (RFC 7662 §4). To others the token is inactive.
#[must_use]
pub fn is_permitted(client: &Client, token_client_id: &str) -> bool {
    let is_trusted = client.is_confidential() && !client.is_third_party;
    is_trusted || client.client_id == token_client_id
}

/// The answer (RFC 7662 §2.2), in the order clients have always seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum IntrospectionResponse {
    /// A live token.
    Active(ActiveToken),
    /// Everything else, without a reason.
    Inactive(Inactive),
}

impl IntrospectionResponse {
    /// A token that is not live, not known or not to be known by the client.
    pub const INACTIVE: Self = Self::Inactive(Inactive { active: False });
}

/// `{"active":false}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inactive {
    active: False,
}

/// What is said of a live token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// Always true.
    pub active: True,
    /// The user.
    pub sub: String,
    /// Whom it was issued to.
    pub client_id: String,
    /// Unix seconds.
    pub exp: i64,
    /// Unix seconds.
    pub iat: i64,
    /// The issuer.
    pub iss: String,
    /// What it allows; left out when nothing.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// For access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<TokenType>,
    /// The key it is bound to (RFC 9449 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Who acts as the user (RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

/// The JSON value `true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct True;

/// The JSON value `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct False;

impl Serialize for True {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl Serialize for False {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ApplicationType;

    fn parse(query: &str) -> Result<PresentedToken, ErrorCode> {
        PresentedToken::parse(&Params::from_query(query).unwrap()).map_err(|error| error.error)
    }

    #[test]
    fn a_jwt_is_an_unsupported_token_type_and_an_opaque_token_is_not() {
        assert_eq!(
            parse("token=eyJhbGci.eyJzdWIi.c2ln").unwrap_err(),
            ErrorCode::UnsupportedTokenType
        );
        let token = parse("token=o3Jz72CFO9fcN7cYYoFJL_-rNxNOpUb-mhfPLP84ieg").unwrap();
        assert_eq!(token.token.expose().len(), 43);
        assert_eq!(parse("").unwrap_err(), ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_token_that_is_longer_than_any_of_ours_is_one_like_any_other() {
        let parts = "a".repeat(MAX_TOKEN / 2);
        for token in [format!("{parts}.{parts}.c"), parts.repeat(2) + "b"] {
            assert_eq!(parse(&format!("token={token}")).unwrap().token.expose(), token);
        }
    }

    #[test]
    fn an_unknown_hint_is_ignored() {
        let hint = |query: &str| parse(query).unwrap().hint;
        assert_eq!(
            hint("token=a&token_type_hint=refresh_token"),
            Some(TokenTypeHint::RefreshToken)
        );
        assert_eq!(hint("token=a&token_type_hint=access_token"), Some(TokenTypeHint::AccessToken));
        assert_eq!(hint("token=a&token_type_hint=saml"), None);
    }

    #[test]
    fn a_public_client_learns_about_its_own_tokens_only() {
        let spa = Client::new("app", ApplicationType::SPA);
        let web = Client::new("app", ApplicationType::Traditional);
        assert!(is_permitted(&spa, "app") && !is_permitted(&spa, "other"));
        assert!(is_permitted(&web, "other"));
    }

    #[test]
    fn the_answer_has_the_members_of_the_trace_in_its_order() {
        let active = ActiveToken {
            active: True,
            sub: "u".into(),
            client_id: "c".into(),
            exp: 2,
            iat: 1,
            iss: "i".into(),
            scope: Scope::parse("openid").unwrap(),
            token_type: None,
            cnf: None,
            act: None,
        };
        assert_eq!(
            serde_json::to_string(&IntrospectionResponse::Active(active)).unwrap(),
            r#"{"active":true,"sub":"u","client_id":"c","exp":2,"iat":1,"iss":"i","scope":"openid"}"#
        );
        assert_eq!(
            serde_json::to_string(&IntrospectionResponse::INACTIVE).unwrap(),
            r#"{"active":false}"#
        );
    }

    /// RFC 7662 §2.2: resource servers of any make read the answer, so every name in it is one of the registry's.
    #[test]
    fn every_member_of_the_answer_is_registered_and_of_its_registered_type() {
        let full = ActiveToken {
            active: True,
            sub: "u".into(),
            client_id: "c".into(),
            exp: 2,
            iat: 1,
            iss: "i".into(),
            scope: Scope::parse("openid profile").unwrap(),
            token_type: Some(TokenType::DPoP),
            cnf: Some(Confirmation { jkt: "k".into() }),
            act: Some(Actor { sub: "a".into() }),
        };
        let answer = serde_json::to_value(IntrospectionResponse::Active(full)).unwrap();
        let members = answer.as_object().unwrap();
        for (name, value) in members {
            // The second line is of RFC 8705 §3.2 and RFC 8693 §4.1.
            let fits = match name.as_str() {
                "scope" | "client_id" | "token_type" | "sub" | "iss" => value.is_string(),
                "cnf" | "act" => value.is_object(),
                "exp" | "iat" => value.is_i64(),
                "active" => value.is_boolean(),
                _ => false,
            };
            assert!(fits, "{name}: {value}");
        }
        assert_eq!(members.len(), 10);
        assert_eq!(answer["scope"], "openid profile");
    }
}
