//! The organizations users let third-party applications into.

use trinco_db::Conn;

use super::{scopes, store};
use crate::authorization::Subject;
use crate::clients::{self, Standing};
use crate::organizations::{self, Organization};
use crate::roles::distinct;
use crate::{Error, Listing, Page, Result, Snapshot, Tenant, applications, users};

/// The organizations a user lets an application into, in the order of joining.
///
/// # Errors
/// `entity.not_exists_with_id`; `application.third_party_application_only`.
pub async fn list(
    tenant: &Tenant,
    application_id: &str,
    user_id: &str,
    page: Page,
) -> Result<Listing<Organization>> {
    check(tenant, application_id, user_id).await?;
    let allowed = ids(&mut tenant.read().await?, application_id, user_id).await?;
    let organizations = organizations::of_user(tenant, user_id).await?;
    let rows = organizations.into_iter().map(|one| one.organization);
    Ok(Listing::of(rows.filter(|organization| allowed.contains(&organization.id)), page))
}

/// Lets an application into further organizations of a user.
///
/// # Errors
/// As [`list`], and `organization.require_membership` when the user is not a member of one of them.
pub async fn add(
    tenant: &Tenant,
    application_id: &str,
    user_id: &str,
    organization_ids: Vec<String>,
) -> Result<()> {
    change(tenant, application_id, user_id, organization_ids, false).await
}

/// Lets an application into these organizations of a user and no others.
///
/// # Errors
/// As [`add`].
pub async fn replace(
    tenant: &Tenant,
    application_id: &str,
    user_id: &str,
    organization_ids: Vec<String>,
) -> Result<()> {
    change(tenant, application_id, user_id, organization_ids, true).await
}

/// Shuts an application out of an organization of a user: it gets no more tokens for it.
///
/// # Errors
/// As [`list`], and `entity.not_found` when it had not been let in.
pub async fn remove(
    tenant: &Tenant,
    application_id: &str,
    user_id: &str,
    organization_id: &str,
) -> Result<()> {
    check(tenant, application_id, user_id).await?;
    let input = (application_id.to_owned(), organization_id.to_owned(), user_id.to_owned());
    tenant
        .write(input, |tx, (application, organization, user)| {
            Box::pin(async move {
                if store::delete_organization(tx, application, organization, user).await? {
                    Ok(())
                } else {
                    Err(Error::refused("entity.not_found"))
                }
            })
        })
        .await
}

/// The ids of the organizations a user lets an application into.
///
/// # Errors
/// When the database does not answer.
pub async fn ids(conn: &mut Conn<'_>, application_id: &str, user_id: &str) -> Result<Vec<String>> {
    store::organization_ids(conn, application_id, user_id).await
}

/// A user as a client may see them: a third-party one sees only the organizations it was let into. `None` when there is no such user.
///
/// # Errors
/// When the database does not answer.
pub async fn subject(
    conn: &mut Conn<'_>,
    snapshot: &Snapshot,
    user_id: &str,
    client_id: &str,
) -> Result<Option<Subject>> {
    let Some(mut subject) = Subject::read(conn, user_id).await? else { return Ok(None) };
    let is_first_party = matches!(clients::standing(snapshot, client_id), Standing::FirstParty);
    if !is_first_party && !subject.memberships.is_empty() {
        let allowed = ids(conn, client_id, user_id).await?;
        subject.memberships.retain(|membership| allowed.contains(&membership.id));
    }
    Ok(Some(subject))
}

async fn change(
    tenant: &Tenant,
    application_id: &str,
    user_id: &str,
    organization_ids: Vec<String>,
    replace: bool,
) -> Result<()> {
    check(tenant, application_id, user_id).await?;
    let ids = distinct(organization_ids);
    let input = (application_id.to_owned(), user_id.to_owned(), ids, replace);
    tenant
        .write(input, |tx, (application, user, ids, replace)| {
            Box::pin(async move {
                if *replace {
                    store::delete_organizations(tx, application, user).await?;
                }
                for id in ids {
                    store::insert_organization(tx, application, id, user)
                        .await
                        .map_err(|error| error.if_missing("organization.require_membership"))?;
                }
                Ok(())
            })
        })
        .await
}

async fn check(tenant: &Tenant, application_id: &str, user_id: &str) -> Result<()> {
    let registered = applications::find(tenant, application_id)
        .await?
        .ok_or_else(|| Error::not_found("applications", application_id))?;
    users::get(tenant, user_id).await?;
    scopes::check_third_party(&registered)
}
