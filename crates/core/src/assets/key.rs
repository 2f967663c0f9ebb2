//! Under which names files are kept.

use std::fmt;

/// Characters of a whole key: object stores take 1024 bytes.
const LONGEST: usize = 900;
/// Characters of a name between two slashes: file systems take 255 bytes.
const LONGEST_NAME: usize = 200;

/// The name of a file in the storage: names of letters, digits, `-`, `_` and `.`, separated by slashes. None begins with a dot, so
/// that no key leads out of the storage or to a hidden file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// A key of these parts, each of which may hold slashes.
    ///
    /// # Errors
    /// The rule that is broken, as a phrase.
    pub fn new(parts: &[&str]) -> Result<Self, &'static str> {
        let key = parts.join("/");
        if key.len() > LONGEST {
            return Err("is too long");
        }
        for name in key.split('/') {
            if name.is_empty() || name.len() > LONGEST_NAME {
                return Err("has an empty or a very long part");
            }
            if name.starts_with('.') {
                return Err("has a part that begins with a dot");
            }
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
                return Err(
                    "holds something else than letters, digits, hyphens, underscores and dots",
                );
            }
        }
        Ok(Self(key))
    }

    /// With slashes between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_leads_out_of_the_storage() {
        assert_eq!(Key::new(&["default", "a/b.png"]).unwrap().as_str(), "default/a/b.png");
        let long = "x".repeat(201);
        for name in
            ["", "..", ".", "../x", "/x", "x/", "a//b", "a\\b", "a b", ".hidden", "é", &long]
        {
            assert!(Key::new(&["default", name]).is_err(), "{name:?}");
        }
    }
}
