//! Organization roles as a file declares them: what they are and what they allow, in one transaction.

use super::model::OrganizationRoleChanges;
use super::{
    SECTION, check_resource_scopes, find_in_snapshot, gone, role_name_taken, rules, store,
};
use crate::roles::distinct;
use crate::{Error, Result, Tenant};

/// What an organization role allows, in place of what it has allowed; what is `None` stays.
#[derive(Default)]
pub(crate) struct Allowed {
    pub(crate) scope_ids: Option<Vec<String>>,
    pub(crate) resource_scope_ids: Option<Vec<String>>,
}

/// Changes an organization role and what it allows.
///
/// # Errors
/// As [`super::update_role`], [`super::set_role_scopes`] and [`super::set_role_resource_scopes`].
pub(crate) async fn change_role(
    tenant: &Tenant,
    id: &str,
    changes: OrganizationRoleChanges,
    allowed: Allowed,
) -> Result<()> {
    let unknown = || Error::not_found("organization_roles", id);
    let role_type = find_in_snapshot(tenant, id).await?.ok_or_else(unknown)?.role_type;
    let allowed = Allowed {
        scope_ids: allowed.scope_ids.map(distinct),
        resource_scope_ids: allowed.resource_scope_ids.map(distinct),
    };
    check_resource_scopes(
        tenant,
        role_type,
        allowed.resource_scope_ids.as_deref().unwrap_or_default(),
    )
    .await?;
    let input = (id.to_owned(), changes, allowed);
    tenant
        .configure(SECTION, input, |tx, bumped, (id, changes, allowed)| {
            Box::pin(async move {
                let mut role = store::find_role(tx, id)
                    .await?
                    .ok_or_else(|| Error::not_found("organization_roles", id))?;
                rules::apply(changes, &mut role)?;
                store::update_role(tx, bumped, &role).await.map_err(role_name_taken)?;
                if let Some(ids) = &allowed.scope_ids {
                    store::clear_role_scopes(tx, bumped, id).await?;
                    store::insert_role_scopes(tx, bumped, id, ids).await.map_err(gone)?;
                }
                if let Some(ids) = &allowed.resource_scope_ids {
                    store::clear_role_resource_scopes(tx, bumped, id).await?;
                    store::insert_role_resource_scopes(tx, bumped, id, ids).await.map_err(gone)?;
                }
                Ok(())
            })
        })
        .await
}
