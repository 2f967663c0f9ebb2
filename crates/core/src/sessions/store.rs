use trinco_db::{Conn, Row, Tx, params, sql};

use super::Session;
use super::administration::Kept;
use super::submission::Submission;
use crate::{Result, TokenHash};

pub(super) async fn find(conn: &mut Conn<'_>, cookie: &TokenHash) -> Result<Option<Session>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, user_id, authenticated_at, expires_at FROM sessions
                 WHERE tenant_id = $1 AND cookie_hash = $2"
            ),
            params![cookie.as_str()],
        )
        .await?;
    row.as_ref().map(session).transpose()
}

pub(super) async fn find_by_id(conn: &mut Conn<'_>, id: &str) -> Result<Option<Session>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, user_id, authenticated_at, expires_at FROM sessions
                 WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.as_ref().map(session).transpose()
}

fn session(row: &Row) -> Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        user_id: row.get(1)?,
        authenticated_at: row.get(2)?,
        expires_at: row.get(3)?,
    })
}

/// The sessions of a user that have not ended, the newest first.
pub(super) async fn of_user(conn: &mut Conn<'_>, user_id: &str, now_ms: i64) -> Result<Vec<Kept>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, user_id, authenticated_at, expires_at, created_at, client_id, last_submission FROM sessions
                 WHERE tenant_id = $1 AND user_id = $2 AND expires_at > $3 ORDER BY created_at DESC, id"
            ),
            params![user_id, now_ms],
        )
        .await?;
    rows.iter().map(kept).collect()
}

pub(super) async fn find_kept(conn: &mut Conn<'_>, id: &str) -> Result<Option<Kept>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, user_id, authenticated_at, expires_at, created_at, client_id, last_submission FROM sessions
                 WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.as_ref().map(kept).transpose()
}

fn kept(row: &Row) -> Result<Kept> {
    let submission: Option<String> = row.get(6)?;
    Ok(Kept {
        session: session(row)?,
        created_at: row.get(4)?,
        client_id: row.get(5)?,
        last_submission: submission.map(|text| serde_json::from_str(&text)).transpose()?,
    })
}

pub(super) async fn set_submission(
    tx: &mut Tx<'_>,
    id: &str,
    client_id: &str,
    submission: &Submission,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE sessions SET client_id = $3, last_submission = $4 WHERE tenant_id = $1 AND id = $2"
        ),
        params![id, client_id, serde_json::to_string(submission)?],
    )
    .await?;
    Ok(())
}

/// Stores a session under `id`.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    id: &str,
    session: &Session,
    cookie: &TokenHash,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO sessions (tenant_id, id, cookie_hash, user_id, authenticated_at, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $5, $6)"
        ),
        params![id, cookie.as_str(), &session.user_id, &session.authenticated_at, &session.expires_at],
    )
    .await?;
    Ok(())
}

/// False when the session is gone.
pub(super) async fn renew(tx: &mut Tx<'_>, session: &Session, cookie: &TokenHash) -> Result<bool> {
    let renewed = tx
        .execute(
            sql!(
                "UPDATE sessions SET cookie_hash = $3, authenticated_at = $4, expires_at = $5
                 WHERE tenant_id = $1 AND id = $2 AND user_id = $6"
            ),
            params![
                &session.id,
                cookie.as_str(),
                &session.authenticated_at,
                &session.expires_at,
                &session.user_id
            ],
        )
        .await?;
    Ok(renewed > 0)
}

/// Takes a session's row until the transaction ends; false when it is gone.
pub(super) async fn take(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let taken = tx
        .execute(
            sql!("UPDATE sessions SET expires_at = expires_at WHERE tenant_id = $1 AND id = $2"),
            params![id],
        )
        .await?;
    Ok(taken > 0)
}

/// Takes the rows of a user's sessions until the transaction ends.
pub(super) async fn take_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    tx.execute(
        sql!("UPDATE sessions SET expires_at = expires_at WHERE tenant_id = $1 AND user_id = $2"),
        params![user_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM sessions WHERE tenant_id = $1 AND id = $2"), params![id]).await?;
    Ok(())
}

pub(super) async fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2"),
        params![user_id],
    )
    .await?;
    Ok(())
}
