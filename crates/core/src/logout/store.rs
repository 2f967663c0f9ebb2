use trinco_db::{Conn, Row, Tx, params, sql};

use super::Told;
use crate::Result;

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

/// Who is told of the end of a session.
pub(super) async fn of_session(conn: &mut Conn<'_>, session_id: &str) -> Result<Vec<Told>> {
    let rows = conn
        .all(
            sql!(
                "SELECT p.session_id, p.client_id, s.user_id FROM session_participants p
                 JOIN sessions s ON s.tenant_id = p.tenant_id AND s.id = p.session_id
                 WHERE p.tenant_id = $1 AND p.session_id = $2"
            ),
            params![session_id],
        )
        .await?;
    rows.into_iter().map(told).collect()
}

/// Who is told of the end of each session of a user.
pub(super) async fn of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<Told>> {
    let rows = conn
        .all(
            sql!(
                "SELECT p.session_id, p.client_id, s.user_id FROM sessions s
                 JOIN session_participants p ON p.tenant_id = s.tenant_id AND p.session_id = s.id
                 WHERE s.tenant_id = $1 AND s.user_id = $2"
            ),
            params![user_id],
        )
        .await?;
    rows.into_iter().map(told).collect()
}

fn told(row: Row) -> Result<Told> {
    let mut cols = row.cols();
    Ok(Told { session_id: cols.next()?, client_id: cols.next()?, user_id: cols.next()? })
}
