//! DPoP proofs (RFC 9449) of the requests they come with.

use http::{HeaderMap, Method};
use trinco_core::{Result, Tenant, dpop};
use trinco_oauth::Client;
use trinco_oauth::dpop::{Presented, invalid};
use trinco_oauth::token::TokenType;

/// The header a proof comes in.
const DPOP: &str = "dpop";

/// The key that the POST of a client to `path` proves, when it has a proof: at the endpoints where tokens are asked for.
pub(crate) async fn key_of(
    tenant: &Tenant,
    client: &Client,
    headers: &HeaderMap,
    path: &str,
) -> Result<Option<String>> {
    verified(tenant, Some(client), headers, &Method::POST, path, None).await
}

/// The key that is proven beside an access token; `None` for a bearer token, whose request may not have a proof to show.
pub(crate) async fn key_of_presented(
    tenant: &Tenant,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    presented: &Presented,
) -> Result<Option<String>> {
    if presented.token_type == TokenType::Bearer {
        return Ok(None);
    }
    let token = presented.token.expose();
    match verified(tenant, None, headers, method, path, Some(token)).await? {
        Some(key) => Ok(Some(key)),
        None => Err(invalid("the token comes without a proof").into()),
    }
}

async fn verified(
    tenant: &Tenant,
    client: Option<&Client>,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    access_token: Option<&str>,
) -> Result<Option<String>> {
    let mut proofs = headers.get_all(DPOP).iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    // RFC 9449 §4.3 (1).
    if proofs.next().is_some() {
        return Err(invalid("there is more than one proof").into());
    }
    let proof = proof.to_str().map_err(|_| invalid("the proof is not text"))?;
    let url = format!("{}{path}", tenant.origin().base());
    dpop::verify(tenant, client, proof, method.as_str(), &url, access_token).await.map(Some)
}
