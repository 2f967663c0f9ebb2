//! What is allowed of a role.

use std::collections::BTreeSet;

use trinco_oauth::ApplicationType;

use super::model::{Role, RoleChanges, RoleType};
use crate::resources::{self, Resource};
use crate::{Error, Result, tenants};

/// Roles whose names begin so are Trinco's own.
const INTERNAL_PREFIX: &str = "#internal:";

pub(super) fn is_internal(role: &Role) -> bool {
    role.name.starts_with(INTERNAL_PREFIX)
}

pub(super) fn check_not_internal(role: &Role) -> Result<()> {
    check_name(&role.name)
}

pub(super) fn check_name(name: &str) -> Result<()> {
    if name.starts_with(INTERNAL_PREFIX) {
        return Err(Error::refused("role.internal_role_violation"));
    }
    Ok(())
}

pub(super) fn apply(changes: &RoleChanges, role: &mut Role) -> Result<()> {
    check_not_internal(role)?;
    if let Some(name) = &changes.name {
        check_name(name.as_str())?;
        name.as_str().clone_into(&mut role.name);
    }
    if let Some(description) = &changes.description {
        description.as_str().clone_into(&mut role.description);
    }
    if let Some(is_default) = changes.is_default {
        role.is_default = is_default;
    }
    Ok(())
}

/// Whether a role for people may hold permissions of an API in this tenant. The Management API is for machines: a person's token must
/// not reach it by way of a role. But the people of the admin tenant are there to run the others.
pub(super) fn may_be_of_people(tenant_id: &str, indicator: &str) -> bool {
    let own = resources::management_api_indicator(tenant_id);
    let runs_another = tenant_id == tenants::ADMIN && indicator != own;
    !resources::is_management_api(indicator) || runs_another
}

pub(super) fn check_scope_of(role_type: RoleType, resource: &Resource) -> Result<()> {
    if role_type == RoleType::User && !may_be_of_people(&resource.tenant_id, &resource.indicator) {
        return Err(Error::refused("role.management_api_scopes_not_assignable_to_user_role"));
    }
    Ok(())
}

pub(super) fn check_for_users(role: &Role) -> Result<()> {
    check_not_internal(role)?;
    if role.role_type != RoleType::User {
        return Err(Error::refused("user.invalid_role_type"));
    }
    Ok(())
}

pub(super) fn check_for_applications(role: &Role) -> Result<()> {
    check_not_internal(role)?;
    if role.role_type != RoleType::MachineToMachine {
        return Err(Error::refused("application.invalid_role_type"));
    }
    Ok(())
}

pub(super) fn check_can_hold_roles(kind: ApplicationType) -> Result<()> {
    if kind != ApplicationType::MachineToMachine {
        return Err(Error::refused("application.invalid_type"));
    }
    Ok(())
}

/// Each id once, in one order whatever the caller's: transactions that insert the same rows then wait for each other rather than
/// block each other.
pub(crate) fn distinct(ids: Vec<String>) -> Vec<String> {
    ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// What to add to and what to take from `held` so that it becomes `wanted`.
pub(crate) fn difference(held: &[String], wanted: &[String]) -> (Vec<String>, Vec<String>) {
    let held: BTreeSet<&String> = held.iter().collect();
    let wanted: BTreeSet<&String> = wanted.iter().collect();
    let add = wanted.difference(&held).map(|id| (*id).clone()).collect();
    let remove = held.difference(&wanted).map(|id| (*id).clone()).collect();
    (add, remove)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn role(name: &str, role_type: RoleType) -> Role {
        Role {
            tenant_id: "default".to_owned(),
            id: "r".to_owned(),
            name: name.to_owned(),
            description: "A role".to_owned(),
            role_type,
            is_default: false,
            created_at: 0,
        }
    }

    #[test]
    fn nobody_changes_assigns_or_imitates_an_internal_role() {
        let mut internal = role("#internal:admin", RoleType::MachineToMachine);
        let code = |result: Result<()>| result.unwrap_err().code();
        let violation = Some("role.internal_role_violation");
        assert_eq!(code(apply(&RoleChanges::default(), &mut internal)), violation);
        assert_eq!(code(check_for_applications(&internal)), violation);
        assert_eq!(code(check_name("#internal:mine")), violation);
    }

    #[test]
    fn a_role_goes_only_to_holders_of_its_type() {
        assert!(check_for_users(&role("a", RoleType::User)).is_ok());
        assert!(check_for_users(&role("a", RoleType::MachineToMachine)).is_err());
        assert!(check_for_applications(&role("a", RoleType::MachineToMachine)).is_ok());
        assert!(check_for_applications(&role("a", RoleType::User)).is_err());
        assert!(check_can_hold_roles(ApplicationType::MachineToMachine).is_ok());
        assert!(check_can_hold_roles(ApplicationType::SPA).is_err());
    }

    proptest! {
        #[test]
        fn applying_the_difference_gives_what_was_wanted(
            held in proptest::collection::vec("[a-e]", 0..6),
            wanted in proptest::collection::vec("[a-e]", 0..6),
        ) {
            let (add, remove) = difference(&held, &wanted);
            let mut result: BTreeSet<String> = held.iter().cloned().collect();
            for id in &remove {
                prop_assert!(result.remove(id), "only what is held is taken");
            }
            for id in add {
                prop_assert!(result.insert(id), "only what is missing is added");
            }
            prop_assert_eq!(result, wanted.into_iter().collect::<BTreeSet<_>>());
        }
    }
}
