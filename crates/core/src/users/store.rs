use trinco_db::{Conn, Row, Sql, Tx, params, sql};

use super::identifiers::Identifier;
use super::model::User;
use super::search::{Condition, Field, Filter, Test};
use super::settings::Settings;
use super::social;
use crate::passwords::PasswordDigest;
use crate::{JsonObject, Listing, Page, Result, counts};

/// A user and what stays in the store.
pub(super) struct Stored {
    pub(super) user: User,
    pub(super) digest: Option<PasswordDigest>,
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Stored>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, username, primary_email, primary_phone, name, avatar, profile, identities, custom_data,
                        application_id, is_suspended, is_password_expired, password_digest, password_algorithm, password_updated_at,
                        last_sign_in_at, created_at, updated_at
                 FROM users WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(stored).transpose()
}

/// The users with these ids, in no particular order.
pub(super) async fn find_many(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<Stored>> {
    let query = Sql::from(sql!(
        "SELECT id, username, primary_email, primary_phone, name, avatar, profile, identities, custom_data, application_id,
                is_suspended, is_password_expired, password_digest, password_algorithm, password_updated_at, last_sign_in_at, created_at, updated_at
         FROM users WHERE tenant_id = $1"
    ))
    .in_list(sql!(" AND id IN "), ids);
    conn.all(&query, &[]).await?.into_iter().map(stored).collect()
}

/// The users with this identifier: at most one, but for user names that differ only in case.
pub(super) async fn find_by(
    conn: &mut Conn<'_>,
    identifier: &Identifier,
    usernames_are_case_sensitive: bool,
) -> Result<Vec<Stored>> {
    let query = Sql::from(sql!(
        "SELECT id, username, primary_email, primary_phone, name, avatar, profile, identities, custom_data, application_id,
                is_suspended, is_password_expired, password_digest, password_algorithm, password_updated_at, last_sign_in_at, created_at, updated_at
         FROM users WHERE tenant_id = $1"
    ));
    let column = match identifier {
        Identifier::Username(_) if usernames_are_case_sensitive => sql!(" AND username = "),
        Identifier::Username(_) => sql!(" AND username_folded = "),
        Identifier::Email(_) => sql!(" AND primary_email_folded = "),
        Identifier::Phone(_) => sql!(" AND primary_phone = "),
    };
    let folded = identifier.folded(usernames_are_case_sensitive);
    let query = query.push(column, folded.as_ref());
    conn.all(&query, &[]).await?.into_iter().map(stored).collect()
}

/// A page of the users, the newest first.
pub(super) async fn list(
    conn: &mut Conn<'_>,
    filter: &Filter,
    page: Page,
) -> Result<Listing<User>> {
    let total = if filter.is_empty() {
        counts::total(conn, counts::Kind::Users, counts::OF_TENANT).await?
    } else {
        let count = Sql::from(sql!("SELECT COUNT(*) FROM users WHERE tenant_id = $1"));
        conn.one(&filtered(count, filter), &[]).await?.get(0)?
    };
    let query = filtered(
        Sql::from(sql!(
            "SELECT id, username, primary_email, primary_phone, name, avatar, profile, identities, custom_data,
                    application_id, is_suspended, is_password_expired, password_digest, password_algorithm, password_updated_at,
                    last_sign_in_at, created_at, updated_at
             FROM users WHERE tenant_id = $1"
        )),
        filter,
    );
    let query = query
        .text(sql!(" ORDER BY created_at DESC, id COLLATE BYTES DESC"))
        .push(sql!(" LIMIT "), page.limit)
        .push(sql!(" OFFSET "), page.offset);
    let rows = conn.all(&query, &[]).await?;
    let rows = rows.into_iter().map(|row| Ok(stored(row)?.user)).collect::<Result<_>>()?;
    Ok(Listing { rows, total })
}

/// Every user, in no particular order.
pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<Stored>> {
    let select = sql!(
        "SELECT id, username, primary_email, primary_phone, name, avatar, profile, identities, custom_data, application_id,
                is_suspended, is_password_expired, password_digest, password_algorithm, password_updated_at, last_sign_in_at, created_at, updated_at
         FROM users WHERE tenant_id = $1"
    );
    conn.all(select, &[]).await?.into_iter().map(stored).collect()
}

fn filtered(mut query: Sql, filter: &Filter) -> Sql {
    if let Some(role) = &filter.without_role {
        query = query
            .push(
                sql!(
                    " AND NOT EXISTS (SELECT role_id FROM user_roles
                        WHERE user_roles.tenant_id = $1 AND user_roles.user_id = users.id AND user_roles.role_id = "
                ),
                role,
            )
            .text(sql!(")"));
    }
    if let Some(organization) = &filter.outside_organization {
        query = query
            .push(
                sql!(
                    " AND NOT EXISTS (SELECT organization_id FROM organization_users
                        WHERE organization_users.tenant_id = $1 AND organization_users.user_id = users.id
                          AND organization_users.organization_id = "
                ),
                organization,
            )
            .text(sql!(")"));
    }
    for (index, condition) in filter.conditions.iter().enumerate() {
        let joint = match index {
            0 => sql!(" AND ("),
            _ if filter.all => sql!(" AND "),
            _ => sql!(" OR "),
        };
        query = compared(query.text(joint).text(column(condition)), &condition.test);
    }
    if filter.conditions.is_empty() { query } else { query.text(sql!(")")) }
}

fn column(condition: &Condition) -> &'static Sql {
    let is_folded = !condition.case_sensitive && !matches!(condition.test, Test::Regular(_));
    match (condition.field, !is_folded) {
        (Field::Id, _) => sql!("id"),
        (Field::PrimaryPhone, _) => sql!("primary_phone"),
        (Field::PrimaryEmail, true) => sql!("primary_email"),
        (Field::PrimaryEmail, false) => sql!("primary_email_folded"),
        (Field::Username, true) => sql!("username"),
        (Field::Username, false) => sql!("username_folded"),
        (Field::Name, true) => sql!("name"),
        (Field::Name, false) => sql!("name_folded"),
    }
}

