//! Roles: sets of scopes that users or applications hold.

pub mod applications;
pub(crate) mod declared;
mod model;
mod rules;
mod store;
pub mod users;

use trinco_db::{Conn, Tx};

pub(crate) use applications::put_application_role;
pub use applications::set_application_role;
pub use model::{
    Catalogue, FeaturedApplication, FeaturedUser, NewRole, Role, RoleChanges, RoleSummary,
    RoleType, ScopeOfRole,
};
pub(crate) use rules::{difference, distinct};
pub(crate) use users::assign_defaults_to_user;
pub use users::role_ids_of_user;

use crate::hooks::{Event, News, telling};
use crate::resources::{self, ResourceScope};
use crate::{Bumped, Error, Listing, Page, Result, Section, Snapshot, Tenant, counts, tenants};

/// The id of the built-in role that may use the whole Management API.
pub const MANAGEMENT_API_ROLE: &str = "admin-role";

/// How many of those who hold a role a list shows.
const FEATURED: usize = 3;

/// Which roles to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this type.
    pub role_type: Option<RoleType>,
    /// Only those this user does not hold.
    pub without_user: Option<String>,
    /// Only those this application does not hold.
    pub without_application: Option<String>,
    /// Only those whose id, name or description contains this, in any case.
    pub containing: Option<String>,
}

/// Lists roles with a few of those who hold them, the newest first. Internal roles are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, filter: &Filter, page: Page) -> Result<Listing<RoleSummary>> {
    let held_by_user = match &filter.without_user {
        Some(user_id) => role_ids_of_user(&mut tenant.read().await?, user_id).await?,
        None => Vec::new(),
    };
    let snapshot = tenant.snapshot();
    let held_by_application: Vec<&str> = filter
        .without_application
        .iter()
        .flat_map(|application_id| snapshot.roles.of_application(application_id))
        .collect();
    let chosen = snapshot
        .roles
        .iter()
        .filter(|role| filter.role_type.is_none_or(|wanted| wanted == role.role_type))
        .filter(|role| !held_by_user.contains(&role.id))
        .filter(|role| !held_by_application.contains(&role.id.as_str()));
    let listing = arrange(chosen, filter.containing.as_deref(), page);
    let ids: Vec<String> = listing.rows.iter().map(|role| role.id.clone()).collect();
    let mut users = tenant
        .scan(ids, |conn, ids| Box::pin(async move { store::users::summaries(conn, ids).await }))
        .await?;
    let rows = listing
        .rows
        .into_iter()
        .map(|role| {
            let (users_count, featured_users) = users.remove(&role.id).unwrap_or_default();
            RoleSummary {
                users_count,
                featured_users,
                applications_count: snapshot.roles.applications(&role.id).count() as i64,
                featured_applications: featured_applications(&snapshot, &role.id),
                role,
            }
        })
        .collect();
    Ok(Listing { rows, total: listing.total })
}

/// The role with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<Role> {
    tenant
        .find(|snapshot| snapshot.roles.get(id).cloned())
        .await?
        .ok_or_else(|| Error::not_found("roles", id))
}

/// Creates a role with its first scopes.
///
/// # Errors
/// `role.name_in_use`; `role.internal_role_violation`; `entity.not_exists_with_id` for an unknown scope;
/// `role.management_api_scopes_not_assignable_to_user_role`.
pub async fn create(tenant: &Tenant, new: NewRole) -> Result<Role> {
    rules::check_name(new.name.as_str())?;
    let scope_ids = distinct(new.scope_ids);
    check_scopes(tenant, new.role_type, &scope_ids).await?;
    let role = Role {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name: new.name.into_string(),
        description: new.description.into_string(),
        role_type: new.role_type,
        is_default: new.is_default,
        created_at: tenant.now_ms(),
    };
    let mut telling = telling(tenant, Event::RoleCreated).about(&role);
    if !scope_ids.is_empty() {
        let snapshot = tenant.snapshot();
        let scopes: Vec<_> =
            scope_ids.iter().filter_map(|id| snapshot.resources.scope(id)).collect();
        let scopes: Vec<&ResourceScope> = scopes.into_iter().map(|(_, scope)| scope).collect();
        let news = News::of(tenant, Event::RoleScopesUpdated);
        telling = telling.and(news.fact("roleId", &role.id).fact("data", scopes));
    }
    telling
        .configure(&[Section::Roles], (role.clone(), scope_ids), |tx, bumped, (role, scope_ids)| {
            Box::pin(async move {
                store::insert(tx, bumped, role).await.map_err(name_taken)?;
                store::insert_scopes(tx, bumped, &role.id, scope_ids).await.map_err(gone)?;
                Ok(())
            })
        })
        .await?;
    Ok(role)
}

/// Refuses a name that no role can be given.
///
/// # Errors
/// `role.internal_role_violation`.
pub(crate) fn check_name(name: &str) -> Result<()> {
    rules::check_name(name)
}

