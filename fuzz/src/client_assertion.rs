//! Client assertions (`private_key_jwt`): header and claims of the input are signed with the client's key.

use trinco_jose::{Audience, Expectation, JwkSet, TokenType};
use trinco_oauth::client_assertion::{self, CLOCK_SKEW, Claims, MAX_LIFETIME, unverified_subject};

use crate::jwt::NOW;
use crate::keys::{self, KEY};
use crate::{check, clients};

const CLIENT: &str = "pushed";
const AUDIENCES: [&str; 2] = [clients::ISSUER, "https://id.example.com/oidc/token"];

/// Authenticates the client by the input.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let _ = unverified_subject(text);
    let (header, payload) = check::first_line(text);
    let assertion = keys::sign(header.as_bytes(), payload.as_bytes());
    let expectation = Expectation::new(TokenType::Any, CLIENT, Audience::Any, NOW)
        .leeway_seconds(u32::try_from(CLOCK_SKEW).expect("seconds"));
    let keys: JwkSet = [KEY.public_jwk()].into_iter().collect();
    let Ok(verified) = keys.verify::<Claims>(&assertion, &expectation) else { return false };
    let claims = &verified.claims;
    assert_eq!(unverified_subject(&assertion).as_deref(), Some(&*claims.sub));
    let typ = verified.header.typ.as_deref();
    let checked = client_assertion::check(claims, typ, CLIENT, &AUDIENCES, NOW);
    if let Err(error) = checked {
        check::refusal(&error);
        return false;
    }
    assert!(claims.iss == CLIENT && claims.sub == CLIENT);
    assert!(claims.aud.len() == 1 && AUDIENCES.contains(&claims.aud[0].as_str()));
    let latest = NOW + MAX_LIFETIME + CLOCK_SKEW;
    assert!((NOW - CLOCK_SKEW + 1..=latest).contains(&claims.exp));
    assert!((1..=256).contains(&claims.jti.len()));
    let known = ["jwt", "client-authentication+jwt"];
    assert!(typ.is_none_or(|typ| known.contains(&typ.to_ascii_lowercase().as_str())));
    true
}