fn compared(query: Sql, test: &Test) -> Sql {
    match test {
        Test::OneOf(texts) => query.in_list(sql!(" IN "), texts),
        Test::Like(pattern) => query.push(sql!(" LIKE "), pattern).text(sql!(" ESCAPE '\\'")),
        Test::Regular(pattern) => query.push(sql!(" REGEXP "), pattern),
    }
}

fn stored(row: Row) -> Result<Stored> {
    let mut cols = row.cols();
    let mut user = User {
        id: cols.next()?,
        username: cols.next()?,
        primary_email: cols.next()?,
        primary_phone: cols.next()?,
        name: cols.next()?,
        avatar: cols.next()?,
        profile: serde_json::from_str(&cols.next::<String>()?)?,
        identities: object(&cols.next::<String>()?)?,
        custom_data: object(&cols.next::<String>()?)?,
        application_id: cols.next()?,
        is_suspended: cols.next()?,
        is_password_expired: cols.next()?,
        has_password: false,
        password_updated_at: None,
        last_sign_in_at: None,
        created_at: 0,
        updated_at: 0,
    };
    let (digest, algorithm): (Option<String>, Option<String>) = (cols.next()?, cols.next()?);
    user.has_password = digest.is_some();
    user.password_updated_at = cols.next()?;
    user.last_sign_in_at = cols.next()?;
    user.created_at = cols.next()?;
    user.updated_at = cols.next()?;
    let digest = digest
        .map(|text| PasswordDigest::from_stored(algorithm.as_deref().unwrap_or_default(), text))
        .transpose()?;
    Ok(Stored { user, digest })
}

fn object(json: &str) -> Result<JsonObject> {
    Ok(serde_json::from_str(json)?)
}

/// What `users_username_key` keeps unique: the user name, folded when its case does not matter.
fn username_key(username: Option<&String>, case_sensitive: bool) -> Option<String> {
    username.map(|username| if case_sensitive { username.clone() } else { username.to_lowercase() })
}

fn folded(text: Option<&String>) -> Option<String> {
    text.map(|text| text.to_lowercase())
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    user: &User,
    digest: Option<&PasswordDigest>,
    usernames_are_case_sensitive: bool,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO users (tenant_id, id, username, username_folded, username_key, primary_email,
                 primary_email_folded, primary_phone, name, name_folded, avatar, password_digest, password_algorithm,
                 profile, identities, custom_data, logto_config, mfa_verifications, application_id, is_suspended,
                 is_password_expired, password_updated_at, last_sign_in_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '{}', '[]', $17, $18, $19,
                 $20, $21, $22, $23)"
        ),
        params![
            &user.id,
            &user.username,
            folded(user.username.as_ref()),
            username_key(user.username.as_ref(), usernames_are_case_sensitive),
            &user.primary_email,
            folded(user.primary_email.as_ref()),
            &user.primary_phone,
            &user.name,
            folded(user.name.as_ref()),
            &user.avatar,
            digest.map(PasswordDigest::as_str),
            digest.map(|digest| digest.algorithm().as_str()),
            serde_json::to_string(&user.profile)?,
            serde_json::to_string(&user.identities)?,
            serde_json::to_string(&user.custom_data)?,
            &user.application_id,
            user.is_suspended,
            user.is_password_expired,
            user.password_updated_at,
            user.last_sign_in_at,
            user.created_at,
            user.updated_at,
        ],
    )
    .await?;
    if user.identities.is_empty() {
        return Ok(());
    }
    set_identities(tx, &user.id, &user.identities).await
}

