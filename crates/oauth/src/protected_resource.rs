//! Protected resource metadata (RFC 9728): what an API says about the authorization server that issues its tokens.

use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::dpop;

/// The name below `/.well-known/` (RFC 9728 §3).
pub const WELL_KNOWN: &str = "oauth-protected-resource";

/// The document of a protected resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "RFC 9728 §2 defines each member")]
pub struct ProtectedResource {
    pub resource: String,
    pub authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    pub bearer_methods_supported: Vec<&'static str>,
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    pub resource_name: String,
}

impl ProtectedResource {
    /// The document of `resource`, whose tokens `issuer` issues.
    #[must_use]
    pub fn new(resource: &str, issuer: &str, name: &str, scopes: Vec<String>) -> Self {
        Self {
            resource: resource.to_owned(),
            authorization_servers: vec![issuer.to_owned()],
            scopes_supported: scopes,
            // Never in a query or a body (RFC 9700 §4.3.2).
            bearer_methods_supported: vec!["header"],
            dpop_signing_alg_values_supported: dpop::ALGORITHMS.to_vec(),
            resource_name: name.to_owned(),
        }
    }
}

/// Where the metadata of `resource` is: the well-known name goes between host and path (RFC 9728 §3.1, RFC 8414 §3.1). `None` when
/// the resource is not an http or https URL, so that nobody can look there.
#[must_use]
pub fn metadata_url(resource: &str) -> Option<String> {
    let url = Url::parse(resource).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    let authority = &url[..url::Position::BeforePath];
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{authority}/.well-known/{WELL_KNOWN}{path}{query}"))
}

/// Adds to a `WWW-Authenticate` value where the metadata of the resource is (RFC 9728 §5.1).
#[must_use]
pub fn with_metadata(challenge: &str, metadata_url: &str) -> String {
    // A URL of this server's own origin has no quotes, but whoever reads this should not have to know.
    let sound = metadata_url.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b));
    if sound {
        let separator = if challenge.contains(' ') { "," } else { "" };
        format!("{challenge}{separator} resource_metadata=\"{metadata_url}\"")
    } else {
        challenge.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_name_goes_between_host_and_path() {
        for (resource, url) in [
            (
                "https://api.example.com/mcp",
                "https://api.example.com/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://api.example.com",
                "https://api.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example.com/",
                "https://api.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "http://localhost:3001/oidc/me",
                "http://localhost:3001/.well-known/oauth-protected-resource/oidc/me",
            ),
            (
                "https://api.example.com/a/b/?k=v",
                "https://api.example.com/.well-known/oauth-protected-resource/a/b?k=v",
            ),
        ] {
            assert_eq!(metadata_url(resource).as_deref(), Some(url));
        }
        for resource in ["urn:logto:resource:organizations", "api", "mailto:a@b.example", ""] {
            assert_eq!(metadata_url(resource), None, "{resource}");
        }
    }

    #[test]
    fn a_challenge_names_the_metadata() {
        assert_eq!(
            with_metadata("Bearer realm=\"r\"", "https://a.example/x"),
            "Bearer realm=\"r\", resource_metadata=\"https://a.example/x\""
        );
        assert_eq!(
            with_metadata("Bearer", "https://a/x"),
            "Bearer resource_metadata=\"https://a/x\""
        );
        assert_eq!(with_metadata("Bearer", "https://a/\"x"), "Bearer");
    }
}
