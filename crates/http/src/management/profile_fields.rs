//! `/api/custom-profile-fields`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use trinco_core::profile_fields::{
    self, FieldDefinition, FieldPlace, NewProfileField, ProfileField,
};

use super::doors::{Doors, get, post};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{Created, NO_CONTENT, NoContent, created};

/// Fields that are created, or moved, at once.
const MOST_AT_ONCE: usize = 20;
const MOST_PLACES: usize = 1000;

pub(super) fn routes() -> Doors {
    Doors::new("Custom profile fields")
        .route(
            "/api/custom-profile-fields",
            get("List profile fields", list).post("Create a profile field", create),
        )
        .route(
            "/api/custom-profile-fields/batch",
            post("Create several profile fields", create_several),
        )
        .route(
            "/api/custom-profile-fields/properties/sie-order",
            post("Set the order of the profile fields", arrange),
        )
        .route(
            "/api/custom-profile-fields/{name}",
            get("See a profile field", read)
                .put("Change a profile field", update)
                .delete("Delete a profile field", remove),
        )
}

async fn list(Here(tenant): Here) -> Body<Vec<ProfileField>> {
    Body(profile_fields::list(&tenant))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewProfileField>,
) -> Result<Created<ProfileField>, ApiError> {
    let mut fields = profile_fields::create(&tenant, vec![new]).await?;
    Ok(created(fields.remove(0)))
}

#[derive(JsonSchema)]
#[schemars(transparent)]
struct SeveralFields(#[schemars(length(min = 1, max = 20))] Vec<NewProfileField>);

impl<'de> Deserialize<'de> for SeveralFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Vec::<NewProfileField>::deserialize(deserializer)?;
        match fields.len() {
            0 => Err(de::Error::custom("must not be empty")),
            1..=MOST_AT_ONCE => Ok(Self(fields)),
            _ => Err(de::Error::custom("has more than 20 fields")),
        }
    }
}

async fn create_several(
    Here(tenant): Here,
    Json(SeveralFields(new)): Json<SeveralFields>,
) -> Result<Created<Vec<ProfileField>>, ApiError> {
    Ok(created(profile_fields::create(&tenant, new).await?))
}

#[derive(JsonSchema)]
#[schemars(transparent)]
struct Places(Vec<FieldPlace>);

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let places = Vec::<FieldPlace>::deserialize(deserializer)?;
        if places.len() > MOST_PLACES {
            return Err(de::Error::custom("has more than 1000 fields"));
        }
        Ok(Self(places))
    }
}

#[derive(Deserialize, JsonSchema)]
struct Order {
    /// The new places; fields that are not named keep theirs.
    order: Places,
}

async fn arrange(
    Here(tenant): Here,
    Json(body): Json<Order>,
) -> Result<Body<Vec<ProfileField>>, ApiError> {
    Ok(Body(profile_fields::arrange(&tenant, body.order.0).await?))
}

async fn read(
    Here(tenant): Here,
    Path(name): Path<String>,
) -> Result<Body<ProfileField>, ApiError> {
    Ok(Body(profile_fields::get(&tenant, &name).await?))
}

async fn update(
    Here(tenant): Here,
    Path(name): Path<String>,
    Json(definition): Json<FieldDefinition>,
) -> Result<Body<ProfileField>, ApiError> {
    Ok(Body(profile_fields::update(&tenant, &name, definition).await?))
}

async fn remove(Here(tenant): Here, Path(name): Path<String>) -> Result<NoContent, ApiError> {
    profile_fields::delete(&tenant, &name).await?;
    Ok(NO_CONTENT)
}
