//! When a delivery that another node has begun may be taken from it: once it has been seen at the same attempt for as long as a lease.
//!
//! It is counted from when this node saw it, by a clock that only has to run evenly: nodes need not agree on what time it is.

use std::collections::BTreeMap;

use super::{Delivery, Key};

/// A delivery that has begun belongs to its node for this long: milliseconds. Longer than the outbound client ever waits.
const LEASE_MS: i64 = 60_000;
/// How often is looked at what others have under way: milliseconds.
const LOOK_EVERY_MS: i64 = 5_000;

/// The deliveries that others have under way, as this node has seen them.
#[derive(Default)]
pub(super) struct Leases {
    seen: BTreeMap<Key, Seen>,
    looked_at: Option<i64>,
}

#[derive(Clone, Copy)]
struct Seen {
    attempts: i64,
    since: i64,
}

impl Leases {
    /// Whether it is time to look again, at the moment `at`.
    pub(super) fn wants_to_look(&self, at: i64) -> bool {
        self.looked_at.is_none_or(|looked_at| at - looked_at >= LOOK_EVERY_MS)
    }

    /// Of what others have under way at the moment `at`, what they have not settled for the time of a lease.
    pub(super) fn run_out(&mut self, under_way: Vec<Delivery>, at: i64) -> Vec<Delivery> {
        self.looked_at = Some(at);
        let before = std::mem::take(&mut self.seen);
        under_way
            .into_iter()
            .filter(|delivery| {
                let key = delivery.key();
                let same = before.get(&key).filter(|seen| seen.attempts == delivery.attempts);
                let seen = same.copied().unwrap_or(Seen { attempts: delivery.attempts, since: at });
                self.seen.insert(key, seen);
                at - seen.since >= LEASE_MS
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliveries::Kind;

    fn delivery(id: &str, attempts: i64) -> Delivery {
        let (receiver, id) = ("r".to_owned(), id.to_owned());
        Delivery { kind: Kind::Logout, receiver, id, content: String::new(), attempts }
    }

    #[test]
    fn a_lease_runs_out_once_the_same_attempt_was_seen_for_its_time() {
        let mut leases = Leases::default();
        let (one, two) = (delivery("1", 1), delivery("2", 1));
        assert!(leases.wants_to_look(0));
        assert_eq!(leases.run_out(vec![one.clone()], 0), []);
        assert!(!leases.wants_to_look(LOOK_EVERY_MS - 1) && leases.wants_to_look(LOOK_EVERY_MS));
        assert_eq!(leases.run_out(vec![one.clone(), two.clone()], 30_000), []);
        assert_eq!(leases.run_out(vec![one.clone(), two], LEASE_MS), [one]);
        // Somebody has taken the first, and the second was settled in between.
        let (one, again) = (delivery("1", 2), delivery("2", 2));
        assert_eq!(leases.run_out(vec![one.clone()], 80_000), []);
        assert_eq!(leases.run_out(vec![one.clone(), again], 80_000 + LEASE_MS), [one]);
    }
}
