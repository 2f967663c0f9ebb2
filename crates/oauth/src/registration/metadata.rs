//! Client metadata (RFC 7591 §2): what a client says about itself. Members this server has no use for are left out, and the answer
//! to a registration does not repeat them (RFC 7591 §3.2.1).

use serde_json::{Map, Value};

use super::name;
use super::redirect_uri::Destination;
use crate::{
    error::{ErrorCode, OAuthError},
    scope::Scope,
};

/// Most redirect URIs of one client.
pub const MAX_REDIRECT_URIS: usize = 20;
/// Longest name, in characters.
pub const MAX_NAME: usize = 128;
/// Longest of any other text, in bytes.
const MAX_TEXT: usize = 2048;
/// Most entries of a list of grant or response types.
const MAX_TYPES: usize = 16;

/// How a client authenticates (RFC 7591 §2, OpenID Connect Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// By a secret in the `Authorization` header.
    ClientSecretBasic,
    /// By a secret in the body.
    ClientSecretPost,
    /// By a signature of its own key.
    PrivateKeyJwt,
}

impl AuthMethod {
    const ALL: [Self; 4] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt];

    /// The value of `token_endpoint_auth_method`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Whether it rests on a secret that this server would know, too.
    #[must_use]
    pub fn is_shared_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

/// What is read of a client's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientMetadata {
    /// Where its users may be sent, and where each leads.
    pub redirect_uris: Vec<(String, Destination)>,
    /// Where its users may land after signing out.
    pub post_logout_redirect_uris: Vec<(String, Destination)>,
    /// How it authenticates, when it says so.
    pub auth_method: Option<AuthMethod>,
    /// The grants it wants, when it says so.
    pub grant_types: Option<Vec<String>>,
    /// What it calls itself.
    pub name: Option<String>,
    /// `application_type`: whether it says that it is a native application.
    pub is_native: Option<bool>,
    /// The scopes it wants to ask for, when it says so.
    pub scope: Option<Scope>,
    /// Its public keys (RFC 7517 §5).
    pub jwks: Option<Map<String, Value>>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Every access token must be bound to a key (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: bool,
    /// Every authorization request must be pushed (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
}

impl ClientMetadata {
    /// Reads metadata. `null` stands for an absent member (RFC 7592 §2.2).
    ///
    /// # Errors
    /// `invalid_redirect_uri`; `invalid_client_metadata` for a member of the wrong type or beyond its limit, and for a method or
    /// combination that cannot work.
    pub fn read(members: &Map<String, Value>) -> Result<Self, OAuthError> {
        let reader = Reader(members);
        let metadata = Self {
            redirect_uris: reader.uris("redirect_uris")?,
            post_logout_redirect_uris: reader.uris("post_logout_redirect_uris")?,
            auth_method: reader.auth_method()?,
            grant_types: reader.texts("grant_types")?,
            name: reader.name()?,
            is_native: reader.application_type()?,
            scope: reader.scope()?,
            jwks: reader.public_keys()?,
            jwks_uri: reader.text("jwks_uri")?.map(str::to_owned),
            dpop_bound_access_tokens: reader.flag("dpop_bound_access_tokens")?,
            require_pushed_authorization_requests: reader
                .flag("require_pushed_authorization_requests")?,
        };
        // RFC 7591 §2.1: `code` is what the one interactive grant here begins with.
        if reader.texts("response_types")?.is_some_and(|types| !types.iter().any(|t| t == "code")) {
            return Err(invalid("response_types must hold code"));
        }
        if metadata.redirect_uris.is_empty() {
            return Err(invalid_uri("redirect_uris must hold at least one URI"));
        }
        // RFC 7591 §2: one or the other.
        if metadata.jwks.is_some() && metadata.jwks_uri.is_some() {
            return Err(invalid("jwks and jwks_uri must not both be there"));
        }
        Ok(metadata)
    }

    /// Whether every redirect URI leads to an application on the user's device.
    #[must_use]
    pub fn leads_to_native_only(&self) -> bool {
        self.redirect_uris.iter().all(|(_, destination)| destination.is_native())
    }
}

