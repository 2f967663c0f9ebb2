//! Permissions: which scopes a user or a machine has on an API resource or in an organization, from its roles.
//!
//! A role holds scopes of API resources. An organization role holds organization scopes, and scopes of API resources too; those
//! count in the organization's tokens, and in the plain resource token of its members as well.

use std::collections::BTreeSet;

use trinco_db::Conn;
use trinco_oauth::Scope;
use trinco_oauth::claims::{Organization, OrganizationRole, UserClaims};

use crate::organizations::{self, Membership};
use crate::users::{self, User};
use crate::{Result, Snapshot, roles};

/// Everything about a user that tokens depend on, read together.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The user.
    pub user: User,
    /// The ids of the user's roles.
    pub role_ids: Vec<String>,
    /// The user's organizations and roles there.
    pub memberships: Vec<Membership>,
}

impl Subject {
    /// Reads a user and its roles; `None` when there is no such user.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(conn: &mut Conn<'_>, user_id: &str) -> Result<Option<Self>> {
        let Some(user) = users::find(conn, user_id).await? else { return Ok(None) };
        let role_ids = roles::role_ids_of_user(conn, user_id).await?;
        let memberships = organizations::memberships(conn, user_id).await?;
        Ok(Some(Self { user, role_ids, memberships }))
    }

    /// The user's membership of an organization.
    pub fn membership(&self, organization_id: &str) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.id == organization_id)
    }

    /// The scopes the user has on an API resource: by roles and organization roles, or by the roles in `organization_id` alone.
    pub fn scopes_on(
        &self,
        snapshot: &Snapshot,
        indicator: &str,
        organization_id: Option<&str>,
    ) -> Scope {
        let in_organizations = self
            .memberships
            .iter()
            .filter(|membership| organization_id.is_none_or(|id| id == membership.id))
            .flat_map(|membership| &membership.role_ids)
            .flat_map(|role| snapshot.organization_template.resource_scope_ids(role));
        let by_roles = self
            .role_ids
            .iter()
            .filter(|_| organization_id.is_none())
            .flat_map(|role| snapshot.roles.scope_ids(role));
        names_on(snapshot, indicator, in_organizations.chain(by_roles))
    }

    /// The organization scopes the user has in an organization.
    pub fn scopes_in(&self, snapshot: &Snapshot, organization_id: &str) -> Scope {
        let roles = self
            .membership(organization_id)
            .map(|membership| membership.role_ids.as_slice())
            .unwrap_or_default();
        organization_scopes(snapshot, roles)
    }
}

/// The scopes an application has on an API resource by its roles.
pub fn application_scopes_on(snapshot: &Snapshot, application_id: &str, indicator: &str) -> Scope {
    let ids = snapshot
        .roles
        .of_application(application_id)
        .flat_map(|role| snapshot.roles.scope_ids(role));
    names_on(snapshot, indicator, ids)
}

/// The organization scopes of organization roles.
pub fn organization_scopes(snapshot: &Snapshot, role_ids: &[String]) -> Scope {
    role_ids.iter().flat_map(|role| snapshot.organization_template.scope_names(role)).collect()
}

/// The scopes organization roles have on an API resource.
pub fn organization_scopes_on(snapshot: &Snapshot, role_ids: &[String], indicator: &str) -> Scope {
    let ids =
        role_ids.iter().flat_map(|role| snapshot.organization_template.resource_scope_ids(role));
    names_on(snapshot, indicator, ids)
}

/// The names of those scopes that belong to the resource, in the resource's order.
fn names_on<'a>(
    snapshot: &Snapshot,
    indicator: &str,
    scope_ids: impl Iterator<Item = &'a str>,
) -> Scope {
    let held: BTreeSet<&str> = scope_ids.collect();
    let defined = snapshot
        .resources
        .by_indicator(indicator)
        .map(|entry| entry.scopes.as_slice())
        .unwrap_or_default();
    defined
        .iter()
        .filter(|scope| held.contains(scope.id.as_str()))
        .map(|scope| scope.name.as_str())
        .collect()
}

impl Subject {
    /// The facts that ID tokens and userinfo are made from.
    pub fn claims(&self, snapshot: &Snapshot) -> UserClaims {
        let user = &self.user;
        let roles = self
            .role_ids
            .iter()
            .filter_map(|id| snapshot.roles.get(id))
            .map(|role| role.name.clone())
            .collect();
        let organizations = self.memberships.iter().map(|membership| Organization {
            id: membership.id.clone(),
            name: membership.name.clone(),
            description: membership.description.clone(),
        });
        let organization_roles = self.memberships.iter().flat_map(|membership| {
            let roles =
                membership.role_ids.iter().filter_map(|id| snapshot.organization_template.role(id));
            roles.map(|role| OrganizationRole {
                organization_id: membership.id.clone(),
                role_name: role.name.clone(),
            })
        });
        UserClaims {
            sub: user.id.clone(),
            username: user.username.clone(),
            name: user.name.clone(),
            picture: user.avatar.clone(),
            email: user.primary_email.clone(),
            phone_number: user.primary_phone.clone(),
            profile: user.profile.clone(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            roles,
            organizations: organizations.collect(),
            organization_roles: organization_roles.collect(),
            custom_data: user.custom_data.clone(),
            identities: user.identities.clone(),
            sso_identities: Vec::new(),
        }
    }
}
