//! What the console remembers for all who use it: which of its first steps have been taken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, Tenant, Text, configs};

/// The key of [`configs`] under which it is kept.
const KEY: &str = "adminConsole";

/// What the console remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleSettings {
    /// Somebody has changed how the sign-in pages look.
    pub sign_in_experience_customized: bool,
    /// Somebody has created an organization.
    pub organization_created: bool,
    /// Which notices about charges have been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_charge_notification: Option<ChargeNotices>,
    /// Whether the notice about a tenant that was moved has been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub development_tenant_migration_notification: Option<MigrationNotice>,
}

/// Notices about charges that have been read. Trinco charges nobody; clients of the reference's API keep them here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ChargeNotices {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_resource: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_to_machine_app: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_member: Option<bool>,
}

/// A notice that a tenant was moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationNotice {
    /// Whether it was a paid one.
    pub is_paid_tenant: bool,
    /// Which move.
    pub tag: Text<0, 256>,
    /// When the notice was read: Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<f64>,
}

/// The body that changes it: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in ConsoleSettings")]
pub struct ConsoleSettingsChanges {
    pub sign_in_experience_customized: Option<bool>,
    pub organization_created: Option<bool>,
    pub checked_charge_notification: Option<ChargeNotices>,
    pub development_tenant_migration_notification: Option<MigrationNotice>,
}

/// What the console remembers.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tenant: &Tenant) -> Result<ConsoleSettings> {
    read(configs::get(&mut tenant.read().await?, KEY).await?)
}

/// Changes what the console remembers.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tenant: &Tenant, changes: ConsoleSettingsChanges) -> Result<ConsoleSettings> {
    tenant
        .write(changes, |tx, changes| {
            Box::pin(async move {
                let mut settings = read(configs::take(tx, KEY).await?)?;
                let changes = changes.clone();
                if let Some(customized) = changes.sign_in_experience_customized {
                    settings.sign_in_experience_customized = customized;
                }
                if let Some(created) = changes.organization_created {
                    settings.organization_created = created;
                }
                if changes.checked_charge_notification.is_some() {
                    settings.checked_charge_notification = changes.checked_charge_notification;
                }
                if changes.development_tenant_migration_notification.is_some() {
                    settings.development_tenant_migration_notification =
                        changes.development_tenant_migration_notification;
                }
                configs::set(tx, KEY, &serde_json::to_string(&settings)?).await?;
                Ok(settings)
            })
        })
        .await
}

fn read(stored: Option<String>) -> Result<ConsoleSettings> {
    Ok(stored.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}
