//! The handle every use case works through: one tenant of one installation.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use trinco_connectors::outbound::Outbound;
use trinco_db::{Conn, Db, TenantDb, Tx};

use crate::assets::Storage;
use crate::audit::Counts;
use crate::clients::Documents;
use crate::domains::Lookout;
use crate::passwords::Passwords;
use crate::token_customizers::{AllowedOrigin, Scripts};
use crate::{
    Alphabet, Clock, Error, MasterKey, Occasion, Randomness, Result, Sealer, Section, Snapshot,
    configs, keys, tenants,
};

/// Where a tenant is reached from outside. Issuers and absolute URLs are made from this, never from a request's Host header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    base: String,
}

impl Origin {
    /// `base` is an absolute http(s) URL without a trailing slash, such as `https://id.example.com`.
    pub fn new(base: impl Into<String>) -> Self {
        let mut base = base.into();
        base.truncate(base.trim_end_matches('/').len());
        Self { base }
    }

    /// The URL without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The issuer identifier (OpenID Connect Discovery §3).
    pub fn issuer(&self) -> String {
        format!("{}/oidc", self.base)
    }

    /// Whether cookies can be marked `Secure`.
    pub fn is_https(&self) -> bool {
        self.base.starts_with("https:")
    }

    /// The path below which the tenant is mounted: empty, or such as `/admin`.
    pub fn path(&self) -> &str {
        let after_scheme = self.base.find("://").map_or(0, |at| at + 3);
        self.base[after_scheme..].find('/').map_or("", |at| &self.base[after_scheme + at..])
    }
}

struct Shared {
    db: Db,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    sealer: Sealer,
    passwords: Passwords,
    key_policy: OnceLock<keys::Policy>,
    scripts: Scripts,
    document_outbound: OnceLock<Outbound>,
    outbound: OnceLock<Outbound>,
    storage: OnceLock<Storage>,
    lookout: OnceLock<Lookout>,
    audit_counts: Arc<Counts>,
}

/// One server's tenants and what they share: the database, the clock, randomness and the keys that seal secrets.
pub struct Installation {
    shared: Arc<Shared>,
    tenants: BTreeMap<String, Tenant>,
}

impl Installation {
    /// Opens an installation: migrates the database, checks that the master key is the one its secrets were sealed under, creates
    /// the tenants `default` and `admin` on first start and reads their configuration.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated, or the master key is another one.
    pub async fn open(
        db: Db,
        master_key: &MasterKey,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        origin: &Origin,
        admin_origin: &Origin,
    ) -> Result<Self> {
        db.migrate(crate::MIGRATIONS, clock.now_ms()).await?;
        tenants::check_master_key(&db, master_key).await?;
        let shared = Arc::new(Shared {
            db,
            clock,
            randomness,
            sealer: Sealer::new(master_key),
            passwords: Passwords::default(),
            key_policy: OnceLock::new(),
            scripts: Scripts::default(),
            document_outbound: OnceLock::new(),
            outbound: OnceLock::new(),
            storage: OnceLock::new(),
            lookout: OnceLock::new(),
            audit_counts: Arc::default(),
        });
        let mut open = BTreeMap::new();
        for (id, origin) in [(tenants::DEFAULT, origin), (tenants::ADMIN, admin_origin)] {
            open.insert(id.to_owned(), Tenant::open(&shared, id, origin.clone()).await?);
        }
        Ok(Self { shared, tenants: open })
    }

    /// Sets how keys are rotated here; without it, [`keys::Policy::default`]. Only the first call counts.
    pub fn set_key_policy(&self, policy: keys::Policy) {
        let _ = self.shared.key_policy.set(policy);
    }

    /// Lets scripts of tenants fetch from these origins, by way of `outbound`; without it, from nowhere. Only the first call counts.
    pub fn set_script_fetch(&self, origins: Vec<AllowedOrigin>, outbound: Outbound) {
        self.shared.scripts.allow_fetch(origins, outbound);
    }

    /// Sets how the documents of clients are fetched; without it, none is. Strangers say from where, so what it may reach is not what
    /// other requests may. Only the first call counts.
    pub fn set_document_outbound(&self, outbound: Outbound) {
        let _ = self.shared.document_outbound.set(outbound);
    }

    /// Sets how the services that administrators have named are reached; without it, none is. Only the first call counts.
    pub fn set_outbound(&self, outbound: Outbound) {
        let _ = self.shared.outbound.set(outbound);
    }

