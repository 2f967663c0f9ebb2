//! Users: the people who sign in.

pub(crate) mod declared;
mod identifiers;
mod model;
mod rules;
mod search;
mod settings;
mod social;
mod store;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use trinco_db::{Conn, Tx};
use trinco_oauth::claims::Profile;

pub use identifiers::{Identifier, PhoneNumber, Username};
pub use model::{Name, NewUser, PasswordBody, Registration, User, UserChanges};
pub use search::Filter;
pub use settings::{
    MfaSettings, PasskeySettings, Settings, ShownMfaSettings, ShownPasskeySettings, ShownSettings,
    change_settings, settings,
};
pub use social::{Identity, Linked, put_identity, remove_identity};

use crate::audit::{self, Entry, Outcome};
use crate::experience::{EmailAddress, PasswordIssue, SignInIdentifier, WebUrl};
use crate::hooks::{Event, telling};
use crate::passwords::PasswordDigest;
use crate::secrets::TokenSet;
use crate::sso_identities::SsoIdentity;
use crate::{
    Alphabet, Error, JsonObject, Listing, Page, Result, Secret, Tenant, Text, counts, experience,
    grants, organizations, roles, secrets, sessions, sso_identities,
};

/// The length of a user's id.
const ID_LENGTH: usize = 12;

/// Lists users, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, filter: Filter, page: Page) -> Result<Listing<User>> {
    tenant
        .scan((filter, page), |conn, (filter, page)| Box::pin(store::list(conn, filter, *page)))
        .await
}

/// The user with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<User> {
    find(&mut tenant.read().await?, id).await?.ok_or_else(|| unknown(id))
}

/// How many users there are.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn count(conn: &mut Conn<'_>) -> Result<i64> {
    counts::total(conn, counts::Kind::Users, counts::OF_TENANT).await
}

/// How many users were created from the time `from` to the time before `until` (Unix milliseconds).
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn count_created(conn: &mut Conn<'_>, from: i64, until: i64) -> Result<i64> {
    store::count_created(conn, from, until).await
}

/// The ids of the users who have one of these ids, user names or e-mail addresses in any letter case, or phone numbers.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn ids_of_names(conn: &mut Conn<'_>, names: &[String]) -> Result<Vec<String>> {
    store::ids_of_names(conn, names).await
}

/// Who a user is elsewhere.
#[derive(Clone, Debug)]
pub struct Identities {
    /// At social providers, by target.
    pub social: JsonObject,
    /// At enterprises.
    pub sso: Vec<SsoIdentity>,
    /// What is known of the tokens that came from there.
    pub tokens: Vec<TokenSet>,
}

/// Who a user is elsewhere.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn identities(tenant: &Tenant, id: &str) -> Result<Identities> {
    let mut conn = tenant.read().await?;
    let user = find(&mut conn, id).await?.ok_or_else(|| unknown(id))?;
    let sso = sso_identities::of_user(&mut conn, id).await?;
    let tokens = secrets::of_user(&mut conn, id).await?;
    Ok(Identities { social: user.identities, sso, tokens })
}

/// User names that differ in case only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseConflicts {
    /// How many groups of them there are.
    pub total_conflicts: i64,
    /// Some of the groups, by name.
    pub samples: Vec<CaseConflict>,
}

/// Users whose names differ in case only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseConflict {
    /// What their names have in common.
    pub username_lower: String,
    /// The users, those first who were there first.
    pub user_ids: Vec<String>,
}

/// The user names that would be one if case did not matter, and up to `limit` of them.
///
/// # Errors
/// When the database does not answer.
pub async fn case_conflicts(tenant: &Tenant, limit: i64) -> Result<CaseConflicts> {
    let (total_conflicts, groups) =
        tenant.scan(limit, |conn, limit| Box::pin(store::case_conflicts(conn, *limit))).await?;
    let samples = groups
        .into_iter()
        .map(|(username_lower, user_ids)| CaseConflict { username_lower, user_ids })
        .collect();
    Ok(CaseConflicts { total_conflicts, samples })
}

/// The user with this id, if there is one.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<User>> {
    Ok(store::find(conn, id).await?.map(|stored| stored.user))
}

