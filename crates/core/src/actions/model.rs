//! What an action is. The serde shape is the shape of the Management API.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::token_customizers::{Environment, Script};
use crate::{Error, Result, double_option, nullable};

/// Bytes of a sample as JSON.
const LARGEST_SAMPLE: usize = 64 * 1024;

/// The step an action belongs to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum ActionType {
    /// After a password that is not the one kept here: the script may know better, and bring a user over from elsewhere.
    #[serde(rename = "action.postFirstFactorVerification")]
    PostFirstFactorVerification,
    /// Before someone who signs in gets a session: the script may change the user.
    #[serde(rename = "action.postSignIn")]
    PostSignIn,
}

impl ActionType {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::PostFirstFactorVerification, Self::PostSignIn];

    /// As in paths and bodies of the API, and as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostFirstFactorVerification => "action.postFirstFactorVerification",
            Self::PostSignIn => "action.postSignIn",
        }
    }

    /// The opposite of [`ActionType::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// As the audit log calls it.
    pub(super) const fn audit_key(self) -> &'static str {
        match self {
            Self::PostFirstFactorVerification => "Action.PostFirstFactorVerification",
            Self::PostSignIn => "Action.PostSignIn",
        }
    }
}

/// What happens to a sign-in whose script fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExecutionError {
    /// It is refused.
    Block,
    /// It goes on as if the script had said nothing.
    Allow,
}

impl OnExecutionError {
    /// As it is stored and as the API says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Allow => "allow",
        }
    }
}

/// What a script is tried with: any JSON of at most 64 KiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Value", into = "Value")]
pub struct EventSample(pub(super) Value);

impl TryFrom<Value> for EventSample {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if value.to_string().len() > LARGEST_SAMPLE {
            return Err(format!("is longer than {} KiB", LARGEST_SAMPLE / 1024));
        }
        Ok(Self(value))
    }
}

impl From<EventSample> for Value {
    fn from(sample: EventSample) -> Self {
        sample.0
    }
}

/// A script and what belongs to it: as it is kept, as the API shows it and as it is put.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// It defines the function `runAction`.
    pub script: Script,
    /// Handed to the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_variables: Option<Environment>,
    /// An event to try it with.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub context_sample: Option<EventSample>,
    /// Only an action that is enabled runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Absent: the sign-in is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_execution_error: Option<OnExecutionError>,
}

impl Action {
    pub(super) fn apply(&mut self, changes: ActionChanges) {
        let ActionChanges {
            script,
            environment_variables,
            context_sample,
            enabled,
            on_execution_error,
        } = changes;
        if let Some(script) = script {
            self.script = script;
        }
        if environment_variables.is_some() {
            self.environment_variables = environment_variables;
        }
        if let Some(sample) = context_sample {
            self.context_sample = sample;
        }
        self.enabled = enabled.or(self.enabled);
        self.on_execution_error = on_execution_error.or(self.on_execution_error);
    }
}

/// The body that changes an action: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in Action")]
pub struct ActionChanges {
    pub script: Option<Script>,
    pub environment_variables: Option<Environment>,
    #[serde(deserialize_with = "double_option")]
    pub context_sample: Option<Option<EventSample>>,
    pub enabled: Option<bool>,
    pub on_execution_error: Option<OnExecutionError>,
}

/// An action in a list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NamedAction {
    /// Its step.
    pub key: ActionType,
    /// The action.
    pub value: Action,
}

/// The body that tries a script.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionTrial {
    /// It defines the function `runAction`.
    pub script: Script,
    /// Which step it is tried for: that decides what it may answer.
    pub action_type: ActionType,
    /// Handed to the function.
    pub event: EventSample,
    /// Handed to the function.
    #[serde(default)]
    pub environment_variables: Option<Environment>,
}

/// The actions of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Actions(pub(super) BTreeMap<ActionType, Arc<Action>>);

impl Actions {
    /// The action of a step.
    pub fn get(&self, kind: ActionType) -> Option<&Arc<Action>> {
        self.0.get(&kind)
    }

    /// The action of a step, if it is to run.
    pub(super) fn enabled(&self, kind: ActionType) -> Option<&Arc<Action>> {
        self.get(kind).filter(|action| action.enabled == Some(true))
    }
}

pub(super) fn stored_type(text: &str) -> Result<ActionType> {
    ActionType::from_name(text)
        .ok_or_else(|| Error::Internal(format!("a stored action is of the unknown step {text}")))
}
