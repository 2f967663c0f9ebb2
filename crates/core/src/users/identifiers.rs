//! What identifies a person who signs in.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experience::{EmailAddress, SignInExperience, SignInIdentifier};

/// The longest user name.
const LONGEST_USERNAME: usize = 128;
/// The longest and shortest international phone numbers, country code included (ITU-T E.164 §6).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// A user name: a letter or `_`, then letters, digits and `_`, at most 128 in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Username(String);

/// A phone number: digits only, the country code first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct PhoneNumber(String);

impl Username {
    /// The user name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let starts_well = text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
        if !starts_well || !text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
            return Err(
                "must be a letter or underscore followed by letters, digits and underscores",
            );
        }
        if text.len() > LONGEST_USERNAME {
            return Err("has more than 128 characters");
        }
        Ok(Self(text))
    }
}

impl PhoneNumber {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be an international number: these have five to fifteen digits and no country code starts with 0.
    pub fn is_international(&self) -> bool {
        PHONE_DIGITS.contains(&self.0.len()) && !self.0.starts_with('0')
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_digits =
            !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_digits { Ok(Self(text)) } else { Err("must be digits only, the country code first") }
    }
}

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What someone typed to say who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// A user name.
    Username(String),
    /// An e-mail address.
    Email(String),
    /// The digits of a phone number.
    Phone(String),
}

impl Identifier {
    /// Reads an identifier. Its kind shows from its form: user names do not start with a digit and hold no `@`. `None` when it has
    /// no form at all, or one that people do not sign in with here.
    pub fn parse(text: &str, experience: &SignInExperience) -> Option<Self> {
        let identifier = Self::read(text)?;
        let kind = identifier.kind();
        experience.sign_in_identifiers().any(|enabled| enabled == kind).then_some(identifier)
    }

    /// As [`parse`](Self::parse), whatever people sign in with here.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(username) = Username::try_from(text.to_owned()) {
            Some(Self::Username(username.0))
        } else if let Ok(email) = EmailAddress::try_from(text.to_owned()) {
            Some(Self::Email(email.into_string()))
        } else {
            Some(Self::Phone(phone_digits(text)?))
        }
    }

    /// What it is.
    pub fn kind(&self) -> SignInIdentifier {
        match self {
            Self::Username(_) => SignInIdentifier::Username,
            Self::Email(_) => SignInIdentifier::Email,
            Self::Phone(_) => SignInIdentifier::Phone,
        }
    }

    /// What all spellings have in common by which one account is found: two of them are the same one's exactly if this is the same.
    pub fn folded(&self, usernames_are_case_sensitive: bool) -> Cow<'_, str> {
        match self {
            Self::Username(username) if usernames_are_case_sensitive => username.into(),
            Self::Username(text) | Self::Email(text) => text.to_lowercase().into(),
            Self::Phone(digits) => digits.into(),
        }
    }
}

/// The digits of a phone number as people write it: `+55 (11) 91234-5678`.
fn phone_digits(text: &str) -> Option<String> {
    let is_written_so = text.chars().enumerate().all(|(at, c)| {
        c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')') || (c == '+' && at == 0)
    });
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (is_written_so && PHONE_DIGITS.contains(&digits.len())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experience::{SignInMethod, SignInMode};

    fn with(identifiers: &[SignInIdentifier]) -> SignInExperience {
        let mut experience =
            SignInExperience::of_new_tenant("default", SignInMode::SignInAndRegister);
        let method = |identifier: &SignInIdentifier| SignInMethod {
            identifier: *identifier,
            password: true,
            verification_code: false,
            is_password_primary: true,
        };
        experience.sign_in.methods = identifiers.iter().map(method).collect();
        experience
    }

    #[test]
    fn the_form_of_an_identifier_shows_its_kind() {
        use SignInIdentifier as Kind;
        let all = with(&[Kind::Username, Kind::Email, Kind::Phone]);
        let parse = |text| Identifier::parse(text, &all);
        assert_eq!(parse(" ana_9 "), Some(Identifier::Username("ana_9".to_owned())));
        assert_eq!(parse("Ana@Example.com"), Some(Identifier::Email("Ana@Example.com".to_owned())));
        assert_eq!(
            parse("+55 (11) 91234-5678"),
            Some(Identifier::Phone("5511912345678".to_owned()))
        );
        for text in ["", "9ana", "ana@", "+", "1234", "55+11912345678", "joão", "1234567890123456"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_identifier_that_is_not_enabled_is_none() {
        let only_names = with(&[SignInIdentifier::Username]);
        assert!(Identifier::parse("ana", &only_names).is_some());
        assert_eq!(Identifier::parse("ana@example.com", &only_names), None);
        assert_eq!(Identifier::parse("5511912345678", &only_names), None);
    }

    proptest! {
        #[test]
        fn no_text_is_of_two_kinds(text in "\\PC{0,40}") {
            use SignInIdentifier as Kind;
            let kinds = [Kind::Username, Kind::Email, Kind::Phone];
            let count = kinds.iter().filter(|kind| Identifier::parse(&text, &with(&[**kind])).is_some()).count();
            prop_assert!(count <= 1);
        }

        #[test]
        fn a_written_phone_number_keeps_its_digits(digits in "[1-9][0-9]{4,14}") {
            let written = format!("+{} ({}) {}", &digits[..2], &digits[2..4], &digits[4..]);
            prop_assert_eq!(phone_digits(&written), Some(digits));
        }
    }
}
