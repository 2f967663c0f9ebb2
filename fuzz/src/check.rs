//! What every target asks of what it gets.

use allocation_counter::measure;
use trinco_oauth::OAuthError;

/// Stands where secrets stand: seeds and dictionaries put it into codes, tokens and passwords, and no answer may repeat it.
pub(crate) const MARKER: &str = "s3cr3t";

/// A refusal is a registered code and a sentence in the characters of RFC 6749 §5.2, and repeats no secret, not even to the log.
pub(crate) fn refusal(error: &OAuthError) {
    assert!(!error.error.as_str().is_empty() && !error.description.is_empty());
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(error.description.chars().all(allowed), "{}", error.description);
    assert!((400..=503).contains(&error.status()));
    assert!(error.code().starts_with("oidc.") || error.code() == "session.not_found");
    let detail = error.detail.as_deref().unwrap_or_default();
    assert!(!error.description.contains(MARKER) && !detail.contains(MARKER), "{error:?}");
}

/// Reads `data`, repeated until it is `limit` bytes long, and holds the memory asked for on the way against the input's length: more
/// than `factor` times of it means that some part is read again and again.
///
/// Memory is counted, not time: the count is the same on every machine. One input in sixty-four is tried, as it is slow.
pub(crate) fn at_the_limit(data: &[u8], limit: usize, factor: u64, read: impl FnOnce(&[u8])) {
    let is_chosen = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) % 64 == 0;
    if data.is_empty() || !is_chosen {
        return;
    }
    let long: Vec<u8> = data.iter().copied().cycle().take(limit).collect();
    let used = measure(|| read(&long)).bytes_total;
    let most = factor * limit as u64 + 64 * 1024;
    assert!(used <= most, "{used} bytes were asked for to read {limit}");
}

/// The input as text, if it is.
pub(crate) fn text(data: &[u8]) -> Option<&str> {
    str::from_utf8(data).ok()
}

/// The first line and the rest.
pub(crate) fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}
