//! Own domains: further names under which a tenant is reached.
//!
//! Whoever runs a server points a name at it and gets a certificate in the proxy in front, as for any web site. What Trinco adds is the
//! record to enter, and looking whether the name leads here: it asks the name for a value that only this installation answers with.
//! A domain stands for its own verification files alone by now: issuers and absolute URLs come from the configured endpoint.

mod check;
mod model;
mod store;

use std::net::IpAddr;

use trinco_db::Conn;
use url::{Host, Url};

pub use model::{
    Cleanup, DnsRecord, Domain, DomainName, DomainStatus, FilePath, FileType, VerificationFile,
    VerificationFiles,
};

pub use check::Lookout;

use check::Finding;
use store::StoredDomain;

use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Tenant, tenants};

/// Below it a domain is asked for its challenge.
pub const CHALLENGES: &str = "/.well-known/trinco-domain";
/// Domains of a tenant.
const MOST: i64 = 10;
const DAY_MS: f64 = 86_400_000.0;

/// The tenant's domains, the oldest first, as they were last found.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant) -> Result<Vec<Domain>> {
    let stored = store::all(&mut tenant.read().await?).await?;
    Ok(stored.into_iter().map(|domain| shown(tenant, domain)).collect())
}

/// A domain, looked at anew.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<Domain> {
    let mut domain = find(&mut tenant.read().await?, id).await?;
    let Some(lookout) = tenant.lookout() else { return Ok(shown(tenant, domain)) };
    let Finding { status, problem } =
        check::look(lookout, &domain.domain, &domain.id, &domain.challenge).await;
    if (domain.status, &domain.error_message) != (status, &problem) {
        let input = (domain.id.clone(), status, problem.clone(), tenant.now_ms());
        tenant
            .write(input, |tx, (id, status, problem, now)| {
                Box::pin(store::note(tx, id, *status, problem.as_deref(), *now))
            })
            .await?;
        domain.status = status;
        domain.error_message = problem;
    }
    Ok(shown(tenant, domain))
}

