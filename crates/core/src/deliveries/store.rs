use trinco_db::{Conn, Row, Tx, params, sql};

use super::{Delivery, Kind};
use crate::{Error, Result};

/// Stands for the time of the next attempt while one is under way: in the future of every clock.
const UNDER_WAY: i64 = i64::MAX;

/// Due at once: zero lies in the past of every clock.
pub(super) async fn insert(tx: &mut Tx<'_>, delivery: &Delivery, rank: i64) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO deliveries (tenant_id, kind, receiver, id, content, rank, attempts, next_attempt_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0)
             ON CONFLICT (tenant_id, kind, receiver, id) DO NOTHING"
        ),
        params![delivery.kind.name(), &delivery.receiver, &delivery.id, &delivery.content, rank],
    )
    .await?;
    Ok(())
}

/// Up to `limit` receivers for whom something is queued, due or not, those that come after `last`. One look into the index for each, however
/// much there is for it.
pub(super) async fn receivers(
    conn: &mut Conn<'_>,
    kind: Kind,
    last: &str,
    limit: usize,
) -> Result<Vec<String>> {
    let rows = conn
        .all(
            sql!(
                "SELECT receiver FROM
                 (WITH RECURSIVE waiting (receiver) AS (
                      SELECT MIN(receiver) FROM deliveries
                      WHERE tenant_id = $1 AND kind = $2 AND receiver > $3
                    UNION ALL
                      SELECT (SELECT MIN(d.receiver) FROM deliveries d
                              WHERE d.tenant_id = $1 AND d.kind = $2 AND d.receiver > waiting.receiver)
                      FROM waiting WHERE waiting.receiver IS NOT NULL)
                  SELECT receiver FROM waiting LIMIT $4) AS found
                 WHERE receiver IS NOT NULL"
            ),
            params![kind.name(), last, limit as i64],
        )
        .await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// Up to `limit` deliveries to a receiver whose time has come, the longest waiting first.
pub(super) async fn due(
    conn: &mut Conn<'_>,
    kind: Kind,
    receiver: &str,
    now_ms: i64,
    limit: usize,
) -> Result<Vec<Delivery>> {
    let rows = conn
        .all(
            sql!(
                "SELECT kind, receiver, id, content, attempts FROM deliveries
                 WHERE tenant_id = $1 AND kind = $2 AND receiver = $3 AND next_attempt_at <= $4
                 ORDER BY next_attempt_at, rank, id LIMIT $5"
            ),
            params![kind.name(), receiver, now_ms, limit as i64],
        )
        .await?;
    rows.into_iter().map(read).collect()
}

/// Up to `limit` deliveries that some node has under way, or had before it was gone.
pub(super) async fn under_way(conn: &mut Conn<'_>, limit: usize) -> Result<Vec<Delivery>> {
    let rows = conn
        .all(
            sql!(
                "SELECT kind, receiver, id, content, attempts FROM deliveries
                 WHERE tenant_id = $1 AND next_attempt_at = $2 ORDER BY kind, receiver, id LIMIT $3"
            ),
            params![UNDER_WAY, limit as i64],
        )
        .await?;
    rows.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Delivery> {
    let mut cols = row.cols();
    let kind: String = cols.next()?;
    Ok(Delivery {
        kind: Kind::named(&kind)
            .ok_or_else(|| Error::Internal(format!("a delivery is of the unknown kind {kind}")))?,
        receiver: cols.next()?,
        id: cols.next()?,
        content: cols.next()?,
        attempts: cols.next()?,
    })
}

pub(super) async fn count(conn: &mut Conn<'_>, kind: Kind) -> Result<i64> {
    let row = conn
        .one(
            sql!("SELECT COUNT(*) FROM deliveries WHERE tenant_id = $1 AND kind = $2"),
            params![kind.name()],
        )
        .await?;
    Ok(row.get(0)?)
}

/// Takes a delivery that was found due; false when another node has taken it since.
pub(super) async fn claim(tx: &mut Tx<'_>, found: &Delivery) -> Result<bool> {
    let claimed = tx
        .execute(
            sql!(
                "UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = $6
                 WHERE tenant_id = $1 AND kind = $2 AND receiver = $3 AND id = $4 AND attempts = $5"
            ),
            params![found.kind.name(), &found.receiver, &found.id, &found.attempts, UNDER_WAY],
        )
        .await?;
    Ok(claimed > 0)
}

/// Ends a delivery; false when another node has taken it since.
pub(super) async fn delete(tx: &mut Tx<'_>, claimed: &Delivery) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!(
                "DELETE FROM deliveries
                 WHERE tenant_id = $1 AND kind = $2 AND receiver = $3 AND id = $4 AND attempts = $5"
            ),
            params![claimed.kind.name(), &claimed.receiver, &claimed.id, &claimed.attempts],
        )
        .await?;
    Ok(deleted > 0)
}

/// Puts a delivery off until `at`; false when another node has taken it since.
pub(super) async fn put_off(tx: &mut Tx<'_>, claimed: &Delivery, at: i64) -> Result<bool> {
    let put_off = tx
        .execute(
            sql!(
                "UPDATE deliveries SET next_attempt_at = $6
                 WHERE tenant_id = $1 AND kind = $2 AND receiver = $3 AND id = $4 AND attempts = $5"
            ),
            params![claimed.kind.name(), &claimed.receiver, &claimed.id, &claimed.attempts, at],
        )
        .await?;
    Ok(put_off > 0)
}

pub(super) async fn delete_of_receiver(tx: &mut Tx<'_>, kind: Kind, receiver: &str) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM deliveries WHERE tenant_id = $1 AND kind = $2 AND receiver = $3"),
        params![kind.name(), receiver],
    )
    .await?;
    Ok(())
}
