//! What a script says, as it leaves the engine.

use std::cmp::Reverse;
use std::fmt;

use crate::limits;

/// Shorter texts are not looked for: they would hide half of what a script says.
const SHORTEST: usize = 4;
const MASK: &str = "***";

/// Texts that a script knows and that its words are told without.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Texts of fewer than four bytes are left out.
    pub fn new(texts: impl IntoIterator<Item = String>) -> Self {
        let mut all = Vec::new();
        for text in texts.into_iter().filter(|text| text.len() >= SHORTEST) {
            // What is thrown and is no error is told as JSON.
            let escaped = serde_json::Value::from(text.as_str()).to_string();
            let escaped = &escaped[1..escaped.len() - 1];
            if escaped != text {
                all.push(escaped.to_owned());
            }
            all.push(text);
        }
        // One may begin with another.
        all.sort_by_key(|text| Reverse(text.len()));
        Self(all)
    }

    /// The beginning of what a script says. Secrets are taken out of all of it first, as half of one would not be found any more.
    pub(crate) fn told(&self, mut words: &str) -> String {
        let mut told = String::new();
        let mut length = 0;
        while length < limits::CONSOLE.1 {
            if let Some(secret) = self.0.iter().find(|secret| words.starts_with(secret.as_str())) {
                told.push_str(MASK);
                length += MASK.len();
                words = &words[secret.len()..];
            } else if let Some(next) = words.chars().next() {
                told.push(next);
                length += 1;
                words = &words[next.len_utf8()..];
            } else {
                break;
            }
        }
        told
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Secrets {
        Secrets::new(texts.iter().map(|text| (*text).to_owned()))
    }

    #[test]
    fn secrets_are_taken_out_the_longer_one_first() {
        let secrets = secrets(&["k-123", "k-12345", "a"]);
        assert_eq!(secrets.told("bad k-12345 and k-123"), "bad *** and ***");
        assert_eq!(format!("{secrets:?}"), "Secrets(…)");
    }

    #[test]
    fn no_part_of_a_secret_is_left_where_the_words_are_cut() {
        let secrets = secrets(&["hunter2-hunter2"]);
        let most = limits::CONSOLE.1;
        for before in most - 20..=most {
            let told = secrets.told(&format!("{}hunter2-hunter2!", "x".repeat(before)));
            assert!(!told.contains("hunt"), "{told}");
            assert!(told.len() <= most + MASK.len());
        }
        // Nor where it is only found because others before it have gone.
        let told = secrets.told(&"hunter2-hunter2".repeat(1000));
        assert!(told.chars().all(|c| c == '*'), "{told}");
    }

    #[test]
    fn a_secret_is_found_in_json_as_well() {
        let secrets = secrets(&["pass\"word\n"]);
        assert_eq!(secrets.told(r#"{"key":"pass\"word\n"}"#), r#"{"key":"***"}"#);
    }

    #[test]
    fn words_are_cut_between_characters() {
        assert_eq!(secrets(&[]).told(&"é".repeat(1000)).chars().count(), limits::CONSOLE.1);
    }
}
