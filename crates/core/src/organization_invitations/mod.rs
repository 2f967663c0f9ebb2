//! Invitations into organizations: by e-mail, for a while, with the roles that whoever accepts gets.
//!
//! An invitation waits until it is accepted, revoked or has expired; each of these is the end of it. Of one person into one organization
//! a single one waits at a time.

mod message;
mod model;
mod store;

pub use model::{
    Ending, Invitation, MessagePayload, MessageWanted, NewInvitation, Status, StatusChange,
};
pub use store::Filter;

use crate::audit::{self, Entry, Outcome};
use crate::hooks::{Event, News};
use crate::roles::{RoleType, distinct};
use crate::users::{self, Identifier};
use crate::{Error, Result, Tenant, Text, organizations};
use store::Stored;

/// So many invitations a list shows: the contract knows no pages of it.
const MOST_LISTED: i64 = 10_000;

/// Lists invitations, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, filter: Filter) -> Result<Vec<Invitation>> {
    let found = tenant
        .scan(filter, |conn, filter| {
            Box::pin(async move {
                let mut found = Vec::new();
                for stored in store::list(conn, filter, MOST_LISTED).await? {
                    let roles = store::roles(conn, &stored.id).await?;
                    found.push((stored, roles));
                }
                Ok::<_, Error>(found)
            })
        })
        .await?;
    Ok(found.into_iter().map(|(stored, roles)| shown(tenant, stored, &roles)).collect())
}

/// The invitation with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<Invitation> {
    let mut conn = tenant.read().await?;
    let stored = store::find(&mut conn, id).await?.ok_or_else(|| unknown(id))?;
    let roles = store::roles(&mut conn, id).await?;
    drop(conn);
    Ok(shown(tenant, stored, &roles))
}