/// `invalid_client_metadata` with a description.
pub(super) fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}

fn invalid_uri(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::UnregistrableRedirectUri, description)
}

struct Reader<'a>(&'a Map<String, Value>);

impl<'a> Reader<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &'static str) -> Result<Option<&'a str>, OAuthError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_TEXT && !text.contains('\0') => {
                Ok(Some(text.as_str()).filter(|text| !text.is_empty()))
            }
            Some(_) => Err(invalid(format!("{name} must be a text of at most {MAX_TEXT} bytes"))),
        }
    }

    fn flag(&self, name: &'static str) -> Result<bool, OAuthError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(format!("{name} must be true or false"))),
        }
    }

    fn object(&self, name: &'static str) -> Result<Option<Map<String, Value>>, OAuthError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(_) => Err(invalid(format!("{name} must be an object"))),
        }
    }

    /// OpenID Connect Dynamic Client Registration §2: whoever sends a private key has given it away, whatever it is for.
    fn public_keys(&self) -> Result<Option<Map<String, Value>>, OAuthError> {
        let jwks = self.object("jwks")?;
        let keys = jwks.as_ref().and_then(|jwks| jwks.get("keys")).and_then(Value::as_array);
        let is_private = |key: &Value| ["d", "k"].iter().any(|name| key.get(name).is_some());
        if keys.is_some_and(|keys| keys.iter().any(is_private)) {
            return Err(invalid("jwks must hold public keys only"));
        }
        Ok(jwks)
    }

    fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, OAuthError> {
        let refuse = || invalid(format!("{name} must be an array of at most {MAX_TYPES} texts"));
        let Some(value) = self.get(name) else { return Ok(None) };
        let items = value.as_array().filter(|items| items.len() <= MAX_TYPES).ok_or_else(refuse)?;
        let text = |item: &Value| {
            item.as_str()
                .filter(|text| text.len() <= MAX_TEXT)
                .map(str::to_owned)
                .ok_or_else(refuse)
        };
        items.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    fn uris(&self, name: &'static str) -> Result<Vec<(String, Destination)>, OAuthError> {
        let refuse =
            || invalid_uri(format!("{name} must be an array of at most {MAX_REDIRECT_URIS} URIs"));
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let items =
            value.as_array().filter(|items| items.len() <= MAX_REDIRECT_URIS).ok_or_else(refuse)?;
        let mut uris: Vec<(String, Destination)> = Vec::new();
        for item in items {
            let uri = item.as_str().ok_or_else(refuse)?;
            let destination = Destination::of(uri)
                .map_err(|rule| invalid_uri(format!("{name}: a URI {rule}")))?;
            if !uris.iter().any(|(known, _)| known == uri) {
                uris.push((uri.to_owned(), destination));
            }
        }
        Ok(uris)
    }

    fn auth_method(&self) -> Result<Option<AuthMethod>, OAuthError> {
        let Some(text) = self.text("token_endpoint_auth_method")? else { return Ok(None) };
        let found = AuthMethod::ALL.into_iter().find(|method| method.as_str() == text);
        found.map(Some).ok_or_else(|| {
            invalid("token_endpoint_auth_method must be none, client_secret_basic, client_secret_post or private_key_jwt")
        })
    }

    /// OpenID Connect Dynamic Client Registration §2.
    fn application_type(&self) -> Result<Option<bool>, OAuthError> {
        match self.text("application_type")? {
            None => Ok(None),
            Some("native") => Ok(Some(true)),
            Some("web") => Ok(Some(false)),
            Some(_) => Err(invalid("application_type must be web or native")),
        }
    }

    fn scope(&self) -> Result<Option<Scope>, OAuthError> {
        let Some(text) = self.text("scope")? else { return Ok(None) };
        let scope = Scope::parse(text).map_err(|error| invalid(error.description))?;
        Ok(Some(scope))
    }

    /// A name is shown to people who decide by it: nothing in it that is not seen, or that turns around what is.
    fn name(&self) -> Result<Option<String>, OAuthError> {
        let Some(text) = self.text("client_name")? else { return Ok(None) };
        let text = text.trim();
        if text.chars().count() > MAX_NAME {
            return Err(invalid(format!("client_name has more than {MAX_NAME} characters")));
        }
        if text.is_empty() {
            return Ok(None);
        }
        name::check(text).map_err(|rule| invalid(format!("client_name {rule}")))?;
        Ok(Some(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<ClientMetadata, ErrorCode> {
        let Value::Object(members) = value else { panic!("an object") };
        ClientMetadata::read(&members).map_err(|error| error.error)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut metadata = json!({ "redirect_uris": ["https://agent.example/cb"] });
        metadata[name] = value;
        metadata
    }

    #[test]
    fn what_is_not_used_is_left_out_and_null_is_absent() {
        let plain = read(json!({ "redirect_uris": ["https://agent.example/cb"] })).unwrap();
        for (name, value) in [
            ("contacts", json!(["a@agent.example"])),
            ("tos_uri", json!("https://agent.example/tos")),
            ("software_version", json!(7)),
            ("client_name", json!(null)),
            ("jwks", json!(null)),
        ] {
            assert_eq!(read(with(name, value)).unwrap(), plain, "{name}");
        }
        let twice = json!({ "redirect_uris": ["https://a.example/", "https://a.example/"] });
        assert_eq!(read(twice).unwrap().redirect_uris.len(), 1);
    }

    #[test]
    fn a_member_of_the_wrong_kind_is_refused() {
        for (name, value) in [
            ("client_name", json!(["x"])),
            ("client_name", json!("x".repeat(129))),
            ("client_name", json!("Good\u{202e}livE")),
            ("client_name", json!("a\nb")),
            ("client_name", json!("\u{3164}")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
            ("token_endpoint_auth_method", json!(1)),
            ("grant_types", json!("authorization_code")),
            ("grant_types", json!([1])),
            ("grant_types", json!(vec!["x"; 17])),
            ("response_types", json!(["token"])),
            ("scope", json!("a\"b")),
            ("scope", json!(["a"])),
            ("jwks", json!("x")),
            ("application_type", json!("service")),
            ("dpop_bound_access_tokens", json!("true")),
            ("jwks_uri", json!("x".repeat(2049))),
        ] {
            assert_eq!(
                read(with(name, value.clone())).unwrap_err(),
                ErrorCode::InvalidClientMetadata,
                "{name} {value}"
            );
        }
        let both = json!({ "redirect_uris": ["https://a.example/"], "jwks": {}, "jwks_uri": "https://a.example/k" });
        assert_eq!(read(both).unwrap_err(), ErrorCode::InvalidClientMetadata);
    }

    #[test]
    fn redirect_uris_are_needed_and_each_must_be_sound() {
        for value in [
            json!(null),
            json!([]),
            json!("https://agent.example/cb"),
            json!([1]),
            json!(["javascript:alert(1)"]),
            json!(["https://agent.example/cb", "data:text/html,x"]),
            json!((0..21).map(|n| format!("https://agent.example/{n}")).collect::<Vec<_>>()),
        ] {
            assert_eq!(
                read(json!({ "redirect_uris": value })).unwrap_err(),
                ErrorCode::UnregistrableRedirectUri,
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_metadata_panics(name in "[a-z_]{0,30}", text in ".{0,80}") {
            let _ = read(with(&name, json!(text)));
            let _ = read(json!({ "redirect_uris": [text] }));
        }

        #[test]
        fn a_redirect_uri_that_is_read_can_be_matched(path in "[a-z0-9/]{0,20}", port in 1u16..) {
            for uri in [format!("https://agent.example/{path}"), format!("http://127.0.0.1:{port}/{path}")] {
                let found = read(json!({ "redirect_uris": [uri] })).unwrap();
                let mut client = crate::Client::new("c", crate::ApplicationType::Native);
                client.redirect_uris = found.redirect_uris.into_iter().map(|(uri, _)| uri).collect();
                prop_assert!(crate::RedirectUri::registered(&client, &uri).is_some());
            }
        }
    }
}
