//! How the pages look and whom they name while someone signs in to one application: what is set here goes before the tenant's own
//! settings.

mod model;
mod store;

use std::collections::BTreeMap;

use trinco_db::{Conn, Tx};

pub use model::{ApplicationSignInExperience, NewApplicationSignInExperience};

use crate::{Bumped, Error, Result, Section, Tenant, Text, applications};

/// The settings of an application.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such application, or it has no settings of its own.
pub async fn get(tenant: &Tenant, application_id: &str) -> Result<ApplicationSignInExperience> {
    let registered = applications::find(tenant, application_id)
        .await?
        .ok_or_else(|| Error::not_found("applications", application_id))?;
    registered
        .experience
        .clone()
        .ok_or_else(|| Error::not_found("application_sign_in_experiences", application_id))
}

/// Gives an application these settings in place of those it has. True when it had none.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such application.
pub async fn replace(
    tenant: &Tenant,
    application_id: &str,
    new: NewApplicationSignInExperience,
) -> Result<(ApplicationSignInExperience, bool)> {
    let registered = applications::find(tenant, application_id)
        .await?
        .ok_or_else(|| Error::not_found("applications", application_id))?;
    let is_new = registered.experience.is_none();
    let experience = of(tenant, application_id, new);
    tenant
        .configure(&[Section::Applications], experience.clone(), |tx, bumped, experience| {
            Box::pin(save(tx, bumped, experience))
        })
        .await?;
    Ok((experience, is_new))
}

/// The settings that a body gives an application.
pub(crate) fn of(
    tenant: &Tenant,
    application_id: &str,
    new: NewApplicationSignInExperience,
) -> ApplicationSignInExperience {
    ApplicationSignInExperience {
        tenant_id: tenant.id().to_owned(),
        application_id: application_id.to_owned(),
        color: new.color,
        branding: new.branding,
        custom_css: new.custom_css.map(Text::into_string),
        display_name: new.display_name.map(Text::into_string),
        terms_of_use_url: new.terms_of_use_url.map(Into::into),
        privacy_policy_url: new.privacy_policy_url.map(Into::into),
    }
}

/// Keeps the settings of an application in place of those it has, in the transaction of something else.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when the application is gone by now.
pub(crate) async fn save(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    experience: &ApplicationSignInExperience,
) -> Result<()> {
    store::save(tx, bumped, experience)
        .await
        .map_err(|error| error.if_missing("entity.relation_foreign_key_not_found"))
}

/// Reads the settings of every application that has some, by its id.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(
    conn: &mut Conn<'_>,
) -> Result<BTreeMap<String, ApplicationSignInExperience>> {
    store::all(conn).await
}
