//! `/api/users`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::JsonObject;
use trinco_core::passwords::{PasswordAlgorithm, PasswordDigest};
use trinco_core::sso_identities::SsoIdentity;
use trinco_core::users::{self, Filter, NewUser, PasswordBody, User, UserChanges};
use trinco_oauth::claims::Profile;

use super::doors::{Doors, get, patch, post};
use super::parts::{Flag, says_yes};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query, QueryPairs};
use crate::failure::ApiError;
use crate::reply::{Listed, NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route("/api/users", get("List users", list).post("Create a user", create))
        .route(
            "/api/users/{id}",
            get("See a user", read).patch("Change a user", update).delete("Delete a user", remove),
        )
        .route("/api/users/{id}/password", patch("Set the password of a user", set_password))
        .route(
            "/api/users/{id}/password/verify",
            post("Check the password of a user", verify_password),
        )
        .route(
            "/api/users/{id}/has-password",
            get("See whether a user has a password", has_password),
        )
        .route(
            "/api/users/{id}/is-suspended",
            patch("Suspend a user, or lift the suspension", set_suspended),
        )
        .route(
            "/api/users/{id}/custom-data",
            get("See the custom data of a user", custom_data)
                .patch("Merge members into the custom data of a user", merge_custom_data),
        )
        .route(
            "/api/users/{id}/profile",
            patch("Merge members into the profile of a user", merge_profile),
        )
}

async fn list(
    Here(tenant): Here,
    query: QueryPairs,
    paged: Paged,
) -> Result<Listed<Vec<User>>, ApiError> {
    let pairs = query.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let listing = users::list(&tenant, Filter::parse(pairs)?, paged.page()).await?;
    Ok(paged.respond(listing))
}

async fn create(Here(tenant): Here, Json(new): Json<NewUser>) -> Result<Body<User>, ApiError> {
    Ok(Body(users::create(&tenant, new).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UserQuery {
    /// Tells the identities at enterprise providers too.
    include_sso_identities: Option<Flag>,
    /// Tells the hash of the password too.
    include_password_hash: Option<Flag>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Detailed {
    #[serde(flatten)]
    user: User,
    #[serde(skip_serializing_if = "Option::is_none")]
    sso_identities: Option<Vec<SsoIdentity>>,
    #[serde(flatten)]
    password: Option<RevealedPassword>,
}

/// The hash of a password, `null` where there is none.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RevealedPassword {
    password_digest: Option<String>,
    password_algorithm: Option<PasswordAlgorithm>,
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(query): Query<UserQuery>,
) -> Result<Body<Detailed>, ApiError> {
    let (user, password) = if says_yes(query.include_password_hash) {
        let (user, digest) = users::reveal_digest(&tenant, &id).await?;
        let password = RevealedPassword {
            password_digest: digest.as_ref().map(|digest| digest.as_str().to_owned()),
            password_algorithm: digest.as_ref().map(PasswordDigest::algorithm),
        };
        (user, Some(password))
    } else {
        (users::get(&tenant, &id).await?, None)
    };
    let sso_identities = match says_yes(query.include_sso_identities) {
        true => Some(users::identities(&tenant, &id).await?.sso),
        false => None,
    };
    Ok(Body(Detailed { user, sso_identities, password }))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<UserChanges>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    users::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn set_password(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<PasswordBody>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::set_password(&tenant, &id, &body.password).await?))
}

async fn verify_password(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<PasswordBody>,
) -> Result<NoContent, ApiError> {
    users::verify_password(&tenant, &id, &body.password).await?;
    Ok(NO_CONTENT)
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HasPassword {
    has_password: bool,
}

async fn has_password(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<HasPassword>, ApiError> {
    let has_password = users::get(&tenant, &id).await?.has_password;
    Ok(Body(HasPassword { has_password }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Suspension {
    is_suspended: bool,
}

async fn set_suspended(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Suspension>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::set_suspended(&tenant, &id, body.is_suspended).await?))
}

async fn custom_data(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(users::get(&tenant, &id).await?.custom_data))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CustomData {
    custom_data: JsonObject,
}

async fn merge_custom_data(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<CustomData>,
) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(users::merge_custom_data(&tenant, &id, body.custom_data).await?))
}

#[derive(Deserialize, JsonSchema)]
struct ProfileBody {
    profile: Profile,
}

async fn merge_profile(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ProfileBody>,
) -> Result<Body<Profile>, ApiError> {
    Ok(Body(users::merge_profile(&tenant, &id, body.profile).await?))
}
