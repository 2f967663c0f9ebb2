//! What a use case answers when it cannot do what was asked.

use serde_json::{Value, json};
use trinco_oauth::OAuthError;

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule; the caller can do something about it.
    #[error("refused: {}", .0.code)]
    Refused(Box<Refusal>),
    /// A protocol error of OAuth 2 or OpenID Connect.
    #[error("{0}")]
    OAuth(Box<OAuthError>),
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] trinco_db::Error),
    /// Stored data or configuration is not what the code guarantees: a defect, or damage.
    #[error("{0}")]
    Internal(String),
}

/// A rule that was broken, by the code the API answers with. Codes, their statuses and their texts are tables: `http` has the
/// statuses, `locales` the texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The error code, such as `entity.not_exists_with_id`.
    pub code: &'static str,
    /// Values for the `{placeholders}` of the code's text.
    pub values: Vec<(&'static str, String)>,
    /// What the API adds as `data`.
    pub data: Option<Value>,
}

impl Error {
    /// A refusal with no further data.
    pub fn refused(code: &'static str) -> Self {
        Self::Refused(Box::new(Refusal { code, values: Vec::new(), data: None }))
    }

    /// A refusal whose text names values.
    pub fn refused_with(code: &'static str, values: &[(&'static str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self::Refused(Box::new(Refusal { code, values, data: None }))
    }

    /// A refusal that carries `data`.
    pub fn refused_data(code: &'static str, data: Value) -> Self {
        Self::Refused(Box::new(Refusal { code, values: Vec::new(), data: Some(data) }))
    }

    /// No entity of this kind has this id.
    pub fn not_found(kind: &'static str, id: &str) -> Self {
        Self::refused_with("entity.not_exists_with_id", &[("name", kind), ("id", id)])
    }

    /// A member of the body breaks a rule. `path` names it with dots, `rule` says what is asked of it.
    pub fn invalid_field(path: &str, rule: &str) -> Self {
        Self::invalid_input("body", path, rule)
    }

    /// A part of the request (`body`, `query` or `params`) breaks a rule at `path`.
    pub fn invalid_input(part: &str, path: &str, rule: &str) -> Self {
        let mut values = vec![("type", part.to_owned()), ("rule", rule.to_owned())];
        if !path.is_empty() {
            values.push(("path", path.to_owned()));
        }
        let names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
        let data = json!({ "type": part, "issues": [{ "path": names, "message": rule }] });
        Self::Refused(Box::new(Refusal { code: "guard.invalid_input", values, data: Some(data) }))
    }

    /// The code, when this is a refusal.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Turns the violation of the unique constraint `on` into the refusal `code`.
    #[must_use]
    pub fn if_taken(self, on: &str, code: &'static str) -> Self {
        match self {
            Self::Database(trinco_db::Error::Unique { on: taken }) if taken == on => {
                Self::refused(code)
            }
            other => other,
        }
    }

    /// Turns a missing referenced row into `code`.
    #[must_use]
    pub fn if_missing(self, code: &'static str) -> Self {
        match self {
            Self::Database(trinco_db::Error::ForeignKey) => Self::refused(code),
            other => other,
        }
    }
}

impl From<OAuthError> for Error {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(Box::new(error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("stored JSON does not fit its type: {error}"))
    }
}
