//! `trinco user create`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trinco_core::{Error, Result, Tenant, users};

use super::Output;

/// A user to create.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewPerson {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

pub(super) async fn create(tenant: &Tenant, new: NewPerson) -> Result<Output> {
    let mut body = Map::new();
    body.insert("username".to_owned(), new.username.into());
    body.insert("password".to_owned(), new.password.into());
    body.extend(new.name.map(|name| ("name".to_owned(), name.into())));
    body.extend(new.email.map(|email| ("primaryEmail".to_owned(), email.into())));
    let user = users::create(tenant, understood(body)?).await?;
    Ok(Output::User { id: user.id, username: user.username.unwrap_or_default() })
}

/// The body as the Management API takes it. Each field is tried by itself first, so that the refusal can name it.
fn understood<T: for<'de> Deserialize<'de>>(body: Map<String, Value>) -> Result<T> {
    for (field, flag) in [
        ("username", "username"),
        ("password", "password"),
        ("name", "name"),
        ("primaryEmail", "email"),
    ] {
        let Some(value) = body.get(field) else { continue };
        let alone = Map::from_iter([(field.to_owned(), value.clone())]);
        if let Err(wrong) = serde_json::from_value::<T>(Value::Object(alone)) {
            // What a parser says may quote the value.
            let rule =
                if field == "password" { "is not usable".to_owned() } else { wrong.to_string() };
            return Err(Error::invalid_field(flag, &rule));
        }
    }
    serde_json::from_value(Value::Object(body))
        .map_err(|_| Error::Internal("the user's fields do not fit together".to_owned()))
}
