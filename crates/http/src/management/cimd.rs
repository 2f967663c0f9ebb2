//! `/api/configs/cimd` and `/api/cimd/user-consent-scopes`: clients that are known by a document of their own.

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use trinco_core::clients::{DocumentChanges, settings};
use trinco_core::consents::{ListedConsentScopes, NewConsentScopes, ScopeType};
use trinco_core::{Error, Tenant};

use super::doors::{Doors, delete, get};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{ADDED, Added, NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Clients known by a document")
        .route(
            "/api/configs/cimd",
            get("See whether clients known by a document are accepted", read)
                .patch("Accept or refuse clients known by a document", update),
        )
        .route(
            "/api/cimd/user-consent-scopes",
            get("See what clients known by a document may ask for", scopes)
                .post("Let clients known by a document ask for more", add_scopes),
        )
        .route(
            "/api/cimd/user-consent-scopes/{scope_type}/{scope_id}",
            delete("Stop clients known by a document from asking for a scope", remove_scope),
        )
}

#[derive(Serialize, JsonSchema)]
struct Config {
    enabled: bool,
}

impl Config {
    fn of(tenant: &Tenant) -> Self {
        Self { enabled: settings::is_enabled(tenant) }
    }
}

async fn read(Here(tenant): Here) -> Body<Config> {
    Body(Config::of(&tenant))
}

async fn update(
    Here(tenant): Here,
    Json(changes): Json<DocumentChanges>,
) -> Result<Body<Config>, ApiError> {
    settings::update(&tenant, changes).await?;
    Ok(Body(Config::of(&tenant)))
}

async fn scopes(Here(tenant): Here) -> Body<ListedConsentScopes> {
    Body(settings::consent_scopes(&tenant))
}

async fn add_scopes(
    Here(tenant): Here,
    Json(new): Json<NewConsentScopes>,
) -> Result<Added, ApiError> {
    settings::add_consent_scopes(&tenant, new).await?;
    Ok(ADDED)
}

async fn remove_scope(
    Here(tenant): Here,
    Path((scope_type, scope_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    let scope_type: ScopeType = serde_json::from_value(Value::String(scope_type))
        .map_err(|_| Error::invalid_input("params", "scopeType", "must be a kind of scope"))?;
    settings::remove_consent_scope(&tenant, scope_type, &scope_id).await?;
    Ok(NO_CONTENT)
}