/// The users with these ids, in their order; an id nobody has is passed over.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub async fn find_many(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<User>> {
    let mut found: BTreeMap<String, User> = store::find_many(conn, ids)
        .await?
        .into_iter()
        .map(|stored| (stored.user.id.clone(), stored.user))
        .collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The user someone says they are, and the digest of that user's password.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub async fn find_by_identifier(
    tenant: &Tenant,
    identifier: &Identifier,
) -> Result<Option<(User, Option<PasswordDigest>)>> {
    let case_sensitive = tenant.snapshot().experience.username_policy.case_sensitive;
    let mut found = store::find_by(&mut tenant.read().await?, identifier, case_sensitive).await?;
    // Where case does not matter there is one, unless the policy has changed at the moment another was created.
    if let Identifier::Username(username) = identifier {
        found.sort_by_key(|stored| stored.user.username.as_ref() != Some(username));
    }
    Ok(found.into_iter().next().map(|stored| (stored.user, stored.digest)))
}

/// Creates a user on behalf of an administrator: user name and password need not meet the policies for people who sign up. The
/// user gets the default roles.
///
/// # Errors
/// `user.*_already_in_use`, `user.invalid_phone`, `user.password_*`, `password.*`, `guard.invalid_input`.
pub async fn create(tenant: &Tenant, new: NewUser) -> Result<User> {
    rules::check_new(&new)?;
    let digest = match (&new.password, &new.password_digest, new.password_algorithm) {
        (Some(password), _, _) => {
            Some(tenant.passwords().hash(tenant.randomness(), password).await?)
        }
        (None, Some(digest), Some(algorithm)) => {
            Some(PasswordDigest::imported(algorithm, digest.reveal())?)
        }
        _ => None,
    };
    let now = tenant.now_ms();
    let user = User {
        has_password: digest.is_some(),
        password_updated_at: digest.as_ref().map(|_| now),
        ..of_body(Alphabet::Id.random(tenant.randomness(), ID_LENGTH), new, now)
    };
    insert(tenant, user, digest).await
}

/// The user that a body describes, without a password.
fn of_body(id: String, new: NewUser, now: i64) -> User {
    User {
        id,
        username: new.username.map(|username| username.as_str().to_owned()),
        primary_email: new.primary_email.map(EmailAddress::into_string),
        primary_phone: new.primary_phone.map(|phone| phone.as_str().to_owned()),
        name: new.name.map(Text::into_string).filter(|name| !name.is_empty()),
        avatar: new.avatar.map(WebUrl::into_string),
        profile: new.profile,
        custom_data: new.custom_data,
        ..User::blank(now)
    }
}

/// Creates the user of someone who signs up with a user name and a password.
///
/// # Errors
/// `user.sign_up_method_not_enabled` when people do not sign up by user name here; `user.username_*` and `password.rejected` when a
/// policy is not met; `user.username_already_in_use`.
pub async fn register(tenant: &Tenant, registration: Registration) -> Result<User> {
    let snapshot = tenant.snapshot();
    let experience = &snapshot.experience;
    let by_username = experience.sign_up.identifiers.contains(&SignInIdentifier::Username);
    if !experience.allows_registration() || !by_username {
        return Err(Error::refused("user.sign_up_method_not_enabled"));
    }
    let username = registration.username.trim();
    experience.username_policy.check(username)?;
    experience.password_policy.check(registration.password.reveal(), &[username])?;
    let digest = tenant.passwords().hash(tenant.randomness(), &registration.password).await?;
    let now = tenant.now_ms();
    let user = User {
        id: Alphabet::Id.random(tenant.randomness(), ID_LENGTH),
        username: Some(username.to_owned()),
        application_id: registration.application_id,
        has_password: true,
        password_updated_at: Some(now),
        ..User::blank(now)
    };
    insert(tenant, user, Some(digest)).await
}

/// Changes a user.
///
/// # Errors
/// `entity.not_exists_with_id`; `user.last_sign_in_method_required`; as [`create`].
pub async fn update(tenant: &Tenant, id: &str, changes: UserChanges) -> Result<User> {
    change(tenant, id, changes, rules::apply).await
}

/// Merges `data` into the user's custom data at the top level and returns the result.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn merge_custom_data(tenant: &Tenant, id: &str, data: JsonObject) -> Result<JsonObject> {
    let merge = |data: &JsonObject, user: &mut User| {
        user.custom_data.extend(data.clone());
        Ok(())
    };
    Ok(change(tenant, id, data, merge).await?.custom_data)
}

/// Replaces the members of the user's profile that `profile` has, and returns the result.
///
/// # Errors
/// `entity.not_exists_with_id`; `guard.invalid_input`.
pub async fn merge_profile(tenant: &Tenant, id: &str, profile: Profile) -> Result<Profile> {
    let merge =
        |changes: &Profile, user: &mut User| rules::merge_profile(changes, &mut user.profile);
    Ok(change(tenant, id, profile, merge).await?.profile)
}

