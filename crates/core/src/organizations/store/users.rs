//! Users as members, and their roles.

use std::collections::HashMap;

use trinco_db::{Conn, Sql, Tx, params, sql};

use super::{EVERYTHING, IDS_AT_ONCE, first_column, grouped, held};
use crate::counts::{self, Changes, Kind};
use crate::roles::FeaturedUser;
use crate::{Page, Result};

/// How many of an organization's members a list shows.
const FEATURED: i64 = 3;

/// The ids of the members who hold `role_id` (empty for any member) and of whom some identifying column is like `pattern`: a page of
/// them, the newest first, and how many there are in all.
pub(in crate::organizations) async fn list(
    conn: &mut Conn<'_>,
    organization_id: &str,
    pattern: &str,
    role_id: &str,
    page: Page,
) -> Result<(Vec<String>, i64)> {
    let total = if pattern == EVERYTHING && role_id.is_empty() {
        counts::total(conn, Kind::OrganizationUsers, organization_id).await?
    } else {
        let row = conn
            .one(
                sql!(
                    "SELECT count(*) FROM organization_users m
                     JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
                     WHERE m.tenant_id = $1 AND m.organization_id = $2
                       AND (u.id LIKE $3 ESCAPE '\\' OR u.username_folded LIKE $3 ESCAPE '\\'
                         OR u.primary_email_folded LIKE $3 ESCAPE '\\'
                         OR u.primary_phone LIKE $3 ESCAPE '\\' OR u.name_folded LIKE $3 ESCAPE '\\')
                       AND ($4 = '' OR EXISTS (
                         SELECT 1 FROM organization_user_roles r
                         WHERE r.tenant_id = $1 AND r.organization_id = $2 AND r.user_id = m.user_id
                           AND r.organization_role_id = $4))"
                ),
                params![organization_id, pattern, role_id],
            )
            .await?;
        row.get(0)?
    };
    let rows = conn
        .all(
            sql!(
                "SELECT u.id FROM organization_users m
                 JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
                 WHERE m.tenant_id = $1 AND m.organization_id = $2
                   AND (u.id LIKE $3 ESCAPE '\\' OR u.username_folded LIKE $3 ESCAPE '\\'
                     OR u.primary_email_folded LIKE $3 ESCAPE '\\'
                     OR u.primary_phone LIKE $3 ESCAPE '\\' OR u.name_folded LIKE $3 ESCAPE '\\')
                   AND ($4 = '' OR EXISTS (
                     SELECT 1 FROM organization_user_roles r
                     WHERE r.tenant_id = $1 AND r.organization_id = $2 AND r.user_id = m.user_id
                       AND r.organization_role_id = $4))
                 ORDER BY m.created_at DESC, u.id LIMIT $5 OFFSET $6"
            ),
            params![organization_id, pattern, role_id, page.limit, page.offset],
        )
        .await?;
    Ok((first_column(&rows)?, total))
}

/// How many members each of these organizations has, and some of them.
pub(in crate::organizations) async fn summaries(
    conn: &mut Conn<'_>,
    organization_ids: &[String],
) -> Result<HashMap<String, (i64, Vec<FeaturedUser>)>> {
    let mut summaries = HashMap::new();
    for (id, count) in counts::totals(conn, Kind::OrganizationUsers, organization_ids).await? {
        let featured = featured(conn, &id).await?;
        summaries.insert(id, (count, featured));
    }
    Ok(summaries)
}

async fn featured(conn: &mut Conn<'_>, organization_id: &str) -> Result<Vec<FeaturedUser>> {
    let rows = conn
        .all(
            sql!(
                "SELECT u.id, u.avatar, u.name FROM organization_users m
                 JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
                 WHERE m.tenant_id = $1 AND m.organization_id = $2 LIMIT $3"
            ),
            params![organization_id, FEATURED],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cols = row.cols();
            Ok(FeaturedUser { id: cols.next()?, avatar: cols.next()?, name: cols.next()? })
        })
        .collect()
}

pub(in crate::organizations) async fn ids(
    conn: &mut Conn<'_>,
    organization_id: &str,
) -> Result<Vec<String>> {
    let select = sql!(
        "SELECT user_id FROM organization_users WHERE tenant_id = $1 AND organization_id = $2"
    );
    first_column(&conn.all(select, params![organization_id]).await?)
}

