//! The query language of lists of users, and the regular expressions in it.

use trinco_core::users::Filter;
use trinco_db::regular;

use crate::check;

/// Reads the input as a pattern of either kind, and as a query.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let pairs: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    if let Err(error) = Filter::parse(pairs) {
        assert_eq!(error.code(), Some("request.invalid_input"));
    }
    check::at_the_limit(data, 4 * 1024, 64, |long| {
        let long = String::from_utf8_lossy(long);
        let _ = (regular::posix(&long, true), regular::similar_to(&long, true));
    });
    if let Ok(pattern) = regular::similar_to(text, true) {
        // What is made of it is one of the other kind, of whole texts.
        assert!(pattern.starts_with("^(?:") && pattern.ends_with(")$"));
        assert_eq!(regular::posix(&pattern, true).as_ref(), Ok(&pattern));
    }
    let Ok(pattern) = regular::posix(text, true) else { return false };
    assert_eq!(pattern, text, "the engines read what was written");
    assert_eq!(regular::posix(text, false), Ok(format!("(?i){text}")));
    true
}
