//! Secrets: values that do not print, hashes of tokens, and sealing at rest.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, Result, time::Randomness};

/// A value that must not reach a log: it has no `Display`, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize = String>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Wraps a secret value.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself; the name is a reminder to look where it goes.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// The SHA-256 of a token, base64url. Tokens, codes and cookie values are random and long, so a plain hash keeps them useless to
/// someone who reads the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// Hashes a token.
    pub fn of(token: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes())))
    }

    /// A hash as it was stored.
    pub fn from_stored(hash: String) -> Self {
        Self(hash)
    }

    /// The hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key that seals all others. It is kept outside the database.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A new random key.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        randomness.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Reads the text form: 43 base64url characters.
    ///
    /// # Errors
    /// A sentence for the operator when the text is not such a key.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let bytes = Zeroizing::new(
            URL_SAFE_NO_PAD
                .decode(text.trim())
                .map_err(|_| "the master key is not base64url text".to_owned())?,
        );
        let bytes: [u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| "the master key is not 32 bytes long".to_owned())?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The text form, for the key file.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_ref()))
    }

    /// A short name for the key that tells nothing about it; kept in the database to notice a wrong key.
    pub fn fingerprint(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"trinco master key fingerprint");
        context.update(self.0.as_ref());
        URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..12])
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MasterKey({})", self.fingerprint())
    }
}

/// Seals values under the master key with AES-256-GCM, bound to the place they are kept in: a sealed value moved to another tenant,
/// purpose or row does not open.
pub struct Sealer {
    key: LessSafeKey,
}

impl Sealer {
    /// A sealer for `master`.
    pub fn new(master: &MasterKey) -> Self {
        let key =
            UnboundKey::new(&AES_256_GCM, master.0.as_ref()).expect("an AES-256 key has 32 bytes");
        Self { key: LessSafeKey::new(key) }
    }

    /// Seals `plain`; `place` names where it will be kept, such as `["default", "application_secrets", id, name]`.
    pub fn seal(&self, randomness: &dyn Randomness, place: &[&str], plain: &[u8]) -> String {
        let mut nonce = [0; NONCE_LEN];
        randomness.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(place)),
                &mut sealed,
            )
            .expect("a short value can be sealed");
        let mut bytes = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        bytes.push(1);
        bytes.extend_from_slice(&nonce);
        bytes.append(&mut sealed);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Opens what [`Sealer::seal`] sealed for the same place.
    ///
    /// # Errors
    /// [`Error::Internal`] when the value was sealed under another key or for another place, or is damaged.
    pub fn open(&self, place: &[&str], sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
        let refuse =
            || Error::Internal(format!("a sealed value of {} does not open", place.join("/")));
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| refuse())?;
        let (Some(1), Some(nonce), Some(rest)) =
            (bytes.first(), bytes.get(1..=NONCE_LEN), bytes.get(1 + NONCE_LEN..))
        else {
            return Err(refuse());
        };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refuse())?;
        let mut opened = Zeroizing::new(rest.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(associated(place)), &mut opened)
            .map_err(|_| refuse())?
            .len();
        opened.truncate(length);
        Ok(opened)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub fn open_text(&self, place: &[&str], sealed: &str) -> Result<Secret> {
        let bytes = self.open(place, sealed)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Error::Internal("a sealed text is not UTF-8".to_owned()))?;
        Ok(Secret::new(text.to_owned()))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealer")
    }
}

/// Length-prefixed, so that `["a", "bc"]` and `["ab", "c"]` differ.
fn associated(place: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in place {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemRandomness;

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_under_its_key() {
        let sealer = Sealer::new(&MasterKey::generate(&SystemRandomness));
        let sealed = sealer.seal(&SystemRandomness, &["default", "keys", "k1"], b"secret");
        assert_eq!(sealer.open(&["default", "keys", "k1"], &sealed).unwrap().as_slice(), b"secret");
        assert!(sealer.open(&["default", "keys", "k2"], &sealed).is_err());
        assert!(sealer.open(&["default", "key", "sk1"], &sealed).is_err());
        let other = Sealer::new(&MasterKey::generate(&SystemRandomness));
        assert!(other.open(&["default", "keys", "k1"], &sealed).is_err());
        assert!(sealer.open(&["default", "keys", "k1"], "").is_err());
        assert!(sealer.open(&["default", "keys", "k1"], &sealed[..10]).is_err());
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret(…)");
        let key = MasterKey::generate(&SystemRandomness);
        assert!(!format!("{key:?}").contains(key.to_text().as_str()));
    }

    #[test]
    fn a_master_key_survives_its_text_form() {
        let key = MasterKey::generate(&SystemRandomness);
        assert_eq!(
            MasterKey::from_text(&format!("{}\n", *key.to_text())).unwrap().fingerprint(),
            key.fingerprint()
        );
        assert!(MasterKey::from_text("short").is_err());
    }
}
