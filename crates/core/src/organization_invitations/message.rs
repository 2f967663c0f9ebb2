//! The message about an invitation.

use serde::Serialize;
use serde_json::Value;

use super::model::MessagePayload;
use super::store::Stored;
use crate::messages::{self, Message, MessageType, Ready, Recipient};
use crate::{JsonObject, Result, Tenant, organizations, users};

/// What templates know of the organization.
#[derive(Serialize)]
struct Organization {
    id: String,
    name: String,
}

/// What templates know of whoever invites.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inviter {
    id: String,
    name: Option<String>,
    username: Option<String>,
    primary_email: Option<String>,
    avatar: Option<String>,
}

/// The message, ready to be sent.
///
/// # Errors
/// `connector.not_found` when there is no e-mail connector; `entity.not_exists_with_id` when the organization does not exist.
pub(super) async fn prepare(
    tenant: &Tenant,
    invitation: &Stored,
    payload: &MessagePayload,
) -> Result<Ready> {
    let mut filled = match serde_json::to_value(payload)? {
        Value::Object(members) => members,
        _ => JsonObject::new(),
    };
    let organization = organizations::get(tenant, &invitation.organization_id).await?;
    let organization = Organization { id: organization.id, name: organization.name };
    filled.insert("organization".to_owned(), serde_json::to_value(organization)?);
    if let Some(id) = &invitation.inviter_id
        && let Some(user) = users::find(&mut tenant.read().await?, id).await?
    {
        let inviter = Inviter {
            id: user.id,
            name: user.name,
            username: user.username,
            primary_email: user.primary_email,
            avatar: user.avatar,
        };
        filled.insert("inviter".to_owned(), serde_json::to_value(inviter)?);
    }
    let first = |tags: &str| tags.split_whitespace().next().map(str::to_owned);
    let locale = payload.locale.as_ref().map(|tag| tag.as_str().to_owned());
    let ui_locales = payload.ui_locales.as_ref();
    let message = Message {
        to: Recipient::Email(invitation.invitee.clone()),
        message_type: MessageType::OrganizationInvitation,
        payload: filled,
        locale: locale.or_else(|| first(ui_locales?.as_str())),
    };
    messages::prepare(tenant, message).await
}
