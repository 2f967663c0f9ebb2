//! What a file can hold, and what applying one comes to.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Error, JsonObject};

/// A kind of thing, in the order in which things are made: each refers only to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Resource,
    Scope,
    OrganizationScope,
    Role,
    OrganizationRole,
    SignInExperience,
    OidcSettings,
    CustomClaims,
    Application,
    User,
    Organization,
    AccessControl,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Resource,
        Self::Scope,
        Self::OrganizationScope,
        Self::Role,
        Self::OrganizationRole,
        Self::SignInExperience,
        Self::OidcSettings,
        Self::CustomClaims,
        Self::Application,
        Self::User,
        Self::Organization,
        Self::AccessControl,
    ];

    /// Where the file has it; `None` for what is written within something else.
    pub const fn section(self) -> Option<&'static str> {
        match self {
            Self::Resource => Some("resources"),
            Self::OrganizationScope => Some("organizationScopes"),
            Self::Role => Some("roles"),
            Self::OrganizationRole => Some("organizationRoles"),
            Self::SignInExperience => Some("signInExperience"),
            Self::OidcSettings => Some("oidcSettings"),
            Self::CustomClaims => Some("customClaims"),
            Self::Application => Some("applications"),
            Self::User => Some("users"),
            Self::Organization => Some("organizations"),
            Self::Scope | Self::AccessControl => None,
        }
    }

    /// The member that names a thing of a list; `None` where there is one thing only.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Resource => Some("indicator"),
            Self::Scope | Self::OrganizationScope | Self::Role | Self::OrganizationRole => {
                Some("name")
            }
            Self::SignInExperience | Self::OidcSettings => None,
            Self::CustomClaims => Some("tokens"),
            Self::Application | Self::User | Self::Organization | Self::AccessControl => Some("id"),
        }
    }

    /// Members whose values are never shown.
    pub(super) const fn secrets(self) -> &'static [&'static str] {
        match self {
            Self::CustomClaims => &["environmentVariables"],
            Self::Application => &["secrets"],
            Self::User => &["passwordDigest"],
            _ => &[],
        }
    }

    /// As people call it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::OrganizationScope => "organization scope",
            Self::Role => "role",
            Self::OrganizationRole => "organization role",
            Self::SignInExperience => "sign-in experience",
            Self::OidcSettings => "OIDC settings",
            Self::CustomClaims => "custom claims of",
            Self::Application => "application",
            Self::User => "user",
            Self::Organization => "organization",
            Self::AccessControl => "access control of",
        }
    }
}

/// What to write besides the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct With {
    /// Organizations and their members.
    pub organizations: bool,
    /// Users, and what refers to them.
    pub users: bool,
    /// Secrets of applications, digests of passwords, environment variables of scripts.
    pub secrets: bool,
}

/// Things by kind and name, each as the file writes it.
pub(super) type Things = BTreeMap<Kind, BTreeMap<String, JsonObject>>;

/// What happens to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Create,
    Change,
    Delete,
}

/// A member that becomes another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberChange {
    /// Its name; members of members with dots.
    pub path: String,
    /// What it was; absent when there was none, or when it is secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
    /// Whether it is not shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// One thing that becomes another, is made or goes.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Of what kind.
    pub kind: Kind,
    /// Its name.
    pub key: String,
    /// What happens.
    pub action: Action,
    /// How, for a change; what it begins with, for a new thing.
    pub members: Vec<MemberChange>,
    /// What it will be, whole.
    #[serde(skip)]
    pub(super) next: JsonObject,
    /// The members of `next` that differ or that the file has, for a new thing.
    #[serde(skip)]
    pub(super) touched: Vec<String>,
}

/// Everything that applying a file comes to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// In the order in which it is done.
    pub changes: Vec<Change>,
    /// How many things are as the file says.
    pub unchanged: usize,
    /// How many things of each kind are not in the file, and stay.
    pub left: BTreeMap<Kind, usize>,
}

impl Plan {
    /// How many things are made, changed and deleted.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |action| self.changes.iter().filter(|change| change.action == action).count();
        (count(Action::Create), count(Action::Change), count(Action::Delete))
    }

    /// The plan as JSON, secrets left out.
    pub fn to_json(&self) -> Value {
        let (created, changed, deleted) = self.counts();
        json!({
            "created": created, "changed": changed, "deleted": deleted, "unchanged": self.unchanged,
            "left": self.left.iter().map(|(kind, count)| (json!(kind).as_str().unwrap_or_default().to_owned(), json!(count)))
                .collect::<JsonObject>(),
            "changes": self.changes,
        })
    }
}

/// Something in the file that cannot be.
#[derive(Debug)]
pub struct Problem {
    /// Where, from 1.
    pub line: usize,
    /// What it is about, such as `role clerk: scopes[0]`; may be empty.
    pub place: String,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong.
#[derive(Debug)]
pub enum Cause {
    /// As a phrase.
    Phrase(String),
    /// A rule of the thing itself.
    Rule(Error),
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self::Rule(error)
    }
}

/// Why a file was not applied, or not wholly.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be: nothing was written.
    File(Vec<Problem>),
    /// Nothing was written because something else went wrong.
    Before(Error),
    /// It was begun.
    Half {
        /// What could not be done.
        change: Box<Change>,
        /// Why.
        error: Error,
        /// How many changes were made before.
        done: usize,
        /// How many there were to make.
        of: usize,
    },
    /// It was told to stop, and has.
    Stopped {
        /// How many changes were made before.
        done: usize,
        /// How many there were to make.
        of: usize,
    },
    /// Everything was done, but the audit log does not tell.
    Unrecorded(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Before(error)
    }
}
