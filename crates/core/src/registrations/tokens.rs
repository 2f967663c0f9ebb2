//! Initial access tokens (RFC 7591 §3): an operator gives them to those who may register clients.

use super::model::{InitialAccessToken, NewInitialAccessToken};
use super::store;
use crate::{Error, Result, Secret, Tenant, TokenHash};

/// Every token, the newest first, without its value.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant) -> Result<Vec<InitialAccessToken>> {
    store::tokens(&mut tenant.read().await?).await
}

/// Creates a token; the value is told now and never again.
///
/// # Errors
/// `guard.invalid_input` when it would have expired already.
pub async fn create(
    tenant: &Tenant,
    new: NewInitialAccessToken,
) -> Result<(InitialAccessToken, Secret)> {
    let now = tenant.now_ms();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid_field("expiresAt", "must be in the future"));
    }
    let value = Secret::new(tenant.new_token());
    let token = InitialAccessToken {
        id: tenant.new_id(),
        name: new.name.into_string(),
        uses: 0,
        max_uses: new.max_uses.map(super::Between::get),
        created_at: now,
        expires_at: new.expires_at,
    };
    tenant
        .write((token.clone(), TokenHash::of(value.reveal())), |tx, (token, hash)| {
            Box::pin(store::insert_token(tx, token, hash))
        })
        .await?;
    Ok((token, value))
}

/// Revokes a token: nobody registers with it any more. Clients that did stay.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn revoke(tenant: &Tenant, id: &str) -> Result<()> {
    tenant
        .write(id.to_owned(), |tx, id| {
            Box::pin(async move {
                if store::delete_token(tx, id).await? {
                    Ok(())
                } else {
                    Err(Error::not_found("initial access tokens", id))
                }
            })
        })
        .await
}
