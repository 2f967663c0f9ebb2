//! `Accept-Language` (first line) and `ui_locales` (second).

use trinco_locales::{Language, negotiate};

use crate::check;

/// Chooses a language by the input.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let (accepted, ui_locales) = check::first_line(text);
    check::at_the_limit(data, 64 * 1024, 4, |long| {
        let long = String::from_utf8_lossy(long);
        let _ = negotiate(Some(&long), Some(&long), Language::En);
    });
    let choose = |fallback| negotiate(Some(ui_locales), Some(accepted), fallback);
    let (one, other) = (choose(Language::En), choose(Language::PtBr));
    if one != other {
        // Nothing in the lists decided, so each alone decides nothing either.
        assert_eq!((one, other), (Language::En, Language::PtBr));
        assert_eq!(negotiate(Some(ui_locales), None, Language::PtBr), Language::PtBr);
        assert_eq!(negotiate(None, Some(accepted), Language::En), Language::En);
    }
    // What the request says for itself comes before what the browser says.
    let first = negotiate(Some(ui_locales), None, Language::En);
    if first == negotiate(Some(ui_locales), None, Language::PtBr) {
        assert_eq!(one, first);
    }
    if let Some(language) = Language::from_tag(text) {
        assert!(language.tag().eq_ignore_ascii_case(text));
        assert_eq!(negotiate(Some(text), None, Language::En), language);
    }
    one == other
}
