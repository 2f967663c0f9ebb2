//! Cookies: authenticated over tenant, name and value, so that none can be made or moved from one purpose to another.

use std::borrow::Cow;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use trinco_core::{Secret, Tenant, TokenHash};
use trinco_jose::{base64url_decode, base64url_encode};

/// The sign-in session.
pub(crate) const SESSION: &str = "_session";
/// What the cookies of interactions in progress begin with.
const INTERACTION: &str = "_interaction";
/// So many sign-ins can be in progress at once in one browser.
const MOST_INTERACTIONS: usize = 8;
/// Longest cookie value that is read, in bytes.
const MAX_VALUE: usize = 2048;

/// The value of an authenticated cookie.
pub(crate) fn read(tenant: &Tenant, headers: &HeaderMap, name: &str) -> Option<String> {
    let name = name_of(tenant, name);
    pairs(headers)
        .filter(|(found, _)| *found == name)
        .find_map(|(_, value)| authenticate(tenant, &name, value))
}

/// Whether the request brings a cookie of this name, sound or not.
pub(crate) fn has(tenant: &Tenant, headers: &HeaderMap, name: &str) -> bool {
    let name = name_of(tenant, name);
    pairs(headers).any(|(found, _)| found == name)
}

/// The names and values of the cookies that are not too long.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(_, value)| value.len() <= MAX_VALUE)
}

/// Sets an authenticated cookie for `max_age` seconds.
pub(crate) fn set(headers: &mut HeaderMap, tenant: &Tenant, name: &str, value: &str, max_age: i64) {
    set_named(headers, tenant, &name_of(tenant, name), value, max_age);
}

fn set_named(headers: &mut HeaderMap, tenant: &Tenant, name: &str, value: &str, max_age: i64) {
    let tag = sign(tenant, &message(tenant, name, value));
    append(headers, tenant, &format!("{name}={value}.{tag}; Max-Age={max_age}"));
}

/// Removes a cookie.
pub(crate) fn clear(headers: &mut HeaderMap, tenant: &Tenant, name: &str) {
    clear_named(headers, tenant, &name_of(tenant, name));
}

fn clear_named(headers: &mut HeaderMap, tenant: &Tenant, name: &str) {
    append(headers, tenant, &format!("{name}=; Max-Age=0"));
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

/// The interactions in progress in this browser, the oldest first. Each has a cookie of its own, so that answers which cross on
/// their way to one browser do not undo one another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interactions(Vec<InProgress>);

#[derive(Clone, Debug)]
struct InProgress {
    /// Unix milliseconds.
    begun_at: i64,
    application_id: String,
    id: Secret,
}

impl Interactions {
    /// Reads the interaction cookies.
    pub(crate) fn read(tenant: &Tenant, headers: &HeaderMap) -> Self {
        let prefix = format!("{INTERACTION}_");
        let mut found: Vec<InProgress> = pairs(headers)
            .filter_map(|(name, value)| {
                let tag = name.strip_prefix(&prefix)?;
                let in_progress = InProgress::parse(&authenticate(tenant, name, value)?)?;
                // Another tenant's have a longer name.
                (tag == suffix(tenant, &in_progress.id)).then_some(in_progress)
            })
            .collect();
        found.sort_by_key(|one| one.begun_at);
        Self(found)
    }

    /// The interaction a page is about: the one with this tag, or the application's latest when the page names none.
    pub(crate) fn of(&self, application_id: &str, tag: &str) -> Option<&Secret> {
        let key = key_of(application_id);
        let mut of_application = self.0.iter().rev().filter(|one| one.application_id == key);
        of_application.find(|one| tag.is_empty() || tag_of(&one.id) == tag).map(|one| &one.id)
    }

    /// What the cookie calls the application of an interaction.
    pub(crate) fn application_of(&self, interaction_id: &str) -> Option<&str> {
        let found = self.0.iter().find(|one| one.id.reveal() == interaction_id);
        found.map(|one| one.application_id.as_str())
    }

    /// Puts an interaction into its cookie; the oldest of the others make room.
    pub(crate) fn add(
        &self,
        headers: &mut HeaderMap,
        tenant: &Tenant,
        application_id: &str,
        id: &Secret,
    ) {
        let begun_at = self
            .0
            .iter()
            .find(|one| one.id.reveal() == id.reveal())
            .map_or_else(|| tenant.now_ms(), |known| known.begun_at);
        let others: Vec<_> = self.0.iter().filter(|one| one.id.reveal() != id.reveal()).collect();
        for oldest in others.iter().take((others.len() + 1).saturating_sub(MOST_INTERACTIONS)) {
            Self::remove(headers, tenant, &oldest.id);
        }
        let application = key_of(application_id);
        let value = format!("{begun_at}~{application}~{}", id.reveal());
        let lifetime = trinco_core::interactions::LIFETIME_MS / 1000;
        set_named(headers, tenant, &interaction_cookie(tenant, id), &value, lifetime);
    }

    /// Removes the cookie of an interaction.
    pub(crate) fn remove(headers: &mut HeaderMap, tenant: &Tenant, id: &Secret) {
        clear_named(headers, tenant, &interaction_cookie(tenant, id));
    }
}

impl InProgress {
    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(3, '~');
        let begun_at = parts.next()?.parse().ok()?;
        let application_id = parts.next()?.to_owned();
        Some(Self { begun_at, application_id, id: Secret::new(parts.next()?.to_owned()) })
    }
}

/// What pages name an interaction by: enough to tell it from the others of a browser, and nothing to get hold of it with.
pub(crate) fn tag_of(id: &Secret) -> String {
    let digest = trinco_jose::sha256(format!("tag\n{}", id.reveal()).as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn interaction_cookie(tenant: &Tenant, id: &Secret) -> String {
    format!("{INTERACTION}_{}", suffix(tenant, id))
}

fn suffix(tenant: &Tenant, id: &Secret) -> String {
    name_of(tenant, &tag_of(id))
}

/// The name of an application within a cookie: its id, or the hash of one that is a URL, which would be too long and may hold the
/// character that parts the cookie's value.
fn key_of(application_id: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if application_id.bytes().all(is_plain) {
        Cow::Borrowed(application_id)
    } else {
        Cow::Owned(TokenHash::of(application_id).as_str().to_owned())
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
