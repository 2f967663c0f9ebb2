//! Personal access tokens: a user's own keys for scripts, exchanged for access tokens (RFC 8693).

mod model;
mod store;

use trinco_db::Conn;

pub use model::{NewPersonalAccessToken, PersonalAccessToken};

use crate::audit::{self, Entry, Outcome};
use crate::{Alphabet, Error, Result, Secret, Tenant, Text, TokenHash, users};

/// How every personal access token begins.
const PREFIX: &str = "pat_";

/// The personal access tokens of a user, the oldest first, expired ones too. They are read in clear, which the audit log notes.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn list(tenant: &Tenant, user_id: &str) -> Result<Vec<PersonalAccessToken>> {
    users::get(tenant, user_id).await?;
    let stored = store::all_of_user(&mut tenant.read().await?, user_id).await?;
    if !stored.is_empty() {
        let names: Vec<&str> = stored.iter().map(|stored| stored.name.as_str()).collect();
        let entry = entry(tenant, "PersonalAccessToken.Reveal", user_id).fact("names", names);
        audit::record(tenant, entry).await?;
    }
    stored.into_iter().map(|stored| open(tenant, user_id, stored)).collect()
}

/// Creates a personal access token.
///
/// # Errors
/// `request.invalid_input` when it would have expired already; `user.personal_access_token_name_exists`;
/// `entity.relation_foreign_key_not_found` when there is no such user.
pub async fn create(
    tenant: &Tenant,
    user_id: &str,
    new: NewPersonalAccessToken,
) -> Result<PersonalAccessToken> {
    let now = tenant.now_ms();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::refused("request.invalid_input"));
    }
    let random = Alphabet::Secret.random(tenant.randomness(), 32);
    let value = Secret::new(format!("{PREFIX}{random}"));
    let hash = TokenHash::of(value.reveal());
    let sealed = tenant.sealer().seal(
        tenant.randomness(),
        &place(tenant, user_id),
        value.reveal().as_bytes(),
    );
    let created = PersonalAccessToken {
        tenant_id: tenant.id().to_owned(),
        user_id: user_id.to_owned(),
        name: new.name.into_string(),
        value,
        created_at: now,
        expires_at: new.expires_at,
    };
    let stored = store::StoredToken {
        name: created.name.clone(),
        sealed,
        created_at: now,
        expires_at: new.expires_at,
    };
    let entry =
        entry(tenant, "PersonalAccessToken.Create", user_id).fact("name", created.name.as_str());
    tenant
        .write((user_id.to_owned(), stored, hash, entry), |tx, (user_id, stored, hash, entry)| {
            Box::pin(async move {
                store::insert(tx, user_id, stored, hash).await.map_err(|error| {
                    taken(error).if_missing("entity.relation_foreign_key_not_found")
                })?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(created)
}

/// Renames a personal access token.
///
/// # Errors
/// `entity.not_found`; `user.personal_access_token_name_exists`.
pub async fn rename(
    tenant: &Tenant,
    user_id: &str,
    name: &str,
    new_name: Text<1, 256>,
) -> Result<PersonalAccessToken> {
    let new_name = new_name.into_string();
    let entry = entry(tenant, "PersonalAccessToken.Update", user_id)
        .fact("name", name)
        .fact("newName", new_name.as_str());
    let input = (user_id.to_owned(), name.to_owned(), new_name, entry);
    let stored = tenant
        .write(input, |tx, (user_id, name, new_name, entry)| {
            Box::pin(async move {
                if !store::rename(tx, user_id, name, new_name).await.map_err(taken)? {
                    return Err(Error::refused("entity.not_found"));
                }
                audit::append(tx, entry).await?;
                store::find(tx, user_id, new_name)
                    .await?
                    .ok_or_else(|| Error::refused("entity.not_found"))
            })
        })
        .await?;
    open(tenant, user_id, stored)
}

/// Deletes a personal access token: it can no longer be exchanged. What it was exchanged for lives on until it expires.
///
/// # Errors
/// `entity.not_found`.
pub async fn delete(tenant: &Tenant, user_id: &str, name: &str) -> Result<()> {
    let entry = entry(tenant, "PersonalAccessToken.Delete", user_id).fact("name", name);
    tenant
        .write((user_id.to_owned(), name.to_owned(), entry), |tx, (user_id, name, entry)| {
            Box::pin(async move {
                if !store::delete(tx, user_id, name).await? {
                    return Err(Error::refused("entity.not_found"));
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

fn entry(tenant: &Tenant, key: &'static str, user_id: &str) -> Entry {
    Entry::new(tenant, key, Outcome::Success).user(user_id)
}

/// The user a live personal access token belongs to.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn user_of(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
    now_ms: i64,
) -> Result<Option<String>> {
    store::find_user(conn, hash, now_ms).await
}

fn open(tenant: &Tenant, user_id: &str, stored: store::StoredToken) -> Result<PersonalAccessToken> {
    Ok(PersonalAccessToken {
        tenant_id: tenant.id().to_owned(),
        user_id: user_id.to_owned(),
        value: tenant.sealer().open_text(&place(tenant, user_id), &stored.sealed)?,
        name: stored.name,
        created_at: stored.created_at,
        expires_at: stored.expires_at,
    })
}

/// The name is not part of the place: it can change.
fn place<'a>(tenant: &'a Tenant, user_id: &'a str) -> [&'a str; 3] {
    [tenant.id(), "personal_access_tokens", user_id]
}

fn taken(error: Error) -> Error {
    error.if_taken("personal_access_tokens_user_id_name", "user.personal_access_token_name_exists")
}
