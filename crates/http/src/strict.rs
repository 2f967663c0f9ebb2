//! JSON read to the letter: an object is written as an object, and `null` is a value only where a type says so.
//!
//! serde reads a struct from an array of its members, and an absent member from `null`. Neither is what an API promises: the first
//! hides mistakes, the second answers "done" to a script that believes it has cleared something.

use serde::Deserialize;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use trinco_core::NULLABLE;

/// A JSON value to be read to the letter.
pub(crate) struct Strict {
    value: Value,
    may_be_null: bool,
}

impl Strict {
    /// Reads `value`.
    pub(crate) const fn new(value: Value) -> Self {
        Self { value, may_be_null: false }
    }

    fn is_no(&self, expected: &str) -> Error {
        let found = match &self.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(_) => Unexpected::Other("a number"),
            Value::String(_) => Unexpected::Other("a text"),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        };
        Error::invalid_type(found, &expected)
    }
}

impl IntoDeserializer<'_> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => number.deserialize_any(visitor).map_err(Error::custom),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Self::new));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name, Self::new(value)));
                let mut members = MapDeserializer::new(members);
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_object() {
            self.deserialize_any(visitor)
        } else {
            Err(self.is_no("an object"))
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null if self.may_be_null => visitor.visit_none(),
            Value::Null => Err(Error::custom("must not be null")),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let may_be_null = self.may_be_null || name == NULLABLE;
        visitor.visit_newtype_struct(Self { may_be_null, ..self })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            _ => Err(self.is_no("a text")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

/// Reads `T` to the letter.
///
/// # Errors
/// The path of the member that is wrong, and the rule it breaks.
pub(crate) fn from_value<T: for<'de> Deserialize<'de>>(
    value: Value,
) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(Strict::new(value)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        (path, error.into_inner().to_string())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trinco_core::{JsonObject, double_option};

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Body {
        name: Option<String>,
        #[serde(deserialize_with = "double_option")]
        note: Option<Option<String>>,
        inner: Option<Inner>,
        data: JsonObject,
        numbers: Vec<i64>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        Web,
    }

    #[test]
    fn a_body_is_read_with_its_nested_objects() {
        let data = json!({ "a": [1, null, { "b": "c" }], "x": 1.5 });
        let body = json!({ "name": "n", "note": null, "inner": { "kind": "Web" }, "data": data, "numbers": [1, -2], "?": null });
        let read: Body = from_value(body).unwrap();
        assert_eq!(read.name.as_deref(), Some("n"));
        assert_eq!(read.note, Some(None));
        assert_eq!(read.inner, Some(Inner { kind: Kind::Web }));
        assert_eq!(Value::Object(read.data), data);
        assert_eq!(read.numbers, [1, -2]);
        assert_eq!(from_value::<Body>(json!({})).unwrap(), Body::default());
    }

    #[test]
    fn an_array_is_no_object_at_any_depth() {
        assert!(from_value::<Body>(json!([])).is_err());
        assert_eq!(from_value::<Body>(json!({ "inner": ["Web"] })).unwrap_err().0, "inner");
        assert_eq!(from_value::<Body>(json!({ "data": [] })).unwrap_err().0, "data");
    }

    #[test]
    fn null_is_refused_where_nothing_says_it_is_a_value() {
        let (path, rule) = from_value::<Body>(json!({ "name": null })).unwrap_err();
        assert_eq!((path.as_str(), rule.as_str()), ("name", "must not be null"));
        assert_eq!(
            from_value::<Body>(json!({ "note": "x" })).unwrap().note,
            Some(Some("x".to_owned()))
        );
    }
}
