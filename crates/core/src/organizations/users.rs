//! Users as members of an organization, and their roles in it.

use trinco_db::Tx;
use trinco_db::dialect::like;

use super::model::Member;
use super::{check_roles, find, found, gone, listed, named, not_a_member, store, unknown};
use crate::counts::Changes;
use crate::hooks::{Event, Membership, telling};
use crate::organization_template::{OrganizationRole, OrganizationScope};
use crate::roles::{RoleType, difference, distinct};
use crate::users as accounts;
use crate::{Error, Listing, Page, Result, Tenant};

/// Which members to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those whose id, username, e-mail address, phone number or name contains this, in any case.
    pub containing: Option<String>,
    /// Only those who hold this role.
    pub role_id: Option<String>,
}

/// Lists the members with their roles, those who joined last first.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn list(
    tenant: &Tenant,
    organization_id: &str,
    filter: &Filter,
    page: Page,
) -> Result<Listing<Member>> {
    let pattern = like::contains(&filter.containing.as_deref().unwrap_or_default().to_lowercase());
    let role_id = filter.role_id.clone().unwrap_or_default();
    let input = (organization_id.to_owned(), pattern, role_id, page);
    let (users, total, mut roles) = tenant
        .scan(input, |conn, (organization_id, pattern, role_id, page)| {
            Box::pin(async move {
                find(conn, organization_id).await?;
                let (ids, total) =
                    store::users::list(conn, organization_id, pattern, role_id, *page).await?;
                let roles = store::users::roles_of(conn, organization_id, &ids).await?;
                let users = accounts::find_many(conn, &ids).await?;
                Ok::<_, Error>((users, total, roles))
            })
        })
        .await?;
    let snapshot = tenant.snapshot();
    let rows = users
        .into_iter()
        .map(|user| {
            let role_ids = roles.remove(&user.id).unwrap_or_default();
            Member { organization_roles: named(&snapshot, &role_ids), user }
        })
        .collect();
    Ok(Listing { rows, total })
}

/// Makes users members; those who are already stay so.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when the organization or a user does not exist.
pub async fn add(tenant: &Tenant, organization_id: &str, user_ids: Vec<String>) -> Result<()> {
    let input = (organization_id.to_owned(), distinct(user_ids), tenant.now_ms());
    telling(tenant, Event::OrganizationMembershipUpdated)
        .write(input, |tx, (organization_id, user_ids, now_ms)| {
            Box::pin(async move {
                let mut counted = Changes::default();
                let added =
                    store::users::insert(tx, organization_id, user_ids, *now_ms, &mut counted)
                        .await
                        .map_err(gone)?;
                counted.apply(tx).await?;
                Ok(Membership::of_users(organization_id, &added, &[]))
            })
        })
        .await
        .map(drop)
}

/// Makes these users the members in place of those there are. Who stays keeps the roles.
///
/// # Errors
/// As [`add`].
pub async fn replace(tenant: &Tenant, organization_id: &str, user_ids: Vec<String>) -> Result<()> {
    let input = (organization_id.to_owned(), distinct(user_ids), tenant.now_ms());
    telling(tenant, Event::OrganizationMembershipUpdated)
        .write(input, |tx, (organization_id, user_ids, now_ms)| {
            Box::pin(async move {
                if !store::take(tx, organization_id).await? {
                    return Err(unknown());
                }
                let members = store::users::ids(tx, organization_id).await?;
                let (add, remove) = difference(&members, user_ids);
                let mut counted = Changes::default();
                store::users::delete(tx, organization_id, &remove, &mut counted).await?;
                let added = store::users::insert(tx, organization_id, &add, *now_ms, &mut counted)
                    .await
                    .map_err(gone)?;
                counted.apply(tx).await?;
                Ok(Membership::of_users(organization_id, &added, &remove))
            })
        })
        .await
        .map(drop)
}

/// Ends a membership.
///
/// # Errors
/// `entity.not_found` when the user is not a member.
pub async fn remove(tenant: &Tenant, organization_id: &str, user_id: &str) -> Result<()> {
    let input = (organization_id.to_owned(), vec![user_id.to_owned()]);
    telling(tenant, Event::OrganizationMembershipUpdated)
        .write(input, |tx, (organization_id, user_ids)| {
            Box::pin(async move {
                let mut counted = Changes::default();
                let deleted =
                    store::users::delete(tx, organization_id, user_ids, &mut counted).await?;
                found(deleted > 0)?;
                counted.apply(tx).await?;
                Ok(Membership::of_users(organization_id, &[], user_ids))
            })
        })
        .await
        .map(drop)
}

