//! Redirect URIs. The first line of the input is registered, the second presented.

use trinco_oauth::redirect_uri::{MAX_REDIRECT_URI, origin_is_allowed};
use trinco_oauth::{ApplicationType, Client, RedirectUri};
use url::Url;

use crate::check;

/// Holds the presented URI against the registered one, for a web application and a native one.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let (known, presented) = check::first_line(text);
    let mut accepted = false;
    for kind in [ApplicationType::Traditional, ApplicationType::Native] {
        let mut client = Client::new("c", kind);
        client.redirect_uris = vec![known.to_owned()];
        client.post_logout_redirect_uris = vec![known.to_owned()];
        let native = kind == ApplicationType::Native;
        if let Some(uri) = RedirectUri::registered(&client, presented) {
            accepted = true;
            allowed(known, presented, &uri, native);
        }
        if let Some(uri) = RedirectUri::post_logout(&client, presented) {
            allowed(known, presented, &uri, false);
        }
        if origin_is_allowed(&client, presented) {
            accepted = true;
            assert!(presented != "null" && !presented.contains('*'));
            let (of_known, of_presented) = (Origin::of(known), Origin::of(presented));
            let both = of_known.zip(of_presented);
            assert!(both.is_some_and(|(known, presented)| {
                known.covers(&presented) || (native && known.is_loopback_of(&presented))
            }));
        }
    }
    // Who presents exactly what is registered is let in, if it is a URI at all.
    let is_sound = RedirectUri::try_from(presented.to_owned()).is_ok();
    let mut itself = Client::new("c", ApplicationType::Traditional);
    itself.redirect_uris = vec![presented.to_owned()];
    assert_eq!(RedirectUri::registered(&itself, presented).is_some(), is_sound);
    accepted
}

fn allowed(known: &str, presented: &str, uri: &RedirectUri, native: bool) {
    assert_eq!(uri.as_str(), presented);
    assert!(presented.len() <= MAX_REDIRECT_URI && !presented.contains(['#', '*', '\\', ' ']));
    assert!(presented.bytes().all(|byte| byte.is_ascii_graphic()));
    // It becomes a part of a Content-Security-Policy: nothing may end the directive or begin another source.
    let source = uri.form_action_source();
    assert!(source.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/.-_+".contains(&byte)));
    let Some(actual) = Origin::of(presented) else {
        // A private scheme is allowed to the letter alone.
        assert!(known == presented && !uri.is_claimed());
        return;
    };
    let url = Url::parse(presented).expect("a browser reads it");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&actual.host.as_str());
    assert!(!uri.is_claimed() || (actual.scheme == "https" && !is_local));
    let is_v6 = url.host_str().is_some_and(|host| host.starts_with('['));
    assert!(is_v6 || source == url.origin().ascii_serialization());
    if known == presented {
        return;
    }
    let registered = Origin::of(known).expect("only an http or https URI has a second spelling");
    let is_loopback = ["127.0.0.1", "[::1]", "localhost"].contains(&registered.host.as_str());
    let any_port = native && is_loopback && registered.scheme == "http";
    let at_port = Origin { port: actual.port.clone(), ..registered.clone() };
    let registered = if any_port { &at_port } else { &registered };
    assert!(registered.covers(&actual), "{known} let {presented} in");
    path(known, &url);
}

/// The path a browser goes to begins and ends as the pattern does, and has the pattern's query.
fn path(known: &str, url: &Url) {
    let after = known.split_once("://").map_or("", |(_, rest)| rest);
    let path = after.find(['/', '?']).map_or("", |at| &after[at..]);
    let (path, query) =
        path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    // What the browser makes of the query's quotes was refused before.
    assert_eq!(url.query().map(str::len).is_some(), query.is_some());
    let path = if path.is_empty() { "/" } else { path };
    if let Some((start, _)) = path.split_once('*') {
        // A registered path that climbs itself is its owner's wish.
        let climbs = start.to_ascii_lowercase().replace("%2e", ".").contains("/.");
        let last = start.rfind('/').map_or(0, |at| at + 1);
        assert!(climbs || url.path().starts_with(&start[..last]), "{known} was climbed out of");
    }
}

/// Scheme, host and port, read independently of the code under test.
#[derive(Clone, Debug)]
struct Origin {
    scheme: String,
    host: String,
    port: String,
}

impl Origin {
    fn of(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let default = match scheme.as_str() {
            "https" => "443",
            "http" => "80",
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (authority, default),
        };
        let port = if port.is_empty() { default } else { port };
        Some(Self { scheme, host: host.to_ascii_lowercase(), port: port.to_owned() })
    }

    /// Whether both are the same loopback address without TLS, on whatever ports.
    fn is_loopback_of(&self, actual: &Self) -> bool {
        let is_loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&self.host.as_str());
        is_loopback && self.host == actual.host && self.scheme == "http" && actual.scheme == "http"
    }

    /// Whether this origin, whose host may have wildcards, is the other one.
    fn covers(&self, actual: &Self) -> bool {
        let known: Vec<&str> = self.host.split('.').collect();
        let labels: Vec<&str> = actual.host.split('.').collect();
        let wild = |label: &&&str| label.contains('*');
        self.scheme == actual.scheme
            && self.port == actual.port
            && known.len() == labels.len()
            && known.iter().rev().take(2).filter(wild).count() == 0
            && known
                .iter()
                .zip(&labels)
                .all(|(known, label)| fits(known.as_bytes(), label.as_bytes()))
    }
}

/// The plain definition: `*` is one or more characters.
fn fits(pattern: &[u8], label: &[u8]) -> bool {
    match pattern {
        [] => label.is_empty(),
        [b'*', rest @ ..] => (1..=label.len()).any(|taken| fits(rest, &label[taken..])),
        [first, rest @ ..] => label.first() == Some(first) && fits(rest, &label[1..]),
    }
}
