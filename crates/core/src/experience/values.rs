//! Small values that sign-in settings and users are made of, checked where they are read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

/// The longest URL that is kept.
const LONGEST_URL: usize = 2048;
/// The longest e-mail address that is kept.
const LONGEST_EMAIL: usize = 128;

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl TryFrom<String> for $name {
            /// The broken rule, as a phrase.
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(checked: $name) -> Self {
                checked.0
            }
        }
    };
}

checked_text! {
    /// `#rgb` or `#rrggbb`, in any letter case.
    HexColor, check_color
}

checked_text! {
    /// An absolute `http` or `https` URL of at most 2048 characters: safe to link to and to load a picture from.
    WebUrl, check_url
}

checked_text! {
    /// An e-mail address of at most 128 characters. Whether it exists only a message to it can tell.
    EmailAddress, check_email
}

checked_text! {
    /// A language tag by form (RFC 5646 §2.1): subtags of one to eight letters and digits, the first of letters.
    LanguageTag, check_language
}

fn check_color(text: &str) -> Result<(), &'static str> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err("must be a color as #rgb or #rrggbb")
    }
}

fn check_url(text: &str) -> Result<(), &'static str> {
    if text.chars().count() > LONGEST_URL {
        return Err("has more than 2048 characters");
    }
    let is_web = !text.contains(['\0', '\n', '\r', '\t', ' '])
        && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_web { Ok(()) } else { Err("must be an http or https URL") }
}

fn check_language(text: &str) -> Result<(), &'static str> {
    let is_subtag = |subtag: &str| {
        matches!(subtag.len(), 1..=8) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let starts_well = text
        .split('-')
        .next()
        .is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if text.len() <= 35 && starts_well && text.split('-').all(is_subtag) {
        Ok(())
    } else {
        Err("must be a language tag")
    }
}

fn check_email(text: &str) -> Result<(), &'static str> {
    if text.chars().count() > LONGEST_EMAIL {
        return Err("has more than 128 characters");
    }
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    let has_dot_inside =
        domain.char_indices().any(|(at, c)| c == '.' && at > 0 && at + 1 < domain.len());
    let has_gap = text.chars().any(|c| c.is_whitespace() || c.is_control());
    if !local.is_empty() && has_dot_inside && !has_gap {
        Ok(())
    } else {
        Err("must be an e-mail address")
    }
}

/// For a member of a PATCH body that `null` and the empty string clear: `None` when absent, `Some(None)` when cleared.
///
/// # Errors
/// The rule of `T`.
pub(crate) fn clearable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: TryFrom<String, Error: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = crate::nullable::<String, D>(deserializer)?.filter(|text| !text.is_empty());
    text.map(T::try_from).transpose().map(Some).map_err(de::Error::custom)
}

/// As [`clearable`], for a body that creates: absent, `null` and the empty string are all `None`.
///
/// # Errors
/// The rule of `T`.
pub(crate) fn optional<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: TryFrom<String, Error: fmt::Display>,
    D: Deserializer<'de>,
{
    clearable(deserializer).map(Option::flatten)
}

/// Text that follows the rule of `T`.
///
/// # Errors
/// The rule of `T`.
pub(super) fn text_of<'de, T, D>(deserializer: D) -> Result<String, D::Error>
where
    T: Deserialize<'de> + Into<String>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Into::into)
}

/// As [`optional`], as text.
///
/// # Errors
/// The rule of `T`.
pub(super) fn optional_text<'de, T, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    T: TryFrom<String, Error: fmt::Display> + Into<String>,
    D: Deserializer<'de>,
{
    optional::<T, D>(deserializer).map(|checked| checked.map(Into::into))
}

/// As [`clearable`], as text.
///
/// # Errors
/// The rule of `T`.
pub(super) fn clearable_text<'de, T, D>(deserializer: D) -> Result<Option<Option<String>>, D::Error>
where
    T: TryFrom<String, Error: fmt::Display> + Into<String>,
    D: Deserializer<'de>,
{
    clearable::<T, D>(deserializer).map(|change| change.map(|checked| checked.map(Into::into)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_three_or_six_hexadecimal_digits() {
        for color in ["#1F4E9E", "#abc", "#ABCDEF"] {
            assert!(HexColor::try_from(color.to_owned()).is_ok(), "{color}");
        }
        for text in ["", "#", "1F4E9E", "#1234", "#12345g", "#ééé", "red", "#abc;}"] {
            assert!(HexColor::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn only_web_urls_are_linked_to() {
        for url in ["https://a.example/terms?x=1#y", "http://localhost:3000/logo.png"] {
            assert!(WebUrl::try_from(url.to_owned()).is_ok(), "{url}");
        }
        let long = format!("https://a.example/{}", "x".repeat(2048));
        for text in [
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "/terms",
            "https://a b",
            " https://a.example",
            &long,
        ] {
            assert!(WebUrl::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_email_address_has_two_sides_and_a_dot_in_the_second() {
        for email in
            ["ana@example.com", "a+b@x.y.z", "\"odd@local\"@example.com", "joão@exemplo.com.br"]
        {
            assert!(EmailAddress::try_from(email.to_owned()).is_ok(), "{email}");
        }
        let long = format!("{}@example.com", "a".repeat(128));
        for text in [
            "",
            "@",
            "ana",
            "ana@example",
            "@example.com",
            "ana@.com",
            "ana@com.",
            "a na@example.com",
            "a\0@b.c",
            &long,
        ] {
            assert!(EmailAddress::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn language_tags_have_subtags() {
        for tag in ["en", "pt-BR", "es-419", "zh-Hant-TW"] {
            assert!(LanguageTag::try_from(tag.to_owned()).is_ok(), "{tag}");
        }
        for text in ["", "-", "pt_BR", "pt-", "123", "português", "abcdefghi", &"en-".repeat(20)] {
            assert!(LanguageTag::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn null_and_the_empty_string_clear() {
        #[derive(Deserialize)]
        struct Patch {
            #[serde(default, deserialize_with = "clearable")]
            url: Option<Option<WebUrl>>,
        }
        let read = |json| serde_json::from_str::<Patch>(json).map(|patch| patch.url);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read(r#"{"url":null}"#).unwrap(), Some(None));
        assert_eq!(read(r#"{"url":""}"#).unwrap(), Some(None));
        assert!(read(r#"{"url":"https://a.example"}"#).unwrap().flatten().is_some());
        assert!(read(r#"{"url":"x"}"#).is_err());
    }
}
