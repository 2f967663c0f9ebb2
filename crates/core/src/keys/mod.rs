//! Keys in use: signing keys for tokens, cookie keys, and the keys that derive the successor of a rotated refresh token.
//!
//! Private halves are sealed at rest. A signing key is staged first (next), so that everyone who caches the published keys knows it
//! before it signs (current); afterwards it verifies (previous) until the last of its tokens has expired. Cookie keys and rotation
//! keys have no readers outside, so a new one is current at once.

mod model;
mod rotate;
mod rules;
mod store;

use std::sync::Arc;

use trinco_db::{Conn, Tx};
use trinco_jose::{Algorithm, KeyState, SigningKey, Verifier, VerifyError};
use trinco_oauth::Client;
use zeroize::Zeroizing;

pub use model::{
    CookieKey, FAPI_ALGORITHMS, KeyRecord, KeyType, Keys, Purpose, RotationKey, SealedKey,
};
pub use rotate::{Rotation, advance, rotate};
pub use rules::Policy;

use crate::{Alphabet, Bumped, Error, Randomness, Result, Sealer, Section, Snapshot, Tenant};

/// The key that is made for applications held to FAPI 2.0 where the others' does not do.
const FAPI: Purpose = Purpose::FapiSigning(Algorithm::ES256);

/// What `verify` makes of a token of the tenant's own. Another node may have just rotated the keys: when the key is not known, the
/// configuration is read anew and the token is looked at once more.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn verified<T>(
    tenant: &Tenant,
    verify: impl Fn(&Verifier) -> std::result::Result<T, VerifyError>,
) -> Result<std::result::Result<T, VerifyError>> {
    let found = verify(tenant.snapshot().keys.verifier());
    if !matches!(found, Err(VerifyError::UnknownKey)) {
        return Ok(found);
    }
    tenant.refresh().await?;
    Ok(verify(tenant.snapshot().keys.verifier()))
}

/// What everyone may know of the keys of a type: a staged one, the current one, then the previous ones.
pub fn list(tenant: &Tenant, of: KeyType) -> Vec<KeyRecord> {
    let keys = &tenant.snapshot().keys;
    let mut records = keys.records(of).to_vec();
    if of == KeyType::PrivateKeys {
        records.extend_from_slice(keys.fapi_records());
    }
    records
}

/// Deletes a previous key. What it signed is refused from then on.
///
/// # Errors
/// `oidc.key_not_found`; `oidc.key_required` for the only key; `oidc.only_previous_key_can_be_deleted`.
pub async fn delete(tenant: &Tenant, of: KeyType, id: &str) -> Result<()> {
    let status = |keys: &Keys| {
        let fapi = if of == KeyType::PrivateKeys { keys.fapi_records() } else { &[] };
        let mut records = keys.records(of).iter().chain(fapi);
        records.find(|record| record.id == id).map(|record| record.status)
    };
    let found = tenant.find(|snapshot| status(&snapshot.keys)).await?;
    let status = found.ok_or_else(|| not_found(id))?;
    if list(tenant, of).len() == 1 {
        return Err(Error::refused("oidc.key_required"));
    }
    if status != KeyState::Previous {
        return Err(Error::refused("oidc.only_previous_key_can_be_deleted"));
    }
    tenant
        .configure(&[Section::Keys], id.to_owned(), |tx, bumped, id| {
            Box::pin(async move {
                if store::delete_previous(tx, bumped, id).await? {
                    Ok(())
                } else {
                    Err(not_found(id))
                }
            })
        })
        .await
}

/// Sees to it that there is a key that may sign for applications held to FAPI 2.0, now and once a staged key signs for the others. It
/// signs at once: no one can have cached the published keys before an application was held to the profile, and readers look for an
/// unknown key anew.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn provide_for_fapi(tenant: &Tenant) -> Result<()> {
    // Another node may have just staged one that does not do.
    tenant.refresh().await?;
    if tenant.snapshot().keys.provides_for_fapi() {
        return Ok(());
    }
    provide_beside(tenant).await
}

/// The configuration, with a key that may sign for `client`. One that another node has just made counts, and should there be none, one
/// is made: nothing is spent for tokens that nobody can sign.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn configuration_to_sign_for(
    tenant: &Tenant,
    client: &Client,
) -> Result<Arc<Snapshot>> {
    if tenant.snapshot().keys.signing_for(client).is_err() {
        provide_for_fapi(tenant).await?;
    }
    Ok(tenant.snapshot())
}

/// Sees to it that applications held to FAPI 2.0 have a key beside the one that signs for the others, whatever that is.
async fn provide_beside(tenant: &Tenant) -> Result<()> {
    if !tenant.snapshot().keys.fapi_records().is_empty() {
        return Ok(());
    }
    let key = rotate::new_key(tenant, FAPI).await?;
    tenant
        .configure(&[Section::Keys], key, |tx, bumped, key| {
            Box::pin(async move { store::insert_if_none_is_current(tx, bumped, key).await })
        })
        .await
}

fn not_found(id: &str) -> Error {
    Error::refused_with("oidc.key_not_found", &[("id", id)])
}

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
    [Purpose::Signing(Algorithm::ES384), Purpose::Cookie, Purpose::Rotation]
        .into_iter()
        .map(|purpose| {
            let material = generate(purpose, randomness)?;
            Ok(seal(tenant, sealer, randomness, purpose, &material, now_ms))
        })
        .collect()
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

/// New key material: PKCS#8 for signing keys, else 32 random bytes.
fn generate(purpose: Purpose, randomness: &dyn Randomness) -> Result<Zeroizing<Vec<u8>>> {
    match purpose {
        Purpose::Signing(algorithm) | Purpose::FapiSigning(algorithm) => {
            SigningKey::generate(algorithm).and_then(|key| key.to_pkcs8()).map_err(|error| {
                Error::Internal(format!("a signing key cannot be generated: {error}"))
            })
        }
        Purpose::Cookie | Purpose::Rotation => {
            let mut bytes = Zeroizing::new(vec![0; 32]);
            randomness.fill(&mut bytes);
            Ok(bytes)
        }
    }
}

/// A new current key.
fn seal(
    tenant: &str,
    sealer: &Sealer,
    randomness: &dyn Randomness,
    purpose: Purpose,
    material: &[u8],
    now_ms: i64,
) -> SealedKey {
    let id = Alphabet::Id.random(randomness, 21);
    let material = sealer.seal(randomness, &place(tenant, &id), material);
    SealedKey {
        id,
        purpose,
        state: KeyState::Current,
        material,
        created_at: now_ms,
        effective_at: None,
        expires_at: None,
    }
}

fn place<'a>(tenant: &'a str, id: &'a str) -> [&'a str; 3] {
    [tenant, "keys", id]
}
