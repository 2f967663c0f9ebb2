//! `/api/saml-applications`, and the doors of their sign-in at `/api/saml/{id}/authn`.

use axum::Json as Body;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::saml_applications::{
    self, CertificateChanges, ListedSamlCertificate, NewSamlApplication, NewSamlCertificate,
    SamlApplication, SamlApplicationChanges, SamlCertificate,
};
use trinco_core::{Error, Tenant, Text};

use super::doors::{Doors, Input, Operation, Output, get, patch, post};
use crate::app::Here;
use crate::extract::{Json, Path, Query};
use crate::failure::ApiError;
use crate::reply::{Created, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("SAML applications")
        .route("/api/saml-applications", post("Create a SAML application", create))
        .route(
            "/api/saml-applications/{id}",
            get("See a SAML application", read)
                .patch("Change a SAML application", update)
                .delete("Delete a SAML application", remove),
        )
        .route(
            "/api/saml-applications/{id}/secrets",
            get("List the certificates of a SAML application", certificates)
                .post("Create a certificate of a SAML application", add_certificate),
        )
        .route(
            "/api/saml-applications/{id}/secrets/{secret_id}",
            patch("Choose the certificate of a SAML application", update_certificate)
                .delete("Delete a certificate of a SAML application", remove_certificate),
        )
}

/// Needs no token: service providers read it, and people's browsers come here.
pub(super) fn public_routes() -> Doors {
    Doors::new("SAML applications")
        .route(
            "/api/saml-applications/{id}/metadata",
            get("Describe this identity provider to a SAML application", metadata),
        )
        .route(
            "/api/saml-applications/{id}/callback",
            get("Finish signing in to a SAML application", finish),
        )
        .route(
            "/api/saml/{id}/authn",
            get("Begin signing in to a SAML application", begin)
                .post("Begin signing in to a SAML application by a form", begin_by_form),
        )
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewSamlApplication>,
) -> Result<Created<SamlApplication>, ApiError> {
    Ok(created(saml_applications::create(&tenant, new).await?))
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<SamlApplication>, ApiError> {
    Ok(Body(saml_applications::get(&tenant, &id).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<SamlApplicationChanges>,
) -> Result<Body<SamlApplication>, ApiError> {
    Ok(Body(saml_applications::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    saml_applications::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn certificates(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Vec<ListedSamlCertificate>>, ApiError> {
    Ok(Body(saml_applications::certificates(&tenant, &id).await?))
}

async fn add_certificate(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewSamlCertificate>,
) -> Result<Created<SamlCertificate>, ApiError> {
    Ok(created(saml_applications::add_certificate(&tenant, &id, new).await?))
}

async fn update_certificate(
    Here(tenant): Here,
    Path((id, secret_id)): Path<(String, String)>,
    Json(changes): Json<CertificateChanges>,
) -> Result<Body<SamlCertificate>, ApiError> {
    let updated = saml_applications::update_certificate(&tenant, &id, &secret_id, changes);
    Ok(Body(updated.await?))
}

async fn remove_certificate(
    Here(tenant): Here,
    Path((id, secret_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    saml_applications::delete_certificate(&tenant, &id, &secret_id).await?;
    Ok(NO_CONTENT)
}

/// An XML document.
struct Xml(String);

impl IntoResponse for Xml {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], self.0).into_response()
    }
}

impl Output for Xml {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<String>(200, "text/xml");
    }
}

async fn metadata(Here(tenant): Here, Path(id): Path<String>) -> Result<Xml, ApiError> {
    Ok(Xml(saml_applications::metadata(&tenant, &id).await?))
}

/// Where a browser is sent on to.
struct Onward(std::convert::Infallible);

impl IntoResponse for Onward {
    fn into_response(self) -> Response {
        match self.0 {}
    }
}

impl Output for Onward {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_nothing(302);
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "read for its rules alone until messages are exchanged")]
struct AuthnRequest {
    /// The message, in base64.
    #[serde(rename = "SAMLRequest")]
    saml_request: Text<1, 65536>,
    /// Goes back with the answer.
    #[serde(default)]
    relay_state: Option<Text<0, 512>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "read for its rules alone until messages are exchanged")]
struct AuthnQuery {
    /// The message, in base64.
    #[serde(rename = "SAMLRequest")]
    saml_request: Text<1, 65536>,
    /// Over the message and what comes with it.
    signature: Option<Text<0, 4096>>,
    /// How that was made.
    sig_alg: Option<Text<0, 256>>,
    /// Goes back with the answer.
    relay_state: Option<Text<0, 512>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its rules alone until messages are exchanged")]
struct CallbackQuery {
    /// What was authorized.
    code: Option<Text<0, 4096>>,
    /// Whose it is.
    state: Option<Text<0, 4096>>,
    /// Where it was sent.
    redirect_uri: Option<Text<0, 2048>>,
    /// Why nothing was.
    error: Option<Text<0, 256>>,
    /// The same in words.
    #[serde(rename = "error_description")]
    error_description: Option<Text<0, 4096>>,
}

/// A page that sends itself on.
struct Form(std::convert::Infallible);

impl IntoResponse for Form {
    fn into_response(self) -> Response {
        match self.0 {}
    }
}

impl Output for Form {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<String>(200, "text/html");
    }
}

/// The same in a body: a form as browsers post it, or JSON.
struct Posted(#[expect(dead_code, reason = "as its members")] AuthnRequest);

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_form = content_type.is_some_and(|value| {
            value.as_bytes().starts_with(b"application/x-www-form-urlencoded")
        });
        if !is_form {
            return Json::from_request(request, state).await.map(|Json(body)| Self(body));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| Error::refused("request.body_too_large"))?;
        let read = serde_html_form::from_bytes(&body);
        read.map(Self).map_err(|error| Error::invalid_field("", &error.to_string()).into())
    }
}

impl Input for Posted {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes::<AuthnRequest>("application/x-www-form-urlencoded");
    }
}

async fn begin(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(_): Query<AuthnQuery>,
) -> Result<Onward, ApiError> {
    Err(refusal(&tenant, &id).await)
}

async fn begin_by_form(
    Here(tenant): Here,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Result<Onward, ApiError> {
    Err(refusal(&tenant, &id).await)
}

async fn finish(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(_): Query<CallbackQuery>,
) -> Result<Form, ApiError> {
    Err(refusal(&tenant, &id).await)
}

/// What is missing for a sign-in.
async fn refusal(tenant: &Tenant, id: &str) -> ApiError {
    match saml_applications::begin(tenant, id).await {
        Ok(never) => match never {},
        Err(error) => ApiError(error),
    }
}
