//! What is allowed of an enterprise connector.

use serde_json::{Value, json};
use trinco_connectors::saml;
use url::{Host, Url};

use super::model::{ProviderType, SsoConnector, SsoConnectorChanges, text};
use super::providers::Provider;
use crate::connectors::invalid_config;
use crate::{Error, JsonObject, Result};

/// Domains of one connector.
const MOST_DOMAINS: usize = 200;

/// Hosts where anyone gets an address: whoever holds such a domain for a company would be asked about strangers.
const PUBLIC_MAIL_HOSTS: [&str; 26] = [
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "163.com",
    "uol.com.br",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.br",
    "yandex.com",
];

/// The domains as they are kept: in lower case and ASCII.
///
/// # Errors
/// `guard.invalid_input`, `single_sign_on.forbidden_domains`, `single_sign_on.duplicated_domains`.
pub(super) fn domains(given: &[String]) -> Result<Vec<String>> {
    if given.len() > MOST_DOMAINS {
        let rule = format!("has more than {MOST_DOMAINS} domains");
        return Err(Error::invalid_field("domains", &rule));
    }
    let mut domains: Vec<String> = Vec::new();
    let mut duplicated = Vec::new();
    for (index, text) in given.iter().enumerate() {
        let domain = match Host::parse(text.trim()) {
            Ok(Host::Domain(domain)) if is_domain(&domain) => domain,
            _ => {
                let path = format!("domains.{index}");
                return Err(Error::invalid_field(&path, "must be a domain such as example.com"));
            }
        };
        if domains.contains(&domain) {
            duplicated.push(domain);
        } else {
            domains.push(domain);
        }
    }
    if !duplicated.is_empty() {
        return Err(duplicated_domains(&duplicated));
    }
    let public: Vec<&String> =
        domains.iter().filter(|domain| PUBLIC_MAIL_HOSTS.contains(&domain.as_str())).collect();
    if !public.is_empty() {
        return Err(Error::refused_data(
            "single_sign_on.forbidden_domains",
            json!({ "data": public }),
        ));
    }
    Ok(domains)
}

pub(super) fn duplicated_domains(domains: &[String]) -> Error {
    Error::refused_data("single_sign_on.duplicated_domains", json!({ "data": domains }))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        matches!(label.len(), 1..=63)
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

/// A configuration may be unfinished, but what is there must be right.
///
/// # Errors
/// `connector.invalid_config`, which names the member.
pub(super) fn check_config(provider: &Provider, config: &JsonObject) -> Result<()> {
    match provider.provider_type {
        ProviderType::Oidc => check_oidc(provider, config),
        ProviderType::Saml => check_saml(config),
    }
}

fn check_oidc(provider: &Provider, config: &JsonObject) -> Result<()> {
    for key in ["clientId", "clientSecret", "issuer", "scope"] {
        check_text(config, key)?;
    }
    check_flag(config, "trustUnverifiedEmail")?;
    if provider.issuer.is_none() {
        check_url(config, "issuer")?;
    }
    Ok(())
}

fn check_saml(config: &JsonObject) -> Result<()> {
    for key in ["metadata", "entityId", "x509Certificate", "requestSignatureAlgorithm"] {
        check_text(config, key)?;
    }
    check_url(config, "metadataUrl")?;
    check_url(config, "signInEndpoint")?;
    check_flag(config, SIGNS_REQUESTS)?;
    if let Some(algorithm) = text(config, "requestSignatureAlgorithm")
        && !SIGNATURE_ALGORITHMS.contains(&algorithm)
    {
        return Err(invalid_config(
            "requestSignatureAlgorithm",
            "must be RSA with SHA-256 or SHA-512",
        ));
    }
    if let Some(mapping) = config.get("attributeMapping") {
        let is_mapping =
            mapping.as_object().is_some_and(|members| members.values().all(Value::is_string));
        if !is_mapping {
            return Err(invalid_config("attributeMapping", "must be an object of texts"));
        }
    }
    if let Some(metadata) = text(config, "metadata") {
        saml::parse(metadata)
            .map_err(|problem| invalid_config("metadata", &problem.to_string()))?;
    }
    Ok(())
}

/// The member that says whether requests are signed.
const SIGNS_REQUESTS: &str = "signAuthnRequest";
const SIGNATURE_ALGORITHMS: [&str; 2] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
];

pub(super) fn signs_requests(config: &JsonObject) -> bool {
    config.get(SIGNS_REQUESTS) == Some(&Value::Bool(true))
}

fn check_text(config: &JsonObject, key: &str) -> Result<()> {
    match config.get(key) {
        None => Ok(()),
        Some(Value::String(text)) if !text.contains('\0') => Ok(()),
        Some(_) => Err(invalid_config(key, "must be a text")),
    }
}

fn check_flag(config: &JsonObject, key: &str) -> Result<()> {
    match config.get(key) {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(_) => Err(invalid_config(key, "must be true or false")),
    }
}

fn check_url(config: &JsonObject, key: &str) -> Result<()> {
    check_text(config, key)?;
    let Some(text) = text(config, key) else { return Ok(()) };
    let is_web = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    });
    if is_web {
        Ok(())
    } else {
        Err(invalid_config(key, "must be an http or https URL without credentials"))
    }
}

/// Tokens come with OpenID Connect alone.
pub(super) fn check_token_storage(provider: &Provider, is_enabled: bool) -> Result<()> {
    if is_enabled && provider.provider_type != ProviderType::Oidc {
        return Err(Error::refused("connector.token_storage_not_supported"));
    }
    Ok(())
}

pub(super) fn apply(changes: SsoConnectorChanges, connector: &mut SsoConnector) -> Result<()> {
    if let Some(config) = changes.config {
        check_config(connector.provider, &config)?;
        connector.config = config;
    }
    if let Some(given) = changes.domains {
        connector.domains = domains(&given)?;
    }
    if let Some(name) = changes.connector_name {
        connector.name = name.into_string();
    }
    connector.branding = changes.branding.unwrap_or_else(|| connector.branding.clone());
    connector.sync_profile = changes.sync_profile.unwrap_or(connector.sync_profile);
    connector.enable_token_storage =
        changes.enable_token_storage.unwrap_or(connector.enable_token_storage);
    check_token_storage(connector.provider, connector.enable_token_storage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[&str]) -> Result<Vec<String>, &'static str> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        domains(&given).map_err(|error| error.code().unwrap())
    }

    #[test]
    fn domains_are_kept_in_lower_case_and_once() {
        assert_eq!(
            read(&["Example.COM", " bücher.example "]).unwrap(),
            ["example.com", "xn--bcher-kva.example"]
        );
        for given in [
            "",
            "example",
            "127.0.0.1",
            "-a.example",
            "a..b",
            "a b.example",
            "[::1]",
            "a_b.example",
        ] {
            assert_eq!(read(&[given]), Err("guard.invalid_input"), "{given}");
        }
        assert_eq!(read(&["a.example", "A.example"]), Err("single_sign_on.duplicated_domains"));
        assert_eq!(read(&["a.example", "GMail.com"]), Err("single_sign_on.forbidden_domains"));
    }
}
