//! Interactions of devices (RFC 8628): the person answers on a page of this server, not at a redirect URI.

use trinco_oauth::authorization::{self, Context};
use trinco_oauth::{AuthorizationRequest, Client, Params, RedirectUri};

use super::Interaction;
use super::authorize::resource_scopes;
use crate::sessions::Session;
use crate::{Error, Result, Secret, Tenant};

/// A person who is signed in, and the device that waits for an answer.
#[derive(Clone, Debug)]
pub struct DeviceConfirmation {
    /// The id of the interaction.
    pub interaction_id: Secret,
    /// What the device asked for.
    pub interaction: Interaction,
    /// Who answers.
    pub session: Session,
}

/// The page on which people enter the codes of their devices.
fn device_page(tenant: &Tenant) -> String {
    format!("{}/device", tenant.origin().base())
}

/// Whether an interaction is a device's.
pub fn is_for_device(tenant: &Tenant, interaction: &Interaction) -> bool {
    interaction.request.target.redirect_uri.as_str() == device_page(tenant)
}

/// Reads a device authorization request.
///
/// # Errors
/// As [`authorization::validate_device`].
pub(crate) async fn validate_device(
    tenant: &Tenant,
    client: &Client,
    params: &Params,
) -> Result<AuthorizationRequest> {
    // A resource that was just added by another node counts.
    for indicator in params.resources() {
        tenant.find(|snapshot| resource_scopes(snapshot, indicator)).await?;
    }
    let snapshot = tenant.snapshot();
    let context = Context {
        client: Some(client),
        resource_scopes: &|indicator| resource_scopes(&snapshot, indicator),
        default_resource: snapshot
            .resources
            .default_resource()
            .map(|entry| entry.resource.indicator.as_str()),
        // It comes from the device itself and not through a browser, as a pushed one does.
        is_pushed: true,
    };
    let page = RedirectUri::try_from(device_page(tenant))
        .map_err(|problem| Error::Internal(format!("this server's own address: {problem}")))?;
    Ok(authorization::validate_device(params, &context, page)?)
}
