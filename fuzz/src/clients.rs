//! The applications that requests are held against, one of each kind. Their ids are their names here.

use std::sync::LazyLock;

use trinco_oauth::fapi::SecurityProfile;
use trinco_oauth::{ApplicationType, Client, Scope};

/// The resource there is.
pub(crate) const API: &str = "https://api.example.com";
/// The issuer.
pub(crate) const ISSUER: &str = "https://id.example.com/oidc";

/// Every application.
pub(crate) static ALL: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let new = |id: &str, kind, redirect_uris: &[&str]| {
        let mut client = Client::new(id, kind);
        client.redirect_uris = redirect_uris.iter().map(|uri| (*uri).to_owned()).collect();
        client.post_logout_redirect_uris = client.redirect_uris.clone();
        client
    };
    let mut web = new(
        "web",
        ApplicationType::Traditional,
        &["https://app.example.com/callback?x=1", "https://*.preview.example.com/cb/*"],
    );
    web.allow_token_exchange = true;
    let mut pushed = new("pushed", ApplicationType::Traditional, &["https://app.example.com/cb"]);
    pushed.require_pushed_requests = true;
    pushed.private_key_jwt = true;
    pushed.dpop_bound_access_tokens = true;
    let mut bank = Client {
        security_profile: Some(SecurityProfile::Fapi2),
        ..new("bank", ApplicationType::Traditional, &["https://bank.example/cb"])
    };
    bank.require_pushed_requests = true;
    bank.private_key_jwt = true;
    bank.dpop_bound_access_tokens = true;
    let mut third = new("third", ApplicationType::SPA, &["https://third.example/cb"]);
    third.is_third_party = true;
    third.cors_allowed_origins = vec!["https://third.example".to_owned()];
    let mut tv = new("tv", ApplicationType::Native, &[]);
    tv.is_device_flow = true;
    vec![
        web,
        pushed,
        bank,
        third,
        tv,
        new("spa", ApplicationType::SPA, &["https://spa.example.com/callback"]),
        new(
            "native",
            ApplicationType::Native,
            &["com.example.app:/callback", "http://127.0.0.1/callback"],
        ),
        new("machine", ApplicationType::MachineToMachine, &[]),
    ]
});

/// The application of this id.
pub(crate) fn find(id: &str) -> Option<&'static Client> {
    ALL.iter().find(|client| client.client_id == id)
}

/// What the resource offers.
pub(crate) fn offered(indicator: &str) -> Option<Scope> {
    (indicator == API).then(|| Scope::from_iter(["read", "write", "openid"]))
}
