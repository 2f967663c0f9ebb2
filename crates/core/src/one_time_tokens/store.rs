use trinco_db::{Conn, Row, Sql, Tx, params, sql};

use super::Filter;
use super::model::{Context, Status};
use crate::{Error, Page, Result, TokenHash};

/// A token as it is stored: times in Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct StoredToken {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) sealed: String,
    pub(super) context: Context,
    pub(super) status: Status,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
}

fn token(row: Row) -> Result<StoredToken> {
    let mut cols = row.cols();
    Ok(StoredToken {
        id: cols.next()?,
        email: cols.next()?,
        sealed: cols.next()?,
        context: serde_json::from_str(&cols.next::<String>()?)?,
        status: Status::named(&cols.next::<String>()?)
            .ok_or_else(|| Error::Internal("a stored token has no known status".to_owned()))?,
        created_at: cols.next()?,
        expires_at: cols.next()?,
    })
}

pub(super) async fn list(
    conn: &mut Conn<'_>,
    filter: &Filter,
    now_ms: i64,
    page: Page,
) -> Result<(Vec<StoredToken>, i64)> {
    let count = Sql::from(sql!("SELECT COUNT(*) FROM one_time_tokens WHERE tenant_id = $1"));
    let total = conn.one(&filtered(count, filter, now_ms), &[]).await?.get(0)?;
    let select = Sql::from(sql!(
        "SELECT id, email, token_sealed, context, status, created_at, expires_at
         FROM one_time_tokens WHERE tenant_id = $1"
    ));
    let select = filtered(select, filter, now_ms)
        .text(sql!(" ORDER BY created_at DESC, id COLLATE BYTES DESC"))
        .push(sql!(" LIMIT "), page.limit)
        .push(sql!(" OFFSET "), page.offset);
    let rows = conn.all(&select, &[]).await?;
    Ok((rows.into_iter().map(token).collect::<Result<_>>()?, total))
}

/// An active token whose time is over has expired, though nobody has noted it.
fn filtered(mut query: Sql, filter: &Filter, now_ms: i64) -> Sql {
    if let Some(email) = &filter.email {
        query = query.push(sql!(" AND email_folded = "), email.to_lowercase());
    }
    match filter.status {
        None => query,
        Some(Status::Active) => {
            query.text(sql!(" AND status = 'active'")).push(sql!(" AND expires_at > "), now_ms)
        }
        Some(Status::Expired) => query
            .push(sql!(" AND (status = 'expired' OR status = 'active' AND expires_at <= "), now_ms)
            .text(sql!(")")),
        Some(other) => query.push(sql!(" AND status = "), other.as_str()),
    }
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<StoredToken>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, email, token_sealed, context, status, created_at, expires_at
                 FROM one_time_tokens WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(token).transpose()
}

pub(super) async fn find_by_hash(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
) -> Result<Option<StoredToken>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, email, token_sealed, context, status, created_at, expires_at
                 FROM one_time_tokens WHERE tenant_id = $1 AND token_hash = $2"
            ),
            params![hash.as_str()],
        )
        .await?;
    row.map(token).transpose()
}

pub(super) async fn insert(tx: &mut Tx<'_>, token: &StoredToken, hash: &TokenHash) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO one_time_tokens (tenant_id, id, email, email_folded, token_sealed, token_hash, context, status,
                 created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        params![
            &token.id,
            &token.email,
            token.email.to_lowercase(),
            &token.sealed,
            hash.as_str(),
            serde_json::to_string(&token.context)?,
            token.status.as_str(),
            token.created_at,
            token.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// Spends a token; false when it cannot be any more.
pub(super) async fn consume(tx: &mut Tx<'_>, id: &str, now_ms: i64) -> Result<bool> {
    let consumed = tx
        .execute(
            sql!(
                "UPDATE one_time_tokens SET status = 'consumed'
                 WHERE tenant_id = $1 AND id = $2 AND status = 'active' AND expires_at > $3"
            ),
            params![id, now_ms],
        )
        .await?;
    Ok(consumed > 0)
}

/// False when there is no such token.
pub(super) async fn set_status(tx: &mut Tx<'_>, id: &str, status: Status) -> Result<bool> {
    let changed = tx
        .execute(
            sql!("UPDATE one_time_tokens SET status = $3 WHERE tenant_id = $1 AND id = $2"),
            params![id, status.as_str()],
        )
        .await?;
    Ok(changed > 0)
}

/// False when there is no such token.
pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM one_time_tokens WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}
