use std::collections::HashMap;

use serde_json::Value;
use trinco_db::{Conn, Row, Sql, Tx, params, sql};

use super::{Entry, Filter, Outcome, Recorded};
use crate::{Page, Result};

pub(super) async fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<()> {
    let payload = Value::Object(entry.payload.clone()).to_string();
    tx.execute(
        sql!(
            "INSERT INTO logs (tenant_id, id, key, payload, user_id, application_id, hook_id, succeeded, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        params![
            &entry.id,
            entry.key,
            payload,
            &entry.user_id,
            &entry.application_id,
            &entry.hook_id,
            entry.outcome == Outcome::Success,
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
    rows.into_iter().map(recorded).collect()
}

fn recorded(row: Row) -> Result<Recorded> {
    let mut cols = row.cols();
    Ok(Recorded {
        id: cols.next()?,
        key: cols.next()?,
        payload: serde_json::from_str(&cols.next::<String>()?)?,
        created_at: cols.next()?,
    })
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Recorded>> {
    let row = conn
        .optional(
            sql!("SELECT id, key, payload, created_at FROM logs WHERE tenant_id = $1 AND id = $2"),
            params![id],
        )
        .await?;
    row.map(recorded).transpose()
}

/// A page of the entries, the newest first. Which they are is found in an index alone, so that the entries before them are not read.
pub(super) async fn list(
    conn: &mut Conn<'_>,
    hook_id: Option<&str>,
    filter: &Filter,
    page: Page,
) -> Result<Vec<Recorded>> {
    let ids = Sql::from(sql!("SELECT id FROM logs WHERE tenant_id = $1"));
    let ids = filtered(ids, hook_id, filter)
        .text(sql!(" ORDER BY created_at DESC, id DESC"))
        .push(sql!(" LIMIT "), page.limit)
        .push(sql!(" OFFSET "), page.offset);
    let ids = conn.all(&ids, &[]).await?;
    let ids = ids.iter().map(|row| Ok(row.get(0)?)).collect::<Result<Vec<String>>>()?;
    let entries =
        Sql::from(sql!("SELECT id, key, payload, created_at FROM logs WHERE tenant_id = $1"))
            .in_list(sql!(" AND id IN "), &ids);
    let mut found: HashMap<String, Recorded> = HashMap::new();
    for row in conn.all(&entries, &[]).await? {
        let entry = recorded(row)?;
        found.insert(entry.id.clone(), entry);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// How many entries there are; no further than `most`.
pub(super) async fn count(
    conn: &mut Conn<'_>,
    hook_id: Option<&str>,
    filter: &Filter,
    most: Option<i64>,
) -> Result<i64> {
    let count = match most {
        None => {
            let count = Sql::from(sql!("SELECT COUNT(*) FROM logs WHERE tenant_id = $1"));
            filtered(count, hook_id, filter)
        }
        Some(most) => {
            let count =
                Sql::from(sql!("SELECT COUNT(*) FROM (SELECT id FROM logs WHERE tenant_id = $1"));
            filtered(count, hook_id, filter).push(sql!(" LIMIT "), most).text(sql!(") AS counted"))
        }
    };
    Ok(conn.one(&count, &[]).await?.get(0)?)
}

fn filtered(mut query: Sql, hook_id: Option<&str>, filter: &Filter) -> Sql {
    query = match hook_id {
        None => query.text(sql!(" AND hook_id IS NULL")),
        Some(id) => query.push(sql!(" AND hook_id = "), id),
    };
    if let Some(id) = &filter.user_id {
        query = query.push(sql!(" AND user_id = "), id);
    }
    if let Some(id) = &filter.application_id {
        query = query.push(sql!(" AND application_id = "), id);
    }
    if let Some(key) = &filter.key {
        query = query.push(sql!(" AND key = "), key);
    }
    if let Some(from) = filter.from {
        query = query.push(sql!(" AND created_at >= "), from);
    }
    if let Some(until) = filter.until {
        query = query.push(sql!(" AND created_at <= "), until);
    }
    query
}

pub(super) async fn count_of_hook(
    conn: &mut Conn<'_>,
    hook_id: &str,
    since: i64,
) -> Result<(i64, i64)> {
    let row = conn
        .one(
            sql!(
                "SELECT COUNT(*), COUNT(CASE WHEN succeeded THEN 1 END) FROM logs
                 WHERE tenant_id = $1 AND hook_id = $2 AND created_at >= $3"
            ),
            params![hook_id, since],
        )
        .await?;
    let mut cols = row.cols();
    Ok((cols.next()?, cols.next()?))
}
