//! Ending a session at an application's wish (OpenID Connect RP-Initiated Logout).

use serde::Deserialize;
use trinco_jose::{Audience, Expectation, TokenType};
use trinco_oauth::OAuthError;
use trinco_oauth::end_session::{self, EndSession, EndSessionRequest, HintFacts};

use super::{Session, end, find};
use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Tenant, applications, clients, keys};

/// What the end-session endpoint has to show.
#[derive(Clone, Debug)]
pub struct SignOut {
    /// The session that would end.
    pub session: Option<Session>,
    /// The client that asks, if it is known.
    pub client_id: Option<String>,
    /// Whether to ask, and where the user lands.
    pub decision: EndSession,
}

#[derive(Deserialize)]
struct HintClaims {
    sub: String,
    aud: String,
}

/// Decides what to do about a request to end the browser's session. `cookie` is the value of its session cookie.
///
/// # Errors
/// `invalid_request`, to be shown: see [`end_session::decide`].
pub async fn sign_out_requested(
    tenant: &Tenant,
    request: &EndSessionRequest,
    cookie: Option<&str>,
) -> Result<SignOut> {
    let hint = match &request.id_token_hint {
        Some(hint) => Some(verify(tenant, hint).await?),
        None => None,
    };
    let facts =
        hint.as_ref().map(|claims| HintFacts { subject: &claims.sub, audience: &claims.aud });
    let registered = match request.client_id(facts) {
        // Only who holds an ID token may have a stranger's document fetched.
        Some(id) if hint.is_some() => match clients::find(tenant, id).await {
            Ok(registered) => registered,
            // A site that is down keeps nobody signed in.
            Err(Error::OAuth(_)) => None,
            Err(error) => return Err(error),
        },
        Some(id) => applications::find(tenant, id).await?,
        None => None,
    };
    let session = match cookie {
        Some(cookie) => find(tenant, cookie).await?,
        None => None,
    };
    let client = registered.as_ref().map(|registered| &registered.client);
    let subject = session.as_ref().map(|session| session.user_id.as_str());
    let decision = end_session::decide(request, client, facts, subject)?;
    Ok(SignOut { session, client_id: client.map(|client| client.client_id.clone()), decision })
}

/// Ends the browser's session.
///
/// # Errors
/// When the database does not answer.
pub async fn sign_out(tenant: &Tenant, session: &Session, client_id: Option<&str>) -> Result<()> {
    let mut entry = Entry::new(tenant, "RevokeGrants", Outcome::Success)
        .user(&session.user_id)
        .fact("reason", "sign-out");
    if let Some(client_id) = client_id {
        entry = entry.application(client_id);
    }
    tenant
        .write(
            (session.id.clone(), client_id.map(str::to_owned), entry),
            |tx, (session, client, entry)| {
                Box::pin(async move {
                    end(tx, session, client.as_deref()).await?;
                    audit::append(tx, entry).await
                })
            },
        )
        .await
}

/// RP-Initiated Logout §2: an expired ID token is still a good hint.
async fn verify(tenant: &Tenant, hint: &str) -> Result<HintClaims> {
    let expectation =
        Expectation::new(TokenType::JwtOrAbsent, tenant.issuer(), Audience::Any, tenant.now());
    let verified = keys::verified(tenant, |keys| {
        keys.verify_ignoring_expiry::<HintClaims>(hint, &expectation)
    })
    .await?;
    Ok(verified.map_err(|_| OAuthError::invalid_request("id_token_hint is invalid"))?.claims)
}
