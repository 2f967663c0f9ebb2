//! Who asks for what is done at the moment, as far as the outside tells.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a use case is called on: where the request came from, and by which call of the Management API. A [`Tenant`](crate::Tenant)
/// carries it, so that the audit log and webhooks can tell. Nothing is decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occasion {
    /// The address the request came from.
    pub ip: Option<String>,
    /// The program that sent it, as it calls itself.
    pub user_agent: Option<String>,
    /// The call, when it is one that webhooks are told of.
    pub call: Option<Call>,
}

/// A call of the Management API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Below `/api`, such as `/roles/abc`.
    pub path: String,
    /// Such as `PATCH`.
    pub method: String,
    /// The status it is answered with when it succeeds.
    pub status: u16,
    /// What stands in the place of the parameters of the route.
    pub params: BTreeMap<&'static str, String>,
    /// Such as `/roles/:id`.
    pub matched_route: &'static str,
}
