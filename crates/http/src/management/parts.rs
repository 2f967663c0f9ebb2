//! Parts of requests that several areas share.

use axum::extract::FromRequestParts;
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::json;
use trinco_core::{Error, Text};

use super::doors::{Input, Operation};
use crate::extract::QueryPairs;
use crate::failure::ApiError;

/// A list of ids.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(transparent)]
pub(super) struct Ids(#[schemars(inner(length(min = 1, max = 128)))] pub(super) Vec<String>);

/// The body that assigns roles.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleIds {
    pub(super) role_ids: Ids,
}

/// A list of ids that is not empty.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(transparent)]
pub(super) struct SomeIds(
    #[schemars(length(min = 1), inner(length(min = 1, max = 128)))] pub(super) Vec<String>,
);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ids = Vec::<Text<1, 128>>::deserialize(deserializer)?;
        Ok(Self(ids.into_iter().map(Text::into_string).collect()))
    }
}

impl<'de> Deserialize<'de> for SomeIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Ids(ids) = Ids::deserialize(deserializer)?;
        if ids.is_empty() {
            return Err(de::Error::custom("must not be empty"));
        }
        Ok(Self(ids))
    }
}

/// The text that is searched for; `%` may stand around it. Lists that know no finer search refuse what asks for one: the whole list
/// would be taken for what was found.
#[derive(Clone, Debug)]
pub(super) struct Searched(Option<String>);

impl Searched {
    /// The text, unless all is searched for.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    fn of(query: &QueryPairs) -> Result<Self, ApiError> {
        let finer = |name: &str| {
            name.starts_with("search.")
                || name == "mode"
                || name.starts_with("mode.")
                || ["joint", "jointMode", "isCaseSensitive"].contains(&name)
        };
        if query.0.iter().any(|(name, _)| finer(name)) {
            return Err(Error::refused("request.invalid_input").into());
        }
        let text = query.get("search").map(|text| text.trim_matches('%'));
        Ok(Self(text.filter(|text| !text.is_empty()).map(str::to_owned)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Searched {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Self::of(&QueryPairs::from_request_parts(parts, state).await?)
    }
}

impl Input for Searched {
    fn describe(operation: &mut Operation<'_>) {
        let description = "A text that a name, a description or an id holds, in any letter case.";
        operation.query("search", description, &json!({ "type": "string" }));
    }
}

/// A text to be found in names.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Named {
    /// A text that the name, the description or the id holds, in any letter case.
    pub(super) q: Option<String>,
}

/// Yes or no, in one of the usual ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "bool")]
pub(super) struct Flag(pub(super) bool);

impl TryFrom<String> for Flag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "on" => Ok(Self(true)),
            "false" | "0" | "no" | "n" | "off" => Ok(Self(false)),
            _ => Err("must be true or false"),
        }
    }
}

/// Whether a flag is there and says yes.
pub(super) fn says_yes(flag: Option<Flag>) -> bool {
    flag == Some(Flag(true))
}

/// The roles that somebody holds now.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assigned {
    /// What was asked for.
    pub(super) role_ids: Vec<String>,
    /// Those of them that were not held before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) added_role_ids: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_not_empty_and_a_list_may_have_to_hold_some() {
        assert!(serde_json::from_str::<Ids>("[]").is_ok());
        assert!(serde_json::from_str::<Ids>(r#"[""]"#).is_err());
        assert!(serde_json::from_str::<SomeIds>("[]").is_err());
        assert_eq!(serde_json::from_str::<SomeIds>(r#"["a","b"]"#).unwrap().0, ["a", "b"]);
    }

    #[test]
    fn a_search_for_nothing_finds_everything() {
        let query = |text: &str| QueryPairs(vec![("search".to_owned(), text.to_owned())]);
        assert_eq!(Searched::of(&query("%ada%")).unwrap().text(), Some("ada"));
        assert_eq!(Searched::of(&query("%")).unwrap().text(), None);
        assert_eq!(Searched::of(&QueryPairs(Vec::new())).unwrap().text(), None);
    }
}
