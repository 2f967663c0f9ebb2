//! Client assertions (`private_key_jwt`): header and claims of the input are signed with the client's key.

use trinco_jose::{Audience, Expectation, JwkSet, TokenType};
use trinco_oauth::client_assertion::{
    self, AudienceClaim, CLOCK_SKEW, Claims, MAX_LIFETIME, Names, unverified_subject,
};

use crate::jwt::NOW;
use crate::keys::{self, KEY};
use crate::{check, clients};

const ENDPOINTS: [&str; 2] =
    ["https://id.example.com/oidc/token", "https://id.example.com/oidc/request"];

/// Authenticates two clients by the input, of which one is held to FAPI 2.0.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let _ = unverified_subject(text);
    let (header, payload) = check::first_line(text);
    let assertion = keys::sign(header.as_bytes(), payload.as_bytes());
    ["pushed", "bank"].into_iter().any(|client_id| authenticates(client_id, &assertion))
}

fn authenticates(client_id: &str, assertion: &str) -> bool {
    let client = clients::find(client_id).expect("a client");
    let expectation = Expectation::new(TokenType::Any, client_id, Audience::Any, NOW)
        .leeway_seconds(u32::try_from(CLOCK_SKEW).expect("seconds"));
    let keys: JwkSet = [KEY.public_jwk()].into_iter().collect();
    let Ok(verified) = keys.verify::<Claims>(assertion, &expectation) else { return false };
    let claims = &verified.claims;
    assert_eq!(unverified_subject(assertion).as_deref(), Some(&*claims.sub));
    let typ = verified.header.typ.as_deref();
    let names = Names { issuer: clients::ISSUER, endpoints: &ENDPOINTS };
    if let Err(error) = client_assertion::check(claims, typ, client, names, NOW) {
        check::refusal(&error);
        return false;
    }
    assert!(claims.iss == client_id && claims.sub == client_id);
    let (audience, is_list) = match &claims.aud {
        AudienceClaim::One(audience) => (audience, false),
        AudienceClaim::Many(audiences) => {
            assert_eq!(audiences.len(), 1, "somebody else could present it here");
            (&audiences[0], true)
        }
    };
    let is_issuer = audience == clients::ISSUER;
    assert!(is_issuer || ENDPOINTS.contains(&audience.as_str()));
    assert!(!client.is_fapi2() || (is_issuer && !is_list));
    let latest = NOW + MAX_LIFETIME + CLOCK_SKEW;
    assert!((NOW - CLOCK_SKEW + 1..=latest).contains(&claims.exp));
    assert!((1..=256).contains(&claims.jti.len()));
    let known = ["jwt", "client-authentication+jwt"];
    assert!(typ.is_none_or(|typ| known.contains(&typ.to_ascii_lowercase().as_str())));
    true
}
