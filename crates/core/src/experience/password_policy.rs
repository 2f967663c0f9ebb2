//! What passwords must be like.
//!
//! Weak parts (a character repeated, a run such as `1234`, a personal detail) do not make a password worse; they just do not make it
//! better. Each counts as one character, and what is left must still be long enough: a long passphrase may hold the user's name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Error, Result, Text};

/// The longest password there can be, whatever the policy: hashing has a price.
const LONGEST: u32 = 256;
/// A character that follows itself this often in all is a repetition.
const REPETITION: usize = 3;
/// So many neighbours of one row are a sequence.
const SEQUENCE: usize = 4;
/// Personal details shorter than this are found in too many words.
const SHORTEST_DETAIL: usize = 3;
/// Alphabets, and the rows of keyboards.
const ROWS: [&str; 6] = [
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1234567890",
];

/// What passwords of people who sign up must be like. Absent members have the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordPolicy {
    /// Characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<PasswordLength>,
    /// How many kinds of character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub character_types: Option<CharacterTypes>,
    /// What makes a password weak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Rejects>,
}

/// How long passwords are: characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PasswordLength {
    pub min: u32,
    pub max: u32,
}

/// How many kinds of character passwords have: of lower-case letters, upper-case letters, digits and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CharacterTypes {
    pub min: u32,
}

/// What makes a password weak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rejects {
    /// Having been in a data leak: the commonest are known here; no service is asked about the others.
    pub pwned: bool,
    /// One character repeated, runs such as `1234`.
    pub repetition_and_sequence: bool,
    /// The user's own name, address and number.
    pub user_info: bool,
    /// Holding one of these words, in any letter case.
    pub words: Vec<Text<1, 128>>,
}

impl Default for PasswordLength {
    fn default() -> Self {
        Self { min: 8, max: LONGEST }
    }
}

impl Default for CharacterTypes {
    fn default() -> Self {
        Self { min: 1 }
    }
}

impl Default for Rejects {
    fn default() -> Self {
        Self { pwned: true, repetition_and_sequence: true, user_info: true, words: Vec::new() }
    }
}

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PasswordIssue {
    /// Fewer characters than `min`.
    TooShort {
        /// Characters.
        min: u32,
    },
    /// More characters than `max`.
    TooLong {
        /// Characters.
        max: u32,
    },
    /// Fewer kinds of character than `min`.
    CharacterTypes {
        /// Kinds.
        min: u32,
    },
    /// Control characters.
    UnsupportedCharacters,
    /// Too little is left beside repeated characters.
    Repetition,
    /// Too little is left beside runs.
    Sequence,
    /// Too little is left beside personal details.
    UserInfo,
    /// A word that is not allowed.
    Words,
    /// One of the first that anybody tries.
    Pwned,
}

/// Why a password is not accepted, as APIs say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShownIssue {
    /// Such as `password_rejected.too_short`.
    pub code: String,
    /// The limit that is not kept, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpolation: Option<BTreeMap<String, u32>>,
}

impl From<PasswordIssue> for ShownIssue {
    fn from(issue: PasswordIssue) -> Self {
        let (code, limit) = match issue {
            PasswordIssue::TooShort { min } => ("too_short", Some(("min", min))),
            PasswordIssue::TooLong { max } => ("too_long", Some(("max", max))),
            PasswordIssue::CharacterTypes { min } => ("character_types", Some(("min", min))),
            PasswordIssue::UnsupportedCharacters => ("unsupported_characters", None),
            PasswordIssue::Repetition => ("repetition", None),
            PasswordIssue::Sequence => ("sequence", None),
            PasswordIssue::UserInfo => ("user_info", None),
            PasswordIssue::Words => ("words", None),
            PasswordIssue::Pwned => ("pwned", None),
        };
        Self {
            code: format!("password_rejected.{code}"),
            interpolation: limit.map(|(name, value)| BTreeMap::from([(name.to_owned(), value)])),
        }
    }
}

impl PasswordPolicy {
    /// Checks the password of someone of whom `personal` details are known: user name, name, e-mail address, phone number.
    ///
    /// # Errors
    /// `password.rejected` with every broken rule in `data.issues`.
    pub fn check(&self, password: &str, personal: &[&str]) -> Result<()> {
        let issues = self.issues(password, personal);
        if issues.is_empty() {
            return Ok(());
        }
        let issues: Vec<ShownIssue> = issues.into_iter().map(ShownIssue::from).collect();
        Err(Error::refused_data("password.rejected", json!({ "issues": issues })))
    }

    /// Whether it matters whose password it is.
    pub(crate) fn looks_at_user(&self) -> bool {
        self.rejects.as_ref().is_none_or(|rejects| rejects.user_info)
    }

