//! What belongs to protected applications: `/api/systems/application` and `/api/applications/{id}/protected-app-metadata/custom-domains`.
//!
//! The reference runs a proxy for them at Cloudflare, which Trinco has no counterpart of: the contract's answer for a server that it
//! is not set up on is 501.

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::{Error, Tenant, Text, applications};

use super::doors::{Doors, delete, get};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{Added, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Protected applications")
        .route("/api/systems/application", get("See where protected applications are", constants))
        .route(
            "/api/applications/{id}/protected-app-metadata/custom-domains",
            get("List the domains of a protected application", list)
                .post("Give a protected application a domain", add),
        )
        .route(
            "/api/applications/{id}/protected-app-metadata/custom-domains/{domain}",
            delete("Take a domain from a protected application", remove),
        )
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationConstants {
    protected_apps: ProtectedApps,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProtectedApps {
    /// Protected applications are reached below it.
    default_domain: String,
}

#[derive(Serialize, JsonSchema)]
struct CustomDomain {
    domain: String,
}

#[derive(Deserialize, JsonSchema)]
struct NewDomain {
    /// A host name.
    #[expect(dead_code, reason = "read for its rule alone")]
    domain: Text<1, 256>,
}

async fn constants() -> Result<Body<ApplicationConstants>, ApiError> {
    Err(not_configured().into())
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Vec<CustomDomain>>, ApiError> {
    Err(refusal(&tenant, &id).await.into())
}

async fn add(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(_): Json<NewDomain>,
) -> Result<Added, ApiError> {
    Err(refusal(&tenant, &id).await.into())
}

async fn remove(
    Here(tenant): Here,
    Path((id, _)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    Err(refusal(&tenant, &id).await.into())
}

/// An application that is not there is told before what the server cannot do.
async fn refusal(tenant: &Tenant, id: &str) -> Error {
    match applications::get(tenant, id).await {
        Ok(_) => not_configured(),
        Err(error) => error,
    }
}

fn not_configured() -> Error {
    Error::refused("application.protected_app_not_configured")
}
