//! Organizations as a file declares them: with the id and the members, in one transaction.

use std::collections::BTreeMap;

use trinco_db::Tx;

use super::model::{NewOrganization, Organization, OrganizationChanges};
use super::{find, gone, rules, store};
use crate::counts::{Changes, Kind, OF_TENANT};
use crate::hooks::{Event, Membership, News, telling};
use crate::roles::difference;
use crate::{Result, Tenant, Text};

/// The ids of members, and of the roles each holds.
pub(crate) type Members = BTreeMap<String, Vec<String>>;

/// What an organization is to be. Members that are `None` stay as they are.
pub(crate) struct Declared {
    pub(crate) id: String,
    /// What it begins with, when there is no such organization yet.
    pub(crate) new: Option<Organization>,
    /// What becomes of it; the rest stays as it is by then: others change organizations too.
    pub(crate) changes: OrganizationChanges,
    pub(crate) users: Option<Members>,
    pub(crate) applications: Option<Members>,
}

/// The organization that a body describes, under this id.
pub(crate) fn draft(tenant: &Tenant, id: &str, new: NewOrganization) -> Organization {
    Organization {
        tenant_id: tenant.id().to_owned(),
        id: id.to_owned(),
        name: new.name.into_string(),
        description: new.description.map(Text::into_string),
        custom_data: new.custom_data,
        is_mfa_required: new.is_mfa_required,
        color: new.color,
        branding: new.branding,
        custom_css: new.custom_css.map(Text::into_string),
        created_at: tenant.now_ms(),
    }
}

/// Makes an organization what it is to be.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when a member or a role is gone.
pub(crate) async fn put(tenant: &Tenant, declared: Declared) -> Result<()> {
    let told = match declared.new {
        Some(_) => Event::OrganizationCreated,
        None => Event::OrganizationDataUpdated,
    };
    let news = News::of(tenant, Event::OrganizationMembershipUpdated);
    telling(tenant, told)
        .write((declared, news, tenant.now_ms()), |tx, (declared, news, now)| {
            Box::pin(async move {
                let id = declared.id.as_str();
                let mut counted = Changes::default();
                let organization = if let Some(organization) = &declared.new {
                    store::insert(tx, organization).await.map_err(|error| {
                        error.if_taken("organizations_id", "entity.unique_integrity_violation")
                    })?;
                    counted.added(Kind::Organizations, OF_TENANT, id);
                    organization.clone()
                } else if store::take(tx, id).await? {
                    let mut organization = find(tx, id).await?;
                    rules::apply(&declared.changes, &mut organization);
                    store::update(tx, &organization).await?;
                    organization
                } else {
                    return Err(super::unknown());
                };
                let mut delta = Membership::default();
                if let Some(users) = &declared.users {
                    delta = put_users(tx, id, users, *now, &mut counted).await?;
                }
                if let Some(applications) = &declared.applications {
                    delta = delta.and(put_applications(tx, id, applications, *now).await?);
                }
                if !delta.is_empty() {
                    news.clone().merged(&delta).tell(tx).await?;
                }
                counted.apply(tx).await?;
                Ok(organization)
            })
        })
        .await
        .map(drop)
}

async fn put_users(
    tx: &mut Tx<'_>,
    id: &str,
    wanted: &Members,
    now_ms: i64,
    counted: &mut Changes,
) -> Result<Membership> {
    let members = store::users::ids(tx, id).await?;
    let ids: Vec<String> = wanted.keys().cloned().collect();
    let (come, go) = difference(&members, &ids);
    store::users::delete(tx, id, &go, counted).await?;
    store::users::insert(tx, id, &come, now_ms, counted).await.map_err(gone)?;
    for (user_id, roles) in wanted {
        let held = store::users::roles(tx, id, user_id).await?.unwrap_or_default();
        let (add, remove) = difference(&held, roles);
        for role in &remove {
            store::users::delete_role(tx, id, user_id, role).await?;
        }
        for role in &add {
            let member = std::slice::from_ref(user_id);
            store::users::insert_roles(tx, id, member, role).await.map_err(gone)?;
        }
    }
    Ok(Membership::of_users(id, &come, &go))
}

async fn put_applications(
    tx: &mut Tx<'_>,
    id: &str,
    wanted: &Members,
    now_ms: i64,
) -> Result<Membership> {
    let members = store::applications::ids(tx, id).await?;
    let ids: Vec<String> = wanted.keys().cloned().collect();
    let (come, go) = difference(&members, &ids);
    store::applications::delete(tx, id, &go).await?;
    store::applications::insert(tx, id, &come, now_ms).await.map_err(gone)?;
    for (application_id, roles) in wanted {
        let held = store::applications::roles(tx, id, application_id).await?.unwrap_or_default();
        let (add, remove) = difference(&held, roles);
        for role in &remove {
            store::applications::delete_role(tx, id, application_id, role).await?;
        }
        for role in &add {
            let member = std::slice::from_ref(application_id);
            store::applications::insert_roles(tx, id, member, role).await.map_err(gone)?;
        }
    }
    Ok(Membership::of_applications(id, &come, &go))
}
