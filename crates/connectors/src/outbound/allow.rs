//! What the operator allows beyond public addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::addresses::inner_v4;

/// One entry of `outbound.allow`: an address, a block of addresses in CIDR notation (RFC 4632 §3.1), or a host name, whose addresses
/// may all be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Every address whose first `length` bits are those of `first`.
    Block {
        /// An address of the block.
        first: IpAddr,
        /// Bits.
        length: u8,
    },
    /// Every address of this host, in lower case.
    Host(String),
}

/// The text is neither an address, nor a block, nor a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither an address such as 10.0.0.7, nor a block such as 10.0.0.0/8, nor a host name")]
pub struct AllowParseError;

impl Allow {
    /// Whether a request to `host`, found at `address`, is allowed by this entry.
    #[must_use]
    pub fn covers(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Host(name) => name.eq_ignore_ascii_case(host.trim_end_matches('.')),
            Self::Block { first, length } => match (first, plain(address)) {
                (IpAddr::V4(first), IpAddr::V4(address)) => shares(
                    u128::from(first.to_bits()) << 96,
                    u128::from(address.to_bits()) << 96,
                    *length,
                ),
                (IpAddr::V6(first), IpAddr::V6(address)) => {
                    shares(first.to_bits(), address.to_bits(), *length)
                }
                _ => false,
            },
        }
    }
}

fn shares(one: u128, other: u128, length: u8) -> bool {
    (one ^ other).checked_shr(128 - u32::from(length)).unwrap_or(0) == 0
}

fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => inner_v4(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

impl FromStr for Allow {
    type Err = AllowParseError;

    fn from_str(text: &str) -> Result<Self, AllowParseError> {
        let (host, length) = match text.split_once('/') {
            Some((address, length)) => {
                (address, Some(length.parse::<u8>().map_err(|_| AllowParseError)?))
            }
            None => (text, None),
        };
        if let Ok(first) = host.parse::<IpAddr>() {
            let bits = if first.is_ipv4() { 32 } else { 128 };
            let length = length.unwrap_or(bits);
            // An IPv6 address that stands for an IPv4 one is compared as that, so its block must be one of IPv4, too.
            let (first, bits, length) = match plain(first) {
                inner if inner == first => (first, bits, length),
                inner => (inner, 32, length.checked_sub(96).ok_or(AllowParseError)?),
            };
            return if length <= bits {
                Ok(Self::Block { first, length })
            } else {
                Err(AllowParseError)
            };
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if length.is_some() || text.len() > 253 || !text.split('.').all(is_label) {
            return Err(AllowParseError);
        }
        Ok(Self::Host(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { first, length } => write!(formatter, "{first}/{length}"),
            Self::Host(name) => formatter.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_covers_what_it_names_and_nothing_else() {
        for (entry, host, address, covered) in [
            ("10.0.0.0/8", "a", "10.255.0.1", true),
            ("10.0.0.0/8", "a", "11.0.0.0", false),
            ("10.0.0.7", "a", "10.0.0.7", true),
            ("10.0.0.7", "a", "10.0.0.8", false),
            ("10.0.0.0/8", "a", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "a", "127.0.0.1", true),
            ("::ffff:10.0.0.0/104", "a", "10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "a", "11.1.1.1", false),
            ("::ffff:10.0.0.7", "a", "::ffff:10.0.0.7", true),
            ("0.0.0.0/0", "a", "::1", false),
            ("::/0", "a", "fd00::1", true),
            ("fd00::/8", "a", "fe80::1", false),
            ("hooks.internal", "Hooks.Internal", "10.0.0.1", true),
            ("hooks.internal", "hooks.internal.", "10.0.0.1", true),
            ("hooks.internal", "x.hooks.internal", "10.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1", true),
        ] {
            let entry: Allow = entry.parse().unwrap();
            assert_eq!(entry.covers(host, address.parse().unwrap()), covered, "{entry} {address}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/x",
            "a b",
            "a..b",
            "host/8",
            "*.a",
            "http://a",
            "::ffff:10.0.0.0/16",
        ] {
            assert!(text.parse::<Allow>().is_err(), "{text}");
        }
    }
}
