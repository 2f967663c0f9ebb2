//! The Management API, `/api`: for machines that run the tenant.
//!
//! Every route but the public ones needs a bearer token for the tenant's Management API with the scope `all`. The check is a layer
//! around the whole router: a handler cannot forget it.

mod account_center;
mod actions;
mod application_access_control;
mod application_consent;
mod application_roles;
mod application_sign_in_exp;
mod applications;
mod authentication;
mod captcha;
mod cimd;
mod configs;
mod connectors;
mod console_settings;
mod custom_phrases;
mod dashboard;
mod domains;
mod doors;
mod email_templates;
mod events;
mod hasura;
mod hooks;
mod jwt_customizers;
mod logs;
mod one_time_tokens;
mod openapi;
mod organization_applications;
mod organization_invitations;
mod organization_jit;
mod organization_template;
mod organizations;
mod parts;
mod permission;
mod personal_access_tokens;
mod profile_fields;
mod protected_apps;
mod registration;
mod resources;
mod roles;
mod saml_applications;
mod sentinel;
mod sign_in_exp;
mod sign_in_exp_checks;
mod sso_connectors;
mod status;
mod subject_tokens;
mod user_assets;
mod user_identities;
mod user_mfa;
mod user_roles;
mod user_sessions;
mod user_settings;
mod users;
mod verification_codes;

use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::{Router, middleware};
use http::{HeaderValue, header};

use crate::app::App;
use doors::Doors;

/// A body of the Management API is at most this long: bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// The routes below `/api`.
pub(crate) fn routes(app: &App) -> Router<App> {
    let (guarded, _) = guarded().into_parts();
    let (open, _) = open().into_parts();
    let guarded = guarded.route_layer(middleware::from_fn_with_state(
        app.clone(),
        authentication::require_management_token,
    ));
    // Routes that are merged after the layer was put on need no token.
    guarded
        .merge(open)
        .layer(middleware::map_response(no_store))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// The routes that need a token.
fn guarded() -> Doors {
    Doors::new("")
        .merge(applications::routes())
        .merge(application_access_control::routes())
        .merge(application_consent::routes())
        .merge(application_roles::routes())
        .merge(cimd::routes())
        .merge(configs::routes())
        .merge(hooks::routes())
        .merge(connectors::routes())
        .merge(email_templates::routes())
        .merge(jwt_customizers::routes())
        .merge(logs::routes())
        .merge(application_sign_in_exp::routes())
        .merge(organization_invitations::routes())
        .merge(organization_jit::routes())
        .merge(organization_template::routes())
        .merge(organizations::routes())
        .merge(registration::routes())
        .merge(resources::routes())
        .merge(roles::routes())
        .merge(user_roles::routes())
        .merge(sign_in_exp::routes())
        .merge(sso_connectors::routes())
        .merge(verification_codes::routes())
        .merge(sign_in_exp_checks::routes())
        .merge(users::routes())
        .merge(user_identities::routes())
        .merge(user_mfa::routes())
        .merge(user_sessions::routes())
        .merge(user_settings::routes())
        .merge(sentinel::routes())
        .merge(one_time_tokens::routes())
        .merge(dashboard::routes())
        .merge(personal_access_tokens::routes())
        .merge(subject_tokens::routes())
        .merge(account_center::routes())
        .merge(actions::routes())
        .merge(captcha::routes())
        .merge(console_settings::routes())
        .merge(custom_phrases::routes())
        .merge(profile_fields::routes())
        .merge(protected_apps::routes())
        .merge(user_assets::routes())
        .merge(domains::routes())
        .merge(saml_applications::routes())
}

/// The routes that need none.
fn open() -> Doors {
    Doors::new("")
        .merge(hasura::public_routes())
        .merge(openapi::public_routes())
        .merge(account_center::public_routes())
        .merge(custom_phrases::public_routes())
        .merge(saml_applications::public_routes())
        .merge(sign_in_exp::public_routes())
        .merge(status::public_routes())
        .open_to_everyone()
}

/// What is told of every operation.
fn pages() -> Vec<doors::Page> {
    let ((_, mut pages), (_, open)) = (guarded().into_parts(), open().into_parts());
    pages.extend(open);
    pages
}

/// Answers hold secrets and personal data.
async fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