    /// Sets where files are kept; without it, nothing can be uploaded. Only the first call counts.
    pub fn set_storage(&self, storage: Storage) {
        let _ = self.shared.storage.set(storage);
    }

    /// Sets how own domains are looked at; without it, they stay as they are. Only the first call counts.
    pub fn set_lookout(&self, lookout: Lookout) {
        let _ = self.shared.lookout.set(lookout);
    }

    /// The tenant with this id.
    pub fn tenant(&self, id: &str) -> Option<&Tenant> {
        self.tenants.get(id)
    }

    /// The tenant applications sign in to unless another is named.
    pub fn default_tenant(&self) -> &Tenant {
        &self.tenants[tenants::DEFAULT]
    }

    /// The tenant of the people who run the installation.
    pub fn admin_tenant(&self) -> &Tenant {
        &self.tenants[tenants::ADMIN]
    }

    /// Every tenant.
    pub fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.values()
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.shared.db
    }

    /// How often each event of the audit log has happened, in every tenant together.
    pub fn audit_counts(&self) -> &Counts {
        &self.shared.audit_counts
    }

    /// Hashes and verifies passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.shared.passwords
    }
}

/// Shows that the transaction at hand has moved the version of a snapshot section. Statements that write snapshot tables ask for
/// it, so that forgetting is a type error.
#[derive(Debug)]
pub struct Bumped(());

/// One tenant. Cheap to clone.
#[derive(Clone)]
pub struct Tenant(Arc<Inner>, Arc<Occasion>);

struct Inner {
    shared: Arc<Shared>,
    db: TenantDb,
    origin: Origin,
    issuer: String,
    snapshot: ArcSwap<Snapshot>,
    documents: Documents,
    refreshing: Mutex<()>,
}

impl Tenant {
    async fn open(shared: &Arc<Shared>, id: &str, origin: Origin) -> Result<Self> {
        let db = shared.db.tenant(id);
        tenants::create_if_new(
            &db,
            &shared.sealer,
            shared.randomness.as_ref(),
            shared.clock.now_ms(),
        )
        .await?;
        let snapshot = Snapshot::load(&db, &shared.sealer).await?;
        let inner = Inner {
            shared: Arc::clone(shared),
            db,
            issuer: origin.issuer(),
            origin,
            snapshot: ArcSwap::from_pointee(snapshot),
            documents: Documents::default(),
            refreshing: Mutex::new(()),
        };
        Ok(Self(Arc::new(inner), Arc::default()))
    }

    /// The same tenant, called on this occasion.
    #[must_use]
    pub fn on(&self, occasion: Occasion) -> Self {
        Self(Arc::clone(&self.0), Arc::new(occasion))
    }

    /// Who asks for what is done at the moment.
    pub fn occasion(&self) -> &Occasion {
        &self.1
    }

    /// The tenant's id.
    pub fn id(&self) -> &str {
        self.0.db.id()
    }

