use trinco_db::{Conn, Row, Sql, Tx, params, sql};

use super::model::Status;
use crate::{Error, Result};

/// An invitation as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) organization_id: String,
    pub(super) inviter_id: Option<String>,
    pub(super) invitee: String,
    pub(super) accepted_user_id: Option<String>,
    pub(super) status: Status,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) expires_at: i64,
}

/// Which invitations to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those into this organization.
    pub organization_id: Option<String>,
    /// Only those by this user.
    pub inviter_id: Option<String>,
    /// Only those of this e-mail address, in any case.
    pub invitee: Option<String>,
}

/// Those that fit, the newest first, and no more than `limit`.
pub(super) async fn list(conn: &mut Conn<'_>, filter: &Filter, limit: i64) -> Result<Vec<Stored>> {
    let mut query = Sql::from(sql!(
        "SELECT id, organization_id, inviter_id, invitee, accepted_user_id, status, created_at, updated_at, expires_at
         FROM organization_invitations WHERE tenant_id = $1"
    ));
    if let Some(id) = &filter.organization_id {
        query = query.push(sql!(" AND organization_id = "), id);
    }
    if let Some(id) = &filter.inviter_id {
        query = query.push(sql!(" AND inviter_id = "), id);
    }
    if let Some(invitee) = &filter.invitee {
        query = query.push(sql!(" AND invitee_folded = "), invitee.to_lowercase());
    }
    let query = query.text(sql!(" ORDER BY created_at DESC, id")).push(sql!(" LIMIT "), limit);
    conn.all(&query, &[]).await?.into_iter().map(stored).collect()
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Stored>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, organization_id, inviter_id, invitee, accepted_user_id, status, created_at, updated_at,
                        expires_at
                 FROM organization_invitations WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(stored).transpose()
}

fn stored(row: Row) -> Result<Stored> {
    let mut cols = row.cols();
    let (id, organization_id, inviter_id) = (cols.next()?, cols.next()?, cols.next()?);
    let (invitee, accepted_user_id) = (cols.next()?, cols.next()?);
    let status: String = cols.next()?;
    Ok(Stored {
        id,
        organization_id,
        inviter_id,
        invitee,
        accepted_user_id,
        status: Status::named(&status).ok_or_else(|| {
            Error::Internal(format!("an invitation has the unknown status {status}"))
        })?,
        created_at: cols.next()?,
        updated_at: cols.next()?,
        expires_at: cols.next()?,
    })
}

/// The ids of the roles of an invitation.
pub(super) async fn roles(conn: &mut Conn<'_>, id: &str) -> Result<Vec<String>> {
    let select = sql!(
        "SELECT organization_role_id FROM organization_invitation_roles
         WHERE tenant_id = $1 AND invitation_id = $2"
    );
    let rows = conn.all(select, params![id]).await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    invitation: &Stored,
    role_ids: &[String],
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO organization_invitations
                 (tenant_id, id, organization_id, inviter_id, invitee, invitee_folded, status, created_at, updated_at,
                  expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)"
        ),
        params![
            &invitation.id,
            &invitation.organization_id,
            &invitation.inviter_id,
            &invitation.invitee,
            invitation.invitee.to_lowercase(),
            invitation.status.name(),
            invitation.created_at,
            invitation.expires_at
        ],
    )
    .await?;
    let insert = sql!(
        "INSERT INTO organization_invitation_roles (tenant_id, invitation_id, organization_role_id)
         VALUES ($1, $2, $3)"
    );
    for role_id in role_ids {
        tx.execute(insert, params![&invitation.id, role_id]).await?;
    }
    Ok(())
}

/// Notes of those that have waited too long that they have expired: of one person into one organization.
pub(super) async fn expire(
    tx: &mut Tx<'_>,
    organization_id: &str,
    invitee: &str,
    now_ms: i64,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE organization_invitations SET status = 'Expired', updated_at = $4
             WHERE tenant_id = $1 AND organization_id = $2 AND invitee_folded = $3
               AND status = 'Pending' AND expires_at <= $4"
        ),
        params![organization_id, invitee.to_lowercase(), now_ms],
    )
    .await?;
    Ok(())
}

/// Ends one that waits. False when it does not, or not any more.
pub(super) async fn end(
    tx: &mut Tx<'_>,
    id: &str,
    status: Status,
    accepted_user_id: Option<&str>,
    now_ms: i64,
) -> Result<bool> {
    let ended = tx
        .execute(
            sql!(
                "UPDATE organization_invitations SET status = $3, accepted_user_id = $4, updated_at = $5
                 WHERE tenant_id = $1 AND id = $2 AND status = 'Pending' AND expires_at > $5"
            ),
            params![id, status.name(), accepted_user_id, now_ms],
        )
        .await?;
    Ok(ended > 0)
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM organization_invitations WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}
