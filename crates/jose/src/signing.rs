//! Private keys, and the tokens they sign.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, Signature,
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::encoding::{base64url_append, base64url_encode, base64url_length};
use crate::error::{KeyError, SignError};
use crate::jwk::{Jwk, PublicKey};
use crate::pem::{self, PrivateKeyDer};

/// The `typ` of an access token, prepared once per key (RFC 9068 §2.1).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// A private key, bound to one algorithm.
///
/// `Debug` prints the key id and the algorithm, never the key.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    jwk: Jwk,
    pair: Pair,
    // The encoded headers of the two kinds of token that are signed all day, with their dot.
    header: String,
    access_token_header: String,
}

#[derive(Clone)]
enum Pair {
    Ec(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

impl SigningKey {
    /// Makes a new key. RSA keys have 2048 bits. The randomness is the cryptographic library's.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the library fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match Kind::of(algorithm) {
            Kind::Ec(curve) => EcdsaKeyPair::generate(curve).map(|pair| Pair::Ec(Box::new(pair))),
            Kind::Ed25519 => Ed25519KeyPair::generate().map(|pair| Pair::Ed25519(Box::new(pair))),
            Kind::Rsa(padding) => RsaKeyPair::generate(KeySize::Rsa2048)
                .map(|pair| Pair::Rsa(Box::new(pair), padding)),
        };
        Self::new(algorithm, pair.map_err(|_| KeyError::Crypto)?)
    }

