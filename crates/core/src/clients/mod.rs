//! Clients: who may act in the protocol. Most are applications that were registered here; others, when the tenant allows it, are known
//! by a document that they publish at the URL that is their `client_id` (Client ID Metadata Documents).
//!
//! Every door of the protocol looks a client up by [`find`], and learns by [`standing`] what bounds it.

mod documents;
mod model;
pub mod settings;

use std::borrow::Cow;
use std::sync::Arc;

use trinco_oauth::client::Provenance;
use trinco_oauth::registration::document;

pub(crate) use documents::Documents;
pub use model::{DocumentChanges, DocumentSettings};

use crate::applications::{self, RegisteredClient};
use crate::consents::ConsentScopes;
use crate::{Result, Snapshot, Tenant};

/// The client with this id, if there is one.
///
/// # Errors
/// `invalid_client_metadata` or `invalid_client`, with a description for the client's developer, when it is the URL of a document that
/// cannot be used or had; `temporarily_unavailable` when too many documents are asked for at once.
pub async fn find(tenant: &Tenant, client_id: &str) -> Result<Option<Arc<RegisteredClient>>> {
    if !document::is_url(client_id) {
        return applications::find(tenant, client_id).await;
    }
    // Another node may have just switched it on.
    let enabled = |snapshot: &Snapshot| snapshot.oidc_settings.documents.enabled.then_some(());
    match tenant.find(enabled).await? {
        Some(()) => documents::find(tenant, client_id).await.map(Some),
        None => Ok(None),
    }
}

/// How many clients known by a document are remembered.
///
/// # Errors
/// When the database does not answer.
pub async fn seen(tenant: &Tenant) -> Result<i64> {
    applications::count_described(tenant).await
}

/// Forgets up to `batch` clients known by a document that were only seen; returns how many.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_unused(tenant: &Tenant, batch: u32) -> Result<u64> {
    applications::forget_unused(tenant, batch).await
}

/// What bounds a client.
#[derive(Clone, Debug)]
pub enum Standing<'a> {
    /// There is no such client, or no longer.
    Unknown,
    /// It belongs to whoever runs this server.
    FirstParty,
    /// It belongs to someone else, and may ask users for this much.
    ThirdParty(Cow<'a, ConsentScopes>),
}

/// What bounds a client by the configuration as it is now, whatever its document says.
pub fn standing<'a>(snapshot: &'a Snapshot, client_id: &str) -> Standing<'a> {
    let settings = &snapshot.oidc_settings;
    if document::is_url(client_id) {
        return if settings.documents.enabled {
            Standing::ThirdParty(Cow::Borrowed(&settings.documents.consent_scopes))
        } else {
            Standing::Unknown
        };
    }
    match snapshot.applications.get(client_id) {
        None => Standing::Unknown,
        Some(registered) if !registered.client.is_third_party => Standing::FirstParty,
        // The policy bounds those that registered themselves for as long as they are here.
        Some(registered) if registered.client.provenance == Provenance::Registration => {
            let allowed = &settings.registration.consent_scopes;
            Standing::ThirdParty(Cow::Owned(registered.consent_scopes.intersection(allowed)))
        }
        Some(registered) => Standing::ThirdParty(Cow::Borrowed(&registered.consent_scopes)),
    }
}

/// Whether nobody here has looked at the client: it registered itself, or is known by a document it publishes.
pub fn is_stranger(snapshot: &Snapshot, client_id: &str) -> bool {
    let is_registered_by_itself = || {
        let registered = snapshot.applications.get(client_id);
        registered.is_some_and(|known| known.client.provenance == Provenance::Registration)
    };
    document::is_url(client_id) || is_registered_by_itself()
}
