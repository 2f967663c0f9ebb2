//! What the scopes of a token allow at the Management API.
//!
//! `all` allows everything, `read` to see everything but secrets, `read:<area>` and `write:<area>` a part. A token with less than `all`
//! must not be a way to more: what gives somebody permissions at a Management API, or lets one act as somebody who has them, asks for
//! `all`.

use http::{Method, Uri};
use trinco_core::resources::management::{self, ALL, Area, READ};
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
    matches!(
        *path,
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
            ]
    )
}

/// Whether the query asks for a secret beside what is seen there.
fn asks_to_reveal(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "includePasswordHash")
}

/// The scopes of which one is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) scopes: Vec<String>,
    /// Whether it depends on what the request is about, so that now and then [`ALL`] alone is enough.
    pub(super) sometimes_all: bool,
}

/// What a request of this method to a path needs, whose parameters stand in braces: what [`allows`] asks for, told beforehand.
pub(super) fn needs(tenant: &Tenant, method: &Method, path: &str) -> Needs {
    let only = || Needs { scopes: vec![ALL.to_owned()], sometimes_all: false };
    let path: Vec<&str> = path.trim_start_matches('/').split('/').skip(1).collect();
    let Some(area) = area_of(&path) else { return only() };
    let mut scopes = vec![format!("write:{}", area.name())];
    let only_sees = matches!(*method, Method::GET | Method::HEAD) && !reveals(&path);
    if only_sees {
        scopes.insert(0, format!("read:{}", area.name()));
        scopes.push(READ.to_owned());
    }
    scopes.push(ALL.to_owned());
    let exists = management::scopes();
    scopes.retain(|scope| exists.iter().any(|(name, _)| name == scope));
    let way = way_to_more(method, &path);
    match way {
        _ if only_sees => Needs { scopes, sometimes_all: false },
        Way::Always => only(),
        _ if tenant.id() == tenants::ADMIN => only(),
        Way::No => Needs { scopes, sometimes_all: false },
        Way::IfSomeRoleManages | Way::IfItManages(_) => Needs { scopes, sometimes_all: true },
    }
}

/// Whether it could give a token, or whoever holds it, more than its own permissions.
fn is_way_to_more(tenant: &Tenant, method: &Method, path: &[&str]) -> bool {
    let snapshot = tenant.snapshot();
    // The users of the admin tenant run the others.
    if tenant.id() == tenants::ADMIN {
        return true;
    }
    match way_to_more(method, path) {
        Way::No => false,
        Way::Always => true,
        Way::IfSomeRoleManages => organization_template::some_role_manages(&snapshot),
        Way::IfItManages(id) => {
            roles::may_manage(&snapshot, id) || organization_template::some_role_manages(&snapshot)
        }
    }
}

/// When a request could give more than it was sent with.
enum Way<'a> {
    No,
    Always,
    /// If a role of the organization template has permissions of the Management API.
    IfSomeRoleManages,
    /// The same, and if this application has them.
    IfItManages(&'a str),
}

fn way_to_more<'a>(method: &Method, path: &[&'a str]) -> Way<'a> {
    let always = |it_is: bool| if it_is { Way::Always } else { Way::No };
    match *path {
        // A script that says whose password is right can sign in as anybody.
        ["configs", "actions", ..] => Way::Always,
        ["applications", _, "roles", ..] | ["roles", _, "applications" | "scopes", ..] => {
            always(*method != Method::GET && *method != Method::DELETE)
        }
        // A new role may come with permissions.
        ["roles"] | ["organization-roles"] => always(*method == Method::POST),
        ["organization-roles", _, "resource-scopes", ..] => always(*method != Method::DELETE),
        // What is seen there is of another area.
        ["organizations", _, "jit", "sso-connectors"] => always(*method == Method::GET),
        // Whoever carries codes, or says who somebody is, can be anyone.
        ["organizations", _, "applications", ..] | ["connectors" | "sso-connectors", ..] => {
            Way::IfSomeRoleManages
        }
        ["applications", id, ..] => Way::IfItManages(id),
        _ => Way::No,
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
