//! Keys in use: signing keys for tokens, cookie keys, and the keys that derive the successor of a rotated refresh token.
//!
//! Private halves are sealed at rest. The newest key of each purpose is used; older ones are still accepted.

mod model;
mod store;

use trinco_db::{Conn, Tx};
use trinco_jose::{Algorithm, SigningKey};

pub use model::{CookieKey, Keys, Purpose, RotationKey, SealedKey};

use crate::{Alphabet, Bumped, Error, Randomness, Result, Sealer};

/// Reads the keys of a tenant.
///
/// # Errors
/// When the database does not answer or a key does not open.
pub(crate) async fn load(conn: &mut Conn<'_>, sealer: &Sealer) -> Result<Keys> {
    let tenant = conn.tenant().to_owned();
    let mut opened = Vec::new();
    for key in store::all(conn).await? {
        let material = sealer.open(&place(&tenant, &key.id), &key.material)?;
        opened.push((key, material));
    }
    Keys::from_opened(opened)
}

/// Makes the first key of each purpose: ES384 signs unless the operator says otherwise.
///
/// # Errors
/// When a key cannot be generated.
pub(crate) fn generate_first(
    tenant: &str,
    sealer: &Sealer,
    randomness: &dyn Randomness,
    now_ms: i64,
) -> Result<Vec<SealedKey>> {
    let broken = |error| Error::Internal(format!("a signing key cannot be generated: {error}"));
    let signing =
        SigningKey::generate(Algorithm::ES384).and_then(|key| key.to_pkcs8()).map_err(broken)?;
    let symmetric = || {
        let mut bytes = zeroize::Zeroizing::new(vec![0; 32]);
        randomness.fill(&mut bytes);
        bytes
    };
    let materials = [
        (Purpose::Signing(Algorithm::ES384), signing),
        (Purpose::Cookie, symmetric()),
        (Purpose::Rotation, symmetric()),
    ];
    Ok(materials
        .into_iter()
        .map(|(purpose, material)| {
            let id = Alphabet::Id.random(randomness, 21);
            let material = sealer.seal(randomness, &place(tenant, &id), &material);
            SealedKey {
                id,
                purpose,
                state: trinco_jose::KeyState::Current,
                material,
                created_at: now_ms,
            }
        })
        .collect())
}

/// Stores new keys.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn insert(tx: &mut Tx<'_>, bumped: &Bumped, keys: &[SealedKey]) -> Result<()> {
    for key in keys {
        store::insert(tx, bumped, key).await?;
    }
    Ok(())
}

fn place<'a>(tenant: &'a str, id: &'a str) -> [&'a str; 3] {
    [tenant, "keys", id]
}
