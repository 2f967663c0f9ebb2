//! `/api/users/{userId}/sessions` and `/api/users/{userId}/grants`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::grants::{self, ApplicationKind, GrantDetails};
use trinco_core::sessions::{self, RevokedGrants, SessionDetails};

use super::doors::{Doors, delete, get};
use crate::app::Here;
use crate::extract::{Path, Query};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route("/api/users/{id}/sessions", get("List the sessions of a user", list))
        .route(
            "/api/users/{id}/sessions/{session_id}",
            get("See a session of a user", read).delete("End a session of a user", revoke),
        )
        .route("/api/users/{id}/grants", get("List what a user has granted applications", granted))
        .route(
            "/api/users/{id}/grants/{grant_id}",
            delete("Revoke what a user has granted an application", revoke_grant),
        )
}

#[derive(Serialize, JsonSchema)]
struct Sessions {
    /// Those that have not ended, the newest first.
    sessions: Vec<SessionDetails>,
}

async fn list(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Sessions>, ApiError> {
    Ok(Body(Sessions { sessions: sessions::list(&tenant, &id).await? }))
}

async fn read(
    Here(tenant): Here,
    Path((id, session_id)): Path<(String, String)>,
) -> Result<Body<SessionDetails>, ApiError> {
    Ok(Body(sessions::details_of(&tenant, &id, &session_id).await?))
}

/// Whose grants end with a session.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Target {
    /// Everybody's.
    All,
    /// Those of the operator's own applications.
    FirstParty,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Revocation {
    /// Whose grants end with the session; those that were not given for longer when absent.
    revoke_grants_target: Option<Target>,
}

async fn revoke(
    Here(tenant): Here,
    Path((id, session_id)): Path<(String, String)>,
    Query(query): Query<Revocation>,
) -> Result<NoContent, ApiError> {
    let revoked = match query.revoke_grants_target {
        None => RevokedGrants::Usual,
        Some(Target::All) => RevokedGrants::All,
        Some(Target::FirstParty) => RevokedGrants::FirstParty,
    };
    sessions::revoke(&tenant, &id, &session_id, revoked).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Chosen {
    /// Only what was granted to such applications.
    app_type: Option<AppType>,
}

/// Whose applications.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AppType {
    /// The operator's own.
    FirstParty,
    /// Others'.
    ThirdParty,
}

#[derive(Serialize, JsonSchema)]
struct Grants {
    /// Those that have not ended, the newest first.
    grants: Vec<GrantDetails>,
}

async fn granted(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(query): Query<Chosen>,
) -> Result<Body<Grants>, ApiError> {
    let kind = query.app_type.map(|kind| match kind {
        AppType::FirstParty => ApplicationKind::FirstParty,
        AppType::ThirdParty => ApplicationKind::ThirdParty,
    });
    Ok(Body(Grants { grants: grants::list(&tenant, &id, kind).await? }))
}

async fn revoke_grant(
    Here(tenant): Here,
    Path((id, grant_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    grants::revoke_of_user(&tenant, &id, &grant_id).await?;
    Ok(NO_CONTENT)
}
