//! Regular expressions that both engines read alike, in time that grows with the text and no faster.
//!
//! PostgreSQL's are *advanced regular expressions*; SQLite gets those of the `regex` crate as a function. [`posix`] accepts what means
//! the same in both: literals, `.`, `[…]` with ranges and classes such as `[:digit:]`, `\d \w \s` and their opposites, groups, `|`, `^`,
//! `$` and the usual quantifiers. What only one of them knows (back-references, look-around, sets of sets) is refused, and with
//! back-references what takes exponential time. `.` is any character, `^` and `$` the ends of the text.

use regex::{Regex, RegexBuilder};

/// Bytes a compiled expression may take, and how deep groups may be nested.
const SIZE_LIMIT: usize = 1 << 20;
const NEST_LIMIT: u32 = 24;
/// PostgreSQL's limit on counted repetitions.
const MOST_REPETITIONS: u32 = 255;
/// The character classes of POSIX.
const CLASSES: [&str; 12] = [
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "xdigit",
];

/// A pattern for `REGEXP` that finds `pattern` anywhere in a text.
///
/// # Errors
/// What is wrong with it, as a phrase.
pub fn posix(pattern: &str, case_sensitive: bool) -> Result<String, &'static str> {
    check(pattern)?;
    let pattern = if case_sensitive {
        pattern.to_owned()
    } else {
        format!("(?i){}", with_both_cases(pattern))
    };
    compile(&pattern).map_err(|_| "is no regular expression, or too large a one")?;
    Ok(pattern)
}

/// A pattern for `REGEXP` of whole texts that are `SIMILAR TO` a pattern of SQL: `%` for any text, `_` for any character, `|`, `*`,
/// `+`, `?`, `{m,n}`, `()` and `[]` as in regular expressions, and `\` before what stands for itself.
///
/// # Errors
/// As [`posix`].
pub fn similar_to(pattern: &str, case_sensitive: bool) -> Result<String, &'static str> {
    let mut translated = String::from("^(?:");
    let mut chars = pattern.chars();
    let mut depth = 0_u32;
    while let Some(c) = chars.next() {
        match c {
            '%' => translated.push_str(".*"),
            '_' => translated.push('.'),
            '\\' => {
                literal(chars.next().ok_or("must not end with a single `\\`")?, &mut translated);
            }
            '.' | '^' | '$' => literal(c, &mut translated),
            '(' => {
                depth += 1;
                translated.push_str("(?:");
            }
            ')' => {
                depth = depth.checked_sub(1).ok_or("closes a group that is not open")?;
                translated.push(')');
            }
            '[' => bracket(&mut chars, &mut translated)?,
            c => translated.push(c),
        }
    }
    if depth > 0 {
        return Err("leaves a group open");
    }
    translated.push_str(")$");
    posix(&translated, case_sensitive)
}

