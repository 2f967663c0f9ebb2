//! `/api/users/{id}/personal-access-tokens`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::Text;
use trinco_core::personal_access_tokens::{self, NewPersonalAccessToken, PersonalAccessToken};

use super::doors::{Doors, get, patch, post};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{Created, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route(
            "/api/users/{id}/personal-access-tokens",
            get("Reveal the personal access tokens of a user", list)
                .post("Create a personal access token", create)
                .patch("Rename a personal access token named in the body", rename_by_body),
        )
        .route(
            "/api/users/{id}/personal-access-tokens/delete",
            post("Delete a personal access token named in the body", remove_by_body),
        )
        .route(
            "/api/users/{id}/personal-access-tokens/{name}",
            patch("Rename a personal access token", rename)
                .delete("Delete a personal access token", remove),
        )
}

async fn list(
    Here(tenant): Here,
    Path(user_id): Path<String>,
) -> Result<Body<Vec<Revealed>>, ApiError> {
    let tokens = personal_access_tokens::list(&tenant, &user_id).await?;
    Ok(Body(tokens.iter().map(revealed).collect()))
}

async fn create(
    Here(tenant): Here,
    Path(user_id): Path<String>,
    Json(new): Json<NewPersonalAccessToken>,
) -> Result<Created<Revealed>, ApiError> {
    let token = personal_access_tokens::create(&tenant, &user_id, new).await?;
    Ok(created(revealed(&token)))
}

#[derive(Deserialize, JsonSchema)]
struct NewName {
    name: Text<1, 256>,
}

async fn rename(
    Here(tenant): Here,
    Path((user_id, name)): Path<(String, String)>,
    Json(new): Json<NewName>,
) -> Result<Body<Revealed>, ApiError> {
    let renamed = personal_access_tokens::rename(&tenant, &user_id, &name, new.name).await?;
    Ok(Body(revealed(&renamed)))
}

/// Names that do not fit into a path.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Renaming {
    current_name: Text<1, 256>,
    name: Text<1, 256>,
}

async fn rename_by_body(
    Here(tenant): Here,
    Path(user_id): Path<String>,
    Json(body): Json<Renaming>,
) -> Result<Body<Revealed>, ApiError> {
    let current = body.current_name.as_str();
    let renamed = personal_access_tokens::rename(&tenant, &user_id, current, body.name).await?;
    Ok(Body(revealed(&renamed)))
}

async fn remove(
    Here(tenant): Here,
    Path((user_id, name)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    personal_access_tokens::delete(&tenant, &user_id, &name).await?;
    Ok(NO_CONTENT)
}

async fn remove_by_body(
    Here(tenant): Here,
    Path(user_id): Path<String>,
    Json(body): Json<NewName>,
) -> Result<NoContent, ApiError> {
    personal_access_tokens::delete(&tenant, &user_id, body.name.as_str()).await?;
    Ok(NO_CONTENT)
}

/// The contract returns the value of a token: scripts read it from here.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Revealed {
    tenant_id: String,
    user_id: String,
    name: String,
    /// The token itself.
    value: String,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds; it is refused from then on.
    expires_at: Option<i64>,
}

fn revealed(token: &PersonalAccessToken) -> Revealed {
    Revealed {
        tenant_id: token.tenant_id.clone(),
        user_id: token.user_id.clone(),
        name: token.name.clone(),
        value: token.value.reveal().clone(),
        created_at: token.created_at,
        expires_at: token.expires_at,
    }
}
