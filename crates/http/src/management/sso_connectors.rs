//! `/api/sso-connector-providers` and `/api/sso-connectors`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::sso_connectors::{
    self, DetailedSsoConnector, NewSsoConnector, RevealedSsoConnector, ShownProvider,
    ShownSigningKey, SsoConnectorChanges, keys,
};

use super::doors::{Doors, get, patch};
use crate::app::Here;
use crate::extract::{Json, Paged, Path};
use crate::failure::ApiError;
use crate::reply::{Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Enterprise connectors")
        .route(
            "/api/sso-connector-providers",
            get("List identity providers that can be connected to", providers),
        )
        .route(
            "/api/sso-connectors",
            get("List enterprise connectors", list).post("Create an enterprise connector", create),
        )
        .route(
            "/api/sso-connectors/{id}",
            get("See an enterprise connector", read)
                .patch("Change an enterprise connector", update)
                .delete("Delete an enterprise connector", remove),
        )
        .route(
            "/api/sso-connectors/{id}/signing-keys",
            get("List the keys that sign requests", keys).post("Make a key", create_key),
        )
        .route(
            "/api/sso-connectors/{id}/signing-keys/{key_id}",
            patch("Make a key sign, or not", update_key).delete("Delete a key", remove_key),
        )
}

async fn providers() -> Result<Body<Vec<ShownProvider>>, ApiError> {
    Ok(Body(sso_connectors::providers()))
}

async fn list(
    Here(tenant): Here,
    paged: Paged,
) -> Result<Listed<Vec<DetailedSsoConnector>>, ApiError> {
    Ok(paged.respond(sso_connectors::list(&tenant, paged.page()).await?))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewSsoConnector>,
) -> Result<Body<RevealedSsoConnector>, ApiError> {
    Ok(Body(sso_connectors::create(&tenant, new).await?))
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<DetailedSsoConnector>, ApiError> {
    Ok(Body(sso_connectors::get(&tenant, &id).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<SsoConnectorChanges>,
) -> Result<Body<DetailedSsoConnector>, ApiError> {
    Ok(Body(sso_connectors::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    sso_connectors::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn keys(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Vec<ShownSigningKey>>, ApiError> {
    Ok(Body(keys::list(&tenant, &id).await?))
}

#[derive(Deserialize, JsonSchema)]
struct NewKey {
    /// Whether it signs at once, in the place of the one that does.
    #[serde(default)]
    active: bool,
}

async fn create_key(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewKey>,
) -> Result<Created<ShownSigningKey>, ApiError> {
    Ok(created(keys::create(&tenant, &id, new.active).await?))
}

#[derive(Deserialize, JsonSchema)]
struct KeyChange {
    /// Whether it signs.
    active: bool,
}

async fn update_key(
    Here(tenant): Here,
    Path((id, key_id)): Path<(String, String)>,
    Json(change): Json<KeyChange>,
) -> Result<Body<ShownSigningKey>, ApiError> {
    Ok(Body(keys::set_active(&tenant, &id, &key_id, change.active).await?))
}

async fn remove_key(
    Here(tenant): Here,
    Path((id, key_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    keys::delete(&tenant, &id, &key_id).await?;
    Ok(NO_CONTENT)
}