/// The pattern with each letter beyond ASCII in both cases: what `(?i)` makes of those depends on the locale of a PostgreSQL database.
fn with_both_cases(pattern: &str) -> String {
    let mut both = String::with_capacity(pattern.len());
    let mut is_in_bracket = false;
    let mut chars = pattern.chars().peekable();
    let mut last = None;
    while let Some(c) = chars.next() {
        let other = (!c.is_ascii()).then(|| other_case(c)).flatten();
        // The ends of a range stay what they are.
        let is_end = is_in_bracket && (last == Some('-') || chars.peek() == Some(&'-'));
        match other {
            Some(other) if is_in_bracket && !is_end => both.extend([c, other]),
            Some(other) if !is_in_bracket => both.extend(['[', c, other, ']']),
            _ => both.push(c),
        }
        match c {
            '\\' if !is_in_bracket => both.extend(chars.next()),
            '[' if !is_in_bracket => {
                is_in_bracket = true;
                both.extend(chars.next_if_eq(&'^'));
                both.extend(chars.next_if_eq(&']'));
            }
            '[' => {
                // A class, such as `[:digit:]`.
                for c in chars.by_ref() {
                    both.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            ']' => is_in_bracket = false,
            _ => {}
        }
        last = Some(c);
    }
    both
}

/// The letter in the other case, when that is one letter too.
fn other_case(c: char) -> Option<char> {
    let (mut lower, mut upper) = (c.to_lowercase(), c.to_uppercase());
    let lower = lower.next().filter(|_| lower.next().is_none());
    let upper = upper.next().filter(|_| upper.next().is_none());
    [lower, upper].into_iter().flatten().find(|other| *other != c)
}

/// What SQLite's `REGEXP` compares with.
pub(crate) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .dot_matches_new_line(true)
        .size_limit(SIZE_LIMIT)
        .nest_limit(NEST_LIMIT)
        .build()
}

/// A character that stands for itself.
fn literal(c: char, pattern: &mut String) {
    match c {
        // Escaped, these would be the ends of a word to one engine.
        '<' | '>' => {}
        c if c.is_ascii_punctuation() => pattern.push('\\'),
        _ => {}
    }
    pattern.push(c);
}

/// Copies a bracket expression, in which nothing of SQL's stands for anything else.
fn bracket(chars: &mut std::str::Chars<'_>, pattern: &mut String) -> Result<(), &'static str> {
    let rest = chars.as_str();
    let start = if rest.starts_with("^]") { 2 } else { usize::from(rest.starts_with([']', '^'])) };
    let mut at = start;
    loop {
        let next = rest[at..].chars().next().ok_or("leaves a bracket open")?;
        match next {
            ']' => break,
            '[' => at += rest[at..].find(":]").ok_or("leaves a class open")? + 2,
            '\\' => return Err("must not escape within brackets"),
            next => at += next.len_utf8(),
        }
    }
    pattern.push('[');
    pattern.push_str(&rest[..=at]);
    *chars = rest[at + 1..].chars();
    Ok(())
}

/// Refuses what the engines read differently.
fn check(pattern: &str) -> Result<(), &'static str> {
    let mut chars = pattern.chars().peekable();
    // Whether there is something that can be repeated.
    let mut repeatable = false;
    while let Some(c) = chars.next() {
        repeatable = match c {
            '\\' => {
                escape(chars.next(), "dDwWsS")?;
                true
            }
            '[' => {
                let rest: String = chars.collect();
                let length = check_bracket(&rest)?;
                return check_after(&rest[length..], true);
            }
            '(' => {
                if chars.peek() == Some(&'?') {
                    chars.next();
                    if chars.next() != Some(':') {
                        return Err("has a kind of group that is not supported");
                    }
                }
                false
            }
            '*' | '+' | '?' => {
                if !repeatable {
                    return Err("repeats nothing");
                }
                chars.next_if_eq(&'?');
                false
            }
            '{' => {
                if !repeatable {
                    return Err("repeats nothing");
                }
                check_bounds(&mut chars)?;
                chars.next_if_eq(&'?');
                false
            }
            '|' | '^' | '$' => false,
            _ => true,
        };
    }
    Ok(())
}

/// As [`check`], after something that can be repeated.
fn check_after(rest: &str, repeatable: bool) -> Result<(), &'static str> {
    if !repeatable {
        return check(rest);
    }
    // A stand-in for what came before.
    check(&format!("x{rest}"))
}

fn escape(escaped: Option<char>, classes: &str) -> Result<(), &'static str> {
    match escaped {
        None => Err("must not end with a single `\\`"),
        Some('<' | '>') => Err("escapes what one need not"),
        Some(c) if c.is_ascii_punctuation() || classes.contains(c) => Ok(()),
        Some(_) => Err("has an escape that is not supported"),
    }
}

/// The length of a bracket expression that has just begun.
fn check_bracket(rest: &str) -> Result<usize, &'static str> {
    let mut at = usize::from(rest.starts_with('^'));
    let mut is_first = true;
    loop {
        let here = &rest[at..];
        let next = here.chars().next().ok_or("leaves a bracket open")?;
        match next {
            ']' if !is_first => return Ok(at + 1),
            '[' => {
                let name = here.strip_prefix("[:").and_then(|after| after.split_once(":]"));
                let (name, _) = name.ok_or("has brackets within brackets")?;
                if !CLASSES.contains(&name) {
                    return Err("names a class that there is not");
                }
                at += name.len() + 4;
            }
            '\\' => {
                let escaped = here.chars().nth(1);
                escape(escaped, "dws")?;
                at += 1 + escaped.map_or(0, char::len_utf8);
            }
            next => {
                if ["&&", "--", "~~"].iter().any(|set| here.starts_with(set)) {
                    return Err("combines sets, which is not supported");
                }
                at += next.len_utf8();
            }
        }
        is_first = false;
    }
}

