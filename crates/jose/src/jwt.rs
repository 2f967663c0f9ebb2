//! Compact JWTs: their parts, and what is expected of them (RFC 7515 §7.1, RFC 7519, RFC 8725).

use std::fmt;

use serde::de::{self, DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::algorithm::Algorithm;
use crate::encoding::{base64url_decode, base64url_length};
use crate::error::VerifyError;

/// The longest header that is read, in bytes.
const MAX_HEADER_LENGTH: usize = 1024;
/// The longest token that is read unless an [`Expectation`] says otherwise, in bytes.
const DEFAULT_MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// What a token must be to be accepted. Every rule but the last three is a decision that the
/// constructor asks for.
#[derive(Clone, Debug)]
pub struct Expectation<'a> {
    token_type: TokenType<'a>,
    issuer: &'a str,
    audience: Audience<'a>,
    now: i64,
    algorithms: &'a [Algorithm],
    leeway_seconds: u32,
    pub(crate) max_token_length: usize,
}

/// Which `typ` a token must have, so that one kind of token cannot pass for another
/// (RFC 8725 §3.11). Compared without case and without the `application/` prefix
/// (RFC 7515 §4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType<'a> {
    /// This one, for example `at+jwt` (RFC 9068 §2.1).
    Exactly(&'a str),
    /// `JWT` or none: ID tokens, and refuses access tokens.
    JwtOrAbsent,
    /// Any or none. Other claims must then tell this kind of token from the issuer's others.
    Any,
}

/// Whom a token must be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// `aud` is or contains this value.
    Is(&'a str),
    /// `aud` is or contains at least one of these values.
    OneOf(&'a [&'a str]),
    /// Anybody: the caller looks at `aud` itself.
    Any,
}

impl<'a> Expectation<'a> {
    /// Expects a token of this type, from exactly this issuer, for this audience, valid at `now`
    /// (Unix seconds). Accepts every algorithm of the crate, no clock skew, and 8 KiB.
    #[must_use]
    pub fn new(
        token_type: TokenType<'a>,
        issuer: &'a str,
        audience: Audience<'a>,
        now: i64,
    ) -> Self {
        Self {
            token_type,
            issuer,
            audience,
            now,
            algorithms: Algorithm::ALL,
            leeway_seconds: 0,
            max_token_length: DEFAULT_MAX_TOKEN_LENGTH,
        }
    }

    /// Accepts these algorithms only.
    #[must_use]
    pub fn algorithms(self, algorithms: &'a [Algorithm]) -> Self {
        Self { algorithms, ..self }
    }

    /// Tolerates clocks that differ by this many seconds, for `exp`, `nbf` and `iat`.
    #[must_use]
    pub fn leeway_seconds(self, leeway_seconds: u32) -> Self {
        Self { leeway_seconds, ..self }
    }

    /// Refuses tokens longer than this, in bytes.
    #[must_use]
    pub fn max_token_length(self, max_token_length: usize) -> Self {
        Self { max_token_length, ..self }
    }

    pub(crate) fn check_header(&self, header: &Header) -> Result<(), VerifyError> {
        if !self.algorithms.contains(&header.algorithm) {
            return Err(VerifyError::AlgorithmNotAccepted);
        }
        let typ = header.typ.as_deref();
        let fits = match self.token_type {
            TokenType::Exactly(wanted) => typ.is_some_and(|typ| is_media_type(typ, wanted)),
            TokenType::JwtOrAbsent => typ.is_none_or(|typ| is_media_type(typ, "JWT")),
            TokenType::Any => true,
        };
        if fits { Ok(()) } else { Err(VerifyError::WrongType) }
    }

    /// Checks the registered claims (RFC 7519 §4.1) of a payload whose signature was right.
    pub(crate) fn check_claims(&self, payload: &[u8], expiry: Expiry) -> Result<(), VerifyError> {
        let claims: RegisteredClaims =
            serde_json::from_slice(payload).map_err(|_| VerifyError::Malformed("claims"))?;
        if claims.iss.as_deref() != Some(self.issuer) {
            return Err(VerifyError::WrongIssuer);
        }
        let for_us = match self.audience {
            Audience::Is(wanted) => claims.aud.is_some_and(|aud| aud.contains(wanted)),
            Audience::OneOf(wanted) => {
                claims.aud.is_some_and(|aud| wanted.iter().any(|wanted| aud.contains(wanted)))
            }
            Audience::Any => true,
        };
        if !for_us {
            return Err(VerifyError::WrongAudience);
        }
        let leeway = i64::from(self.leeway_seconds);
        let latest_now = self.now.saturating_add(leeway);
        let NumericDate(exp) = claims.exp.ok_or(VerifyError::MissingExpiry)?;
        // RFC 7519 §4.1.4: expired *on* the stated second, too.
        if expiry == Expiry::Enforced && self.now >= exp.saturating_add(leeway) {
            return Err(VerifyError::Expired);
        }
        if claims.nbf.is_some_and(|NumericDate(nbf)| nbf > latest_now) {
            return Err(VerifyError::NotYetValid);
        }
        if claims.iat.is_some_and(|NumericDate(iat)| iat > latest_now) {
            return Err(VerifyError::IssuedInTheFuture);
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    Enforced,
    Ignored,
}

pub(crate) fn is_media_type(typ: &str, wanted: &str) -> bool {
    fn short(name: &str) -> &str {
        match name.split_at_checked("application/".len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
            _ => name,
        }
    }
    short(typ).eq_ignore_ascii_case(short(wanted))
}

/// The header of a token, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `typ`, as written.
    pub typ: Option<String>,
    /// `kid`.
    pub kid: Option<String>,
}

/// A token that passed every check.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    /// The header.
    pub header: Header,
    /// The claims.
    pub claims: T,
}

