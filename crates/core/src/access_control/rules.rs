//! What a set of access rules may look like.

use super::model::{AccessControl, AccessControlChanges};
use crate::roles::distinct;
use crate::{Error, Result};

/// So many entries can be in one list.
const MOST_ENTRIES: usize = 10_000;

/// Every id once, and at most [`MOST_ENTRIES`] in a list.
///
/// # Errors
/// `guard.invalid_input` for a list that is too long, or a rule about an organization that names no role.
pub(super) fn normal(rules: AccessControl) -> Result<AccessControl> {
    for (path, length) in [
        ("userIds", rules.user_ids.len()),
        ("userRoleIds", rules.user_role_ids.len()),
        ("organizationIds", rules.organization_ids.len()),
        (
            "organizationRoleRules",
            rules.organization_role_rules.iter().map(|rule| rule.organization_role_ids.len()).sum(),
        ),
    ] {
        if length > MOST_ENTRIES {
            return Err(Error::invalid_field(path, "has more than 10000 entries"));
        }
    }
    let mut organization_role_rules = rules.organization_role_rules;
    for rule in &mut organization_role_rules {
        if rule.organization_role_ids.is_empty() {
            return Err(Error::invalid_field("organizationRoleRules", "must name roles"));
        }
        rule.organization_role_ids = distinct(std::mem::take(&mut rule.organization_role_ids));
    }
    Ok(AccessControl {
        user_ids: distinct(rules.user_ids),
        user_role_ids: distinct(rules.user_role_ids),
        organization_ids: distinct(rules.organization_ids),
        organization_role_rules,
    })
}

/// The rules with the lists that become others.
pub(super) fn changed(rules: AccessControl, changes: &AccessControlChanges) -> AccessControl {
    AccessControl {
        user_ids: changes.user_ids.clone().unwrap_or(rules.user_ids),
        user_role_ids: changes.user_role_ids.clone().unwrap_or(rules.user_role_ids),
        organization_ids: changes.organization_ids.clone().unwrap_or(rules.organization_ids),
        organization_role_rules: changes
            .organization_role_rules
            .clone()
            .unwrap_or(rules.organization_role_rules),
    }
}
