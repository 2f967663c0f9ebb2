//! What the sign-in settings would mean: `/api/sign-in-exp/default/check-password` and
//! `/api/sign-in-exp/username-policy/case-sensitivity-conflicts`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::experience::ShownIssue;
use trinco_core::users::{self, CaseConflicts};
use trinco_core::{Error, Secret, Text};

use super::doors::{Doors, get, post};
use crate::app::Here;
use crate::extract::{Json, Query};
use crate::failure::ApiError;
use crate::reply::Checked;

/// How many groups of user names are shown, and at most.
const SAMPLES: i64 = 20;
const MOST_SAMPLES: i64 = 100;

pub(super) fn routes() -> Doors {
    Doors::new("Sign-in experience")
        .route(
            "/api/sign-in-exp/default/check-password",
            post("Check a password by the password policy", check_password),
        )
        .route(
            "/api/sign-in-exp/username-policy/case-sensitivity-conflicts",
            get("List user names that differ in case only", case_conflicts),
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    password: Text<0, 4096>,
    /// Whose password it would be: asked for when the policy looks at personal details.
    #[serde(default)]
    user_id: Option<Text<1, 128>>,
}

/// What the password policy says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Verdict {
    /// Whether the password is accepted.
    result: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    issues: Vec<ShownIssue>,
}

async fn check_password(
    Here(tenant): Here,
    Json(body): Json<Candidate>,
) -> Result<Checked<Verdict>, ApiError> {
    let password = Secret::new(body.password.into_string());
    let user_id = body.user_id.as_ref().map(Text::as_str);
    let issues = users::check_password(&tenant, &password, user_id).await?;
    let issues: Vec<ShownIssue> = issues.into_iter().map(ShownIssue::from).collect();
    let is_well = issues.is_empty();
    Ok(Checked { is_well, found: Verdict { result: is_well, issues } })
}

#[derive(Deserialize, JsonSchema)]
struct Samples {
    /// How many groups are shown, 1 to 100.
    limit: Option<i64>,
}

async fn case_conflicts(
    Here(tenant): Here,
    Query(query): Query<Samples>,
) -> Result<Body<CaseConflicts>, ApiError> {
    let limit = query.limit.unwrap_or(SAMPLES);
    if !(1..=MOST_SAMPLES).contains(&limit) {
        return Err(Error::invalid_input("query", "limit", "must be 1 to 100").into());
    }
    Ok(Body(users::case_conflicts(&tenant, limit).await?))
}