/// Whether a role for people may hold permissions of the API with this indicator.
pub(crate) fn may_be_of_people(tenant_id: &str, indicator: &str) -> bool {
    rules::may_be_of_people(tenant_id, indicator)
}

/// Whether a role is Trinco's own.
pub(crate) fn is_internal(role: &Role) -> bool {
    rules::is_internal(role)
}

/// Changes a role.
///
/// # Errors
/// `entity.not_exists_with_id`; `role.name_in_use`; `role.internal_role_violation`.
pub async fn update(tenant: &Tenant, id: &str, changes: RoleChanges) -> Result<Role> {
    telling(tenant, Event::RoleDataUpdated)
        .configure(&[Section::Roles], (id.to_owned(), changes), |tx, bumped, (id, changes)| {
            Box::pin(async move {
                let mut role = find(tx, id).await?;
                rules::apply(changes, &mut role)?;
                store::update(tx, bumped, &role).await.map_err(name_taken)?;
                Ok(role)
            })
        })
        .await
}

/// Deletes a role: whoever holds it loses it.
///
/// # Errors
/// `entity.not_exists_with_id`; `role.internal_role_violation`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    telling(tenant, Event::RoleDeleted)
        .configure(&[Section::Roles], id.to_owned(), |tx, bumped, id| {
            Box::pin(async move {
                rules::check_not_internal(&find(tx, id).await?)?;
                store::delete(tx, bumped, id).await?;
                counts::forget(tx, counts::Kind::RoleUsers, id).await
            })
        })
        .await
}

/// Lists the scopes of a role: those whose name contains `containing`, in any case.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn scopes(
    tenant: &Tenant,
    role_id: &str,
    containing: Option<&str>,
    page: Page,
) -> Result<Listing<ScopeOfRole>> {
    get(tenant, role_id).await?;
    let wanted = containing.map(str::to_lowercase);
    let mut scopes = scopes_of(&tenant.snapshot(), role_id);
    scopes.retain(|one| {
        wanted.as_ref().is_none_or(|text| one.scope.name.to_lowercase().contains(text))
    });
    Ok(Listing::of(scopes.into_iter(), page))
}

/// Adds scopes to a role and returns all it has then.
///
/// # Errors
/// `entity.not_exists_with_id`; `role.scope_exists` when it has one of them already; `role.internal_role_violation`;
/// `role.management_api_scopes_not_assignable_to_user_role`.
pub async fn add_scopes(
    tenant: &Tenant,
    role_id: &str,
    scope_ids: Vec<String>,
) -> Result<Vec<ResourceScope>> {
    let role = get(tenant, role_id).await?;
    rules::check_not_internal(&role)?;
    let scope_ids = distinct(scope_ids);
    check_scopes(tenant, role.role_type, &scope_ids).await?;
    let input = (role.id, scope_ids, tenant.snapshot());
    telling(tenant, Event::RoleScopesUpdated)
        .configure(&[Section::Roles], input, |tx, bumped, (role_id, scope_ids, snapshot)| {
            Box::pin(async move {
                let added =
                    store::insert_scopes(tx, bumped, role_id, scope_ids).await.map_err(gone)?;
                all_or(added, scope_ids.len(), "role.scope_exists")?;
                let held = store::scopes_of(tx, role_id).await?;
                let held = held.iter().filter_map(|id| snapshot.resources.scope(id));
                let mut held: Vec<ResourceScope> = held.map(|(_, scope)| scope.clone()).collect();
                held.sort_by(|one, other| one.name.cmp(&other.name).then(one.id.cmp(&other.id)));
                Ok(held)
            })
        })
        .await
}

/// Takes a scope from a role.
///
/// # Errors
/// `entity.not_exists_with_id`; `entity.not_found` when it does not have the scope; `role.internal_role_violation`.
pub async fn remove_scope(tenant: &Tenant, role_id: &str, scope_id: &str) -> Result<()> {
    rules::check_not_internal(&get(tenant, role_id).await?)?;
    let input = (role_id.to_owned(), scope_id.to_owned());
    telling(tenant, Event::RoleScopesUpdated)
        .configure(&[Section::Roles], input, |tx, bumped, (role_id, scope_id)| {
            Box::pin(
                async move { found(store::delete_scope(tx, bumped, role_id, scope_id).await?) },
            )
        })
        .await
}

/// Whether an application may do more than nothing at a Management API: who can change it could do as much.
pub fn may_manage(snapshot: &Snapshot, application_id: &str) -> bool {
    snapshot.roles.of_application(application_id).any(|role| manages(snapshot, role))
}

/// Whether a role allows something at a Management API.
pub fn manages(snapshot: &Snapshot, role_id: &str) -> bool {
    snapshot
        .roles
        .scope_ids(role_id)
        .filter_map(|scope_id| snapshot.resources.scope(scope_id))
        .any(|(resource, _)| resource.is_management_api())
}