    /// Reads a key from unencrypted PKCS#8 (RFC 5208, RFC 5958), DER.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] when the bytes are not such a key, or not one for `algorithm`.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let pair = match Kind::of(algorithm) {
            Kind::Ec(curve) => {
                EcdsaKeyPair::from_pkcs8(curve, der).map(|pair| Pair::Ec(Box::new(pair)))
            }
            Kind::Ed25519 => {
                Ed25519KeyPair::from_pkcs8(der).map(|pair| Pair::Ed25519(Box::new(pair)))
            }
            Kind::Rsa(padding) => {
                RsaKeyPair::from_pkcs8(der).map(|pair| Pair::Rsa(Box::new(pair), padding))
            }
        };
        Self::new(algorithm, pair.map_err(|_| KeyError::Rejected)?)
    }

    /// Reads the first private key of a PEM text: `PRIVATE KEY` (PKCS#8), `EC PRIVATE KEY`
    /// (SEC 1) or `RSA PRIVATE KEY` (PKCS#1). At most 16 KiB.
    ///
    /// When the algorithm is not known beforehand, try those of [`Algorithm::ALL`] that you
    /// accept: a key fits one of them (an RSA key fits two, `RS256` first).
    ///
    /// # Errors
    /// [`KeyError::TooLong`], [`KeyError::Malformed`] when there is no such block, and
    /// [`KeyError::Rejected`] when its key is not one for `algorithm`.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let pair = match (pem::private_key(pem)?, Kind::of(algorithm)) {
            (PrivateKeyDer::Pkcs8(der), _) => return Self::from_pkcs8(algorithm, &der),
            (PrivateKeyDer::Sec1(der), Kind::Ec(curve)) => {
                EcdsaKeyPair::from_private_key_der(curve, &der).map(|pair| Pair::Ec(Box::new(pair)))
            }
            (PrivateKeyDer::Pkcs1(der), Kind::Rsa(padding)) => {
                RsaKeyPair::from_der(&der).map(|pair| Pair::Rsa(Box::new(pair), padding))
            }
            _ => return Err(KeyError::Rejected),
        };
        Self::new(algorithm, pair.map_err(|_| KeyError::Rejected)?)
    }

    /// The private key as PKCS#8 version 1, DER. The buffer is erased when dropped.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the library fails.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let owned = |der: &[u8]| Zeroizing::new(der.to_vec());
        match &self.pair {
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|document| owned(document.as_ref())),
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|document| owned(document.as_ref())),
            Pair::Rsa(pair, _) => pair.as_der().map(|document| owned(document.as_ref())),
        }
        .map_err(|_| KeyError::Crypto)
    }

    /// The key id: the RFC 7638 thumbprint of the public key, SHA-256, base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm this key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.jwk.algorithm()
    }

    /// The public half, with `use`, `kid` and `alg`.
    #[must_use]
    pub fn public_jwk(&self) -> Jwk {
        self.jwk.clone()
    }

    /// Signs `claims` as a JWT in compact form (RFC 7519 §7.1). The header is `alg`, `typ` when
    /// given, `kid`. The claims are written as they serialise: none is added.
    ///
    /// # Errors
    /// [`SignError::ClaimsNotAnObject`], or [`SignError::Crypto`] when the library fails.
    pub fn sign_jwt(
        &self,
        typ: Option<&str>,
        claims: &impl Serialize,
    ) -> Result<String, SignError> {
        let claims = serde_json::to_vec(claims).map_err(|_| SignError::ClaimsNotAnObject)?;
        if claims.first() != Some(&b'{') {
            return Err(SignError::ClaimsNotAnObject);
        }
        let other_header;
        let header = match typ {
            None => &self.header,
            Some(ACCESS_TOKEN_TYPE) => &self.access_token_header,
            Some(_) => {
                other_header = encode_header(self.algorithm(), typ, &self.kid);
                &other_header
            }
        };
        let length = header.len()
            + base64url_length(claims.len())
            + 1
            + base64url_length(self.signature_length());
        let mut token = String::with_capacity(length);
        token.push_str(header);
        base64url_append(&claims, &mut token);
        self.append_signature(&mut token)?;
        Ok(token)
    }

    fn new(algorithm: Algorithm, pair: Pair) -> Result<Self, KeyError> {
        let jwk = Jwk::named_by_thumbprint(algorithm, pair.public_key())?;
        let kid = jwk.kid().map(str::to_owned).ok_or(KeyError::Crypto)?;
        let header = encode_header(algorithm, None, &kid);
        let access_token_header = encode_header(algorithm, Some(ACCESS_TOKEN_TYPE), &kid);
        Ok(Self { kid, jwk, pair, header, access_token_header })
    }

    fn signature_length(&self) -> usize {
        match &self.pair {
            Pair::Rsa(pair, _) => pair.public_modulus_len(),
            Pair::Ec(_) | Pair::Ed25519(_) => {
                self.algorithm().curve().map_or(0, |(_, coordinate)| 2 * coordinate)
            }
        }
    }

    /// Signs all of `token` and appends the dot and the signature.
    fn append_signature(&self, token: &mut String) -> Result<(), SignError> {
        let rng = SystemRandom::new();
        let append = |signature: &[u8], token: &mut String| {
            token.push('.');
            base64url_append(signature, token);
        };
        let signature: Signature = match &self.pair {
            Pair::Ec(pair) => pair.sign(&rng, token.as_bytes()).map_err(|_| SignError::Crypto)?,
            Pair::Ed25519(pair) => {
                pair.try_sign(token.as_bytes()).map_err(|_| SignError::Crypto)?
            }
            Pair::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &rng, token.as_bytes(), &mut signature)
                    .map_err(|_| SignError::Crypto)?;
                append(&signature, token);
                return Ok(());
            }
        };
        append(signature.as_ref(), token);
        Ok(())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("alg", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// What an algorithm needs to make or read a key.
enum Kind {
    Ec(&'static EcdsaSigningAlgorithm),
    Ed25519,
    Rsa(&'static dyn RsaEncoding),
}

impl Kind {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ES256 => Self::Ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => Self::Ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => Self::Ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::EdDSA => Self::Ed25519,
            Algorithm::RS256 => Self::Rsa(&RSA_PKCS1_SHA256),
            Algorithm::PS256 => Self::Rsa(&RSA_PSS_SHA256),
        }
    }
}

impl Pair {
    fn public_key(&self) -> PublicKey {
        match self {
            Self::Ec(pair) => {
                // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                PublicKey::Ec { x: x.to_vec(), y: y.to_vec() }
            }
            Self::Ed25519(pair) => PublicKey::Okp { x: pair.public_key().as_ref().to_vec() },
            Self::Rsa(pair, _) => {
                let key = pair.public_key();
                PublicKey::Rsa {
                    n: key.modulus().big_endian_without_leading_zero().to_vec(),
                    e: key.exponent().big_endian_without_leading_zero().to_vec(),
                }
            }
        }
    }
}

/// The base64url of the header, and the dot after it.
fn encode_header(algorithm: Algorithm, typ: Option<&str>, kid: &str) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        typ: Option<&'a str>,
        kid: &'a str,
    }
    let json = serde_json::to_vec(&Header { alg: algorithm.name(), typ, kid })
        .expect("three strings always serialise");
    let mut encoded = base64url_encode(json);
    encoded.push('.');
    encoded
}