/// Returns who was no member before.
pub(in crate::organizations) async fn insert(
    tx: &mut Tx<'_>,
    organization_id: &str,
    user_ids: &[String],
    now_ms: i64,
    counted: &mut Changes,
) -> Result<Vec<String>> {
    let insert = sql!(
        "INSERT INTO organization_users
             (tenant_id, organization_id, user_id, created_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
    );
    let mut added = Vec::with_capacity(user_ids.len());
    for id in user_ids {
        if tx.execute(insert, params![organization_id, id, now_ms]).await? > 0 {
            counted.added(Kind::OrganizationUsers, organization_id, id);
            added.push(id.clone());
        }
    }
    Ok(added)
}

/// Returns how many were members.
pub(in crate::organizations) async fn delete(
    tx: &mut Tx<'_>,
    organization_id: &str,
    user_ids: &[String],
    counted: &mut Changes,
) -> Result<usize> {
    let mut deleted = 0;
    for some in user_ids.chunks(IDS_AT_ONCE) {
        let delete = Sql::from(sql!(
            "DELETE FROM organization_users WHERE tenant_id = $1 AND organization_id = $2"
        ))
        .in_list(sql!(" AND user_id IN "), some)
        .text(sql!(" RETURNING user_id"));
        for row in tx.all(&delete, params![organization_id]).await? {
            counted.removed(Kind::OrganizationUsers, organization_id, &row.get::<String>(0)?);
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// Ends every membership of a user.
pub(in crate::organizations) async fn delete_of_user(
    tx: &mut Tx<'_>,
    user_id: &str,
    counted: &mut Changes,
) -> Result<()> {
    let delete = sql!(
        "DELETE FROM organization_users WHERE tenant_id = $1 AND user_id = $2 RETURNING organization_id"
    );
    for row in tx.all(delete, params![user_id]).await? {
        counted.removed(Kind::OrganizationUsers, &row.get::<String>(0)?, user_id);
    }
    Ok(())
}

/// Takes the row of a membership, so that nobody else changes the member's roles until the transaction ends. False when the user is
/// not a member.
pub(in crate::organizations) async fn take(
    tx: &mut Tx<'_>,
    organization_id: &str,
    user_id: &str,
) -> Result<bool> {
    let take = sql!(
        "UPDATE organization_users SET created_at = created_at
         WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3"
    );
    Ok(tx.execute(take, params![organization_id, user_id]).await? > 0)
}

/// The roles of one member; `None` when the user is not a member.
pub(in crate::organizations) async fn roles(
    conn: &mut Conn<'_>,
    organization_id: &str,
    user_id: &str,
) -> Result<Option<Vec<String>>> {
    let rows = conn
        .all(
            sql!(
                "SELECT r.organization_role_id FROM organization_users m
                 LEFT JOIN organization_user_roles r ON r.tenant_id = m.tenant_id
                   AND r.organization_id = m.organization_id AND r.user_id = m.user_id
                 WHERE m.tenant_id = $1 AND m.organization_id = $2 AND m.user_id = $3"
            ),
            params![organization_id, user_id],
        )
        .await?;
    held(&rows)
}

/// The roles of some members, by member.
pub(in crate::organizations) async fn roles_of(
    conn: &mut Conn<'_>,
    organization_id: &str,
    user_ids: &[String],
) -> Result<HashMap<String, Vec<String>>> {
    let select = Sql::from(sql!(
        "SELECT user_id, organization_role_id FROM organization_user_roles
         WHERE tenant_id = $1 AND organization_id = $2"
    ))
    .in_list(sql!(" AND user_id IN "), user_ids);
    grouped(conn.all(&select, params![organization_id]).await?)
}

pub(in crate::organizations) async fn insert_roles(
    tx: &mut Tx<'_>,
    organization_id: &str,
    user_ids: &[String],
    role_id: &str,
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO organization_user_roles
             (tenant_id, organization_id, user_id, organization_role_id)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
    );
    for id in user_ids {
        tx.execute(insert, params![organization_id, id, role_id]).await?;
    }
    Ok(())
}

pub(in crate::organizations) async fn delete_role(
    tx: &mut Tx<'_>,
    organization_id: &str,
    user_id: &str,
    role_id: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM organization_user_roles WHERE tenant_id = $1 AND organization_id = $2
           AND user_id = $3 AND organization_role_id = $4"
    );
    Ok(tx.execute(delete, params![organization_id, user_id, role_id]).await? > 0)
}
