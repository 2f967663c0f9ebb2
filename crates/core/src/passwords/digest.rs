//! The stored form of a password.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::foreign;
use super::legacy::Legacy;
use crate::{Error, Result, Secret};

pub(super) const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;
/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a digest from elsewhere may cost at most: memory, and memory times passes, which is what takes the time. Twice as much as
/// the reference's own digests, of 256 passes over 4 MiB.
const MOST_MEMORY_KIB: u32 = 128 * 1024;
const MOST_WORK_KIB: u64 = 2 * 1024 * 1024;
const MOST_LANES: u32 = 8;
/// The longest digest, as in the contract.
const LONGEST: usize = 256;

/// How a password hash was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PasswordAlgorithm {
    Argon2i,
    Argon2id,
    Argon2d,
    SHA1,
    SHA256,
    MD5,
    Bcrypt,
    /// What the text describes: `["sha256", ["salt", "@"], "hex"]` and the like.
    Legacy,
}

impl PasswordAlgorithm {
    const ALL: [Self; 8] = [
        Self::Argon2i,
        Self::Argon2id,
        Self::Argon2d,
        Self::SHA1,
        Self::SHA256,
        Self::MD5,
        Self::Bcrypt,
        Self::Legacy,
    ];

    /// As it is written in the API and kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Argon2i => "Argon2i",
            Self::Argon2id => "Argon2id",
            Self::Argon2d => "Argon2d",
            Self::SHA1 => "SHA1",
            Self::SHA256 => "SHA256",
            Self::MD5 => "MD5",
            Self::Bcrypt => "Bcrypt",
            Self::Legacy => "Legacy",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    fn argon2(self) -> Option<Algorithm> {
        match self {
            Self::Argon2i => Some(Algorithm::Argon2i),
            Self::Argon2id => Some(Algorithm::Argon2id),
            Self::Argon2d => Some(Algorithm::Argon2d),
            _ => None,
        }
    }
}

/// A password hash. Those made here are Argon2id as `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; others come from elsewhere and are
/// replaced when their user signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordDigest {
    algorithm: PasswordAlgorithm,
    text: String,
}

impl std::fmt::Debug for PasswordDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PasswordDigest({}, …)", self.algorithm.as_str())
    }
}

