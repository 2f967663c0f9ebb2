//! The parameters of a request: a query, a form or a flat JSON object, under the same limits.

use std::{collections::BTreeMap, fmt};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::OAuthError;

/// Largest body or query, in bytes.
pub const MAX_TOTAL: usize = 56 * 1024;
/// Most parameters in one request, each `resource` counted.
pub const MAX_PARAMETERS: usize = 100;
/// Longest parameter name, in bytes after decoding.
pub const MAX_NAME: usize = 128;
/// Longest parameter value, in bytes after decoding.
pub const MAX_VALUE: usize = 16 * 1024;

/// Parsed request parameters. A parameter without a value is absent (RFC 6749 §3.1); none occurs twice but
/// `resource` (RFC 8707 §2).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    values: BTreeMap<String, String>,
    resources: Vec<String>,
    count: usize,
}

impl Params {
    /// Parses an `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    /// `invalid_request` beyond a limit, for bytes that are not UTF-8, a null byte or a repeated parameter.
    pub fn from_form(body: &[u8]) -> Result<Self, OAuthError> {
        within_total(body.len())?;
        let body = str::from_utf8(body).map_err(|_| not_utf8())?;
        let mut params = Self::default();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            params.insert(form_decode(name)?, form_decode(value)?)?;
        }
        Ok(params)
    }

    /// Parses the query of a URL, without the `?`.
    ///
    /// # Errors
    /// As [`Params::from_form`].
    pub fn from_query(query: &str) -> Result<Self, OAuthError> {
        Self::from_form(query.as_bytes())
    }

    /// Parses a flat JSON object: strings, numbers and booleans; `null` is absent; `resource` may be an array of
    /// strings.
    ///
    /// # Errors
    /// As [`Params::from_form`], and for anything nested.
    pub fn from_json(body: &[u8]) -> Result<Self, OAuthError> {
        within_total(body.len())?;
        let members: JsonMembers = serde_json::from_slice(body).map_err(|cause| {
            OAuthError::invalid_request("request body is not a flat JSON object")
                // The cause's own text quotes the body, which may hold secrets.
                .with_detail(format!("line {}, column {}", cause.line(), cause.column()))
        })?;
        let mut params = Self::default();
        for (name, value) in members.0 {
            match value {
                JsonValue::One(value) => params.insert(name, value)?,
                JsonValue::Many(values) if name == "resource" => {
                    for value in values {
                        params.insert(name.clone(), value)?;
                    }
                }
                JsonValue::Many(_) => {
                    return Err(OAuthError::invalid_request("only resource may be an array"));
                }
            }
        }
        Ok(params)
    }

    /// The value of a parameter, never empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of a parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request` when it is absent.
    pub fn required(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| {
            OAuthError::invalid_request(format!("missing required parameter {name}"))
        })
    }

    /// The value of a parameter, if it is no longer than `limit` bytes.
    ///
    /// # Errors
    /// `invalid_request` when it is longer.
    pub fn limited(&self, name: &'static str, limit: usize) -> Result<Option<&str>, OAuthError> {
        match self.get(name) {
            Some(value) if value.len() > limit => {
                Err(OAuthError::invalid_request(format!("parameter {name} is too long")))
            }
            value => Ok(value),
        }
    }

    /// The resource indicators in order, without repetition.
    #[must_use]
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// The same parameters but for these.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let mut params = self.clone();
        params.values.retain(|name, _| !names.contains(&name.as_str()));
        params.count = params.values.len() + params.resources.len();
        params
    }

    /// The same parameters, and this one. A value it had is replaced.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut params = self.clone();
        if params.values.insert(name.to_owned(), value.to_owned()).is_none() {
            params.count += 1;
        }
        params
    }

    /// The same parameters, with the resource indicators that `rename` gives in place of each; `None` leaves one out.
    #[must_use]
    pub fn with_resources_renamed(self, rename: impl Fn(&str) -> Option<String>) -> Self {
        let mut resources: Vec<String> = Vec::new();
        for resource in self.resources.iter().filter_map(|resource| rename(resource)) {
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        let count = self.values.len() + resources.len();
        Self { resources, count, ..self }
    }

    /// As a form that [`Params::from_form`] reads back, resources repeated.
    #[must_use]
    pub fn to_form(&self) -> String {
        let resources = self.resources.iter().map(|resource| ("resource", resource.as_str()));
        let values = self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        values
            .chain(resources)
            .map(|(name, value)| format!("{}={}", form_encode(name), form_encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    fn insert(&mut self, name: String, value: String) -> Result<(), OAuthError> {
        if name.len() > MAX_NAME {
            return Err(OAuthError::invalid_request("a parameter name is too long"));
        }
        if value.len() > MAX_VALUE {
            return Err(OAuthError::invalid_request("a parameter value is too long"));
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(OAuthError::invalid_request("null bytes are not allowed"));
        }
        if value.is_empty() {
            return self.counted();
        }
        if name == "resource" {
            for resource in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                self.counted()?;
                if !self.resources.iter().any(|known| known == resource) {
                    self.resources.push(resource.to_owned());
                }
            }
            return Ok(());
        }
        self.counted()?;
        if self.values.insert(name, value).is_some() {
            // RFC 6749 §3.1: parameters must not be included more than once.
            return Err(OAuthError::invalid_request("a parameter must not occur twice"));
        }
        Ok(())
    }

    fn counted(&mut self) -> Result<(), OAuthError> {
        self.count += 1;
        if self.count > MAX_PARAMETERS {
            return Err(OAuthError::invalid_request("too many parameters"));
        }
        Ok(())
    }
}

/// Names only: values may be secrets, codes or tokens.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.keys()).entries(&self.resources).finish()
    }
}

