//! Which days users are active on: when they sign in, or an application gets tokens for them.
//!
//! Of each user the last day is kept, and of each day how many users were active by how long they had been away. Users active within
//! any span of days follow from that: whoever was away for long enough comes to the span for the first time. So a day costs a user one
//! write, and a year of a million users some thousand rows.

mod store;

use std::collections::BTreeMap;

use trinco_db::{Conn, Tx};

use crate::Result;

const DAY_MS: i64 = 86_400_000;
/// Whoever was away for longer than any span that is asked for comes anew.
const LONGEST_GAP: i64 = 31;
/// Over so many rows a number is spread, for those who come at once.
const SHARDS: i64 = 4;

/// A day, as days since 1970 (UTC).
pub(crate) fn day_of(now_ms: i64) -> i64 {
    now_ms.div_euclid(DAY_MS)
}

/// Notes that a user is active. Comes first in a transaction that touches what belongs to the user, as whoever changes the user does.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn note(tx: &mut Tx<'_>, user_id: &str, now_ms: i64) -> Result<()> {
    let day = day_of(now_ms);
    let before = store::last_day(tx, user_id).await?;
    if before.is_some_and(|before| before >= day) {
        return Ok(());
    }
    // Whoever comes second finds that it is no longer as it was read, and that the user is counted.
    let is_first = match before {
        None => store::insert(tx, user_id, day).await?,
        Some(before) => store::advance(tx, user_id, before, day).await?,
    };
    if is_first {
        let gap = before.map_or(0, |before| (day - before).min(LONGEST_GAP));
        let shard = user_id.bytes().map(i64::from).sum::<i64>() % SHARDS;
        store::count(tx, day, gap, shard).await?;
    }
    Ok(())
}

/// How many users were active, by the day and how long each had been away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(BTreeMap<i64, Vec<(i64, i64)>>);

impl Activity {
    /// Reads the days from `first` to `last`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn read(conn: &mut Conn<'_>, first: i64, last: i64) -> Result<Self> {
        let mut days: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
        for (day, gap, users) in store::of_days(conn, first, last).await? {
            days.entry(day).or_default().push((gap, users));
        }
        Ok(Self(days))
    }

    /// How many users were active on `last` or one of the days before it, `days` in all (at most 31).
    pub(crate) fn within(&self, last: i64, days: i64) -> i64 {
        let first = last - days + 1;
        // Who was active within the span before that day has been counted on that earlier day.
        let comes_anew = |day: i64, gap: i64| gap == 0 || gap >= LONGEST_GAP || day - gap < first;
        self.0
            .range(first..=last)
            .flat_map(|(day, users)| users.iter().map(move |(gap, users)| (*day, *gap, *users)))
            .filter(|(day, gap, _)| comes_anew(*day, *gap))
            .map(|(_, _, users)| users)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_span_counts_each_user_once(
            visits in proptest::collection::vec((0_u8..12, 0_i64..120), 0..200),
            last in 0_i64..120,
            days in 1_i64..31,
        ) {
            let mut by_user: BTreeMap<u8, BTreeSet<i64>> = BTreeMap::new();
            for (user, day) in &visits {
                by_user.entry(*user).or_default().insert(*day);
            }
            let mut activity = Activity::default();
            for of_user in by_user.values() {
                let mut before = None;
                for day in of_user {
                    let gap = before.map_or(0, |before: i64| (day - before).min(LONGEST_GAP));
                    activity.0.entry(*day).or_default().push((gap, 1));
                    before = Some(*day);
                }
            }
            let span = last - days + 1..=last;
            let expected = by_user.values().filter(|of_user| of_user.iter().any(|day| span.contains(day))).count();
            prop_assert_eq!(activity.within(last, days), expected as i64);
        }
    }
}
