//! The texts that our pages and the reference's both have: its key, and ours.

use trinco_locales::{Language, Texts as PageTexts};

use super::model::{Phrase, Texts};
use crate::{Error, Result};

/// The reference's key, and the key of our pages that says the same.
const SHARED: &[(&str, &str)] = &[
    ("action.back", "actions.back"),
    ("action.continue", "actions.continue"),
    ("action.create_account", "actions.create_account"),
    ("action.sign_in", "actions.sign_in"),
    ("description.have_account", "register.have_account"),
    ("description.no_account", "sign_in.no_account"),
    ("description.privacy_policy", "footer.privacy"),
    ("description.terms_of_use", "footer.terms"),
    ("error.something_went_wrong", "error.title"),
    ("error.unknown", "error.body"),
    ("input.email", "identifier.email"),
    ("input.password", "password.label"),
    ("input.phone_number", "identifier.phone"),
    ("input.username", "identifier.username"),
    ("user_scopes.descriptions.address", "consent.scope.address"),
    ("user_scopes.descriptions.custom_data", "consent.scope.custom_data"),
    ("user_scopes.descriptions.email", "consent.scope.email"),
    ("user_scopes.descriptions.identities", "consent.scope.identities"),
    ("user_scopes.descriptions.phone", "consent.scope.phone"),
    ("user_scopes.descriptions.profile", "consent.scope.profile"),
    ("user_scopes.descriptions.roles", "consent.scope.roles"),
];

/// The built-in texts of a language.
pub(super) fn built_in(language: Language) -> Texts {
    let pages = PageTexts::of(language);
    let mut texts = Texts::default();
    for (theirs, ours) in SHARED {
        texts.put(theirs, pages.get(ours).to_owned());
    }
    texts
}

/// Where the pages have a text there must be none or a text; where they have a group, none or a group.
pub(super) fn check_structure(texts: &Texts) -> Result<()> {
    for (key, _) in SHARED {
        let mut end = 0;
        while let Some(next) = key[end..].find('.') {
            end += next;
            if matches!(texts.at(&key[..end]), Some(Phrase::Text(_))) {
                return Err(misplaced(&key[..end]));
            }
            end += 1;
        }
        if matches!(texts.at(key), Some(Phrase::Group(_))) {
            return Err(misplaced(key));
        }
    }
    Ok(())
}

fn misplaced(key: &str) -> Error {
    Error::refused_with("localization.invalid_translation_structure", &[("key", key)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shared_key_leads_to_a_text_of_the_pages() {
        for (theirs, ours) in SHARED {
            for language in Language::ALL {
                assert!(PageTexts::of(language).find(ours).is_some(), "{ours}");
                assert!(matches!(built_in(language).at(theirs), Some(Phrase::Text(_))), "{theirs}");
            }
        }
    }

    #[test]
    fn a_text_and_a_group_do_not_change_places() {
        let check = |body| check_structure(&serde_json::from_value(body).unwrap());
        assert!(
            check(json!({ "action": { "sign_in": "x", "other": { "y": "z" } }, "q": "r" })).is_ok()
        );
        for body in [
            json!({ "action": "x" }),
            json!({ "action": { "sign_in": { "x": "y" } } }),
            json!({ "user_scopes": { "descriptions": "x" } }),
        ] {
            let code = check(body).unwrap_err().code();
            assert_eq!(code, Some("localization.invalid_translation_structure"));
        }
    }
}
