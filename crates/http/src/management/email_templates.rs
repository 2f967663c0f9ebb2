//! `/api/email-templates`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::email_templates::{
    self, EmailTemplate, EmailTemplateDetailsChanges, Filter, NewEmailTemplate,
};

use super::doors::{Doors, get, patch};
use crate::app::Here;
use crate::extract::{Json, Path, Query};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("E-mail templates")
        .route(
            "/api/email-templates",
            get("List e-mail templates", list)
                .put("Put e-mail templates", put)
                .delete("Delete the e-mail templates of a language or an occasion", remove_all),
        )
        .route(
            "/api/email-templates/{id}",
            get("See an e-mail template", read).delete("Delete an e-mail template", remove),
        )
        .route(
            "/api/email-templates/{id}/details",
            patch("Change what an e-mail template says", update),
        )
}

async fn list(
    Here(tenant): Here,
    Query(filter): Query<Filter>,
) -> Result<Body<Vec<EmailTemplate>>, ApiError> {
    Ok(Body(email_templates::list(&tenant, &filter).await?))
}

#[derive(Deserialize, JsonSchema)]
struct Templates {
    /// What stands under a language and an occasion is replaced.
    templates: Vec<NewEmailTemplate>,
}

async fn put(
    Here(tenant): Here,
    Json(body): Json<Templates>,
) -> Result<Body<Vec<EmailTemplate>>, ApiError> {
    Ok(Body(email_templates::put(&tenant, body.templates).await?))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    /// How many there were.
    row_count: u64,
}

async fn remove_all(
    Here(tenant): Here,
    Query(filter): Query<Filter>,
) -> Result<Body<Deleted>, ApiError> {
    Ok(Body(Deleted { row_count: email_templates::delete_all(&tenant, filter).await? }))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<EmailTemplate>, ApiError> {
    Ok(Body(email_templates::get(&tenant, &id).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<EmailTemplateDetailsChanges>,
) -> Result<Body<EmailTemplate>, ApiError> {
    Ok(Body(email_templates::update_details(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    email_templates::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}
