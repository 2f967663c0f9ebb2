//! `/api/applications/{applicationId}/sign-in-experience`

use axum::Json as Body;
use trinco_core::application_experience::{
    self, ApplicationSignInExperience, NewApplicationSignInExperience,
};

use super::doors::{Doors, get};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::Put;

pub(super) fn routes() -> Doors {
    Doors::new("Applications").route(
        "/api/applications/{id}/sign-in-experience",
        get("See how an application presents itself on the sign-in pages", read)
            .put("Set how an application presents itself on the sign-in pages", replace),
    )
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<ApplicationSignInExperience>, ApiError> {
    Ok(Body(application_experience::get(&tenant, &id).await?))
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewApplicationSignInExperience>,
) -> Result<Put<ApplicationSignInExperience>, ApiError> {
    let (value, is_new) = application_experience::replace(&tenant, &id, new).await?;
    Ok(Put { is_new, value })
}
