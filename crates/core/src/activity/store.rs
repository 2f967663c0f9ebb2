use trinco_db::{Conn, Tx, params, sql};

use crate::Result;

pub(super) async fn last_day(conn: &mut Conn<'_>, user_id: &str) -> Result<Option<i64>> {
    let row = conn
        .optional(
            sql!("SELECT day FROM user_activity WHERE tenant_id = $1 AND user_id = $2"),
            params![user_id],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// A user who is gone has no activity. False when it was there already.
pub(super) async fn insert(tx: &mut Tx<'_>, user_id: &str, day: i64) -> Result<bool> {
    let inserted = tx
        .execute(
            sql!(
                "INSERT INTO user_activity (tenant_id, user_id, day)
                 SELECT tenant_id, id, CAST($3 AS BIGINT) FROM users WHERE tenant_id = $1 AND id = $2
                 ON CONFLICT (tenant_id, user_id) DO NOTHING"
            ),
            params![user_id, day],
        )
        .await?;
    Ok(inserted > 0)
}

/// False when it is no longer `before`.
pub(super) async fn advance(tx: &mut Tx<'_>, user_id: &str, before: i64, day: i64) -> Result<bool> {
    let advanced = tx
        .execute(
            sql!(
                "UPDATE user_activity SET day = $4 WHERE tenant_id = $1 AND user_id = $2 AND day = $3"
            ),
            params![user_id, before, day],
        )
        .await?;
    Ok(advanced > 0)
}

pub(super) async fn count(tx: &mut Tx<'_>, day: i64, gap: i64, shard: i64) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO active_users (tenant_id, day, gap, shard, value) VALUES ($1, $2, $3, $4, 1)
             ON CONFLICT (tenant_id, day, gap, shard) DO UPDATE SET value = active_users.value + 1"
        ),
        params![day, gap, shard],
    )
    .await?;
    Ok(())
}

/// Day, gap and number of users.
pub(super) async fn of_days(
    conn: &mut Conn<'_>,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, i64, i64)>> {
    let rows = conn
        .all(
            sql!(
                "SELECT day, gap, CAST(SUM(value) AS BIGINT) FROM active_users
                 WHERE tenant_id = $1 AND day >= $2 AND day <= $3 GROUP BY day, gap"
            ),
            params![first, last],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}
