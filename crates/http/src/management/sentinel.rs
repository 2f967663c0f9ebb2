//! `/api/sentinel-activities`

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use trinco_core::{Text, lockout};

use super::doors::{Doors, post};
use crate::app::Here;
use crate::extract::Json;
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

/// How many lockouts one request ends at most.
const MOST_TARGETS: usize = 100;

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route("/api/sentinel-activities/delete", post("End lockouts after wrong passwords", end))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Targets {
    target_type: TargetType,
    /// User names, e-mail addresses, phone numbers or ids.
    targets: Names,
}

/// What was locked out.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
enum TargetType {
    /// A user.
    User,
    /// An application: wrong secrets lock out none, so there is nothing to end.
    App,
}

#[derive(JsonSchema)]
#[schemars(transparent)]
struct Names(#[schemars(length(max = 100), inner(length(min = 1, max = 256)))] Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<Text<1, 256>>::deserialize(deserializer)?;
        if names.len() > MOST_TARGETS {
            return Err(de::Error::custom("has more than 100 targets"));
        }
        Ok(Self(names.into_iter().map(Text::into_string).collect()))
    }
}

async fn end(Here(tenant): Here, Json(body): Json<Targets>) -> Result<NoContent, ApiError> {
    if let TargetType::User = body.target_type {
        lockout::end(&tenant, body.targets.0).await?;
    }
    Ok(NO_CONTENT)
}
