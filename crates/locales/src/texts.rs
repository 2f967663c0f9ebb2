//! Looking texts up by key.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use serde_json::Value;

use crate::{Language, interpolation::interpolate};

/// The texts of the pages in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts {
    language: Language,
}

impl Texts {
    /// The texts of `language`.
    pub const fn of(language: Language) -> Self {
        Self { language }
    }

    /// The language of these texts.
    pub const fn language(self) -> Language {
        self.language
    }

    /// The text of a dotted key such as `sign_in.title`, its placeholders as written. A key that
    /// is missing here is looked up in English; a key that is nowhere is answered as it is.
    pub fn get(self, key: &str) -> &str {
        self.find(key).unwrap_or(key)
    }

    /// [`Texts::get`] that answers nothing for a key that is nowhere.
    pub fn find(self, key: &str) -> Option<&'static str> {
        find(|language| &language.pages, self.language, key)
    }

    /// [`Texts::get`] with `{placeholders}` replaced by `values`.
    pub fn format<'t>(self, key: &'t str, values: &[(&str, &str)]) -> Cow<'t, str> {
        interpolate(self.get(key), values)
    }
}

/// The sentence for an API error `code`, with the `values` the caller has. An unknown code, like
/// the name of a whole family, gives a sentence that is true of any error.
pub fn error_message(language: Language, code: &str, values: &[(&str, &str)]) -> Cow<'static, str> {
    let sentence = find(|language| &language.errors, language, code)
        .or_else(|| find(|language| &language.errors, language, "generic"))
        .expect("a test proves that every language has the generic sentence");
    interpolate(sentence, values)
}

/// One language's texts by dotted key.
struct Catalogue {
    pages: HashMap<String, String>,
    errors: HashMap<String, String>,
}

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::parse(
        include_str!("../texts/en/pages.json"),
        include_str!("../texts/en/errors.json"),
    )
});

static BRAZILIAN_PORTUGUESE: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::parse(
        include_str!("../texts/pt-BR/pages.json"),
        include_str!("../texts/pt-BR/errors.json"),
    )
});

fn catalogue(language: Language) -> &'static Catalogue {
    match language {
        Language::En => &ENGLISH,
        Language::PtBr => &BRAZILIAN_PORTUGUESE,
    }
}

fn find(
    section: fn(&Catalogue) -> &HashMap<String, String>,
    language: Language,
    key: &str,
) -> Option<&'static str> {
    let of = |language| section(catalogue(language)).get(key).map(String::as_str);
    of(language).or_else(|| of(Language::En))
}

impl Catalogue {
    fn parse(pages: &str, errors: &str) -> Self {
        Self { pages: flattened(pages), errors: flattened(errors) }
    }
}

fn flattened(json: &str) -> HashMap<String, String> {
    let tree = serde_json::from_str(json).expect("a test parses every compiled-in file");
    let mut texts = HashMap::new();
    flatten(&tree, "", &mut texts);
    texts
}

fn flatten(tree: &Value, key: &str, into: &mut HashMap<String, String>) {
    match tree {
        Value::Object(branches) => {
            for (name, branch) in branches {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(branch, &key, into);
            }
        }
        Value::String(text) => {
            into.insert(key.to_owned(), text.clone());
        }
        _ => unreachable!("a test proves that the files hold only objects and strings"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::interpolation::placeholders;

    type Section = fn(&Catalogue) -> &HashMap<String, String>;
    const SECTIONS: [(&str, Section); 2] =
        [("pages", |catalogue| &catalogue.pages), ("errors", |catalogue| &catalogue.errors)];

    #[test]
    fn every_language_has_exactly_the_keys_of_english() {
        for (name, section) in SECTIONS {
            let keys = |language| section(catalogue(language)).keys().collect::<BTreeSet<_>>();
            for language in Language::ALL {
                assert_eq!(keys(language), keys(Language::En), "{name} in {}", language.tag());
            }
        }
    }

    #[test]
    fn every_translation_uses_exactly_the_placeholders_of_english() {
        for (name, section) in SECTIONS {
            for language in Language::ALL {
                for (key, text) in section(catalogue(language)) {
                    let english = &section(catalogue(Language::En))[key];
                    let context = format!("{name} {key} in {}", language.tag());
                    assert_eq!(placeholders(text), placeholders(english), "{context}");
                }
            }
        }
    }

    #[test]
    fn error_sentences_read_well_when_the_caller_knows_no_values() {
        for language in Language::ALL {
            for code in catalogue(language).errors.keys() {
                // These are always raised with the limit that was broken.
                if code.starts_with("password_rejected.") {
                    continue;
                }
                let sentence = error_message(language, code, &[]);
                assert!(!sentence.contains(['{', '}', '[', ']']), "{code}: {sentence}");
                assert!(!sentence.contains("  ") && !sentence.contains(" ."), "{code}: {sentence}");
            }
        }
    }

    #[test]
    fn sentences_end_with_a_full_stop_and_never_shout() {
        for language in Language::ALL {
            for (code, sentence) in &catalogue(language).errors {
                assert!(sentence.ends_with('.'), "{code}: {sentence}");
                assert!(!sentence.contains('!'), "{code}: {sentence}");
            }
            for (key, text) in &catalogue(language).pages {
                assert!(!text.contains('!') && text.trim() == text, "{key}: {text}");
            }
        }
    }

    #[test]
    fn brackets_are_balanced_and_hold_a_placeholder() {
        for (_, section) in SECTIONS {
            for (key, text) in Language::ALL.iter().flat_map(|l| section(catalogue(*l))) {
                for part in text.split('[').skip(1) {
                    let (optional, _) = part.split_once(']').expect(key);
                    assert!(!placeholders(optional).is_empty(), "{key}: {text}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_code_or_a_family_name_gives_the_generic_sentence() {
        let generic = error_message(Language::En, "generic", &[]);
        for code in ["no.such_code", "session.mfa", "", "session.not_found.deeper"] {
            assert_eq!(error_message(Language::En, code, &[]), generic, "{code}");
        }
        assert_ne!(error_message(Language::PtBr, "no.such_code", &[]), generic);
    }

    #[test]
    fn an_unknown_page_text_is_answered_with_its_key() {
        assert_eq!(Texts::of(Language::PtBr).get("no.such_text"), "no.such_text");
        assert_eq!(Texts::of(Language::PtBr).find("no.such_text"), None);
    }

    #[test]
    fn page_texts_take_values() {
        let texts = Texts::of(Language::PtBr);
        assert_eq!(texts.format("sign_in.to_app", &[("app", "Loja")]), "para continuar em Loja");
    }
}
