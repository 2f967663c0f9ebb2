//! `/api/organization-invitations`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::organization_invitations::{
    self as invitations, Filter, Invitation, MessagePayload, NewInvitation, StatusChange,
};

use super::doors::{Doors, get, post, put};
use crate::app::Here;
use crate::extract::{Json, Path, Query};
use crate::failure::ApiError;
use crate::reply::{Created, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Organization invitations")
        .route(
            "/api/organization-invitations",
            get("List invitations", list).post("Invite someone into an organization", create),
        )
        .route(
            "/api/organization-invitations/{id}",
            get("See an invitation", read).delete("Delete an invitation", remove),
        )
        .route(
            "/api/organization-invitations/{id}/message",
            post("Send the message about an invitation again", send_again),
        )
        .route(
            "/api/organization-invitations/{id}/status",
            put("Accept or revoke an invitation", set_status),
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InvitationsQuery {
    /// Only invitations into this organization.
    organization_id: Option<String>,
    /// Only invitations by this user.
    inviter_id: Option<String>,
    /// Only invitations of this e-mail address.
    invitee: Option<String>,
}

async fn list(
    Here(tenant): Here,
    Query(query): Query<InvitationsQuery>,
) -> Result<Body<Vec<Invitation>>, ApiError> {
    let filter = Filter {
        organization_id: query.organization_id,
        inviter_id: query.inviter_id,
        invitee: query.invitee,
    };
    Ok(Body(invitations::list(&tenant, filter).await?))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewInvitation>,
) -> Result<Created<Invitation>, ApiError> {
    Ok(created(invitations::create(&tenant, new).await?))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Invitation>, ApiError> {
    Ok(Body(invitations::get(&tenant, &id).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    invitations::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn send_again(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(payload): Json<MessagePayload>,
) -> Result<NoContent, ApiError> {
    invitations::send_again(&tenant, &id, payload).await?;
    Ok(NO_CONTENT)
}

async fn set_status(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(change): Json<StatusChange>,
) -> Result<Body<Invitation>, ApiError> {
    Ok(Body(invitations::set_status(&tenant, &id, change).await?))
}
