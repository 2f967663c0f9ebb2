//! Tenants: what a new one contains, and the check that its secrets can be opened.

mod store;

use trinco_db::{Db, TenantDb};

use crate::{
    Alphabet, Bumped, Error, MasterKey, Randomness, Result, Sealer, Section, configs, experience,
    keys, resources, roles,
};

/// The tenant applications sign in to.
pub const DEFAULT: &str = "default";
/// The tenant of the people who run the installation.
pub const ADMIN: &str = "admin";

/// Under this tenant id the installation keeps values of its own.
const INSTALLATION: &str = "-";

/// Creates the tenant with what the reference's fresh install contains, unless it exists: keys, the Management API as a resource,
/// the roles that may use it, and sign-in by user name and password.
pub(crate) async fn create_if_new(
    db: &TenantDb,
    sealer: &Sealer,
    randomness: &dyn Randomness,
    now_ms: i64,
) -> Result<()> {
    if store::exists(&mut db.read().await?).await? {
        return Ok(());
    }
    let keys = keys::generate_first(db.id(), sealer, randomness, now_ms)?;
    let role_id = Alphabet::Id.random(randomness, 21);
    db.write((keys, role_id, now_ms), |tx, (keys, role_id, now_ms)| {
        Box::pin(async move {
            // Another node may have been quicker.
            if !store::insert(tx, *now_ms).await? {
                return Ok(());
            }
            configs::bump(tx, &Section::ALL).await?;
            let bumped = Bumped::at_creation();
            let tenant = tx.tenant().to_owned();
            keys::insert(tx, &bumped, keys).await?;
            resources::management::seed(tx, &bumped, &tenant, *now_ms).await?;
            roles::seed(tx, &bumped, *now_ms, role_id).await?;
            experience::seed(tx, &bumped).await
        })
    })
    .await
}

/// The configs key of the installation that holds the fingerprint of its master key.
const FINGERPRINT: &str = "master_key_fingerprint";

/// The fingerprint of the master key that the database's secrets are sealed under; `None` before the first start. The database must
/// have the schema.
///
/// # Errors
/// When the database does not answer.
pub async fn sealed_under(db: &Db) -> Result<Option<String>> {
    configs::get(&mut db.tenant(INSTALLATION).read().await?, FINGERPRINT).await
}

/// Refuses to go on with another master key than the one the database's secrets were sealed under.
pub(crate) async fn check_master_key(db: &Db, master_key: &MasterKey) -> Result<()> {
    let fingerprint = master_key.fingerprint();
    let stored = db
        .tenant(INSTALLATION)
        .write(fingerprint.clone(), |tx, fingerprint| {
            Box::pin(configs::get_or_set(tx, FINGERPRINT, fingerprint))
        })
        .await?;
    if stored == fingerprint {
        return Ok(());
    }
    Err(Error::Internal(format!(
        "this database was sealed under the master key {stored}, and the key at hand is {fingerprint}; put the right key in place"
    )))
}
