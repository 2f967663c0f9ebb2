//! Making the tokens of a grant.

use trinco_oauth::claims::{self, AccessTokenClaims, CustomClaims, IdTokenFacts, Reveal};
use trinco_oauth::dpop::Confirmation;
use trinco_oauth::token::AccessTokenKind;
use trinco_oauth::{Client, OAuthError, Scope};

use super::model::{
    Grant, OPAQUE_TOKEN_LIFETIME, ORGANIZATION_TOKEN_LIFETIME, StoredAccessToken,
    StoredRefreshToken,
};
use crate::authorization::Subject;
use crate::clients::{self, Standing};
use crate::{Error, JsonObject, Result, Secret, Snapshot, Tenant, TokenHash};

/// The `typ` of JWT access tokens (RFC 9068 §2.1).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// An access token that is decided but not yet made.
pub(super) enum Planned {
    /// A random string, to be stored.
    Opaque { token: Secret, stored: StoredAccessToken },
    /// A JWT, to be signed.
    Jwt(AccessTokenClaims),
}

/// An access token that is made, before anything is spent for it: one that cannot be signed costs nobody a code.
pub(super) enum Made {
    /// A random string, to be stored.
    Opaque { token: Secret, stored: StoredAccessToken },
    /// A JWT and its lifetime in seconds.
    Jwt { token: String, expires_in: i64 },
}

/// Decides an access token of a grant, which it does not outlive, bound to the key that was proven, if one was.
pub(super) fn plan(
    tenant: &Tenant,
    snapshot: &Snapshot,
    client: &Client,
    grant: &Grant,
    kind: &AccessTokenKind,
    scope: Scope,
    proven_key: Option<&str>,
) -> Result<Planned> {
    if let Some(audience) = kind.audience() {
        let mut claims =
            jwt_claims(tenant, snapshot, client, kind, audience, &grant.user_id, scope)?;
        claims.exp = claims.exp.min(grant.expires_at.div_euclid(1000));
        claims.cnf = confirmation(proven_key);
        return Ok(Planned::Jwt(claims));
    }
    let token = Secret::new(tenant.new_token());
    let now = tenant.now_ms();
    let ends_at = now + client.access_token_ttl(OPAQUE_TOKEN_LIFETIME) * 1000;
    let stored = StoredAccessToken {
        hash: TokenHash::of(token.reveal()),
        grant_id: grant.id.clone(),
        scope: scope.to_string(),
        created_at: now,
        expires_at: ends_at.min(grant.expires_at),
        dpop_jkt: proven_key.map(str::to_owned),
        actor_id: None,
    };
    Ok(Planned::Opaque { token, stored })
}

/// Refuses a token for a resource that nobody has registered. One that was just added by another node counts.
pub(super) async fn check_resource(tenant: &Tenant, kind: &AccessTokenKind) -> Result<()> {
    let AccessTokenKind::Resource { indicator, .. } = kind else { return Ok(()) };
    let known =
        tenant.find(|snapshot| snapshot.resources.by_indicator(indicator).map(|_| ())).await?;
    known.ok_or_else(|| OAuthError::invalid_target("resource indicator is unknown").into())
}

/// The claims of a JWT access token. A resource decides how long its tokens live, and the client may allow less.
pub(super) fn jwt_claims(
    tenant: &Tenant,
    snapshot: &Snapshot,
    client: &Client,
    kind: &AccessTokenKind,
    audience: String,
    subject: &str,
    scope: Scope,
) -> Result<AccessTokenClaims> {
    let ttl = match kind {
        AccessTokenKind::Resource { indicator, .. } => {
            let entry = snapshot.resources.by_indicator(indicator);
            entry
                .ok_or_else(|| OAuthError::invalid_target("resource indicator is unknown"))?
                .resource
                .access_token_ttl
        }
        AccessTokenKind::Organization { .. } | AccessTokenKind::Opaque => {
            ORGANIZATION_TOKEN_LIFETIME
        }
    };
    let now = tenant.now();
    Ok(AccessTokenClaims {
        jti: tenant.new_token(),
        sub: subject.to_owned(),
        iat: now,
        exp: now + client.access_token_ttl(ttl),
        scope,
        client_id: client.client_id.clone(),
        iss: tenant.issuer().to_owned(),
        aud: audience,
        organization_id: kind.organization_id_claim().map(str::to_owned),
        act: None,
        cnf: None,
        custom: CustomClaims::default(),
    })
}

