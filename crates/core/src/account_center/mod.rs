//! The account center: what people may see and change of their own accounts, by the Account API and on its pages.

mod model;
mod store;

use trinco_db::{Conn, Tx};

pub use model::{
    AccountCenter, AccountCenterChanges, Control, FieldControls, ProfileFieldName, RelatedOrigin,
    WebOrigins,
};

use crate::{Bumped, Error, Result, Section, Tenant, profile_fields, tenants};

/// The settings.
pub fn get(tenant: &Tenant) -> AccountCenter {
    tenant.snapshot().account_center.as_ref().clone()
}

/// Changes the settings. Each profile field that is listed must be known.
///
/// # Errors
/// `guard.invalid_input` when a profile field is listed twice; `custom_profile_fields.entity_not_exists_with_names`.
pub async fn update(tenant: &Tenant, changes: AccountCenterChanges) -> Result<AccountCenter> {
    tenant
        .configure(&[Section::AccountCenter], changes, |tx, bumped, changes| {
            Box::pin(async move {
                if let Some(Some(fields)) = &changes.profile_fields {
                    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                    check_distinct(&names)?;
                    profile_fields::check_known(tx, &names).await?;
                }
                let mut settings = load(tx).await?;
                settings.apply(changes.clone());
                store::save(tx, bumped, &settings).await?;
                Ok(settings)
            })
        })
        .await
}

fn check_distinct(names: &[&str]) -> Result<()> {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            let path = format!("profileFields.{index}.name");
            return Err(Error::invalid_field(&path, "is listed twice"));
        }
    }
    Ok(())
}

/// Takes a profile field that is about to be deleted out of the settings. The caller moves the section's version.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_profile_field(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    name: &str,
) -> Result<()> {
    let mut settings = load(tx).await?;
    let Some(fields) = &mut settings.profile_fields else { return Ok(()) };
    let before = fields.len();
    fields.retain(|field| field.name.as_str() != name);
    if fields.len() == before {
        return Ok(());
    }
    store::save(tx, bumped, &settings).await
}

/// Reads the settings of a tenant; one that never changed them has what a new tenant has.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<AccountCenter> {
    let tenant = conn.tenant().to_owned();
    let is_admin = tenant == tenants::ADMIN;
    Ok(store::find(conn).await?.unwrap_or_else(|| AccountCenter::of_new_tenant(&tenant, is_admin)))
}
