//! Who a user is elsewhere: `/api/users/{userId}/identities`, `/sso-identities` and `/all-identities`; and the tokens that came from
//! there, `/api/secrets`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::secrets::{self, Provider, TokenSet, TokenSetMetadata};
use trinco_core::sso_identities::SsoIdentity;
use trinco_core::users::{self, Identities, Identity, User};
use trinco_core::{Error, JsonObject, Tenant};

use super::doors::{Doors, delete, get};
use super::parts::{Flag, says_yes};
use crate::app::Here;
use crate::extract::{Json, Path, Query};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent, Put};

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route(
            "/api/users/{id}/identities/{target}",
            get("See an account of a user at a social provider", read)
                .put("Link an account at a social provider to a user", link)
                .delete("Unlink an account at a social provider from a user", unlink),
        )
        .route(
            "/api/users/{id}/sso-identities/{sso_connector_id}",
            get("See an account of a user at an enterprise", read_sso),
        )
        .route("/api/users/{id}/all-identities", get("List who a user is elsewhere", list))
        .route("/api/secrets/{id}", delete("Delete tokens of another provider", delete_secret))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct IdentityQuery {
    /// Tells what is known of the tokens that came from there.
    include_token_secret: Option<Flag>,
}

/// An account at a social provider.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Social {
    identity: JsonObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_secret: Option<TokenSecret>,
}

/// An account at an enterprise's identity provider.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Enterprise {
    sso_identity: SsoIdentity,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_secret: Option<TokenSecret>,
}

/// What is known of the tokens of an account elsewhere. The tokens themselves stay here.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TokenSecret {
    tenant_id: String,
    id: String,
    user_id: String,
    #[serde(rename = "type")]
    kind: SecretType,
    metadata: TokenSetMetadata,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds.
    updated_at: i64,
    /// The provider's name for the user.
    identity_id: String,
    #[serde(flatten)]
    provider: TokenProvider,
}

/// What a secret holds.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SecretType {
    /// Tokens of another provider.
    FederatedTokenSet,
}

/// Who gave tokens.
#[derive(Serialize, JsonSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum TokenProvider {
    /// A social connector.
    Social { connector_id: String, target: String },
    /// An enterprise's identity provider.
    Enterprise { sso_connector_id: String, issuer: String },
}

/// Who a user is elsewhere.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AllIdentities {
    social_identities: Vec<TargetedSocial>,
    sso_identities: Vec<ConnectedEnterprise>,
}

#[derive(Serialize, JsonSchema)]
struct TargetedSocial {
    /// The provider.
    target: String,
    #[serde(flatten)]
    account: Social,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConnectedEnterprise {
    sso_connector_id: String,
    #[serde(flatten)]
    account: Enterprise,
}

async fn read(
    Here(tenant): Here,
    Path((id, target)): Path<(String, String)>,
    Query(query): Query<IdentityQuery>,
) -> Result<Body<Social>, ApiError> {
    let identities = users::identities(&tenant, &id).await?;
    let identity = object(identities.social.get(&target).cloned())
        .ok_or_else(|| Error::refused("user.identity_not_exist"))?;
    let with_tokens = says_yes(query.include_token_secret);
    let token_secret = with_tokens.then(|| of_target(&tenant, &identities, &target)).flatten();
    Ok(Body(Social { identity, token_secret }))
}

async fn link(
    Here(tenant): Here,
    Path((id, target)): Path<(String, String)>,
    Json(identity): Json<Identity>,
) -> Result<Put<JsonObject>, ApiError> {
    let linked = users::put_identity(&tenant, &id, &target, identity).await?;
    Ok(Put { is_new: linked.is_new, value: linked.identities })
}

async fn unlink(
    Here(tenant): Here,
    Path((id, target)): Path<(String, String)>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::remove_identity(&tenant, &id, &target).await?))
}

async fn read_sso(
    Here(tenant): Here,
    Path((id, sso_connector_id)): Path<(String, String)>,
    Query(query): Query<IdentityQuery>,
) -> Result<Body<Enterprise>, ApiError> {
    let identities = users::identities(&tenant, &id).await?;
    let found = identities.sso.iter().find(|one| one.sso_connector_id == sso_connector_id);
    let sso_identity =
        found.cloned().ok_or_else(|| Error::refused("user.enterprise_sso_identity_not_exists"))?;
    let with_tokens = says_yes(query.include_token_secret);
    let token_secret = with_tokens.then(|| of_sso(&tenant, &identities, &sso_identity)).flatten();
    Ok(Body(Enterprise { sso_identity, token_secret }))
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(query): Query<IdentityQuery>,
) -> Result<Body<AllIdentities>, ApiError> {
    let identities = users::identities(&tenant, &id).await?;
    let with_tokens = says_yes(query.include_token_secret);
    let social_identities = identities
        .social
        .iter()
        .filter_map(|(target, value)| {
            let identity = object(Some(value.clone()))?;
            let token_secret =
                with_tokens.then(|| of_target(&tenant, &identities, target)).flatten();
            let account = Social { identity, token_secret };
            Some(TargetedSocial { target: target.clone(), account })
        })
        .collect();
    let sso_identities = identities
        .sso
        .iter()
        .map(|sso_identity| {
            let token_secret =
                with_tokens.then(|| of_sso(&tenant, &identities, sso_identity)).flatten();
            ConnectedEnterprise {
                sso_connector_id: sso_identity.sso_connector_id.clone(),
                account: Enterprise { sso_identity: sso_identity.clone(), token_secret },
            }
        })
        .collect();
    Ok(Body(AllIdentities { social_identities, sso_identities }))
}

async fn delete_secret(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    secrets::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

fn object(value: Option<serde_json::Value>) -> Option<JsonObject> {
    match value? {
        serde_json::Value::Object(object) => Some(object),
        _ => None,
    }
}

fn of_target(tenant: &Tenant, identities: &Identities, wanted: &str) -> Option<TokenSecret> {
    let is_wanted = |tokens: &&TokenSet| matches!(&tokens.provider, Provider::Social { target, .. } if target == wanted);
    identities.tokens.iter().find(is_wanted).map(|tokens| shown(tenant, tokens))
}

fn of_sso(tenant: &Tenant, identities: &Identities, wanted: &SsoIdentity) -> Option<TokenSecret> {
    let is_wanted = |tokens: &&TokenSet| {
        matches!(&tokens.provider, Provider::Enterprise { issuer, .. } if *issuer == wanted.issuer)
            && tokens.identity_id == wanted.identity_id
    };
    identities.tokens.iter().find(is_wanted).map(|tokens| shown(tenant, tokens))
}

fn shown(tenant: &Tenant, tokens: &TokenSet) -> TokenSecret {
    TokenSecret {
        tenant_id: tenant.id().to_owned(),
        id: tokens.id.clone(),
        user_id: tokens.user_id.clone(),
        kind: SecretType::FederatedTokenSet,
        metadata: tokens.metadata.clone(),
        created_at: tokens.created_at,
        updated_at: tokens.updated_at,
        identity_id: tokens.identity_id.clone(),
        provider: match tokens.provider.clone() {
            Provider::Social { connector_id, target } => {
                TokenProvider::Social { connector_id, target }
            }
            Provider::Enterprise { sso_connector_id, issuer } => {
                TokenProvider::Enterprise { sso_connector_id, issuer }
            }
        },
    }
}
