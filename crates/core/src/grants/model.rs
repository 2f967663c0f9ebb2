//! What a grant is, and the tokens that come from it.

use trinco_oauth::claims::RequestedClaims;
use trinco_oauth::grant::GrantedScopes;

use crate::TokenHash;

/// An authorization code lasts 60 seconds: milliseconds (RFC 6749 §4.1.2 allows ten minutes at most).
pub(super) const CODE_LIFETIME_MS: i64 = 60_000;
/// A grant whose code nobody redeems goes after an hour, as its code does once it has expired: milliseconds. Device codes last ten minutes.
pub(super) const UNREDEEMED_LIFETIME_MS: i64 = 3_600_000;
/// An opaque access token lasts an hour: seconds.
pub(super) const OPAQUE_TOKEN_LIFETIME: i64 = 3600;
/// A token for an organization lasts an hour: seconds.
pub(crate) const ORGANIZATION_TOKEN_LIFETIME: i64 = 3600;

/// What a user allowed a client, with the circumstances its tokens repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// 21 characters.
    pub id: String,
    /// Who allowed it.
    pub user_id: String,
    /// Whom.
    pub client_id: String,
    /// In which browser session.
    pub session_id: Option<String>,
    /// What.
    pub scopes: GrantedScopes,
    /// When the user had signed in: Unix milliseconds.
    pub authenticated_at: i64,
    /// The nonce of the authorization request, repeated in every ID token (OpenID Connect Core §12.2 allows it).
    pub nonce: Option<String>,
    /// Whether every ID token says when the user authenticated: the authorization request had `max_age` (OpenID Connect Core §2)
    /// or asked for it.
    pub with_auth_time: bool,
    /// The claims that were asked for one by one.
    pub claims: RequestedClaims,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds. Soon, until its code is redeemed.
    pub expires_at: i64,
}

/// The first tokens of a grant are issued: it is one that lasts now.
#[derive(Clone, Debug)]
pub(super) struct Redeemed {
    pub(super) grant: Grant,
    /// What it counts as towards the limit of its client: the grants of a user and client with one value are one.
    pub(super) counts_as: String,
    /// The limit, if there is one.
    pub(super) most: Option<u32>,
}

/// An authorization code as it is kept.
#[derive(Clone, Debug)]
pub(super) struct StoredCode {
    pub(super) hash: TokenHash,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) code_challenge: Option<String>,
    /// The key it must be exchanged with.
    pub(super) dpop_jkt: Option<String>,
    pub(super) expires_at: i64,
    pub(super) consumed_at: Option<i64>,
}

/// A refresh token as it is kept: times in Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct StoredRefreshToken {
    pub(super) hash: TokenHash,
    pub(super) grant_id: String,
    pub(super) rotation_key_id: String,
    pub(super) chain_started_at: i64,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    pub(super) consumed_at: Option<i64>,
    /// The key it must be used with: of public clients alone (RFC 9449 §5).
    pub(super) dpop_jkt: Option<String>,
}

/// An opaque access token as it is kept: times in Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct StoredAccessToken {
    pub(super) hash: TokenHash,
    pub(super) grant_id: String,
    pub(super) scope: String,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    /// The key it must be used with.
    pub(super) dpop_jkt: Option<String>,
    /// Who acts as the user (RFC 8693 §4.1).
    pub(super) actor_id: Option<String>,
}