/// Gives each of these roles to each of these members.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when a role does not exist or a user is not a member; `entity.db_constraint_violated` for a
/// role that users cannot hold.
pub async fn assign_to_all(
    tenant: &Tenant,
    organization_id: &str,
    user_ids: Vec<String>,
    role_ids: Vec<String>,
) -> Result<()> {
    let role_ids = distinct(role_ids);
    check_roles(tenant, &role_ids, RoleType::User).await?;
    let input = (organization_id.to_owned(), distinct(user_ids), role_ids);
    tenant
        .write(input, |tx, (organization_id, user_ids, role_ids)| {
            Box::pin(async move {
                for role_id in role_ids {
                    store::users::insert_roles(tx, organization_id, user_ids, role_id)
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
    user_id: &str,
    page: Page,
) -> Result<Listing<OrganizationRole>> {
    let role_ids = held(tenant, organization_id, user_id).await?;
    Ok(listed(&tenant.snapshot(), &role_ids, page))
}

/// The organization scopes that a member's roles allow, by name.
///
/// # Errors
/// `organization.require_membership`.
pub async fn scopes(
    tenant: &Tenant,
    organization_id: &str,
    user_id: &str,
) -> Result<Vec<OrganizationScope>> {
    let role_ids = held(tenant, organization_id, user_id).await?;
    let snapshot = tenant.snapshot();
    let mut scopes: Vec<OrganizationScope> = role_ids
        .iter()
        .flat_map(|role_id| snapshot.organization_template.scopes_of(role_id))
        .cloned()
        .collect();
    scopes.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.id.cmp(&other.id)));
    scopes.dedup_by(|one, other| one.id == other.id);
    Ok(scopes)
}

/// Gives roles, by their ids and by their names, to a member, and returns their ids.
///
/// # Errors
/// `organization.require_membership`; `organization.role_names_not_found`; `entity.relation_foreign_key_not_found` for an unknown id;
/// `entity.db_constraint_violated` for a role that users cannot hold.
pub async fn assign(
    tenant: &Tenant,
    organization_id: &str,
    user_id: &str,
    role_ids: Vec<String>,
    role_names: &[String],
) -> Result<Vec<String>> {
    change(tenant, organization_id, user_id, role_ids, role_names, false).await
}

/// Gives roles to a member in place of those the member holds.
///
/// # Errors
/// As [`assign`].
pub async fn replace_roles(
    tenant: &Tenant,
    organization_id: &str,
    user_id: &str,
    role_ids: Vec<String>,
    role_names: &[String],
) -> Result<()> {
    change(tenant, organization_id, user_id, role_ids, role_names, true).await?;
    Ok(())
}

/// Takes a role from a member.
///
/// # Errors
/// `organization.require_membership`; `entity.not_found` when the member does not hold it.
pub async fn unassign(
    tenant: &Tenant,
    organization_id: &str,
    user_id: &str,
    role_id: &str,
) -> Result<()> {
    let input = (organization_id.to_owned(), user_id.to_owned(), role_id.to_owned());
    tenant
        .write(input, |tx, (organization_id, user_id, role_id)| {
            Box::pin(async move {
                if !store::users::take(tx, organization_id, user_id).await? {
                    return Err(not_a_member());
                }
                found(store::users::delete_role(tx, organization_id, user_id, role_id).await?)
            })
        })
        .await
}

/// Makes a user a member with these roles, in the transaction that decides it. Whoever is a member already keeps the others.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when the organization, the user or a role is gone.
pub(crate) async fn join(
    tx: &mut Tx<'_>,
    organization_id: &str,
    user_id: &str,
    role_ids: &[String],
    now_ms: i64,
) -> Result<Membership> {
    let user = [user_id.to_owned()];
    let mut counted = Changes::default();
    let added = store::users::insert(tx, organization_id, &user, now_ms, &mut counted)
        .await
        .map_err(gone)?;
    counted.apply(tx).await?;
    for role_id in role_ids {
        store::users::insert_roles(tx, organization_id, &user, role_id).await.map_err(gone)?;
    }
    Ok(Membership::of_users(organization_id, &added, &[]))
}

/// Ends every membership of a user who is about to be deleted.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn remove_from_all(
    tx: &mut Tx<'_>,
    user_id: &str,
    counted: &mut Changes,
) -> Result<()> {
    store::users::delete_of_user(tx, user_id, counted).await
}

async fn held(tenant: &Tenant, organization_id: &str, user_id: &str) -> Result<Vec<String>> {
    store::users::roles(&mut tenant.read().await?, organization_id, user_id)
        .await?
        .ok_or_else(not_a_member)
}

async fn change(
    tenant: &Tenant,
    organization_id: &str,
    user_id: &str,
    mut role_ids: Vec<String>,
    role_names: &[String],
    replace: bool,
) -> Result<Vec<String>> {
    held(tenant, organization_id, user_id).await?;
    role_ids.extend(ids_of_names(tenant, role_names).await?);
    let role_ids = distinct(role_ids);
    check_roles(tenant, &role_ids, RoleType::User).await?;
    let input = (organization_id.to_owned(), user_id.to_owned(), role_ids.clone(), replace);
    tenant
        .write(input, |tx, (organization_id, user_id, role_ids, replace)| {
            Box::pin(async move {
                if !store::users::take(tx, organization_id, user_id).await? {
                    return Err(not_a_member());
                }
                let held =
                    store::users::roles(tx, organization_id, user_id).await?.unwrap_or_default();
                let (add, remove) = difference(&held, role_ids);
                if *replace {
                    for id in &remove {
                        store::users::delete_role(tx, organization_id, user_id, id).await?;
                    }
                }
                let member = std::slice::from_ref(user_id);
                for id in &add {
                    store::users::insert_roles(tx, organization_id, member, id)
                        .await
                        .map_err(gone)?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(role_ids)
}

async fn ids_of_names(tenant: &Tenant, names: &[String]) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(names.len());
    let mut missing = Vec::new();
    for name in names {
        let found = tenant
            .find(|snapshot| {
                snapshot.organization_template.role_by_name(name).map(|role| role.id.clone())
            })
            .await?;
        match found {
            Some(id) => ids.push(id),
            None => missing.push(name.as_str()),
        }
    }
    if missing.is_empty() {
        return Ok(ids);
    }
    Err(Error::refused_with("organization.role_names_not_found", &[("names", &missing.join(", "))]))
}
