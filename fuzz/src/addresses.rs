//! What outbound requests may reach: the operator's list, and the addresses that are public.

use std::net::IpAddr;

use trinco_connectors::outbound::{Allow, is_public};

use crate::check;

/// The first line is an entry of the list, the second an address.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let (entry, address) = check::first_line(text);
    let address: Option<IpAddr> = address.parse().ok();
    if let Some(address) = address {
        judge(address);
    }
    let Ok(allow) = entry.parse::<Allow>() else { return false };
    assert_eq!(allow.to_string().parse(), Ok(allow.clone()));
    let Some(address) = address else { return true };
    match &allow {
        Allow::Host(name) => {
            assert!(name.len() <= 253 && !name.contains(char::is_uppercase));
            assert!(allow.covers(&name.to_uppercase(), address) && allow.covers(name, address));
            assert!(!allow.covers(&format!("x{name}"), address));
        }
        Allow::Block { first, length } => {
            assert!(allow.covers("any", *first), "a block holds its own address");
            if let (IpAddr::V4(first), IpAddr::V4(other)) = (first, address) {
                // Bit by bit, as the definition says.
                let same = (0..u32::from(*length))
                    .all(|bit| (first.to_bits() ^ other.to_bits()) & (1 << (31 - bit)) == 0);
                assert_eq!(allow.covers("any", address), same);
            }
        }
    }
    true
}

/// What the standard library knows not to be public is not, and an address is judged as the one it stands for.
fn judge(address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            let known = v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || v4.is_unspecified();
            assert!(!(known && is_public(address)), "{address}");
            assert_eq!(is_public(v4.to_ipv6_mapped().into()), is_public(address));
        }
        IpAddr::V6(v6) => {
            let known = v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local();
            assert!(!(known && is_public(address)), "{address}");
        }
    }
}
