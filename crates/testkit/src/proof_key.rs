use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
};
use serde_json::{Value, json};
use trinco_jose::{Algorithm, Jwk, SigningKey, base64url_encode};

/// An ES256 or ES384 key of a client, to make DPoP proofs with (RFC 9449), good ones and forged ones.
pub struct ProofKey(SigningKey);

impl Default for ProofKey {
    fn default() -> Self {
        Self::new()
    }
}

impl ProofKey {
    /// A new ES256 key.
    ///
    /// # Panics
    /// When there is no randomness.
    pub fn new() -> Self {
        Self::for_algorithm(Algorithm::ES256)
    }

    /// A new key for ES256 or ES384.
    ///
    /// # Panics
    /// When there is no randomness.
    pub fn for_algorithm(algorithm: Algorithm) -> Self {
        Self(SigningKey::generate(algorithm).expect("a key"))
    }

    /// Its public half.
    pub fn public_jwk(&self) -> Jwk {
        self.0.public_jwk()
    }

    /// What tokens that are bound to it name it by.
    pub fn thumbprint(&self) -> String {
        self.public_jwk().thumbprint()
    }

    /// A proof with these claims.
    pub fn proof(&self, claims: &Value) -> String {
        self.forge(json!({}), claims)
    }

    /// A proof whose header is [`changed`]; the signature is right.
    ///
    /// # Panics
    /// When the key does not sign.
    pub fn forge(&self, header: Value, claims: &Value) -> String {
        let jwk =
            changed(json!(self.public_jwk()), json!({ "use": null, "alg": null, "kid": null }));
        let header = changed(
            json!({ "alg": self.0.algorithm().name(), "typ": "dpop+jwt", "jwk": jwk }),
            header,
        );
        let input = format!(
            "{}.{}",
            base64url_encode(header.to_string()),
            base64url_encode(claims.to_string())
        );
        let der = self.0.to_pkcs8().expect("it exports");
        let scheme = match self.0.algorithm() {
            Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            other => panic!("no proofs with {other}"),
        };
        let pair = EcdsaKeyPair::from_pkcs8(scheme, &der).expect("a key");
        let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).expect("it signs");
        format!("{input}.{}", base64url_encode(signature))
    }
}

/// `value`, an object, with some members replaced or, with `null`, removed.
///
/// # Panics
/// When one of them is no object.
pub fn changed(mut value: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are members") };
    let members = value.as_object_mut().expect("an object");
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, change);
        }
    }
    value
}
