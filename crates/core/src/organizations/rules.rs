//! What is allowed of an organization and its members.

use trinco_oauth::ApplicationType;

use super::model::{Organization, OrganizationChanges};
use crate::organization_template::OrganizationRole;
use crate::roles::RoleType;
use crate::{Error, Result, Text};

pub(super) fn apply(changes: &OrganizationChanges, organization: &mut Organization) {
    if let Some(name) = &changes.name {
        name.as_str().clone_into(&mut organization.name);
    }
    if let Some(description) = &changes.description {
        organization.description = description.clone().map(Text::into_string);
    }
    if let Some(data) = &changes.custom_data {
        organization.custom_data = data.clone();
    }
    if let Some(required) = changes.is_mfa_required {
        organization.is_mfa_required = required;
    }
    if let Some(color) = &changes.color {
        organization.color = color.clone();
    }
    if let Some(branding) = &changes.branding {
        organization.branding = branding.clone();
    }
    if let Some(css) = &changes.custom_css {
        organization.custom_css = css.clone().map(Text::into_string);
    }
}

/// Users hold roles for users, applications those for applications.
pub(super) fn check_role_type(role: &OrganizationRole, holder: RoleType) -> Result<()> {
    if role.role_type != holder {
        return Err(Error::refused("entity.db_constraint_violated"));
    }
    Ok(())
}

/// Only an application that acts for itself can be a member.
pub(super) fn check_can_be_member(kind: ApplicationType) -> Result<()> {
    if kind != ApplicationType::MachineToMachine {
        return Err(Error::refused("entity.db_constraint_violated"));
    }
    Ok(())
}

pub(super) fn is_hex_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

pub(super) fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|symbol| symbol.is_alphanumeric() || symbol == '-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organizations::NewOrganization;

    #[test]
    fn colours_are_three_or_six_hexadecimal_digits() {
        for color in ["#fff", "#1F4E9E", "#1f4e9e"] {
            assert!(is_hex_color(color), "{color}");
        }
        for color in ["fff", "#ffff", "#ggg", "#", "#1f4e9e80", "red", "#fff;}"] {
            assert!(!is_hex_color(color), "{color}");
        }
    }

    #[test]
    fn a_domain_has_two_labels_and_nothing_else() {
        for domain in ["acme.example", "a.b-c.d1", "münchen.example"] {
            assert!(is_domain(domain), "{domain}");
        }
        for other in ["acme", "@acme.example", ".example", "a..b", "-a.b", "a-.b", "a b.c", ""] {
            assert!(!is_domain(other), "{other}");
        }
    }

    #[test]
    fn pictures_are_on_the_web() {
        let read = |url: &str| {
            let body = format!(r#"{{"name":"Acme","branding":{{"logoUrl":"{url}"}}}}"#);
            serde_json::from_str::<NewOrganization>(&body)
        };
        assert!(read("https://acme.example/logo.svg").is_ok());
        for url in ["javascript:alert(1)", "logo.svg", "", "data:image/png;base64,AA"] {
            assert!(read(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_role_goes_only_to_members_of_its_type() {
        let role = OrganizationRole {
            tenant_id: "default".to_owned(),
            id: "r".to_owned(),
            name: "member".to_owned(),
            description: None,
            role_type: RoleType::User,
            created_at: 0,
        };
        assert!(check_role_type(&role, RoleType::User).is_ok());
        assert!(check_role_type(&role, RoleType::MachineToMachine).is_err());
        assert!(check_can_be_member(ApplicationType::MachineToMachine).is_ok());
        assert!(check_can_be_member(ApplicationType::Traditional).is_err());
    }
}
