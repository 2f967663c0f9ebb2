//! Keys in rotation: next, current, previous.

use crate::error::KeyringError;
use crate::jwk::JwkSet;
use crate::signing::SigningKey;
use crate::verifying::Verifier;

/// Where a key is in its life. It only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published, not yet signing: others learn the key before they meet its tokens.
    Next,
    /// Signs.
    Current,
    /// No longer signs; published until the last of its tokens has expired.
    Previous,
}

/// A key with what its owner records about it.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// The owner's id for the record. Not the `kid`, which is the key's thumbprint.
    pub id: String,
    /// When the key was made, in Unix seconds.
    pub created_at: i64,
    /// The key.
    pub key: SigningKey,
}

/// The keys of one issuer: exactly one current, at most one next, any number of previous.
#[derive(Clone, Debug)]
pub struct Keyring {
    current: KeyEntry,
    next: Option<KeyEntry>,
    // The most recently retired first.
    previous: Vec<KeyEntry>,
}

impl Keyring {
    /// A ring with one key, which signs.
    #[must_use]
    pub fn new(current: KeyEntry) -> Self {
        Self { current, next: None, previous: Vec::new() }
    }

    /// Puts a stored ring together. Previous keys keep the order in which they come.
    ///
    /// # Errors
    /// [`KeyringError`] unless there is exactly one current key, at most one next, and no id and
    /// no key appears twice.
    pub fn from_entries(
        entries: impl IntoIterator<Item = (KeyState, KeyEntry)>,
    ) -> Result<Self, KeyringError> {
        let (mut current, mut next, mut previous) = (None, None, Vec::new());
        for (state, entry) in entries {
            match state {
                KeyState::Current if current.is_some() => return Err(KeyringError::SeveralCurrent),
                KeyState::Current => current = Some(entry),
                KeyState::Next if next.is_some() => return Err(KeyringError::NextExists),
                KeyState::Next => next = Some(entry),
                KeyState::Previous => previous.push(entry),
            }
        }
        let mut ring = Self::new(current.ok_or(KeyringError::NoCurrent)?);
        if let Some(entry) = next {
            ring.stage(entry)?;
        }
        for entry in previous {
            ring.refuse_duplicate(&entry)?;
            ring.previous.push(entry);
        }
        Ok(ring)
    }

    /// The entry that signs.
    #[must_use]
    pub fn current(&self) -> &KeyEntry {
        &self.current
    }

    /// Every entry with its state: the current one, the next, then the previous ones.
    pub fn entries(&self) -> impl Iterator<Item = (KeyState, &KeyEntry)> {
        std::iter::once((KeyState::Current, &self.current))
            .chain(self.next.iter().map(|entry| (KeyState::Next, entry)))
            .chain(self.previous.iter().map(|entry| (KeyState::Previous, entry)))
    }

    /// The public keys to publish, in the order of [`Keyring::entries`].
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        self.entries().map(|(_, entry)| entry.key.public_jwk()).collect()
    }

    /// A verifier for the tokens of every key in the ring.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.jwks().verifier()
    }

    /// Adds the key that a later [`Keyring::rotate`] will sign with.
    ///
    /// # Errors
    /// [`KeyringError::NextExists`] or [`KeyringError::Duplicate`]; the ring is then unchanged.
    pub fn stage(&mut self, next: KeyEntry) -> Result<(), KeyringError> {
        if self.next.is_some() {
            return Err(KeyringError::NextExists);
        }
        self.refuse_duplicate(&next)?;
        self.next = Some(next);
        Ok(())
    }

    /// Makes the next key current and the current one previous.
    ///
    /// # Errors
    /// [`KeyringError::NoNext`]; the ring is then unchanged.
    pub fn rotate(&mut self) -> Result<(), KeyringError> {
        let next = self.next.take().ok_or(KeyringError::NoNext)?;
        self.install(next);
        Ok(())
    }

    /// Makes a new key current at once, and the current one previous. A staged next key stays.
    ///
    /// Verifiers that cache the published keys do not know the new one yet; prefer
    /// [`Keyring::stage`] and [`Keyring::rotate`] unless the current key must not sign again.
    ///
    /// # Errors
    /// [`KeyringError::Duplicate`]; the ring is then unchanged.
    pub fn rotate_to(&mut self, new: KeyEntry) -> Result<(), KeyringError> {
        self.refuse_duplicate(&new)?;
        self.install(new);
        Ok(())
    }

    /// Takes the next or a previous key out of the ring. Tokens that a removed previous key
    /// signed are refused from then on.
    ///
    /// # Errors
    /// [`KeyringError::CurrentInUse`] or [`KeyringError::UnknownKey`]; the ring is then
    /// unchanged.
    pub fn remove(&mut self, id: &str) -> Result<KeyEntry, KeyringError> {
        if self.current.id == id {
            return Err(KeyringError::CurrentInUse);
        }
        if let Some(entry) = self.next.take_if(|entry| entry.id == id) {
            return Ok(entry);
        }
        let position = self.previous.iter().position(|entry| entry.id == id);
        position.map(|at| self.previous.remove(at)).ok_or(KeyringError::UnknownKey)
    }

    fn install(&mut self, new: KeyEntry) {
        let retired = std::mem::replace(&mut self.current, new);
        self.previous.insert(0, retired);
    }

    fn refuse_duplicate(&self, new: &KeyEntry) -> Result<(), KeyringError> {
        let known = |(_, entry): (KeyState, &KeyEntry)| {
            entry.id == new.id || entry.key.kid() == new.key.kid()
        };
        if self.entries().any(known) { Err(KeyringError::Duplicate) } else { Ok(()) }
    }
}
