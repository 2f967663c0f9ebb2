//! Subject tokens: an administrator makes one to act as a user, an application exchanges it for an access token (RFC 8693), once.

mod model;
mod store;

use trinco_db::{Conn, Tx};

pub use model::{NewSubjectToken, SubjectToken};

use model::{LIFETIME_MS, PREFIX};

use crate::audit::{self, Entry, Outcome};
use crate::{Alphabet, Error, JsonObject, Result, Secret, Tenant, TokenHash, users};

/// Makes a subject token for a user. It works once, for ten minutes; only its hash is kept.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such user.
pub async fn create(tenant: &Tenant, new: NewSubjectToken) -> Result<SubjectToken> {
    let user_id = new.user_id.into_string();
    users::get(tenant, &user_id).await?;
    let random = Alphabet::Id.random(tenant.randomness(), 21);
    let value = Secret::new(format!("{PREFIX}{random}"));
    let stored = store::StoredSubjectToken {
        hash: TokenHash::of(value.reveal()),
        context: serde_json::to_string(&new.context)?,
        created_at: tenant.now_ms(),
        expires_at: tenant.now_ms() + LIFETIME_MS,
        user_id,
    };
    let entry = Entry::new(tenant, "SubjectToken.Create", Outcome::Success).user(&stored.user_id);
    tenant
        .write((stored, entry), |tx, (stored, entry)| {
            Box::pin(async move {
                // The user may have been deleted since.
                store::insert(tx, stored)
                    .await
                    .map_err(|error| error.if_missing("entity.not_found"))?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(SubjectToken { value, expires_in: LIFETIME_MS / 1000 })
}

/// The user a live subject token stands for, and what was said about why; `None` for one that is unknown, expired or spent.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn find(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
    now_ms: i64,
) -> Result<Option<(String, JsonObject)>> {
    store::find(conn, hash, now_ms).await
}

/// Spends a subject token in the transaction that stores what it is exchanged for.
///
/// # Errors
/// `invalid_grant` when it was spent before, or is no longer live.
pub(crate) async fn spend(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<()> {
    if store::spend(tx, hash, now_ms).await? {
        Ok(())
    } else {
        Err(Error::from(trinco_oauth::OAuthError::invalid_grant("subject token was used before")))
    }
}
