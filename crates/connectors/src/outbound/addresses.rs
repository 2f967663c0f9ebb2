//! Which addresses are public (the IANA special-purpose address registries, RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks that are not public: first address and prefix length.
const NOT_PUBLIC_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared by carriers
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, and the metadata services of clouds
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, broadcast
];

/// Blocks of IPv6's global unicast space 2000::/3 that are not public; everything outside of it is not public either.
const NOT_PUBLIC_V6: &[([u16; 3], u32)] = &[
    ([0x2001, 0, 0], 23),      // protocol assignments; Teredo
    ([0x2001, 0x0db8, 0], 32), // documentation
    ([0x2002, 0, 0], 16),      // 6to4 wraps an IPv4 address
    ([0x3fff, 0, 0], 20),      // documentation
];

/// Whether anyone on the internet may have this address. An IPv6 address that stands for an IPv4 one (mapped, RFC 4291 §2.5.5.2, or
/// translated, RFC 6052 §2.1) is as public as that.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match inner_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !NOT_PUBLIC_V4
        .iter()
        .any(|(first, length)| (bits ^ u32::from_be_bytes(*first)) >> (32 - length) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let is_global_unicast = bits >> 125 == 0b001;
    is_global_unicast
        && !NOT_PUBLIC_V6.iter().any(|([a, b, c], length)| {
            let first = Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0).to_bits();
            (bits ^ first) >> (128 - length) == 0
        })
}

/// The IPv4 address that an IPv6 address stands for.
pub(super) fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, ..] = address.segments();
    let is_translated = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    let last = Ipv4Addr::from_bits((address.to_bits() & 0xffff_ffff) as u32);
    if is_translated { Some(last) } else { address.to_ipv4_mapped() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_on_the_internet_is_not_public() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_as_public_in_any_disguise(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let translated = Ipv6Addr::from_bits((0x64_ff9b_u128 << 96) | u128::from(bits));
            for disguised in [plain.to_ipv6_mapped(), translated] {
                prop_assert_eq!(is_public(disguised.into()), is_public(plain.into()));
            }
        }

        #[test]
        fn only_global_unicast_is_public_beyond_ipv4(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            if is_public(address.into()) && inner_v4(address).is_none() {
                prop_assert_eq!(bits >> 125, 1);
            }
        }
    }
}