fn within_total(length: usize) -> Result<(), OAuthError> {
    if length > MAX_TOTAL {
        return Err(OAuthError::invalid_request("request is too large"));
    }
    Ok(())
}

fn form_decode(text: &str) -> Result<String, OAuthError> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(Into::into).map_err(|_| not_utf8())
}

/// Everything but letters and digits is escaped: longer than need be, and never ambiguous.
fn form_encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn not_utf8() -> OAuthError {
    OAuthError::invalid_request("parameters must be UTF-8")
}

/// Members in order and with their repetitions, which a map would hide.
struct JsonMembers(Vec<(String, JsonValue)>);

enum JsonValue {
    One(String),
    Many(Vec<String>),
}

impl<'de> Deserialize<'de> for JsonMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = JsonMembers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonMembers, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MAX_PARAMETERS {
                        return Err(de::Error::custom("too many members"));
                    }
                    members.push(member);
                }
                Ok(JsonMembers(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = JsonValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, number, boolean, null or array of strings")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<JsonValue, E> {
                Ok(JsonValue::One(value.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<JsonValue, E> {
                Ok(JsonValue::One(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<JsonValue, E> {
                Ok(JsonValue::One(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<JsonValue, E> {
                Ok(JsonValue::One(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<JsonValue, E> {
                Ok(JsonValue::One(value.to_string()))
            }
            fn visit_unit<E: de::Error>(self) -> Result<JsonValue, E> {
                Ok(JsonValue::One(String::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonValue, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    if values.len() == MAX_PARAMETERS {
                        return Err(de::Error::custom("too many elements"));
                    }
                    values.push(value);
                }
                Ok(JsonValue::Many(values))
            }
        }
        deserializer.deserialize_any(Value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_in_a_form_and_in_json() {
        assert!(Params::from_query("state=a&state=b").is_err());
        assert!(Params::from_json(br#"{"state":"a","state":"b"}"#).is_err());
    }

    #[test]
    fn an_empty_parameter_is_absent_and_repeats_nothing() {
        let params = Params::from_query("state=&state=b&scope").unwrap();
        assert_eq!((params.get("state"), params.get("scope")), (Some("b"), None));
        assert!(params.required("scope").is_err());
    }

    #[test]
    fn resource_may_repeat_be_comma_separated_or_a_json_array() {
        let wanted = ["https://a.example", "https://b.example"];
        for params in [
            Params::from_query("resource=https://a.example&resource=https://b.example"),
            Params::from_query("resource=https://a.example,https://b.example,https://a.example"),
            Params::from_json(br#"{"resource":["https://a.example","https://b.example"]}"#),
        ] {
            assert_eq!(params.unwrap().resources(), wanted);
        }
    }

    #[test]
    fn json_scalars_are_read_as_text_and_nesting_is_refused() {
        let params = Params::from_json(br#"{"max_age":60,"b":true,"n":null,"s":"x"}"#).unwrap();
        assert_eq!((params.get("max_age"), params.get("b")), (Some("60"), Some("true")));
        assert_eq!((params.get("n"), params.get("s")), (None, Some("x")));
        for nested in [r#"{"a":{}}"#, r#"{"a":["b"]}"#, r#"{"resource":[["b"]]}"#, "[]", "1", "{"] {
            assert!(Params::from_json(nested.as_bytes()).is_err(), "{nested}");
        }
    }

    #[test]
    fn null_bytes_and_foreign_encodings_are_refused() {
        for body in [&b"code=a%00b"[..], b"co%00de=a", b"code=%ff", b"code=\xff"] {
            assert!(Params::from_form(body).is_err());
        }
        assert!(Params::from_json(br#"{"code":"a\u0000"}"#).is_err());
    }

    #[test]
    fn each_limit_holds_at_its_edge() {
        let names = |n: usize| (0..n).map(|i| format!("p{i}=1&")).collect::<String>();
        assert!(Params::from_query(&names(MAX_PARAMETERS)).is_ok());
        assert!(Params::from_query(&names(MAX_PARAMETERS + 1)).is_err());
        assert!(Params::from_query(&"resource=a&".repeat(MAX_PARAMETERS + 1)).is_err());
        assert!(Params::from_query(&format!("resource={}", "a,".repeat(101))).is_err());
        assert!(Params::from_query(&format!("{}=1", "n".repeat(MAX_NAME))).is_ok());
        assert!(Params::from_query(&format!("{}=1", "n".repeat(MAX_NAME + 1))).is_err());
        assert!(Params::from_query(&format!("v={}", "n".repeat(MAX_VALUE))).is_ok());
        assert!(Params::from_query(&format!("v={}", "n".repeat(MAX_VALUE + 1))).is_err());
        assert!(Params::from_form(&vec![b'&'; MAX_TOTAL]).is_ok());
        assert!(Params::from_form(&vec![b'&'; MAX_TOTAL + 1]).is_err());
    }

    #[test]
    fn resources_can_be_renamed_and_left_out() {
        let params = Params::from_query("resource=a&resource=b&resource=c&x=1").unwrap();
        let renamed = params.with_resources_renamed(|resource| match resource {
            "a" => None,
            "b" => Some("c".to_owned()),
            other => Some(other.to_owned()),
        });
        assert_eq!(renamed.resources(), ["c"]);
        assert_eq!(renamed.get("x"), Some("1"));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(
            pairs in prop::collection::btree_map("[a-z_]{1,20}", "[^\0]{1,40}", 0..20)
        ) {
            let mut pairs = pairs;
            pairs.remove("resource");
            let form: String = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&pairs).finish();
            let json = serde_json::to_vec(&pairs).unwrap();
            let (form, json) =
                (Params::from_query(&form).unwrap(), Params::from_json(&json).unwrap());
            prop_assert_eq!(&form, &json);
            for (name, value) in &pairs {
                prop_assert_eq!(form.get(name), Some(value.as_str()));
            }
        }

        #[test]
        fn parameters_survive_being_a_form(
            pairs in prop::collection::btree_map("[a-z_]{1,20}", "[^\0]{1,40}", 0..20),
            resources in prop::collection::vec("https://[a-z]{1,8}/[a-z+&=%]{0,8}", 0..4)
        ) {
            let mut params = Params::default();
            for (name, value) in pairs.iter().filter(|(name, _)| *name != "resource") {
                params.insert(name.clone(), value.clone()).unwrap();
            }
            for resource in &resources {
                params.insert("resource".to_owned(), resource.clone()).unwrap();
            }
            let read = Params::from_query(&params.to_form()).unwrap();
            prop_assert_eq!(read.resources(), params.resources());
            for name in pairs.keys() {
                prop_assert_eq!(read.get(name), params.get(name));
            }
        }

        #[test]
        fn no_input_panics_and_no_value_is_empty_or_holds_a_null(
            body in prop::collection::vec(any::<u8>(), 0..300)
        ) {
            for params in [Params::from_form(&body), Params::from_json(&body)].into_iter().flatten() {
                prop_assert!(params.values.values().all(|v| !v.is_empty() && !v.contains('\0')));
            }
        }
    }
}
