//! Which scope reveals which claim, and where its value comes from.

use serde_json::{Value, json};

use super::{
    ExtendedClaim::{self, *},
    UserClaims,
};
use crate::scope::{
    ADDRESS, CUSTOM_DATA, EMAIL, IDENTITIES, ORGANIZATION_ROLES, ORGANIZATIONS, PHONE, PROFILE,
    ROLES,
};

pub(super) struct Claim {
    pub(super) name: &'static str,
    pub(super) scope: &'static str,
    /// In userinfo always, in ID tokens by setting.
    pub(super) extended: Option<ExtendedClaim>,
    /// `None` leaves the claim out; what lives in the user's own columns is `null` instead.
    pub(super) value: fn(&UserClaims) -> Option<Value>,
}

const fn claim(
    name: &'static str,
    scope: &'static str,
    value: fn(&UserClaims) -> Option<Value>,
) -> Claim {
    Claim { name, scope, extended: None, value }
}

const fn extended(
    name: &'static str,
    scope: &'static str,
    by: ExtendedClaim,
    value: fn(&UserClaims) -> Option<Value>,
) -> Claim {
    Claim { name, scope, extended: Some(by), value }
}

pub(super) const CLAIMS: &[Claim] = &[
    claim("name", PROFILE, |u| Some(json!(u.name))),
    claim("family_name", PROFILE, |u| text(&u.profile.family_name)),
    claim("given_name", PROFILE, |u| text(&u.profile.given_name)),
    claim("middle_name", PROFILE, |u| text(&u.profile.middle_name)),
    claim("nickname", PROFILE, |u| text(&u.profile.nickname)),
    claim("preferred_username", PROFILE, |u| {
        text(&u.profile.preferred_username).or_else(|| text(&u.username))
    }),
    claim("profile", PROFILE, |u| text(&u.profile.profile)),
    claim("picture", PROFILE, |u| Some(json!(u.picture))),
    claim("website", PROFILE, |u| text(&u.profile.website)),
    claim("gender", PROFILE, |u| text(&u.profile.gender)),
    claim("birthdate", PROFILE, |u| text(&u.profile.birthdate)),
    claim("zoneinfo", PROFILE, |u| text(&u.profile.zoneinfo)),
    claim("locale", PROFILE, |u| text(&u.profile.locale)),
    claim("updated_at", PROFILE, |u| Some(json!(u.updated_at))),
    claim("username", PROFILE, |u| Some(json!(u.username))),
    claim("created_at", PROFILE, |u| Some(json!(u.created_at))),
    claim("email", EMAIL, |u| Some(json!(u.email))),
    claim("email_verified", EMAIL, |u| Some(json!(u.email.is_some()))),
    claim("phone_number", PHONE, |u| Some(json!(u.phone_number))),
    claim("phone_number_verified", PHONE, |u| Some(json!(u.phone_number.is_some()))),
    claim("address", ADDRESS, |u| u.profile.address.as_ref().map(address)),
    extended("roles", ROLES, Roles, |u| Some(json!(u.roles))),
    extended("custom_data", CUSTOM_DATA, CustomData, |u| Some(json!(u.custom_data))),
    extended("identities", IDENTITIES, Identities, |u| Some(json!(u.identities))),
    extended("sso_identities", IDENTITIES, SsoIdentities, |u| Some(json!(u.sso_identities))),
    extended("organizations", ORGANIZATIONS, Organizations, |u| {
        Some(u.organizations.iter().map(|organization| json!(organization.id)).collect())
    }),
    extended("organization_data", ORGANIZATIONS, OrganizationData, |u| {
        Some(json!(u.organizations))
    }),
    extended("organization_roles", ORGANIZATION_ROLES, OrganizationRoles, |u| {
        let pair = |role: &super::OrganizationRole| {
            json!(format!("{}:{}", role.organization_id, role.role_name))
        };
        Some(u.organization_roles.iter().map(pair).collect())
    }),
];

fn text(member: &Option<String>) -> Option<Value> {
    member.as_ref().map(|text| json!(text))
}

/// The address as stored, and again under the two names OpenID Connect Core §5.1.1 spells differently: readers of
/// either find them.
fn address(stored: &serde_json::Map<String, Value>) -> Value {
    let mut address = stored.clone();
    for (stored_as, standard) in
        [("streetAddress", "street_address"), ("postalCode", "postal_code")]
    {
        if let Some(value) = stored.get(stored_as) {
            address.entry(standard).or_insert_with(|| value.clone());
        }
    }
    Value::Object(address)
}
