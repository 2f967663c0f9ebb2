//! Entity tags of what does not change (RFC 9110 §8.8.3).

use http::{HeaderMap, header};

/// A strong tag for these contents, in quotes.
pub(crate) fn of(contents: &[u8]) -> String {
    format!("\"{:016x}\"", fnv1a(contents))
}

/// Whether the client has what the tag stands for (RFC 9110 §13.1.2).
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let given =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// 64-bit FNV-1a. It tells versions of our own texts apart; nobody attacks it.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // Test vectors of the algorithm's authors.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_tag_is_found_in_a_list_whatever_a_proxy_has_made_of_it() {
        let known = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            is_known(&headers, "\"abc\"")
        };
        assert!(known("\"abc\"") && known("\"x\", W/\"abc\"") && known("*"));
        assert!(!known("\"abcd\"") && !known("abc") && !known(""));
        assert!(!is_known(&HeaderMap::new(), "\"abc\""));
    }
}