/// The `cnf` of a token bound to this key.
pub(super) fn confirmation(proven_key: Option<&str>) -> Option<Confirmation> {
    proven_key.map(|key| Confirmation { jkt: key.to_owned() })
}

/// The key a refresh token is bound to that is issued now. A public client's is bound to the key that was proven: nothing else shows
/// whose it is (RFC 9449 §5).
pub(super) fn key_of_refresh_token(client: &Client, proven_key: Option<&str>) -> Option<String> {
    proven_key.filter(|_| !client.is_confidential()).map(str::to_owned)
}

/// The first refresh token of a grant.
pub(super) fn first_refresh_token(
    tenant: &Tenant,
    snapshot: &Snapshot,
    client: &Client,
    grant: &Grant,
    proven_key: Option<&str>,
) -> (Secret, StoredRefreshToken) {
    let token = Secret::new(tenant.new_token());
    let now = tenant.now_ms();
    let stored = StoredRefreshToken {
        hash: TokenHash::of(token.reveal()),
        grant_id: grant.id.clone(),
        rotation_key_id: snapshot.keys.current_rotation().id.clone(),
        chain_started_at: now,
        created_at: now,
        expires_at: (trinco_oauth::refresh::expires_at(client, None, tenant.now()) * 1000)
            .min(grant.expires_at),
        consumed_at: None,
        dpop_jkt: key_of_refresh_token(client, proven_key),
    };
    (token, stored)
}

impl Made {
    /// What is to be stored in the transaction.
    pub(super) fn stored(&self) -> Option<StoredAccessToken> {
        match self {
            Self::Opaque { stored, .. } => Some(stored.clone()),
            Self::Jwt { .. } => None,
        }
    }

    /// The token itself and its lifetime in seconds.
    pub(super) fn into_token(self) -> (String, i64) {
        match self {
            Self::Opaque { token, stored } => {
                (token.reveal().clone(), (stored.expires_at - stored.created_at) / 1000)
            }
            Self::Jwt { token, expires_in } => (token, expires_in),
        }
    }
}

/// Signs a JWT access token.
pub(super) fn sign_access_token(
    snapshot: &Snapshot,
    client: &Client,
    claims: &AccessTokenClaims,
) -> Result<String> {
    let key = snapshot.keys.signing_for(client)?;
    key.sign_jwt(Some(ACCESS_TOKEN_TYPE), claims).map_err(unsigned)
}

/// The claims of the ID token of a grant, when it has `openid`.
pub(super) fn id_token_claims(
    tenant: &Tenant,
    snapshot: &Snapshot,
    client: &Client,
    grant: &Grant,
    subject: &Subject,
) -> Option<JsonObject> {
    let facts = IdTokenFacts {
        issuer: tenant.issuer(),
        client_id: &client.client_id,
        issued_at: tenant.now(),
        ttl: client.id_token_ttl,
        nonce: grant.nonce.as_deref(),
        auth_time: grant.with_auth_time.then(|| grant.authenticated_at.div_euclid(1000)),
        session_id: grant.session_id.as_deref().filter(|_| client.wants_session_id()),
    };
    let user = subject.claims(snapshot);
    let extended = &snapshot.oidc_settings.enabled_extended_claims;
    let reveal = reveal(snapshot, grant, &grant.scopes.scope);
    claims::id_token(&user, &reveal, extended, &facts)
}

/// Signs an ID token.
pub(super) fn sign_id_token(
    snapshot: &Snapshot,
    client: &Client,
    claims: &JsonObject,
) -> Result<String> {
    let key = snapshot.keys.signing_for(client)?;
    key.sign_jwt(None, claims).map_err(unsigned)
}

/// What a client learns of its user with these scopes.
pub(super) fn reveal<'a>(snapshot: &Snapshot, grant: &'a Grant, scope: &'a Scope) -> Reveal<'a> {
    let is_first_party =
        matches!(clients::standing(snapshot, &grant.client_id), Standing::FirstParty);
    Reveal { scope, requested: &grant.claims, beyond_scopes: is_first_party }
}

fn unsigned(error: trinco_jose::SignError) -> Error {
    Error::Internal(format!("a token cannot be signed: {error}"))
}
