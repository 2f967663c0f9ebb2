//! The device authorization request (RFC 8628 §3.1), its answer, and the code a person types.

use std::fmt;

use serde::Serialize;

use super::{
    AuthorizationRequest, Context, Hints, Prompts, ResponseMode, ResponseTarget, ResponseType,
    checks,
};
use crate::{
    claims::RequestedClaims,
    client::{Client, GrantType},
    error::{ErrorCode, OAuthError},
    params::Params,
    redirect_uri::RedirectUri,
};

/// Validates a device authorization request of an authenticated client. `page` is this server's own page on which the
/// user answers: there is no redirect URI.
///
/// # Errors
/// `unauthorized_client` for a client that does not use device codes; else the first check that fails.
pub fn validate_device(
    params: &Params,
    context: &Context<'_>,
    page: RedirectUri,
) -> Result<AuthorizationRequest, OAuthError> {
    // RFC 8628 §3.1: who has authenticated already need not say so again, and says nothing else.
    let is_named =
        |client: &&Client| params.get("client_id").is_none_or(|id| id == client.client_id);
    let client = context
        .client
        .filter(is_named)
        .ok_or_else(|| OAuthError::new(ErrorCode::InvalidClient, "client is invalid"))?;
    if !client.allows(GrantType::DeviceCode) {
        return Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "this client may not use the device code grant",
        ));
    }
    checks::unsupported_parameters(params)?;
    let prompt = Prompts::parse(params.limited("prompt", 128)?.unwrap_or_default())?;
    if prompt.none {
        return Err(OAuthError::invalid_request("a device needs its user: prompt cannot be none"));
    }
    // The user confirms every device and sees then what it asks for, which is the page that this prompt asks for.
    let prompt = Prompts { consent: false, ..prompt };
    let scope = checks::scope(params)?;
    Ok(AuthorizationRequest {
        client_id: client.client_id.clone(),
        target: ResponseTarget {
            redirect_uri: page,
            response_mode: ResponseMode::default(),
            state: None,
        },
        response_type: ResponseType::Code,
        // The user allows the device by hand, which is the attention `offline_access` needs (OpenID Connect Core §11).
        scope: scope.reserved(),
        resources: checks::resources(params, context, &scope)?,
        nonce: params.limited("nonce", 512)?.map(Into::into),
        prompt,
        max_age: checks::max_age(params)?,
        id_token_hint: None,
        code_challenge: None,
        dpop_jkt: None,
        claims: RequestedClaims::default(),
        hints: Hints::parse(params)?,
        is_pushed: context.is_pushed,
    })
}

/// The answer (RFC 8628 §3.2). Without `interval`, which then is 5 seconds. Not printable: it holds a code.
#[derive(Clone, Serialize)]
pub struct DeviceAuthorization {
    /// For the device.
    pub device_code: String,
    /// For the person.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: String,
    /// Lifetime of both codes: seconds.
    pub expires_in: i64,
}

/// The code a person reads on one screen and types on another: eight consonants, shown as `BCDF-GHJK`
/// (RFC 8628 §6.1). One of 20⁸, or 34.6 bits, so guesses have to be limited (§5.1).
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// The letters: no vowels, so no words, and nothing that is mistaken for a digit.
    pub const LETTERS: &'static [u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    /// How many.
    pub const LENGTH: usize = 8;

    /// Reads what a person typed, in any case and with anything between the letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        let letters: String = text
            .chars()
            .filter(|symbol| !(symbol.is_whitespace() || matches!(symbol, '-' | '–' | '_' | '.')))
            .map(|symbol| symbol.to_ascii_uppercase())
            .collect();
        let is_code = letters.len() == Self::LENGTH
            && letters.bytes().all(|letter| Self::LETTERS.contains(&letter));
        is_code.then_some(Self(letters))
    }

    /// The letters alone.
    #[must_use]
    pub fn letters(&self) -> &str {
        &self.0
    }
}

/// As it is shown.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(Self::LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

/// A code that is worth typing is worth hiding.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{client::ApplicationType, scope::Scope};

    fn validate(client: &Client, query: &str) -> Result<AuthorizationRequest, OAuthError> {
        let context = Context {
            client: Some(client),
            resource_scopes: &|indicator| {
                (indicator == "https://a.example").then(|| Scope::parse("read").unwrap())
            },
            default_resource: None,
            is_pushed: true,
        };
        let page = RedirectUri::try_from("https://id.example/device".to_owned()).unwrap();
        validate_device(&Params::from_query(query).unwrap(), &context, page)
    }

    fn tv() -> Client {
        let mut client = Client::new("tv", ApplicationType::Native);
        client.is_device_flow = true;
        client
    }

    #[test]
    fn a_request_keeps_offline_access_and_what_resources_offer() {
        let query = "client_id=tv&scope=openid+offline_access+read+write&resource=https://a.example&prompt=login+consent";
        let request = validate(&tv(), query).unwrap();
        assert_eq!(request.scope, Scope::parse("openid offline_access").unwrap());
        assert_eq!(request.resources[0].scope, Scope::parse("read").unwrap());
        assert_eq!(request.prompt, Prompts::parse("login").unwrap());
    }

    #[test]
    fn a_request_that_cannot_work_is_refused() {
        let plain = Client::new("tv", ApplicationType::Native);
        for (client, query, error) in [
            (&plain, "client_id=tv", ErrorCode::UnauthorizedClient),
            (&tv(), "client_id=tv&prompt=none", ErrorCode::InvalidRequest),
            (&tv(), "client_id=tv&resource=https://b.example", ErrorCode::InvalidTarget),
            (&tv(), "client_id=tv&request=x", ErrorCode::RequestNotSupported),
            (&tv(), "client_id=tv&scope=%22", ErrorCode::InvalidScope),
        ] {
            assert_eq!(validate(client, query).unwrap_err().error, error, "{query}");
        }
    }

    #[test]
    fn a_client_need_not_name_itself_again_and_names_nobody_else() {
        assert_eq!(validate(&tv(), "scope=openid").unwrap().client_id, "tv");
        assert_eq!(validate(&tv(), "client_id=").unwrap().client_id, "tv");
        let other = validate(&tv(), "client_id=radio").unwrap_err();
        assert_eq!(other.error, ErrorCode::InvalidClient);
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::parse("bcdf-ghjk").unwrap();
        assert_eq!(code.to_string(), "BCDF-GHJK");
        for text in ["BCDFGHJK", " bcdf ghjk ", "BcDf–GhJk", "B.C.D.F_G.H.J.K"] {
            assert_eq!(UserCode::parse(text), Some(code.clone()), "{text}");
        }
        for text in ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-FGHJ", "BCDF-GHJ0", "ßCDF-GHJK"] {
            assert_eq!(UserCode::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_a_code_or_nothing(text in ".{0,80}") {
            if let Some(code) = UserCode::parse(&text) {
                prop_assert_eq!(code.letters().len(), UserCode::LENGTH);
                prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code));
            }
        }
    }
}
