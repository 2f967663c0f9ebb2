//! What the scopes of a token allow at the Management API.
//!
//! `all` allows everything, `read` to see everything but secrets, `read:<area>` and `write:<area>` a part. A token with less than `all`
//! must not be a way to more: what gives somebody permissions at a Management API, or lets one act as somebody who has them, asks for
//! `all`.

use http::{Method, Uri};
use trinco_core::resources::management::{ALL, Area, READ};
use trinco_core::{Tenant, organization_template, roles, tenants};
use trinco_oauth::Scope;

/// Whether the scopes allow this request.
pub(super) fn allows(tenant: &Tenant, scopes: &Scope, method: &Method, uri: &Uri) -> bool {
    if scopes.contains(ALL) {
        return true;
    }
    let path: Vec<&str> = uri.path().trim_start_matches('/').split('/').skip(1).collect();
    let Some(area) = area_of(&path) else {
        return false;
    };
    let only_sees = matches!(*method, Method::GET | Method::HEAD);
    if only_sees && !reveals(&path) && !asks_to_reveal(uri.query().unwrap_or_default()) {
        let held = ["read", "write"].map(|verb| format!("{verb}:{}", area.name()));
        return scopes.contains(READ) || held.iter().any(|scope| scopes.contains(scope));
    }
    scopes.contains(&format!("write:{}", area.name())) && !is_way_to_more(tenant, method, &path)
}

/// The area of a path below `/api/`.
fn area_of(path: &[&str]) -> Option<Area> {
    Some(match *path.first()? {
        "applications" | "saml-applications" | "cimd" => Area::Applications,
        "configs" | "systems" => Area::Configs,
        "hooks" => Area::Hooks,
        "logs" | "dashboard" => Area::Logs,
        "organizations"
        | "organization-roles"
        | "organization-scopes"
        | "organization-invitations" => Area::Organizations,
        "roles" | "resources" => Area::Roles,
        "account-center"
        | "captcha-provider"
        | "connector-factories"
        | "connectors"
        | "custom-phrases"
        | "custom-profile-fields"
        | "domains"
        | "email-templates"
        | "sign-in-exp"
        | "sso-connector-providers"
        | "sso-connectors"
        | "user-assets" => Area::SignIn,
        "one-time-tokens"
        | "secrets"
        | "sentinel-activities"
        | "subject-tokens"
        | "users"
        | "verification-codes" => Area::Users,
        _ => return None,
    })
}

/// Whether what is seen there holds secrets.
fn reveals(path: &[&str]) -> bool {
    match *path {
        ["applications" | "saml-applications", _, "secrets", ..]
        | [
            "users",
            _,
            "personal-access-tokens" | "identities" | "sso-identities" | "all-identities",
            ..,
        ]
        | ["configs", "jwt-customizer" | "actions", ..]
        | ["organizations", _, "jit", "sso-connectors", ..]
        | [
            "captcha-provider" | "connectors" | "hooks" | "one-time-tokens" | "sso-connectors",
            ..,
        ] => true,
        _ => false,
    }
}

/// Whether the query asks for a secret beside what is seen there.
fn asks_to_reveal(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "includePasswordHash")
}

/// Whether it could give a token, or whoever holds it, more than its own permissions.
fn is_way_to_more(tenant: &Tenant, method: &Method, path: &[&str]) -> bool {
    let snapshot = tenant.snapshot();
    // The users of the admin tenant run the others.
    if tenant.id() == tenants::ADMIN {
        return true;
    }
    match *path {
        // A script that says whose password is right can sign in as anybody.
        ["configs", "actions", ..] => true,
        ["applications", _, "roles", ..] | ["roles", _, "applications" | "scopes", ..] => {
            *method != Method::GET && *method != Method::DELETE
        }
        // A new role may come with permissions.
        ["roles"] => *method == Method::POST,
        ["organization-roles"] => *method == Method::POST,
        ["organization-roles", _, "resource-scopes", ..] => *method != Method::DELETE,
        // What is seen there is of another area.
        ["organizations", _, "jit", "sso-connectors"] => *method == Method::GET,
        // Whoever carries codes, or says who somebody is, can be anyone.
        ["organizations", _, "applications", ..] | ["connectors" | "sso-connectors", ..] => {
            organization_template::some_role_manages(&snapshot)
        }
        ["applications", id, ..] => {
            roles::may_manage(&snapshot, id) || organization_template::some_role_manages(&snapshot)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_area_has_paths_and_what_is_unknown_has_none() {
        let area = |path: &str| area_of(&path.split('/').collect::<Vec<_>>());
        assert_eq!(area("users/x/roles"), Some(Area::Users));
        assert_eq!(area("sign-in-exp"), Some(Area::SignIn));
        assert_eq!(area("dashboard/users/total"), Some(Area::Logs));
        for unknown in ["", "nothing", "user", ".well-known"] {
            assert_eq!(area(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_query_may_ask_for_a_secret() {
        assert!(asks_to_reveal("includePasswordHash=true"));
        assert!(asks_to_reveal("a=b&include%50asswordHash=1"));
        assert!(!asks_to_reveal("") && !asks_to_reveal("search=includePasswordHash"));
    }

    #[test]
    fn secrets_are_not_merely_seen() {
        let reveals = |path: &str| reveals(&path.split('/').collect::<Vec<_>>());
        assert!(reveals("applications/x/secrets") && reveals("hooks") && reveals("connectors/x"));
        assert!(!reveals("applications/x") && !reveals("users/x") && !reveals("configs/id-token"));
    }
}
