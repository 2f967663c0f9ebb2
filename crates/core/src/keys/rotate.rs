//! Rotation: a new key comes in, an old one goes out.

use trinco_db::Tx;
use trinco_jose::{Algorithm, KeyState};

use super::model::{FAPI_ALGORITHMS, KeyRecord, KeyType, Purpose, SealedKey};
use super::{FAPI, generate, insert, rules, seal, store};
use crate::audit::{self, Entry, Outcome};
use crate::{Bumped, Error, Result, Section, Snapshot, Tenant};

/// A refresh token lives 180 days at most, and derives its successor until its end; a day more for what is at that end.
const ROTATION_KEY_RETENTION_MS: i64 = 181 * 86_400_000;
/// A key is not staged for longer than this: seconds.
const LONGEST_GRACE: i64 = 90 * 86_400;
const IN_PROGRESS: &str = "oidc.key_rotation_in_progress";

/// How to rotate.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// Which keys.
    pub key_type: KeyType,
    /// How long a new signing key is published before it signs: seconds. `None` for what the installation is set up with; 0 to sign
    /// at once, which tokens do not survive at readers that cache the published keys, and which discards a key that is staged.
    pub grace: Option<i64>,
    /// The algorithm of a new signing key; ES384 unless given.
    pub algorithm: Option<Algorithm>,
}

/// What one transaction does.
struct Plan {
    /// The key that is current now; when it is not any more, someone else was quicker.
    current: String,
    purpose: Purpose,
    new: SealedKey,
    /// When nothing needs the retired key any more.
    expires_at: i64,
    entry: Entry,
    /// A new key for applications held to FAPI 2.0, when they have one of their own.
    fapi: Option<SealedKey>,
    /// A new key for refresh tokens, and when nothing needs the retired one any more.
    rotation: Option<(SealedKey, i64)>,
}

/// Rotates the keys of a type and returns their records. New signing keys come with a new key for refresh tokens.
///
/// # Errors
/// `guard.invalid_input` for a grace period out of bounds, or one or an algorithm for cookie keys;
/// `oidc.key_rotation_in_progress` when a key is staged already, or someone else has just rotated.
pub async fn rotate(tenant: &Tenant, rotation: Rotation) -> Result<Vec<KeyRecord>> {
    check(&rotation)?;
    // Another node may have rotated them a moment ago, and that rotation is over.
    tenant.refresh().await?;
    rotate_what_is_known(tenant, rotation).await
}

/// Rotates, unless the keys are not those any more that this node knows.
async fn rotate_what_is_known(tenant: &Tenant, rotation: Rotation) -> Result<Vec<KeyRecord>> {
    let is_signing = rotation.key_type == KeyType::PrivateKeys;
    let keeps_fapi = rotation.algorithm.is_some_and(|new| FAPI_ALGORITHMS.contains(&new));
    if is_signing && !keeps_fapi && has_fapi_clients(&tenant.snapshot()) {
        super::provide_beside(tenant).await?;
    }
    let plan = plan(tenant, rotation).await?;
    tenant
        .configure(&[Section::Keys], plan, |tx, bumped, plan| Box::pin(carry_out(tx, bumped, plan)))
        .await?;
    // Another node may have held an application to the profile meanwhile.
    if is_signing && has_fapi_clients(&tenant.snapshot()) {
        super::provide_for_fapi(tenant).await?;
    }
    Ok(super::list(tenant, rotation.key_type))
}

