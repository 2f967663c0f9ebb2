//! Names that strangers give themselves, and people decide by: what is shown must be seen, and stay where it is.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Marks in a row that a script needs: more of them run into the lines around (Unicode Technical Standard 39 §5.4).
const MAX_MARKS: usize = 4;

/// Whether a name can be shown to people.
///
/// # Errors
/// What is wrong with it, as a rule.
pub(super) fn check(name: &str) -> Result<(), &'static str> {
    if name.chars().any(is_hidden) {
        return Err("holds characters that are not seen or turn text around");
    }
    if !name.chars().any(is_seen) {
        return Err("must hold a letter or a digit");
    }
    let mut marks = 0;
    for symbol in name.chars() {
        marks = if is_mark(symbol) { marks + 1 } else { 0 };
        if marks > MAX_MARKS {
            return Err("holds more than 4 combining marks in a row");
        }
    }
    Ok(())
}

/// Controls, the marks that change the direction of text or take no room (Unicode Standard Annex 9 §2, Unicode Technical Report 36 §2),
/// and letters and symbols that are blank: fillers, and the Braille pattern without a dot.
fn is_hidden(symbol: char) -> bool {
    symbol.is_control()
        || matches!(
            symbol,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
        || matches!(
            symbol.general_category(),
            GeneralCategory::Unassigned | GeneralCategory::PrivateUse | GeneralCategory::Surrogate
        )
}

fn is_seen(symbol: char) -> bool {
    matches!(
        symbol.general_category_group(),
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number
    )
}

fn is_mark(symbol: char) -> bool {
    symbol.general_category_group() == GeneralCategoryGroup::Mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_script_is_one() {
        for name in [
            "Agent",
            "Ação 7",
            "엔진",
            "代理",
            "ตัวแทนที่ดี",
            "סוֹכֵן",
            "وكيل",
            "एजेंट",
            "I \u{2764}\u{fe0f} notes",
            "7",
            "a\u{323}\u{302}\u{301}",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_seen_or_leaves_its_line_is_none() {
        for name in [
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{ffa0}",
            "\u{115f}",
            "\u{e000}",
            "\u{e0100}",
            "Agent\u{3164}",
            "Good\u{202e}livE",
            "a\u{200b}b",
            "...",
            "\u{2764}\u{fe0f}",
            "\u{301}",
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
        let stacked = |marks: usize| format!("A{}gent", "\u{300}".repeat(marks));
        assert!(check(&stacked(4)).is_ok());
        assert!(check(&stacked(5)).is_err());
    }
}
