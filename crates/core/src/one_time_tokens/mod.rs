//! One-time tokens: whoever presents one proves an e-mail address, once. An operator makes them and sends them along, in a link.

mod model;
mod store;

use trinco_db::Tx;

pub use model::{Context, NewOneTimeToken, OneTimeToken, Status};

use store::StoredToken;

use crate::audit::{self, Entry, Outcome};
use crate::{Alphabet, Error, Listing, Page, Result, Secret, Tenant, TokenHash};

/// The length of a token.
const LENGTH: usize = 32;
/// What is noted when tokens are read in clear.
const REVEALED: &str = "OneTimeToken.Reveal";

/// Which tokens to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those for this address, in any letter case.
    pub email: Option<String>,
    /// Only those of this status.
    pub status: Option<Status>,
}

/// Lists tokens, the newest first. They are read in clear, which the audit log notes.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, filter: Filter, page: Page) -> Result<Listing<OneTimeToken>> {
    let now = tenant.now_ms();
    let (stored, total) = tenant
        .scan((filter, now, page), |conn, (filter, now, page)| {
            Box::pin(store::list(conn, filter, *now, *page))
        })
        .await?;
    let rows: Vec<OneTimeToken> =
        stored.into_iter().map(|stored| open(tenant, stored)).collect::<Result<_>>()?;
    if !rows.is_empty() {
        let ids: Vec<&str> = rows.iter().map(|token| token.id.as_str()).collect();
        audit::record(tenant, Entry::new(tenant, REVEALED, Outcome::Success).fact("ids", ids))
            .await?;
    }
    Ok(Listing { rows, total })
}

/// The token with this id, in clear, which the audit log notes.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<OneTimeToken> {
    let stored = store::find(&mut tenant.read().await?, id).await?.ok_or_else(|| unknown(id))?;
    let token = open(tenant, stored)?;
    let entry = Entry::new(tenant, REVEALED, Outcome::Success).fact("ids", vec![id]);
    audit::record(tenant, entry).await?;
    Ok(token)
}

/// Makes a token.
///
/// # Errors
/// `guard.invalid_input` when it would last for no time or too long, or let someone join too many organizations.
pub async fn create(tenant: &Tenant, new: NewOneTimeToken) -> Result<OneTimeToken> {
    let lifetime = new.lifetime()?;
    new.check_context()?;
    let (id, now) = (tenant.new_id(), tenant.now_ms());
    let token = Secret::new(Alphabet::Secret.random(tenant.randomness(), LENGTH));
    let sealed =
        tenant.sealer().seal(tenant.randomness(), &place(tenant, &id), token.reveal().as_bytes());
    let stored = StoredToken {
        id,
        email: new.email.into_string(),
        sealed,
        context: new.context,
        status: Status::Active,
        created_at: now,
        expires_at: now + lifetime * 1000,
    };
    let entry = Entry::new(tenant, "OneTimeToken.Create", Outcome::Success)
        .fact("id", stored.id.as_str())
        .fact("email", stored.email.as_str());
    let hash = TokenHash::of(token.reveal());
    tenant
        .write((stored.clone(), hash, entry), |tx, (stored, hash, entry)| {
            Box::pin(async move {
                store::insert(tx, stored, hash).await?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    open(tenant, stored)
}

/// Spends a token that proves this address.
///
/// # Errors
/// `one_time_token.token_not_found`, `email_mismatch`, `token_consumed`, `token_revoked` or `token_expired`, in this order.
pub async fn verify(tenant: &Tenant, token: &Secret, email: &str) -> Result<OneTimeToken> {
    let hash = TokenHash::of(token.reveal());
    let entry = Entry::new(tenant, "OneTimeToken.Verify", Outcome::Success);
    let input = (hash, email.to_lowercase(), tenant.now_ms(), entry);
    let stored = tenant
        .write(input, |tx, (hash, email, now, entry)| {
            Box::pin(async move {
                let stored = spend(tx, hash, email, *now).await?;
                audit::append(tx, &entry.clone().fact("id", stored.id.as_str())).await?;
                Ok(stored)
            })
        })
        .await?;
    open(tenant, stored)
}

async fn spend(
    tx: &mut Tx<'_>,
    hash: &TokenHash,
    email_folded: &str,
    now_ms: i64,
) -> Result<StoredToken> {
    let not_found = || Error::refused("one_time_token.token_not_found");
    let found = store::find_by_hash(tx, hash).await?.ok_or_else(not_found)?;
    if found.email.to_lowercase() != email_folded {
        return Err(Error::refused("one_time_token.email_mismatch"));
    }
    if store::consume(tx, &found.id, now_ms).await? {
        return Ok(StoredToken { status: Status::Consumed, ..found });
    }
    // Somebody may have been quicker since it was read.
    let now = store::find(tx, &found.id).await?.ok_or_else(not_found)?;
    Err(Error::refused(match now.status {
        Status::Consumed => "one_time_token.token_consumed",
        Status::Revoked => "one_time_token.token_revoked",
        Status::Active | Status::Expired => "one_time_token.token_expired",
    }))
}

/// Changes what has become of a token.
///
/// # Errors
/// `one_time_token.cannot_reactivate_token`; `entity.not_exists_with_id`.
pub async fn set_status(tenant: &Tenant, id: &str, status: Status) -> Result<OneTimeToken> {
    if status == Status::Active {
        return Err(Error::refused("one_time_token.cannot_reactivate_token"));
    }
    let entry = Entry::new(tenant, "OneTimeToken.Update", Outcome::Success)
        .fact("id", id)
        .fact("status", status.as_str());
    let stored = tenant
        .write((id.to_owned(), status, entry), |tx, (id, status, entry)| {
            Box::pin(async move {
                if !store::set_status(tx, id, *status).await? {
                    return Err(unknown(id));
                }
                audit::append(tx, entry).await?;
                store::find(tx, id).await?.ok_or_else(|| unknown(id))
            })
        })
        .await?;
    open(tenant, stored)
}

/// Deletes a token.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    let entry = Entry::new(tenant, "OneTimeToken.Delete", Outcome::Success).fact("id", id);
    tenant
        .write((id.to_owned(), entry), |tx, (id, entry)| {
            Box::pin(async move {
                if !store::delete(tx, id).await? {
                    return Err(unknown(id));
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

fn open(tenant: &Tenant, stored: StoredToken) -> Result<OneTimeToken> {
    let is_over = stored.status == Status::Active && stored.expires_at <= tenant.now_ms();
    Ok(OneTimeToken {
        tenant_id: tenant.id().to_owned(),
        token: tenant.sealer().open_text(&place(tenant, &stored.id), &stored.sealed)?,
        id: stored.id,
        email: stored.email,
        context: stored.context,
        status: if is_over { Status::Expired } else { stored.status },
        created_at: stored.created_at,
        expires_at: stored.expires_at,
    })
}

fn place<'a>(tenant: &'a Tenant, id: &'a str) -> [&'a str; 3] {
    [tenant.id(), "one_time_tokens", id]
}

fn unknown(id: &str) -> Error {
    Error::not_found("one_time_tokens", id)
}
