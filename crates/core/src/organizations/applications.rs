//! Machine-to-machine applications as members of an organization, and their roles in it.

use super::model::MemberApplication;
use super::{check_roles, find, found, gone, listed, named, not_a_member, rules, store, unknown};
use crate::applications::Application;
use crate::hooks::{Event, Membership, telling};
use crate::organization_template::OrganizationRole;
use crate::roles::{RoleType, difference, distinct};
use crate::{Listing, Page, Result, Tenant};

/// Lists the members with their roles, the newest first: those whose id or name contains `containing`, in any case.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn list(
    tenant: &Tenant,
    organization_id: &str,
    containing: Option<&str>,
    page: Page,
) -> Result<Listing<MemberApplication>> {
    let (ids, mut roles) = {
        let mut conn = tenant.read().await?;
        find(&mut conn, organization_id).await?;
        let ids = store::applications::ids(&mut conn, organization_id).await?;
        (ids, store::applications::roles_of_all(&mut conn, organization_id).await?)
    };
    let snapshot = tenant.snapshot();
    let wanted = containing.map(str::to_lowercase);
    let mut members: Vec<&Application> = ids
        .iter()
        .filter_map(|id| snapshot.applications.get(id))
        .map(|registered| &registered.application)
        .filter(|application| {
            wanted.as_ref().is_none_or(|text| {
                application.id.contains(text) || application.name.to_lowercase().contains(text)
            })
        })
        .collect();
    members.sort_by(|one, other| {
        other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
    });
    let with_roles = members.into_iter().map(|application| {
        let role_ids = roles.remove(&application.id).unwrap_or_default();
        let organization_roles = named(&snapshot, &role_ids);
        MemberApplication { application: application.clone(), organization_roles }
    });
    Ok(Listing::of(with_roles, page))
}

/// Makes applications members; those that are already stay so.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when the organization or an application does not exist; `entity.db_constraint_violated` for
/// an application that does not act for itself.
pub async fn add(
    tenant: &Tenant,
    organization_id: &str,
    application_ids: Vec<String>,
) -> Result<()> {
    let application_ids = distinct(application_ids);
    check_applications(tenant, &application_ids).await?;
    let input = (organization_id.to_owned(), application_ids, tenant.now_ms());
    telling(tenant, Event::OrganizationMembershipUpdated)
        .write(input, |tx, (organization_id, ids, now_ms)| {
            Box::pin(async move {
                let added = store::applications::insert(tx, organization_id, ids, *now_ms)
                    .await
                    .map_err(gone)?;
                Ok(Membership::of_applications(organization_id, &added, &[]))
            })
        })
        .await
        .map(drop)
}

/// Makes these applications the members in place of those there are. Which stays keeps its roles.
///
/// # Errors
/// As [`add`].
pub async fn replace(
    tenant: &Tenant,
    organization_id: &str,
    application_ids: Vec<String>,
) -> Result<()> {
    let application_ids = distinct(application_ids);
    check_applications(tenant, &application_ids).await?;
    let input = (organization_id.to_owned(), application_ids, tenant.now_ms());
    telling(tenant, Event::OrganizationMembershipUpdated)
        .write(input, |tx, (organization_id, ids, now_ms)| {
            Box::pin(async move {
                if !store::take(tx, organization_id).await? {
                    return Err(unknown());
                }
                let members = store::applications::ids(tx, organization_id).await?;
                let (add, remove) = difference(&members, ids);
                store::applications::delete(tx, organization_id, &remove).await?;
                let added = store::applications::insert(tx, organization_id, &add, *now_ms)
                    .await
                    .map_err(gone)?;
                Ok(Membership::of_applications(organization_id, &added, &remove))
            })
        })
        .await
        .map(drop)
}

/// Ends a membership.
///
/// # Errors
/// `entity.not_found` when the application is not a member.
pub async fn remove(tenant: &Tenant, organization_id: &str, application_id: &str) -> Result<()> {
    let input = (organization_id.to_owned(), vec![application_id.to_owned()]);
    telling(tenant, Event::OrganizationMembershipUpdated)
        .write(input, |tx, (organization_id, ids)| {
            Box::pin(async move {
                found(store::applications::delete(tx, organization_id, ids).await? > 0)?;
                Ok(Membership::of_applications(organization_id, &[], ids))
            })
        })
        .await
        .map(drop)
}

