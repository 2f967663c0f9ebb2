//! `/api/user-assets`, and the tenant's own pages at `/api/sign-in-exp/default/custom-ui-assets`.

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Serialize;
use trinco_core::assets::{self, ImageKind, LARGEST_ARCHIVE, LARGEST_IMAGE};

use super::doors::{Doors, Input, Operation, get, post};
use crate::app::Here;
use crate::failure::ApiError;
use crate::upload::{Upload, UploadForm};

pub(super) fn routes() -> Doors {
    Doors::new("Files")
        .route("/api/user-assets", post("Upload a picture", upload))
        .route("/api/user-assets/service-status", get("See whether files can be uploaded", status))
        .route(
            "/api/sign-in-exp/default/custom-ui-assets",
            post("Upload sign-in pages of your own", upload_pages),
        )
}

impl<const LIMIT: usize> Input for Upload<LIMIT> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes::<UploadForm>("multipart/form-data");
    }
}

#[derive(Serialize, JsonSchema)]
struct Uploaded {
    /// Where the picture is served.
    url: String,
}

async fn upload(
    Here(tenant): Here,
    Upload(file): Upload<LARGEST_IMAGE>,
) -> Result<Body<Uploaded>, ApiError> {
    Ok(Body(Uploaded { url: assets::upload_image(&tenant, file).await? }))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Service {
    status: ServiceStatus,
    /// The kinds of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_upload_mime_types: Option<Vec<&'static str>>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_upload_file_size: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ServiceStatus {
    Ready,
    NotConfigured,
}

async fn status(Here(tenant): Here) -> Body<Service> {
    if !assets::is_ready(&tenant) {
        let status = ServiceStatus::NotConfigured;
        return Body(Service { status, allow_upload_mime_types: None, max_upload_file_size: None });
    }
    let kinds = ImageKind::ALL.iter().map(|kind| kind.media_type()).collect();
    Body(Service {
        status: ServiceStatus::Ready,
        allow_upload_mime_types: Some(kinds),
        max_upload_file_size: Some(LARGEST_IMAGE),
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UploadedPages {
    /// What the sign-in settings call them.
    custom_ui_asset_id: String,
}

async fn upload_pages(
    Here(tenant): Here,
    Upload(file): Upload<LARGEST_ARCHIVE>,
) -> Result<Body<UploadedPages>, ApiError> {
    Ok(Body(UploadedPages { custom_ui_asset_id: assets::upload_pages(&tenant, file).await? }))
}