/// Invites someone, and sends the message about it if there is to be one. An invitation whose message cannot be sent is taken back.
///
/// # Errors
/// `guard.invalid_input` when it would have expired already; `organization_invitation.already_member`;
/// `entity.unique_integrity_violation` when one of the person waits; `entity.relation_foreign_key_not_found` when the organization, the
/// inviter or a role does not exist; `entity.db_constraint_violated` for a role that users cannot hold; `connector.not_found`.
pub async fn create(tenant: &Tenant, new: NewInvitation) -> Result<Invitation> {
    let now = tenant.now_ms();
    if new.expires_at <= now {
        return Err(Error::invalid_field("expiresAt", "must be in the future"));
    }
    let role_ids = distinct(new.organization_role_ids.into_iter().map(Text::into_string).collect());
    organizations::check_roles(tenant, &role_ids, RoleType::User).await?;
    let organization_id = new.organization_id.into_string();
    let invitee = new.invitee.into_string();
    refuse_member(tenant, &organization_id, &invitee).await?;
    if new.message_payload.0.is_some() {
        message::check_can_be_sent(tenant)?;
    }
    let stored = Stored {
        id: tenant.new_id(),
        organization_id,
        inviter_id: new.inviter_id.map(Text::into_string),
        invitee,
        accepted_user_id: None,
        status: Status::Pending,
        created_at: now,
        updated_at: now,
        expires_at: new.expires_at,
    };
    let entry = changed(tenant, "OrganizationInvitation.Created", &stored.id)
        .fact("organizationId", stored.organization_id.as_str());
    let input = (stored.clone(), role_ids.clone(), entry, now);
    tenant
        .write(input, |tx, (stored, role_ids, entry, now)| {
            Box::pin(async move {
                store::expire(tx, &stored.organization_id, &stored.invitee, *now).await?;
                store::insert(tx, stored, role_ids).await.map_err(taken)?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    let invitation = shown(tenant, stored, &role_ids);
    if let Some(payload) = &new.message_payload.0
        && let Err(error) = message::send(tenant, &invitation, payload).await
    {
        delete(tenant, &invitation.id).await?;
        return Err(error);
    }
    Ok(invitation)
}

/// Sends the message about an invitation again.
///
/// # Errors
/// `entity.not_exists_with_id`; `connector.not_found`.
pub async fn send_again(tenant: &Tenant, id: &str, payload: MessagePayload) -> Result<()> {
    let invitation = get(tenant, id).await?;
    message::send(tenant, &invitation, &payload).await
}

/// Accepts or revokes an invitation that waits. Whoever accepts becomes a member with the roles of the invitation.
///
/// # Errors
/// `entity.not_exists_with_id`; `organization_invitation.not_pending`; `organization_invitation.accepted_user_missing`;
/// `organization_invitation.other_email` when the user has another e-mail address than the one invited.
pub async fn set_status(tenant: &Tenant, id: &str, change: StatusChange) -> Result<Invitation> {
    let user_id = match (change.status, change.accepted_user_id) {
        (Ending::Revoked, _) => None,
        (Ending::Accepted, Some(user_id)) => Some(user_id.into_string()),
        (Ending::Accepted, None) => {
            return Err(Error::refused("organization_invitation.accepted_user_missing"));
        }
    };
    let news = News::of(tenant, Event::OrganizationMembershipUpdated);
    let entry = changed(tenant, "OrganizationInvitation.Status.Updated", id)
        .fact("status", if user_id.is_some() { "Accepted" } else { "Revoked" });
    let entry = user_id.iter().fold(entry, |entry, user_id| entry.user(user_id));
    let input = (id.to_owned(), user_id, news, entry, tenant.now_ms());
    let (stored, roles) = tenant
        .write(input, |tx, (id, user_id, news, entry, now)| {
            Box::pin(async move {
                let status = if user_id.is_some() { Status::Accepted } else { Status::Revoked };
                let ended = store::end(tx, id, status, user_id.as_deref(), *now).await;
                let is_ended = ended.map_err(|error| error.if_missing("user.user_not_exist"))?;
                let stored = store::find(tx, id).await?.ok_or_else(|| unknown(id))?;
                if !is_ended {
                    return Err(Error::refused("organization_invitation.not_pending"));
                }
                let roles = store::roles(tx, id).await?;
                if let Some(user_id) = user_id {
                    let user = users::find(tx, user_id).await?;
                    let user = user.ok_or_else(|| Error::not_found("users", user_id))?;
                    let email = user.primary_email.unwrap_or_default().to_lowercase();
                    if email != stored.invitee.to_lowercase() {
                        return Err(Error::refused("organization_invitation.other_email"));
                    }
                    let into = &stored.organization_id;
                    let joined =
                        organizations::users::join(tx, into, user_id, &roles, *now).await?;
                    news.clone().merged(&joined).tell(tx).await?;
                }
                audit::append(tx, entry).await?;
                Ok((stored, roles))
            })
        })
        .await?;
    Ok(shown(tenant, stored, &roles))
}

/// Deletes an invitation.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    let entry = changed(tenant, "OrganizationInvitation.Deleted", id);
    tenant
        .write((id.to_owned(), entry), |tx, (id, entry)| {
            Box::pin(async move {
                if !store::delete(tx, id).await? {
                    return Err(unknown(id));
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

/// Whoever is a member need not be invited.
async fn refuse_member(tenant: &Tenant, organization_id: &str, invitee: &str) -> Result<()> {
    let email = Identifier::Email(invitee.to_owned());
    let Some((user, _)) = users::find_by_identifier(tenant, &email).await? else { return Ok(()) };
    let mut conn = tenant.read().await?;
    match organizations::member_roles(&mut conn, organization_id, &user.id).await? {
        Some(_) => Err(Error::refused("organization_invitation.already_member")),
        None => Ok(()),
    }
}

fn shown(tenant: &Tenant, stored: Stored, role_ids: &[String]) -> Invitation {
    let is_over = stored.status == Status::Pending && stored.expires_at <= tenant.now_ms();
    Invitation {
        tenant_id: tenant.id().to_owned(),
        id: stored.id,
        inviter_id: stored.inviter_id,
        invitee: stored.invitee,
        accepted_user_id: stored.accepted_user_id,
        organization_id: stored.organization_id,
        status: if is_over { Status::Expired } else { stored.status },
        created_at: stored.created_at,
        updated_at: stored.updated_at,
        expires_at: stored.expires_at,
        organization_roles: organizations::named(&tenant.snapshot(), role_ids),
    }
}

fn changed(tenant: &Tenant, key: &'static str, id: &str) -> Entry {
    Entry::new(tenant, key, Outcome::Success).fact("invitationId", id)
}

fn taken(error: Error) -> Error {
    error
        .if_taken(
            "organization_invitations_organization_id_invitee_folded",
            "entity.unique_integrity_violation",
        )
        .if_missing("entity.relation_foreign_key_not_found")
}

fn unknown(id: &str) -> Error {
    Error::not_found("organization_invitations", id)
}
