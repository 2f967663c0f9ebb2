//! The tokens of a grant with the claims that the tenant's scripts add, decided and signed before anything is spent.

use serde_json::{Value, json};
use trinco_oauth::Client;
use trinco_oauth::claims::{AccessTokenClaims, CustomClaims};
use trinco_oauth::client::GrantType;
use trinco_oauth::token::{AccessTokenKind, MAX_TOKEN};

use super::model::Grant;
use super::tokens::{self, Made, Planned};
use crate::authorization::Subject;
use crate::token_customizers::{Parties, TokenScript, TokenType};
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
    /// The access token that was planned, with the claims of the script for access tokens; an opaque token has none.
    ///
    /// # Errors
    /// As [`TokenScript::claims`].
    pub(super) async fn access_token(
        &self,
        kind: &AccessTokenKind,
        planned: Planned,
    ) -> Result<Made> {
        let claims = match planned {
            Planned::Opaque { token, stored } => return Ok(Made::Opaque { token, stored }),
            Planned::Jwt(claims) => claims,
        };
        let expires_in = claims.exp - claims.iat;
        let sign = |claims: &AccessTokenClaims| {
            tokens::sign_access_token(self.snapshot, self.client, claims)
        };
        if !may_be_customized(self.snapshot, kind) {
            return Ok(Made::Jwt { token: sign(&claims)?, expires_in });
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
        let script = self.script(TokenType::AccessToken, kind.organization_id());
        let token = made(&script, token, |custom| {
            let custom = CustomClaims::of_access_token(custom);
            sign(&AccessTokenClaims { custom, ..claims.clone() })
        });
        Ok(Made::Jwt { token: token.await?, expires_in })
    }

    /// The ID token, when the grant has `openid`, with the claims of the script for ID tokens.
    ///
    /// # Errors
    /// As [`TokenScript::claims`].
    pub(super) async fn id_token(&self) -> Result<Option<String>> {
        let (tenant, snapshot) = (self.tenant, self.snapshot);
        let planned =
            tokens::id_token_claims(tenant, snapshot, self.client, self.grant, self.subject);
        let Some(claims) = planned else { return Ok(None) };
        let token = || {
            let mut token = claims.clone();
            token.insert("kind".to_owned(), json!("IdToken"));
            token
        };
        let script = self.script(TokenType::IdToken, None);
        let made = made(&script, token, |custom| {
            let mut claims = claims.clone();
            claims.extend(CustomClaims::of_id_token(custom).into_inner());
            tokens::sign_id_token(snapshot, self.client, &claims)
        });
        made.await.map(Some)
    }

    fn script<'a>(
        &'a self,
        token_type: TokenType,
        organization_id: Option<&'a str>,
    ) -> TokenScript<'a> {
        let parties = Parties {
            client_id: &self.client.client_id,
            subject: Some(self.subject),
            organization_id,
            subject_token_context: self.subject_token_context,
        };
        TokenScript { tenant: self.tenant, snapshot: self.snapshot, token_type, parties }
    }
}

/// A machine's access token with the claims of the script for them.
///
/// # Errors
/// As [`TokenScript::claims`].
pub(super) async fn of_machine(
    tenant: &Tenant,
    snapshot: &Snapshot,
    client: &Client,
    kind: &AccessTokenKind,
    claims: AccessTokenClaims,
) -> Result<String> {
    if !may_be_customized(snapshot, kind) {
        return tokens::sign_access_token(snapshot, client, &claims);
    }
    let parties = Parties {
        client_id: &claims.client_id,
        subject: None,
        organization_id: kind.organization_id(),
        subject_token_context: None,
    };
    let token_type = TokenType::ClientCredentials;
    let script = TokenScript { tenant, snapshot, token_type, parties };
    let made = made(
        &script,
        || shown(&claims, "ClientCredentials"),
        |custom| {
            let custom = CustomClaims::of_access_token(custom);
            tokens::sign_access_token(
                snapshot,
                client,
                &AccessTokenClaims { custom, ..claims.clone() },
            )
        },
    );
    made.await
}

/// Asks the script for the claims of a token and has them signed with the others. A token that would be longer than any door reads is
/// a fault of the script's.
async fn made(
    script: &TokenScript<'_>,
    token: impl FnOnce() -> JsonObject + Send,
    sign: impl Fn(JsonObject) -> Result<String>,
) -> Result<String> {
    let custom = script.claims(token).await?;
    let adds_nothing = custom.is_empty();
    let signed = sign(custom)?;
    if adds_nothing || signed.len() <= MAX_TOKEN {
        return Ok(signed);
    }
    script.made_too_long(MAX_TOKEN).await?;
    sign(JsonObject::new())
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
