//! Interactions of devices (RFC 8628): the person answers on a page of this server, not at a redirect URI.

use trinco_oauth::authorization::{self, Context};
use trinco_oauth::client::GrantType;
use trinco_oauth::{AuthorizationRequest, Client, Params, RedirectUri};

use super::authorize::resource_scopes;
use super::{Answer, Interaction, begin, end};
use crate::sessions::Session;
use crate::{Error, Result, Secret, Tenant};

/// A person who is signed in, and the device that waits for an answer.
#[derive(Clone, Debug)]
pub struct DeviceConfirmation {
    /// The id of the interaction.
    pub interaction_id: Secret,
    /// The interaction.
    pub interaction: Interaction,
    /// What the device asked for, within what its application may ask for now.
    pub request: AuthorizationRequest,
    /// Who answers.
    pub session: Session,
}

/// The page on which people enter the codes of their devices.
fn device_page(tenant: &Tenant) -> String {
    format!("{}/device", tenant.origin().base())
}

/// The address that devices tell people: it leads to the page.
fn verification_uri(tenant: &Tenant) -> String {
    format!("{}/device", tenant.issuer())
}

/// Whether an interaction is nobody's request: its person only signs in, before a user code is looked at.
pub fn comes_before_code(tenant: &Tenant, interaction: &Interaction) -> bool {
    interaction.request.target.redirect_uri.as_str() == verification_uri(tenant)
}

/// Begins the sign-in that comes before a user code is looked at; `None` when no application uses the codes of devices. An interaction
/// belongs to an application, so it is kept under one of those; it asks for nothing in its name, and its pages do not show it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn begin_before_code(tenant: &Tenant) -> Result<Option<(String, Secret)>> {
    let snapshot = tenant.snapshot();
    let mut clients = snapshot.applications.iter().map(|registered| &registered.client);
    let Some(client) = clients.find(|client| client.allows(GrantType::DeviceCode)) else {
        return Ok(None);
    };
    let params = Params::default().with("client_id", &client.client_id);
    let mut request = validate_device(tenant, client, &params).await?;
    request.target.redirect_uri = own_page(verification_uri(tenant))?;
    let interaction_id = begin(tenant, &request).await?;
    Ok(Some((client.client_id.clone(), interaction_id)))
}

/// Once somebody has signed in, an interaction that [`comes_before_code`] ends.
///
/// # Errors
/// `session.not_found` when it has ended already.
pub(super) async fn go_on_to_code(
    tenant: &Tenant,
    interaction: Interaction,
    interaction_id: &str,
    session: Option<&Session>,
) -> Result<Answer> {
    if session.is_none() {
        let interaction_id = Secret::new(interaction_id.to_owned());
        return Ok(Answer::SignIn { interaction_id, request: Box::new(interaction.request) });
    }
    let ended = tenant.write(interaction, |tx, interaction| Box::pin(end(tx, interaction))).await?;
    if ended { Ok(Answer::EnterCode) } else { Err(Error::refused("session.not_found")) }
}

/// An address of this server in the place of a redirect URI.
fn own_page(page: String) -> Result<RedirectUri> {
    RedirectUri::try_from(page)
        .map_err(|problem| Error::Internal(format!("this server's own address: {problem}")))
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
    let page = own_page(device_page(tenant))?;
    Ok(authorization::validate_device(params, &context, page)?)
}
