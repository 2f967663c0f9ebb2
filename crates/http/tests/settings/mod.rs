//! Settings of sign-in that no door can switch on by itself.

use serde_json::{Value, json};
use trinco_core::{Error, Section};
use trinco_db::{params, sql};
use trinco_testkit::Server;

/// Passwords are to be replaced after so many days, or never. The API asks for a way to replace a forgotten one first, which takes a connector.
pub(crate) async fn let_passwords_expire(server: &Server, days: Option<u32>) {
    let changed = server.tenant().configure(&[Section::Experience], days, |tx, _, days| {
        Box::pin(async move {
            let select = sql!("SELECT value FROM sign_in_experiences WHERE tenant_id = $1");
            let text: String = tx.one(select, &[]).await?.get(0)?;
            let mut settings: Value = serde_json::from_str(&text)?;
            settings["passwordExpiration"] = match days {
                Some(days) => json!({ "enabled": true, "validPeriodDays": days }),
                None => json!({}),
            };
            let update = sql!("UPDATE sign_in_experiences SET value = $2 WHERE tenant_id = $1");
            tx.execute(update, params![settings.to_string()]).await?;
            Ok::<_, Error>(())
        })
    });
    changed.await.expect("the settings change");
}
