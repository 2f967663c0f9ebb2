//! What the demo needs on the server, created through the Management API. Every step looks before
//! it creates, so that running it again changes nothing.

use serde_json::{Value, json};

use crate::{Result, loopback};

pub(crate) const API_RESOURCE: &str = "https://shopping.your-app.com/api";
pub(crate) const USERNAME: &str = "demo";

/// The machine-to-machine credentials `trinco init` printed.
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// The demo user's password; a `fresh` one is set even when the user is already there.
pub(crate) struct Password<'a> {
    pub(crate) text: &'a str,
    pub(crate) fresh: bool,
}

/// What the example needs to know about its application.
pub(crate) struct Provisioned {
    pub(crate) app_id: String,
    pub(crate) app_secret: String,
}

pub(crate) fn provision(
    port: u16,
    machine: &Machine,
    app_url: &str,
    password: &Password<'_>,
) -> Result<Provisioned> {
    let api = Api::authorize(port, machine)?;
    let (app_id, app_secret) = application(&api, app_url)?;
    let read_orders = resource(&api)?;
    let role = user_role(&api, &read_orders)?;
    let user = user(&api, password)?;
    assign_role(&api, &user, &role)?;
    let organization_role = organization_role(&api)?;
    organization(&api, &user, &organization_role)?;
    Ok(Provisioned { app_id, app_secret })
}

fn application(api: &Api, app_url: &str) -> Result<(String, String)> {
    const NAME: &str = "Next.js demo";
    let addresses = json!({
        "redirectUris": [format!("{app_url}/callback")],
        // Compared letter by letter, and apps write their own address with the slash or without.
        "postLogoutRedirectUris": [app_url, format!("{app_url}/")],
    });
    let id = match api.find("/api/applications?types=Traditional", "name", NAME)? {
        Some(found) => {
            let id = id_of(&found)?;
            if !holds(&found["oidcClientMetadata"], &addresses) {
                let change = json!({ "oidcClientMetadata": addresses });
                api.call("PATCH", &format!("/api/applications/{id}"), &change)?;
            }
            id
        }
        None => {
            let application = json!({
                "name": NAME,
                "description": "The tutorial's example application.",
                "type": "Traditional",
                "oidcClientMetadata": addresses,
            });
            id_of(&api.call("POST", "/api/applications", &application)?)?
        }
    };
    let path = format!("/api/applications/{id}/secrets");
    let secrets = api.call("GET", &path, &Value::Null)?;
    let secret = match &secrets[0] {
        Value::Null => api.call("POST", &path, &json!({ "name": "demo" }))?,
        secret => secret.clone(),
    };
    Ok((id, text_of(&secret, "value")?))
}

/// The API resource with its permissions, whose descriptions people read in a list of what an application can do; the id of `read:orders`.
fn resource(api: &Api) -> Result<String> {
    let resource = match api.find("/api/resources", "indicator", API_RESOURCE)? {
        Some(found) => found,
        None => {
            let resource = json!({ "name": "Shopping", "indicator": API_RESOURCE });
            api.call("POST", "/api/resources", &resource)?
        }
    };
    let path = format!("/api/resources/{}/scopes", id_of(&resource)?);
    let read = api.find_or_create(&path, "read:orders", "see orders")?;
    api.find_or_create(&path, "write:orders", "place and change orders")?;
    Ok(read)
}

/// A role every person gets, people who register included.
fn user_role(api: &Api, scope: &str) -> Result<String> {
    const NAME: &str = "shopper";
    if let Some(found) = api.find("/api/roles?type=User", "name", NAME)? {
        let id = id_of(&found)?;
        let path = format!("/api/roles/{id}/scopes");
        if api.find(&path, "id", scope)?.is_none() {
            api.call("POST", &path, &json!({ "scopeIds": [scope] }))?;
        }
        return Ok(id);
    }
    let role = json!({
        "name": NAME,
        "description": "May see orders.",
        "type": "User",
        "isDefault": true,
        "scopeIds": [scope],
    });
    id_of(&api.call("POST", "/api/roles", &role)?)
}

fn user(api: &Api, password: &Password<'_>) -> Result<String> {
    if let Some(found) = api.find("/api/users", "username", USERNAME)? {
        let id = id_of(&found)?;
        if password.fresh {
            let path = format!("/api/users/{id}/password");
            api.call("PATCH", &path, &json!({ "password": password.text }))?;
        }
        return Ok(id);
    }
    let user = json!({
        "username": USERNAME,
        "password": password.text,
        "name": "Dora Demo",
        "primaryEmail": "dora@example.com",
    });
    id_of(&api.call("POST", "/api/users", &user)?)
}

fn assign_role(api: &Api, user: &str, role: &str) -> Result<()> {
    let path = format!("/api/users/{user}/roles");
    if api.find(&path, "id", role)?.is_none() {
        api.call("POST", &path, &json!({ "roleIds": [role] }))?;
    }
    Ok(())
}

