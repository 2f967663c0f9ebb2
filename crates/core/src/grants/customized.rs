//! The tokens of a grant with the claims that the tenant's scripts add, decided before anything is spent.

use serde_json::{Value, json};
use trinco_oauth::Client;
use trinco_oauth::claims::{AccessTokenClaims, CustomClaims};
use trinco_oauth::client::GrantType;
use trinco_oauth::token::AccessTokenKind;

use super::model::Grant;
use super::tokens::{self, Planned};
use crate::authorization::Subject;
use crate::token_customizers::{self, Parties, TokenType};
use crate::{JsonObject, Result, Snapshot, Tenant};

/// Tokens of a user that are about to be issued.
#[derive(Clone, Copy)]
pub(super) struct Issuing<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) snapshot: &'a Snapshot,
    pub(super) client: &'a Client,
    pub(super) grant: &'a Grant,
    pub(super) subject: &'a Subject,
    pub(super) grant_type: GrantType,
    /// What came with the subject token that is exchanged, if one is.
    pub(super) subject_token_context: Option<&'a JsonObject>,
}

impl Issuing<'_> {
    /// `planned` with the claims of the script for access tokens; an opaque token has none.
    ///
    /// # Errors
    /// As [`token_customizers::custom_claims`].
    pub(super) async fn access_token(
        &self,
        kind: &AccessTokenKind,
        planned: Planned,
    ) -> Result<Planned> {
        let Planned::Jwt(mut claims) = planned else { return Ok(planned) };
        if !may_be_customized(self.snapshot, kind) {
            return Ok(Planned::Jwt(claims));
        }
        let token = || {
            let mut token = shown(&claims, "AccessToken");
            let about_grant = [
                ("accountId", json!(self.grant.user_id)),
                ("grantId", json!(self.grant.id)),
                ("gty", json!(self.grant_type.as_str())),
            ];
            token.extend(about_grant.map(|(name, value)| (name.to_owned(), value)));
            let session = self.grant.session_id.as_ref();
            token.extend(session.map(|id| ("sessionUid".to_owned(), json!(id))));
            token
        };
        let custom = self.ask(TokenType::AccessToken, kind.organization_id(), token).await?;
        claims.custom = CustomClaims::of_access_token(custom);
        Ok(Planned::Jwt(claims))
    }

    /// The claims of the ID token, when the grant has `openid`, with those of the script for ID tokens.
    ///
    /// # Errors
    /// As [`token_customizers::custom_claims`].
    pub(super) async fn id_token(&self) -> Result<Option<JsonObject>> {
        let (tenant, snapshot) = (self.tenant, self.snapshot);
        let planned =
            tokens::id_token_claims(tenant, snapshot, self.client, self.grant, self.subject);
        let Some(mut claims) = planned else { return Ok(None) };
        let token = || {
            let mut token = claims.clone();
            token.insert("kind".to_owned(), json!("IdToken"));
            token
        };
        let custom = self.ask(TokenType::IdToken, None, token).await?;
        claims.extend(CustomClaims::of_id_token(custom).into_inner());
        Ok(Some(claims))
    }

    async fn ask(
        &self,
        token_type: TokenType,
        organization_id: Option<&str>,
        token: impl FnOnce() -> JsonObject + Send,
    ) -> Result<JsonObject> {
        let parties = Parties {
            client_id: &self.client.client_id,
            subject: Some(self.subject),
            organization_id,
            subject_token_context: self.subject_token_context,
        };
        let (tenant, snapshot) = (self.tenant, self.snapshot);
        token_customizers::custom_claims(tenant, snapshot, token_type, &parties, token).await
    }
}

/// The claims of a machine's access token with those of the script for them.
///
/// # Errors
/// As [`token_customizers::custom_claims`].
pub(super) async fn of_machine(
    tenant: &Tenant,
    snapshot: &Snapshot,
    kind: &AccessTokenKind,
    mut claims: AccessTokenClaims,
) -> Result<AccessTokenClaims> {
    if !may_be_customized(snapshot, kind) {
        return Ok(claims);
    }
    let parties = Parties {
        client_id: &claims.client_id,
        subject: None,
        organization_id: kind.organization_id(),
        subject_token_context: None,
    };
    let token = || shown(&claims, "ClientCredentials");
    let of = TokenType::ClientCredentials;
    let custom = token_customizers::custom_claims(tenant, snapshot, of, &parties, token).await?;
    claims.custom = CustomClaims::of_access_token(custom);
    Ok(claims)
}

/// Tokens for the Management API go past the scripts: one that denies or fails would lock out whoever could correct it.
fn may_be_customized(snapshot: &Snapshot, kind: &AccessTokenKind) -> bool {
    match kind {
        AccessTokenKind::Resource { indicator, .. } => snapshot
            .resources
            .by_indicator(indicator)
            .is_none_or(|entry| !entry.resource.is_management_api()),
        AccessTokenKind::Organization { .. } | AccessTokenKind::Opaque => true,
    }
}

/// What a script is shown of an access token.
fn shown(claims: &AccessTokenClaims, kind: &str) -> JsonObject {
    let members: [(&str, Value); 5] = [
        ("jti", json!(claims.jti)),
        ("aud", json!(claims.aud)),
        ("scope", json!(claims.scope)),
        ("clientId", json!(claims.client_id)),
        ("kind", json!(kind)),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}
