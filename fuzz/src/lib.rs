//! Fuzz targets for every parser that sees the network.
//!
//! A target is a function from bytes to whether they were accepted. It asks for more than not to panic: what was accepted is within
//! its limits, means what it says and reads back; what was refused has a code and tells no secret. `libfuzzer/` hands them to
//! libFuzzer, `tests/seeds.rs` runs each over its seeds without any of that. `cargo xtask fuzz` does the rest.
#![forbid(unsafe_code)]

mod check;
mod clients;
mod keys;

pub mod addresses;
pub mod authorization_request;
pub mod bearer;
pub mod branding;
pub mod client_assertion;
pub mod client_authentication;
pub mod codes;
pub mod color;
pub mod config;
pub mod db_url;
pub mod door;
pub mod dpop_proof;
pub mod end_session;
pub mod jwk;
pub mod jwt;
pub mod language;
pub mod outbound_response;
pub mod params;
pub mod password_digest;
pub mod pem;
pub mod redirect_uri;
pub mod registration;
pub mod saml_metadata;
pub mod scope;
pub mod smtp_replies;
pub mod token_request;
pub mod user_search;

/// A target: whether the input was accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target by its name, which is that of its file, its folder of seeds and its dictionary.
pub const TARGETS: &[(&str, Target)] = &[
    ("addresses", addresses::run),
    ("authorization_request", authorization_request::run),
    ("bearer", bearer::run),
    ("branding", branding::run),
    ("client_assertion", client_assertion::run),
    ("client_authentication", client_authentication::run),
    ("codes", codes::run),
    ("color", color::run),
    ("config", config::run),
    ("cookie", door::cookie),
    ("db_url", db_url::run),
    ("door_api", door::api),
    ("door_oidc", door::oidc),
    ("door_pages", door::pages),
    ("dpop_proof", dpop_proof::run),
    ("end_session", end_session::run),
    ("jwk", jwk::run),
    ("jwt", jwt::run),
    ("language", language::run),
    ("outbound_response", outbound_response::run),
    ("params", params::run),
    ("password_digest", password_digest::run),
    ("pem", pem::run),
    ("redirect_uri", redirect_uri::run),
    ("registration", registration::run),
    ("saml_metadata", saml_metadata::run),
    ("scope", scope::run),
    ("smtp_replies", smtp_replies::run),
    ("token_request", token_request::run),
    ("user_search", user_search::run),
];
