//! Which users to list: the query language of `GET /api/users`.

use std::collections::BTreeMap;

use trinco_db::regular;

use crate::{Error, Result};

/// The longest keyword: characters.
const LONGEST: usize = 256;
/// So many wildcards in one pattern keep matching fast.
const MOST_WILDCARDS: usize = 8;

/// Which users to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub(super) conditions: Vec<Condition>,
    pub(super) all: bool,
    /// Only those that do not hold this role.
    pub without_role: Option<String>,
    /// Only those that are not members of this organization.
    pub outside_organization: Option<String>,
}

/// What a field must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) field: Field,
    pub(super) test: Test,
    pub(super) case_sensitive: bool,
}

/// How a field is compared. The texts are folded unless the condition is case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// It is one of these.
    OneOf(Vec<String>),
    /// It fits a `LIKE` pattern.
    Like(String),
    /// A regular expression finds something in it. Letter case is the expression's own affair.
    Regular(String),
}

/// The fields that can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Id,
    PrimaryEmail,
    PrimaryPhone,
    Username,
    Name,
}

impl Field {
    const ALL: [Self; 5] =
        [Self::Id, Self::PrimaryEmail, Self::PrimaryPhone, Self::Username, Self::Name];

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "primaryEmail" => Self::PrimaryEmail,
            "primaryPhone" => Self::PrimaryPhone,
            "username" => Self::Username,
            "name" => Self::Name,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Exact,
    Like,
    SimilarTo,
    Posix,
}

impl Filter {
    /// Whether every user is listed.
    pub(super) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
            && self.without_role.is_none()
            && self.outside_organization.is_none()
    }

    /// Reads `search`, `search.<field>`, `mode`, `mode.<field>`, `joint` (or `jointMode`), `isCaseSensitive`, `excludeRoleId` and
    /// `excludeOrganizationId` among the pairs of a query string; others are someone else's.
    ///
    /// A pattern is compared by `LIKE`, with `%` for any text, `_` for any character and `\` before either that stands for itself; by
    /// `SIMILAR TO`; or as a POSIX regular expression (see [`regular`]).
    ///
    /// # Errors
    /// `request.invalid_input`: an unknown field or mode, an empty keyword, several keywords for a pattern, or a pattern that is none.
    pub fn parse<'q>(pairs: impl IntoIterator<Item = (&'q str, &'q str)>) -> Result<Self> {
        let mut filter = Self::default();
        let mut everywhere: Vec<&str> = Vec::new();
        let mut by_field: BTreeMap<Field, Vec<&str>> = BTreeMap::new();
        let mut mode = Mode::Like;
        let mut modes: BTreeMap<Field, Mode> = BTreeMap::new();
        let mut case_sensitive = false;
        for (name, value) in pairs {
            match name {
                "search" => everywhere.push(keyword(value)?),
                "mode" => mode = mode_named(value)?,
                "joint" | "jointMode" => {
                    filter.all = match value {
                        "and" => true,
                        "or" => false,
                        _ => return Err(refuse("joint must be `or` or `and`")),
                    };
                }
                "isCaseSensitive" => {
                    case_sensitive = match value {
                        "true" | "1" => true,
                        "false" | "0" => false,
                        _ => return Err(refuse("isCaseSensitive must be true or false")),
                    };
                }
                "excludeRoleId" if !value.is_empty() => {
                    filter.without_role = Some(value.to_owned());
                }
                "excludeOrganizationId" if !value.is_empty() => {
                    filter.outside_organization = Some(value.to_owned());
                }
                _ => {
                    if let Some(field) = name.strip_prefix("search.") {
                        by_field.entry(field_named(field)?).or_default().push(keyword(value)?);
                    } else if let Some(field) = name.strip_prefix("mode.") {
                        modes.insert(field_named(field)?, mode_named(value)?);
                    }
                }
            }
        }
        if !everywhere.is_empty() {
            if !by_field.is_empty() {
                return Err(refuse("search is for all fields or for named ones, not both"));
            }
            // A keyword for every field is about any of them.
            filter.all = false;
            by_field.extend(Field::ALL.map(|field| (field, everywhere.clone())));
        }
        for (field, keywords) in by_field {
            let test = test(modes.get(&field).copied().unwrap_or(mode), &keywords, case_sensitive)?;
            filter.conditions.push(Condition { field, test, case_sensitive });
        }
        Ok(filter)
    }
}

fn test(mode: Mode, keywords: &[&str], case_sensitive: bool) -> Result<Test> {
    let fold = |text: &str| if case_sensitive { text.to_owned() } else { text.to_lowercase() };
    match (mode, keywords) {
        (Mode::Exact, _) => Ok(Test::OneOf(keywords.iter().map(|keyword| fold(keyword)).collect())),
        (Mode::Like, [pattern]) => {
            check_pattern(pattern)?;
            Ok(Test::Like(fold(pattern)))
        }
        (Mode::SimilarTo, [pattern]) => regular::similar_to(pattern, case_sensitive)
            .map(Test::Regular)
            .map_err(|rule| refuse(&format!("a pattern {rule}"))),
        (Mode::Posix, [pattern]) => regular::posix(pattern, case_sensitive)
            .map(Test::Regular)
            .map_err(|rule| refuse(&format!("a pattern {rule}"))),
        (Mode::Like | Mode::SimilarTo | Mode::Posix, _) => {
            Err(refuse("several keywords for one field need the mode `exact`"))
        }
    }
}

