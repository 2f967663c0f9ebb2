//! Users as a file declares them: with the id, the digest of the password and the roles, in one transaction.

use std::collections::{BTreeMap, HashMap};

use super::model::{NewUser, User};
use super::{find, rules, sign_out, store, take, taken, unknown};
use crate::hooks::{Event, telling};
use crate::passwords::PasswordDigest;
use crate::{Error, JsonObject, Page, Result, Tenant, counts, experience, roles};

/// A user, the digest of the password, and the ids of the roles the user holds.
pub(crate) struct Entry {
    pub(crate) user: User,
    pub(crate) digest: Option<PasswordDigest>,
    pub(crate) role_ids: Vec<String>,
}

/// Every user of a tenant by id.
///
/// # Errors
/// `Err(count)` inside when there are more than `most`; else as the database does.
pub(crate) async fn all(
    tenant: &Tenant,
    most: i64,
) -> Result<std::result::Result<BTreeMap<String, Entry>, i64>> {
    let (users, mut held, total) = tenant
        .scan(most, |conn, most| {
            Box::pin(async move {
                let total = super::store::list(
                    conn,
                    &super::Filter::default(),
                    Page { offset: 0, limit: 1 },
                )
                .await?
                .total;
                if total > *most {
                    return Ok((Vec::new(), HashMap::new(), total));
                }
                let users = store::all(conn).await?;
                let held = roles::users::of_everyone(conn).await?;
                Ok::<_, Error>((users, held, total))
            })
        })
        .await?;
    if total > most {
        return Ok(Err(total));
    }
    let entry = |stored: store::Stored| {
        let role_ids = held.remove(&stored.user.id).unwrap_or_default();
        let id = stored.user.id.clone();
        (id, Entry { user: stored.user, digest: stored.digest, role_ids })
    };
    Ok(Ok(users.into_iter().map(entry).collect()))
}

/// Those of these users that there are, by id.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn some(tenant: &Tenant, ids: Vec<String>) -> Result<BTreeMap<String, Entry>> {
    tenant
        .scan(ids, |conn, ids| {
            Box::pin(async move {
                let mut found = BTreeMap::new();
                for some in ids.chunks(IDS_AT_ONCE) {
                    for stored in store::find_many(conn, some).await? {
                        let role_ids = roles::role_ids_of_user(conn, &stored.user.id).await?;
                        let store::Stored { user, digest } = stored;
                        found.insert(user.id.clone(), Entry { user, digest, role_ids });
                    }
                }
                Ok(found)
            })
        })
        .await
}

/// More ids than a statement takes.
const IDS_AT_ONCE: usize = 500;

/// What a user is to be.
pub(crate) struct Declared {
    /// The whole of it, but for times and where the user came from.
    pub(crate) user: User,
    pub(crate) is_new: bool,
    /// The members that become so, called as in the API. The others stay as they are by then: others change users too.
    pub(crate) touched: Vec<String>,
    /// `Some(None)` for no password, `None` for what there is.
    pub(crate) digest: Option<Option<PasswordDigest>>,
    /// In place of those the user holds.
    pub(crate) role_ids: Option<Vec<String>>,
}

/// The user that a body describes, under this id.
///
/// # Errors
/// As [`super::create`], but for what only the database knows.
pub(crate) fn draft(
    tenant: &Tenant,
    id: &str,
    new: NewUser,
    identities: JsonObject,
) -> Result<User> {
    rules::check_new(&new)?;
    Ok(User { identities, ..super::of_body(id.to_owned(), new, tenant.now_ms()) })
}

/// Makes a user what the user is to be. Who is suspended, or gets another password, is signed out everywhere; a new user whose roles
/// are not declared gets those that every new user gets.
///
/// # Errors
/// `user.*_already_in_use`; `user.last_sign_in_method_required`; `entity.relation_foreign_key_not_found` when a role is gone.
pub(crate) async fn put(tenant: &Tenant, declared: Declared) -> Result<()> {
    let told = if declared.is_new { Event::UserCreated } else { Event::UserDataUpdated };
    telling(tenant, told)
        .write((declared, tenant.now_ms()), |tx, (declared, now)| {
            Box::pin(async move {
                let wanted = &declared.user;
                let mut user = wanted.clone();
                let id = wanted.id.as_str();
                let case_sensitive = experience::usernames_are_case_sensitive(tx).await?;
                let digest = declared.digest.as_ref();
                let mut counted = counts::Changes::default();
                if declared.is_new {
                    let digest = digest.and_then(Option::as_ref);
                    store::insert(tx, wanted, digest, case_sensitive).await.map_err(taken)?;
                    counted.added(counts::Kind::Users, counts::OF_TENANT, id);
                    if declared.role_ids.is_none() {
                        roles::assign_defaults_to_user(tx, id, &mut counted).await?;
                    }
                } else {
                    take(tx, id, *now).await?;
                    let was = find(tx, id).await?.ok_or_else(|| unknown(id))?;
                    user = was.clone();
                    rules::become_declared(&declared.touched, wanted, &mut user)?;
                    store::update(tx, &user, case_sensitive).await.map_err(taken)?;
                    match digest {
                        Some(Some(digest)) => store::set_password(tx, id, digest, *now).await?,
                        Some(None) => store::clear_password(tx, id).await?,
                        None => {}
                    }
                    store::update_declared(tx, &user).await.map_err(taken)?;
                    if digest.is_some() || (user.is_suspended && !was.is_suspended) {
                        sign_out(tx, id).await?;
                    }
                }
                if let Some(role_ids) = &declared.role_ids {
                    roles::users::hold(tx, id, role_ids, true, &mut counted).await?;
                }
                counted.apply(tx).await?;
                Ok(user)
            })
        })
        .await
        .map(drop)
}
