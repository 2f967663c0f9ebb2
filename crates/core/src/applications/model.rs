//! What an application is. The serde shape is the shape of the Management API.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_jose::Verifier;
use trinco_oauth::client::{
    MaxAccessTokenTtl, MaxGrantTtl, Provenance, RefreshTokenTtl, ReuseWindow,
};
use trinco_oauth::fapi::SecurityProfile;
use trinco_oauth::registration::document::ClientIdUrl;
use trinco_oauth::{ApplicationType, Client};

use crate::application_experience::ApplicationSignInExperience;
use crate::consents::ConsentScopes;
use crate::{JsonObject, Secret, Text, TokenHash, double_option, nullable};

/// How long an ID token may live: seconds, a year at most.
pub(super) const ID_TOKEN_TTL: RangeInclusive<u32> = 1..=31_536_000;

/// An application: an OAuth client with a name.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// The client id.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// Shown to administrators.
    pub description: Option<String>,
    /// Decides how it authenticates and which grants it may use; never changes.
    #[serde(rename = "type")]
    pub application_type: ApplicationType,
    /// What OpenID Connect registers about a client.
    pub oidc_client_metadata: OidcClientMetadata,
    /// What goes beyond that.
    pub custom_client_metadata: CustomClientMetadata,
    /// Configuration of the proxy in front of a protected application.
    pub protected_app_metadata: Option<JsonObject>,
    /// Whatever the owner keeps here.
    pub custom_data: JsonObject,
    /// Belongs to someone else, so users are asked for consent.
    pub is_third_party: bool,
    /// Whether only listed users may sign in to it.
    pub app_level_access_control_enabled: bool,
    /// Who says all this. Shown when it is not the operator. Ours alone.
    #[serde(rename = "registeredBy", skip_serializing_if = "is_operators")]
    pub provenance: Provenance,
    /// Unix milliseconds.
    pub created_at: i64,
}

fn is_operators(provenance: &Provenance) -> bool {
    *provenance == Provenance::Operator
}

/// What OpenID Connect registers about a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcClientMetadata {
    /// Where authorization responses may go.
    pub redirect_uris: Vec<Text<1, 2048>>,
    /// Where a user may land after signing out.
    pub post_logout_redirect_uris: Vec<Text<1, 2048>>,
    /// Where to tell the client that a session has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<Text<1, 2048>>,
    /// Whether logout tokens must carry `sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
    /// The public keys the client authenticates with, a JWK set (RFC 7591 §2). Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JsonObject>,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<Text<0, 2048>>,
}

/// Settings beyond the standards' metadata. Absent members have the defaults of [`Client`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomClientMetadata {
    /// Further origins that may call from a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors_allowed_origins: Option<Vec<Text<1, 2048>>>,
    /// Seconds, 1 to 31,536,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_ttl: Option<u32>,
    /// Days, 1 to 180.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_ttl_in_days: Option<RefreshTokenTtl>,
    /// Seconds; superseded by `refresh_token_ttl_in_days` and kept for old scripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_ttl: Option<u32>,
    /// Whether it may use refresh tokens at all; true unless it says otherwise. Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_refresh_token: Option<bool>,
    /// Issue a refresh token even without `offline_access`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always_issue_refresh_token: Option<bool>,
    /// Whether refresh tokens may rotate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_refresh_token: Option<bool>,
    /// Seconds, 0 to 60: how long a rotated refresh token may still be presented. Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_reuse_window: Option<ReuseWindow>,
    /// Whether every authorization request must be pushed (RFC 9126 §6). Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// Whether every access token must be bound to a key of the client (RFC 9449 §5.2). Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    /// The rules beyond the usual ones the application is held to: `fapi2`. Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<SecurityProfile>,
    /// Seconds, 60 to 86,400: no access token of the application lives longer, whatever its resource says. Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_access_token_ttl: Option<MaxAccessTokenTtl>,
    /// Days, 1 to 180: nothing that comes from one authorization lives longer. Ours alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_grant_ttl_in_days: Option<MaxGrantTtl>,
    /// Whether the token exchange grant is allowed (RFC 8693).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_token_exchange: Option<bool>,
    /// Whether the application signs in by device code; never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_device_flow: Option<bool>,
    /// How many grants a user may hold at once, at least 1; all those of one browser session count as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_allowed_grants: Option<u32>,
}

/// The body that creates an application.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewApplication {
    /// Shown to people.
    pub name: Text<1, 256>,
    /// Shown to administrators.
    #[serde(default, deserialize_with = "nullable")]
    pub description: Option<Text<0, 2048>>,
    /// The kind.
    #[serde(rename = "type")]
    pub application_type: ApplicationType,
    /// URIs.
    #[serde(default)]
    pub oidc_client_metadata: OidcClientMetadata,
    /// Settings.
    #[serde(default)]
    pub custom_client_metadata: CustomClientMetadata,
    /// Whatever the owner keeps here.
    #[serde(default)]
    pub custom_data: JsonObject,
    /// Belongs to someone else.
    #[serde(default)]
    pub is_third_party: bool,
}

