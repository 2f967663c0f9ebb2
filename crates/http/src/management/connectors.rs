//! `/api/connector-factories` and `/api/connectors`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trinco_core::connectors::{
    self, ConnectorChanges, ConnectorFactory, NewConnector, RevealedConnector,
};
use trinco_core::experience::{EmailAddress, LanguageTag, WebUrl};
use trinco_core::messages::{self, Message, MessageType, Recipient};
use trinco_core::users::PhoneNumber;
use trinco_core::{Error, JsonObject, Text};

use super::doors::{Doors, get, post};
use crate::app::Here;
use crate::extract::{Json, Path, Query};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

/// What a message that is sent on trial says in the place of a code.
const TRIAL_CODE: &str = "000000";

pub(super) fn routes() -> Doors {
    Doors::new("Connectors")
        .route("/api/connector-factories", get("List what connectors are made by", factories))
        .route("/api/connector-factories/{id}", get("See what connectors are made by", factory))
        .route("/api/connectors", get("List connectors", list).post("Create a connector", create))
        .route(
            "/api/connectors/{id}",
            get("See a connector", read)
                .patch("Change a connector", update)
                .delete("Delete a connector", remove),
        )
        .route("/api/connectors/{id}/test", post("Send a message on trial", test))
        .route(
            "/api/connectors/{id}/authorization-uri",
            post("Make the URL where someone signs in", authorization_uri),
        )
}

async fn factories() -> Result<Body<Vec<ConnectorFactory>>, ApiError> {
    Ok(Body(connectors::factories().iter().map(ConnectorFactory::from).collect()))
}

async fn factory(Path(id): Path<String>) -> Result<Body<ConnectorFactory>, ApiError> {
    let factory = connectors::factory(&id).ok_or_else(|| Error::refused("entity.not_found"))?;
    Ok(Body(ConnectorFactory::from(factory)))
}

#[derive(Deserialize, JsonSchema)]
struct ConnectorsQuery {
    /// Connectors of this target.
    target: Option<String>,
}

async fn list(
    Here(tenant): Here,
    Query(query): Query<ConnectorsQuery>,
) -> Result<Body<Vec<RevealedConnector>>, ApiError> {
    Ok(Body(connectors::list(&tenant, query.target.as_deref()).await?))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewConnector>,
) -> Result<Body<RevealedConnector>, ApiError> {
    Ok(Body(connectors::create(&tenant, new).await?))
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<RevealedConnector>, ApiError> {
    Ok(Body(connectors::get(&tenant, &id).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<ConnectorChanges>,
) -> Result<Body<RevealedConnector>, ApiError> {
    Ok(Body(connectors::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    connectors::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
struct Trial {
    /// Who gets a text message. When given, `email` is left alone.
    phone: Option<PhoneNumber>,
    /// Who gets an e-mail.
    email: Option<EmailAddress>,
    /// The configuration to try.
    config: JsonObject,
    /// The language the message is wanted in.
    locale: Option<LanguageTag>,
}

/// The path names a factory here: the connector need not be there yet.
async fn test(
    Here(tenant): Here,
    Path(factory_id): Path<String>,
    Json(trial): Json<Trial>,
) -> Result<NoContent, ApiError> {
    let to = match (trial.phone, trial.email) {
        (Some(phone), _) => Recipient::Phone(phone.as_str().to_owned()),
        (None, Some(email)) => Recipient::Email(email.as_str().to_owned()),
        (None, None) => return Err(Error::invalid_field("email", "or phone is required").into()),
    };
    let message = Message {
        to,
        message_type: MessageType::Generic,
        payload: [("code".to_owned(), Value::from(TRIAL_CODE))].into_iter().collect(),
        locale: trial.locale.map(|tag| tag.as_str().to_owned()),
    };
    messages::send_trial(&tenant, &factory_id, &trial.config, message).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AuthorizationRequest {
    /// Comes back with whoever signed in.
    state: Text<1, 2048>,
    /// Where they come back to.
    redirect_uri: WebUrl,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AuthorizationUri {
    /// Where someone signs in.
    redirect_to: String,
    /// Where they come back to.
    redirect_uri: String,
}

async fn authorization_uri(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(request): Json<AuthorizationRequest>,
) -> Result<Body<AuthorizationUri>, ApiError> {
    let redirect_uri = request.redirect_uri.as_str();
    let state = request.state.as_str();
    let redirect_to = connectors::authorization_uri(&tenant, &id, redirect_uri, state).await?;
    Ok(Body(AuthorizationUri { redirect_to, redirect_uri: redirect_uri.to_owned() }))
}
