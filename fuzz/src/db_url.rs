//! Where the database is.

use trinco_db::DbUrl;
use url::Url;

use crate::check::{self, MARKER};

/// Reads the input as a database URL.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let url: DbUrl = match text.parse() {
        Ok(url) => url,
        Err(error) => {
            assert!(!error.to_string().contains(MARKER), "{error}");
            return false;
        }
    };
    let printed = url.to_string();
    assert_eq!(format!("{url:?}"), printed);
    match &url {
        DbUrl::Sqlite(path) => {
            assert!(path.to_str().is_some_and(|path| !path.is_empty() && !path.contains('?')));
            assert_eq!(printed.parse().ok().as_ref(), Some(&url), "what is printed is read");
        }
        DbUrl::Postgres(given) => {
            assert_eq!(given, text);
            let known = Url::parse(text).ok();
            let password = known.as_ref().and_then(Url::password).unwrap_or_default();
            let in_password = password.matches(MARKER).count();
            // That reader leaves out tabs and line breaks, so only what both read alike is held against it.
            let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
            if is_plain && in_password > 0 && in_password == text.matches(MARKER).count() {
                assert!(!printed.contains(MARKER), "the password is printed");
            }
        }
    }
    true
}
