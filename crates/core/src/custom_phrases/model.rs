//! What the tenant's own texts are. The serde shape is the shape of the Management API.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::languages::PhraseLanguage;

/// Bytes of the texts of a language as JSON.
const LARGEST: usize = 256 * 1024;
/// How deep groups of texts are nested at most.
const DEEPEST: usize = 8;

/// Texts by their keys, in groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Texts(pub BTreeMap<String, Phrase>);

/// A text, or a group of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Phrase {
    /// A text.
    Text(String),
    /// A group.
    Group(Texts),
}

impl Texts {
    /// The text or group at a dotted key.
    pub fn at(&self, key: &str) -> Option<&Phrase> {
        match key.split_once('.') {
            None => self.0.get(key),
            Some((group, rest)) => match self.0.get(group)? {
                Phrase::Group(texts) => texts.at(rest),
                Phrase::Text(_) => None,
            },
        }
    }

    /// Puts a text at a dotted key.
    pub fn put(&mut self, key: &str, text: String) {
        match key.split_once('.') {
            None => {
                self.0.insert(key.to_owned(), Phrase::Text(text));
            }
            Some((group, rest)) => {
                let group = self.0.entry(group.to_owned());
                let phrase = group.or_insert_with(|| Phrase::Group(Self::default()));
                if let Phrase::Group(texts) = phrase {
                    texts.put(rest, text);
                }
            }
        }
    }

    /// Puts `other` over these: its texts win, and what it does not have stays.
    pub fn overlay(&mut self, other: &Self) {
        for (key, phrase) in &other.0 {
            match (self.0.get_mut(key), phrase) {
                (Some(Phrase::Group(ours)), Phrase::Group(theirs)) => ours.overlay(theirs),
                // An empty text is what an editor leaves where nothing was written.
                (Some(_), Phrase::Text(text)) if text.is_empty() => {}
                _ => {
                    self.0.insert(key.clone(), phrase.clone());
                }
            }
        }
    }

    fn depth(&self) -> usize {
        let below = self.0.values().map(|phrase| match phrase {
            Phrase::Text(_) => 0,
            Phrase::Group(texts) => texts.depth(),
        });
        1 + below.max().unwrap_or(0)
    }
}

/// The texts a tenant has written in a language, as a body of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Texts", into = "Texts")]
pub struct Translation(Texts);

impl Translation {
    /// The texts.
    pub const fn texts(&self) -> &Texts {
        &self.0
    }
}

impl TryFrom<Texts> for Translation {
    type Error = String;

    fn try_from(texts: Texts) -> Result<Self, String> {
        if texts.depth() > DEEPEST {
            return Err(format!("is nested more than {DEEPEST} deep"));
        }
        let length = serde_json::to_string(&texts).map_or(usize::MAX, |json| json.len());
        if length > LARGEST {
            return Err(format!("is longer than {} KiB", LARGEST / 1024));
        }
        Ok(Self(texts))
    }
}

impl From<Translation> for Texts {
    fn from(translation: Translation) -> Self {
        translation.0
    }
}

/// The texts a tenant has written in a language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomPhrase {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// 21 characters.
    pub id: String,
    /// Which language.
    pub language_tag: PhraseLanguage,
    /// The texts.
    pub translation: Translation,
}

/// Everything a tenant has written.
#[derive(Clone, Debug, Default)]
pub struct Phrasebook(pub(super) BTreeMap<PhraseLanguage, Arc<CustomPhrase>>);

impl Phrasebook {
    /// What it has written in a language.
    pub fn get(&self, language: PhraseLanguage) -> Option<&Arc<CustomPhrase>> {
        self.0.get(&language)
    }

    /// The languages it has written in.
    pub fn languages(&self) -> impl Iterator<Item = PhraseLanguage> {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(value: serde_json::Value) -> Texts {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_was_written_wins_and_the_rest_stays() {
        let mut base = texts(json!({ "action": { "sign_in": "Sign in", "continue": "Continue" } }));
        base.overlay(&texts(
            json!({ "action": { "sign_in": "Log in", "continue": "" }, "mine": "x" }),
        ));
        let expected =
            json!({ "action": { "sign_in": "Log in", "continue": "Continue" }, "mine": "x" });
        assert_eq!(serde_json::to_value(base).unwrap(), expected);
    }

    #[test]
    fn a_text_is_put_into_its_groups() {
        let mut texts = Texts::default();
        texts.put("a.b.c", "x".to_owned());
        texts.put("a.d", "y".to_owned());
        assert_eq!(texts.at("a.b.c"), Some(&Phrase::Text("x".to_owned())));
        assert!(matches!(texts.at("a"), Some(Phrase::Group(_))));
        assert_eq!(texts.at("a.d.e"), None);
    }

    #[test]
    fn what_is_no_text_is_not_read_and_neither_is_what_is_too_deep_or_long() {
        let deep = (0..9).fold(json!("x"), |inner, _| json!({ "a": inner }));
        for body in [json!({ "a": 1 }), json!({ "a": [] }), json!([]), deep] {
            assert!(serde_json::from_value::<Translation>(body.clone()).is_err(), "{body}");
        }
        assert!(
            serde_json::from_value::<Translation>(json!({ "a": "x".repeat(LARGEST) })).is_err()
        );
    }
}
