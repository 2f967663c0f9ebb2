//! `/api/domains`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use trinco_core::domains::{self, Cleanup, Domain, DomainName, VerificationFiles};

use super::doors::{Doors, get, post};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{Created, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Domains")
        .route("/api/domains", get("List your own domains", list).post("Add a domain", create))
        .route("/api/domains/cleanup", post("Delete domains that lead nowhere", clean_up))
        .route(
            "/api/domains/{id}",
            get("See whether a domain leads here", read).delete("Delete a domain", remove),
        )
        .route(
            "/api/domains/{id}/verification-files",
            get("List the verification files of a domain", files)
                .put("Set the verification files of a domain", set_files),
        )
}

async fn list(Here(tenant): Here) -> Result<Body<Vec<Domain>>, ApiError> {
    Ok(Body(domains::list(&tenant).await?))
}

#[derive(Deserialize, JsonSchema)]
struct NewDomain {
    /// A host name of at least three parts.
    domain: DomainName,
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewDomain>,
) -> Result<Created<Domain>, ApiError> {
    Ok(created(domains::create(&tenant, new.domain).await?))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Domain>, ApiError> {
    Ok(Body(domains::get(&tenant, &id).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    domains::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

/// From 0 to ten years.
#[derive(JsonSchema)]
struct Days(#[schemars(range(min = 0, max = 3650))] f64);

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = f64::deserialize(deserializer)?;
        if (0.0..=3650.0).contains(&days) {
            Ok(Self(days))
        } else {
            Err(de::Error::custom("must be from 0 to 3650 days"))
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CleanupBody {
    /// For how long a domain has not led here.
    stale_days: Days,
}

async fn clean_up(
    Here(tenant): Here,
    Json(body): Json<CleanupBody>,
) -> Result<Body<Cleanup>, ApiError> {
    Ok(Body(domains::clean_up(&tenant, body.stale_days.0).await?))
}

async fn files(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<VerificationFiles>, ApiError> {
    Ok(Body(domains::files(&tenant, &id).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FilesBody {
    /// All files of the domain, at most 10.
    verification_files: VerificationFiles,
}

async fn set_files(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<FilesBody>,
) -> Result<Body<VerificationFiles>, ApiError> {
    Ok(Body(domains::set_files(&tenant, &id, body.verification_files).await?))
}