/// `m}`, `m,}` or `m,n}`.
fn check_bounds(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(), &'static str> {
    const WRONG: &str = "has a wrong count of repetitions";
    let mut numbers = [String::new(), String::new()];
    let mut which = 0;
    loop {
        match chars.next() {
            Some(digit) if digit.is_ascii_digit() && numbers[which].len() < 4 => {
                numbers[which].push(digit);
            }
            Some(',') if which == 0 => which = 1,
            Some('}') => break,
            _ => return Err(WRONG),
        }
    }
    let [least, most] = numbers;
    let least: u32 = least.parse().map_err(|_| WRONG)?;
    let most = if most.is_empty() { least } else { most.parse().map_err(|_| WRONG)? };
    if least <= most && most <= MOST_REPETITIONS { Ok(()) } else { Err(WRONG) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: &str, text: &str) -> bool {
        compile(&posix(pattern, true).unwrap()).unwrap().is_match(text)
    }

    fn similar(pattern: &str, text: &str) -> bool {
        compile(&similar_to(pattern, true).unwrap()).unwrap().is_match(text)
    }

    #[test]
    fn posix_patterns_are_found_anywhere() {
        for (pattern, text) in [
            ("an", "Joana"),
            ("^(jo|ma)ana?$", "joan"),
            ("[[:digit:]]{2,3}-[^a-c]", "x12-d"),
            (r"\d+\.\w", "7.z"),
            ("[]a]", "]"),
            ("a.c", "a\nc"),
            ("x{2}y??", "xx"),
        ] {
            assert!(finds(pattern, text), "{pattern} in {text}");
        }
        assert!(!finds("^a$", "a\nb"));
        assert!(!finds("A", "a"));
        assert!(compile(&posix("JOÃO", false).unwrap()).unwrap().is_match("joão"));
    }

    #[test]
    fn sql_patterns_fit_the_whole_text() {
        for (pattern, text) in [
            ("j%", "joana"),
            ("jo_na", "joana"),
            ("(jo|ma)%", "maria"),
            ("a+b?c*", "aac"),
            (r"100\%", "100%"),
            ("a.b", "a.b"),
            ("[a-c]{2}", "ab"),
            ("[^]x]", "a"),
            ("[[:alpha:]_%]+", "a_%"),
            (r"\<%", "<x"),
        ] {
            assert!(similar(pattern, text), "{pattern} for {text}");
        }
        for (pattern, text) in
            [("j", "joana"), ("a.b", "axb"), ("[_]", "a"), ("a|b", "ab"), ("100\\%", "100x")]
        {
            assert!(!similar(pattern, text), "{pattern} for {text}");
        }
    }

    #[test]
    fn what_one_engine_alone_knows_is_refused() {
        for pattern in [
            r"(a)\1",
            "(?=a)",
            "(?i)a",
            "(?P<n>a)",
            r"\bword",
            r"\pL",
            r"\x41",
            r"\<a",
            "a**",
            "a+*",
            "*a",
            "(*a)",
            "|*",
            "^*",
            "a{,3}",
            "a{256}",
            "a{3,2}",
            "a{",
            "[a&&b]",
            "[a--b]",
            "[a[b]]",
            "[[.a.]]",
            "[[:word:]]",
            r"[\D]",
            "[a",
            "(a",
            "a)",
            r"a\",
            "[z-a]",
            "***=a",
        ] {
            assert!(posix(pattern, true).is_err(), "{pattern}");
        }
        for pattern in ["(a", "a)", r"a\", "[a", r"[\]]", ")(", "*"] {
            assert!(similar_to(pattern, true).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_would_take_too_much_room_is_refused() {
        assert!(posix("((((a{255}){255}){255}){255})", true).is_err());
        assert!(posix(&"(".repeat(100), true).is_err());
    }
}
