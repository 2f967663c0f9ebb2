//! OAuth 2 and OpenID Connect rules: request in, decision out. Pure: no I/O, no clock, no randomness.
//!
//! Times are Unix seconds (`i64`) unless a name says otherwise; the present is always a parameter.
//!
//! | A request to | is read by | and decided by |
//! |---|---|---|
//! | the authorization endpoint | [`authorization::validate`] | [`interaction::next_step`], then [`response`] |
//! | the token endpoint | [`client_authentication`], [`token::TokenRequest::parse`] | [`token`], [`refresh`], [`claims`] |
//! | userinfo | [`dpop::parse_authorization`], [`bearer::parse_form`] | [`claims::userinfo`] |
//! | introspection, revocation | [`introspection`], [`revocation`] | the same |
//! | end of session | [`end_session::EndSessionRequest::parse`] | [`end_session::decide`] |

pub mod authorization;
pub mod bearer;
pub mod claims;
pub mod client;
pub mod client_assertion;
pub mod client_authentication;
pub mod consent;
pub mod dpop;
pub mod end_session;
pub mod error;
pub mod fapi;
pub mod grant;
pub mod interaction;
pub mod introspection;
pub mod logout_token;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod protected_resource;
pub mod redirect_uri;
pub mod refresh;
pub mod registration;
pub mod response;
pub mod revocation;
pub mod scope;
pub mod secret;
pub mod token;

#[cfg(test)]
mod refresh_chain_tests;
#[cfg(test)]
mod scope_policy_tests;

pub use self::{
    authorization::{AuthorizationError, AuthorizationRequest},
    client::{ApplicationType, Client, GrantType},
    error::{ErrorCode, OAuthError},
    params::Params,
    redirect_uri::RedirectUri,
    scope::Scope,
    secret::Secret,
};
