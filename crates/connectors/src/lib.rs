//! The outside world: everything Trinco asks of other machines on behalf of its tenants.
//!
//! Addresses come from people who configure applications and connectors, so none of them is trusted: every request goes through
//! [`outbound`], the one guard. [`messages`] knows the services that carry e-mail and text messages, [`saml`] reads what identity
//! providers say of themselves, and [`sigv4`] signs requests to AWS.

pub mod messages;
pub mod outbound;
pub mod saml;
pub mod sigv4;
