//! Token exchange (RFC 8693): the request, and how far the subject token reaches.

use super::{AccessTokenKind, MAX_TOKEN, organization_id, secret};
use crate::{
    error::OAuthError,
    grant::GrantedScopes,
    params::Params,
    scope::{OFFLINE_ACCESS, Scope},
    secret::Secret,
};

/// The token type of access tokens (RFC 8693 §3): what is issued, and one of the kinds that are taken.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// How subject tokens of an older kind begin; those clients call them access tokens.
const IMPERSONATION_PREFIX: &str = "sub_";

/// The kinds of subject token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectTokenType {
    /// An access token of this issuer, opaque or a JWT.
    AccessToken,
    /// A token an administrator made to act as a user, once.
    Impersonation,
    /// A token a user keeps.
    PersonalAccessToken,
}

impl SubjectTokenType {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::Impersonation, Self::PersonalAccessToken];

    /// The value of `subject_token_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => ACCESS_TOKEN_TYPE,
            Self::Impersonation => "urn:logto:token-type:impersonation_token",
            Self::PersonalAccessToken => "urn:logto:token-type:personal_access_token",
        }
    }
}

/// RFC 8693 §2.1.
#[derive(Debug, Clone)]
pub struct TokenExchangeRequest {
    /// Whom the new token is about.
    pub subject_token: Secret,
    /// What it is.
    pub subject_token_type: SubjectTokenType,
    /// Who acts: an access token.
    pub actor_token: Option<Secret>,
    /// What is asked for.
    pub scope: Scope,
    /// RFC 8707 §2.2.
    pub resource: Option<String>,
    /// The organization the token is for.
    pub organization_id: Option<String>,
}

impl TokenExchangeRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `invalid_request` for a missing parameter or a token type that is not taken or issued; `invalid_target` for an
    /// `audience`, which is not supported.
    pub(super) fn parse(params: &Params, resource: Option<String>) -> Result<Self, OAuthError> {
        let subject_token = secret(params, "subject_token")?;
        let named = params.required("subject_token_type")?;
        let subject_token_type = SubjectTokenType::ALL
            .into_iter()
            .find(|kind| kind.as_str() == named)
            .ok_or_else(|| OAuthError::invalid_request("subject_token_type is not supported"))?;
        let subject_token_type = match subject_token_type {
            SubjectTokenType::AccessToken
                if subject_token.expose().starts_with(IMPERSONATION_PREFIX) =>
            {
                SubjectTokenType::Impersonation
            }
            other => other,
        };
        if params.get("requested_token_type").is_some_and(|asked| asked != ACCESS_TOKEN_TYPE) {
            return Err(OAuthError::invalid_request("only access tokens are issued"));
        }
        // RFC 8693 §2.2.2: a target that cannot be served is refused, not left out.
        if params.get("audience").is_some() {
            return Err(OAuthError::invalid_target("audience is not supported, use resource"));
        }
        let actor_token = params.limited("actor_token", MAX_TOKEN)?.map(Secret::new);
        match (&actor_token, params.get("actor_token_type")) {
            (None, None) | (Some(_), Some(ACCESS_TOKEN_TYPE)) => {}
            (Some(_), Some(_)) => {
                return Err(OAuthError::invalid_request("actor_token_type is not supported"));
            }
            // RFC 8693 §2.1: either both or none.
            _ => {
                return Err(OAuthError::invalid_request(
                    "actor_token and actor_token_type go together",
                ));
            }
        }
        Ok(Self {
            subject_token,
            subject_token_type,
            actor_token,
            scope: Scope::parse(params.get("scope").unwrap_or_default())?,
            resource,
            organization_id: organization_id(params)?,
        })
    }
}

/// What the subject token was good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangedTarget {
    /// A token that stands for the user as such: impersonation and personal access tokens.
    User,
    /// An opaque access token with this scope, of a grant.
    Opaque {
        /// Of the token.
        scope: Scope,
        /// Of its grant.
        granted: GrantedScopes,
    },
    /// A JWT access token.
    Jwt {
        /// Its `aud`.
        audience: String,
        /// Its `organization_id`.
        organization_id: Option<String>,
        /// Its `scope`.
        scope: Scope,
    },
}

impl ExchangedTarget {
    /// The most the new token may have, where the subject token had something to say about its target. An exchange does
    /// not widen a token.
    fn limit(&self, kind: &AccessTokenKind) -> Option<&Scope> {
        match self {
            Self::User => None,
            Self::Opaque { scope, granted } => match kind {
                AccessTokenKind::Opaque => Some(scope),
                AccessTokenKind::Resource { indicator, .. } => granted.resources.get(indicator),
                AccessTokenKind::Organization { .. } => None,
            },
            Self::Jwt { audience, organization_id, scope } => {
                let same = kind.audience().as_deref() == Some(audience)
                    && kind.organization_id_claim() == organization_id.as_deref();
                same.then_some(scope)
            }
        }
    }
}

