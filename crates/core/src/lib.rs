//! The rooms of Trinco: one folder per thing the product is about.
//!
//! A room has a `model` (what it is), `rules` (what is allowed, pure), a `store` (how it is kept: the only place with SQL) and, in its
//! `mod.rs`, the use cases. A room calls another room only through its `mod.rs`. No room knows HTTP.
//!
//! Everything a use case needs to reach comes with a [`Tenant`]: its database handle, its configuration [`Snapshot`], the clock,
//! randomness and the keys that seal secrets at rest.

pub mod access_control;
pub mod account_center;
pub mod actions;
pub(crate) mod activity;
pub mod application_experience;
pub mod applications;
pub mod assets;
pub mod audit;
pub mod authorization;
pub mod captcha;
pub mod clients;
pub mod configs;
pub mod connectors;
pub mod consents;
pub mod console_settings;
pub(crate) mod counts;
pub mod custom_phrases;
pub mod dashboard;
pub mod declared;
pub mod deliveries;
pub mod devices;
pub mod domains;
pub mod dpop;
pub mod email_templates;
pub mod experience;
pub mod grants;
pub mod hooks;
pub mod interactions;
pub mod keys;
pub mod lockout;
pub mod logout;
pub mod messages;
pub mod mfa_verifications;
pub mod oidc_settings;
pub mod one_time_tokens;
pub mod organization_invitations;
pub mod organization_template;
pub mod organizations;
pub mod passwords;
pub mod personal_access_tokens;
pub mod profile_fields;
pub mod registrations;
pub mod replay;
pub mod resources;
pub mod retention;
pub mod roles;
pub mod saml_applications;
pub mod secrets;
pub mod sessions;
pub mod sso_connectors;
pub mod sso_identities;
pub mod subject_tokens;
pub mod tenants;
pub mod token_customizers;
pub mod users;
pub mod verification_codes;

mod calendar;
mod error;
mod ids;
mod occasion;
mod page;
mod secret;
mod section;
mod snapshot;
mod tenant;
mod text;
mod time;

pub use error::{Error, Refusal, Result};
pub use ids::Alphabet;
pub use occasion::{Call, Occasion};
pub use page::{Listing, Page};
pub use secret::{MasterKey, Sealer, Secret, TokenHash};
pub use section::Section;
pub use snapshot::Snapshot;
pub use tenant::{Bumped, Installation, Origin, Tenant};
pub use text::{JsonObject, NULLABLE, Text, double_option, nullable};
pub use time::{Clock, Randomness, SystemRandomness};

/// Every migration of the database, in order.
pub const MIGRATIONS: &[trinco_db::Migration] = trinco_db::MIGRATIONS;
