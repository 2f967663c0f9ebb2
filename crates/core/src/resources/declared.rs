//! Resources as a file declares them: what they are and whether they are the default, in one transaction.

use super::model::{NewResource, Resource, ResourceChanges};
use super::{find, indicator_taken, prepare, rules, store};
use crate::{Bumped, Result, Section, Tenant};
use trinco_db::Tx;

/// What a resource is to be.
pub(crate) enum Declared {
    /// There is none yet.
    New(NewResource),
    /// The one with this id changes.
    Change(String, ResourceChanges),
}

/// Makes a resource what it is to be; with `is_default`, also the tenant's only default one, or no longer that.
///
/// # Errors
/// As [`super::create`], [`super::update`] and [`super::set_default`].
pub(crate) async fn put(
    tenant: &Tenant,
    declared: Declared,
    is_default: Option<bool>,
) -> Result<()> {
    match declared {
        Declared::New(new) => {
            let resource = prepare(tenant, new)?;
            tenant
                .configure(
                    &[Section::Resources],
                    (resource, is_default),
                    |tx, bumped, (resource, is_default)| {
                        Box::pin(async move {
                            store::insert(tx, bumped, resource).await.map_err(indicator_taken)?;
                            become_default(tx, bumped, resource, *is_default).await
                        })
                    },
                )
                .await
        }
        Declared::Change(id, changes) => {
            let input = (id, changes, is_default);
            tenant
                .configure(&[Section::Resources], input, |tx, bumped, (id, changes, is_default)| {
                    Box::pin(async move {
                        let mut resource = find(tx, id).await?;
                        rules::apply(changes, &mut resource)?;
                        store::update(tx, bumped, &resource).await?;
                        become_default(tx, bumped, &resource, *is_default).await
                    })
                })
                .await
        }
    }
}

async fn become_default(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    resource: &Resource,
    is_default: Option<bool>,
) -> Result<()> {
    match is_default {
        Some(true) => store::set_default(tx, bumped, &resource.id).await,
        Some(false) => store::unset_default(tx, bumped, &resource.id).await,
        None => Ok(()),
    }
}
