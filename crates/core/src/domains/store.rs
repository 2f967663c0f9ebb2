use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{DomainStatus, VerificationFiles};
use crate::{Error, Result};

/// A domain as it is kept.
#[derive(Clone, Debug)]
pub(super) struct StoredDomain {
    pub(super) id: String,
    pub(super) domain: String,
    pub(super) status: DomainStatus,
    pub(super) error_message: Option<String>,
    pub(super) challenge: String,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<StoredDomain>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, domain, status, error_message, challenge, created_at, updated_at
                 FROM domains WHERE tenant_id = $1 ORDER BY created_at, id"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(domain).collect()
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<StoredDomain>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, domain, status, error_message, challenge, created_at, updated_at
                 FROM domains WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(domain).transpose()
}

fn domain(row: Row) -> Result<StoredDomain> {
    let mut cols = row.cols();
    Ok(StoredDomain {
        id: cols.next()?,
        domain: cols.next()?,
        status: DomainStatus::from_stored(&cols.next::<String>()?)?,
        error_message: cols.next()?,
        challenge: cols.next()?,
        created_at: cols.next()?,
        updated_at: cols.next()?,
    })
}

/// Keeps a domain, unless there are `most` already; false then.
pub(super) async fn insert(tx: &mut Tx<'_>, domain: &StoredDomain, most: i64) -> Result<bool> {
    let files = serde_json::to_string(&VerificationFiles::default())?;
    let inserted = tx
        .execute(
            sql!(
                "INSERT INTO domains (tenant_id, id, domain, status, error_message, challenge,
                     verification_files, created_at, updated_at)
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8
                 WHERE (SELECT COUNT(*) FROM domains WHERE tenant_id = $1) < $9"
            ),
            params![
                domain.id.as_str(),
                domain.domain.as_str(),
                domain.status.as_str(),
                &domain.error_message,
                domain.challenge.as_str(),
                files,
                domain.created_at,
                most
            ],
        )
        .await?;
    Ok(inserted > 0)
}

/// Notes what was found; the time moves when the status does.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    id: &str,
    status: DomainStatus,
    error_message: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let error_message = error_message.map(str::to_owned);
    tx.execute(
        sql!(
            "UPDATE domains SET
                 updated_at = CASE WHEN status = $3 THEN updated_at ELSE $5 END,
                 status = $3, error_message = $4
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![id, status.as_str(), error_message, now_ms],
    )
    .await?;
    Ok(())
}

/// False when there is no such domain.
pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM domains WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

/// Deletes a domain unless it has become active meanwhile; false then.
pub(super) async fn delete_stale(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let delete =
        sql!("DELETE FROM domains WHERE tenant_id = $1 AND id = $2 AND status <> 'Active'");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

/// The files of the domain with this id.
pub(super) async fn files(conn: &mut Conn<'_>, id: &str) -> Result<Option<VerificationFiles>> {
    let select = sql!("SELECT verification_files FROM domains WHERE tenant_id = $1 AND id = $2");
    let row = conn.optional(select, params![id]).await?;
    row.map(|row| Ok(serde_json::from_str(&row.get::<String>(0)?)?)).transpose()
}

/// The files that are served under a host name.
pub(super) async fn files_of(
    conn: &mut Conn<'_>,
    domain: &str,
) -> Result<Option<VerificationFiles>> {
    let select =
        sql!("SELECT verification_files FROM domains WHERE tenant_id = $1 AND domain = $2");
    let row = conn.optional(select, params![domain]).await?;
    row.map(|row| Ok(serde_json::from_str(&row.get::<String>(0)?)?)).transpose()
}

/// False when there is no such domain.
pub(super) async fn set_files(
    tx: &mut Tx<'_>,
    id: &str,
    files: &VerificationFiles,
) -> Result<bool> {
    let text = serde_json::to_string(files)
        .map_err(|error| Error::Internal(format!("files cannot be written as JSON: {error}")))?;
    let update =
        sql!("UPDATE domains SET verification_files = $3 WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(update, params![id, text]).await? > 0)
}
