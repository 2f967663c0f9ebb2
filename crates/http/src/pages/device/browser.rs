//! What a browser that enters codes keeps in its cookie.

use http::HeaderMap;
use trinco_core::Tenant;
use trinco_oauth::authorization::UserCode;

use crate::cookies;

/// Ties the forms to a browser, and keeps the codes it has entered: `<random>~<code>~<code>`.
const COOKIE: &str = "_device";
/// Seconds.
const LIFETIME: i64 = 3600;
/// So many devices can be signed in side by side.
const MOST_CODES: usize = 8;

/// The browser that is entering codes.
pub(super) struct Browser {
    pub(super) id: String,
    /// The codes that were entered, the newest last: several devices can be signed in side by side.
    pub(super) codes: Vec<UserCode>,
    pub(super) is_new: bool,
}

impl Browser {
    /// As its cookie says, or a new one.
    pub(super) fn of(tenant: &Tenant, headers: &HeaderMap) -> Self {
        let cookie = cookies::read(tenant, headers, COOKIE).filter(|value| !value.is_empty());
        let Some(value) = cookie else {
            return Self { id: tenant.new_token(), codes: Vec::new(), is_new: true };
        };
        let mut parts = value.split('~');
        let id = parts.next().unwrap_or_default().to_owned();
        Self { id, codes: parts.filter_map(UserCode::parse).collect(), is_new: false }
    }

    /// With a code that was just entered; the oldest makes room.
    pub(super) fn with(mut self, code: UserCode) -> Self {
        self.codes.retain(|known| *known != code);
        self.codes.push(code);
        let beyond = self.codes.len().saturating_sub(MOST_CODES);
        self.codes.drain(..beyond);
        self
    }

    /// Without a code that was answered.
    pub(super) fn without(mut self, code: &UserCode) -> Self {
        self.codes.retain(|known| known != code);
        self
    }

    pub(super) fn write(&self, headers: &mut HeaderMap, tenant: &Tenant) {
        let codes = self.codes.iter().map(ToString::to_string);
        let value: Vec<String> = std::iter::once(self.id.clone()).chain(codes).collect();
        cookies::set(headers, tenant, COOKIE, &value.join("~"), LIFETIME);
    }
}
