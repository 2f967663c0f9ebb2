//! Cookies: authenticated over tenant, name and value, so that none can be made or moved from one purpose to another.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use trinco_core::{Secret, Tenant};
use trinco_jose::{base64url_decode, base64url_encode};

/// The sign-in session.
pub(crate) const SESSION: &str = "_session";
/// The interactions in progress, by application.
const INTERACTION: &str = "_interaction";
/// So many applications can be signing in at once in one browser.
const MOST_INTERACTIONS: usize = 8;
/// Longest cookie value that is read, in bytes.
const MAX_VALUE: usize = 2048;

/// The value of an authenticated cookie.
pub(crate) fn read(tenant: &Tenant, headers: &HeaderMap, name: &str) -> Option<String> {
    let name = name_of(tenant, name);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, value)| *found == name && value.len() <= MAX_VALUE)
        .find_map(|(_, value)| authenticate(tenant, &name, value))
}

/// Sets an authenticated cookie for `max_age` seconds.
pub(crate) fn set(headers: &mut HeaderMap, tenant: &Tenant, name: &str, value: &str, max_age: i64) {
    let name = name_of(tenant, name);
    let tag = sign(tenant, &message(tenant, &name, value));
    append(headers, tenant, &format!("{name}={value}.{tag}; Max-Age={max_age}"));
}

/// Removes a cookie.
pub(crate) fn clear(headers: &mut HeaderMap, tenant: &Tenant, name: &str) {
    append(headers, tenant, &format!("{}=; Max-Age=0", name_of(tenant, name)));
}

/// The session cookie's value.
pub(crate) fn session(tenant: &Tenant, headers: &HeaderMap) -> Option<Secret> {
    read(tenant, headers, SESSION).map(Secret::new)
}

/// Sets the session cookie.
pub(crate) fn set_session(headers: &mut HeaderMap, tenant: &Tenant, value: &Secret) {
    let ttl = tenant.snapshot().oidc_settings.session_ttl;
    set(headers, tenant, SESSION, value.reveal(), ttl);
}

/// The interactions in progress in this browser: application id and interaction id, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interactions(Vec<(String, Secret)>);

impl Interactions {
    /// Reads the interaction cookie.
    pub(crate) fn read(tenant: &Tenant, headers: &HeaderMap) -> Self {
        let value = read(tenant, headers, INTERACTION).unwrap_or_default();
        let pairs = value.split('~').filter_map(|pair| pair.split_once('.'));
        Self(
            pairs
                .map(|(app, id)| (app.to_owned(), Secret::new(id.to_owned())))
                .take(MOST_INTERACTIONS)
                .collect(),
        )
    }

    /// The interaction of an application.
    pub(crate) fn of(&self, application_id: &str) -> Option<&Secret> {
        self.0.iter().find(|(app, _)| app == application_id).map(|(_, id)| id)
    }

    /// The application of an interaction.
    pub(crate) fn application_of(&self, interaction_id: &str) -> Option<&str> {
        self.0.iter().find(|(_, id)| id.reveal() == interaction_id).map(|(app, _)| app.as_str())
    }

    /// Adds an interaction in place of the application's earlier one; the oldest makes room.
    pub(crate) fn add(&mut self, application_id: &str, interaction_id: Secret) {
        self.remove(application_id);
        if self.0.len() == MOST_INTERACTIONS {
            self.0.remove(0);
        }
        self.0.push((application_id.to_owned(), interaction_id));
    }

    /// Removes the interaction of an application.
    pub(crate) fn remove(&mut self, application_id: &str) {
        self.0.retain(|(app, _)| app != application_id);
    }

    /// Writes the interaction cookie.
    pub(crate) fn write(&self, headers: &mut HeaderMap, tenant: &Tenant) {
        if self.0.is_empty() {
            return clear(headers, tenant, INTERACTION);
        }
        let value: Vec<String> =
            self.0.iter().map(|(app, id)| format!("{app}.{}", id.reveal())).collect();
        set(
            headers,
            tenant,
            INTERACTION,
            &value.join("~"),
            trinco_core::interactions::LIFETIME_MS / 1000,
        );
    }
}

/// An anti-forgery token for a form: proves that the form was made for the holder of `bound_to`, which is in a cookie.
pub(crate) fn xsrf(tenant: &Tenant, purpose: &str, bound_to: &str) -> String {
    sign(tenant, &message(tenant, purpose, bound_to))
}

/// Whether `token` is what [`xsrf`] made.
pub(crate) fn xsrf_is_valid(tenant: &Tenant, purpose: &str, bound_to: &str, token: &str) -> bool {
    verify(tenant, &message(tenant, purpose, bound_to), token)
}

fn authenticate(tenant: &Tenant, name: &str, value: &str) -> Option<String> {
    let (value, tag) = value.rsplit_once('.')?;
    verify(tenant, &message(tenant, name, value), tag).then(|| value.to_owned())
}

fn sign(tenant: &Tenant, message: &[u8]) -> String {
    base64url_encode(tenant.snapshot().keys.cookie_signing(tenant.now_ms()).sign(message))
}

fn verify(tenant: &Tenant, message: &[u8], tag: &str) -> bool {
    let Some(tag) = base64url_decode(tag) else { return false };
    tenant.snapshot().keys.cookie().iter().any(|key| key.verify(message, &tag))
}

/// None of the parts before the last holds a line break.
fn message(tenant: &Tenant, name: &str, value: &str) -> Vec<u8> {
    format!("{}\n{name}\n{value}", tenant.id()).into_bytes()
}

/// Cookies ignore ports, and one host can serve several tenants below paths: a tenant's id keeps theirs apart.
fn name_of(tenant: &Tenant, name: &str) -> String {
    if tenant.id() == trinco_core::tenants::DEFAULT {
        name.to_owned()
    } else {
        format!("{name}_{}", tenant.id())
    }
}

fn append(headers: &mut HeaderMap, tenant: &Tenant, start: &str) {
    let secure = if tenant.origin().is_https() { "; Secure" } else { "" };
    let text = format!("{start}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(SET_COOKIE, value);
    }
}
