//! Clients that authenticate with a key of their own (`private_key_jwt`, RFC 7523 §3).

use trinco_jose::{Algorithm, Audience, Expectation, TokenType};
use trinco_oauth::OAuthError;
use trinco_oauth::client_assertion::{self, CLOCK_SKEW, Claims, Names};

use super::RegisteredClient;
use crate::keys::FAPI_ALGORITHMS;
use crate::{Result, Tenant, replay};

/// What an assertion may be signed with.
pub(super) const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

/// Authenticates a client by an assertion, which is spent by that. `endpoint` is the URL the assertion was sent to.
///
/// # Errors
/// `invalid_client`, whatever is wrong with it.
pub async fn verify_assertion(
    tenant: &Tenant,
    registered: &RegisteredClient,
    assertion: &str,
    endpoint: &str,
) -> Result<()> {
    let client_id = &registered.client.client_id;
    let now = tenant.now();
    let skew = u32::try_from(CLOCK_SKEW).unwrap_or_default();
    // Type and audience are among what `client_assertion::check` looks at.
    let client = &registered.client;
    let algorithms: &[Algorithm] = if client.is_fapi2() { &FAPI_ALGORITHMS } else { &ALGORITHMS };
    let expectation = Expectation::new(TokenType::Any, client_id, Audience::Any, now)
        .algorithms(algorithms)
        .leeway_seconds(skew);
    let verified = registered
        .keys
        .verify::<Claims>(assertion, &expectation)
        .map_err(|error| OAuthError::invalid_client(error.to_string()))?;
    let claims = &verified.claims;
    let token_endpoint = format!("{}/token", tenant.issuer());
    let names = Names { issuer: tenant.issuer(), endpoints: &[&token_endpoint, endpoint] };
    client_assertion::check(claims, verified.header.typ.as_deref(), client, names, now)?;
    let replayed = OAuthError::invalid_client("the assertion was used before");
    let (kind, until) = (replay::Proof::ClientAssertion, claims.exp + CLOCK_SKEW);
    replay::spend(tenant, kind, client_id, &claims.jti, until, replayed).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_discovery_lists_is_what_is_accepted() {
        let listed = client_assertion::ALGORITHMS.map(|name| name.parse().expect("a known name"));
        assert!(listed.iter().all(|algorithm| ALGORITHMS.contains(algorithm)), "{listed:?}");
        assert!(ALGORITHMS.iter().all(|algorithm| listed.contains(algorithm)), "{listed:?}");
    }
}
