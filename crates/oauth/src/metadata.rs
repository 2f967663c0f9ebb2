//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2). It lists what works and nothing else.

use serde::Serialize;

use crate::{
    authorization::{Prompts, ResponseMode},
    claims,
    client::GrantType,
    client_assertion, dpop, scope,
};

/// The metadata of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "RFC 8414 §2 and OpenID Connect Discovery §3 define each member")]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub end_session_endpoint: String,
    pub introspection_endpoint: String,
    pub revocation_endpoint: String,
    pub device_authorization_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    pub response_types_supported: Vec<&'static str>,
    pub response_modes_supported: Vec<&'static str>,
    pub grant_types_supported: Vec<&'static str>,
    pub subject_types_supported: Vec<&'static str>,
    pub id_token_signing_alg_values_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    pub code_challenge_methods_supported: Vec<&'static str>,
    pub scopes_supported: Vec<&'static str>,
    pub claim_types_supported: Vec<&'static str>,
    pub claims_supported: Vec<&'static str>,
    pub prompt_values_supported: Vec<&'static str>,
    pub authorization_response_iss_parameter_supported: bool,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_id_metadata_document_supported: bool,
}

impl Metadata {
    /// The document of an issuer such as `https://auth.example.com/oidc`, which ends without a slash.
    #[must_use]
    pub fn new(issuer: &str, id_token_algorithms: &[&str]) -> Self {
        let at = |path: &str| format!("{issuer}{path}");
        let methods =
            || vec!["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
        let signing = || client_assertion::ALGORITHMS.to_vec();
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: at("/auth"),
            token_endpoint: at("/token"),
            userinfo_endpoint: at("/me"),
            jwks_uri: at("/jwks"),
            end_session_endpoint: at("/session/end"),
            introspection_endpoint: at("/token/introspection"),
            revocation_endpoint: at("/token/revocation"),
            device_authorization_endpoint: at("/device/auth"),
            pushed_authorization_request_endpoint: at("/request"),
            registration_endpoint: None,
            response_types_supported: vec!["code"],
            response_modes_supported: ResponseMode::ALL.map(ResponseMode::as_str).to_vec(),
            grant_types_supported: GrantType::ALL.map(GrantType::as_str).to_vec(),
            subject_types_supported: vec!["public"],
            id_token_signing_alg_values_supported: id_token_algorithms
                .iter()
                .map(ToString::to_string)
                .collect(),
            token_endpoint_auth_methods_supported: methods(),
            introspection_endpoint_auth_methods_supported: methods(),
            revocation_endpoint_auth_methods_supported: methods(),
            token_endpoint_auth_signing_alg_values_supported: signing(),
            introspection_endpoint_auth_signing_alg_values_supported: signing(),
            revocation_endpoint_auth_signing_alg_values_supported: signing(),
            dpop_signing_alg_values_supported: dpop::ALGORITHMS.to_vec(),
            code_challenge_methods_supported: vec!["S256"],
            scopes_supported: scope::RESERVED.to_vec(),
            claim_types_supported: vec!["normal"],
            claims_supported: claims::supported().collect(),
            prompt_values_supported: Prompts::SUPPORTED.to_vec(),
            authorization_response_iss_parameter_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            claims_parameter_supported: true,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            client_id_metadata_document_supported: false,
        }
    }

    /// Whether clients may register themselves (RFC 7591).
    #[must_use]
    pub fn with_registration(self, is_open: bool) -> Self {
        let endpoint = format!("{}/register", self.issuer);
        Self { registration_endpoint: is_open.then_some(endpoint), ..self }
    }

    /// Whether a `client_id` may be the URL of a metadata document (draft-ietf-oauth-client-id-metadata-document §6).
    #[must_use]
    pub fn with_metadata_documents(self, are_read: bool) -> Self {
        Self { client_id_metadata_document_supported: are_read, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_where_clients_know_them() {
        let metadata = Metadata::new("http://localhost:4001/oidc", &["ES384"]);
        let json = serde_json::to_value(&metadata).unwrap();
        for (member, url) in [
            ("issuer", "http://localhost:4001/oidc"),
            ("authorization_endpoint", "http://localhost:4001/oidc/auth"),
            ("token_endpoint", "http://localhost:4001/oidc/token"),
            ("userinfo_endpoint", "http://localhost:4001/oidc/me"),
            ("jwks_uri", "http://localhost:4001/oidc/jwks"),
            ("end_session_endpoint", "http://localhost:4001/oidc/session/end"),
            ("introspection_endpoint", "http://localhost:4001/oidc/token/introspection"),
            ("revocation_endpoint", "http://localhost:4001/oidc/token/revocation"),
            ("device_authorization_endpoint", "http://localhost:4001/oidc/device/auth"),
            ("pushed_authorization_request_endpoint", "http://localhost:4001/oidc/request"),
        ] {
            assert_eq!(json[member], url);
        }
        assert_eq!(json["id_token_signing_alg_values_supported"][0], "ES384");
    }

    #[test]
    fn every_prompt_that_is_listed_is_understood() {
        for value in Prompts::SUPPORTED {
            assert!(Prompts::parse(value).is_ok(), "{value}");
        }
    }
}
