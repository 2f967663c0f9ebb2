//! What to issue: the kind of access token and its scope.

use crate::{
    error::{ErrorCode, OAuthError},
    grant::GrantedScopes,
    scope::{OPENID, ORGANIZATIONS, ORGANIZATIONS_RESOURCE, Scope, organization_urn},
};

/// The kinds of access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessTokenKind {
    /// A random string for this server's own userinfo and account endpoints.
    Opaque,
    /// A JWT for an API resource, in the name of an organization if one is given.
    Resource {
        /// The resource indicator.
        indicator: String,
        /// The organization.
        organization_id: Option<String>,
    },
    /// A JWT for an organization itself.
    Organization {
        /// The organization.
        organization_id: String,
    },
}

impl AccessTokenKind {
    /// What a user's grant is asked for.
    ///
    /// # Errors
    /// `invalid_target` for a resource that was not granted, or none where several are possible.
    pub fn for_user(
        resource: Option<&str>,
        organization_id: Option<&str>,
        granted: &GrantedScopes,
    ) -> Result<Self, OAuthError> {
        match (resource, organization_id) {
            (None | Some(ORGANIZATIONS_RESOURCE), Some(id)) => Ok(Self::organization(id)),
            (Some(ORGANIZATIONS_RESOURCE), None) => Err(organization_needed()),
            (Some(indicator), id) if granted.resources.contains_key(indicator) => {
                Ok(Self::resource(indicator, id))
            }
            // RFC 8707 §2.2: only what was part of the grant.
            (Some(_), _) => Err(OAuthError::invalid_target("resource was not granted")),
            (None, None) => Self::without_target(granted),
        }
    }

    /// What a machine asks for.
    ///
    /// # Errors
    /// `invalid_target` when neither is given.
    pub fn for_machine(
        resource: Option<&str>,
        organization_id: Option<&str>,
    ) -> Result<Self, OAuthError> {
        match (resource, organization_id) {
            (None | Some(ORGANIZATIONS_RESOURCE), Some(id)) => Ok(Self::organization(id)),
            (None | Some(ORGANIZATIONS_RESOURCE), None) => Err(organization_needed()),
            (Some(indicator), id) => Ok(Self::resource(indicator, id)),
        }
    }

    /// What a token exchange asks for (RFC 8693 §2.1).
    ///
    /// # Errors
    /// `invalid_target` for the organizations resource without an organization.
    pub fn for_exchange(
        resource: Option<&str>,
        organization_id: Option<&str>,
    ) -> Result<Self, OAuthError> {
        match (resource, organization_id) {
            (None, None) => Ok(Self::Opaque),
            (resource, organization_id) => Self::for_machine(resource, organization_id),
        }
    }

    /// The `aud` of the JWT; an opaque token has none.
    #[must_use]
    pub fn audience(&self) -> Option<String> {
        match self {
            Self::Opaque => None,
            Self::Resource { indicator, .. } => Some(indicator.clone()),
            Self::Organization { organization_id } => Some(organization_urn(organization_id)),
        }
    }

    /// The `organization_id` claim: of resource tokens only, an organization token says it in its audience.
    #[must_use]
    pub fn organization_id_claim(&self) -> Option<&str> {
        match self {
            Self::Resource { organization_id, .. } => organization_id.as_deref(),
            Self::Opaque | Self::Organization { .. } => None,
        }
    }

    /// The organization whose membership has to be checked.
    #[must_use]
    pub fn organization_id(&self) -> Option<&str> {
        match self {
            Self::Organization { organization_id } => Some(organization_id),
            Self::Opaque | Self::Resource { .. } => self.organization_id_claim(),
        }
    }

    /// The scope of a user's token: what was granted on this target, narrowed by the request, and for a JWT what
    /// the user's roles permit there (`permitted`, without meaning for an opaque token).
    #[must_use]
    pub fn scope(&self, granted: &GrantedScopes, narrowed: &Scope, permitted: &Scope) -> Scope {
        let on = |indicator: &str| {
            let granted = granted.resources.get(indicator).cloned().unwrap_or_default();
            granted.intersection(narrowed).intersection(permitted)
        };
        match self {
            Self::Opaque => granted.scope.reserved().intersection(narrowed),
            Self::Resource { indicator, .. } => on(indicator),
            Self::Organization { .. } => on(ORGANIZATIONS_RESOURCE),
        }
    }

    fn without_target(granted: &GrantedScopes) -> Result<Self, OAuthError> {
        if granted.scope.contains(OPENID) {
            return Ok(Self::Opaque);
        }
        // Nothing at userinfo to use an opaque token for: the one resource granted is meant.
        let mut resources = granted.resources.keys().filter(|key| *key != ORGANIZATIONS_RESOURCE);
        match (resources.next(), resources.next()) {
            (None, _) => Ok(Self::Opaque),
            (Some(indicator), None) => Ok(Self::resource(indicator, None)),
            (Some(_), Some(_)) => Err(OAuthError::invalid_target("resource is required")),
        }
    }

    fn resource(indicator: &str, organization_id: Option<&str>) -> Self {
        Self::Resource {
            indicator: indicator.to_owned(),
            organization_id: organization_id.map(Into::into),
        }
    }

    fn organization(organization_id: &str) -> Self {
        Self::Organization { organization_id: organization_id.to_owned() }
    }
}

fn organization_needed() -> OAuthError {
    OAuthError::invalid_target("resource or organization_id is required")
}

/// The scopes a refresh goes on with: all that were granted, or those asked for (RFC 6749 §6).
///
/// # Errors
/// `invalid_scope`, naming what was never granted.
pub fn narrow(granted: &GrantedScopes, requested: Option<&Scope>) -> Result<Scope, OAuthError> {
    let all = granted.all();
    let Some(requested) = requested else { return Ok(all) };
    let excess = requested.difference(&all);
    if excess.is_empty() {
        return Ok(requested.clone());
    }
    let error =
        OAuthError::new(ErrorCode::InvalidScope, "requested scope exceeds what was granted");
    Err(error.with_scope(excess.to_string()))
}

/// What is known of a user in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// Whether they are a member.
    pub is_member: bool,
    /// Whether they have a second factor, or the organization asks for none.
    pub mfa_satisfied: bool,
}

/// Whether a user's grant may have a token for an organization.
///
/// # Errors
/// `insufficient_scope` without the organizations scope, `access_denied` for a stranger or one without the second
/// factor the organization asks for.
pub fn check_user_organization(
    granted: &GrantedScopes,
    membership: Membership,
) -> Result<(), OAuthError> {
    if !granted.scope.contains(ORGANIZATIONS) {
        let error = OAuthError::new(
            ErrorCode::InsufficientScope,
            "the organizations scope was not granted",
        );
        return Err(error.with_scope(ORGANIZATIONS));
    }
    check_membership(membership)
}

/// Whether a user may have a token for an organization, whatever was granted.
///
/// # Errors
/// `access_denied` for a stranger or one without the second factor the organization asks for.
pub fn check_membership(membership: Membership) -> Result<(), OAuthError> {
    if !membership.is_member {
        return Err(denied("the user is not a member of the organization"));
    }
    if !membership.mfa_satisfied {
        return Err(denied("the organization requires multi-factor authentication"));
    }
    Ok(())
}

/// Whether a machine may have a token for an organization.
///
/// # Errors
/// `access_denied` for a stranger.
pub fn check_machine_organization(is_member: bool) -> Result<(), OAuthError> {
    if is_member {
        Ok(())
    } else {
        Err(denied("the application is not a member of the organization"))
    }
}

fn denied(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, description)
}
