//! Roles as a file declares them: what they are and the scopes they have, in one transaction.

use super::model::RoleChanges;
use super::{check_scopes, difference, distinct, find, get, gone, name_taken, rules, store};
use crate::hooks::{Event, News, telling};
use crate::{Result, Section, Tenant};

/// Changes a role and, unless they are `None`, gives it these scopes in place of those it has.
///
/// # Errors
/// As [`super::update`], and as [`super::add_scopes`] but for scopes it has already, which it keeps.
pub(crate) async fn change(
    tenant: &Tenant,
    id: &str,
    changes: RoleChanges,
    scope_ids: Option<Vec<String>>,
) -> Result<()> {
    let scope_ids = scope_ids.map(distinct);
    if let Some(scope_ids) = &scope_ids {
        check_scopes(tenant, get(tenant, id).await?.role_type, scope_ids).await?;
    }
    let scopes_told = News::of(tenant, Event::RoleScopesUpdated).fact("roleId", id);
    let input = (id.to_owned(), changes, scope_ids, scopes_told);
    telling(tenant, Event::RoleDataUpdated)
        .configure(&[Section::Roles], input, |tx, bumped, (id, changes, scope_ids, scopes_told)| {
            Box::pin(async move {
                let mut role = find(tx, id).await?;
                rules::apply(changes, &mut role)?;
                store::update(tx, bumped, &role).await.map_err(name_taken)?;
                let Some(scope_ids) = scope_ids else { return Ok(role) };
                let held = store::scopes_of(tx, id).await?;
                let (add, remove) = difference(&held, scope_ids);
                for scope_id in &remove {
                    store::delete_scope(tx, bumped, id, scope_id).await?;
                }
                store::insert_scopes(tx, bumped, id, &add).await.map_err(gone)?;
                if !add.is_empty() || !remove.is_empty() {
                    scopes_told.tell(tx).await?;
                }
                Ok(role)
            })
        })
        .await
        .map(drop)
}