/// Gives a user a new password on behalf of an administrator. Everyone signed in as the user is signed out.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn set_password(tenant: &Tenant, id: &str, password: &Secret) -> Result<User> {
    get(tenant, id).await?;
    let digest = tenant.passwords().hash(tenant.randomness(), password).await?;
    telling(tenant, Event::UserDataUpdated)
        .write((id.to_owned(), digest, tenant.now_ms()), |tx, (id, digest, now)| {
            Box::pin(async move {
                take(tx, id, *now).await?;
                store::set_password(tx, id, digest, *now).await?;
                sign_out(tx, id).await?;
                find(tx, id).await?.ok_or_else(|| unknown(id))
            })
        })
        .await
}

/// Checks a user's password.
///
/// # Errors
/// `entity.not_exists_with_id`; `session.invalid_credentials` when it is another one, or there is none.
pub async fn verify_password(tenant: &Tenant, id: &str, password: &Secret) -> Result<()> {
    let stored = store::find(&mut tenant.read().await?, id).await?.ok_or_else(|| unknown(id))?;
    if tenant.passwords().verify(password, stored.digest.as_ref()).await? {
        Ok(())
    } else {
        Err(Error::refused("session.invalid_credentials"))
    }
}

/// Makes a user choose a new password before the next sign-in, or takes that back.
///
/// # Errors
/// `entity.not_exists_with_id`; `sign_in_experiences.password_expiration_not_enabled`.
pub async fn set_password_expired(tenant: &Tenant, id: &str, is_expired: bool) -> Result<User> {
    get(tenant, id).await?;
    if tenant.snapshot().experience.password_expiration.enabled != Some(true) {
        return Err(Error::refused("sign_in_experiences.password_expiration_not_enabled"));
    }
    tenant
        .write((id.to_owned(), is_expired, tenant.now_ms()), |tx, (id, is_expired, now)| {
            Box::pin(async move {
                if !store::set_password_expired(tx, id, *is_expired, *now).await? {
                    return Err(unknown(id));
                }
                find(tx, id).await?.ok_or_else(|| unknown(id))
            })
        })
        .await
}

/// Whether a user must choose a new password before signing in with one: because an administrator wants it, or it is too old.
pub(crate) fn has_expired_password(tenant: &Tenant, user: &User) -> bool {
    let policy = tenant.snapshot().experience.password_expiration;
    rules::has_expired_password(&policy, user, tenant.now_ms())
}

/// What the password policy says to a password that a user, or nobody in particular, would have. Nothing is kept of it.
///
/// # Errors
/// `request.invalid_input` when the policy looks at personal details and no user is named; `entity.not_exists_with_id`.
pub async fn check_password(
    tenant: &Tenant,
    password: &Secret,
    user_id: Option<&str>,
) -> Result<Vec<PasswordIssue>> {
    let snapshot = tenant.snapshot();
    let policy = &snapshot.experience.password_policy;
    if user_id.is_none() && policy.looks_at_user() {
        let details = "the password policy looks at personal details: name a user by `userId`";
        return Err(Error::refused_with("request.invalid_input", &[("details", details)]));
    }
    let user = match user_id {
        Some(id) => Some(get(tenant, id).await?),
        None => None,
    };
    let personal: Vec<&str> = user
        .iter()
        .flat_map(|user| [&user.username, &user.name, &user.primary_email, &user.primary_phone])
        .filter_map(|detail| detail.as_deref())
        .collect();
    Ok(policy.issues(password.reveal(), &personal))
}

/// Suspends a user, who is signed out everywhere and cannot sign in, or lifts the suspension.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn set_suspended(tenant: &Tenant, id: &str, is_suspended: bool) -> Result<User> {
    telling(tenant, Event::UserSuspensionStatusUpdated)
        .write((id.to_owned(), is_suspended, tenant.now_ms()), |tx, (id, is_suspended, now)| {
            Box::pin(async move {
                take(tx, id, *now).await?;
                store::set_suspended(tx, id, *is_suspended).await?;
                if *is_suspended {
                    sign_out(tx, id).await?;
                }
                find(tx, id).await?.ok_or_else(|| unknown(id))
            })
        })
        .await
}

/// Deletes a user with everything that belongs to it: sessions, grants and their tokens, roles, memberships.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    telling(tenant, Event::UserDeleted)
        .write((id.to_owned(), tenant.now_ms()), |tx, (id, now)| {
            Box::pin(async move {
                take(tx, id, *now).await?;
                sign_out(tx, id).await?;
                let mut counted = counts::Changes::default();
                // Whoever gives the user a role or makes the user a member has done so, and whoever is about to waits in vain.
                store::take_for_good(tx, id).await?;
                roles::users::take_all(tx, id, &mut counted).await?;
                organizations::users::remove_from_all(tx, id, &mut counted).await?;
                if !store::delete(tx, id).await? {
                    return Err(unknown(id));
                }
                counted.removed(counts::Kind::Users, counts::OF_TENANT, id);
                counted.apply(tx).await
            })
        })
        .await
}

