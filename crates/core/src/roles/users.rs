//! The users who hold roles.

use std::collections::HashMap;

use trinco_db::dialect::like;
use trinco_db::{Conn, Tx};

use super::model::Role;
use super::{all_or, arrange, check_roles, difference, distinct, found, get, gone, rules, store};
use crate::counts::Changes;
use crate::users::{self, User};
use crate::{Error, Listing, Page, Result, Tenant};

/// Lists the users who hold a role, the newest first: those whose id, username, e-mail address, phone number or name contains
/// `containing`, in any case.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn list(
    tenant: &Tenant,
    role_id: &str,
    containing: Option<&str>,
    page: Page,
) -> Result<Listing<User>> {
    get(tenant, role_id).await?;
    let pattern = like::contains(&containing.unwrap_or_default().to_lowercase());
    tenant
        .scan((role_id.to_owned(), pattern, page), |conn, (role_id, pattern, page)| {
            Box::pin(async move {
                let (ids, total) = store::users::holders(conn, role_id, pattern, *page).await?;
                Ok(Listing { rows: users::find_many(conn, &ids).await?, total })
            })
        })
        .await
}

/// Gives a role to users.
///
/// # Errors
/// `entity.not_exists_with_id`; `role.user_exists` when one of them holds it already; `user.invalid_role_type`,
/// `role.internal_role_violation`.
pub async fn add(tenant: &Tenant, role_id: &str, user_ids: Vec<String>) -> Result<()> {
    rules::check_for_users(&get(tenant, role_id).await?)?;
    let input = (role_id.to_owned(), distinct(user_ids));
    tenant
        .write(input, |tx, (role_id, user_ids)| {
            Box::pin(async move {
                let existing = store::users::existing(tx, user_ids).await?;
                if let Some(unknown) = difference(&existing, user_ids).0.first() {
                    return Err(Error::not_found("users", unknown));
                }
                let pairs: Vec<(&str, &str)> =
                    user_ids.iter().map(|id| (id.as_str(), role_id.as_str())).collect();
                let mut counted = Changes::default();
                let added = store::users::insert(tx, &pairs, &mut counted).await.map_err(gone)?;
                all_or(added, pairs.len(), "role.user_exists")?;
                counted.apply(tx).await
            })
        })
        .await
}

/// Takes a role from a user.
///
/// # Errors
/// `entity.not_exists_with_id`; `entity.not_found` when the user does not hold it; `role.internal_role_violation`.
pub async fn remove(tenant: &Tenant, role_id: &str, user_id: &str) -> Result<()> {
    rules::check_not_internal(&get(tenant, role_id).await?)?;
    let input = (user_id.to_owned(), role_id.to_owned());
    tenant
        .write(input, |tx, (user_id, role_id)| {
            Box::pin(async move {
                let mut counted = Changes::default();
                found(store::users::delete(tx, user_id, role_id, &mut counted).await?)?;
                counted.apply(tx).await
            })
        })
        .await
}

/// Lists the roles of a user, the newest first: those whose id, name or description contains `containing`, in any case.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn roles(
    tenant: &Tenant,
    user_id: &str,
    containing: Option<&str>,
    page: Page,
) -> Result<Listing<Role>> {
    let held = {
        let mut conn = tenant.read().await?;
        users::find(&mut conn, user_id).await?.ok_or_else(|| Error::not_found("users", user_id))?;
        role_ids_of_user(&mut conn, user_id).await?
    };
    let snapshot = tenant.snapshot();
    let held = held.iter().filter_map(|id| snapshot.roles.get(id));
    Ok(arrange(held, containing, page))
}

/// Gives roles to a user, and returns those the user did not hold yet.
///
/// # Errors
/// As [`add`], but for roles the user holds already, which the user keeps.
pub async fn assign(tenant: &Tenant, user_id: &str, role_ids: Vec<String>) -> Result<Vec<String>> {
    change(tenant, user_id, role_ids, false).await
}

/// Gives roles to a user in place of those the user holds.
///
/// # Errors
/// As [`assign`].
pub async fn replace(tenant: &Tenant, user_id: &str, role_ids: Vec<String>) -> Result<()> {
    change(tenant, user_id, role_ids, true).await?;
    Ok(())
}

/// The ids of the roles a user holds.
///
/// # Errors
/// When the database does not answer.
pub async fn role_ids_of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<String>> {
    store::users::role_ids(conn, user_id).await
}

/// The names of the roles a user holds.
///
/// # Errors
/// When the database does not answer.
pub async fn role_names_of_user(tenant: &Tenant, user_id: &str) -> Result<Vec<String>> {
    let ids = role_ids_of_user(&mut tenant.read().await?, user_id).await?;
    let snapshot = tenant.snapshot();
    Ok(ids.iter().filter_map(|id| snapshot.roles.get(id)).map(|role| role.name.clone()).collect())
}

/// Gives a user who has just been created the roles that every new user gets: those there are in the transaction at hand.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn assign_defaults_to_user(
    tx: &mut Tx<'_>,
    user_id: &str,
    counted: &mut Changes,
) -> Result<()> {
    store::users::insert_defaults(tx, user_id, counted).await
}

/// Takes every role from a user who is about to be deleted.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn take_all(tx: &mut Tx<'_>, user_id: &str, counted: &mut Changes) -> Result<()> {
    store::users::delete_all(tx, user_id, counted).await
}

/// Returns what was added.
async fn change(
    tenant: &Tenant,
    user_id: &str,
    role_ids: Vec<String>,
    replace: bool,
) -> Result<Vec<String>> {
    let role_ids = distinct(role_ids);
    check_roles(tenant, &role_ids, rules::check_for_users).await?;
    tenant
        .write((user_id.to_owned(), role_ids, replace), |tx, (user_id, role_ids, replace)| {
            Box::pin(async move {
                let mut counted = Changes::default();
                let added = hold(tx, user_id, role_ids, *replace, &mut counted).await?;
                counted.apply(tx).await?;
                Ok(added)
            })
        })
        .await
}

/// Gives roles to a user, with `replace` in place of those the user holds. Returns what was added.
///
/// # Errors
/// `entity.not_exists_with_id`; `entity.relation_foreign_key_not_found` when a role is gone.
pub(crate) async fn hold(
    tx: &mut Tx<'_>,
    user_id: &str,
    role_ids: &[String],
    replace: bool,
    counted: &mut Changes,
) -> Result<Vec<String>> {
    if !store::users::take(tx, user_id).await? {
        return Err(Error::not_found("users", user_id));
    }
    let held = store::users::role_ids(tx, user_id).await?;
    let (add, remove) = difference(&held, role_ids);
    if replace {
        for id in &remove {
            store::users::delete(tx, user_id, id, counted).await?;
        }
    }
    let pairs: Vec<(&str, &str)> = add.iter().map(|id| (user_id, id.as_str())).collect();
    store::users::insert(tx, &pairs, counted).await.map_err(gone)?;
    Ok(add)
}

/// The ids of the roles of every user who holds any, by the user's id.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn of_everyone(conn: &mut Conn<'_>) -> Result<HashMap<String, Vec<String>>> {
    store::users::of_everyone(conn).await
}
