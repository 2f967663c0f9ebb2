//! Ids and secrets: random strings over the alphabets the reference uses.

use crate::time::Randomness;

/// What a random string is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// `0-9`: codes that people read in a message and type.
    Digit,
    /// `0-9a-z`: ids.
    Id,
    /// `0-9A-Za-z`: secrets that people copy.
    Secret,
    /// Twenty consonants: codes that people type (RFC 8628 §6.1).
    UserCode,
    /// `0-9A-Za-z_-`: tokens, codes and cookie values.
    Token,
}

impl Alphabet {
    const fn symbols(self) -> &'static [u8] {
        match self {
            Self::Digit => b"0123456789",
            Self::Id => b"0123456789abcdefghijklmnopqrstuvwxyz",
            Self::Secret => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            Self::UserCode => trinco_oauth::authorization::UserCode::LETTERS,
            Self::Token => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-",
        }
    }

    /// A string of `length` symbols, each equally likely: bytes past the last whole multiple of the alphabet are thrown away.
    pub fn random(self, randomness: &dyn Randomness, length: usize) -> String {
        let symbols = self.symbols();
        let fair = 256 - 256 % symbols.len();
        let mut text = String::with_capacity(length);
        let mut bytes = [0_u8; 64];
        while text.len() < length {
            randomness.fill(&mut bytes);
            for byte in bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair) {
                if text.len() == length {
                    break;
                }
                text.push(char::from(symbols[byte % symbols.len()]));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemRandomness;

    #[test]
    fn every_symbol_is_about_equally_likely() {
        for alphabet in
            [Alphabet::Digit, Alphabet::Id, Alphabet::Secret, Alphabet::UserCode, Alphabet::Token]
        {
            let text = alphabet.random(&SystemRandomness, 64_000);
            for symbol in alphabet.symbols() {
                let share = text.bytes().filter(|byte| byte == symbol).count() as f64 / 64_000.0;
                let fair = 1.0 / alphabet.symbols().len() as f64;
                assert!(
                    (share - fair).abs() < fair * 0.35,
                    "{} has share {share}",
                    *symbol as char
                );
            }
        }
    }

    #[test]
    fn the_length_is_exact() {
        for length in [0, 1, 12, 21, 43, 64, 65, 200] {
            assert_eq!(Alphabet::Token.random(&SystemRandomness, length).len(), length);
        }
    }
}
