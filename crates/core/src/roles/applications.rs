//! The machine-to-machine applications that hold roles.

use trinco_db::Tx;

use super::model::Role;
use super::{all_or, arrange, check_roles, difference, distinct, found, get, gone, rules, store};
use crate::applications::{self, Application};
use crate::{Bumped, Listing, Page, Result, Section, Tenant};

/// Lists the applications that hold a role, the newest first: those whose id or name contains `containing`, in any case.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn list(
    tenant: &Tenant,
    role_id: &str,
    containing: Option<&str>,
    page: Page,
) -> Result<Listing<Application>> {
    get(tenant, role_id).await?;
    let snapshot = tenant.snapshot();
    let wanted = containing.map(str::to_lowercase);
    let mut found: Vec<&Application> = snapshot
        .roles
        .applications(role_id)
        .filter_map(|id| snapshot.applications.get(id))
        .map(|registered| &registered.application)
        .filter(|application| {
            wanted.as_ref().is_none_or(|text| {
                application.id.contains(text) || application.name.to_lowercase().contains(text)
            })
        })
        .collect();
    found.sort_by(|one, other| {
        other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
    });
    Ok(Listing::of(found.into_iter().cloned(), page))
}

/// Gives a role to applications.
///
/// # Errors
/// `entity.not_exists_with_id`; `role.application_exists` when one of them holds it already; `application.invalid_type`,
/// `application.invalid_role_type`, `role.internal_role_violation`.
pub async fn add(tenant: &Tenant, role_id: &str, application_ids: Vec<String>) -> Result<()> {
    rules::check_for_applications(&get(tenant, role_id).await?)?;
    let application_ids = distinct(application_ids);
    for id in &application_ids {
        check_machine(tenant, id).await?;
    }
    let input = (role_id.to_owned(), application_ids);
    tenant
        .configure(&[Section::Roles], input, |tx, bumped, (role_id, application_ids)| {
            Box::pin(async move {
                let pairs: Vec<(&str, &str)> =
                    application_ids.iter().map(|id| (id.as_str(), role_id.as_str())).collect();
                let added = store::insert_holders(tx, bumped, &pairs).await.map_err(gone)?;
                all_or(added, pairs.len(), "role.application_exists")
            })
        })
        .await
}

/// Takes a role from an application.
///
/// # Errors
/// `entity.not_exists_with_id`; `entity.not_found` when it does not hold the role; `role.internal_role_violation`.
pub async fn remove(tenant: &Tenant, role_id: &str, application_id: &str) -> Result<()> {
    rules::check_not_internal(&get(tenant, role_id).await?)?;
    let input = (application_id.to_owned(), role_id.to_owned());
    tenant
        .configure(&[Section::Roles], input, |tx, bumped, (application_id, role_id)| {
            Box::pin(async move {
                found(store::delete_holder(tx, bumped, application_id, role_id).await?)
            })
        })
        .await
}

/// Lists the roles of an application, the newest first, without internal ones: those whose id, name or description contains
/// `containing`, in any case.
///
/// # Errors
/// `entity.not_exists_with_id`; `application.invalid_type`.
pub async fn roles(
    tenant: &Tenant,
    application_id: &str,
    containing: Option<&str>,
    page: Page,
) -> Result<Listing<Role>> {
    check_machine(tenant, application_id).await?;
    let snapshot = tenant.snapshot();
    let held =
        snapshot.roles.of_application(application_id).filter_map(|id| snapshot.roles.get(id));
    Ok(arrange(held, containing, page))
}

/// Gives roles to an application, and returns those it did not hold yet.
///
/// # Errors
/// As [`add`], but for roles it holds already, which it keeps.
pub async fn assign(
    tenant: &Tenant,
    application_id: &str,
    role_ids: Vec<String>,
) -> Result<Vec<String>> {
    change(tenant, application_id, role_ids, false).await
}

/// Gives roles to an application in place of those it holds; internal ones stay.
///
/// # Errors
/// As [`assign`].
pub async fn replace(tenant: &Tenant, application_id: &str, role_ids: Vec<String>) -> Result<()> {
    change(tenant, application_id, role_ids, true).await?;
    Ok(())
}

/// Takes a role from an application.
///
/// # Errors
/// As [`remove`], and `application.invalid_type`.
pub async fn unassign(tenant: &Tenant, application_id: &str, role_id: &str) -> Result<()> {
    check_machine(tenant, application_id).await?;
    remove(tenant, role_id, application_id).await
}

/// Gives a role, internal or not, to an application or takes it away. Nothing happens when that is so already.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when there is no such application or role.
pub async fn set_application_role(
    tenant: &Tenant,
    application_id: &str,
    role_id: &str,
    held: bool,
) -> Result<()> {
    let input = (application_id.to_owned(), role_id.to_owned(), held);
    tenant
        .configure(&[Section::Roles], input, |tx, bumped, (application_id, role_id, held)| {
            Box::pin(put_application_role(tx, bumped, application_id, role_id, *held))
        })
        .await
}

/// [`set_application_role`] as part of another change.
///
/// # Errors
/// As [`set_application_role`].
pub(crate) async fn put_application_role(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    application_id: &str,
    role_id: &str,
    held: bool,
) -> Result<()> {
    if held {
        store::insert_holders(tx, bumped, &[(application_id, role_id)]).await.map_err(gone)?;
    } else {
        store::delete_holder(tx, bumped, application_id, role_id).await?;
    }
    Ok(())
}

/// Returns what was added.
async fn change(
    tenant: &Tenant,
    application_id: &str,
    role_ids: Vec<String>,
    replace: bool,
) -> Result<Vec<String>> {
    check_machine(tenant, application_id).await?;
    let role_ids = distinct(role_ids);
    check_roles(tenant, &role_ids, rules::check_for_applications).await?;
    let input = (application_id.to_owned(), role_ids, replace);
    tenant
        .configure(&[Section::Roles], input, |tx, bumped, (application_id, role_ids, replace)| {
            Box::pin(async move { hold(tx, bumped, application_id, role_ids, *replace).await })
        })
        .await
}

/// Gives roles to an application, with `replace` in place of those it holds; internal ones stay. Returns what was added.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when there is no such application or role.
pub(crate) async fn hold(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    application_id: &str,
    role_ids: &[String],
    replace: bool,
) -> Result<Vec<String>> {
    let held: Vec<String> = store::of_application(tx, application_id)
        .await?
        .into_iter()
        .filter(|role| !rules::is_internal(role))
        .map(|role| role.id)
        .collect();
    let (add, remove) = difference(&held, role_ids);
    if replace {
        for id in &remove {
            store::delete_holder(tx, bumped, application_id, id).await?;
        }
    }
    let pairs: Vec<(&str, &str)> = add.iter().map(|id| (application_id, id.as_str())).collect();
    store::insert_holders(tx, bumped, &pairs).await.map_err(gone)?;
    Ok(add)
}

/// An application's type never changes, so that what is checked here still holds in the transaction.
async fn check_machine(tenant: &Tenant, application_id: &str) -> Result<()> {
    let (application, _) = applications::get(tenant, application_id).await?;
    rules::check_can_hold_roles(application.application_type)
}
