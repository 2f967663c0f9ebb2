//! `/api/organizations/{id}/jit`

use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::organization_template::OrganizationRole;
use trinco_core::organizations::{EmailDomain, JitEmailDomain, jit};

use super::doors::{Doors, delete, get};
use super::parts::{Ids, SomeIds};
use crate::app::Here;
use crate::extract::{Json, Paged, Path};
use crate::failure::ApiError;
use crate::reply::{ADDED, Added, Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Organizations")
        .route(
            "/api/organizations/{id}/jit/email-domains",
            get("List the e-mail domains whose people join an organization", domains)
                .post("Let the people of an e-mail domain join an organization", add_domain)
                .put("Set the e-mail domains whose people join an organization", replace_domains),
        )
        .route(
            "/api/organizations/{id}/jit/email-domains/{email_domain}",
            delete("Let the people of an e-mail domain join no longer", remove_domain),
        )
        .route(
            "/api/organizations/{id}/jit/roles",
            get("List the roles of whoever joins an organization", roles)
                .post("Add roles for whoever joins an organization", add_roles)
                .put("Set the roles of whoever joins an organization", replace_roles),
        )
        .route(
            "/api/organizations/{id}/jit/roles/{organization_role_id}",
            delete("Remove a role from those for whoever joins", remove_role),
        )
}

async fn domains(
    Here(tenant): Here,
    Path(id): Path<String>,
    paged: Paged,
) -> Result<Listed<Vec<JitEmailDomain>>, ApiError> {
    Ok(paged.respond(jit::email_domains(&tenant, &id, paged.page()).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NewDomain {
    email_domain: EmailDomain,
}

async fn add_domain(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewDomain>,
) -> Result<Created<JitEmailDomain>, ApiError> {
    Ok(created(jit::add_email_domain(&tenant, &id, new.email_domain).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Domains {
    email_domains: Vec<EmailDomain>,
}

async fn replace_domains(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Domains>,
) -> Result<NoContent, ApiError> {
    jit::replace_email_domains(&tenant, &id, body.email_domains).await?;
    Ok(NO_CONTENT)
}

async fn remove_domain(
    Here(tenant): Here,
    Path((id, domain)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    jit::remove_email_domain(&tenant, &id, &domain).await?;
    Ok(NO_CONTENT)
}

async fn roles(
    Here(tenant): Here,
    Path(id): Path<String>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationRole>>, ApiError> {
    Ok(paged.respond_or_all(jit::roles(&tenant, &id, paged.page_or_all()).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RolesToAdd {
    organization_role_ids: SomeIds,
}

async fn add_roles(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<RolesToAdd>,
) -> Result<Added, ApiError> {
    jit::set_roles(&tenant, &id, body.organization_role_ids.0, false).await?;
    Ok(ADDED)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Roles {
    organization_role_ids: Ids,
}

async fn replace_roles(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Roles>,
) -> Result<NoContent, ApiError> {
    jit::set_roles(&tenant, &id, body.organization_role_ids.0, true).await?;
    Ok(NO_CONTENT)
}

async fn remove_role(
    Here(tenant): Here,
    Path((id, role_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    jit::remove_role(&tenant, &id, &role_id).await?;
    Ok(NO_CONTENT)
}
