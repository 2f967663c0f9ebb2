//! The permissions of the Management API: one for everything, one to read, and two for each area, so that a token can be limited.

use trinco_db::Tx;

use super::model::{Resource, ResourceScope};
use super::{DEFAULT_ACCESS_TOKEN_TTL, MANAGEMENT_API, rules, store};
use crate::{Bumped, Result, tenants};

/// The scope that allows everything.
pub const ALL: &str = "all";
/// The scope that allows to read everything but secrets.
pub const READ: &str = "read";

/// A part of the Management API that a token can be limited to: `read:<name>` sees it, `write:<name>` changes it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Applications, their secrets and what they may ask for.
    Applications,
    /// Keys, scripts and protocol settings.
    Configs,
    /// Webhooks.
    Hooks,
    /// What happened: the audit log and the dashboard. It is only read.
    Logs,
    /// Organizations, their members, roles and invitations.
    Organizations,
    /// API resources and roles.
    Roles,
    /// How people sign in: settings, connectors, texts.
    SignIn,
    /// Users and what belongs to them.
    Users,
}

impl Area {
    /// Every area.
    pub const EVERY: [Self; 8] = [
        Self::Applications,
        Self::Configs,
        Self::Hooks,
        Self::Logs,
        Self::Organizations,
        Self::Roles,
        Self::SignIn,
        Self::Users,
    ];

    /// What it is about.
    const fn about(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Configs => "keys, scripts and protocol settings",
            Self::Hooks => "webhooks",
            Self::Logs => "the audit log",
            Self::Organizations => "organizations",
            Self::Roles => "API resources and roles",
            Self::SignIn => "how people sign in",
            Self::Users => "users",
        }
    }

    /// The name in scopes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Configs => "configs",
            Self::Hooks => "hooks",
            Self::Logs => "logs",
            Self::Organizations => "organizations",
            Self::Roles => "roles",
            Self::SignIn => "sign-in",
            Self::Users => "users",
        }
    }
}

/// The scopes with their descriptions, [`ALL`] first.
pub fn scopes() -> Vec<(String, String)> {
    let mut scopes = vec![
        (ALL.to_owned(), "Everything the Management API can do".to_owned()),
        (READ.to_owned(), "See everything but secrets".to_owned()),
    ];
    for area in Area::EVERY {
        let (name, about) = (area.name(), area.about());
        scopes.push((format!("read:{name}"), format!("See {about}, without secrets")));
        if area != Area::Logs {
            scopes.push((format!("write:{name}"), format!("See and change {about}")));
        }
    }
    scopes
}

/// Creates the resource that stands for a new tenant's Management API. The admin tenant also gets those of the tenants its users
/// run: it issues tokens for them.
pub(crate) async fn seed(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    tenant_id: &str,
    now_ms: i64,
) -> Result<()> {
    let own = (MANAGEMENT_API.to_owned(), "Logto Management API".to_owned(), tenant_id);
    seed_one(tx, bumped, own, "m", now_ms).await?;
    if tenant_id != tenants::ADMIN {
        return Ok(());
    }
    let run = tenants::DEFAULT;
    let other = (format!("mapi-{run}"), format!("Logto Management API for tenant {run}"), run);
    seed_one(tx, bumped, other, "d", now_ms).await
}

/// The id of the scope of the resource with this id that allows everything.
pub(crate) fn all_of(resource_id: &str) -> String {
    format!("{resource_id}-{ALL}")
}

async fn seed_one(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    (id, name, of_tenant): (String, String, &str),
    prefix: &str,
    now_ms: i64,
) -> Result<()> {
    let resource = Resource {
        tenant_id: tx.tenant().to_owned(),
        id,
        name,
        indicator: rules::management_api_indicator(of_tenant),
        is_default: false,
        access_token_ttl: DEFAULT_ACCESS_TOKEN_TTL,
        created_at: now_ms,
    };
    store::insert(tx, bumped, &resource).await?;
    for (name, description) in scopes() {
        // Ids have 21 characters at most.
        let id = match name.as_str() {
            ALL => all_of(&resource.id),
            name => format!("{prefix}-{}", name.replace(':', "-")),
        };
        let scope = ResourceScope {
            tenant_id: resource.tenant_id.clone(),
            id,
            resource_id: resource.id.clone(),
            name,
            description: Some(description),
            created_at: now_ms,
        };
        store::insert_scope(tx, bumped, &scope).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_read_and_written_but_what_happened() {
        let names: Vec<String> = scopes().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 17);
        assert!(
            names.contains(&"read:logs".to_owned()) && !names.contains(&"write:logs".to_owned())
        );
        assert!(names.iter().all(|name| name.len() + 2 <= 21), "their ids fit");
    }
}