/// The body that changes an application: absent members stay as they are, present ones replace the old value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationChanges {
    /// Shown to people.
    pub name: Option<Text<1, 256>>,
    /// Shown to administrators.
    #[serde(deserialize_with = "double_option")]
    pub description: Option<Option<Text<0, 2048>>>,
    /// URIs.
    pub oidc_client_metadata: Option<OidcClientMetadata>,
    /// Settings.
    pub custom_client_metadata: Option<CustomClientMetadata>,
    /// Whatever the owner keeps here.
    pub custom_data: Option<JsonObject>,
    /// Whether only listed users may sign in to it.
    pub app_level_access_control_enabled: Option<bool>,
    /// Whether it may use the whole Management API.
    pub is_admin: Option<bool>,
}

/// A named secret of an application. It serialises with its value: the API returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplicationSecret {
    /// The application.
    pub application_id: String,
    /// Unique within the application.
    pub name: String,
    /// 32 characters.
    pub value: Secret,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds; it does not authenticate after that.
    pub expires_at: Option<i64>,
}

/// The body that creates a secret.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSecret {
    /// Unique within the application.
    pub name: Text<1, 256>,
    /// Unix milliseconds.
    #[serde(default, deserialize_with = "nullable")]
    pub expires_at: Option<i64>,
}

/// An application as requests need it: ready for the protocol rules, with the hashes of its secrets.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    /// The application itself.
    pub application: Application,
    /// The protocol's view of it.
    pub client: Client,
    /// How the pages look and whom they name while someone signs in to it.
    pub experience: Option<ApplicationSignInExperience>,
    /// What it may ask users for, when it is a third-party application.
    pub consent_scopes: ConsentScopes,
    pub(super) secrets: Vec<SecretHash>,
    pub(super) keys: Verifier,
}

#[derive(Clone, Debug)]
pub(super) struct SecretHash {
    pub(super) hash: TokenHash,
    pub(super) expires_at: Option<i64>,
}

/// Every application of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub(super) by_id: BTreeMap<String, Arc<RegisteredClient>>,
}

impl RegisteredClient {
    /// What people are told it is called.
    pub fn display_name(&self) -> &str {
        self.experience
            .as_ref()
            .and_then(|experience| experience.display_name.as_deref())
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.application.name)
    }

    /// What people can be told it is called without a word of caution: the host of a client that is known by its document, and nothing
    /// of one that registered itself.
    pub fn vouched_name(&self) -> Option<String> {
        match self.client.provenance {
            Provenance::Operator => Some(self.display_name().to_owned()),
            Provenance::Registration => None,
            Provenance::Document => self.document_host(),
        }
    }

    /// The host of the document that describes the client, if one does.
    pub fn document_host(&self) -> Option<String> {
        ClientIdUrl::parse(&self.client.client_id).ok().map(|url| url.host())
    }
}

impl Directory {
    /// The application with this client id.
    pub fn get(&self, id: &str) -> Option<&Arc<RegisteredClient>> {
        self.by_id.get(id)
    }

    /// Every application, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RegisteredClient>> {
        self.by_id.values()
    }
}

impl Application {
    /// The protocol's view.
    pub fn to_client(&self) -> Client {
        let texts =
            |list: &[Text<1, 2048>]| list.iter().map(|text| text.as_str().to_owned()).collect();
        let custom = &self.custom_client_metadata;
        let mut client = Client::new(self.id.clone(), self.application_type);
        client.redirect_uris = texts(&self.oidc_client_metadata.redirect_uris);
        client.post_logout_redirect_uris =
            texts(&self.oidc_client_metadata.post_logout_redirect_uris);
        client.cors_allowed_origins =
            texts(custom.cors_allowed_origins.as_deref().unwrap_or_default());
        client.is_third_party = self.is_third_party;
        client.provenance = self.provenance;
        client.allows_refresh_tokens = custom.allow_refresh_token.unwrap_or(true);
        client.always_issue_refresh_token = custom.always_issue_refresh_token.unwrap_or(false);
        client.rotate_refresh_token = custom.rotate_refresh_token.unwrap_or(true);
        client.refresh_token_ttl = custom.refresh_token_ttl_in_days.unwrap_or_default();
        client.refresh_token_reuse_window = custom.refresh_token_reuse_window.unwrap_or_default();
        client.private_key_jwt = self.oidc_client_metadata.jwks.is_some();
        client.dpop_bound_access_tokens = custom.dpop_bound_access_tokens.unwrap_or(false);
        client.require_pushed_requests =
            custom.require_pushed_authorization_requests.unwrap_or(false);
        // A value from before there were bounds is brought within them.
        let within = |ttl: u32| i64::from(ttl.clamp(*ID_TOKEN_TTL.start(), *ID_TOKEN_TTL.end()));
        client.id_token_ttl = custom.id_token_ttl.map_or(client.id_token_ttl, within);
        client.allow_token_exchange = custom.allow_token_exchange.unwrap_or(false);
        client.backchannel_logout_uri = self
            .oidc_client_metadata
            .backchannel_logout_uri
            .as_ref()
            .map(|uri| uri.as_str().to_owned());
        client.backchannel_logout_session_required =
            self.oidc_client_metadata.backchannel_logout_session_required.unwrap_or(false);
        client.is_device_flow = custom.is_device_flow.unwrap_or(false);
        client.max_access_token_ttl = custom.max_access_token_ttl;
        client.max_grant_ttl = custom.max_grant_ttl_in_days.unwrap_or_default();
        client.security_profile = custom.security_profile;
        if client.is_fapi2() {
            client.require_pushed_requests = true;
            client.dpop_bound_access_tokens = true;
        }
        client
    }
}