/// Gives each of these roles to each of these members.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when a role does not exist or an application is not a member;
/// `entity.db_constraint_violated` for a role that applications cannot hold.
pub async fn assign_to_all(
    tenant: &Tenant,
    organization_id: &str,
    application_ids: Vec<String>,
    role_ids: Vec<String>,
) -> Result<()> {
    let role_ids = distinct(role_ids);
    check_roles(tenant, &role_ids, RoleType::MachineToMachine).await?;
    let input = (organization_id.to_owned(), distinct(application_ids), role_ids);
    tenant
        .write(input, |tx, (organization_id, ids, role_ids)| {
            Box::pin(async move {
                for role_id in role_ids {
                    store::applications::insert_roles(tx, organization_id, ids, role_id)
                        .await
                        .map_err(gone)?;
                }
                Ok(())
            })
        })
        .await
}

/// Lists the roles of a member by name.
///
/// # Errors
/// `organization.require_membership`.
pub async fn roles(
    tenant: &Tenant,
    organization_id: &str,
    application_id: &str,
    page: Page,
) -> Result<Listing<OrganizationRole>> {
    let role_ids =
        store::applications::roles(&mut tenant.read().await?, organization_id, application_id)
            .await?
            .ok_or_else(not_a_member)?;
    Ok(listed(&tenant.snapshot(), &role_ids, page))
}

/// Gives roles to a member; with `replace`, in place of those it holds.
///
/// # Errors
/// `organization.require_membership`; `entity.relation_foreign_key_not_found` for an unknown role; `entity.db_constraint_violated` for a
/// role that applications cannot hold.
pub async fn set_roles(
    tenant: &Tenant,
    organization_id: &str,
    application_id: &str,
    role_ids: Vec<String>,
    replace: bool,
) -> Result<()> {
    let role_ids = distinct(role_ids);
    check_roles(tenant, &role_ids, RoleType::MachineToMachine).await?;
    let input = (organization_id.to_owned(), application_id.to_owned(), role_ids, replace);
    tenant
        .write(input, |tx, (organization_id, application_id, role_ids, replace)| {
            Box::pin(async move {
                if !store::applications::take(tx, organization_id, application_id).await? {
                    return Err(not_a_member());
                }
                let held = store::applications::roles(tx, organization_id, application_id)
                    .await?
                    .unwrap_or_default();
                let (add, remove) = difference(&held, role_ids);
                if *replace {
                    for id in &remove {
                        store::applications::delete_role(tx, organization_id, application_id, id)
                            .await?;
                    }
                }
                let member = std::slice::from_ref(application_id);
                for id in &add {
                    store::applications::insert_roles(tx, organization_id, member, id)
                        .await
                        .map_err(gone)?;
                }
                Ok(())
            })
        })
        .await
}

/// Takes a role from a member.
///
/// # Errors
/// `organization.require_membership`; `entity.not_found` when the member does not hold it.
pub async fn unassign(
    tenant: &Tenant,
    organization_id: &str,
    application_id: &str,
    role_id: &str,
) -> Result<()> {
    let input = (organization_id.to_owned(), application_id.to_owned(), role_id.to_owned());
    tenant
        .write(input, |tx, (organization_id, application_id, role_id)| {
            Box::pin(async move {
                if !store::applications::take(tx, organization_id, application_id).await? {
                    return Err(not_a_member());
                }
                found(
                    store::applications::delete_role(tx, organization_id, application_id, role_id)
                        .await?,
                )
            })
        })
        .await
}

/// An application's type never changes, so that what is checked here still holds in the transaction.
async fn check_applications(tenant: &Tenant, application_ids: &[String]) -> Result<()> {
    for id in application_ids {
        let kind = tenant
            .find(|snapshot| {
                snapshot.applications.get(id).map(|found| found.application.application_type)
            })
            .await?
            .ok_or_else(unknown)?;
        rules::check_can_be_member(kind)?;
    }
    Ok(())
}
