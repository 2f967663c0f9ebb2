//! `trinco app create`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trinco_core::{Alphabet, Error, Result, Tenant, Text, applications};
use trinco_oauth::ApplicationType;
use url::Url;

use super::init::{allow_management, first_secret};
use super::{Output, output::CreatedApp};

/// Characters of the secret that encrypts an app's own session cookie; the SDKs ask for 32 at least.
const COOKIE_SECRET_LENGTH: usize = 48;

/// The kinds of application the command line creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AppType {
    /// A web app with a server of its own, such as Next.js.
    Traditional,
    /// A single-page app in the browser.
    Spa,
    /// An app on a phone or a desktop.
    Native,
    /// A service that acts for itself.
    MachineToMachine,
}

impl AppType {
    const fn application_type(self) -> ApplicationType {
        match self {
            Self::Traditional => ApplicationType::Traditional,
            Self::Spa => ApplicationType::SPA,
            Self::Native => ApplicationType::Native,
            Self::MachineToMachine => ApplicationType::MachineToMachine,
        }
    }

    /// Whether it keeps a secret.
    const fn is_confidential(self) -> bool {
        matches!(self, Self::Traditional | Self::MachineToMachine)
    }

    /// Whether people sign in to it.
    pub(crate) const fn has_users(self) -> bool {
        !matches!(self, Self::MachineToMachine)
    }
}

/// An application to create.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewApp {
    pub(crate) app_type: AppType,
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    /// None given: the home page of the first redirect URI.
    pub(crate) post_logout_redirect_uris: Vec<String>,
    /// Whether a machine-to-machine application may use the whole Management API.
    pub(crate) management_api: bool,
}

pub(super) async fn create(tenant: &Tenant, new: NewApp) -> Result<Output> {
    if let Err(rule) = Text::<1, 256>::new(new.name.as_str()) {
        return Err(Error::invalid_field("name", &rule));
    }
    let base_url = new.redirect_uris.first().and_then(|uri| web_origin(uri));
    let mut post_logout = new.post_logout_redirect_uris;
    if let (true, Some(origin)) = (post_logout.is_empty(), &base_url) {
        post_logout.push(format!("{origin}/"));
    }
    for uri in new.redirect_uris.iter().chain(&post_logout) {
        if let Err(rule) = Text::<1, 2048>::new(uri.as_str()) {
            return Err(Error::invalid_field("redirectUris", &rule));
        }
    }
    let body = serde_json::from_value(json!({
        "name": new.name,
        "type": new.app_type.application_type(),
        "oidcClientMetadata": {
            "redirectUris": new.redirect_uris,
            "postLogoutRedirectUris": post_logout,
        },
    }))?;
    let application = applications::create(tenant, body).await?;
    if new.management_api {
        allow_management(tenant, &application.id).await?;
    }
    let app_secret = if new.app_type.is_confidential() {
        Some(first_secret(tenant, &application.id).await?.reveal().clone())
    } else {
        None
    };
    let cookie_secret = (new.app_type == AppType::Traditional)
        .then(|| Alphabet::Secret.random(tenant.randomness(), COOKIE_SECRET_LENGTH));
    Ok(Output::App(CreatedApp {
        endpoint: tenant.origin().base().to_owned(),
        app_id: application.id,
        app_secret,
        cookie_secret,
        base_url: base_url.filter(|_| new.app_type == AppType::Traditional),
        management_api: new.management_api,
    }))
}

/// The origin of an http(s) URI without wildcards: where the app is at home.
fn web_origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && !uri.contains('*');
    is_web.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_at_home_where_its_first_redirect_uri_points() {
        for (uri, origin) in [
            ("http://localhost:3000/callback", Some("http://localhost:3000")),
            ("https://shop.example:443/a/b?c=d", Some("https://shop.example")),
            ("https://*.shop.example/callback", None),
            ("com.example.app://callback", None),
            ("callback", None),
        ] {
            assert_eq!(web_origin(uri).as_deref(), origin, "{uri}");
        }
    }
}
