//! What user names must be like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The longest user name there can be, whatever the policy.
const LONGEST: u32 = 128;

/// What user names of people who sign up must be like. Absent members have the defaults, which allow everything a user name can
/// be at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UsernamePolicy {
    /// Whether `Ana` and `ana` are two users.
    pub case_sensitive: bool,
    /// Characters.
    pub min_length: u32,
    /// Characters, at most 128.
    pub max_length: u32,
    /// Kinds of character.
    pub allowed_chars: AllowedChars,
}

/// Kinds of character a user name may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AllowedChars {
    pub lowercase: bool,
    pub uppercase: bool,
    pub numbers: bool,
    pub underscore: bool,
}

impl Default for UsernamePolicy {
    fn default() -> Self {
        Self {
            case_sensitive: true,
            min_length: 1,
            max_length: LONGEST,
            allowed_chars: AllowedChars::default(),
        }
    }
}

impl Default for AllowedChars {
    fn default() -> Self {
        Self { lowercase: true, uppercase: true, numbers: true, underscore: true }
    }
}

impl UsernamePolicy {
    /// Checks the user name of someone who signs up or changes their own.
    ///
    /// # Errors
    /// The first broken rule, as `user.username_*`.
    pub fn check(&self, username: &str) -> Result<()> {
        let length = u32::try_from(username.chars().count()).unwrap_or(u32::MAX);
        let allowed = self.allowed_chars;
        let has = |kind: fn(&u8) -> bool| username.as_bytes().iter().any(kind);
        if has(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_')) {
            return Err(Error::refused("user.username_invalid_charset_hard"));
        }
        if username.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(Error::refused("user.username_starts_with_number"));
        }
        if length < self.min_length.max(1) {
            let min = self.min_length.max(1).to_string();
            return Err(Error::refused_with("user.username_too_short", &[("min", &min)]));
        }
        if length > self.max_length.min(LONGEST) {
            let max = self.max_length.min(LONGEST).to_string();
            return Err(Error::refused_with("user.username_too_long", &[("max", &max)]));
        }
        if !allowed.lowercase && has(u8::is_ascii_lowercase) {
            return Err(Error::refused("user.username_lowercase_not_allowed"));
        }
        if !allowed.uppercase && has(u8::is_ascii_uppercase) {
            return Err(Error::refused("user.username_uppercase_not_allowed"));
        }
        if !allowed.numbers && has(u8::is_ascii_digit) {
            return Err(Error::refused("user.username_numbers_not_allowed"));
        }
        if !allowed.underscore && has(|byte| *byte == b'_') {
            return Err(Error::refused("user.username_underscore_not_allowed"));
        }
        Ok(())
    }

    /// Checks that some user name can meet the policy.
    pub(super) fn check_itself(&self) -> Result<()> {
        let refuse = |rule| Err(Error::invalid_field("usernamePolicy", rule));
        if !(1..=LONGEST).contains(&self.min_length)
            || !(self.min_length..=LONGEST).contains(&self.max_length)
        {
            return refuse("needs lengths between 1 and 128, the smaller first");
        }
        let AllowedChars { lowercase, uppercase, underscore, .. } = self.allowed_chars;
        // A user name does not start with a digit.
        if !(lowercase || uppercase || underscore) {
            return refuse("must allow letters or underscores");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(policy: &UsernamePolicy, username: &str) -> Option<&'static str> {
        policy.check(username).err().and_then(|error| error.code())
    }

    #[test]
    fn the_broken_rule_is_named() {
        let strict = UsernamePolicy {
            case_sensitive: false,
            min_length: 3,
            max_length: 5,
            allowed_chars: AllowedChars {
                lowercase: true,
                uppercase: false,
                numbers: false,
                underscore: false,
            },
        };
        let open = UsernamePolicy::default();
        assert_eq!(code(&open, "ana_9"), None);
        assert_eq!(code(&open, "_"), None);
        assert_eq!(code(&open, ""), Some("user.username_too_short"));
        assert_eq!(code(&open, "9ana"), Some("user.username_starts_with_number"));
        assert_eq!(code(&open, "ana@x"), Some("user.username_invalid_charset_hard"));
        assert_eq!(code(&open, "joão"), Some("user.username_invalid_charset_hard"));
        assert_eq!(code(&open, &"a".repeat(129)), Some("user.username_too_long"));
        assert_eq!(code(&strict, "ana"), None);
        assert_eq!(code(&strict, "an"), Some("user.username_too_short"));
        assert_eq!(code(&strict, "anaana"), Some("user.username_too_long"));
        assert_eq!(code(&strict, "Ana"), Some("user.username_uppercase_not_allowed"));
        assert_eq!(code(&strict, "ana1"), Some("user.username_numbers_not_allowed"));
        assert_eq!(code(&strict, "an_a"), Some("user.username_underscore_not_allowed"));
    }

    #[test]
    fn a_policy_that_no_user_name_meets_is_refused() {
        let open = UsernamePolicy::default();
        assert!(open.check_itself().is_ok());
        assert!(UsernamePolicy { min_length: 0, ..open }.check_itself().is_err());
        assert!(UsernamePolicy { max_length: 129, ..open }.check_itself().is_err());
        assert!(UsernamePolicy { min_length: 9, max_length: 8, ..open }.check_itself().is_err());
        let digits =
            AllowedChars { lowercase: false, uppercase: false, numbers: true, underscore: false };
        assert!(UsernamePolicy { allowed_chars: digits, ..open }.check_itself().is_err());
    }

    proptest! {
        #[test]
        fn whatever_passes_is_a_user_name(text in "\\PC{0,140}") {
            if UsernamePolicy::default().check(&text).is_ok() {
                let mut chars = text.chars();
                prop_assert!(chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic()));
                prop_assert!(chars.all(|c| c == '_' || c.is_ascii_alphanumeric()));
                prop_assert!(text.len() <= 128);
            }
        }

        #[test]
        fn every_user_name_passes_the_default(text in "[A-Za-z_][A-Za-z0-9_]{0,127}") {
            prop_assert!(UsernamePolicy::default().check(&text).is_ok());
        }

        #[test]
        fn a_policy_that_is_accepted_can_be_met(min in 0_u32..140, max in 0_u32..140, kinds in any::<[bool; 4]>()) {
            let [lowercase, uppercase, numbers, underscore] = kinds;
            let allowed_chars = AllowedChars { lowercase, uppercase, numbers, underscore };
            let policy = UsernamePolicy { case_sensitive: true, min_length: min, max_length: max, allowed_chars };
            if policy.check_itself().is_ok() {
                let symbol = if lowercase { "a" } else if uppercase { "A" } else { "_" };
                prop_assert!(policy.check(&symbol.repeat(min as usize)).is_ok());
            }
        }
    }
}
