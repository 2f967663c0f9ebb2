//! Organizations: groups of users and applications, with roles in each.

pub mod applications;
pub(crate) mod declared;
pub mod jit;
mod model;
mod rules;
mod store;
pub mod users;

use trinco_db::Conn;
use trinco_db::dialect::like;

pub use model::{
    EmailDomain, HexColor, JitEmailDomain, Member, MemberApplication, Membership, NewOrganization,
    Organization, OrganizationBranding, OrganizationChanges, OrganizationColor,
    OrganizationOfMember, OrganizationSummary, PictureUrl,
};

use crate::counts::{self, Changes, Kind, OF_TENANT};
use crate::hooks::{Event, telling};
use crate::organization_template::{self, Named, OrganizationRole};
use crate::roles::RoleType;
use crate::users as accounts;
use crate::{Error, Listing, Page, Result, Snapshot, Tenant};

/// Lists organizations, the newest first: those whose id or name contains `containing`, in any case. With `featured`, each with the
/// number of its members and a few of them.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tenant: &Tenant,
    containing: Option<&str>,
    featured: bool,
    page: Page,
) -> Result<Listing<OrganizationSummary>> {
    let pattern = like::contains(&containing.unwrap_or_default().to_lowercase());
    tenant
        .scan((pattern, featured, page), |conn, (pattern, featured, page)| {
            Box::pin(async move {
                let (organizations, total) = store::list(conn, pattern, *page).await?;
                let ids: Vec<String> = organizations.iter().map(|one| one.id.clone()).collect();
                let mut members =
                    if *featured { Some(store::users::summaries(conn, &ids).await?) } else { None };
                let rows = organizations
                    .into_iter()
                    .map(|organization| {
                        let (users_count, featured_users) = members
                            .as_mut()
                            .map(|members| members.remove(&organization.id).unwrap_or_default())
                            .unzip();
                        OrganizationSummary { organization, users_count, featured_users }
                    })
                    .collect();
                Ok(Listing { rows, total })
            })
        })
        .await
}

/// The organization with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<Organization> {
    find(&mut tenant.read().await?, id).await
}

/// Creates an organization without members.
///
/// # Errors
/// When the database does not answer.
pub async fn create(tenant: &Tenant, new: NewOrganization) -> Result<Organization> {
    let organization = declared::draft(tenant, &tenant.new_id(), new);
    telling(tenant, Event::OrganizationCreated)
        .about(&organization)
        .write(organization.clone(), |tx, organization| {
            Box::pin(async move {
                store::insert(tx, organization).await?;
                let mut counted = Changes::default();
                counted.added(Kind::Organizations, OF_TENANT, &organization.id);
                counted.apply(tx).await
            })
        })
        .await?;
    Ok(organization)
}

/// Changes an organization.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn update(
    tenant: &Tenant,
    id: &str,
    changes: OrganizationChanges,
) -> Result<Organization> {
    telling(tenant, Event::OrganizationDataUpdated)
        .write((id.to_owned(), changes), |tx, (id, changes)| {
            Box::pin(async move {
                if !store::take(tx, id).await? {
                    return Err(Error::not_found("organizations", id));
                }
                let mut organization = find(tx, id).await?;
                rules::apply(changes, &mut organization);
                store::update(tx, &organization).await?;
                Ok(organization)
            })
        })
        .await
}

/// Deletes an organization with its memberships.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    telling(tenant, Event::OrganizationDeleted)
        .write(id.to_owned(), |tx, id| {
            Box::pin(async move {
                if !store::delete(tx, id).await? {
                    return Err(Error::not_found("organizations", id));
                }
                counts::forget(tx, Kind::OrganizationUsers, id).await?;
                let mut counted = Changes::default();
                counted.removed(Kind::Organizations, OF_TENANT, id);
                counted.apply(tx).await
            })
        })
        .await
}

/// The organizations a user is a member of and the user's roles in each, in the order of joining.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such user.
pub async fn of_user(tenant: &Tenant, user_id: &str) -> Result<Vec<OrganizationOfMember>> {
    let mut conn = tenant.read().await?;
    accounts::find(&mut conn, user_id).await?.ok_or_else(|| Error::not_found("users", user_id))?;
    let organizations = store::of_user(&mut conn, user_id).await?;
    let memberships = store::memberships(&mut conn, user_id).await?;
    drop(conn);
    let snapshot = tenant.snapshot();
    let of_member = |organization: Organization| {
        let roles = memberships.iter().find(|one| one.id == organization.id);
        let role_ids = roles.map(|one| one.role_ids.as_slice()).unwrap_or_default();
        OrganizationOfMember { organization_roles: named(&snapshot, role_ids), organization }
    };
    Ok(organizations.into_iter().map(of_member).collect())
}