/// A token that nobody has checked: anyone could have written it.
#[derive(Clone, Debug)]
pub struct Unverified<T> {
    /// The header.
    pub header: Header,
    /// The claims. Use them to find the keys (which issuer, which client), for nothing else.
    pub untrusted_claims: T,
}

/// Reads a token of at most 8 KiB without checking its signature or claims, to find out whose
/// keys verify it. Verify it next, with the issuer that was found as the expected one.
///
/// # Errors
/// [`VerifyError`] when the token is too long, malformed, of an unknown algorithm or has claims
/// of another shape.
pub fn decode_without_verifying<T: DeserializeOwned>(
    token: &str,
) -> Result<Unverified<T>, VerifyError> {
    let compact = Compact::parse(token, DEFAULT_MAX_TOKEN_LENGTH)?;
    let untrusted_claims = compact.claims()?;
    Ok(Unverified { header: compact.header, untrusted_claims })
}

/// The parts of a compact JWS, decoded but not verified.
pub(crate) struct Compact<'a> {
    pub(crate) header: Header,
    pub(crate) signing_input: &'a [u8],
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str, max_length: usize) -> Result<Self, VerifyError> {
        if token.len() > max_length {
            return Err(VerifyError::TooLong);
        }
        let malformed = VerifyError::Malformed;
        let (signing_input, signature) = token.rsplit_once('.').ok_or(malformed("parts"))?;
        let (header, payload) = signing_input.split_once('.').ok_or(malformed("parts"))?;
        if payload.contains('.') {
            return Err(malformed("parts"));
        }
        if header.len() > base64url_length(MAX_HEADER_LENGTH) {
            return Err(malformed("header"));
        }
        let header = base64url_decode(header).ok_or(malformed("header"))?;
        let header: RawHeader = serde_json::from_slice(&header).map_err(|_| malformed("header"))?;
        Ok(Self {
            header: header.understood()?,
            signing_input: signing_input.as_bytes(),
            payload: base64url_decode(payload).ok_or(malformed("claims"))?,
            signature: base64url_decode(signature).ok_or(malformed("signature"))?,
        })
    }

    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Result<T, VerifyError> {
        serde_json::from_slice(&self.payload).map_err(|_| VerifyError::UnexpectedClaims)
    }
}

/// The header's members that matter. `jwk`, `jku`, `x5u` and `x5c` are read over like any
/// unknown member: a token does not bring its own keys.
#[derive(Default)]
struct RawHeader {
    alg: Option<String>,
    typ: Option<String>,
    kid: Option<String>,
    extended: bool,
}

impl RawHeader {
    fn understood(self) -> Result<Header, VerifyError> {
        // RFC 7515 §4.1.11: no extension is understood, so every `crit` is fatal. RFC 7797
        // §7: `b64` changes what is signed, and a JWT must not use it.
        if self.extended {
            return Err(VerifyError::CriticalExtension);
        }
        let alg = self.alg.ok_or(VerifyError::Malformed("header"))?;
        let algorithm = alg.parse().map_err(|_| VerifyError::AlgorithmNotAccepted)?;
        Ok(Header { algorithm, typ: self.typ, kid: self.kid })
    }
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;
        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = RawHeader;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JOSE header")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
                let mut header = RawHeader::default();
                let mut seen: Vec<String> = Vec::with_capacity(4);
                while let Some(name) = map.next_key::<String>()? {
                    // RFC 7515 §4: member names are unique. Two readers that disagree on which
                    // of two counts is an attack.
                    if seen.contains(&name) {
                        return Err(de::Error::custom("duplicate member"));
                    }
                    match name.as_str() {
                        "alg" => header.alg = Some(map.next_value()?),
                        "typ" => header.typ = Some(map.next_value()?),
                        "kid" => header.kid = Some(map.next_value()?),
                        _ => {
                            header.extended |= name == "crit" || name == "b64";
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                    seen.push(name);
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// The claims that are checked here; serde refuses duplicates of them.
#[derive(Deserialize)]
struct RegisteredClaims {
    iss: Option<String>,
    aud: Option<AudienceClaim>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
}

/// RFC 7519 §4.1.3: a string, or an array of strings.
#[derive(Deserialize)]
#[serde(untagged)]
enum AudienceClaim {
    One(String),
    Several(Vec<String>),
}

impl AudienceClaim {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

/// Seconds since the epoch (RFC 7519 §2). Fractions are allowed and cut off.
struct NumericDate(i64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;
        impl Visitor<'_> for DateVisitor {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since the epoch")
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<NumericDate, E> {
                Ok(NumericDate(seconds))
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
                Ok(NumericDate(i64::try_from(seconds).unwrap_or(i64::MAX)))
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
                Ok(NumericDate(seconds.floor() as i64))
            }
        }
        deserializer.deserialize_any(DateVisitor)
    }
}
