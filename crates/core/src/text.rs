//! Shapes that API bodies share.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

/// An arbitrary JSON object.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// Text of `MIN` to `MAX` characters without null characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// Checks the length.
    ///
    /// # Errors
    /// The broken rule, as a phrase.
    pub fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let length = text.chars().count();
        if length < MIN {
            return Err(if MIN == 1 {
                "must not be empty".to_owned()
            } else {
                format!("needs at least {MIN} characters")
            });
        }
        if length > MAX {
            return Err(format!("has more than {MAX} characters"));
        }
        if text.contains('\0') {
            return Err("must not contain null characters".to_owned());
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<MIN, MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl<const MIN: usize, const MAX: usize> AsRef<str> for Text<MIN, MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<const MIN: usize, const MAX: usize> JsonSchema for Text<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        if MIN == 0 {
            json_schema!({ "type": "string", "maxLength": MAX })
        } else {
            json_schema!({ "type": "string", "minLength": MIN, "maxLength": MAX })
        }
    }
}

/// The name under which a type that takes `null` is asked for: readers that refuse `null` elsewhere look for it.
pub const NULLABLE: &str = "Nullable";

/// A value that may be `null`.
struct Nullable<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inside<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Inside<T> {
            type Value = Option<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value or null")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Option<T>, D::Error> {
                Option::deserialize(deserializer)
            }
        }

        deserializer.deserialize_newtype_struct(NULLABLE, Inside(PhantomData)).map(Self)
    }
}

/// For a member that may be absent or `null`, both `None`. Use with `#[serde(default, deserialize_with = "nullable")]`.
///
/// # Errors
/// As the inner type.
pub fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Nullable::deserialize(deserializer).map(|Nullable(value)| value)
}

/// For a PATCH body: `None` when the member is absent, `Some(None)` when it is `null`. Use with `#[serde(default,
/// deserialize_with = "double_option")]`.
///
/// # Errors
/// As the inner type.
pub fn double_option<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    nullable(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_and_null_is_refused() {
        assert!(Text::<1, 3>::new("ção").is_ok());
        assert!(Text::<1, 3>::new("").is_err());
        assert!(Text::<1, 3>::new("four").is_err());
        assert!(Text::<0, 3>::new("a\0b").is_err());
    }

    #[test]
    fn absent_and_null_differ() {
        #[derive(Deserialize)]
        struct Patch {
            #[serde(default, deserialize_with = "double_option")]
            name: Option<Option<String>>,
        }
        let read = |json| serde_json::from_str::<Patch>(json).unwrap().name;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"name":null}"#), Some(None));
        assert_eq!(read(r#"{"name":"x"}"#), Some(Some("x".to_owned())));
    }
}
