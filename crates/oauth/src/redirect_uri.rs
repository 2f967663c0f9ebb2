//! Redirect URIs: whether a presented one is the client's, and the origins that follow from it.
//!
//! A presented URI matches a registered one when the strings are equal, or for `http` and `https` when scheme,
//! host, port, path and query are (an absent path is `/`, RFC 3986 §6.2.3). A registered URI may hold wildcards:
//! `*` stands for one or more characters inside a host label, never in the last two labels, and for any characters
//! in the path. Native apps may use any port of a loopback address (RFC 8252 §7.3).

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::client::{ApplicationType, Client};

/// Longest redirect URI, in bytes.
pub const MAX_REDIRECT_URI: usize = 2048;

/// A redirect URI the client has registered: the browser may be sent there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The presented URI, if it is one of the client's redirect URIs.
    #[must_use]
    pub fn registered(client: &Client, presented: &str) -> Option<Self> {
        let native = client.application_type == ApplicationType::Native;
        let allowed = |known: &String| {
            matches(known, presented) || (native && loopback_matches(known, presented))
        };
        (is_sound(presented) && client.redirect_uris.iter().any(allowed))
            .then(|| Self(presented.to_owned()))
    }

    /// The presented URI, if the client lets its users land there after signing out.
    #[must_use]
    pub fn post_logout(client: &Client, presented: &str) -> Option<Self> {
        let allowed = |known: &String| matches(known, presented);
        (is_sound(presented) && client.post_logout_redirect_uris.iter().any(allowed))
            .then(|| Self(presented.to_owned()))
    }

    /// The URI as presented.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether somebody answers for where it leads: it is an `https` URI of a host that is not this machine (RFC 8252
    /// §7.2). Any application on a device may answer to a private-use scheme or listen on a loopback address.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        let Ok(url) = Url::parse(&self.0) else { return false };
        let is_elsewhere = match url.host() {
            Some(Host::Domain(name)) => name != "localhost" && !name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => !address.is_loopback() && !address.is_unspecified(),
            Some(Host::Ipv6(address)) => {
                let address = address.to_canonical();
                !address.is_loopback() && !address.is_unspecified()
            }
            None => false,
        };
        url.scheme() == "https" && is_elsewhere
    }

    /// The source to add to the `form-action` directive of a page whose form ends at this URI: an origin, or a
    /// scheme such as `com.example.app:`.
    #[must_use]
    pub fn form_action_source(&self) -> String {
        match Web::parse(&self.0) {
            // CSP 3 §2.3.1: a host source cannot hold an IPv6 address.
            Some(web) if web.host.starts_with('[') => format!("{}:", web.scheme()),
            Some(web) => web.origin(),
            None => {
                let scheme = self.0.split(':').next().unwrap_or_default();
                format!("{}:", scheme.to_ascii_lowercase())
            }
        }
    }
}

/// Reads what was stored: a URI that was checked against its client before.
impl TryFrom<String> for RedirectUri {
    type Error = &'static str;
    fn try_from(uri: String) -> Result<Self, Self::Error> {
        if is_sound(&uri) { Ok(Self(uri)) } else { Err("malformed redirect URI") }
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

/// Where the people of a web application are at home: the root of its first redirect URI that is a whole web address.
#[must_use]
pub fn front_page(client: &Client) -> Option<String> {
    let mut web =
        client.redirect_uris.iter().filter(|uri| is_sound(uri)).filter_map(|uri| Web::parse(uri));
    web.next().map(|web| format!("{}/", web.origin()))
}

/// Whether a browser's `Origin` may call on behalf of the client: the origin of one of its redirect URIs, or one
/// of its allowed origins.
#[must_use]
pub fn origin_is_allowed(client: &Client, origin: &str) -> bool {
    if !is_plain_text(origin) || origin.contains('*') || origin == "null" {
        return false;
    }
    let listed =
        client.cors_allowed_origins.iter().any(|known| known.trim_end_matches('/') == origin);
    let Some(presented) = Web::parse(origin).filter(|web| web.path.is_empty() && web.is_sound())
    else {
        return listed;
    };
    let is_at = |known: &String| {
        Web::parse(known)
            .is_some_and(|known| known.is_pattern() && known.same_origin_as(&presented))
    };
    // A page on a loopback address has whatever port it was given, as its redirect URI has.
    let is_on_loopback = |known: &String| {
        let known = Web::parse(known).filter(Web::is_http_loopback);
        known.is_some_and(|known| presented.is_http_loopback() && known.host == presented.host)
    };
    let native = client.application_type == ApplicationType::Native;
    listed
        || client.cors_allowed_origins.iter().chain(&client.redirect_uris).any(is_at)
        || (native && client.redirect_uris.iter().any(is_on_loopback))
}

/// A URI as it may be presented: nothing a browser would read differently than this code does.
fn is_sound(uri: &str) -> bool {
    // Wildcards belong to registrations; a presented `*` would let a pattern be its own target.
    if !is_plain_text(uri) || uri.contains(['#', '*']) {
        return false;
    }
    if let Some(web) = Web::parse(uri) {
        let Ok(url) = Url::parse(uri) else { return false };
        // The browser's own reading of the host must be ours: no `0x7f.1`, no encoded dots.
        return web.is_sound() && url.host_str() == Some(web.host.to_ascii_lowercase().as_str());
    }
    is_private_scheme(uri)
}

/// Printable ASCII without backslashes (which browsers read as slashes), quotes and angle brackets.
fn is_plain_text(uri: &str) -> bool {
    (1..=MAX_REDIRECT_URI).contains(&uri.len())
        && uri.bytes().all(|b| b.is_ascii_graphic() && !b"\\\"<>".contains(&b))
}

/// RFC 8252 §7.1: a scheme of the app's own. Schemes that run or read something in the browser are never one.
fn is_private_scheme(uri: &str) -> bool {
    const NEVER: [&str; 12] = [
        "http",
        "https",
        "ws",
        "wss",
        "ftp",
        "javascript",
        "data",
        "vbscript",
        "file",
        "blob",
        "about",
        "filesystem",
    ];
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let authority = rest.strip_prefix("//").map(|rest| rest.split(['/', '?']).next());
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
        && !NEVER.contains(&scheme.to_ascii_lowercase().as_str())
        && !rest.is_empty()
        && !authority.flatten().is_some_and(|authority| authority.contains('@'))
}

fn matches(registered: &str, presented: &str) -> bool {
    if registered == presented {
        return true;
    }
    let (Some(known), Some(actual)) = (Web::parse(registered), Web::parse(presented)) else {
        return false;
    };
    known.is_pattern()
        && known.same_origin_as(&actual)
        && known.query == actual.query
        && path_matches(known.path_or_root(), actual.path_or_root())
}

fn loopback_matches(registered: &str, presented: &str) -> bool {
    let (Some(known), Some(actual)) = (Web::parse(registered), Web::parse(presented)) else {
        return false;
    };
    known.is_http_loopback()
        && actual.is_http_loopback()
        && known.host == actual.host
        && known.path_or_root() == actual.path_or_root()
        && known.query == actual.query
}

fn path_matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == path;
    }
    // A wildcard must not be climbed out of: no dot segments, no encoded separators.
    let lower = path.to_ascii_lowercase();
    let climbs = lower.contains("%2f")
        || lower.contains("%5c")
        || lower.replace("%2e", ".").split('/').any(|segment| [".", ".."].contains(&segment));
    !climbs && glob(pattern.as_bytes(), path.as_bytes(), 0)
}

