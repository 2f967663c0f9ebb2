//! What is allowed of a user, and what a change does to one.

use serde_json::Value;
use trinco_oauth::claims::Profile;

use super::identifiers::PhoneNumber;
use super::model::{NewUser, User, UserChanges};
use crate::experience::PasswordExpiration;
use crate::{Error, JsonObject, Result};

/// The members of an address (the Management API's names).
const ADDRESS_MEMBERS: [&str; 6] =
    ["formatted", "streetAddress", "locality", "region", "postalCode", "country"];

pub(super) fn check_new(new: &NewUser) -> Result<()> {
    match (&new.password, &new.password_digest, new.password_algorithm) {
        (Some(_), Some(_), _) => return Err(Error::refused("user.password_and_digest")),
        (None, Some(_), None) => return Err(Error::refused("user.password_algorithm_required")),
        (None, Some(_), Some(_)) | (_, None, _) => {}
    }
    check_phone(new.primary_phone.as_ref())?;
    check_profile(&new.profile)
}

/// Changes a user.
pub(super) fn apply(changes: &UserChanges, user: &mut User) -> Result<()> {
    let had_identifier = has_identifier(user);
    if let Some(username) = &changes.username {
        user.username = username.as_ref().map(|username| username.as_str().to_owned());
    }
    if let Some(email) = &changes.primary_email {
        user.primary_email = email.as_ref().map(|email| email.as_str().to_owned());
    }
    if let Some(phone) = &changes.primary_phone {
        check_phone(phone.as_ref())?;
        user.primary_phone = phone.as_ref().map(|phone| phone.as_str().to_owned());
    }
    if had_identifier && !has_identifier(user) {
        return Err(Error::refused("user.last_sign_in_method_required"));
    }
    if let Some(name) = &changes.name {
        user.name = name.as_ref().map(|name| name.0.as_str().to_owned());
    }
    if let Some(avatar) = &changes.avatar {
        user.avatar = avatar.as_ref().map(|avatar| avatar.as_str().to_owned());
    }
    if let Some(data) = &changes.custom_data {
        user.custom_data = data.clone();
    }
    if let Some(profile) = &changes.profile {
        check_profile(profile)?;
        user.profile = profile.clone();
    }
    Ok(())
}

/// Makes these members, called as in the API, what they are of `wanted`; others stay.
pub(super) fn become_declared(members: &[String], wanted: &User, user: &mut User) -> Result<()> {
    let had_identifier = has_identifier(user);
    for name in members {
        match name.as_str() {
            "username" => user.username.clone_from(&wanted.username),
            "primaryEmail" => user.primary_email.clone_from(&wanted.primary_email),
            "primaryPhone" => user.primary_phone.clone_from(&wanted.primary_phone),
            "name" => user.name.clone_from(&wanted.name),
            "avatar" => user.avatar.clone_from(&wanted.avatar),
            "profile" => user.profile.clone_from(&wanted.profile),
            "customData" => user.custom_data.clone_from(&wanted.custom_data),
            "identities" => user.identities.clone_from(&wanted.identities),
            "isSuspended" => user.is_suspended = wanted.is_suspended,
            "isPasswordExpired" => user.is_password_expired = wanted.is_password_expired,
            // Kept beside the user.
            "roles" | "passwordDigest" => {}
            other => return Err(Error::Internal(format!("a user has no member {other}"))),
        }
    }
    if had_identifier && !has_identifier(user) {
        return Err(Error::refused("user.last_sign_in_method_required"));
    }
    Ok(())
}

/// Replaces the members of `profile` that `changes` has; an address as a whole.
pub(super) fn merge_profile(changes: &Profile, profile: &mut Profile) -> Result<()> {
    check_profile(changes)?;
    macro_rules! replace {
        ($($member:ident),* $(,)?) => {$(
            if changes.$member.is_some() {
                profile.$member.clone_from(&changes.$member);
            }
        )*};
    }
    replace!(
        family_name,
        given_name,
        middle_name,
        nickname,
        preferred_username,
        profile,
        website,
        gender,
        birthdate,
        zoneinfo,
        locale,
        address,
    );
    Ok(())
}

/// Whether the user must choose a new password, where passwords expire at all. One from before that was switched on counts from then.
pub(super) fn has_expired_password(policy: &PasswordExpiration, user: &User, now_ms: i64) -> bool {
    const DAY_MS: i64 = 86_400_000;
    if policy.enabled != Some(true) || !user.has_password {
        return false;
    }
    let chosen = user.password_updated_at.unwrap_or(user.created_at);
    let counts_from = chosen.max(policy.enabled_at.unwrap_or(chosen));
    let is_too_old = policy
        .valid_period_days
        .is_some_and(|days| counts_from.saturating_add(i64::from(days) * DAY_MS) <= now_ms);
    user.is_password_expired || is_too_old
}

/// Whether there is anything to sign in with.
fn has_identifier(user: &User) -> bool {
    user.username.is_some()
        || user.primary_email.is_some()
        || user.primary_phone.is_some()
        || !user.identities.is_empty()
}

