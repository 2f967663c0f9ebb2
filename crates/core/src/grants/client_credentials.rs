//! The client credentials grant (RFC 6749 §4.4): a machine acting for itself.

use trinco_oauth::scope::ORGANIZATIONS_RESOURCE;
use trinco_oauth::token::{
    AccessTokenKind, ClientCredentialsRequest, TokenResponse, TokenType, check_machine_organization,
};
use trinco_oauth::{Client, Scope};

use super::{customized, tokens};
use crate::audit::{self, Entry, Outcome};
use crate::dpop::Proof;
use crate::{Result, Tenant, authorization, keys, organizations};

pub(super) const KEY: &str = "ExchangeTokenBy.ClientCredentials";

/// Issues a JWT access token for an API resource or an organization, bound to the key that was proven, if one was.
///
/// # Errors
/// `invalid_target` for an unknown resource; `access_denied` for an organization the application is not a member of, or when
/// a script denies the token; `oidc.custom_claims_script_error`.
pub(super) async fn issue(
    tenant: &Tenant,
    client: &Client,
    request: &ClientCredentialsRequest,
    proof: Option<&Proof>,
) -> Result<TokenResponse> {
    let proven_key = proof.map(Proof::key);
    let kind = AccessTokenKind::for_machine(
        request.resource.as_deref(),
        request.organization_id.as_deref(),
    )?;
    tokens::check_resource(tenant, &kind).await?;
    let organization_roles = match kind.organization_id() {
        Some(id) => {
            let mut conn = tenant.read().await?;
            let roles =
                organizations::application_member_roles(&mut conn, id, &client.client_id).await?;
            check_machine_organization(roles.is_some())?;
            roles
        }
        None => None,
    };
    let snapshot = keys::configuration_to_sign_for(tenant, client).await?;
    let permitted = match (&kind, organization_roles.as_deref()) {
        (AccessTokenKind::Resource { indicator, .. }, None) => {
            authorization::application_scopes_on(&snapshot, &client.client_id, indicator)
        }
        (AccessTokenKind::Resource { indicator, .. }, Some(roles)) => {
            authorization::organization_scopes_on(&snapshot, roles, indicator)
        }
        (_, Some(roles)) => authorization::organization_scopes(&snapshot, roles),
        (_, None) => Scope::empty(),
    };
    let scope = request.scope.intersection(&permitted);
    let audience = kind.audience().unwrap_or_else(|| ORGANIZATIONS_RESOURCE.to_owned());
    let mut claims = tokens::jwt_claims(
        tenant,
        &snapshot,
        client,
        &kind,
        audience,
        &client.client_id,
        scope.clone(),
    )?;
    claims.cnf = tokens::confirmation(proven_key);
    let expires_in = claims.exp - claims.iat;
    let access_token = customized::of_machine(tenant, &snapshot, client, &kind, claims).await?;
    let entry = Entry::new(tenant, KEY, Outcome::Success)
        .application(&client.client_id)
        .fact("scope", scope.to_string());
    tenant
        .write((proof.cloned(), entry), |tx, (proof, entry)| {
            Box::pin(async move {
                if let Some(proof) = proof {
                    proof.spend_in(tx).await?;
                }
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(TokenResponse {
        access_token,
        expires_in,
        id_token: None,
        refresh_token: None,
        scope,
        token_type: TokenType::of(proven_key),
    })
}
