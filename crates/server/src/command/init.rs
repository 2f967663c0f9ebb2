//! `trinco init`: the first credentials for the Management API.

use serde_json::json;
use trinco_core::{Error, Result, Secret, Tenant, applications, configs, resources, roles};

use super::Output;

/// Under this key the installation remembers the application whose credentials were shown.
const KEY: &str = "management_api_access";
const NAME: &str = "Management API access";

/// Creates a machine-to-machine application that may use the whole Management API, once.
pub(super) async fn run(tenant: &Tenant) -> Result<Output> {
    let already = || Output::AlreadyInitialized { endpoint: tenant.origin().base().to_owned() };
    if configs::get(&mut tenant.read().await?, KEY).await?.is_some() {
        return Ok(already());
    }
    let (id, secret) = create_machine(tenant, NAME).await?;
    // Remembered last: a crash before leaves an application nobody can use, a crash after a first remark would leave no way in.
    let value = serde_json::to_string(&id)?;
    let winner = tenant
        .write(value.clone(), |tx, value| Box::pin(configs::get_or_set(tx, KEY, value)))
        .await?;
    if winner != value {
        // Another `trinco init` was quicker.
        applications::delete(tenant, &id).await?;
        return Ok(already());
    }
    Ok(Output::Initialized {
        endpoint: tenant.origin().base().to_owned(),
        app_id: id,
        app_secret: secret.reveal().clone(),
        resource: resources::management_api_indicator(tenant.id()),
        token_endpoint: format!("{}/token", tenant.issuer()),
    })
}

/// A machine-to-machine application with the role of the Management API: its id and secret.
async fn create_machine(tenant: &Tenant, name: &str) -> Result<(String, Secret)> {
    let new = serde_json::from_value(json!({ "name": name, "type": "MachineToMachine" }))?;
    let application = applications::create(tenant, new).await?;
    allow_management(tenant, &application.id).await?;
    let secret = first_secret(tenant, &application.id).await?;
    Ok((application.id, secret))
}

/// Lets an application use the whole Management API.
pub(super) async fn allow_management(tenant: &Tenant, application_id: &str) -> Result<()> {
    roles::set_application_role(tenant, application_id, roles::MANAGEMENT_API_ROLE, true).await
}

/// The secret that a confidential application is created with.
pub(super) async fn first_secret(tenant: &Tenant, application_id: &str) -> Result<Secret> {
    let secrets = applications::secrets(tenant, application_id).await?;
    let first = secrets.into_iter().next();
    first
        .map(|secret| secret.value)
        .ok_or_else(|| Error::Internal("the application has no secret".to_owned()))
}
