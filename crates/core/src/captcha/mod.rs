//! Who tells people from machines at sign-in: a tenant has one such provider at most.
//!
//! The key that its answers are checked with is sealed at rest. The Management API shows it, as its contract wants, and each such
//! reading is an entry of the audit log.

mod model;
mod store;

use trinco_db::Conn;

pub use model::{CaptchaConfig, CaptchaProvider, NewCaptchaProvider, PublicCaptcha, RecaptchaMode};

use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Sealer, Section, Tenant};

/// The provider of a tenant, if it has one.
#[derive(Clone, Debug, Default)]
pub struct Configured(pub Option<CaptchaProvider>);

/// The provider with its secret key. The reading is recorded.
///
/// # Errors
/// `entity.not_found`.
pub async fn reveal(tenant: &Tenant) -> Result<CaptchaProvider> {
    let provider = tenant.find(|snapshot| snapshot.captcha.0.clone()).await?;
    let provider = provider.ok_or_else(|| Error::refused("entity.not_found"))?;
    let entry = Entry::new(tenant, "CaptchaProvider.Secret.Read", Outcome::Success)
        .fact("captchaProviderId", provider.id.as_str());
    audit::record(tenant, entry).await?;
    Ok(provider)
}

/// What sign-in pages need of the provider: nothing secret.
pub fn public(tenant: &Tenant) -> Option<PublicCaptcha> {
    tenant.snapshot().captcha.0.as_ref().map(|provider| provider.config.public())
}

/// Puts a provider in the place of whatever there was. Its id and the time of its creation stay.
///
/// # Errors
/// When the database does not answer.
pub async fn put(tenant: &Tenant, new: NewCaptchaProvider) -> Result<CaptchaProvider> {
    let now = tenant.now_ms();
    let provider = CaptchaProvider {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        config: new.config,
        created_at: now,
        updated_at: now,
    };
    // Sealed for the tenant rather than for the row: a row that is replaced keeps its id, which is known only there.
    let secret = provider.config.secret_key().as_str().as_bytes();
    let sealed = tenant.sealer().seal(tenant.randomness(), &place(tenant.id()), secret);
    let entry = Entry::new(tenant, "CaptchaProvider.Update", Outcome::Success)
        .fact("type", provider.config.kind());
    tenant
        .configure(
            &[Section::Captcha],
            (provider, sealed, entry),
            |tx, bumped, (provider, sealed, entry)| {
                Box::pin(async move {
                    let (id, created_at) = store::put(tx, bumped, provider, sealed).await?;
                    audit::append(tx, entry).await?;
                    Ok(CaptchaProvider { id, created_at, ..provider.clone() })
                })
            },
        )
        .await
}

/// Deletes the provider.
///
/// # Errors
/// `entity.not_found`.
pub async fn delete(tenant: &Tenant) -> Result<()> {
    let entry = Entry::new(tenant, "CaptchaProvider.Delete", Outcome::Success);
    tenant
        .configure(&[Section::Captcha], entry, |tx, bumped, entry| {
            Box::pin(async move {
                if !store::delete(tx, bumped).await? {
                    return Err(Error::refused("entity.not_found"));
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

/// Reads the provider of a tenant.
///
/// # Errors
/// When the database does not answer, or the secret does not open.
pub(crate) async fn load(conn: &mut Conn<'_>, sealer: &Sealer) -> Result<Configured> {
    let tenant = conn.tenant().to_owned();
    let Some((mut provider, sealed)) = store::find(conn).await? else {
        return Ok(Configured(None));
    };
    let secret = sealer.open_text(&place(&tenant), &sealed)?;
    provider.config.set_secret_key(secret.reveal())?;
    Ok(Configured(Some(provider)))
}

fn place(tenant: &str) -> [&str; 2] {
    [tenant, "captcha_providers"]
}
