//! DPoP proofs. Two lines are a header, in which `{jwk}` is a known key, and claims, which are signed with it; anything else is a
//! proof as it stands.

use serde_json::Value;
use trinco_jose::{Algorithm, base64url_decode, verify_proof};
use trinco_oauth::dpop::{self, Claims, MAX_AGE, MAX_AHEAD, PROOF_TYPE, Request};
use url::Url;

use crate::check;
use crate::jwt::NOW;
use crate::keys::{self, KEY};

const URL: &str = "https://id.example.com/oidc/token";
const HASH: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::PS256, Algorithm::RS256];

/// Verifies the input as the proof of a token request.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let token = match text.split_once('\n') {
        Some((header, payload)) => {
            let jwk = serde_json::to_string(&KEY.public_jwk()).expect("a key prints");
            keys::sign(header.replace("{jwk}", &jwk).as_bytes(), payload.as_bytes())
        }
        None => text.to_owned(),
    };
    let Ok(proof) = verify_proof::<Claims>(&token, PROOF_TYPE, &ALGORITHMS) else { return false };
    assert!(token.len() <= 8 * 1024 && proof.key_thumbprint.len() == 43);
    let broken = keys::with_a_broken_signature(&token);
    assert!(verify_proof::<Claims>(&broken, PROOF_TYPE, &ALGORITHMS).is_err());
    assert!(verify_proof::<Claims>(&token, "JWT", &ALGORITHMS).is_err(), "of another type");
    let header = token.split('.').next().and_then(base64url_decode).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let is_private = |name: &&str| header["jwk"].get(name).is_some();
    assert!(!["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(is_private));
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
    if header["jwk"]["x"] == serde_json::json!(KEY.public_jwk())["x"] {
        assert!(keys::is_signed(&token));
        assert_eq!(proof.key_thumbprint, KEY.kid());
    }
    says(&proof.claims)
}

fn says(claims: &Claims) -> bool {
    let mut accepted = false;
    for access_token_hash in [None, Some(HASH)] {
        let request = Request { method: "POST", url: URL, access_token_hash };
        match dpop::check(claims, &request, NOW) {
            Ok(()) => {
                accepted = true;
                assert_eq!(claims.htm, "POST");
                let mut url = Url::parse(&claims.htu).expect("a URL");
                url.set_query(None);
                url.set_fragment(None);
                assert_eq!(url.as_str(), URL);
                assert!((NOW - MAX_AGE..=NOW + MAX_AHEAD).contains(&claims.iat));
                assert!(claims.nbf.is_none_or(|from| from <= NOW + MAX_AHEAD));
                assert!(claims.exp.is_none_or(|until| until > NOW));
                assert!((1..=256).contains(&claims.jti.len()));
                assert!(access_token_hash.is_none() || claims.ath.as_deref() == Some(HASH));
            }
            Err(error) => check::refusal(&error),
        }
        let another = Request { method: "GET", ..request };
        assert!(claims.htm == "GET" || dpop::check(claims, &another, NOW).is_err());
    }
    accepted
}
