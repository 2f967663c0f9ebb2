//! W3C Trace Context: which trace a request belongs to.

use std::fmt;

use http::HeaderMap;

/// What `traceparent` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    pub(super) sampled: bool,
}

impl fmt::Display for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, sampled } = self;
        write!(formatter, "00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(*sampled))
    }
}

/// The context a request came with. One that is malformed, or comes twice, counts as none (§3.2.2).
pub(super) fn incoming(headers: &HeaderMap) -> Option<Context> {
    let mut values = headers.get_all("traceparent").iter();
    let (only, None) = (values.next()?, values.next()) else { return None };
    parse(only.to_str().ok()?)
}

fn parse(text: &str) -> Option<Context> {
    let mut parts = text.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace_id = hex(parts.next()?, 32).filter(|id| *id != 0)?;
    let span_id = hex(parts.next()?, 16).filter(|id| *id != 0)?;
    let flags = hex(parts.next()?, 2)?;
    // Later versions may append; this one may not, and 255 is none.
    if version == 0xff || (version == 0 && parts.next().is_some()) {
        return None;
    }
    Some(Context { trace_id, span_id: u64::try_from(span_id).ok()?, sampled: flags & 1 == 1 })
}

/// So many digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_hex = text.len() == digits && text.bytes().all(is_digit);
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_and_written() {
        let context = parse(GOOD).unwrap();
        assert_eq!(context.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(context.span_id, 0x00f0_67aa_0ba9_02b7);
        assert!(context.sampled);
        assert_eq!(context.to_string(), GOOD);
        assert!(!parse(&GOOD.replace("-01", "-00")).unwrap().sampled);
        assert!(parse(&format!("{}-more", GOOD.replacen("00", "01", 1))).is_some());
    }

    #[test]
    fn what_is_malformed_is_none() {
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &format!("{GOOD}-more"),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace("00f067aa0ba902b7", "+0f067aa0ba902b7"),
            &GOOD.replace("4bf9", "4bf"),
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        let mut twice = HeaderMap::new();
        twice.append("traceparent", GOOD.parse().unwrap());
        assert!(incoming(&twice).is_some());
        twice.append("traceparent", GOOD.parse().unwrap());
        assert_eq!(incoming(&twice), None);
    }
}
