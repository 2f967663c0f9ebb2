//! What is allowed of an API resource.

use url::Url;

use super::model::{NewResource, Resource, ResourceChanges, ResourceScope, ScopeChanges};
use crate::{Error, Result, Text};

/// Audiences below this prefix are Trinco's own: a token for `urn:logto:organization:…` must never be one for somebody's API.
const RESERVED_PREFIX: &str = "urn:logto:";

/// The indicator of a tenant's Management API.
pub(super) fn management_api_indicator(tenant_id: &str) -> String {
    format!("https://{tenant_id}.logto.app/api")
}

/// Whether `indicator` is that of some tenant's Management API.
pub(super) fn is_management_api(indicator: &str) -> bool {
    indicator
        .strip_prefix("https://")
        .and_then(|rest| rest.strip_suffix(".logto.app/api"))
        .is_some_and(|tenant| {
            !tenant.is_empty()
                && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

pub(super) fn check_new(new: &NewResource) -> Result<()> {
    check_indicator(new.indicator.as_str())?;
    new.access_token_ttl.map_or(Ok(()), check_ttl)
}

pub(super) fn apply(changes: &ResourceChanges, resource: &mut Resource) -> Result<()> {
    check_may_change(resource)?;
    if let Some(name) = &changes.name {
        name.as_str().clone_into(&mut resource.name);
    }
    if let Some(ttl) = changes.access_token_ttl {
        check_ttl(ttl)?;
        resource.access_token_ttl = ttl.into();
    }
    Ok(())
}

pub(super) fn check_may_change(resource: &Resource) -> Result<()> {
    if resource.is_management_api() {
        return Err(Error::refused("resource.cannot_modify_management_api"));
    }
    Ok(())
}

pub(super) fn check_may_delete(resource: &Resource) -> Result<()> {
    if resource.is_management_api() {
        return Err(Error::refused("resource.cannot_delete_management_api"));
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

pub(super) fn apply_to_scope(changes: &ScopeChanges, scope: &mut ResourceScope) -> Result<()> {
    if let Some(name) = &changes.name {
        check_scope_name(name.as_str())?;
        name.as_str().clone_into(&mut scope.name);
    }
    if let Some(description) = &changes.description {
        scope.description = description.clone().map(Text::into_string);
    }
    Ok(())
}

/// RFC 8707 §2: an absolute URI without a fragment, which a request can name.
fn check_indicator(indicator: &str) -> Result<()> {
    let refuse = |rule| Err(Error::invalid_field("indicator", rule));
    if indicator.contains(char::is_whitespace) || Url::parse(indicator).is_err() {
        return refuse("must be an absolute URI");
    }
    if indicator.contains('#') {
        return refuse("must not have a fragment");
    }
    // Requests may hold several indicators with commas between them: one that has a comma could not be asked for.
    if indicator.contains(',') {
        return refuse("must not have a comma, write %2C");
    }
    // Schemes and URN namespaces are case-insensitive.
    if indicator.to_ascii_lowercase().starts_with(RESERVED_PREFIX) || is_management_api(indicator) {
        return refuse("is reserved");
    }
    Ok(())
}

fn check_ttl(ttl: u32) -> Result<()> {
    if ttl == 0 {
        return Err(Error::invalid_field("accessTokenTtl", "must be at least 1 second"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indicator_is_an_absolute_uri_without_a_fragment() {
        for indicator in [
            "https://shop.example/api",
            "urn:example:shop",
            "api://shop",
            "https://a.example/x?y=1",
        ] {
            assert!(check_indicator(indicator).is_ok(), "{indicator}");
        }
        for indicator in [
            "shop",
            "/api",
            "https://a.example/#x",
            "https://a.example/#",
            "https://a .example",
            "",
        ] {
            assert!(check_indicator(indicator).is_err(), "{indicator}");
        }
    }

    #[test]
    fn an_indicator_that_no_request_could_name_is_refused() {
        assert!(check_indicator("https://a.example/x,y").is_err());
        assert!(check_indicator("https://a.example/x%2Cy").is_ok());
    }

    #[test]
    fn nobody_can_take_an_audience_that_means_something_to_trinco() {
        let reserved = [
            "urn:logto:organization:abc",
            "URN:Logto:organization:abc",
            "urn:logto:resource:organizations",
            "https://default.logto.app/api",
            "https://other.logto.app/api",
        ];
        for indicator in reserved {
            assert!(check_indicator(indicator).is_err(), "{indicator}");
        }
    }

    #[test]
    fn only_management_apis_are_taken_for_one() {
        for tenant in ["default", "admin", "my-tenant"] {
            assert!(is_management_api(&management_api_indicator(tenant)));
        }
        for other in [
            "https://.logto.app/api",
            "https://a/b.logto.app/api",
            "https://default.logto.app/api/",
            "https://x.example/api",
        ] {
            assert!(!is_management_api(other), "{other}");
        }
    }

    #[test]
    fn a_scope_name_holds_no_white_space() {
        assert!(check_scope_name("read:orders").is_ok());
        for name in ["read orders", " read", "read\n", "read\u{a0}orders"] {
            assert_eq!(check_scope_name(name).unwrap_err().code(), Some("scope.name_with_space"));
        }
    }
}
