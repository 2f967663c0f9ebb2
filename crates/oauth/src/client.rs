//! What the rules need to know of an application.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fapi::SecurityProfile;

/// The kinds of application. The kind decides how it authenticates and which grants it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ApplicationType {
    /// An app on the user's device.
    Native,
    /// A single-page app in the browser.
    SPA,
    /// A web app with a server of its own.
    Traditional,
    /// A service acting for itself.
    MachineToMachine,
    /// An app behind the server's own proxy.
    Protected,
    /// A SAML service provider, bridged to the code flow.
    SAML,
}

/// The grants of the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 8628 §3.4.
    DeviceCode,
    /// RFC 8693 §2.1.
    TokenExchange,
}

impl GrantType {
    /// Every grant that works.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
    ];

    /// The value of `grant_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// The grant a `grant_type` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// How long a refresh token lives: 1 to 180 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
pub struct RefreshTokenTtl(u16);

impl RefreshTokenTtl {
    /// A number of days from 1 to 180; anything else is `None`.
    #[must_use]
    pub fn from_days(days: u16) -> Option<Self> {
        (1..=180).contains(&days).then_some(Self(days))
    }

    /// Days.
    #[must_use]
    pub fn days(self) -> u16 {
        self.0
    }

    /// Seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::from(self.0) * 86_400
    }
}

/// 14 days.
impl Default for RefreshTokenTtl {
    fn default() -> Self {
        Self(14)
    }
}

impl TryFrom<u16> for RefreshTokenTtl {
    type Error = &'static str;
    fn try_from(days: u16) -> Result<Self, Self::Error> {
        Self::from_days(days).ok_or("a refresh token lives from 1 to 180 days")
    }
}

impl From<RefreshTokenTtl> for u16 {
    fn from(ttl: RefreshTokenTtl) -> Self {
        ttl.0
    }
}

/// How long a refresh token may still be presented after it was rotated away: 0 to 60 seconds. Parallel requests of one
/// client need a few; with 0, every second use is a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u8", into = "u8")]
pub struct ReuseWindow(u8);

impl ReuseWindow {
    /// A number of seconds from 0 to 60; anything else is `None`.
    #[must_use]
    pub fn from_seconds(seconds: u8) -> Option<Self> {
        (seconds <= 60).then_some(Self(seconds))
    }

    /// Seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::from(self.0)
    }
}

/// 10 seconds: longer than a server-rendered page takes to send its last request.
impl Default for ReuseWindow {
    fn default() -> Self {
        Self(10)
    }
}

impl TryFrom<u8> for ReuseWindow {
    type Error = &'static str;
    fn try_from(seconds: u8) -> Result<Self, Self::Error> {
        Self::from_seconds(seconds).ok_or("a reuse window lasts from 0 to 60 seconds")
    }
}

impl From<ReuseWindow> for u8 {
    fn from(window: ReuseWindow) -> Self {
        window.0
    }
}

/// The longest an access token lives: 60 to 86,400 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
pub struct MaxAccessTokenTtl(u32);

impl TryFrom<u32> for MaxAccessTokenTtl {
    type Error = &'static str;
    fn try_from(seconds: u32) -> Result<Self, Self::Error> {
        (60..=86_400)
            .contains(&seconds)
            .then_some(Self(seconds))
            .ok_or("the longest life of an access token is from 60 to 86400 seconds")
    }
}

impl From<MaxAccessTokenTtl> for u32 {
    fn from(ttl: MaxAccessTokenTtl) -> Self {
        ttl.0
    }
}

/// How long a grant lasts, and with it everything that comes from it: 1 to 180 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
pub struct MaxGrantTtl(u16);

impl MaxGrantTtl {
    /// Milliseconds.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        i64::from(self.0) * 86_400_000
    }
}

/// 180 days.
impl Default for MaxGrantTtl {
    fn default() -> Self {
        Self(180)
    }
}

impl TryFrom<u16> for MaxGrantTtl {
    type Error = &'static str;
    fn try_from(days: u16) -> Result<Self, Self::Error> {
        (1..=180).contains(&days).then_some(Self(days)).ok_or("a grant lasts from 1 to 180 days")
    }
}

