//! Claims: what ID tokens, userinfo and access tokens say (OpenID Connect Core §2, §5.1, §5.4; RFC 9068 §2.2).

mod custom;
mod requested;
mod table;
mod user;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::custom::CustomClaims;
pub use self::requested::{MAX_LENGTH as MAX_REQUEST, RequestedClaims};
pub use self::user::{Organization, OrganizationRole, Profile, SsoIdentity, UserClaims};
use crate::{
    dpop::Confirmation,
    scope::{OPENID, Scope},
};

/// Claims the operator may put into ID tokens or leave to userinfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtendedClaim {
    /// With scope `custom_data`.
    CustomData,
    /// With scope `identities`.
    Identities,
    /// With scope `identities`.
    SsoIdentities,
    /// With scope `roles`.
    Roles,
    /// With scope `urn:logto:scope:organizations`.
    Organizations,
    /// With scope `urn:logto:scope:organizations`.
    OrganizationData,
    /// With scope `urn:logto:scope:organization_roles`.
    OrganizationRoles,
}

impl ExtendedClaim {
    /// What ID tokens hold unless the operator says otherwise.
    pub const DEFAULT: [Self; 3] = [Self::Roles, Self::Organizations, Self::OrganizationRoles];
}

/// What an ID token says besides the user's claims.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenFacts<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The client, its audience.
    pub client_id: &'a str,
    /// Now: Unix seconds.
    pub issued_at: i64,
    /// Lifetime: seconds.
    pub ttl: i64,
    /// The nonce of the authorization request; stays in refreshed tokens.
    pub nonce: Option<&'a str>,
    /// When the user authenticated, Unix seconds; given when the request had `max_age`.
    pub auth_time: Option<i64>,
    /// The session, for clients that are told of its end (OpenID Connect Back-Channel Logout 1.0 §2.1).
    pub session_id: Option<&'a str>,
}

/// Which claims may be revealed: those of granted scopes, and single ones that were asked for (OpenID Connect Core §5.5).
#[derive(Debug, Clone, Copy)]
pub struct Reveal<'a> {
    /// The granted scopes.
    pub scope: &'a Scope,
    /// The claims asked for one by one.
    pub requested: &'a RequestedClaims,
    /// Whether those may go beyond the scopes. A third-party client's may not: its user was asked about scopes.
    pub beyond_scopes: bool,
}

impl Reveal<'_> {
    fn includes(&self, claim: &table::Claim, asked: &BTreeSet<String>, by_scope: bool) -> bool {
        let is_granted = self.scope.contains(claim.scope);
        let is_asked = asked.contains(claim.name);
        is_granted && (by_scope || is_asked) || is_asked && self.beyond_scopes
    }
}

/// OpenID Connect Core §5.5.1: a claim whose value is none of those it was asked for with is left out, whatever a scope gives.
fn is_wanted(wanted: &BTreeMap<String, Vec<Value>>, name: &str, value: &Value) -> bool {
    wanted.get(name).is_none_or(|accepted| accepted.contains(value))
}

/// The claims of an ID token, `None` without `openid`. There is no `at_hash`: it is optional in the code flow
/// (OpenID Connect Core §3.1.3.6).
#[must_use]
pub fn id_token(
    user: &UserClaims,
    reveal: &Reveal<'_>,
    extended: &[ExtendedClaim],
    facts: &IdTokenFacts<'_>,
) -> Option<Map<String, Value>> {
    if !reveal.scope.contains(OPENID) {
        return None;
    }
    let mut claims = user_claims(user, &reveal.requested.id_token_values, |claim| {
        let by_scope = claim.extended.is_none_or(|claim| extended.contains(&claim));
        reveal.includes(claim, &reveal.requested.id_token, by_scope)
    });
    for (name, value) in [
        ("aud", json!(facts.client_id)),
        ("exp", json!(facts.issued_at.saturating_add(facts.ttl))),
        ("iat", json!(facts.issued_at)),
        ("iss", json!(facts.issuer)),
    ] {
        claims.insert(name.to_owned(), value);
    }
    claims.extend(facts.nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
    claims.extend(facts.auth_time.map(|time| ("auth_time".to_owned(), json!(time))));
    claims.extend(facts.session_id.map(|id| ("sid".to_owned(), json!(id))));
    Some(claims)
}

/// The answer of the userinfo endpoint: every claim of the granted scopes, and those asked for. The caller has checked that the access
/// token is opaque and holds `openid` (OpenID Connect Core §5.3).
#[must_use]
pub fn userinfo(user: &UserClaims, reveal: &Reveal<'_>) -> Map<String, Value> {
    let wanted = &reveal.requested.userinfo_values;
    user_claims(user, wanted, |claim| reveal.includes(claim, &reveal.requested.userinfo, true))
}

fn user_claims(
    user: &UserClaims,
    wanted: &BTreeMap<String, Vec<Value>>,
    is_revealed: impl Fn(&table::Claim) -> bool,
) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(user.sub));
    for claim in table::CLAIMS {
        if is_revealed(claim)
            && let Some(value) = (claim.value)(user)
            && is_wanted(wanted, claim.name, &value)
        {
            claims.insert(claim.name.to_owned(), value);
        }
    }
    claims
}

/// The names discovery lists: `sub`, the user's claims, then those of the token itself.
pub fn supported() -> impl Iterator<Item = &'static str> {
    let user = table::CLAIMS.iter().map(|claim| claim.name);
    ["sub"].into_iter().chain(user).chain(["auth_time", "iss", "sid"])
}

/// The claims of a JWT access token (RFC 9068 §2.2), in the order clients have always seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// Unique.
    pub jti: String,
    /// The user, or the client itself.
    pub sub: String,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub exp: i64,
    /// Present even when empty.
    pub scope: Scope,
    /// Whom it was issued to.
    pub client_id: String,
    /// The issuer.
    pub iss: String,
    /// The resource indicator or the organization URN.
    pub aud: String,
    /// The organization a resource token is in the name of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The key it is bound to (RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Who acts in the subject's name (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// What the tenant adds: never a name of those above.
    #[serde(flatten)]
    pub custom: CustomClaims,
}

/// The `act` claim (RFC 8693 §4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The acting user.
    pub sub: String,
}

#[cfg(test)]
mod tests;