fn check_phone(phone: Option<&PhoneNumber>) -> Result<()> {
    if phone.is_none_or(PhoneNumber::is_international) {
        Ok(())
    } else {
        Err(Error::refused("user.invalid_phone"))
    }
}

fn check_profile(profile: &Profile) -> Result<()> {
    let is_allowed = |(name, value): (&String, &Value)| {
        ADDRESS_MEMBERS.contains(&name.as_str()) && value.is_string()
    };
    let address: Option<&JsonObject> = profile.address.as_ref();
    if address.is_none_or(|address| address.iter().all(is_allowed)) {
        Ok(())
    } else {
        Err(Error::invalid_field("profile.address", "may hold the texts of an address only"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new(body: Value) -> Option<&'static str> {
        let new = serde_json::from_value(body).unwrap();
        check_new(&new).err().and_then(|error| error.code())
    }

    fn ana() -> User {
        User {
            id: "u".to_owned(),
            username: Some("ana".to_owned()),
            primary_phone: Some("5511912345678".to_owned()),
            name: Some("Ana".to_owned()),
            profile: serde_json::from_value(json!({ "nickname": "Aninha", "gender": "f" }))
                .unwrap(),
            ..User::blank(1)
        }
    }

    fn changed(body: Value) -> Result<User, &'static str> {
        let mut user = ana();
        apply(&serde_json::from_value(body).unwrap(), &mut user)
            .map_err(|error| error.code().unwrap())?;
        Ok(user)
    }

    #[test]
    fn a_password_comes_in_clear_or_as_a_digest_with_its_algorithm() {
        assert_eq!(new(json!({})), None);
        assert_eq!(new(json!({ "password": "x" })), None);
        assert_eq!(
            new(json!({ "password": "x", "passwordDigest": "y" })),
            Some("user.password_and_digest")
        );
        assert_eq!(new(json!({ "passwordDigest": "y" })), Some("user.password_algorithm_required"));
    }

    #[test]
    fn a_password_expires_where_passwords_do() {
        const DAY: i64 = 86_400_000;
        let policy = |enabled, since| PasswordExpiration {
            enabled: Some(enabled),
            enabled_at: since,
            valid_period_days: Some(30),
        };
        let user = User { has_password: true, password_updated_at: Some(10 * DAY), ..ana() };
        let expired = |policy: &PasswordExpiration, user: &User, day: i64| {
            has_expired_password(policy, user, day * DAY)
        };
        let on = policy(true, None);
        assert!(!expired(&on, &user, 39) && expired(&on, &user, 40));
        assert!(!expired(&policy(false, None), &user, 99));
        let later = policy(true, Some(35 * DAY));
        assert!(!expired(&later, &user, 64) && expired(&later, &user, 65));
        let marked = User { is_password_expired: true, ..user };
        assert!(expired(&on, &marked, 11) && !expired(&policy(false, None), &marked, 11));
        assert!(!expired(&on, &User { has_password: false, ..marked }, 99));
    }

    #[test]
    fn a_phone_number_is_international() {
        assert_eq!(new(json!({ "primaryPhone": "5511912345678" })), None);
        for phone in ["1", "05511912345678", "1234567890123456"] {
            assert_eq!(
                new(json!({ "primaryPhone": phone })),
                Some("user.invalid_phone"),
                "{phone}"
            );
        }
    }

    #[test]
    fn absent_members_stay_and_empty_ones_clear() {
        assert_eq!(changed(json!({})).unwrap(), ana());
        let user =
            changed(json!({ "name": "", "primaryPhone": null, "profile": { "locale": "pt-BR" } }))
                .unwrap();
        assert_eq!((user.name, user.primary_phone, user.username), (None, None, ana().username));
        assert_eq!(user.profile, serde_json::from_value(json!({ "locale": "pt-BR" })).unwrap());
    }

    #[test]
    fn the_last_identifier_stays() {
        let code = changed(json!({ "username": null, "primaryPhone": null })).unwrap_err();
        assert_eq!(code, "user.last_sign_in_method_required");
        assert!(changed(json!({ "username": null })).is_ok());
        assert!(
            changed(json!({ "username": null, "primaryPhone": null, "primaryEmail": "a@b.c" }))
                .is_ok()
        );
    }

    #[test]
    fn profiles_merge_and_addresses_are_replaced() {
        let mut profile: Profile = serde_json::from_value(
            json!({ "nickname": "A", "address": { "region": "SP", "country": "BR" } }),
        )
        .unwrap();
        let changes =
            serde_json::from_value(json!({ "gender": "f", "address": { "country": "PT" } }))
                .unwrap();
        merge_profile(&changes, &mut profile).unwrap();
        let expected = json!({ "nickname": "A", "gender": "f", "address": { "country": "PT" } });
        assert_eq!(serde_json::to_value(profile).unwrap(), expected);
    }

    #[test]
    fn an_address_holds_known_texts_only() {
        for address in [json!({ "planet": "Earth" }), json!({ "country": 55 })] {
            assert_eq!(
                new(json!({ "profile": { "address": address } })),
                Some("guard.invalid_input")
            );
        }
    }
}
