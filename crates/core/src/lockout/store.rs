//! One row for each account or name that somebody has tried.

use trinco_db::{Tx, params, sql};

use crate::{Result, TokenHash};

/// An attempt to be counted. Times in milliseconds.
pub(super) struct Charge {
    pub(super) target: TokenHash,
    /// Attempts that are allowed within the count.
    pub(super) most: i64,
    pub(super) now: i64,
    /// When the count ends if this is the first attempt.
    pub(super) first_until: i64,
    /// When it ends if this is the last attempt that is allowed.
    pub(super) locked_until: i64,
}

/// What the count is now.
pub(super) struct Charged {
    pub(super) is_allowed: bool,
    pub(super) attempts: i64,
    pub(super) expires_at: i64,
}

/// Counts; beyond the most, nothing is changed any more until the count has ended.
pub(super) async fn charge(tx: &mut Tx<'_>, charge: &Charge) -> Result<Charged> {
    let Charge { target, most, now, first_until, locked_until } = charge;
    let counted = tx
        .execute(
            sql!(
                "INSERT INTO sign_in_attempts (tenant_id, target, attempts, expires_at)
                 VALUES ($1, $2, 1, $4)
                 ON CONFLICT (tenant_id, target) DO UPDATE SET
                     attempts = CASE WHEN sign_in_attempts.expires_at <= $3 THEN 1
                                     ELSE sign_in_attempts.attempts + 1 END,
                     expires_at = CASE WHEN sign_in_attempts.expires_at <= $3 THEN $4
                                       WHEN sign_in_attempts.attempts + 1 >= $6 THEN $5
                                       ELSE sign_in_attempts.expires_at END
                 WHERE sign_in_attempts.expires_at <= $3 OR sign_in_attempts.attempts < $6"
            ),
            params![target.as_str(), *now, *first_until, *locked_until, *most],
        )
        .await?;
    // There whatever was counted: the statement above has locked the row.
    let row = tx
        .one(
            sql!(
                "SELECT attempts, expires_at FROM sign_in_attempts WHERE tenant_id = $1 AND target = $2"
            ),
            params![target.as_str()],
        )
        .await?;
    Ok(Charged { is_allowed: counted > 0, attempts: row.get(0)?, expires_at: row.get(1)? })
}

/// Begins anew.
pub(super) async fn delete(tx: &mut Tx<'_>, target: &TokenHash) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM sign_in_attempts WHERE tenant_id = $1 AND target = $2"),
        params![target.as_str()],
    )
    .await?;
    Ok(())
}
