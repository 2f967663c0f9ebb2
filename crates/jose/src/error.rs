//! What can go wrong. No error carries key material or the contents of a token.

use thiserror::Error;

/// A key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The input is longer than a key or a key set may be.
    #[error("the key material is too long")]
    TooLong,
    /// The input is not PEM, DER or JSON of the expected shape.
    #[error("the key is malformed")]
    Malformed,
    /// The algorithm is not one of this crate's.
    #[error("the algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The key type or curve is not one of this crate's.
    #[error("the key type or curve is not supported")]
    UnsupportedKeyType,
    /// The key is of another type or curve than its algorithm needs, or RSA of a length outside
    /// 2048 to 8192 bits, or not a valid key at all.
    #[error("the key does not fit its algorithm")]
    Rejected,
    /// `use` or `key_ops` say that the key is not for verifying signatures.
    #[error("the key is not meant for signatures")]
    NotForSignatures,
    /// The cryptographic library could not generate or export a key.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// A token that could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignError {
    /// The claims do not serialise to a JSON object (RFC 7519 §2).
    #[error("the claims are not a JSON object")]
    ClaimsNotAnObject,
    /// The cryptographic library could not sign.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Why a token was refused: the first check that failed. Checks run in the order of this list,
/// except that any of them can find the token malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The token is longer than the expectation allows.
    #[error("the token is too long")]
    TooLong,
    /// Not a compact JWS: the text names the part that broke.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The header carries `crit` or `b64`, which ask for extensions that are not understood
    /// (RFC 7515 §4.1.11, RFC 7797).
    #[error("the token requires an extension that is not understood")]
    CriticalExtension,
    /// `alg` is missing from this crate (`none`, `HS256`, …) or from the expectation.
    #[error("the token's algorithm is not accepted")]
    AlgorithmNotAccepted,
    /// `typ` is not what was expected.
    #[error("the token is of another type")]
    WrongType,
    /// No key has this `kid`; or, without `kid`, not exactly one key has this algorithm.
    #[error("no key is known for the token")]
    UnknownKey,
    /// The key named by `kid` is for another algorithm than the header says.
    #[error("the key is for another algorithm")]
    KeyOfAnotherAlgorithm,
    /// The signature does not match.
    #[error("the signature is wrong")]
    BadSignature,
    /// `iss` is missing or another one.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` is missing or names none of the expected audiences.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` is missing.
    #[error("the token has no expiry")]
    MissingExpiry,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is still to come.
    #[error("the token was issued in the future")]
    IssuedInTheFuture,
    /// The claims are valid JSON but do not fit the type that was asked for.
    #[error("the claims have another shape")]
    UnexpectedClaims,
}

/// A change that a key ring does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// The entries hold no current key.
    #[error("there is no current key")]
    NoCurrent,
    /// The entries hold more than one current key.
    #[error("there is more than one current key")]
    SeveralCurrent,
    /// A next key is already staged.
    #[error("a next key is already staged")]
    NextExists,
    /// There is no next key to rotate to.
    #[error("there is no next key")]
    NoNext,
    /// The id or the key itself is already in the ring.
    #[error("the key is already in the ring")]
    Duplicate,
    /// No key has this id.
    #[error("no key has this id")]
    UnknownKey,
    /// The current key signs, so it cannot be removed.
    #[error("the current key cannot be removed")]
    CurrentInUse,
}
