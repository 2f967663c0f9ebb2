//! Settings of the provider: what ID tokens say beyond the standard claims, how long sessions last, and which clients nobody vetted are
//! let in. Rooms with more to say about a setting have their use cases themselves, and change it by [`change`].

mod model;
mod store;

use trinco_db::Conn;

pub use model::{IdTokenSettings, OidcSettings, SessionChanges, SessionSettings, SessionTtl};

use crate::{Result, Section, Tenant};

/// What ID tokens say.
pub fn id_token(tenant: &Tenant) -> IdTokenSettings {
    IdTokenSettings {
        enabled_extended_claims: tenant.snapshot().oidc_settings.enabled_extended_claims.clone(),
    }
}

/// Replaces what ID tokens say: from the next one on.
///
/// # Errors
/// When the database does not answer.
pub async fn set_id_token(tenant: &Tenant, settings: IdTokenSettings) -> Result<IdTokenSettings> {
    let set = |settings: &mut OidcSettings, new: &IdTokenSettings| {
        settings.enabled_extended_claims.clone_from(&new.enabled_extended_claims);
        Ok(())
    };
    change(tenant, settings, set).await?;
    Ok(id_token(tenant))
}

/// How long sessions last.
pub fn session(tenant: &Tenant) -> SessionSettings {
    SessionSettings { ttl: tenant.snapshot().oidc_settings.session_ttl }
}

/// Changes how long sessions last: those that start from now on.
///
/// # Errors
/// When the database does not answer.
pub async fn update_session(tenant: &Tenant, changes: SessionChanges) -> Result<SessionSettings> {
    let set = |settings: &mut OidcSettings, changes: &SessionChanges| {
        if let Some(ttl) = changes.ttl {
            settings.session_ttl = ttl.seconds();
        }
        Ok(())
    };
    change(tenant, changes, set).await?;
    Ok(session(tenant))
}

/// Reads the settings of a tenant; what was never changed has its default.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<OidcSettings> {
    Ok(store::find(conn).await?.unwrap_or_default())
}

/// Changes the settings of a tenant. Those who do it at once take turns.
///
/// # Errors
/// What `apply` answers; nothing is changed then.
pub(crate) async fn change<I: Send + Sync + 'static>(
    tenant: &Tenant,
    input: I,
    apply: fn(&mut OidcSettings, &I) -> Result<()>,
) -> Result<()> {
    tenant
        .configure(&[Section::OidcSettings], input, move |tx, bumped, input| {
            Box::pin(async move {
                let mut settings = load(tx).await?;
                apply(&mut settings, input)?;
                store::save(tx, bumped, &settings).await
            })
        })
        .await
}
