//! The FAPI 2.0 Security Profile (Final), which an application can be held to: pushed authorization requests, PKCE, a client that
//! authenticates with its key, tokens bound to a key, and algorithms that are still thought well of.
//!
//! | The profile says | where it is held |
//! |---|---|
//! | confidential clients only (§5.3.2.1) | [`check_registration`] |
//! | `private_key_jwt`, whose audience is the issuer alone (§5.3.2.1) | [`check_registration`], [`crate::client_assertion::check`] |
//! | requests are pushed, with PKCE by S256 (§5.3.2.2) | `Client::require_pushed_requests`, [`crate::pkce::requested`] |
//! | redirect URIs are https and matched as they stand (§5.3.2.2) | [`check_registration`] |
//! | what this server connects to is asked by TLS (§5.2.1) | [`check_registration`], for logout tokens |
//! | tokens are bound to a key, here by DPoP (§5.3.2.1) | `Client::dpop_bound_access_tokens` |
//! | refresh tokens do not rotate (§5.3.2.1) | [`crate::refresh::rotates`] |
//! | what was under way when it was switched on meets the same rules | [`crate::authorization::check_again`], [`crate::token::check_code`] |
//! | PS256, ES256 or EdDSA sign every JWT (§5.4.1) | [`ALGORITHMS`] |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::{ApplicationType, Client};

/// The algorithms of §5.4.1, for JWTs of either side.
pub const ALGORITHMS: [&str; 3] = ["PS256", "ES256", "EdDSA"];

/// A set of rules beyond the usual ones that an application is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SecurityProfile {
    /// FAPI 2.0 Security Profile.
    #[serde(rename = "fapi2")]
    Fapi2,
}

/// Whether an application can be held to the profile. `has_usable_key`: whether one of its registered keys is for one of
/// [`ALGORITHMS`].
///
/// # Errors
/// What it lacks, as a rule that names it.
pub fn check_registration(client: &Client, has_usable_key: bool) -> Result<(), &'static str> {
    let may_be_held_to_it = [
        ApplicationType::Traditional,
        ApplicationType::MachineToMachine,
        ApplicationType::Protected,
    ];
    if !may_be_held_to_it.contains(&client.application_type) {
        return Err("is for applications with a server of their own");
    }
    if !has_usable_key {
        return Err("needs a public key for PS256, ES256 or EdDSA in oidcClientMetadata.jwks");
    }
    if client.redirect_uris.iter().any(|uri| !uri.starts_with("https://") || uri.contains('*')) {
        return Err("needs redirect URIs with https and without *");
    }
    if client.backchannel_logout_uri.as_ref().is_some_and(|uri| !uri.starts_with("https://")) {
        return Err("needs a backchannelLogoutUri with https");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_must_have_what_the_profile_asks_for() {
        let bank = |kind, uri: &str| Client {
            redirect_uris: vec![uri.to_owned()],
            ..Client::new("bank", kind)
        };
        let sound = bank(ApplicationType::Traditional, "https://bank.example/cb");
        assert_eq!(check_registration(&sound, true), Ok(()));
        assert!(check_registration(&sound, false).is_err());
        for (kind, uri) in [
            (ApplicationType::SPA, "https://bank.example/cb"),
            (ApplicationType::Native, "https://bank.example/cb"),
            (ApplicationType::Traditional, "http://bank.example/cb"),
            (ApplicationType::Traditional, "https://*.bank.example/cb"),
            (ApplicationType::Traditional, "com.bank:/cb"),
        ] {
            assert!(check_registration(&bank(kind, uri), true).is_err(), "{kind:?} {uri}");
        }
        for (uri, is_sound) in
            [("https://bank.example/out", true), ("http://bank.example/out", false)]
        {
            let told = Client { backchannel_logout_uri: Some(uri.to_owned()), ..sound.clone() };
            assert_eq!(check_registration(&told, true).is_ok(), is_sound, "{uri}");
        }
    }
}