/// The scope of the new token: what is asked for and the user's roles permit on the target (`permitted`, without
/// meaning for an opaque token), no wider than the subject token's own on the same target. There is no refresh token,
/// so no `offline_access`.
#[must_use]
pub fn exchanged_scope(
    kind: &AccessTokenKind,
    requested: &Scope,
    permitted: &Scope,
    subject: &ExchangedTarget,
) -> Scope {
    let scope = match kind {
        AccessTokenKind::Opaque => requested.reserved().without(OFFLINE_ACCESS),
        AccessTokenKind::Resource { .. } | AccessTokenKind::Organization { .. } => {
            requested.intersection(permitted)
        }
    };
    match subject.limit(kind) {
        Some(limit) => scope.intersection(limit),
        None => scope,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorCode;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn parse(query: &str) -> Result<TokenExchangeRequest, OAuthError> {
        TokenExchangeRequest::parse(&Params::from_query(query).unwrap(), None)
    }

    #[test]
    fn an_access_token_that_begins_like_a_subject_token_is_one() {
        let of = |token: &str, kind: &str| {
            let query = format!("subject_token={token}&subject_token_type={kind}");
            parse(&query).unwrap().subject_token_type
        };
        assert_eq!(of("sub_abc", ACCESS_TOKEN_TYPE), SubjectTokenType::Impersonation);
        assert_eq!(of("abc", ACCESS_TOKEN_TYPE), SubjectTokenType::AccessToken);
        for kind in SubjectTokenType::ALL {
            assert_eq!(of("abc", kind.as_str()), kind);
        }
    }

    #[test]
    fn token_types_that_are_not_taken_or_issued_are_refused() {
        let good = format!("subject_token=t&subject_token_type={ACCESS_TOKEN_TYPE}");
        assert!(parse(&good).is_ok());
        assert!(parse(&format!("{good}&requested_token_type={ACCESS_TOKEN_TYPE}")).is_ok());
        let actor = format!("{good}&actor_token=a&actor_token_type={ACCESS_TOKEN_TYPE}");
        assert!(parse(&actor).unwrap().actor_token.is_some());
        for (query, error) in [
            ("subject_token=t".to_owned(), ErrorCode::InvalidRequest),
            (format!("subject_token_type={ACCESS_TOKEN_TYPE}"), ErrorCode::InvalidRequest),
            ("subject_token=t&subject_token_type=jwt".to_owned(), ErrorCode::InvalidRequest),
            (format!("{good}&requested_token_type=jwt"), ErrorCode::InvalidRequest),
            (format!("{good}&actor_token=a"), ErrorCode::InvalidRequest),
            (format!("{good}&actor_token_type={ACCESS_TOKEN_TYPE}"), ErrorCode::InvalidRequest),
            (format!("{good}&actor_token=a&actor_token_type=jwt"), ErrorCode::InvalidRequest),
            (format!("{good}&audience=x"), ErrorCode::InvalidTarget),
        ] {
            assert_eq!(parse(&query).unwrap_err().error, error, "{query}");
        }
    }

    #[test]
    fn a_token_for_the_same_target_is_no_wider_than_its_subject() {
        let api = AccessTokenKind::for_exchange(Some("https://a.example"), None).unwrap();
        let subject = ExchangedTarget::Jwt {
            audience: "https://a.example".to_owned(),
            organization_id: None,
            scope: scope("read"),
        };
        let all = scope("read write");
        assert_eq!(exchanged_scope(&api, &all, &all, &subject), scope("read"));
        let other = AccessTokenKind::for_exchange(Some("https://b.example"), None).unwrap();
        assert_eq!(exchanged_scope(&other, &all, &scope("write"), &subject), scope("write"));

        let opaque = AccessTokenKind::for_exchange(None, None).unwrap();
        let granted = GrantedScopes {
            scope: scope("openid profile"),
            resources: [("https://a.example".to_owned(), scope("write"))].into(),
        };
        let subject = ExchangedTarget::Opaque { scope: scope("openid profile"), granted };
        let asked = scope("openid email offline_access");
        assert_eq!(exchanged_scope(&opaque, &asked, &Scope::empty(), &subject), scope("openid"));
        assert_eq!(exchanged_scope(&api, &all, &all, &subject), scope("write"));
        let asked = exchanged_scope(&opaque, &asked, &Scope::empty(), &ExchangedTarget::User);
        assert_eq!(asked, scope("openid email"));
    }

    fn scopes() -> impl Strategy<Value = Scope> {
        prop::collection::vec("[a-d]", 0..4).prop_map(Scope::from_iter)
    }

    proptest! {
        #[test]
        fn an_exchange_never_widens(asked in scopes(), permitted in scopes(), had in scopes()) {
            let kind = AccessTokenKind::for_exchange(Some("https://a.example"), None).unwrap();
            let subject = ExchangedTarget::Jwt {
                audience: "https://a.example".to_owned(),
                organization_id: None,
                scope: had.clone(),
            };
            let scope = exchanged_scope(&kind, &asked, &permitted, &subject);
            prop_assert!(scope.is_subset_of(&asked));
            prop_assert!(scope.is_subset_of(&permitted));
            prop_assert!(scope.is_subset_of(&had));
            let free = exchanged_scope(&kind, &asked, &permitted, &ExchangedTarget::User);
            prop_assert_eq!(free, asked.intersection(&permitted));
        }
    }
}
