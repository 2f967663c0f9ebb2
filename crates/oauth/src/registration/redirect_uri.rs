//! The redirect URIs that a client nobody vetted may have: stricter than those an operator registers.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::redirect_uri::RedirectUri;

/// Where a redirect URI leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A web page, https.
    Web {
        /// Its host, in lower case.
        host: String,
    },
    /// An application on the user's own device, http (RFC 8252 §7.3).
    Loopback {
        /// `localhost`, `127.0.0.1` or `[::1]`.
        host: String,
    },
    /// A native application by a scheme of its own (RFC 8252 §7.1).
    Private {
        /// In lower case, without the colon.
        scheme: String,
    },
}

impl Destination {
    /// Where `uri` leads.
    ///
    /// # Errors
    /// What is wrong with it, as a rule: wildcards, fragments, user information, schemes that run something, http beyond loopback.
    pub fn of(uri: &str) -> Result<Self, &'static str> {
        if uri.contains('*') {
            return Err("must not hold wildcards");
        }
        if RedirectUri::try_from(uri.to_owned()).is_err() {
            return Err(
                "must be an absolute https URI, an http URI of loopback or a private-use URI, without a fragment",
            );
        }
        let url = Url::parse(uri).map_err(|_| "must be an absolute URI")?;
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        match url.scheme() {
            "https" => Ok(Self::Web { host }),
            "http" if is_loopback(&url) => Ok(Self::Loopback { host }),
            "http" => Err("must use https unless it leads to loopback"),
            scheme => Ok(Self::Private { scheme: scheme.to_owned() }),
        }
    }

    /// RFC 8252 §7.1 and §8.4: a private-use scheme is a domain name in reverse, so it has a dot. Others, which any application could
    /// claim, an operator has to name.
    #[must_use]
    pub fn is_claimable(&self) -> bool {
        match self {
            Self::Web { .. } | Self::Loopback { .. } => true,
            Self::Private { scheme } => scheme.contains('.'),
        }
    }

    /// Whether an entry of an operator's list names it: a host, `*.` and a host for every host below it, or a scheme with its colon.
    #[must_use]
    pub fn is_named_by(&self, entry: &str) -> bool {
        match self {
            Self::Private { scheme } => {
                entry.strip_suffix(':').is_some_and(|name| name.eq_ignore_ascii_case(scheme))
            }
            Self::Web { host } | Self::Loopback { host } => match entry.strip_prefix("*.") {
                Some(parent) => host
                    .strip_suffix(&parent.to_ascii_lowercase())
                    .and_then(|rest| rest.strip_suffix('.'))
                    .is_some_and(|label| !label.is_empty()),
                None => entry.eq_ignore_ascii_case(host),
            },
        }
    }

    /// Whether it leads to an application on the user's device.
    #[must_use]
    pub fn is_native(&self) -> bool {
        !matches!(self, Self::Web { .. })
    }
}

/// The loopback names that RFC 8252 §7.3 and §8.3 speak of, and no other address of that block.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_nobody_vetted_is_answered_at_https_loopback_or_its_own_scheme() {
        for (uri, native, claimable) in [
            ("https://agent.example/cb", false, true),
            ("http://127.0.0.1:1234/cb", true, true),
            ("http://[::1]/cb", true, true),
            ("http://localhost/cb", true, true),
            ("com.example.agent:/cb", true, true),
            ("cursor://anysphere.cursor-mcp/oauth/callback", true, false),
        ] {
            let found = Destination::of(uri).unwrap_or_else(|rule| panic!("{uri}: {rule}"));
            assert_eq!((found.is_native(), found.is_claimable()), (native, claimable), "{uri}");
        }
        for uri in [
            "",
            "/cb",
            "agent.example/cb",
            "http://agent.example/cb",
            "http://localhost.agent.example/cb",
            "http://127.0.0.1.agent.example/cb",
            "https://*.agent.example/cb",
            "https://agent.example/*",
            "https://agent.example/cb#x",
            "https://user:pass@agent.example/cb",
            "https://agent.example\\@evil.example/cb",
            "https://agent.example/c b",
            "javascript:alert(1)",
            "JavaScript:alert(1)//https://agent.example",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://agent.example/x",
            "about:blank",
            "ftp://agent.example/cb",
            "ws://agent.example/cb",
            "com.example.agent:",
        ] {
            assert!(Destination::of(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn an_operator_names_hosts_families_of_hosts_and_schemes() {
        let named = |uri: &str, entry: &str| Destination::of(uri).unwrap().is_named_by(entry);
        assert!(named("https://agent.example/cb", "Agent.example"));
        assert!(named("https://eu.agent.example/cb", "*.agent.example"));
        assert!(named("http://localhost:1/cb", "localhost"));
        assert!(named("http://[::1]:1/cb", "[::1]"));
        assert!(named("cursor://x/cb", "cursor:"));
        for (uri, entry) in [
            ("https://agent.example/cb", "*.agent.example"),
            ("https://evilagent.example/cb", "agent.example"),
            ("https://evilagent.example/cb", "*.agent.example"),
            ("https://agent.example.evil/cb", "agent.example"),
            ("http://localhost:1/cb", "127.0.0.1"),
            ("cursor://x/cb", "cursor"),
            ("cursor://x/cb", "x"),
            ("https://agent.example/cb", "https:"),
            ("https://agent.example/cb", ""),
        ] {
            assert!(!named(uri, entry), "{uri} {entry}");
        }
    }
}