/// Moves on what is due: a staged key signs once its grace period is over, a previous key goes once nothing needs it, and old keys
/// are rotated when the installation's policy says so. Several nodes may do it at once. Returns whether anything moved.
///
/// # Errors
/// When the database does not answer.
pub async fn advance(tenant: &Tenant) -> Result<bool> {
    let snapshot = tenant.snapshot();
    let now = tenant.now_ms();
    let mut moved = false;
    // One node may have held an application to the profile while another rotated to an algorithm outside of it.
    if has_fapi_clients(&snapshot) && !snapshot.keys.provides_for_fapi() {
        super::provide_for_fapi(tenant).await?;
        moved = true;
    }
    if snapshot.keys.all_records().any(|record| rules::is_due(record, now)) {
        let expires_at = now + longest_lifetime_ms(&snapshot);
        let lacks_fapi = has_fapi_clients(&snapshot) && snapshot.keys.fapi_records().is_empty();
        let fapi = if lacks_fapi { Some(new_key(tenant, FAPI).await?) } else { None };
        tenant
            .configure(
                &[Section::Keys],
                (now, expires_at, fapi),
                |tx, bumped, (now, expires_at, fapi)| {
                    Box::pin(promote_and_remove(tx, bumped, *now, *expires_at, fapi.as_ref()))
                },
            )
            .await?;
        moved = true;
    }
    for key_type in [KeyType::PrivateKeys, KeyType::CookieKeys] {
        let snapshot = tenant.snapshot();
        if !rules::is_old(snapshot.keys.records(key_type), tenant.key_policy(), now) {
            continue;
        }
        let algorithm = (key_type == KeyType::PrivateKeys).then(|| snapshot.keys.algorithm());
        match rotate_what_is_known(tenant, Rotation { key_type, grace: None, algorithm }).await {
            Ok(_) => moved = true,
            // Another node was quicker.
            Err(error) if error.code() == Some(IN_PROGRESS) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}

fn check(rotation: &Rotation) -> Result<()> {
    if rotation.grace.is_some_and(|grace| !(0..=LONGEST_GRACE).contains(&grace)) {
        return Err(Error::invalid_field(
            "rotationGracePeriod",
            "must be from 0 to 7776000 seconds",
        ));
    }
    let is_cookie = rotation.key_type == KeyType::CookieKeys;
    if is_cookie && rotation.algorithm.is_some() {
        return Err(Error::invalid_field("signingKeyAlgorithm", "is for private keys only"));
    }
    if is_cookie && rotation.grace.is_some_and(|grace| grace > 0) {
        return Err(Error::invalid_field("rotationGracePeriod", "is for private keys only"));
    }
    Ok(())
}

async fn plan(tenant: &Tenant, rotation: Rotation) -> Result<Plan> {
    let now = tenant.now_ms();
    let snapshot = tenant.snapshot();
    let records = snapshot.keys.records(rotation.key_type);
    let current = records
        .iter()
        .find(|record| record.status == KeyState::Current)
        .ok_or_else(|| Error::Internal("the tenant has no current key".to_owned()))?;
    let expires_at = now + longest_lifetime_ms(&snapshot);
    if rotation.key_type == KeyType::CookieKeys {
        let new = new_key(tenant, Purpose::Cookie).await?;
        let current = current.id.clone();
        let purpose = Purpose::Cookie;
        let entry = entry(tenant, &new);
        return Ok(Plan { current, purpose, new, expires_at, entry, fapi: None, rotation: None });
    }
    let grace_ms = rotation.grace.map_or(tenant.key_policy().grace_ms, |grace| grace * 1000);
    let purpose = Purpose::Signing(rotation.algorithm.unwrap_or(Algorithm::ES384));
    let stage = |key: SealedKey| SealedKey {
        effective_at: Some(now + grace_ms),
        state: if grace_ms > 0 { KeyState::Next } else { key.state },
        ..key
    };
    let new = stage(new_key(tenant, purpose).await?);
    let fapi = match snapshot.keys.fapi_records() {
        [] => None,
        _ => Some(stage(new_key(tenant, FAPI).await?)),
    };
    let entry = entry(tenant, &new);
    let for_refresh_tokens = new_key(tenant, Purpose::Rotation).await?;
    Ok(Plan {
        current: current.id.clone(),
        purpose,
        new,
        expires_at,
        entry,
        fapi,
        rotation: Some((for_refresh_tokens, now + ROTATION_KEY_RETENTION_MS)),
    })
}

/// Whoever may rotate keys could sign anything afterwards: that it was done is kept.
fn entry(tenant: &Tenant, new: &SealedKey) -> Entry {
    let purpose = match new.purpose {
        Purpose::Signing(algorithm) | Purpose::FapiSigning(algorithm) => algorithm.name(),
        Purpose::Cookie => "cookie",
        Purpose::Rotation => "refresh tokens",
    };
    Entry::new(tenant, "RotateKeys", Outcome::Success)
        .fact("keyId", new.id.as_str())
        .fact("purpose", purpose)
}

fn has_fapi_clients(snapshot: &Snapshot) -> bool {
    snapshot.applications.iter().any(|registered| registered.client.is_fapi2())
}

/// RSA keys take a while to find: not on a thread that serves requests.
pub(super) async fn new_key(tenant: &Tenant, purpose: Purpose) -> Result<SealedKey> {
    let handle = tenant.clone();
    let material = tokio::task::spawn_blocking(move || generate(purpose, handle.randomness()))
        .await
        .map_err(|_| Error::Internal("the generation of a key was cut off".to_owned()))??;
    let randomness = tenant.randomness();
    Ok(seal(tenant.id(), tenant.sealer(), randomness, purpose, &material, tenant.now_ms()))
}

/// The version of the section was moved first, so rotations of one tenant follow one another from here on.
async fn carry_out(tx: &mut Tx<'_>, bumped: &Bumped, plan: &Plan) -> Result<()> {
    let in_progress = || Error::refused(IN_PROGRESS);
    if plan.new.state == KeyState::Next {
        if store::has_next(tx).await? {
            return Err(in_progress());
        }
    } else {
        if !store::retire(tx, bumped, &plan.current, plan.expires_at).await? {
            return Err(in_progress());
        }
        // Whoever rotates at once does not trust what was there: a key that was staged must not replace the new one later. It has
        // signed nothing yet.
        store::discard_next(tx, bumped, plan.purpose).await?;
    }
    insert(tx, bumped, std::slice::from_ref(&plan.new)).await?;
    if let Some(new) = &plan.fapi {
        if new.state == KeyState::Current {
            store::retire_current(tx, bumped, new.purpose, plan.expires_at).await?;
            store::discard_next(tx, bumped, new.purpose).await?;
        }
        insert(tx, bumped, std::slice::from_ref(new)).await?;
    }
    if let Some((new, expires_at)) = &plan.rotation {
        store::retire_current(tx, bumped, Purpose::Rotation, *expires_at).await?;
        insert(tx, bumped, std::slice::from_ref(new)).await?;
    }
    tracing::info!(tenant = tx.tenant(), purpose = ?plan.purpose, key = plan.new.id, "keys rotated");
    audit::append(tx, &plan.entry).await
}

async fn promote_and_remove(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    now_ms: i64,
    expires_at: i64,
    fapi: Option<&SealedKey>,
) -> Result<()> {
    for (next, purpose) in store::next_due(tx, now_ms).await? {
        store::retire_current(tx, bumped, purpose, expires_at).await?;
        store::promote(tx, bumped, &next).await?;
        // It may have been staged before there were applications held to FAPI 2.0.
        let Purpose::Signing(algorithm) = purpose else { continue };
        if let Some(fapi) = fapi.filter(|_| !FAPI_ALGORITHMS.contains(&algorithm)) {
            store::insert_if_none_is_current(tx, bumped, fapi).await?;
        }
    }
    store::delete_expired(tx, bumped, now_ms).await
}

/// For so long after a key was retired something may still have to be verified with it: tokens until they expire, and ID tokens as
/// hints as long as the sessions they belong to (OpenID Connect RP-Initiated Logout §2). Cookies last as long as sessions.
fn longest_lifetime_ms(snapshot: &Snapshot) -> i64 {
    let access = snapshot.resources.iter().map(|entry| entry.resource.access_token_ttl);
    let id = snapshot.applications.iter().map(|registered| registered.client.id_token_ttl);
    let others = [crate::grants::ORGANIZATION_TOKEN_LIFETIME, snapshot.oidc_settings.session_ttl];
    access.chain(id).chain(others).max().unwrap_or_default() * 1000
}