/// Replaces the digest of a password by a better one of the same, unless the password has been changed meanwhile.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn renew_digest(
    tx: &mut Tx<'_>,
    user_id: &str,
    was: &PasswordDigest,
    digest: &PasswordDigest,
) -> Result<()> {
    store::replace_password(tx, user_id, was, digest).await
}

/// A user and the digest of the password, which the audit log notes.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn reveal_digest(tenant: &Tenant, id: &str) -> Result<(User, Option<PasswordDigest>)> {
    let stored = store::find(&mut tenant.read().await?, id).await?.ok_or_else(|| unknown(id))?;
    if stored.digest.is_some() {
        let entry = Entry::new(tenant, "User.PasswordDigest.Reveal", Outcome::Success).user(id);
        audit::record(tenant, entry).await?;
    }
    Ok((stored.user, stored.digest))
}

/// Notes that a user has signed in, in the transaction that starts the session. It is also the last look at whether the user may:
/// a suspension that comes later ends the session.
///
/// # Errors
/// `user.suspended` when the user is suspended, or gone, by now.
pub async fn record_sign_in(tx: &mut Tx<'_>, user_id: &str, now_ms: i64) -> Result<()> {
    if store::record_sign_in(tx, user_id, now_ms).await? {
        Ok(())
    } else {
        Err(Error::refused("user.suspended"))
    }
}

/// Makes user names unique with or without regard to case, in the transaction that changes the policy.
///
/// # Errors
/// `sign_in_experiences.username_policy_case_conflicts_exist` when some differ only in case.
pub(crate) async fn set_username_case_sensitivity(
    tx: &mut Tx<'_>,
    case_sensitive: bool,
) -> Result<()> {
    let code = "sign_in_experiences.username_policy_case_conflicts_exist";
    store::set_username_keys(tx, case_sensitive)
        .await
        .map_err(|error| error.if_taken("users_username_key", code))
}

async fn insert(tenant: &Tenant, user: User, digest: Option<PasswordDigest>) -> Result<User> {
    telling(tenant, Event::UserCreated)
        .about_new_user(&user)
        .write((user.clone(), digest), |tx, (user, digest)| {
            Box::pin(async move {
                let case_sensitive = experience::usernames_are_case_sensitive(tx).await?;
                store::insert(tx, user, digest.as_ref(), case_sensitive).await.map_err(taken)?;
                let mut counted = counts::Changes::default();
                counted.added(counts::Kind::Users, counts::OF_TENANT, &user.id);
                roles::assign_defaults_to_user(tx, &user.id, &mut counted).await?;
                counted.apply(tx).await
            })
        })
        .await?;
    Ok(user)
}

/// Changes a user by `apply`, one change after another.
async fn change<I, F>(tenant: &Tenant, id: &str, input: I, apply: F) -> Result<User>
where
    I: Send + Sync + 'static,
    F: Fn(&I, &mut User) -> Result<()> + Send + Sync + 'static,
{
    telling(tenant, Event::UserDataUpdated)
        .write((id.to_owned(), input, apply, tenant.now_ms()), |tx, (id, input, apply, now)| {
            Box::pin(async move {
                take(tx, id, *now).await?;
                let case_sensitive = experience::usernames_are_case_sensitive(tx).await?;
                let mut user = find(tx, id).await?.ok_or_else(|| unknown(id))?;
                apply(input, &mut user)?;
                store::update(tx, &user, case_sensitive).await.map_err(taken)?;
                Ok(user)
            })
        })
        .await
}

async fn take(tx: &mut Tx<'_>, id: &str, now_ms: i64) -> Result<()> {
    if store::take(tx, id, now_ms).await? { Ok(()) } else { Err(unknown(id)) }
}

async fn sign_out(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    sessions::end_all_of_user(tx, user_id).await?;
    grants::revoke_all_of_user(tx, user_id).await
}

fn unknown(id: &str) -> Error {
    Error::not_found("users", id)
}

fn taken(error: Error) -> Error {
    error
        .if_taken("users_username", "user.username_already_in_use")
        .if_taken("users_username_key", "user.username_already_in_use")
        .if_taken("users_primary_email_folded", "user.email_already_in_use")
        .if_taken("users_primary_phone", "user.phone_already_in_use")
        .if_taken("user_identities_target_identity_id", "user.identity_already_in_use")
}