    /// Where the tenant is reached.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.0.shared.clock.now_ms()
    }

    /// Milliseconds since some moment in the past, however the clock is set meanwhile.
    pub(crate) fn monotonic_ms(&self) -> i64 {
        self.0.shared.clock.monotonic_ms()
    }

    /// Seconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// The source of randomness.
    pub fn randomness(&self) -> &dyn Randomness {
        self.0.shared.randomness.as_ref()
    }

    /// A new id of 21 characters.
    pub fn new_id(&self) -> String {
        Alphabet::Id.random(self.randomness(), 21)
    }

    /// A new token, code or cookie value of 43 characters (256 bits).
    pub fn new_token(&self) -> String {
        Alphabet::Token.random(self.randomness(), 43)
    }

    /// Seals and opens secrets at rest.
    pub fn sealer(&self) -> &Sealer {
        &self.0.shared.sealer
    }

    /// Hashes and verifies passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.0.shared.passwords
    }

    /// Counts what is appended to the audit log.
    pub(crate) fn audit_counts(&self) -> &Arc<Counts> {
        &self.0.shared.audit_counts
    }

    /// How keys are rotated.
    pub fn key_policy(&self) -> keys::Policy {
        self.0.shared.key_policy.get().copied().unwrap_or_default()
    }

    /// Runs scripts.
    pub(crate) fn scripts(&self) -> &Scripts {
        &self.0.shared.scripts
    }

    /// How the documents of clients are fetched, if they are.
    pub(crate) fn document_outbound(&self) -> Option<&Outbound> {
        self.0.shared.document_outbound.get()
    }

    /// How the services that administrators have named are reached.
    ///
    /// # Errors
    /// [`Error::Internal`] where nothing is reached, as on the command line.
    pub(crate) fn outbound(&self) -> Result<&Outbound> {
        self.0.shared.outbound.get().ok_or_else(|| {
            Error::Internal("requests to other services are not set up here".to_owned())
        })
    }

    /// Where files are kept, if anywhere.
    pub(crate) fn storage(&self) -> Option<&Storage> {
        self.0.shared.storage.get()
    }

    /// How own domains are looked at, if they are.
    pub(crate) fn lookout(&self) -> Option<&Lookout> {
        self.0.shared.lookout.get()
    }

    /// The client metadata documents that were fetched.
    pub(crate) fn documents(&self) -> &Documents {
        &self.0.documents
    }

    /// The configuration as of now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// A connection for point reads.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(&self) -> Result<Conn<'_>> {
        Ok(self.0.db.read().await?)
    }

    /// Runs `run` in one transaction. It may be run again when the database asks for it, and must do nothing but SQL.
    ///
    /// # Errors
    /// What `run` answers, or what the database does. Nothing is kept then.
    pub async fn write<I, T, F>(&self, input: I, run: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'_>, &'t I) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.0.db.write(input, run).await
    }

    /// Runs a long read apart from the point reads.
    ///
    /// # Errors
    /// What `run` answers, or what the database does.
    pub async fn scan<I, T, F>(&self, input: I, run: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Conn<'_>, &'t I) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.0.db.scan(input, run).await
    }

    /// Changes configuration: as [`Tenant::write`], and moves the version of `sections` in the same transaction. When this
    /// returns, this node serves the new configuration; other nodes follow within a second. When the database goes away right after
    /// the commit, this node is one of the others: what was kept is never told to have failed.
    ///
    /// # Errors
    /// As [`Tenant::write`].
    pub async fn configure<I, T, F>(
        &self,
        sections: &'static [Section],
        input: I,
        run: F,
    ) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'_>, &'t Bumped, &'t I) -> BoxFuture<'t, Result<T>>
            + Send
            + Sync
            + 'static,
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        let result = self
            .write((input, run), move |tx, (input, run)| {
                Box::pin(async move {
                    configs::bump(tx, sections).await?;
                    run(tx, &Bumped(()), input).await
                })
            })
            .await?;
        if let Err(error) = self.refresh().await {
            tracing::warn!(tenant = self.id(), %error, "a change was kept and is not served here yet");
        }
        Ok(result)
    }

    /// Reads the sections of the configuration that have changed since they were last read. Returns whether any had.
    ///
    /// # Errors
    /// When the database does not answer; the configuration then stays as it was.
    pub async fn refresh(&self) -> Result<bool> {
        let _one_at_a_time = self.0.refreshing.lock().await;
        let current = self.snapshot();
        match current.refreshed(&self.0.db, self.sealer()).await? {
            Some(next) => {
                self.0.snapshot.store(Arc::new(next));
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// What `find` finds in the configuration; when it finds nothing, looks once more after a [`Tenant::refresh`]: another node
    /// may have just added it.
    ///
    /// # Errors
    /// As [`Tenant::refresh`].
    pub async fn find<T>(&self, find: impl Fn(&Snapshot) -> Option<T>) -> Result<Option<T>> {
        if let Some(found) = find(&self.snapshot()) {
            return Ok(Some(found));
        }
        // Whether this call found a change says nothing: a parallel one may have read it while this one waited.
        self.refresh().await?;
        Ok(find(&self.snapshot()))
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tenant({})", self.id())
    }
}

impl Bumped {
    /// For the transaction that creates a tenant: no snapshot of it exists yet.
    pub(crate) const fn at_creation() -> Self {
        Self(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_knows_its_path() {
        assert_eq!(Origin::new("https://id.example.com/").path(), "");
        assert_eq!(Origin::new("https://id.example.com/admin").path(), "/admin");
        assert_eq!(
            Origin::new("https://id.example.com/admin").issuer(),
            "https://id.example.com/admin/oidc"
        );
    }
}