/// The ids of the users who have one of these names, of whatever kind.
pub(super) async fn ids_of_names(conn: &mut Conn<'_>, names: &[String]) -> Result<Vec<String>> {
    let folded: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    let digits: Vec<String> =
        names.iter().map(|name| name.chars().filter(char::is_ascii_digit).collect()).collect();
    let query = Sql::from(sql!("SELECT id FROM users WHERE tenant_id = $1"))
        .in_list(sql!(" AND (id IN "), names)
        .in_list(sql!(" OR username_folded IN "), &folded)
        .in_list(sql!(" OR primary_email_folded IN "), &folded)
        .in_list(sql!(" OR primary_phone IN "), digits.iter().filter(|digits| !digits.is_empty()))
        .text(sql!(")"));
    let rows = conn.all(&query, &[]).await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// How many users were created from the time `from` to the time before `until`.
pub(super) async fn count_created(conn: &mut Conn<'_>, from: i64, until: i64) -> Result<i64> {
    let row = conn
        .one(
            sql!(
                "SELECT COUNT(*) FROM users WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3"
            ),
            params![from, until],
        )
        .await?;
    Ok(row.get(0)?)
}

/// Groups of user names that differ in case only: how many there are, and the first `limit`, each with its folded name and the ids.
pub(super) async fn case_conflicts(
    conn: &mut Conn<'_>,
    limit: i64,
) -> Result<(i64, Vec<(String, Vec<String>)>)> {
    let total = conn
        .one(
            sql!(
                "SELECT COUNT(*) FROM (SELECT username_folded FROM users
                     WHERE tenant_id = $1 AND username_folded IS NOT NULL
                     GROUP BY username_folded HAVING COUNT(*) > 1) conflicts"
            ),
            &[],
        )
        .await?
        .get(0)?;
    let rows = conn
        .all(
            sql!(
                "SELECT username_folded, id FROM users WHERE tenant_id = $1 AND username_folded IN
                     (SELECT username_folded FROM users
                      WHERE tenant_id = $1 AND username_folded IS NOT NULL
                      GROUP BY username_folded HAVING COUNT(*) > 1
                      ORDER BY username_folded COLLATE BYTES LIMIT $2)
                 ORDER BY username_folded COLLATE BYTES, created_at, id"
            ),
            params![limit],
        )
        .await?;
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows {
        let (folded, id): (String, String) = (row.get(0)?, row.get(1)?);
        match groups.last_mut() {
            Some((last, ids)) if *last == folded => ids.push(id),
            _ => groups.push((folded, vec![id])),
        }
    }
    Ok((total, groups))
}

/// `None` when there is no such user.
pub(super) async fn settings(conn: &mut Conn<'_>, id: &str) -> Result<Option<Settings>> {
    let row = conn
        .optional(
            sql!("SELECT logto_config FROM users WHERE tenant_id = $1 AND id = $2"),
            params![id],
        )
        .await?;
    row.map(|row| Ok(serde_json::from_str(&row.get::<String>(0)?)?)).transpose()
}

pub(super) async fn set_settings(tx: &mut Tx<'_>, id: &str, settings: &Settings) -> Result<()> {
    tx.execute(
        sql!("UPDATE users SET logto_config = $3 WHERE tenant_id = $1 AND id = $2"),
        params![id, serde_json::to_string(settings)?],
    )
    .await?;
    Ok(())
}

/// Stores the identities of a user, and by whom they are found.
pub(super) async fn set_identities(
    tx: &mut Tx<'_>,
    id: &str,
    identities: &JsonObject,
) -> Result<()> {
    tx.execute(
        sql!("UPDATE users SET identities = $3 WHERE tenant_id = $1 AND id = $2"),
        params![id, serde_json::to_string(identities)?],
    )
    .await?;
    tx.execute(
        sql!("DELETE FROM user_identities WHERE tenant_id = $1 AND user_id = $2"),
        params![id],
    )
    .await?;
    for (target, identity_id) in social::named(identities) {
        tx.execute(
            sql!(
                "INSERT INTO user_identities (tenant_id, target, identity_id, user_id) VALUES ($1, $2, $3, $4)"
            ),
            params![target, identity_id, id],
        )
        .await?;
    }
    Ok(())
}

