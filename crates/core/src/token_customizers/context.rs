//! What a script learns of those whom a token is about.

use serde_json::{Value, json};
use trinco_oauth::client::GrantType;

use crate::authorization::Subject;
use crate::{
    JsonObject, Result, Snapshot, Tenant, clients, mfa_verifications, organizations, sso_identities,
};

/// Those whom a token is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties<'a> {
    /// Whom the token is issued to.
    pub(crate) client_id: &'a str,
    /// Whose token it is; a machine's has none.
    pub(crate) subject: Option<&'a Subject>,
    /// In whose name it is.
    pub(crate) organization_id: Option<&'a str>,
    /// What came with the subject token that was exchanged for it.
    pub(crate) subject_token_context: Option<&'a JsonObject>,
}

/// The `context` of a script.
pub(super) async fn of(
    tenant: &Tenant,
    snapshot: &Snapshot,
    parties: &Parties<'_>,
) -> Result<JsonObject> {
    let mut context = JsonObject::new();
    if let Some(subject) = parties.subject {
        let mut conn = tenant.read().await?;
        let id = subject.user.id.as_str();
        let identities = sso_identities::of_user(&mut conn, id).await?;
        let factors = mfa_verifications::of_user(&mut conn, id).await?;
        drop(conn);
        let mut user = user(snapshot, subject)?;
        user["ssoIdentities"] = serde_json::to_value(identities)?;
        user["mfaVerificationFactors"] = factors
            .into_iter()
            .map(|one| serde_json::to_value(one.factor))
            .collect::<Result<_, _>>()?;
        context.insert("user".to_owned(), user);
    }
    if let Some(registered) = clients::find(tenant, parties.client_id).await? {
        context.insert("application".to_owned(), serde_json::to_value(&registered.application)?);
    }
    if let Some(id) = parties.organization_id {
        let organization = organizations::get(tenant, id).await?;
        let shown = json!({
            "id": organization.id,
            "name": organization.name,
            "description": organization.description,
            "customData": organization.custom_data,
        });
        context.insert("organization".to_owned(), shown);
    }
    if let Some(given) = parties.subject_token_context {
        let grant =
            json!({ "type": GrantType::TokenExchange.as_str(), "subjectTokenContext": given });
        context.insert("grant".to_owned(), grant);
    }
    Ok(context)
}

/// The user as the Management API shows it, with roles and organizations.
pub(crate) fn user(snapshot: &Snapshot, subject: &Subject) -> Result<Value> {
    let mut user = serde_json::to_value(&subject.user)?;
    let roles = subject.role_ids.iter().filter_map(|id| snapshot.roles.get(id)).map(|role| {
        let scopes = snapshot.roles.scope_ids(&role.id).filter_map(|id| scope(snapshot, id));
        json!({
            "id": role.id,
            "name": role.name,
            "description": role.description,
            "scopes": scopes.collect::<Vec<_>>(),
        })
    });
    let organizations = subject.memberships.iter().map(|membership| {
        json!({
            "id": membership.id,
            "name": membership.name,
            "description": membership.description,
        })
    });
    let organization_roles = subject.memberships.iter().flat_map(|membership| {
        let roles =
            membership.role_ids.iter().filter_map(|id| snapshot.organization_template.role(id));
        roles.map(|role| {
            json!({
                "organizationId": membership.id, "roleId": role.id, "roleName": role.name,
            })
        })
    });
    user["roles"] = roles.collect();
    user["organizations"] = organizations.collect();
    user["organizationRoles"] = organization_roles.collect();
    Ok(user)
}

fn scope(snapshot: &Snapshot, id: &str) -> Option<Value> {
    let (resource, scope) = snapshot.resources.scope(id)?;
    Some(json!({
        "id": scope.id,
        "name": scope.name,
        "description": scope.description,
        "resourceId": scope.resource_id,
        "resource": resource,
    }))
}
