use trinco_db::{Conn, Row, Tx, params, sql};

use super::Delivery;
use crate::Result;

/// Stands for the time of the next attempt while one is under way: in the future of every clock.
const UNDER_WAY: i64 = i64::MAX;

/// Notes that a client takes part in a session. A session that has just ended has no participants.
pub(super) async fn insert_participant(
    tx: &mut Tx<'_>,
    session_id: &str,
    client_id: &str,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO session_participants (tenant_id, session_id, client_id)
             SELECT tenant_id, id, CAST($3 AS TEXT) FROM sessions WHERE tenant_id = $1 AND id = $2
             ON CONFLICT (tenant_id, session_id, client_id) DO NOTHING"
        ),
        params![session_id, client_id],
    )
    .await?;
    Ok(())
}

/// Due at once: zero lies in the past of every clock.
pub(super) async fn queue_of_session(tx: &mut Tx<'_>, session_id: &str) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO logout_deliveries (tenant_id, session_id, client_id, user_id, attempts, next_attempt_at)
             SELECT p.tenant_id, p.session_id, p.client_id, s.user_id, 0, 0
             FROM session_participants p JOIN sessions s ON s.tenant_id = p.tenant_id AND s.id = p.session_id
             WHERE p.tenant_id = $1 AND p.session_id = $2
             ON CONFLICT (tenant_id, session_id, client_id) DO NOTHING"
        ),
        params![session_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn queue_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO logout_deliveries (tenant_id, session_id, client_id, user_id, attempts, next_attempt_at)
             SELECT p.tenant_id, p.session_id, p.client_id, s.user_id, 0, 0
             FROM sessions s JOIN session_participants p ON p.tenant_id = s.tenant_id AND p.session_id = s.id
             WHERE s.tenant_id = $1 AND s.user_id = $2
             ON CONFLICT (tenant_id, session_id, client_id) DO NOTHING"
        ),
        params![user_id],
    )
    .await?;
    Ok(())
}

/// Up to `limit` deliveries whose time has come, the longest waiting first, and of each client the `of_client` that have waited longest.
pub(super) async fn due(
    conn: &mut Conn<'_>,
    now_ms: i64,
    of_client: usize,
    limit: usize,
) -> Result<Vec<Delivery>> {
    let rows = conn
        .all(
            sql!(
                "SELECT session_id, client_id, user_id, attempts FROM
                 (SELECT session_id, client_id, user_id, attempts, next_attempt_at,
                         ROW_NUMBER() OVER (PARTITION BY client_id ORDER BY next_attempt_at, session_id) AS place
                  FROM logout_deliveries WHERE tenant_id = $1 AND next_attempt_at <= $2) AS waiting
                 WHERE place <= $3 ORDER BY next_attempt_at, place LIMIT $4"
            ),
            params![now_ms, of_client as i64, limit as i64],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Up to `limit` deliveries that some node has under way, or had before it was gone.
pub(super) async fn under_way(conn: &mut Conn<'_>, limit: usize) -> Result<Vec<Delivery>> {
    let rows = conn
        .all(
            sql!(
                "SELECT session_id, client_id, user_id, attempts FROM logout_deliveries
                 WHERE tenant_id = $1 AND next_attempt_at = $2 ORDER BY session_id, client_id LIMIT $3"
            ),
            params![UNDER_WAY, limit as i64],
        )
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        session_id: row.get(0)?,
        client_id: row.get(1)?,
        user_id: row.get(2)?,
        attempts: row.get(3)?,
    })
}

pub(super) async fn count(conn: &mut Conn<'_>) -> Result<i64> {
    let row =
        conn.one(sql!("SELECT COUNT(*) FROM logout_deliveries WHERE tenant_id = $1"), &[]).await?;
    Ok(row.get(0)?)
}

/// Takes a delivery that was found due; false when another node has taken it since.
pub(super) async fn claim(tx: &mut Tx<'_>, found: &Delivery) -> Result<bool> {
    let claimed = tx
        .execute(
            sql!(
                "UPDATE logout_deliveries SET attempts = attempts + 1, next_attempt_at = $5
                 WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3 AND attempts = $4"
            ),
            params![&found.session_id, &found.client_id, &found.attempts, UNDER_WAY],
        )
        .await?;
    Ok(claimed > 0)
}

/// Ends a delivery; false when another node has taken it since.
pub(super) async fn delete(tx: &mut Tx<'_>, claimed: &Delivery) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!(
                "DELETE FROM logout_deliveries
                 WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3 AND attempts = $4"
            ),
            params![&claimed.session_id, &claimed.client_id, &claimed.attempts],
        )
        .await?;
    Ok(deleted > 0)
}

/// Puts a delivery off until `at`; nothing happens when another node has taken it since.
pub(super) async fn put_off(tx: &mut Tx<'_>, claimed: &Delivery, at: i64) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE logout_deliveries SET next_attempt_at = $5
             WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3 AND attempts = $4"
        ),
        params![&claimed.session_id, &claimed.client_id, &claimed.attempts, at],
    )
    .await?;
    Ok(())
}