struct Parts {
    version: Version,
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl PasswordDigest {
    /// A digest as it was stored; checked when a password is compared with it.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is of no known algorithm.
    pub fn from_stored(algorithm: &str, text: String) -> Result<Self> {
        let algorithm = PasswordAlgorithm::named(algorithm).ok_or_else(unreadable)?;
        Ok(Self { algorithm, text })
    }

    /// A digest that was made elsewhere, as the API takes it.
    ///
    /// # Errors
    /// `guard.invalid_input`, `password.invalid_legacy_password_format` or `password.unsupported_legacy_hash_algorithm` when no
    /// password could be compared with it, or only at more expense than a sign-in is worth.
    pub fn imported(algorithm: PasswordAlgorithm, text: &str) -> Result<Self> {
        let digest = Self { algorithm, text: text.to_owned() };
        if text.len() > LONGEST {
            return Err(Error::invalid_field("passwordDigest", "has more than 256 characters"));
        }
        let is_usable = match algorithm {
            PasswordAlgorithm::Legacy => {
                Legacy::read(text)?;
                true
            }
            _ => digest.is_usable(),
        };
        if is_usable {
            return Ok(digest);
        }
        let rule = format!("is no {} digest, or one that costs too much", algorithm.as_str());
        Err(Error::invalid_field("passwordDigest", &rule))
    }

    /// A digest as [`PasswordDigest::to_text`] writes it: `None` when no password could be compared with it, or only at more expense
    /// than a sign-in is worth.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.starts_with('$') {
            return Self::imported(PasswordAlgorithm::Argon2id, text).ok();
        }
        let (algorithm, text) = text.split_once(':')?;
        Self::imported(PasswordAlgorithm::named(algorithm)?, text).ok()
    }

    /// One text for algorithm and digest: an Argon2id digest as it is, others as `SHA256:…`.
    pub fn to_text(&self) -> String {
        match self.algorithm {
            PasswordAlgorithm::Argon2id => self.text.clone(),
            other => format!("{}:{}", other.as_str(), self.text),
        }
    }

    /// The text that is stored.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it was made.
    pub fn algorithm(&self) -> PasswordAlgorithm {
        self.algorithm
    }

    /// Whether it is to be replaced by one of ours when the password is at hand. Argon2id is ours, whatever its costs: who chose them
    /// knew what for.
    pub(super) fn is_foreign(&self) -> bool {
        self.algorithm != PasswordAlgorithm::Argon2id
    }

    /// Whether comparing with it takes less time than with ours, which would tell that it is there.
    pub(super) fn is_quick(&self) -> bool {
        self.algorithm.argon2().is_none()
    }

    /// A well-formed digest that no password matches, to spend the same time on a user who does not exist.
    pub(super) fn of_nobody() -> Self {
        let text = print(&[0; SALT_LENGTH], &[0; OUTPUT_LENGTH]);
        Self { algorithm: PasswordAlgorithm::Argon2id, text }
    }

    pub(super) fn compute(password: &Secret, salt: &[u8], buffer: &mut Vec<Block>) -> Result<Self> {
        let parts = Parts {
            version: Version::V0x13,
            params: Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_LENGTH)).map_err(failed)?,
            salt: salt.to_vec(),
            hash: vec![0; OUTPUT_LENGTH],
        };
        let hash = run(password, Algorithm::Argon2id, &parts, buffer)?;
        Ok(Self { algorithm: PasswordAlgorithm::Argon2id, text: print(salt, &hash) })
    }

    pub(super) fn matches(&self, password: &Secret, buffer: &mut Vec<Block>) -> Result<bool> {
        if let Some(algorithm) = self.algorithm.argon2() {
            let parts = self.parse(algorithm).ok_or_else(unreadable)?;
            let hash = run(password, algorithm, &parts, buffer)?;
            return Ok(verify_slices_are_equal(&hash, &parts.hash).is_ok());
        }
        let password = password.reveal();
        match self.algorithm {
            PasswordAlgorithm::Bcrypt => {
                bcrypt::verify(password, &self.text).map_err(|_| unreadable())
            }
            PasswordAlgorithm::Legacy => Legacy::read(&self.text)?.matches(password),
            other => {
                let expected = foreign::hex(&self.text).ok_or_else(unreadable)?;
                let hash = foreign::digest(other.as_str(), password.as_bytes());
                let hash = hash.ok_or_else(unreadable)?;
                Ok(verify_slices_are_equal(&hash, &expected).is_ok())
            }
        }
    }

    fn is_usable(&self) -> bool {
        if let Some(algorithm) = self.algorithm.argon2() {
            return self.parse(algorithm).is_some_and(|parts| parts.is_bounded());
        }
        match self.algorithm {
            PasswordAlgorithm::Bcrypt => foreign::is_bcrypt(&self.text),
            PasswordAlgorithm::Legacy => Legacy::read(&self.text).is_ok(),
            other => {
                let length = foreign::digest(other.as_str(), b"").map(|hash| hash.len());
                foreign::hex(&self.text).is_some_and(|hash| Some(hash.len()) == length)
            }
        }
    }

    fn parse(&self, algorithm: Algorithm) -> Option<Parts> {
        let mut fields = self.text.strip_prefix('$')?.split('$').peekable();
        if fields.next()? != algorithm.as_str() {
            return None;
        }
        // The first version does not name itself.
        let version = match fields.next_if(|field| field.starts_with("v=")) {
            Some("v=19") => Version::V0x13,
            Some("v=16") | None => Version::V0x10,
            Some(_) => return None,
        };
        let mut numbers = fields.next()?.split(',');
        let mut number = |name: &str| numbers.next()?.strip_prefix(name)?.parse::<u32>().ok();
        let (memory, passes, lanes) = (number("m=")?, number("t=")?, number("p=")?);
        if numbers.next().is_some() {
            return None;
        }
        let salt = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
        let hash = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
        if fields.next().is_some() {
            return None;
        }
        let params = Params::new(memory, passes, lanes, Some(hash.len())).ok()?;
        Some(Parts { version, params, salt, hash })
    }
}

impl Parts {
    fn is_bounded(&self) -> bool {
        let work = u64::from(self.params.m_cost()) * u64::from(self.params.t_cost());
        self.params.m_cost() <= MOST_MEMORY_KIB
            && work <= MOST_WORK_KIB
            && self.params.p_cost() <= MOST_LANES
            && (8..=64).contains(&self.salt.len())
            && (16..=64).contains(&self.hash.len())
    }
}

fn run(
    password: &Secret,
    algorithm: Algorithm,
    parts: &Parts,
    buffer: &mut Vec<Block>,
) -> Result<Vec<u8>> {
    let blocks = parts.params.block_count();
    if buffer.len() < blocks {
        buffer.resize(blocks, Block::default());
    }
    let mut hash = vec![0; parts.hash.len()];
    Argon2::new(algorithm, parts.version, parts.params.clone())
        .hash_password_into_with_memory(
            password.reveal().as_bytes(),
            &parts.salt,
            &mut hash,
            &mut buffer[..blocks],
        )
        .map_err(failed)?;
    Ok(hash)
}

fn print(salt: &[u8], hash: &[u8]) -> String {
    format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    )
}

fn unreadable() -> Error {
    Error::Internal("a stored password digest is unreadable".to_owned())
}

fn failed(error: argon2::Error) -> Error {
    Error::Internal(format!("Argon2: {error}"))
}
