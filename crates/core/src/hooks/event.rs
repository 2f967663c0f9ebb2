//! What webhooks can be told of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($event:ident = $name:literal,)*) => {
        /// Something that webhooks can be told of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Event {
            $(#[serde(rename = $name)] $event,)*
        }

        impl Event {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$event,)*];

            /// Its name, such as `User.Created`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$event => $name,)* }
            }

            /// What the audit log calls its delivery.
            pub(crate) const fn audit_key(self) -> &'static str {
                match self { $(Self::$event => concat!("TriggerHook.", $name),)* }
            }
        }
    };
}

events! {
    PostRegister = "PostRegister",
    PostSignIn = "PostSignIn",
    PostSignInAdaptiveMfaTriggered = "PostSignInAdaptiveMfaTriggered",
    PostResetPassword = "PostResetPassword",
    UserCreated = "User.Created",
    UserDeleted = "User.Deleted",
    UserDataUpdated = "User.Data.Updated",
    UserSuspensionStatusUpdated = "User.SuspensionStatus.Updated",
    RoleCreated = "Role.Created",
    RoleDeleted = "Role.Deleted",
    RoleDataUpdated = "Role.Data.Updated",
    RoleScopesUpdated = "Role.Scopes.Updated",
    ScopeCreated = "Scope.Created",
    ScopeDeleted = "Scope.Deleted",
    ScopeDataUpdated = "Scope.Data.Updated",
    OrganizationCreated = "Organization.Created",
    OrganizationDeleted = "Organization.Deleted",
    OrganizationDataUpdated = "Organization.Data.Updated",
    OrganizationMembershipUpdated = "Organization.Membership.Updated",
    OrganizationRoleCreated = "OrganizationRole.Created",
    OrganizationRoleDeleted = "OrganizationRole.Deleted",
    OrganizationRoleDataUpdated = "OrganizationRole.Data.Updated",
    OrganizationRoleScopesUpdated = "OrganizationRole.Scopes.Updated",
    OrganizationScopeCreated = "OrganizationScope.Created",
    OrganizationScopeDeleted = "OrganizationScope.Deleted",
    OrganizationScopeDataUpdated = "OrganizationScope.Data.Updated",
    IdentifierLockout = "Identifier.Lockout",
    MessageRateLimited = "Message.RateLimited",
    GrantLimitExceeded = "Grant.LimitExceeded",
}

impl Event {
    /// Whether it is about a person at the sign-in pages rather than about data: it says so in other words.
    pub(super) const fn is_of_interaction(self) -> bool {
        matches!(
            self,
            Self::PostRegister
                | Self::PostSignIn
                | Self::PostSignInAdaptiveMfaTriggered
                | Self::PostResetPassword
        )
    }

    /// Whether its data is a user.
    pub(super) const fn is_of_user(self) -> bool {
        matches!(
            self,
            Self::UserCreated
                | Self::UserDeleted
                | Self::UserDataUpdated
                | Self::UserSuspensionStatusUpdated
        )
    }

    /// The event with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_by_the_name_it_has() {
        assert_eq!(Event::ALL.len(), 29);
        for event in Event::ALL {
            let json = serde_json::to_string(event).unwrap();
            assert_eq!(json, format!("\"{}\"", event.name()));
            assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), *event);
            assert_eq!(event.audit_key(), format!("TriggerHook.{}", event.name()));
            assert_eq!(Event::named(event.name()), Some(*event));
        }
        assert!(serde_json::from_str::<Event>("\"TrustedDevice.Created\"").is_err());
    }
}
