use std::fmt;
use std::str::FromStr;

use url::Url;

/// An origin (RFC 6454) that `fetch` may reach, such as `https://api.example.com` or `http://10.0.0.7:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin {
    scheme: String,
    host: String,
    port: u16,
}

/// What is written is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an origin, such as https://api.example.com or http://10.0.0.7:8080")]
pub struct OriginParseError;

impl AllowedOrigin {
    /// Whether `url` is of this origin and carries no credentials.
    pub fn covers(&self, url: &Url) -> bool {
        Self::of(url).is_some_and(|origin| origin == *self)
    }

    fn of(url: &Url) -> Option<Self> {
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_bare = url.username().is_empty() && url.password().is_none();
        (is_web && is_bare).then_some(())?;
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

impl FromStr for AllowedOrigin {
    type Err = OriginParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(|_| OriginParseError)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        Self::of(&url).filter(|_| is_bare).ok_or(OriginParseError)
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("http", 80) | ("https", 443) => Ok(()),
            (_, port) => write!(formatter, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_covers_its_own_urls_and_no_lookalikes() {
        let origin: AllowedOrigin = "https://api.example.com".parse().unwrap();
        for (url, covered) in [
            ("https://api.example.com/groups?user=1", true),
            ("https://API.example.com:443/", true),
            ("http://api.example.com/", false),
            ("https://api.example.com:8443/", false),
            ("https://api.example.com.evil.test/", false),
            ("https://evil.test/https://api.example.com", false),
            ("https://api.example.com@evil.test/", false),
            ("https://user@api.example.com/", false),
            ("ftp://api.example.com/", false),
        ] {
            assert_eq!(origin.covers(&Url::parse(url).unwrap()), covered, "{url}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "api.example.com",
            "https://",
            "https://a.test/path",
            "https://a.test?x",
            "https://u@a.test",
            "file:///etc/passwd",
            "data:x",
        ] {
            assert_eq!(text.parse::<AllowedOrigin>(), Err(OriginParseError), "{text}");
        }
        assert_eq!(
            "http://A.test:80/".parse::<AllowedOrigin>().unwrap().to_string(),
            "http://a.test"
        );
        assert_eq!(
            "http://[::1]:81".parse::<AllowedOrigin>().unwrap().to_string(),
            "http://[::1]:81"
        );
    }
}
