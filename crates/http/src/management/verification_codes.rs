//! `/api/verification-codes`

use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::experience::EmailAddress;
use trinco_core::messages::{MessageType, Recipient};
use trinco_core::users::PhoneNumber;
use trinco_core::{Error, Text, verification_codes};

use super::doors::{Doors, post};
use crate::app::Here;
use crate::extract::Json;
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Verification codes")
        .route("/api/verification-codes", post("Send a verification code", request))
        .route("/api/verification-codes/verify", post("Spend a verification code", verify))
}

/// One of the two.
#[derive(Deserialize, JsonSchema)]
struct Whom {
    /// An e-mail address.
    email: Option<EmailAddress>,
    /// The digits of a phone number, the country code first.
    phone: Option<PhoneNumber>,
}

impl Whom {
    fn recipient(self) -> Result<Recipient, Error> {
        match (self.email, self.phone) {
            (Some(email), None) => Ok(Recipient::Email(email.as_str().to_owned())),
            (None, Some(phone)) => Ok(Recipient::Phone(phone.as_str().to_owned())),
            (None, None) => Err(Error::refused("verification_code.phone_email_empty")),
            (Some(_), Some(_)) => Err(Error::invalid_field("phone", "cannot stand beside email")),
        }
    }
}

async fn request(Here(tenant): Here, Json(whom): Json<Whom>) -> Result<NoContent, ApiError> {
    let to = whom.recipient()?;
    verification_codes::request(&tenant, to, MessageType::Generic, None).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// The code that was sent.
    verification_code: Text<1, 64>,
    /// To whom.
    #[serde(flatten)]
    whom: Whom,
}

async fn verify(Here(tenant): Here, Json(answer): Json<Answer>) -> Result<NoContent, ApiError> {
    let (to, code) = (answer.whom.recipient()?, answer.verification_code.as_str());
    verification_codes::verify(&tenant, &to, MessageType::Generic, code).await?;
    Ok(NO_CONTENT)
}