/// Adds a domain.
///
/// # Errors
/// `guard.not_allowed_for_admin_tenant`; `domain.domain_is_not_allowed` when it is the server's own name already;
/// `domain.hostname_already_exists`; `domain.exceed_domain_limit`.
pub async fn create(tenant: &Tenant, name: DomainName) -> Result<Domain> {
    if tenant.id() == tenants::ADMIN {
        return Err(Error::refused("guard.not_allowed_for_admin_tenant"));
    }
    let domain = name.as_str().to_owned();
    if host(tenant).is_some_and(|host| host.to_string() == domain) {
        return Err(Error::refused_with("domain.domain_is_not_allowed", &[("domain", &domain)]));
    }
    let now = tenant.now_ms();
    let stored = StoredDomain {
        id: tenant.new_id(),
        domain,
        status: DomainStatus::PendingVerification,
        error_message: None,
        challenge: tenant.new_token(),
        created_at: now,
        updated_at: now,
    };
    let entry = Entry::new(tenant, "Domain.Create", Outcome::Success)
        .fact("domain", stored.domain.as_str());
    tenant
        .write((stored.clone(), entry), |tx, (stored, entry)| {
            Box::pin(async move {
                let inserted = store::insert(tx, stored, MOST).await.map_err(|error| {
                    let code = "domain.hostname_already_exists";
                    match error.if_taken("domains_domain", code) {
                        taken if taken.code() == Some(code) => {
                            Error::refused_with(code, &[("domain", &stored.domain)])
                        }
                        other => other,
                    }
                })?;
                if !inserted {
                    return Err(Error::refused("domain.exceed_domain_limit"));
                }
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(shown(tenant, stored))
}

/// Deletes a domain.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    let entry = Entry::new(tenant, "Domain.Delete", Outcome::Success).fact("domainId", id);
    tenant
        .write((id.to_owned(), entry), |tx, (id, entry)| {
            Box::pin(async move {
                if !store::delete(tx, id).await? {
                    return Err(Error::not_found("domains", id));
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

/// Deletes the domains that have not led here for so many days, by what was found when they were last looked at.
///
/// # Errors
/// When the database does not answer.
pub async fn clean_up(tenant: &Tenant, stale_days: f64) -> Result<Cleanup> {
    let domains = store::all(&mut tenant.read().await?).await?;
    let before = tenant.now_ms() - (stale_days * DAY_MS) as i64;
    let mut cleanup = Cleanup { scanned_count: domains.len() as u64, ..Cleanup::default() };
    for domain in domains {
        if domain.status == DomainStatus::Active {
            cleanup.skipped_active_count += 1;
            continue;
        }
        if domain.updated_at > before {
            continue;
        }
        let deleted =
            tenant.write(domain.id.clone(), |tx, id| Box::pin(store::delete_stale(tx, id))).await;
        match deleted {
            Ok(true) => cleanup.deleted_count += 1,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(tenant = tenant.id(), %error, "a domain could not be deleted");
                cleanup.failed_count += 1;
            }
        }
    }
    Ok(cleanup)
}

/// The verification files of a domain.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn files(tenant: &Tenant, id: &str) -> Result<VerificationFiles> {
    let found = store::files(&mut tenant.read().await?, id).await?;
    found.ok_or_else(|| Error::not_found("domains", id))
}

/// Replaces the verification files of a domain.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn set_files(
    tenant: &Tenant,
    id: &str,
    files: VerificationFiles,
) -> Result<VerificationFiles> {
    tenant
        .write((id.to_owned(), files), |tx, (id, files)| {
            Box::pin(async move {
                if !store::set_files(tx, id, files).await? {
                    return Err(Error::not_found("domains", id));
                }
                Ok(files.clone())
            })
        })
        .await
}

/// The verification file that is served at a path under a host name.
///
/// # Errors
/// When the database does not answer.
pub async fn file_at(tenant: &Tenant, host: &str, path: &str) -> Result<Option<VerificationFile>> {
    // Most requests that come here are for nothing there is: a path that no file can have costs no look into the database.
    if FilePath::try_from(path.to_owned()).is_err() {
        return Ok(None);
    }
    let Ok(name) = DomainName::try_from(without_port(host).to_owned()) else { return Ok(None) };
    let files = store::files_of(&mut tenant.read().await?, name.as_str()).await?;
    let files = files.map(|VerificationFiles(files)| files).unwrap_or_default();
    Ok(files.into_iter().find(|file| file.path.as_str() == path))
}

/// What this installation answers when the domain with this id is asked under its own name.
///
/// # Errors
/// When the database does not answer.
pub async fn challenge(tenant: &Tenant, host: &str, id: &str) -> Result<Option<String>> {
    let found = store::find(&mut tenant.read().await?, id).await?;
    Ok(found
        .filter(|domain| domain.domain.eq_ignore_ascii_case(without_port(host)))
        .map(|domain| domain.challenge))
}

async fn find(conn: &mut Conn<'_>, id: &str) -> Result<StoredDomain> {
    store::find(conn, id).await?.ok_or_else(|| Error::not_found("domains", id))
}

/// Where the tenant is reached by configuration.
fn host(tenant: &Tenant) -> Option<Host<String>> {
    Url::parse(tenant.origin().base()).ok()?.host().map(|host| host.to_owned())
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// A domain as the API shows it: with the record that makes it lead to where the tenant is reached by configuration.
fn shown(tenant: &Tenant, domain: StoredDomain) -> Domain {
    let record = |kind, value: String| DnsRecord { kind, name: domain.domain.clone(), value };
    let dns_records = match host(tenant) {
        Some(Host::Domain(name)) => vec![record("CNAME", name)],
        Some(Host::Ipv4(address)) => vec![record("A", IpAddr::from(address).to_string())],
        Some(Host::Ipv6(address)) => vec![record("AAAA", IpAddr::from(address).to_string())],
        None => Vec::new(),
    };
    Domain {
        id: domain.id,
        status: domain.status,
        error_message: domain.error_message,
        dns_records,
        created_at: domain.created_at,
        domain: domain.domain,
    }
}
