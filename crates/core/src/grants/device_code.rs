//! The device code grant (RFC 8628 §3.4).

use trinco_oauth::token::{DeviceCodeRequest, DeviceDecision, TokenResponse, check_device_code};
use trinco_oauth::{Client, OAuthError};

use super::first_tokens::{self, OneTime, Redemption};
use super::store;
use crate::dpop::Proof;
use crate::{Result, Tenant, TokenHash, devices};

/// Exchanges a device code for tokens, once its user has allowed the device. It works once; presenting it again revokes what it
/// issued.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`; `invalid_grant` for a code that is unknown, spent,
/// another client's, or whose user is gone or suspended; `invalid_target`.
pub(super) async fn exchange(
    tenant: &Tenant,
    client: &Client,
    request: &DeviceCodeRequest,
    proof: Option<&Proof>,
) -> Result<TokenResponse> {
    let hash = TokenHash::of(request.device_code.expose());
    let now = tenant.now_ms();
    let mut conn = tenant.read().await?;
    let stored = devices::find(&mut conn, &hash)
        .await?
        .ok_or_else(|| OAuthError::invalid_grant("unknown device code"))?;
    let code = OneTime::DeviceCode(hash.clone());
    let issued = stored.issued();
    if let Err(refused) = check_device_code(client, &issued, now) {
        drop(conn);
        let is_pending = issued.decision == DeviceDecision::Pending
            && issued.client_id == client.client_id
            && now < issued.expires_at;
        if is_pending {
            tenant
                .write((hash, now), |tx, (hash, now)| Box::pin(devices::note_poll(tx, hash, *now)))
                .await?;
        } else if let (true, Some(grant_id)) = (refused.revoke_grant, &stored.grant_id) {
            first_tokens::revoke_replayed(tenant, &code, &client.client_id, grant_id).await?;
        }
        return Err(refused.error.into());
    }
    let grant = match &stored.grant_id {
        Some(id) => store::find_grant(&mut conn, id).await?,
        None => None,
    };
    let grant = grant.ok_or_else(|| OAuthError::invalid_grant("the grant was revoked"))?;
    let resource = request.resource.as_deref();
    let redemption = Redemption { client, code, grant, resource, proof };
    first_tokens::redeem(tenant, conn, redemption).await
}