impl From<MaxGrantTtl> for u16 {
    fn from(ttl: MaxGrantTtl) -> Self {
        ttl.0
    }
}

/// Who says what a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Provenance {
    /// Whoever runs this server.
    #[default]
    Operator,
    /// The client itself, which registered here (RFC 7591).
    Registration,
    /// The client itself, by a document at the URL that is its `client_id`.
    Document,
}

/// An application as the protocol sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// RFC 6749 §2.2.
    pub client_id: String,
    /// The kind.
    pub application_type: ApplicationType,
    /// Registered redirect URIs; may hold wildcards (see [`crate::redirect_uri`]).
    pub redirect_uris: Vec<String>,
    /// Where a user may land after signing out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Further origins that may call from a browser.
    pub cors_allowed_origins: Vec<String>,
    /// Belongs to someone else, so users are asked for consent.
    pub is_third_party: bool,
    /// Who says all this.
    #[serde(default)]
    pub provenance: Provenance,
    /// Whether it may use refresh tokens at all.
    #[serde(default = "yes")]
    pub allows_refresh_tokens: bool,
    /// Issue a refresh token even without `offline_access`.
    pub always_issue_refresh_token: bool,
    /// Whether refresh tokens may rotate.
    pub rotate_refresh_token: bool,
    /// Lifetime of a refresh token.
    pub refresh_token_ttl: RefreshTokenTtl,
    /// How long a rotated refresh token may still be presented.
    #[serde(default)]
    pub refresh_token_reuse_window: ReuseWindow,
    /// Lifetime of an ID token: seconds.
    pub id_token_ttl: i64,
    /// Has registered keys, and authenticates with them and not with a secret (OpenID Connect Core §9).
    #[serde(default)]
    pub private_key_jwt: bool,
    /// Every access token must be bound to a key (RFC 9449 §5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// Every authorization request must be pushed (RFC 9126 §6).
    #[serde(default)]
    pub require_pushed_requests: bool,
    /// Whether it may exchange tokens (RFC 8693).
    pub allow_token_exchange: bool,
    /// Where it is told that a session has ended (OpenID Connect Back-Channel Logout 1.0 §2.2).
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// Whether it must be told which session: its ID tokens and logout tokens then have `sid`.
    #[serde(default)]
    pub backchannel_logout_session_required: bool,
    /// Signs people in by device code (RFC 8628), and in no other way.
    pub is_device_flow: bool,
    /// The rules beyond the usual ones it is held to.
    #[serde(default)]
    pub security_profile: Option<SecurityProfile>,
    /// No access token lives longer; what it is for may allow less.
    #[serde(default)]
    pub max_access_token_ttl: Option<MaxAccessTokenTtl>,
    /// Nothing that comes from one authorization lives longer.
    #[serde(default)]
    pub max_grant_ttl: MaxGrantTtl,
}

fn yes() -> bool {
    true
}

impl Client {
    /// A first-party application with no URIs and the default lifetimes.
    pub fn new(client_id: impl Into<String>, application_type: ApplicationType) -> Self {
        Self {
            client_id: client_id.into(),
            application_type,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            cors_allowed_origins: Vec::new(),
            is_third_party: false,
            provenance: Provenance::default(),
            allows_refresh_tokens: true,
            always_issue_refresh_token: false,
            rotate_refresh_token: true,
            refresh_token_ttl: RefreshTokenTtl::default(),
            refresh_token_reuse_window: ReuseWindow::default(),
            id_token_ttl: 3600,
            private_key_jwt: false,
            dpop_bound_access_tokens: false,
            require_pushed_requests: false,
            allow_token_exchange: false,
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            is_device_flow: false,
            security_profile: None,
            max_access_token_ttl: None,
            max_grant_ttl: MaxGrantTtl::default(),
        }
    }