/// PostgreSQL fails on a pattern that ends in the escape character, and patterns with many wildcards are slow.
fn check_pattern(pattern: &str) -> Result<()> {
    let mut wildcards = 0;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next().is_none() {
            return Err(refuse("a pattern must not end with a single `\\`"));
        }
        wildcards += usize::from(c == '%');
    }
    if wildcards > MOST_WILDCARDS { Err(refuse("a pattern has too many `%`")) } else { Ok(()) }
}

fn keyword(value: &str) -> Result<&str> {
    if value.is_empty() || value.contains('\0') || value.chars().count() > LONGEST {
        return Err(refuse("a keyword must have 1 to 256 characters"));
    }
    Ok(value)
}

fn field_named(name: &str) -> Result<Field> {
    Field::named(name)
        .ok_or_else(|| refuse("the fields are id, primaryEmail, primaryPhone, username and name"))
}

fn mode_named(name: &str) -> Result<Mode> {
    match name {
        "exact" => Ok(Mode::Exact),
        "like" => Ok(Mode::Like),
        "similar_to" => Ok(Mode::SimilarTo),
        "posix" => Ok(Mode::Posix),
        _ => Err(refuse("the modes are `like`, `exact`, `similar_to` and `posix`")),
    }
}

fn refuse(details: &str) -> Error {
    Error::refused_with("request.invalid_input", &[("details", details)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn like(field: Field, pattern: &str) -> Condition {
        Condition { field, test: Test::Like(pattern.to_owned()), case_sensitive: false }
    }

    #[test]
    fn a_bare_search_is_about_any_field_in_any_case() {
        let filter = Filter::parse([("search", "%Ana%"), ("joint", "and"), ("page", "2")]).unwrap();
        assert!(!filter.all);
        assert_eq!(filter.conditions, Field::ALL.map(|field| like(field, "%ana%")));
    }

    #[test]
    fn named_fields_have_modes_of_their_own() {
        let filter = Filter::parse([
            ("search.username", "ana"),
            ("search.primaryEmail", "A@b.c"),
            ("search.primaryEmail", "d@e.f"),
            ("mode.primaryEmail", "exact"),
            ("jointMode", "and"),
            ("isCaseSensitive", "true"),
            ("excludeRoleId", "r"),
            ("excludeOrganizationId", "o"),
        ])
        .unwrap();
        let emails = vec!["A@b.c".to_owned(), "d@e.f".to_owned()];
        assert!(filter.all);
        assert_eq!(
            filter.conditions,
            [
                Condition {
                    field: Field::PrimaryEmail,
                    test: Test::OneOf(emails),
                    case_sensitive: true
                },
                Condition { case_sensitive: true, ..like(Field::Username, "ana") },
            ]
        );
        assert_eq!(
            (filter.without_role.as_deref(), filter.outside_organization.as_deref()),
            (Some("r"), Some("o"))
        );
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        for pairs in [
            vec![("search", "")],
            vec![("search.avatar", "x")],
            vec![("search", "x"), ("mode", "glob")],
            vec![("search", "(x"), ("mode", "posix")],
            vec![("search", "x"), ("search", "y"), ("mode", "posix")],
            vec![("search.name", "*"), ("mode.name", "similar_to")],
            vec![("search.name", "x"), ("search.name", "y")],
            vec![("search", "x"), ("search.name", "y")],
            vec![("search", "x\\")],
            vec![("search", "%%%%%%%%%")],
            vec![("joint", "xor")],
            vec![("isCaseSensitive", "maybe")],
        ] {
            let error = Filter::parse(pairs.clone()).unwrap_err();
            assert_eq!(error.code(), Some("request.invalid_input"), "{pairs:?}");
        }
        assert!(Filter::parse([("search", "x\\\\")]).is_ok());
    }

    #[test]
    fn patterns_may_be_regular_expressions() {
        let filter = Filter::parse([
            ("search.username", "^a+$"),
            ("mode.username", "posix"),
            ("search.name", "A_a%"),
            ("mode.name", "similar_to"),
        ])
        .unwrap();
        let tests: Vec<&Test> = filter.conditions.iter().map(|condition| &condition.test).collect();
        assert_eq!(
            tests,
            [&Test::Regular("(?i)^a+$".to_owned()), &Test::Regular("(?i)^(?:A.a.*)$".to_owned())]
        );
    }

    proptest! {
        #[test]
        fn no_accepted_pattern_ends_in_an_escape(pattern in "[a%_\\\\]{1,12}") {
            let backslashes = pattern.chars().rev().take_while(|c| *c == '\\').count();
            let accepted = Filter::parse([("search.name", pattern.as_str())]).is_ok();
            prop_assert!(!(accepted && backslashes % 2 == 1));
        }
    }
}
