//! `/api/captcha-provider`

use axum::Json as Body;
use trinco_core::captcha::{self, CaptchaProvider, NewCaptchaProvider};

use super::doors::{Doors, get};
use crate::app::Here;
use crate::extract::Json;
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Captcha provider").route(
        "/api/captcha-provider",
        get("Reveal who tells people from machines", read)
            .put("Set who tells people from machines", put)
            .delete("Delete who tells people from machines", remove),
    )
}

async fn read(Here(tenant): Here) -> Result<Body<CaptchaProvider>, ApiError> {
    Ok(Body(captcha::reveal(&tenant).await?))
}

async fn put(
    Here(tenant): Here,
    Json(new): Json<NewCaptchaProvider>,
) -> Result<Body<CaptchaProvider>, ApiError> {
    Ok(Body(captcha::put(&tenant, new).await?))
}

async fn remove(Here(tenant): Here) -> Result<NoContent, ApiError> {
    captcha::delete(&tenant).await?;
    Ok(NO_CONTENT)
}