/// Reads every role of a tenant.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<Catalogue> {
    let roles = store::all(conn).await?;
    let scopes = store::scopes(conn).await?;
    let applications = store::applications(conn).await?;
    Ok(Catalogue::new(roles, scopes, applications))
}

/// Creates the roles of a new tenant that may use its Management API.
pub(crate) async fn seed(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    now_ms: i64,
    pre_configured_role_id: &str,
) -> Result<()> {
    let roles = [
        (MANAGEMENT_API_ROLE, "#internal:admin", "Built in: the whole Management API"),
        (pre_configured_role_id, "Logto Management API access", "The whole Management API"),
    ];
    for (id, name, description) in roles {
        let role = Role {
            tenant_id: tx.tenant().to_owned(),
            id: id.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            role_type: RoleType::MachineToMachine,
            is_default: false,
            created_at: now_ms,
        };
        store::insert(tx, bumped, &role).await?;
        store::insert_scopes(tx, bumped, id, &[resources::MANAGEMENT_API_ALL.to_owned()]).await?;
    }
    if tx.tenant() == tenants::ADMIN {
        seed_administrators(tx, bumped, now_ms).await?;
    }
    Ok(())
}

/// Creates the role of the people who run the default tenant.
async fn seed_administrators(tx: &mut Tx<'_>, bumped: &Bumped, now_ms: i64) -> Result<()> {
    let run = tenants::DEFAULT;
    let role = Role {
        tenant_id: tx.tenant().to_owned(),
        id: format!("{run}-admin"),
        name: format!("{run}:admin"),
        description: format!("Runs the tenant {run}"),
        role_type: RoleType::User,
        is_default: false,
        created_at: now_ms,
    };
    store::insert(tx, bumped, &role).await?;
    let all = resources::management::all_of(&format!("mapi-{run}"));
    store::insert_scopes(tx, bumped, &role.id, &[all]).await?;
    Ok(())
}

/// The page of those among `roles` that are not internal and contain the text, the newest first.
fn arrange<'r>(
    roles: impl Iterator<Item = &'r Role>,
    containing: Option<&str>,
    page: Page,
) -> Listing<Role> {
    let wanted = containing.map(str::to_lowercase);
    let matches = |role: &Role| {
        wanted.as_ref().is_none_or(|text| {
            role.id.contains(text)
                || role.name.to_lowercase().contains(text)
                || role.description.to_lowercase().contains(text)
        })
    };
    let mut found: Vec<&Role> =
        roles.filter(|role| !rules::is_internal(role) && matches(role)).collect();
    found.sort_by(|one, other| {
        other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
    });
    Listing::of(found.into_iter().cloned(), page)
}

fn featured_applications(snapshot: &Snapshot, role_id: &str) -> Vec<FeaturedApplication> {
    snapshot
        .roles
        .applications(role_id)
        .filter_map(|id| snapshot.applications.get(id))
        .take(FEATURED)
        .map(|registered| FeaturedApplication {
            id: registered.application.id.clone(),
            name: registered.application.name.clone(),
            application_type: registered.application.application_type,
        })
        .collect()
}

fn scopes_of(snapshot: &Snapshot, role_id: &str) -> Vec<ScopeOfRole> {
    let mut scopes: Vec<ScopeOfRole> = snapshot
        .roles
        .scope_ids(role_id)
        .filter_map(|id| snapshot.resources.scope(id))
        .map(|(resource, scope)| ScopeOfRole { scope: scope.clone(), resource: resource.clone() })
        .collect();
    scopes.sort_by(|one, other| {
        one.scope.name.cmp(&other.scope.name).then_with(|| one.scope.id.cmp(&other.scope.id))
    });
    scopes
}

/// A role's type and a resource's indicator never change, so that what is checked here still holds in the transaction; that the
/// scopes still exist is the database's to check.
async fn check_scopes(tenant: &Tenant, role_type: RoleType, scope_ids: &[String]) -> Result<()> {
    for id in scope_ids {
        let (resource, _) = resources::scope(tenant, id).await?;
        rules::check_scope_of(role_type, &resource)?;
    }
    Ok(())
}

/// The roles with these ids, each allowed by `check`.
async fn check_roles(
    tenant: &Tenant,
    role_ids: &[String],
    check: fn(&Role) -> Result<()>,
) -> Result<()> {
    for id in role_ids {
        check(&get(tenant, id).await?)?;
    }
    Ok(())
}

async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Role> {
    store::find(tx, id).await?.ok_or_else(|| Error::not_found("roles", id))
}

fn all_or(done: u64, wanted: usize, code: &'static str) -> Result<()> {
    if done == wanted as u64 { Ok(()) } else { Err(Error::refused(code)) }
}

fn found(found: bool) -> Result<()> {
    if found { Ok(()) } else { Err(Error::refused("entity.not_found")) }
}

fn name_taken(error: Error) -> Error {
    error.if_taken("roles_name", "role.name_in_use")
}

/// What was there when the request was checked has been deleted since.
fn gone(error: Error) -> Error {
    error.if_missing("entity.relation_foreign_key_not_found")
}
