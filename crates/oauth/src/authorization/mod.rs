//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1): from parameters to a request that
//! is known to be allowed. [`validate`] runs an ordered list of checks; the order decides which error wins.

mod checks;
mod device;
mod hints;
mod prompt;
pub mod pushed;

use serde::{Deserialize, Serialize};

pub use self::{
    checks::MAX_STATE,
    device::{DeviceAuthorization, UserCode, validate_device},
    hints::{DirectSignIn, FirstScreen, Hints, Identifier},
    prompt::Prompts,
};
use crate::{
    claims::{MAX_REQUEST, RequestedClaims},
    client::Client,
    dpop,
    error::OAuthError,
    params::Params,
    pkce::CodeChallenge,
    redirect_uri::RedirectUri,
    scope::Scope,
};

/// What [`validate`] must know besides the parameters.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The application the `client_id` names, if it exists.
    pub client: Option<&'a Client>,
    /// The permissions of an API resource by its indicator; `None` when there is no such resource. For
    /// [`crate::scope::ORGANIZATIONS_RESOURCE`] it gives the organization permissions (`None` is read as none).
    pub resource_scopes: &'a dyn Fn(&str) -> Option<Scope>,
    /// The resource that is meant when a request names none.
    pub default_resource: Option<&'a str>,
    /// Whether the client itself sent the request, authenticated (RFC 9126).
    pub is_pushed: bool,
}

/// An allowed authorization request, as it is kept while the user signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client.
    pub client_id: String,
    /// Where the answer goes, how, and with which `state`.
    #[serde(flatten)]
    pub target: ResponseTarget,
    /// What the answer holds.
    pub response_type: ResponseType,
    /// The reserved scopes asked for and offered, e.g. `openid profile`.
    pub scope: Scope,
    /// The resources asked for, each with its own permissions.
    pub resources: Vec<RequestedResource>,
    /// Comes back in the ID token.
    pub nonce: Option<String>,
    /// Which pages the client wants, or none.
    pub prompt: Prompts,
    /// Oldest acceptable authentication: seconds.
    pub max_age: Option<i64>,
    /// An ID token of the user the client expects; to be verified by the caller.
    pub id_token_hint: Option<String>,
    /// What the code will be bound to.
    pub code_challenge: Option<CodeChallenge>,
    /// The key the code will be bound to (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The claims asked for one by one.
    #[serde(default, skip_serializing_if = "RequestedClaims::is_empty")]
    pub claims: RequestedClaims,
    /// What the sign-in pages may use.
    pub hints: Hints,
    /// Whether the client itself sent it, authenticated (RFC 9126).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pushed: bool,
}

impl AuthorizationRequest {
    /// Everything asked for and offered: reserved scopes, then the permissions of each resource.
    #[must_use]
    pub fn all_scopes(&self) -> Scope {
        self.resources.iter().fold(self.scope.clone(), |all, resource| all.union(&resource.scope))
    }
}

/// A resource of a request and what was asked for on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedResource {
    /// The resource indicator (RFC 8707).
    pub indicator: String,
    /// The permissions the resource has and the request names.
    pub scope: Scope,
}

/// The response types that work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    /// An authorization code.
    Code,
}

/// How the answer travels (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In its fragment.
    Fragment,
    /// As a form the browser posts.
    FormPost,
}

impl ResponseMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    /// The value of `response_mode`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }
}

/// Where an answer goes: a redirect URI of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseTarget {
    /// The redirect URI.
    pub redirect_uri: RedirectUri,
    /// How the members travel.
    pub response_mode: ResponseMode,
    /// Comes back unchanged.
    pub state: Option<String>,
}

/// A refused authorization request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// Shown to the user with status 400 and never redirected: who asks, or where to answer, is not trusted
    /// (RFC 6749 §4.1.2.1).
    #[error("{error}")]
    Show {
        /// What is wrong.
        error: OAuthError,
        /// Repeated in a JSON answer.
        state: Option<String>,
    },
    /// Sent to the client.
    #[error("{error}")]
    Redirect {
        /// What is wrong.
        error: OAuthError,
        /// Where it goes.
        target: Box<ResponseTarget>,
    },
}

impl AuthorizationError {
    /// What is wrong.
    #[must_use]
    pub fn error(&self) -> &OAuthError {
        match self {
            Self::Show { error, .. } | Self::Redirect { error, .. } => error,
        }
    }
}

/// Validates an authorization request.
///
/// # Errors
/// The first check that fails: see the order in the body.
pub fn validate(
    params: &Params,
    context: &Context<'_>,
) -> Result<AuthorizationRequest, AuthorizationError> {
    // Until client and redirect URI are known, errors are shown.
    let show = |error| AuthorizationError::Show {
        error,
        state: params.get("state").filter(|state| state.len() <= checks::MAX_STATE).map(Into::into),
    };
    let client = checks::client(params, context).map_err(show)?;
    checks::pushed(context.is_pushed, client).map_err(show)?;
    let redirect_uri = checks::redirect_uri(params, client).map_err(show)?;
    let state = checks::state(params).map_err(show)?;

    // From here on they go to the client, by the default mode until its own is known.
    let mut target = ResponseTarget { redirect_uri, response_mode: ResponseMode::default(), state };
    let redirect = |target: &ResponseTarget, error| AuthorizationError::Redirect {
        error,
        target: Box::new(target.clone()),
    };
    target.response_mode =
        checks::response_mode(params).map_err(|error| redirect(&target, error))?;

    after_target(params, context, client, &target).map_err(|error| redirect(&target, error))
}

fn after_target(
    params: &Params,
    context: &Context<'_>,
    client: &Client,
    target: &ResponseTarget,
) -> Result<AuthorizationRequest, OAuthError> {
    checks::unsupported_parameters(params)?;
    checks::grant_type(client)?;
    let response_type = checks::response_type(params)?;
    let prompt = Prompts::parse(params.limited("prompt", 128)?.unwrap_or_default())?;
    let scope = checks::scope(params)?;
    let code_challenge = crate::pkce::requested(params, client)?;
    let resources = checks::resources(params, context, &scope)?;
    let max_age = checks::max_age(params)?;
    let claims = params.limited("claims", MAX_REQUEST)?.map(RequestedClaims::parse).transpose()?;
    Ok(AuthorizationRequest {
        client_id: client.client_id.clone(),
        target: target.clone(),
        response_type,
        scope: checks::reserved_scope(&scope, prompt),
        resources,
        nonce: params.limited("nonce", 512)?.map(Into::into),
        prompt,
        max_age,
        id_token_hint: params.limited("id_token_hint", 16 * 1024)?.map(Into::into),
        code_challenge,
        dpop_jkt: params.get("dpop_jkt").map(dpop::parse_thumbprint).transpose()?,
        claims: claims.unwrap_or_default(),
        hints: Hints::parse(params)?,
        is_pushed: context.is_pushed,
    })
}

/// Whether a request that was allowed is one that the client may still make: more may be asked of it since.
///
/// # Errors
/// `invalid_request` when the client must push its requests now, or must use PKCE, and this one did not.
pub fn check_again(request: &AuthorizationRequest, client: &Client) -> Result<(), OAuthError> {
    checks::pushed(request.is_pushed, client)?;
    if client.is_fapi2() && request.code_challenge.is_none() {
        return Err(OAuthError::invalid_request("code_challenge is required of this client"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
