use serde_json::Value;
use trinco_db::{Conn, Row, Tx, params, sql};

use super::{Entry, Recorded};
use crate::Result;

pub(super) async fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<()> {
    let payload = Value::Object(entry.payload.clone()).to_string();
    tx.execute(
        sql!(
            "INSERT INTO logs (tenant_id, id, key, payload, user_id, application_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![
            &entry.id,
            entry.key,
            payload,
            &entry.user_id,
            &entry.application_id,
            &entry.created_at
        ],
    )
    .await?;
    Ok(())
}

/// The page after `last`, by time and, of one moment, by id.
pub(super) async fn page(
    conn: &mut Conn<'_>,
    (from, until): (i64, i64),
    last: Option<&Recorded>,
    limit: u32,
) -> Result<Vec<Recorded>> {
    let (time, id) = last.map_or((from, ""), |last| (last.created_at, last.id.as_str()));
    let rows = conn
        .all(
            sql!(
                "SELECT id, key, payload, created_at FROM logs
                 WHERE tenant_id = $1 AND created_at < $2 AND (created_at, id) > ($3, $4)
                 ORDER BY created_at, id LIMIT $5"
            ),
            params![until, time, id, limit],
        )
        .await?;
    let recorded = |row: Row| -> Result<Recorded> {
        let mut cols = row.cols();
        Ok(Recorded {
            id: cols.next()?,
            key: cols.next()?,
            payload: serde_json::from_str(&cols.next::<String>()?)?,
            created_at: cols.next()?,
        })
    };
    rows.into_iter().map(recorded).collect()
}
