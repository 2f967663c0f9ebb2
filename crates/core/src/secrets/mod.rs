//! The secret vault: tokens that other providers gave for a user, sealed at rest.

mod model;
mod store;

use trinco_db::{Conn, Tx};

pub use model::{NewTokenSet, Provider, TokenSet, TokenSetMetadata};

use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Secret, Tenant};

/// What is known of the tokens that other providers gave for a user.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub async fn of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<TokenSet>> {
    store::of_user(conn, user_id).await
}

/// Keeps tokens in place of those of the same account, and returns their id.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such user.
pub async fn keep(tenant: &Tenant, user_id: &str, new: NewTokenSet) -> Result<String> {
    let id = tenant.new_id();
    let sealed = tenant.sealer().seal(
        tenant.randomness(),
        &place(tenant, &id),
        new.tokens.reveal().as_bytes(),
    );
    let input = (id.clone(), user_id.to_owned(), new, sealed, tenant.now_ms());
    tenant
        .write(input, |tx, (id, user_id, new, sealed, now)| {
            Box::pin(async move {
                store::put(tx, id, user_id, new, sealed, *now).await.map_err(|error| match error {
                    Error::Database(trinco_db::Error::ForeignKey) => {
                        Error::not_found("users", user_id)
                    }
                    other => other,
                })
            })
        })
        .await?;
    Ok(id)
}

/// The tokens themselves, which the audit log notes.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn reveal(tenant: &Tenant, id: &str) -> Result<Secret> {
    let sealed = store::sealed(&mut tenant.read().await?, id).await?.ok_or_else(|| unknown(id))?;
    let tokens = tenant.sealer().open_text(&place(tenant, id), &sealed)?;
    audit::record(tenant, Entry::new(tenant, "Secret.Reveal", Outcome::Success).fact("id", id))
        .await?;
    Ok(tokens)
}

/// Deletes tokens.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    let entry = Entry::new(tenant, "Secret.Delete", Outcome::Success).fact("id", id);
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

/// Deletes the tokens of a user's account at a social provider, which is unlinked.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_target(tx: &mut Tx<'_>, user_id: &str, target: &str) -> Result<()> {
    store::delete_of_target(tx, user_id, target).await
}

fn place<'a>(tenant: &'a Tenant, id: &'a str) -> [&'a str; 3] {
    [tenant.id(), "secrets", id]
}

fn unknown(id: &str) -> Error {
    Error::not_found("secrets", id)
}
