//! The calls that webhooks are told of: how the reference names their routes, and the status that tells of success.
//!
//! Which event a call is, its use case knows; this is what an event says of the call.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;
use trinco_core::Call;

/// Method, route and status.
const CALLS: &[(Method, &str, u16)] = &[
    (Method::POST, "/users", 200),
    (Method::DELETE, "/users/:userId", 204),
    (Method::PATCH, "/users/:userId", 200),
    (Method::PATCH, "/users/:userId/custom-data", 200),
    (Method::PATCH, "/users/:userId/profile", 200),
    (Method::PATCH, "/users/:userId/password", 200),
    (Method::PATCH, "/users/:userId/is-suspended", 200),
    (Method::POST, "/roles", 200),
    (Method::DELETE, "/roles/:id", 204),
    (Method::PATCH, "/roles/:id", 200),
    (Method::POST, "/roles/:id/scopes", 201),
    (Method::DELETE, "/roles/:id/scopes/:scopeId", 204),
    (Method::POST, "/resources/:resourceId/scopes", 201),
    (Method::DELETE, "/resources/:resourceId/scopes/:scopeId", 204),
    (Method::PATCH, "/resources/:resourceId/scopes/:scopeId", 200),
    (Method::POST, "/organizations", 201),
    (Method::DELETE, "/organizations/:id", 204),
    (Method::PATCH, "/organizations/:id", 200),
    (Method::POST, "/organizations/:id/users", 201),
    (Method::PUT, "/organizations/:id/users", 204),
    (Method::DELETE, "/organizations/:id/users/:userId", 204),
    (Method::POST, "/organizations/:id/applications", 201),
    (Method::PUT, "/organizations/:id/applications", 204),
    (Method::DELETE, "/organizations/:id/applications/:applicationId", 204),
    (Method::PUT, "/organization-invitations/:id/status", 200),
    (Method::POST, "/organization-roles", 201),
    (Method::DELETE, "/organization-roles/:id", 204),
    (Method::PATCH, "/organization-roles/:id", 200),
    (Method::POST, "/organization-scopes", 201),
    (Method::DELETE, "/organization-scopes/:id", 204),
    (Method::PATCH, "/organization-scopes/:id", 200),
    (Method::PUT, "/organization-roles/:id/scopes", 204),
    (Method::POST, "/organization-roles/:id/scopes", 201),
    (Method::DELETE, "/organization-roles/:id/scopes/:organizationScopeId", 204),
];

/// The call that a request to `path` is, if webhooks are told of it.
pub(super) fn call(method: &Method, path: &str) -> Option<Call> {
    let path = path.strip_prefix("/api")?;
    CALLS.iter().filter(|(of, ..)| of == method).find_map(|(_, route, status)| {
        let params = params(route, path)?;
        Some(Call {
            path: path.to_owned(),
            method: method.to_string(),
            status: *status,
            params,
            matched_route: route,
        })
    })
}

/// What stands in the place of the parameters of a route, if the path is one of it.
fn params(route: &'static str, path: &str) -> Option<BTreeMap<&'static str, String>> {
    let (mut names, mut values) = (route.split('/'), path.split('/'));
    let mut params = BTreeMap::new();
    loop {
        match (names.next(), values.next()) {
            (None, None) => return Some(params),
            (Some(name), Some(value)) => match name.strip_prefix(':') {
                Some(name) => {
                    let value = percent_decode_str(value).decode_utf8().ok()?;
                    params.insert(name, value.into_owned());
                }
                None if name == value => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_method_and_path() {
        let known = call(&Method::DELETE, "/api/roles/r%201/scopes/s").unwrap();
        assert_eq!((known.path.as_str(), known.status), ("/roles/r%201/scopes/s", 204));
        assert_eq!(known.matched_route, "/roles/:id/scopes/:scopeId");
        assert_eq!(known.params, [("id", "r 1".to_owned()), ("scopeId", "s".to_owned())].into());
        assert!(call(&Method::GET, "/api/roles/r").is_none());
        assert!(call(&Method::PATCH, "/api/roles").is_none());
        assert!(call(&Method::POST, "/oidc/token").is_none());
        assert!(call(&Method::POST, "/api/roles/r/scopes/s/x").is_none());
    }
}
