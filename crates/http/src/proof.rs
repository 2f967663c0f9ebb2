//! DPoP proofs (RFC 9449) of the requests they come with.

use http::{HeaderMap, Method};
use trinco_core::dpop::{self, Proof};
use trinco_core::{Result, Tenant};
use trinco_oauth::Client;
use trinco_oauth::dpop::{Presented, invalid};
use trinco_oauth::token::TokenType;

/// The header a proof comes in.
const DPOP: &str = "dpop";

/// The proof of a client's POST to `path`, when it has one: at the endpoints where tokens are asked for. It is not spent yet.
pub(crate) fn of_client(
    tenant: &Tenant,
    client: &Client,
    headers: &HeaderMap,
    path: &str,
) -> Result<Option<Proof>> {
    read(tenant, Some(client), headers, &Method::POST, path, None)
}

/// The proof beside an access token, to be spent once the token is found good; `None` for a bearer token, whose request may not have a
/// proof to show.
pub(crate) fn of_presented(
    tenant: &Tenant,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    presented: &Presented,
) -> Result<Option<Proof>> {
    if presented.token_type == TokenType::Bearer {
        return Ok(None);
    }
    let token = presented.token.expose();
    match read(tenant, None, headers, method, path, Some(token))? {
        Some(proof) => Ok(Some(proof)),
        None => Err(invalid("the token comes without a proof").into()),
    }
}

fn read(
    tenant: &Tenant,
    client: Option<&Client>,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    access_token: Option<&str>,
) -> Result<Option<Proof>> {
    let mut proofs = headers.get_all(DPOP).iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    // RFC 9449 §4.3 (1).
    if proofs.next().is_some() {
        return Err(invalid("there is more than one proof").into());
    }
    let proof = proof.to_str().map_err(|_| invalid("the proof is not text"))?;
    let url = format!("{}{path}", tenant.origin().base());
    dpop::read(tenant, client, proof, method.as_str(), &url, access_token).map(Some)
}