/// Takes the user's row until the transaction ends, so that what is read next is not changed by anyone else. False when there is
/// no such user.
pub(super) async fn take(tx: &mut Tx<'_>, id: &str, now_ms: i64) -> Result<bool> {
    let taken = tx
        .execute(
            sql!("UPDATE users SET updated_at = $3 WHERE tenant_id = $1 AND id = $2"),
            params![id, now_ms],
        )
        .await?;
    Ok(taken > 0)
}

/// Stores what [`super::rules`] can change.
pub(super) async fn update(
    tx: &mut Tx<'_>,
    user: &User,
    usernames_are_case_sensitive: bool,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE users SET username = $3, username_folded = $4, username_key = $5, primary_email = $6,
                 primary_email_folded = $7, primary_phone = $8, name = $9, name_folded = $10, avatar = $11, profile = $12,
                 custom_data = $13
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![
            &user.id,
            &user.username,
            folded(user.username.as_ref()),
            username_key(user.username.as_ref(), usernames_are_case_sensitive),
            &user.primary_email,
            folded(user.primary_email.as_ref()),
            &user.primary_phone,
            &user.name,
            folded(user.name.as_ref()),
            &user.avatar,
            serde_json::to_string(&user.profile)?,
            serde_json::to_string(&user.custom_data)?,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_password(
    tx: &mut Tx<'_>,
    id: &str,
    digest: &PasswordDigest,
    now_ms: i64,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE users SET password_digest = $3, password_algorithm = $4, password_updated_at = $5,
                 is_password_expired = $6
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![id, digest.as_str(), digest.algorithm().as_str(), now_ms, false],
    )
    .await?;
    Ok(())
}

/// Stores another digest of the same password, unless it is no longer `was`.
pub(super) async fn replace_password(
    tx: &mut Tx<'_>,
    id: &str,
    was: &PasswordDigest,
    digest: &PasswordDigest,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE users SET password_digest = $3, password_algorithm = $4
             WHERE tenant_id = $1 AND id = $2 AND password_digest = $5"
        ),
        params![id, digest.as_str(), digest.algorithm().as_str(), was.as_str()],
    )
    .await?;
    Ok(())
}

/// Takes a user's password away.
pub(super) async fn clear_password(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE users SET password_digest = NULL, password_algorithm = NULL, password_updated_at = NULL
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![id],
    )
    .await?;
    Ok(())
}

/// Stores what a file can declare beyond [`update`].
pub(super) async fn update_declared(tx: &mut Tx<'_>, user: &User) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE users SET is_suspended = $3, is_password_expired = $4 WHERE tenant_id = $1 AND id = $2"
        ),
        params![&user.id, user.is_suspended, user.is_password_expired],
    )
    .await?;
    set_identities(tx, &user.id, &user.identities).await
}

/// Says whether a user must choose a new password. False when there is no such user.
pub(super) async fn set_password_expired(
    tx: &mut Tx<'_>,
    id: &str,
    is_expired: bool,
    now_ms: i64,
) -> Result<bool> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE users SET is_password_expired = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2"
            ),
            params![id, is_expired, now_ms],
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn set_suspended(tx: &mut Tx<'_>, id: &str, is_suspended: bool) -> Result<()> {
    tx.execute(
        sql!("UPDATE users SET is_suspended = $3 WHERE tenant_id = $1 AND id = $2"),
        params![id, is_suspended],
    )
    .await?;
    Ok(())
}

/// Notes a sign-in; false when there is no such user, or it is suspended.
pub(super) async fn record_sign_in(tx: &mut Tx<'_>, id: &str, now_ms: i64) -> Result<bool> {
    let recorded = tx
        .execute(
            sql!(
                "UPDATE users SET last_sign_in_at = $3, updated_at = $3
                 WHERE tenant_id = $1 AND id = $2 AND is_suspended = $4"
            ),
            params![id, now_ms, false],
        )
        .await?;
    Ok(recorded > 0)
}

/// Takes the user's row for good, as deleting it does: what refers to it has been written, or will not be.
pub(super) async fn take_for_good(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let take = sql!("SELECT id FROM users WHERE tenant_id = $1 AND id = $2 FOR UPDATE");
    tx.optional(take, params![id]).await?;
    Ok(())
}

/// Deletes a user with all that belongs to it; false when there is none.
pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    Ok(tx.execute(sql!("DELETE FROM users WHERE tenant_id = $1 AND id = $2"), params![id]).await?
        > 0)
}

pub(super) async fn set_username_keys(tx: &mut Tx<'_>, case_sensitive: bool) -> Result<()> {
    let statement = if case_sensitive {
        sql!("UPDATE users SET username_key = username WHERE tenant_id = $1")
    } else {
        sql!("UPDATE users SET username_key = username_folded WHERE tenant_id = $1")
    };
    tx.execute(statement, &[]).await?;
    Ok(())
}
