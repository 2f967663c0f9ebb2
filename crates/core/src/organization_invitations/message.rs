//! The message about an invitation.

use super::model::{Invitation, MessagePayload};
use crate::{Error, Result, Tenant};

/// Refuses to invite by message where none can be sent.
///
/// # Errors
/// `connector.not_found` when there is no e-mail connector.
pub(super) fn check_can_be_sent(_: &Tenant) -> Result<()> {
    Err(Error::refused_with("connector.not_found", &[("type", "Email")]))
}

/// Sends it.
///
/// # Errors
/// As [`check_can_be_sent`].
pub(super) async fn send(
    tenant: &Tenant,
    _invitation: &Invitation,
    _payload: &MessagePayload,
) -> Result<()> {
    check_can_be_sent(tenant)
}