fn host_matches(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    if !pattern.contains('*') {
        return pattern == host;
    }
    let (patterns, labels): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), host.split('.').collect());
    patterns.len() == labels.len()
        && patterns.iter().zip(&labels).all(|(p, l)| glob(p.as_bytes(), l.as_bytes(), 1))
}

/// Matches `*` against at least `least` bytes. Linear passes, no backtracking.
fn glob(pattern: &[u8], text: &[u8], least: usize) -> bool {
    let mut parts = pattern.split(|&b| b == b'*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(after) = rest.get(least..) else { return false };
        let found = (0..=after.len()).find(|&at| after[at..].starts_with(part));
        let Some(at) = found else { return false };
        rest = &after[at + part.len()..];
    }
    rest.get(least..).is_some_and(|rest| rest.ends_with(last))
}

/// The parts of an `http` or `https` URI, or of a registered pattern, as written.
struct Web<'a> {
    https: bool,
    host: &'a str,
    port: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Web<'a> {
    fn parse(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest.contains('#') {
            return None;
        }
        let host_end = authority
            .find(']')
            .map_or_else(|| authority.find(':').unwrap_or(authority.len()), |bracket| bracket + 1);
        let (host, port) = authority.split_at(host_end);
        let port = if port.is_empty() { port } else { port.strip_prefix(':')? };
        let default = if https { "443" } else { "80" };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Some(Self { https, host, port: if port.is_empty() { default } else { port }, path, query })
    }

    /// A host of plain labels or an address, so no user information, and a port written the one usual way.
    fn is_sound(&self) -> bool {
        let address = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match address {
            Some(address) => address.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b)),
            None => self.host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)),
        };
        host && !self.host.is_empty()
            && self.port.parse::<u16>().is_ok()
            && self.port.bytes().all(|b| b.is_ascii_digit())
            && !self.port.starts_with('0')
    }

    /// Whether it may stand in a registration: sound once its wildcards are filled in, none of them in the last
    /// two host labels, the port or the query.
    fn is_pattern(&self) -> bool {
        // An empty label would make the last two be one: `*.com.` is all of `com`.
        let has_labels =
            self.host.starts_with('[') || self.host.split('.').all(|it| !it.is_empty());
        let filled = self.host.replace('*', "w");
        has_labels
            && Web { host: &filled, ..*self }.is_sound()
            && !self.host.rsplit('.').take(2).any(|label| label.contains('*'))
            && !self.query.is_some_and(|query| query.contains('*'))
    }

    fn same_origin_as(&self, actual: &Web<'_>) -> bool {
        self.https == actual.https
            && self.port == actual.port
            && host_matches(self.host, actual.host)
    }

    /// RFC 8252 §7.3: the device itself, on whatever port is free.
    fn is_http_loopback(&self) -> bool {
        !self.https && ["127.0.0.1", "[::1]", "localhost"].contains(&self.host)
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    fn path_or_root(&self) -> &'a str {
        if self.path.is_empty() { "/" } else { self.path }
    }

    fn origin(&self) -> String {
        let (scheme, host) = (self.scheme(), self.host.to_ascii_lowercase());
        match (self.https, self.port) {
            (true, "443") | (false, "80") => format!("{scheme}://{host}"),
            (_, port) => format!("{scheme}://{host}:{port}"),
        }
    }
}

#[cfg(test)]
#[path = "redirect_uri_tests.rs"]
mod tests;