    /// Whether the application can keep a secret (RFC 6749 §2.1), so that it authenticates with
    /// `client_secret_basic` or `client_secret_post`. A public one uses `none`.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        match self.application_type {
            ApplicationType::Traditional
            | ApplicationType::MachineToMachine
            | ApplicationType::Protected
            | ApplicationType::SAML => true,
            ApplicationType::Native | ApplicationType::SPA => false,
        }
    }

    /// Whether it is held to the FAPI 2.0 Security Profile.
    #[must_use]
    pub fn is_fapi2(&self) -> bool {
        self.security_profile == Some(SecurityProfile::Fapi2)
    }

    /// How long an access token lives that may live for `ttl`: seconds.
    #[must_use]
    pub fn access_token_ttl(&self, ttl: i64) -> i64 {
        self.max_access_token_ttl.map_or(ttl, |most| ttl.min(i64::from(most.0)))
    }

    /// Whether the application's ID tokens name the session they come from.
    #[must_use]
    pub fn wants_session_id(&self) -> bool {
        self.backchannel_logout_uri.is_some() && self.backchannel_logout_session_required
    }

    /// Whether the application may use a grant.
    #[must_use]
    pub fn allows(&self, grant: GrantType) -> bool {
        let machine = self.application_type == ApplicationType::MachineToMachine;
        match grant {
            GrantType::ClientCredentials => machine,
            GrantType::AuthorizationCode => !machine && !self.is_device_flow,
            GrantType::RefreshToken => !machine && self.allows_refresh_tokens,
            GrantType::DeviceCode => {
                self.application_type == ApplicationType::Native && self.is_device_flow
            }
            GrantType::TokenExchange => self.allow_token_exchange && !self.is_third_party,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machine_uses_client_credentials_and_it_uses_nothing_else() {
        use ApplicationType as T;
        for kind in [T::Native, T::SPA, T::Traditional, T::MachineToMachine, T::Protected, T::SAML]
        {
            let client = Client::new("c", kind);
            let machine = kind == T::MachineToMachine;
            assert_eq!(client.allows(GrantType::ClientCredentials), machine);
            assert_eq!(client.allows(GrantType::AuthorizationCode), !machine);
            assert_eq!(client.allows(GrantType::RefreshToken), !machine);
        }
    }

    #[test]
    fn only_a_native_application_made_for_it_uses_device_codes_and_then_no_authorization_codes() {
        use ApplicationType as T;
        for kind in [T::Native, T::SPA, T::Traditional, T::MachineToMachine, T::Protected, T::SAML]
        {
            let mut client = Client::new("c", kind);
            assert!(!client.allows(GrantType::DeviceCode));
            client.is_device_flow = true;
            assert_eq!(client.allows(GrantType::DeviceCode), kind == T::Native);
            assert!(!client.allows(GrantType::AuthorizationCode));
        }
    }

    #[test]
    fn tokens_are_exchanged_by_first_party_applications_that_were_allowed_to() {
        let mut client = Client::new("c", ApplicationType::Traditional);
        assert!(!client.allows(GrantType::TokenExchange));
        client.allow_token_exchange = true;
        assert!(client.allows(GrantType::TokenExchange));
        client.is_third_party = true;
        assert!(!client.allows(GrantType::TokenExchange));
    }

    #[test]
    fn apps_on_devices_and_in_browsers_are_public() {
        assert!(!Client::new("c", ApplicationType::Native).is_confidential());
        assert!(!Client::new("c", ApplicationType::SPA).is_confidential());
        assert!(Client::new("c", ApplicationType::Traditional).is_confidential());
    }

    #[test]
    fn a_refresh_token_lives_from_1_to_180_days() {
        assert_eq!(RefreshTokenTtl::from_days(0), None);
        assert_eq!(RefreshTokenTtl::from_days(181), None);
        assert_eq!(RefreshTokenTtl::from_days(180).unwrap().seconds(), 15_552_000);
        assert!(serde_json::from_str::<RefreshTokenTtl>("181").is_err());
    }

    #[test]
    fn a_reuse_window_lasts_from_0_to_60_seconds() {
        assert_eq!(ReuseWindow::default().seconds(), 10);
        assert_eq!(ReuseWindow::from_seconds(60).unwrap().seconds(), 60);
        assert_eq!(ReuseWindow::from_seconds(61), None);
        assert!(serde_json::from_str::<ReuseWindow>("61").is_err());
        assert!(serde_json::from_str::<ReuseWindow>("-1").is_err());
    }
}