    /// Every rule the password breaks.
    pub fn issues(&self, password: &str, personal: &[&str]) -> Vec<PasswordIssue> {
        let length = self.length.unwrap_or_default();
        let max = length.max.min(LONGEST);
        let count = u32::try_from(password.chars().count()).unwrap_or(u32::MAX);
        if count > max {
            return vec![PasswordIssue::TooLong { max }];
        }
        let mut issues = Vec::new();
        if count < length.min {
            issues.push(PasswordIssue::TooShort { min: length.min });
        }
        if password.chars().any(char::is_control) {
            issues.push(PasswordIssue::UnsupportedCharacters);
        }
        let min = self.character_types.unwrap_or_default().min;
        if kinds(password) < min {
            issues.push(PasswordIssue::CharacterTypes { min });
        }
        let default;
        let rejects = match &self.rejects {
            Some(rejects) => rejects,
            None => {
                default = Rejects::default();
                &default
            }
        };
        let text: Vec<char> = password.chars().map(fold).collect();
        if rejects.words.iter().any(|word| !places(&text, &folded(word.as_str())).is_empty()) {
            issues.push(PasswordIssue::Words);
        }
        if count >= length.min {
            issues.extend(weakness(&text, rejects, personal, length.min));
        }
        if issues.is_empty() && rejects.pwned && is_common(password) {
            issues.push(PasswordIssue::Pwned);
        }
        issues
    }

    /// Checks that some password can meet the policy.
    pub(super) fn check_itself(&self) -> Result<()> {
        let PasswordLength { min, max } = self.length.unwrap_or_default();
        if !(1..=LONGEST).contains(&min) || !(min..=LONGEST).contains(&max) {
            let rule = "needs numbers between 1 and 256, the smaller first";
            return Err(Error::invalid_field("passwordPolicy.length", rule));
        }
        if !(1..=4).contains(&self.character_types.unwrap_or_default().min) {
            return Err(Error::invalid_field(
                "passwordPolicy.characterTypes.min",
                "must be 1 to 4",
            ));
        }
        Ok(())
    }
}

/// The passwords that guessers try first. A service that knows every leaked one would have to be asked over the network.
const COMMON: &str = include_str!("common_passwords.txt");

fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    COMMON.lines().any(|common| common == folded)
}

/// The kinds of weak part found, when too little is left beside them.
fn weakness(text: &[char], rejects: &Rejects, personal: &[&str], min: u32) -> Vec<PasswordIssue> {
    let mut found = Vec::new();
    // Which characters belong to a weak part, and where one begins.
    let mut weak = vec![false; text.len()];
    let mut begins = vec![false; text.len()];
    let mut mark = |issue, parts: &[(usize, usize)]| {
        for (start, end) in parts {
            weak[*start..*end].fill(true);
            begins[*start] = true;
        }
        if !parts.is_empty() {
            found.push(issue);
        }
    };
    if rejects.repetition_and_sequence {
        mark(PasswordIssue::Repetition, &runs(text, REPETITION, |pair| pair[0] == pair[1]));
        let mut sequences = Vec::new();
        for row in ROWS {
            let row: Vec<char> = row.chars().collect();
            sequences.extend(runs(text, SEQUENCE, |pair| follows(&row, pair[0], pair[1])));
            sequences.extend(runs(text, SEQUENCE, |pair| follows(&row, pair[1], pair[0])));
        }
        mark(PasswordIssue::Sequence, &sequences);
    }
    if rejects.user_info {
        let details: Vec<Vec<char>> = details(personal).collect();
        let parts: Vec<_> = details.iter().flat_map(|detail| places(text, detail)).collect();
        mark(PasswordIssue::UserInfo, &parts);
    }
    // A part that begins inside another does not count again.
    let counts = |at: &usize| !weak[*at] || (begins[*at] && (*at == 0 || !weak[*at - 1]));
    let left = (0..text.len()).filter(counts).count();
    if left < min as usize { found } else { Vec::new() }
}

/// The longest stretches of at least `least` characters in which every neighbouring pair `belongs` together.
fn runs(text: &[char], least: usize, belongs: impl Fn(&[char]) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for end in 1..=text.len() {
        if end < text.len() && belongs(&text[end - 1..=end]) {
            continue;
        }
        if end - start >= least {
            found.push((start, end));
        }
        start = end;
    }
    found
}

fn follows(row: &[char], one: char, next: char) -> bool {
    row.windows(2).any(|pair| pair == [one, next])
}

/// Where `part` occurs.
fn places(text: &[char], part: &[char]) -> Vec<(usize, usize)> {
    if part.is_empty() || part.len() > text.len() {
        return Vec::new();
    }
    let starts = text.windows(part.len()).enumerate().filter(|(_, window)| *window == part);
    starts.map(|(start, _)| (start, start + part.len())).collect()
}

/// The personal details whole, and their words.
fn details(personal: &[&str]) -> impl Iterator<Item = Vec<char>> {
    personal
        .iter()
        .flat_map(|detail| {
            std::iter::once(*detail).chain(detail.split(|c: char| !c.is_alphanumeric()))
        })
        .map(folded)
        .filter(|detail| detail.len() >= SHORTEST_DETAIL)
}

fn folded(text: &str) -> Vec<char> {
    text.chars().map(fold).collect()
}

/// One lower-case character for one character, so that places stay where they are.
fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn kinds(password: &str) -> u32 {
    let has = |kind: fn(char) -> bool| u32::from(password.chars().any(kind));
    has(char::is_lowercase)
        + has(char::is_uppercase)
        + has(char::is_numeric)
        + has(|c| !(c.is_lowercase() || c.is_uppercase() || c.is_numeric()))
}

#[cfg(test)]
#[path = "password_policy_tests.rs"]
mod tests;
