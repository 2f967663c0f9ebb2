//! The outside world: everything Trinco asks of other machines on behalf of its tenants.
//!
//! Addresses come from people who configure applications and connectors, so none of them is trusted: every request goes through
//! [`outbound`], the one guard.

pub mod outbound;
