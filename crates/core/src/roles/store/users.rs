//! The users who hold roles.

use std::collections::HashMap;

use trinco_db::{Conn, Sql, Tx, params, sql};

use super::IDS_AT_ONCE;
use crate::counts::{self, Changes, Kind};
use crate::roles::model::FeaturedUser;
use crate::{Page, Result};

/// How many of those who hold a role a list shows.
const FEATURED: i64 = 3;
/// The pattern that everything is like.
const EVERYTHING: &str = "%%";

/// Takes the user's row, so that nobody else changes the roles of the user until the transaction ends. False when there is no such
/// user.
pub(in crate::roles) async fn take(tx: &mut Tx<'_>, user_id: &str) -> Result<bool> {
    let take = sql!("UPDATE users SET updated_at = updated_at WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(take, params![user_id]).await? > 0)
}

/// Those of `user_ids` that exist.
pub(in crate::roles) async fn existing(
    conn: &mut Conn<'_>,
    user_ids: &[String],
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for some in user_ids.chunks(IDS_AT_ONCE) {
        let select = Sql::from(sql!("SELECT id FROM users WHERE tenant_id = $1"))
            .in_list(sql!(" AND id IN "), some);
        for row in conn.all(&select, &[]).await? {
            found.push(row.get(0)?);
        }
    }
    Ok(found)
}

pub(in crate::roles) async fn role_ids(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<String>> {
    let select = sql!("SELECT role_id FROM user_roles WHERE tenant_id = $1 AND user_id = $2");
    let rows = conn.all(select, params![user_id]).await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// The ids of the roles of every user who holds any, by the user's id.
pub(in crate::roles) async fn of_everyone(
    conn: &mut Conn<'_>,
) -> Result<HashMap<String, Vec<String>>> {
    let select = sql!("SELECT user_id, role_id FROM user_roles WHERE tenant_id = $1");
    let mut held: HashMap<String, Vec<String>> = HashMap::new();
    for row in conn.all(select, &[]).await? {
        held.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(held)
}

/// Each pair is a user and a role the user is to hold. Returns how many were not there yet.
pub(in crate::roles) async fn insert(
    tx: &mut Tx<'_>,
    pairs: &[(&str, &str)],
    counted: &mut Changes,
) -> Result<u64> {
    let insert = sql!(
        "INSERT INTO user_roles (tenant_id, user_id, role_id) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING"
    );
    let mut inserted = 0;
    for (user_id, role_id) in pairs {
        if tx.execute(insert, params![*user_id, *role_id]).await? > 0 {
            inserted += 1;
            counted.added(Kind::RoleUsers, role_id, user_id);
        }
    }
    Ok(inserted)
}

pub(in crate::roles) async fn delete(
    tx: &mut Tx<'_>,
    user_id: &str,
    role_id: &str,
    counted: &mut Changes,
) -> Result<bool> {
    let delete =
        sql!("DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3");
    let is_deleted = tx.execute(delete, params![user_id, role_id]).await? > 0;
    if is_deleted {
        counted.removed(Kind::RoleUsers, role_id, user_id);
    }
    Ok(is_deleted)
}

/// Takes every role from a user.
pub(in crate::roles) async fn delete_all(
    tx: &mut Tx<'_>,
    user_id: &str,
    counted: &mut Changes,
) -> Result<()> {
    let delete =
        sql!("DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $2 RETURNING role_id");
    for row in tx.all(delete, params![user_id]).await? {
        counted.removed(Kind::RoleUsers, &row.get::<String>(0)?, user_id);
    }
    Ok(())
}

/// The ids of the users who hold a role and of whom some identifying column is like `pattern`: a page of them, the newest first,
/// and how many there are in all.
pub(in crate::roles) async fn holders(
    conn: &mut Conn<'_>,
    role_id: &str,
    pattern: &str,
    page: Page,
) -> Result<(Vec<String>, i64)> {
    let total = if pattern == EVERYTHING {
        counts::total(conn, Kind::RoleUsers, role_id).await?
    } else {
        let row = conn
            .one(
                sql!(
                    "SELECT count(*) FROM user_roles h
                     JOIN users u ON u.tenant_id = h.tenant_id AND u.id = h.user_id
                     WHERE h.tenant_id = $1 AND h.role_id = $2
                       AND (u.id LIKE $3 ESCAPE '\\' OR u.username_folded LIKE $3 ESCAPE '\\'
                         OR u.primary_email_folded LIKE $3 ESCAPE '\\'
                         OR u.primary_phone LIKE $3 ESCAPE '\\' OR u.name_folded LIKE $3 ESCAPE '\\')"
                ),
                params![role_id, pattern],
            )
            .await?;
        row.get(0)?
    };
    let rows = conn
        .all(
            sql!(
                "SELECT u.id FROM user_roles h
                 JOIN users u ON u.tenant_id = h.tenant_id AND u.id = h.user_id
                 WHERE h.tenant_id = $1 AND h.role_id = $2
                   AND (u.id LIKE $3 ESCAPE '\\' OR u.username_folded LIKE $3 ESCAPE '\\'
                     OR u.primary_email_folded LIKE $3 ESCAPE '\\'
                     OR u.primary_phone LIKE $3 ESCAPE '\\' OR u.name_folded LIKE $3 ESCAPE '\\')
                 ORDER BY u.created_at DESC, u.id LIMIT $4 OFFSET $5"
            ),
            params![role_id, pattern, page.limit, page.offset],
        )
        .await?;
    let ids = rows.iter().map(|row| Ok(row.get(0)?)).collect::<Result<_>>()?;
    Ok((ids, total))
}

/// How many users hold each of these roles, and some of them.
pub(in crate::roles) async fn summaries(
    conn: &mut Conn<'_>,
    role_ids: &[String],
) -> Result<HashMap<String, (i64, Vec<FeaturedUser>)>> {
    let mut summaries = HashMap::new();
    for (role_id, count) in counts::totals(conn, Kind::RoleUsers, role_ids).await? {
        let featured = featured(conn, &role_id).await?;
        summaries.insert(role_id, (count, featured));
    }
    Ok(summaries)
}

async fn featured(conn: &mut Conn<'_>, role_id: &str) -> Result<Vec<FeaturedUser>> {
    let rows = conn
        .all(
            sql!(
                "SELECT u.id, u.avatar, u.name FROM user_roles h
                 JOIN users u ON u.tenant_id = h.tenant_id AND u.id = h.user_id
                 WHERE h.tenant_id = $1 AND h.role_id = $2 LIMIT $3"
            ),
            params![role_id, FEATURED],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cols = row.cols();
            Ok(FeaturedUser { id: cols.next()?, avatar: cols.next()?, name: cols.next()? })
        })
        .collect()
}

pub(in crate::roles) async fn insert_defaults(
    tx: &mut Tx<'_>,
    user_id: &str,
    counted: &mut Changes,
) -> Result<()> {
    let rows = tx
        .all(
            sql!(
                "INSERT INTO user_roles (tenant_id, user_id, role_id)
                 SELECT tenant_id, $2, id FROM roles WHERE tenant_id = $1 AND is_default AND type = 'User'
                 ON CONFLICT DO NOTHING RETURNING role_id"
            ),
            params![user_id],
        )
        .await?;
    for row in rows {
        counted.added(Kind::RoleUsers, &row.get::<String>(0)?, user_id);
    }
    Ok(())
}
