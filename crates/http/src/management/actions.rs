//! `/api/configs/actions`: scripts at steps of signing in.

use axum::Json as Body;
use axum::response::{IntoResponse, Response};
use trinco_core::actions::{self, Action, ActionChanges, ActionTrial, ActionType, NamedAction};
use trinco_core::{Error, JsonObject};

use super::doors::{Doors, Operation, Output, get, post};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent, Put};

pub(super) fn routes() -> Doors {
    Doors::new("Actions")
        .route("/api/configs/actions", get("Reveal the scripts of sign-in", list))
        .route("/api/configs/actions/test", post("Try a script of sign-in", test))
        .route(
            "/api/configs/actions/{action_type}",
            get("Reveal a script of sign-in", one)
                .put("Set a script of sign-in", put)
                .patch("Change a script of sign-in", update)
                .delete("Delete a script of sign-in", remove),
        )
}

async fn list(Here(tenant): Here) -> Result<Body<Vec<NamedAction>>, ApiError> {
    Ok(Body(actions::list(&tenant).await?))
}

async fn one(Here(tenant): Here, Path(kind): Path<String>) -> Result<Body<Action>, ApiError> {
    Ok(Body(actions::reveal(&tenant, parse_type(&kind)?).await?))
}

async fn put(
    Here(tenant): Here,
    Path(kind): Path<String>,
    Json(action): Json<Action>,
) -> Result<Put<Action>, ApiError> {
    let is_new = actions::put(&tenant, parse_type(&kind)?, &action).await?;
    Ok(Put { is_new, value: action })
}

async fn update(
    Here(tenant): Here,
    Path(kind): Path<String>,
    Json(changes): Json<ActionChanges>,
) -> Result<Body<Action>, ApiError> {
    Ok(Body(actions::update(&tenant, parse_type(&kind)?, changes).await?))
}

async fn remove(Here(tenant): Here, Path(kind): Path<String>) -> Result<NoContent, ApiError> {
    actions::delete(&tenant, parse_type(&kind)?).await?;
    Ok(NO_CONTENT)
}

/// What a script returned, if it returned anything.
struct Tried(Option<JsonObject>);

impl IntoResponse for Tried {
    fn into_response(self) -> Response {
        self.0.map_or_else(|| NO_CONTENT.into_response(), |value| Body(value).into_response())
    }
}

impl Output for Tried {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<JsonObject>(200, "application/json");
        operation.answers_nothing(204);
    }
}

async fn test(Here(tenant): Here, Json(trial): Json<ActionTrial>) -> Result<Tried, ApiError> {
    Ok(Tried(actions::test(&tenant, &trial).await?))
}

fn parse_type(name: &str) -> Result<ActionType, Error> {
    ActionType::from_name(name).ok_or_else(|| {
        let rule = "must be action.postFirstFactorVerification or action.postSignIn";
        Error::invalid_input("params", "actionType", rule)
    })
}
