//! `/api/subject-tokens`

use schemars::JsonSchema;
use serde::Serialize;
use trinco_core::subject_tokens::{self, NewSubjectToken};

use super::doors::{Doors, post};
use crate::app::Here;
use crate::extract::Json;
use crate::failure::ApiError;
use crate::reply::{Created, created};

pub(super) fn routes() -> Doors {
    Doors::new("Subject tokens")
        .route("/api/subject-tokens", post("Create a subject token, to act for a user", create))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Issued {
    /// `sub_` and 21 characters.
    subject_token: String,
    /// Seconds.
    expires_in: i64,
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewSubjectToken>,
) -> Result<Created<Issued>, ApiError> {
    let token = subject_tokens::create(&tenant, new).await?;
    let (subject_token, expires_in) = (token.value.reveal().clone(), token.expires_in);
    Ok(created(Issued { subject_token, expires_in }))
}
