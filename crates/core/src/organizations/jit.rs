//! Who becomes a member of an organization just in time, when signing up: by the domain of an e-mail address or through an enterprise's
//! identity provider, and with which roles.

use super::model::{EmailDomain, JitEmailDomain};
use super::{check_roles, found, gone, listed, store, unknown};
use crate::organization_template::OrganizationRole;
use crate::roles::{RoleType, difference, distinct};
use crate::{Listing, Page, Result, Tenant};

/// So many domains an organization may have.
const MOST_DOMAINS: usize = 1000;

/// Lists the domains, by name. An unknown organization has none.
///
/// # Errors
/// When the database does not answer.
pub async fn email_domains(
    tenant: &Tenant,
    organization_id: &str,
    page: Page,
) -> Result<Listing<JitEmailDomain>> {
    let domains = store::jit::domains(&mut tenant.read().await?, organization_id).await?;
    let of = |email_domain: String| JitEmailDomain {
        tenant_id: tenant.id().to_owned(),
        organization_id: organization_id.to_owned(),
        email_domain,
    };
    Ok(Listing::of(domains.into_iter().map(of), page))
}

/// Adds a domain.
///
/// # Errors
/// `entity.unique_integrity_violation` when it is there already; `entity.relation_foreign_key_not_found` when there is no such
/// organization; `guard.invalid_input` when there are too many.
pub async fn add_email_domain(
    tenant: &Tenant,
    organization_id: &str,
    domain: EmailDomain,
) -> Result<JitEmailDomain> {
    let added = JitEmailDomain {
        tenant_id: tenant.id().to_owned(),
        organization_id: organization_id.to_owned(),
        email_domain: domain.as_str().to_owned(),
    };
    tenant
        .write(added.clone(), |tx, added| {
            Box::pin(async move {
                let id = added.organization_id.as_str();
                if !store::take(tx, id).await? {
                    return Err(unknown());
                }
                if store::jit::domains(tx, id).await?.len() >= MOST_DOMAINS {
                    return Err(too_many("emailDomain"));
                }
                store::jit::insert_domain(tx, id, &added.email_domain).await.map_err(|error| {
                    error.if_taken(
                        "organization_jit_email_domains_organization_id_email_domain",
                        "entity.unique_integrity_violation",
                    )
                })
            })
        })
        .await?;
    Ok(added)
}

/// Makes these the domains in place of those there are.
///
/// # Errors
/// As [`add_email_domain`].
pub async fn replace_email_domains(
    tenant: &Tenant,
    organization_id: &str,
    domains: Vec<EmailDomain>,
) -> Result<()> {
    let domains = distinct(domains.into_iter().map(|domain| domain.as_str().to_owned()).collect());
    if domains.len() > MOST_DOMAINS {
        return Err(too_many("emailDomains"));
    }
    tenant
        .write((organization_id.to_owned(), domains), |tx, (organization_id, domains)| {
            Box::pin(async move {
                if !store::take(tx, organization_id).await? {
                    return Err(unknown());
                }
                let held = store::jit::domains(tx, organization_id).await?;
                let (add, remove) = difference(&held, domains);
                for domain in &remove {
                    store::jit::delete_domain(tx, organization_id, domain).await?;
                }
                for domain in &add {
                    store::jit::insert_domain(tx, organization_id, domain).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Removes a domain.
///
/// # Errors
/// `entity.not_found` when it is not there.
pub async fn remove_email_domain(
    tenant: &Tenant,
    organization_id: &str,
    domain: &str,
) -> Result<()> {
    let input = (organization_id.to_owned(), domain.to_lowercase());
    tenant
        .write(input, |tx, (organization_id, domain)| {
            Box::pin(
                async move { found(store::jit::delete_domain(tx, organization_id, domain).await?) },
            )
        })
        .await
}

/// Lists the roles that whoever joins gets, by name.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn roles(
    tenant: &Tenant,
    organization_id: &str,
    page: Page,
) -> Result<Listing<OrganizationRole>> {
    super::get(tenant, organization_id).await?;
    let ids = store::jit::roles(&mut tenant.read().await?, organization_id).await?;
    Ok(listed(&tenant.snapshot(), &ids, page))
}

/// Adds roles that whoever joins gets; with `replace`, in place of those there are.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when the organization or a role does not exist; `entity.db_constraint_violated` for a role
/// that users cannot hold.
pub async fn set_roles(
    tenant: &Tenant,
    organization_id: &str,
    role_ids: Vec<String>,
    replace: bool,
) -> Result<()> {
    let role_ids = distinct(role_ids);
    check_roles(tenant, &role_ids, RoleType::User).await?;
    let input = (organization_id.to_owned(), role_ids, replace);
    tenant
        .write(input, |tx, (organization_id, role_ids, replace)| {
            Box::pin(async move {
                if !store::take(tx, organization_id).await? {
                    return Err(unknown());
                }
                let held = store::jit::roles(tx, organization_id).await?;
                let (add, remove) = difference(&held, role_ids);
                if *replace {
                    for id in &remove {
                        store::jit::delete_role(tx, organization_id, id).await?;
                    }
                }
                for id in &add {
                    store::jit::insert_role(tx, organization_id, id).await.map_err(gone)?;
                }
                Ok(())
            })
        })
        .await
}

/// Removes a role.
///
/// # Errors
/// `entity.not_found` when it is none of them.
pub async fn remove_role(tenant: &Tenant, organization_id: &str, role_id: &str) -> Result<()> {
    tenant
        .write(
            (organization_id.to_owned(), role_id.to_owned()),
            |tx, (organization_id, role_id)| {
                Box::pin(async move {
                    found(store::jit::delete_role(tx, organization_id, role_id).await?)
                })
            },
        )
        .await
}

/// The ids of the enterprise identity providers whose people become members.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn sso_connector_ids(tenant: &Tenant, organization_id: &str) -> Result<Vec<String>> {
    super::get(tenant, organization_id).await?;
    store::jit::connectors(&mut tenant.read().await?, organization_id).await
}

/// Adds identity providers; with `replace`, in place of those there are. That they exist is the caller's to check.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when there is no such organization.
pub async fn set_sso_connectors(
    tenant: &Tenant,
    organization_id: &str,
    connector_ids: Vec<String>,
    replace: bool,
) -> Result<()> {
    let input = (organization_id.to_owned(), distinct(connector_ids), replace);
    tenant
        .write(input, |tx, (organization_id, connector_ids, replace)| {
            Box::pin(async move {
                if !store::take(tx, organization_id).await? {
                    return Err(unknown());
                }
                let held = store::jit::connectors(tx, organization_id).await?;
                let (add, remove) = difference(&held, connector_ids);
                if *replace {
                    for id in &remove {
                        store::jit::delete_connector(tx, organization_id, id).await?;
                    }
                }
                for id in &add {
                    store::jit::insert_connector(tx, organization_id, id).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Removes an identity provider.
///
/// # Errors
/// `entity.not_found` when it is none of them.
pub async fn remove_sso_connector(
    tenant: &Tenant,
    organization_id: &str,
    connector_id: &str,
) -> Result<()> {
    let input = (organization_id.to_owned(), connector_id.to_owned());
    tenant
        .write(input, |tx, (organization_id, connector_id)| {
            Box::pin(async move {
                found(store::jit::delete_connector(tx, organization_id, connector_id).await?)
            })
        })
        .await
}

fn too_many(field: &str) -> crate::Error {
    let rule = format!("an organization has at most {MOST_DOMAINS} domains");
    crate::Error::invalid_field(field, &rule)
}
