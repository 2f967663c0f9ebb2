//! How often a delivery is tried: pure functions.

const MINUTE: i64 = 60_000;
/// The pauses after the first, second, … failed attempt: milliseconds. After the last one the delivery is given up, about a day later.
const PAUSES: [i64; 8] = [
    5_000,
    30_000,
    2 * MINUTE,
    10 * MINUTE,
    60 * MINUTE,
    3 * 60 * MINUTE,
    8 * 60 * MINUTE,
    12 * 60 * MINUTE,
];

/// How long to wait after the failed attempt number `attempts` (from 1): milliseconds. `None` to give up.
pub(super) fn pause_after(attempts: i64) -> Option<i64> {
    usize::try_from(attempts - 1).ok().and_then(|index| PAUSES.get(index)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_after_a_day() {
        let pauses: Vec<i64> = (1..).map_while(pause_after).collect();
        assert!(pauses.is_sorted() && pauses.len() == PAUSES.len());
        let hours = pauses.iter().sum::<i64>() / (60 * MINUTE);
        assert!((20..30).contains(&hours), "{hours}");
        assert_eq!(pause_after(0), None);
    }
}
