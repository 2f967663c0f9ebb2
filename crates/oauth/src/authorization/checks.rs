//! The checks of an authorization request, in the order they run.

use super::{Context, Prompts, RequestedResource, ResponseMode, ResponseType};
use crate::{
    client::{Client, GrantType},
    error::{ErrorCode, OAuthError},
    params::Params,
    redirect_uri::RedirectUri,
    scope::{OFFLINE_ACCESS, ORGANIZATIONS_RESOURCE, Scope},
};

/// Longest `state`, in bytes.
pub const MAX_STATE: usize = 4096;

pub(super) fn client<'a>(params: &Params, context: &Context<'a>) -> Result<&'a Client, OAuthError> {
    let client_id = params.required("client_id")?;
    context
        .client
        .filter(|client| client.client_id == client_id)
        .ok_or_else(|| OAuthError::new(ErrorCode::InvalidClient, "client is invalid"))
}

/// RFC 9126 §5: whoever pushes every request does not mean one that a browser brings, so nothing in it is trusted.
pub(super) fn pushed(is_pushed: bool, client: &Client) -> Result<(), OAuthError> {
    if client.require_pushed_requests && !is_pushed {
        return Err(OAuthError::invalid_request(
            "this client must push its authorization requests",
        ));
    }
    Ok(())
}

pub(super) fn redirect_uri(params: &Params, client: &Client) -> Result<RedirectUri, OAuthError> {
    let presented = params.required("redirect_uri")?;
    RedirectUri::registered(client, presented).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::InvalidRedirectUri,
            "redirect_uri is not one of the redirect URIs registered for this client",
        )
    })
}

pub(super) fn state(params: &Params) -> Result<Option<String>, OAuthError> {
    Ok(params.limited("state", MAX_STATE)?.map(Into::into))
}

pub(super) fn response_mode(params: &Params) -> Result<ResponseMode, OAuthError> {
    let Some(asked) = params.get("response_mode") else { return Ok(ResponseMode::default()) };
    ResponseMode::ALL.into_iter().find(|mode| mode.as_str() == asked).ok_or_else(|| {
        OAuthError::new(ErrorCode::UnsupportedResponseMode, "response_mode is not supported")
    })
}

/// OpenID Connect Core §6 and §7.2.1: what is not supported must be refused, not ignored.
pub(super) fn unsupported_parameters(params: &Params) -> Result<(), OAuthError> {
    for (name, error) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if params.get(name).is_some() {
            return Err(OAuthError::new(error, format!("parameter {name} is not supported")));
        }
    }
    Ok(())
}

pub(super) fn grant_type(client: &Client) -> Result<(), OAuthError> {
    if client.allows(GrantType::AuthorizationCode) {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::UnauthorizedClient,
        "this client may not use the authorization code grant",
    ))
}

pub(super) fn response_type(params: &Params) -> Result<ResponseType, OAuthError> {
    match params.required("response_type")? {
        "code" => Ok(ResponseType::Code),
        _ => Err(OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "only response_type code is supported",
        )),
    }
}

/// Everything asked for, offered or not.
pub(super) fn scope(params: &Params) -> Result<Scope, OAuthError> {
    Scope::parse(params.get("scope").unwrap_or_default())
}

/// RFC 8707 §2: an unknown resource is refused. RFC 6749 §3.3: unknown scopes are left out.
pub(super) fn resources(
    params: &Params,
    context: &Context<'_>,
    scope: &Scope,
) -> Result<Vec<RequestedResource>, OAuthError> {
    let named = params.resources().iter().map(String::as_str);
    let default = context.default_resource.filter(|_| params.resources().is_empty());
    named
        .chain(default)
        .map(|indicator| {
            let offered = match (context.resource_scopes)(indicator) {
                Some(offered) => offered,
                None if indicator == ORGANIZATIONS_RESOURCE => Scope::empty(),
                None => return Err(OAuthError::invalid_target("resource indicator is unknown")),
            };
            Ok(RequestedResource {
                indicator: indicator.to_owned(),
                scope: scope.intersection(&offered),
            })
        })
        .collect()
}

/// The reserved scopes asked for. `offline_access` needs the user's attention: OpenID Connect Core §11.
pub(super) fn reserved_scope(scope: &Scope, prompt: Prompts) -> Scope {
    let reserved = scope.reserved();
    if prompt.consent { reserved } else { reserved.without(OFFLINE_ACCESS) }
}

pub(super) fn max_age(params: &Params) -> Result<Option<i64>, OAuthError> {
    let Some(text) = params.get("max_age") else { return Ok(None) };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(seconds) if digits => Ok(Some(i64::from(seconds))),
        _ => Err(OAuthError::invalid_request("max_age must be a number of seconds")),
    }
}
