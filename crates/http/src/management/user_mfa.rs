//! `/api/users/{userId}/mfa-verifications`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Serialize;
use trinco_core::mfa_verifications::{
    self, AddedMfaVerification, MfaVerification, NewMfaVerification,
};

use super::doors::{Doors, delete, get};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route(
            "/api/users/{id}/mfa-verifications",
            get("List the second factors of a user", list)
                .post("Add a second factor to a user", add),
        )
        .route(
            "/api/users/{id}/mfa-verifications/{verification_id}",
            delete("Take a second factor from a user", remove),
        )
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Vec<MfaVerification>>, ApiError> {
    Ok(Body(mfa_verifications::list(&tenant, &id).await?))
}

/// A second factor in clear, for the user to keep.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
enum Revealed {
    /// An authenticator app.
    Totp {
        /// Base32.
        secret: String,
        /// A picture as a `data:` URL, to be read by the app.
        secret_qr_code: String,
    },
    /// Codes for when the other factors are not at hand.
    BackupCode {
        /// Each works once.
        codes: Vec<String>,
    },
}

async fn add(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewMfaVerification>,
) -> Result<Body<Revealed>, ApiError> {
    Ok(Body(match mfa_verifications::add(&tenant, &id, new).await? {
        AddedMfaVerification::Totp { secret, secret_qr_code } => {
            Revealed::Totp { secret: secret.reveal().clone(), secret_qr_code }
        }
        AddedMfaVerification::BackupCode { codes } => {
            Revealed::BackupCode { codes: codes.iter().map(|code| code.reveal().clone()).collect() }
        }
    }))
}

async fn remove(
    Here(tenant): Here,
    Path((id, verification_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    mfa_verifications::remove(&tenant, &id, &verification_id).await?;
    Ok(NO_CONTENT)
}