/// The organization template: one permission, named as the example asks for it, and one role.
fn organization_role(api: &Api) -> Result<String> {
    const NAME: &str = "member";
    let scope = api.find_or_create("/api/organization-scopes", "read:orders", "see the orders")?;
    if let Some(found) = api.find("/api/organization-roles", "name", NAME)? {
        let id = id_of(&found)?;
        let path = format!("/api/organization-roles/{id}/scopes");
        if api.find(&path, "id", &scope)?.is_none() {
            api.call("POST", &path, &json!({ "organizationScopeIds": [scope] }))?;
        }
        return Ok(id);
    }
    let role = json!({
        "name": NAME,
        "description": "Takes part in the organization.",
        "organizationScopeIds": [scope],
        "resourceScopeIds": [],
    });
    id_of(&api.call("POST", "/api/organization-roles", &role)?)
}

fn organization(api: &Api, user: &str, role: &str) -> Result<()> {
    let id = api.find_or_create("/api/organizations", "Acme", "The demo's organization.")?;
    let members = format!("/api/organizations/{id}/users");
    if api.find(&members, "id", user)?.is_none() {
        api.call("POST", &members, &json!({ "userIds": [user] }))?;
    }
    let roles = format!("{members}/{user}/roles");
    if api.find(&roles, "id", role)?.is_none() {
        api.call("POST", &roles, &json!({ "organizationRoleIds": [role] }))?;
    }
    Ok(())
}

/// The Management API with an access token for it.
struct Api {
    port: u16,
    headers: [String; 3],
}

impl Api {
    /// RFC 6749 §4.4, with the resource indicator of RFC 8707.
    fn authorize(port: u16, machine: &Machine) -> Result<Self> {
        let credentials = base64(format!("{}:{}", machine.id, machine.secret).as_bytes());
        let headers = [
            format!("authorization: Basic {credentials}"),
            "content-type: application/x-www-form-urlencoded".to_owned(),
        ];
        let form = "grant_type=client_credentials&scope=all\
                    &resource=https%3A%2F%2Fdefault.logto.app%2Fapi";
        let reply = loopback::request(port, "POST", "/oidc/token", &headers, form)?;
        if reply.status != 200 {
            return Err(format!(
                "the server gave no Management API token ({}): {}",
                reply.status, reply.body
            ));
        }
        let token: Value = serde_json::from_str(&reply.body)
            .map_err(|error| format!("the token response is not JSON: {error}."))?;
        let token = text_of(&token, "access_token")?;
        let headers = [
            format!("authorization: Bearer {token}"),
            "content-type: application/json".to_owned(),
            "accept: application/json".to_owned(),
        ];
        Ok(Self { port, headers })
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = loopback::request(self.port, method, path, &self.headers, &body)?;
        if !(200..300).contains(&reply.status) {
            return Err(format!("{method} {path} answered {}: {}", reply.status, reply.body));
        }
        // Some calls answer with nothing, some with the word `Created`.
        Ok(serde_json::from_str(&reply.body).unwrap_or(Value::Null))
    }

    /// The first item of a collection whose `field` is `value`.
    fn find(&self, collection: &str, field: &str, value: &str) -> Result<Option<Value>> {
        const PAGE_SIZE: usize = 100;
        let separator = if collection.contains('?') { '&' } else { '?' };
        for page in 1.. {
            let path = format!("{collection}{separator}page={page}&page_size={PAGE_SIZE}");
            let Value::Array(items) = self.call("GET", &path, &Value::Null)? else {
                return Err(format!("GET {path} did not answer with a list."));
            };
            let last = items.len() < PAGE_SIZE;
            if let Some(found) = items.into_iter().find(|item| item[field] == value) {
                return Ok(Some(found));
            }
            if last {
                break;
            }
        }
        Ok(None)
    }

    /// The id of the item with this name.
    fn find_or_create(&self, collection: &str, name: &str, description: &str) -> Result<String> {
        let item = match self.find(collection, "name", name)? {
            Some(found) => found,
            None => {
                let item = json!({ "name": name, "description": description });
                self.call("POST", collection, &item)?
            }
        };
        id_of(&item)
    }
}

fn id_of(item: &Value) -> Result<String> {
    text_of(item, "id")
}

fn text_of(item: &Value, field: &str) -> Result<String> {
    item[field].as_str().map(str::to_owned).ok_or(format!("the server's answer has no `{field}`."))
}

/// Whether every field of `part` is in `whole`.
fn holds(whole: &Value, part: &Value) -> bool {
    part.as_object().is_some_and(|fields| fields.iter().all(|(name, value)| whole[name] == *value))
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let index = (group >> (18 - 6 * position)) & 63;
            let digit = ALPHABET[index as usize];
            text.push(if position <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_the_test_vectors_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn an_application_is_changed_only_when_an_address_differs() {
        let stored = json!({ "redirectUris": ["a"], "postLogoutRedirectUris": [], "logoUri": "x" });
        assert!(holds(&stored, &json!({ "redirectUris": ["a"] })));
        assert!(!holds(&stored, &json!({ "redirectUris": ["b"] })));
        assert!(!holds(&Value::Null, &json!({ "redirectUris": ["a"] })));
    }
}
