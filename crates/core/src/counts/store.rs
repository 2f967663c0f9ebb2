use std::collections::HashMap;

use trinco_db::{Conn, Sql, Tx, params, sql};

use crate::Result;

/// Nothing is taken off an owner that is gone: its rows went with it.
pub(super) async fn change(
    tx: &mut Tx<'_>,
    kind: &str,
    owner: &str,
    shard: i64,
    by: i64,
) -> Result<()> {
    let statement = if by > 0 {
        sql!(
            "INSERT INTO counts (tenant_id, kind, owner_id, shard, value) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant_id, kind, owner_id, shard) DO UPDATE SET value = counts.value + $5"
        )
    } else {
        sql!(
            "UPDATE counts SET value = value + $5
             WHERE tenant_id = $1 AND kind = $2 AND owner_id = $3 AND shard = $4"
        )
    };
    tx.execute(statement, params![kind, owner, shard, by]).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, kind: &str, owner: &str) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM counts WHERE tenant_id = $1 AND kind = $2 AND owner_id = $3"),
        params![kind, owner],
    )
    .await?;
    Ok(())
}

pub(super) async fn total(conn: &mut Conn<'_>, kind: &str, owner: &str) -> Result<i64> {
    let row = conn
        .one(
            sql!(
                "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counts
                 WHERE tenant_id = $1 AND kind = $2 AND owner_id = $3"
            ),
            params![kind, owner],
        )
        .await?;
    Ok(row.get(0)?)
}

pub(super) async fn totals(
    conn: &mut Conn<'_>,
    kind: &str,
    owners: &[String],
) -> Result<HashMap<String, i64>> {
    let select = Sql::from(sql!(
        "SELECT owner_id, CAST(SUM(value) AS BIGINT) FROM counts WHERE tenant_id = $1"
    ))
    .push(sql!(" AND kind = "), kind)
    .in_list(sql!(" AND owner_id IN "), owners)
    .text(sql!(" GROUP BY owner_id"));
    let rows = conn.all(&select, &[]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}
