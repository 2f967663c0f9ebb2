//! The languages there are, and choosing one for a reader.

/// A language with a complete set of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English; every other language falls back to it.
    En,
    /// Brazilian Portuguese; also serves the other kinds of Portuguese.
    PtBr,
}

/// The direction a script is written in: the value of HTML's `dir` attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::PtBr];

    /// The BCP 47 tag, as in HTML's `lang` attribute and in the sign-in settings.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::PtBr => "pt-BR",
        }
    }

    /// The language's name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::PtBr => "Português (Brasil)",
        }
    }

    /// The direction its script is written in.
    pub const fn direction(self) -> Direction {
        match self {
            Self::En | Self::PtBr => Direction::Ltr,
        }
    }

    /// The language of exactly this tag, in any letter case.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// RFC 4647 §3.4 lookup of one language range: subtags are dropped from the end until a
    /// language fits. A bare primary subtag also finds the language's only regional variant here.
    fn lookup(range: &str) -> Option<Self> {
        let mut range = range;
        loop {
            if let Some(language) = Self::from_tag(range).or_else(|| Self::from_primary(range)) {
                return Some(language);
            }
            range = range.rsplit_once('-')?.0;
            // §3.4: a single-letter subtag goes together with what follows it.
            if let Some((shorter, last)) = range.rsplit_once('-')
                && last.len() == 1
            {
                range = shorter;
            }
        }
    }

    fn from_primary(subtag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| {
            let primary = language.tag().split('-').next().unwrap_or_default();
            primary.eq_ignore_ascii_case(subtag)
        })
    }
}

impl Direction {
    /// `ltr` or `rtl`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// Longest list that is read, in bytes; the rest of a longer one is ignored.
const MAX_LIST: usize = 1024;
/// Most language ranges that are read from one list.
const MAX_RANGES: usize = 32;
/// Longest language range that is looked up (RFC 5646 §4.4.1 asks for 35 at least).
const MAX_RANGE: usize = 64;

/// Chooses a language: the first of `ui_locales` (OpenID Connect Core §3.1.2.1, separated by
/// spaces, best first) that there is, else the best of `accept_language` (RFC 9110 §12.5.4, with
/// quality values), else `fallback`. Malformed parts are skipped.
pub fn negotiate(
    ui_locales: Option<&str>,
    accept_language: Option<&str>,
    fallback: Language,
) -> Language {
    ui_locales
        .and_then(from_ui_locales)
        .or_else(|| accept_language.and_then(from_accept_language))
        .unwrap_or(fallback)
}

fn from_ui_locales(list: &str) -> Option<Language> {
    clipped(list)
        .split_ascii_whitespace()
        .take(MAX_RANGES)
        .filter(|range| range.len() <= MAX_RANGE)
        .find_map(Language::lookup)
}

fn from_accept_language(list: &str) -> Option<Language> {
    let mut ranges: Vec<(u16, &str)> =
        clipped(list).split(',').take(MAX_RANGES).filter_map(weighted_range).collect();
    // Stable: equal weights keep the order they were sent in.
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranges.into_iter().find_map(|(_, range)| Language::lookup(range))
}

/// `pt-BR;q=0.8` as (800, "pt-BR"); nothing for `*`, for weight 0 and for what is malformed.
fn weighted_range(item: &str) -> Option<(u16, &str)> {
    let (range, parameters) = item.split_once(';').unwrap_or((item, ""));
    let range = range.trim();
    if range.is_empty() || range == "*" || range.len() > MAX_RANGE {
        return None;
    }
    let weight = match parameters.trim().split_once('=') {
        None => 1000,
        Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => thousandths(value.trim())?,
        Some(_) => return None,
    };
    (weight > 0).then_some((weight, range))
}

/// RFC 9110 §12.4.2: a quality value, `0` to `1` with at most three decimals.
fn thousandths(value: &str) -> Option<u16> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

fn clipped(list: &str) -> &str {
    &list[..list.floor_char_boundary(MAX_LIST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(list: &str) -> Language {
        negotiate(None, Some(list), Language::En)
    }

    #[test]
    fn every_portuguese_finds_the_brazilian_texts() {
        for list in ["pt", "pt-PT", "PT-br", "pt-Latn-BR", "pt-x-private", "fr, pt;q=0.1"] {
            assert_eq!(accept(list), Language::PtBr, "{list}");
        }
    }

    #[test]
    fn the_highest_weight_wins_and_order_breaks_ties() {
        assert_eq!(accept("en;q=0.8, pt-BR;q=0.9"), Language::PtBr);
        assert_eq!(accept("pt;q=0.801, en;q=0.8"), Language::PtBr);
        assert_eq!(negotiate(None, Some("en, pt"), Language::PtBr), Language::En);
        assert_eq!(accept("pt, en"), Language::PtBr);
    }

    #[test]
    fn a_weight_of_zero_refuses_a_language() {
        assert_eq!(accept("pt;q=0, en;q=0.1"), Language::En);
        assert_eq!(negotiate(None, Some("en;q=0.000"), Language::PtBr), Language::PtBr);
    }

    #[test]
    fn ui_locales_come_before_the_browser_and_unknown_ones_are_skipped() {
        assert_eq!(negotiate(Some("fr pt-PT en"), Some("en"), Language::En), Language::PtBr);
        assert_eq!(negotiate(Some("fr-CA xx"), Some("pt"), Language::En), Language::PtBr);
    }

    #[test]
    fn nothing_that_fits_gives_the_fallback() {
        for list in ["", "*", "de", "ptx", ";q=1", ",,,", "pt;q=2", "pt;q=0.1234", "pt;level=1"] {
            assert_eq!(accept(list), Language::En, "{list}");
        }
        assert_eq!(negotiate(None, None, Language::PtBr), Language::PtBr);
    }

    #[test]
    fn long_lists_are_read_only_to_their_limits() {
        let late = format!("{}pt", "x,".repeat(MAX_RANGES));
        assert_eq!(accept(&late), Language::En);
        let wide = format!("{} pt", "é".repeat(MAX_LIST));
        assert_eq!(negotiate(Some(&wide), None, Language::En), Language::En);
        let deep = "pt".to_owned() + &"-a".repeat(MAX_RANGE);
        assert_eq!(accept(&deep), Language::En);
    }

    #[test]
    fn tags_are_found_in_any_letter_case() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(&language.tag().to_lowercase()), Some(language));
        }
        assert_eq!(Language::from_tag("pt"), None);
    }
}
