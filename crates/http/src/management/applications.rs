//! `/api/applications`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::applications::{
    self, Application, ApplicationChanges, ApplicationSecret, Filter, NewApplication, NewSecret,
};
use trinco_core::organizations::{self, OrganizationOfMember};
use trinco_core::{Error, JsonObject, Tenant, Text};
use trinco_oauth::ApplicationType;

use super::authentication::MayAll;
use super::doors::{Doors, delete, get, patch};
use super::parts::{Flag, Searched};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Applications")
        .route(
            "/api/applications",
            get("List applications", list).post("Create an application", create),
        )
        .route(
            "/api/applications/{id}",
            get("See an application", read)
                .patch("Change an application", update)
                .delete("Delete an application", remove),
        )
        .route(
            "/api/applications/{id}/custom-data",
            patch("Merge members into the custom data of an application", merge_custom_data),
        )
        .route(
            "/api/applications/{id}/organizations",
            get("List the organizations of an application", organizations),
        )
        .route(
            "/api/applications/{id}/legacy-secret",
            delete("Replace the older secret of an application", replace_legacy_secret),
        )
        .route(
            "/api/applications/{id}/secrets",
            get("Reveal the secrets of an application", secrets)
                .post("Create a secret of an application", create_secret),
        )
        .route(
            "/api/applications/{id}/secrets/{name}",
            patch("Rename a secret of an application", rename_secret)
                .delete("Delete a secret of an application", remove_secret),
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationsQuery {
    /// Kinds of application, repeated or with commas.
    #[serde(default)]
    types: Vec<String>,
    /// Only applications of others, or only those of the first party.
    is_third_party: Option<Flag>,
    /// Leaves out the applications that hold this role.
    exclude_role_id: Option<String>,
    /// Leaves out the applications in this organization.
    exclude_organization_id: Option<String>,
}

async fn list(
    Here(tenant): Here,
    searched: Searched,
    Query(query): Query<ApplicationsQuery>,
    paged: Paged,
) -> Result<Listed<Vec<Application>>, ApiError> {
    let names = query.types.iter().flat_map(|list| list.split(',')).filter(|name| !name.is_empty());
    let types = names.map(|name| {
        serde_json::from_value(name.into())
            .map_err(|_| Error::invalid_input("query", "types", "must hold kinds of application"))
    });
    let types = types.collect::<Result<Vec<ApplicationType>, Error>>()?;
    let filter = Filter {
        types,
        is_third_party: query.is_third_party.map(|Flag(flag)| flag),
        without_role: query.exclude_role_id,
        outside_organization: query.exclude_organization_id,
        containing: searched.text().map(str::to_owned),
    };
    Ok(paged.respond(applications::list(&tenant, &filter, paged.page()).await?))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewApplication>,
) -> Result<Body<Application>, ApiError> {
    Ok(Body(applications::create(&tenant, new).await?))
}

/// An application, and whether it may run the tenant.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Detailed {
    #[serde(flatten)]
    application: Application,
    /// Whether it holds the role for the Management API.
    is_admin: bool,
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Detailed>, ApiError> {
    let (application, is_admin) = applications::get(&tenant, &id).await?;
    Ok(Body(Detailed { application, is_admin }))
}

async fn update(
    Here(tenant): Here,
    may_all: MayAll,
    Path(id): Path<String>,
    Json(changes): Json<ApplicationChanges>,
) -> Result<Body<Application>, ApiError> {
    if changes.is_admin.is_some() {
        may_all.or_refused()?;
    }
    Ok(Body(applications::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    applications::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn merge_custom_data(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(data): Json<JsonObject>,
) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(applications::merge_custom_data(&tenant, &id, data).await?))
}

async fn secrets(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Vec<Revealed>>, ApiError> {
    let secrets = applications::secrets(&tenant, &id).await?;
    Ok(Body(secrets.iter().map(|secret| shown(&tenant, secret)).collect()))
}

async fn create_secret(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewSecret>,
) -> Result<Created<Revealed>, ApiError> {
    let secret = applications::create_secret(&tenant, &id, new).await?;
    Ok(created(shown(&tenant, &secret)))
}

#[derive(Deserialize, JsonSchema)]
struct NewName {
    name: Text<1, 256>,
}

async fn rename_secret(
    Here(tenant): Here,
    Path((id, name)): Path<(String, String)>,
    Json(new): Json<NewName>,
) -> Result<Body<Revealed>, ApiError> {
    let secret = applications::rename_secret(&tenant, &id, &name, new.name).await?;
    Ok(Body(shown(&tenant, &secret)))
}

async fn remove_secret(
    Here(tenant): Here,
    Path((id, name)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    applications::delete_secret(&tenant, &id, &name).await?;
    Ok(NO_CONTENT)
}

/// The contract returns the value of a secret: scripts read it from here.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Revealed {
    tenant_id: String,
    application_id: String,
    name: String,
    /// The secret itself.
    value: String,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds; it is refused from then on.
    expires_at: Option<i64>,
}

fn shown(tenant: &Tenant, secret: &ApplicationSecret) -> Revealed {
    Revealed {
        tenant_id: tenant.id().to_owned(),
        application_id: secret.application_id.clone(),
        name: secret.name.clone(),
        value: secret.value.reveal().clone(),
        created_at: secret.created_at,
        expires_at: secret.expires_at,
    }
}

async fn organizations(
    Here(tenant): Here,
    Path(id): Path<String>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationOfMember>>, ApiError> {
    let listing = organizations::of_application(&tenant, &id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(listing))
}

async fn replace_legacy_secret(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Application>, ApiError> {
    Ok(Body(applications::replace_legacy_secret(&tenant, &id).await?))
}
