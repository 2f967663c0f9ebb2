//! When keys move on: pure functions.

use trinco_jose::KeyState;

use super::model::KeyRecord;

/// How this installation rotates keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a new signing key is published before it signs, unless a rotation says otherwise: milliseconds.
    pub grace_ms: i64,
    /// The age at which keys are rotated by themselves: milliseconds. `None` for never.
    pub rotate_every_ms: Option<i64>,
}

/// Four hours, and no rotation by itself.
impl Default for Policy {
    fn default() -> Self {
        Self { grace_ms: 4 * 3_600_000, rotate_every_ms: None }
    }
}

/// Whether a key's time has come: a staged key is to sign, or a previous one is not needed any more.
pub(super) fn is_due(record: &KeyRecord, now_ms: i64) -> bool {
    let at = match record.status {
        KeyState::Next => record.effective_at,
        KeyState::Previous => record.expires_at,
        KeyState::Current => None,
    };
    at.is_some_and(|at| at <= now_ms)
}

/// Whether the schedule asks for a rotation of these keys: the current one is old and nothing is staged.
pub(super) fn is_old(records: &[KeyRecord], policy: Policy, now_ms: i64) -> bool {
    let Some(age) = policy.rotate_every_ms else { return false };
    let is_staged = records.iter().any(|record| record.status == KeyState::Next);
    let since = records
        .iter()
        .find(|record| record.status == KeyState::Current)
        .map(|current| current.effective_at.unwrap_or(current.created_at));
    !is_staged && since.is_some_and(|since| since.saturating_add(age) <= now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(status: KeyState, effective_at: Option<i64>, expires_at: Option<i64>) -> KeyRecord {
        KeyRecord {
            id: String::new(),
            created_at: 100,
            signing_key_algorithm: None,
            algorithm: None,
            security_profile: None,
            status,
            effective_at,
            expires_at,
        }
    }

    #[test]
    fn a_key_moves_on_when_its_time_has_come_and_not_before() {
        for (status, due_at) in
            [(KeyState::Next, Some(5)), (KeyState::Previous, Some(7)), (KeyState::Current, None)]
        {
            let record = record(status, Some(5), Some(7));
            for now in 0..10 {
                assert_eq!(
                    is_due(&record, now),
                    due_at.is_some_and(|at| at <= now),
                    "{status:?} {now}"
                );
            }
        }
        assert!(!is_due(&record(KeyState::Previous, None, None), i64::MAX));
    }

    #[test]
    fn a_schedule_rotates_an_old_key_once() {
        let policy = Policy { rotate_every_ms: Some(50), ..Policy::default() };
        let current = record(KeyState::Current, None, None);
        assert!(!is_old(std::slice::from_ref(&current), policy, 149));
        assert!(is_old(std::slice::from_ref(&current), policy, 150));
        let promoted = record(KeyState::Current, Some(120), None);
        assert!(!is_old(std::slice::from_ref(&promoted), policy, 169));
        let next = record(KeyState::Next, Some(500), None);
        assert!(!is_old(&[next, current.clone()], policy, 1_000));
        assert!(!is_old(&[current], Policy::default(), i64::MAX));
    }
}
