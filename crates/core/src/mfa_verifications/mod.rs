//! The second factors of users. What is secret about them is sealed.

mod model;
mod picture;
mod rules;
mod store;

use trinco_db::Conn;

pub use model::{AddedMfaVerification, MfaVerification, NewMfaVerification};

use model::{Kept, KeptCode};

use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Secret, Tenant, users};

/// The second factors of a user, in the order in which they were added.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn list(tenant: &Tenant, user_id: &str) -> Result<Vec<MfaVerification>> {
    let kept = store::find(&mut tenant.read().await?, user_id).await?;
    Ok(kept.ok_or_else(|| unknown(user_id))?.iter().map(Kept::shown).collect())
}

/// The second factors of a user, none for one there is not.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<MfaVerification>> {
    let kept = store::find(conn, user_id).await?.unwrap_or_default();
    Ok(kept.iter().map(Kept::shown).collect())
}

/// Adds a second factor to a user.
///
/// # Errors
/// `entity.not_exists_with_id`; `user.totp_secret_invalid`; `user.wrong_backup_code_format`; `user.totp_already_in_use`;
/// `user.backup_code_already_in_use`; `session.mfa.backup_code_can_not_be_alone`.
pub async fn add(
    tenant: &Tenant,
    user_id: &str,
    new: NewMfaVerification,
) -> Result<AddedMfaVerification> {
    let user = users::get(tenant, user_id).await?;
    let (id, created_at) = (tenant.new_id(), tenant.now_ms());
    let (kept, added) = match new {
        NewMfaVerification::Totp { secret } => {
            let secret = match secret {
                Some(secret) => rules::check_secret(&secret)?,
                None => rules::new_secret(tenant.randomness()),
            };
            let name = user.username.or(user.primary_email).or(user.primary_phone);
            let uri = rules::key_uri(host(tenant), &name.unwrap_or(user.id), &secret);
            let secret_sealed = seal(tenant, user_id, &secret);
            let kept = Kept::Totp { id, created_at, last_used_at: None, secret_sealed };
            let secret_qr_code = picture::data_url(&uri)?;
            (kept, AddedMfaVerification::Totp { secret, secret_qr_code })
        }
        NewMfaVerification::BackupCode { codes } => {
            let codes = match codes {
                Some(codes) => codes,
                None => rules::new_codes(tenant.randomness()),
            };
            rules::check_codes(&codes)?;
            let kept = codes
                .iter()
                .map(|code| KeptCode { sealed: seal(tenant, user_id, code), used_at: None });
            let kept =
                Kept::BackupCode { id, created_at, last_used_at: None, codes: kept.collect() };
            (kept, AddedMfaVerification::BackupCode { codes })
        }
    };
    let entry = Entry::new(tenant, "MfaVerification.Create", Outcome::Success)
        .user(user_id)
        .fact("type", format!("{:?}", kept.factor()));
    tenant
        .write((user_id.to_owned(), kept, created_at, entry), |tx, (user_id, added, now, entry)| {
            Box::pin(async move {
                let mut kept =
                    store::take(tx, user_id, *now).await?.ok_or_else(|| unknown(user_id))?;
                rules::check_addition(&kept, added.factor())?;
                // Backup codes that are used up are no use to anyone.
                kept.retain(|one| one.factor() != added.factor());
                kept.push(added.clone());
                store::set(tx, user_id, &kept).await?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(added)
}

/// Takes a second factor from a user.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such user or factor.
pub async fn remove(tenant: &Tenant, user_id: &str, id: &str) -> Result<()> {
    let entry = Entry::new(tenant, "MfaVerification.Delete", Outcome::Success).user(user_id);
    let input = (user_id.to_owned(), id.to_owned(), tenant.now_ms(), entry);
    tenant
        .write(input, |tx, (user_id, id, now, entry)| {
            Box::pin(async move {
                let mut kept =
                    store::take(tx, user_id, *now).await?.ok_or_else(|| unknown(user_id))?;
                let Some(at) = kept.iter().position(|one| one.id() == id) else {
                    return Err(Error::not_found("mfa_verifications", id));
                };
                let removed = kept.remove(at);
                store::set(tx, user_id, &kept).await?;
                let factor = format!("{:?}", removed.factor());
                audit::append(tx, &entry.clone().fact("type", factor)).await
            })
        })
        .await
}

fn seal(tenant: &Tenant, user_id: &str, secret: &Secret) -> String {
    let place = [tenant.id(), "mfa_verifications", user_id];
    tenant.sealer().seal(tenant.randomness(), &place, secret.reveal().as_bytes())
}

/// Under which name an authenticator app lists the account.
fn host(tenant: &Tenant) -> &str {
    let base = tenant.origin().base();
    let authority = base.split_once("://").map_or(base, |(_, rest)| rest);
    authority.split(['/', ':']).next().unwrap_or(authority)
}

fn unknown(user_id: &str) -> Error {
    Error::not_found("users", user_id)
}
