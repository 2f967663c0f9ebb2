//! Parts of requests that several areas share.

use serde::{Deserialize, Deserializer, de};
use trinco_core::{Error, Text};

use crate::extract::QueryPairs;
use crate::failure::ApiError;

/// A list of ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(pub(super) Vec<String>);

/// The body that assigns roles.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleIds {
    pub(super) role_ids: Ids,
}

/// A list of ids that is not empty.
#[derive(Clone, Debug)]
pub(super) struct SomeIds(pub(super) Vec<String>);

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
///
/// # Errors
/// `request.invalid_input`.
pub(super) fn searched(query: &QueryPairs) -> Result<Option<&str>, ApiError> {
    let finer = |name: &str| {
        name.starts_with("search.")
            || name == "mode"
            || name.starts_with("mode.")
            || ["joint", "jointMode", "isCaseSensitive"].contains(&name)
    };
    if query.0.iter().any(|(name, _)| finer(name)) {
        return Err(Error::refused("request.invalid_input").into());
    }
    Ok(query.get("search").map(|text| text.trim_matches('%')).filter(|text| !text.is_empty()))
}

/// Whether the parameter says yes in one of the usual ways.
pub(super) fn says_yes(query: &QueryPairs, name: &str) -> bool {
    query.get(name).is_some_and(|value| {
        ["true", "1", "yes", "y", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
    })
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
        assert_eq!(searched(&query("%ada%")).unwrap(), Some("ada"));
        assert_eq!(searched(&query("%")).unwrap(), None);
        assert_eq!(searched(&QueryPairs(Vec::new())).unwrap(), None);
    }
}
