//! The stored form of a password: a PHC string.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::{Error, Result, Secret};

pub(super) const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;
/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a digest from elsewhere may cost at most.
const MOST_MEMORY_KIB: u32 = 128 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 8;

/// An Argon2id hash as `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordDigest(String);

impl std::fmt::Debug for PasswordDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PasswordDigest(…)")
    }
}

struct Parts {
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl PasswordDigest {
    /// A digest as it was stored; checked when a password is compared with it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A digest that was made elsewhere, by this program or another one: `None` when no password could be compared with it, or only at
    /// more expense than a sign-in is worth.
    pub fn from_elsewhere(text: &str) -> Option<Self> {
        let digest = Self(text.to_owned());
        let parts = digest.parse()?;
        let is_bounded = parts.params.m_cost() <= MOST_MEMORY_KIB
            && parts.params.t_cost() <= MOST_PASSES
            && parts.params.p_cost() <= MOST_LANES
            && (8..=64).contains(&parts.salt.len())
            && (16..=64).contains(&parts.hash.len());
        is_bounded.then_some(digest)
    }

    /// The text that is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A well-formed digest that no password matches, to spend the same time on a user who does not exist.
    pub(super) fn of_nobody() -> Self {
        Self(print(&[0; SALT_LENGTH], &[0; OUTPUT_LENGTH]))
    }

    pub(super) fn compute(password: &Secret, salt: &[u8], buffer: &mut Vec<Block>) -> Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_LENGTH)).map_err(failed)?;
        Ok(Self(print(salt, &run(password, salt, params, OUTPUT_LENGTH, buffer)?)))
    }

    pub(super) fn matches(&self, password: &Secret, buffer: &mut Vec<Block>) -> Result<bool> {
        let parts = self
            .parse()
            .ok_or_else(|| Error::Internal("a stored password digest is unreadable".to_owned()))?;
        let hash = run(password, &parts.salt, parts.params, parts.hash.len(), buffer)?;
        Ok(verify_slices_are_equal(&hash, &parts.hash).is_ok())
    }

    fn parse(&self) -> Option<Parts> {
        let mut fields = self.0.strip_prefix("$argon2id$v=19$")?.split('$');
        let mut numbers = fields.next()?.split(',');
        let mut number = |name: &str| numbers.next()?.strip_prefix(name)?.parse::<u32>().ok();
        let (memory, passes, lanes) = (number("m=")?, number("t=")?, number("p=")?);
        let salt = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
        let hash = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
        if fields.next().is_some() {
            return None;
        }
        Some(Parts {
            params: Params::new(memory, passes, lanes, Some(hash.len())).ok()?,
            salt,
            hash,
        })
    }
}

fn run(
    password: &Secret,
    salt: &[u8],
    params: Params,
    length: usize,
    buffer: &mut Vec<Block>,
) -> Result<Vec<u8>> {
    let blocks = params.block_count();
    if buffer.len() < blocks {
        buffer.resize(blocks, Block::default());
    }
    let mut hash = vec![0; length];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password.reveal().as_bytes(),
            salt,
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

fn failed(error: argon2::Error) -> Error {
    Error::Internal(format!("Argon2id: {error}"))
}
