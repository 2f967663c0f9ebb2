//! Sentences of doc comments: plain text with code in backticks.

/// A sentence, or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prose(pub(super) Vec<Piece>);

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words.
    Words(String),
    /// A name or a value, as it is written in code.
    Code(String),
}

impl Prose {
    /// Reads a doc comment. Links to items of the code become the items' names: a reader of the API knows no others.
    pub(super) fn of(text: &str) -> Self {
        let mut pieces = Vec::new();
        for (index, part) in text.split('`').enumerate() {
            let is_code = index % 2 == 1;
            if is_code {
                pieces.push(Piece::Code(part.to_owned()));
                continue;
            }
            // The brackets of `[`Item`]`.
            let after_code = index > 0;
            let part = if after_code { part.strip_prefix(']').unwrap_or(part) } else { part };
            let part = part.strip_suffix('[').unwrap_or(part);
            if !part.is_empty() {
                let words: Vec<&str> = part.split_inclusive(char::is_whitespace).collect();
                pieces.push(Piece::Words(words.concat().replace('\n', " ")));
            }
        }
        Self(pieces)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let piece = |piece: Piece| match piece {
            Piece::Words(words) => words,
            Piece::Code(code) => format!("<{code}>"),
        };
        Prose::of(text).0.into_iter().map(piece).collect()
    }

    #[test]
    fn backticks_hold_code_and_links_lose_their_brackets() {
        assert_eq!(shown("The `sub` of tokens."), "The <sub> of tokens.");
        assert_eq!(shown("As [`User`] says,\nor [`Role`]."), "As <User> says, or <Role>.");
        assert_eq!(shown("`a` [b] `c`"), "<a> [b] <c>");
        assert!(Prose::of("").is_empty());
    }

    #[test]
    fn a_backtick_without_its_other_half_loses_no_words() {
        assert_eq!(shown("a `b"), "a <b>");
    }
}
