//! What is allowed of organization roles and organization scopes.

use super::model::{
    OrganizationRole, OrganizationRoleChanges, OrganizationScope, OrganizationScopeChanges,
};
use crate::resources::Resource;
use crate::roles::RoleType;
use crate::{Error, Result, Text};

pub(super) fn apply(changes: &OrganizationRoleChanges, role: &mut OrganizationRole) -> Result<()> {
    if let Some(name) = &changes.name {
        name.as_str().clone_into(&mut role.name);
    }
    if let Some(description) = &changes.description {
        role.description = description.clone().map(Text::into_string);
    }
    // Those who hold the role are of its type.
    if changes.role_type.is_some_and(|wanted| wanted != role.role_type) {
        return Err(Error::refused("entity.db_constraint_violated"));
    }
    Ok(())
}

pub(super) fn apply_to_scope(
    changes: &OrganizationScopeChanges,
    scope: &mut OrganizationScope,
) -> Result<()> {
    if let Some(name) = &changes.name {
        check_scope_name(name.as_str())?;
        name.as_str().clone_into(&mut scope.name);
    }
    if let Some(description) = &changes.description {
        scope.description = description.clone().map(Text::into_string);
    }
    Ok(())
}

/// In requests and tokens scopes are separated by spaces (RFC 6749 §3.3).
pub(super) fn check_scope_name(name: &str) -> Result<()> {
    if name.contains(char::is_whitespace) {
        return Err(Error::refused("scope.name_with_space"));
    }
    Ok(())
}

/// The Management API is for machines: a person's token must not reach it by way of an organization either.
pub(super) fn check_resource_scope_of(role_type: RoleType, resource: &Resource) -> Result<()> {
    if role_type == RoleType::User && resource.is_management_api() {
        return Err(Error::refused("role.management_api_scopes_not_assignable_to_user_role"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_an_organization_role_never_changes() {
        let mut role = OrganizationRole {
            tenant_id: "default".to_owned(),
            id: "r".to_owned(),
            name: "member".to_owned(),
            description: None,
            role_type: RoleType::User,
            created_at: 0,
        };
        let to = |role_type| OrganizationRoleChanges { role_type, ..Default::default() };
        assert!(apply(&to(None), &mut role).is_ok());
        assert!(apply(&to(Some(RoleType::User)), &mut role).is_ok());
        assert!(apply(&to(Some(RoleType::MachineToMachine)), &mut role).is_err());
    }

    #[test]
    fn an_organization_scope_name_holds_no_white_space() {
        assert!(check_scope_name("invite:member").is_ok());
        assert!(check_scope_name("invite member").is_err());
    }
}