/// The organizations an application is a member of and its roles in each, in the order of joining.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such application.
pub async fn of_application(
    tenant: &Tenant,
    application_id: &str,
    page: Page,
) -> Result<Listing<OrganizationOfMember>> {
    crate::applications::get(tenant, application_id).await?;
    let input = (application_id.to_owned(), page);
    let (organizations, total, mut roles) = tenant
        .scan(input, |conn, (application_id, page)| {
            Box::pin(async move {
                let (organizations, total) =
                    store::of_application(conn, application_id, *page).await?;
                let roles =
                    store::applications::roles_by_organization(conn, application_id).await?;
                Ok::<_, Error>((organizations, total, roles))
            })
        })
        .await?;
    let snapshot = tenant.snapshot();
    let of_member = |organization: Organization| {
        let role_ids = roles.remove(&organization.id).unwrap_or_default();
        OrganizationOfMember { organization_roles: named(&snapshot, &role_ids), organization }
    };
    Ok(Listing { rows: organizations.into_iter().map(of_member).collect(), total })
}

/// The organizations a user is a member of, in the order of joining.
///
/// # Errors
/// When the database does not answer.
pub async fn memberships(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<Membership>> {
    store::memberships(conn, user_id).await
}

/// The ids of the roles a user holds in an organization; `None` when the user is not a member.
///
/// # Errors
/// When the database does not answer.
pub async fn member_roles(
    conn: &mut Conn<'_>,
    organization_id: &str,
    user_id: &str,
) -> Result<Option<Vec<String>>> {
    store::users::roles(conn, organization_id, user_id).await
}

/// The ids of the roles an application holds in an organization; `None` when it is not a member.
///
/// # Errors
/// When the database does not answer.
pub async fn application_member_roles(
    conn: &mut Conn<'_>,
    organization_id: &str,
    application_id: &str,
) -> Result<Option<Vec<String>>> {
    store::applications::roles(conn, organization_id, application_id).await
}

/// The ids of the applications that are members of an organization.
///
/// # Errors
/// When the database does not answer.
pub async fn application_ids(conn: &mut Conn<'_>, organization_id: &str) -> Result<Vec<String>> {
    store::applications::ids(conn, organization_id).await
}

async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Organization> {
    store::find(conn, id).await?.ok_or_else(|| Error::not_found("organizations", id))
}

/// The roles with these ids by their names, ordered by name.
pub(crate) fn named(snapshot: &Snapshot, role_ids: &[String]) -> Vec<Named> {
    let mut roles: Vec<Named> = role_ids
        .iter()
        .filter_map(|id| snapshot.organization_template.role(id))
        .map(|role| Named { id: role.id.clone(), name: role.name.clone() })
        .collect();
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles
}

/// The page of the roles with these ids, ordered by name.
fn listed(snapshot: &Snapshot, role_ids: &[String], page: Page) -> Listing<OrganizationRole> {
    let mut roles: Vec<&OrganizationRole> =
        role_ids.iter().filter_map(|id| snapshot.organization_template.role(id)).collect();
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    Listing::of(roles.into_iter().cloned(), page)
}

/// Refuses roles that do not exist or are not for such a holder. A role's type never changes, so that what is checked here still holds
/// in the transaction.
pub(crate) async fn check_roles(
    tenant: &Tenant,
    role_ids: &[String],
    holder: RoleType,
) -> Result<()> {
    for id in role_ids {
        let role = organization_template::referred_role(tenant, id).await?;
        rules::check_role_type(&role, holder)?;
    }
    Ok(())
}

fn unknown() -> Error {
    Error::refused("entity.relation_foreign_key_not_found")
}

/// What a row refers to does not exist.
fn gone(error: Error) -> Error {
    error.if_missing("entity.relation_foreign_key_not_found")
}

fn not_a_member() -> Error {
    Error::refused("organization.require_membership")
}

fn found(found: bool) -> Result<()> {
    if found { Ok(()) } else { Err(Error::refused("entity.not_found")) }
}
