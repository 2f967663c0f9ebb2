use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trinco_oauth::ApplicationType;

use super::users::too_many;
use super::{Looked, MOST, Refused, body, insert, member, read, shown, take, touched};
use crate::declared::model::{Action, Change, With};
use crate::declared::names::{Names, organization_role_ids, sorted};
use crate::organization_template::Named;
use crate::organizations::declared::{self, Declared, Members};
use crate::organizations::{self, NewOrganization};
use crate::roles::RoleType;
use crate::{JsonObject, Page, Result, Tenant};

/// A member and the names of the roles it holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMember {
    id: String,
    #[serde(default)]
    roles: Vec<String>,
}

impl WrittenMember {
    fn new(id: String, roles: Vec<Named>) -> Self {
        Self { id, roles: sorted(roles.into_iter().map(|role| role.name).collect()) }
    }
}

pub(super) async fn gather(tenant: &Tenant, with: With) -> Result<BTreeMap<String, JsonObject>> {
    let listing = organizations::list(tenant, None, false, Page { offset: 0, limit: MOST }).await?;
    if listing.total > MOST {
        return Err(too_many("organizations", listing.total));
    }
    let mut found = BTreeMap::new();
    for summary in listing.rows {
        let organization = summary.organization;
        let id = organization.id.as_str();
        let mut members = shown(&organization, &["tenantId", "createdAt"])?;
        if with.users {
            let filter = organizations::users::Filter::default();
            let users = organizations::users::list(tenant, id, &filter, Page::ALL).await?.rows;
            let written = users
                .into_iter()
                .map(|one| WrittenMember::new(one.user.id, one.organization_roles));
            insert(&mut members, "users", &by_id(written.collect()))?;
        }
        let applications =
            organizations::applications::list(tenant, id, None, Page::ALL).await?.rows;
        let written = applications
            .into_iter()
            .map(|one| WrittenMember::new(one.application.id, one.organization_roles));
        insert(&mut members, "applications", &by_id(written.collect()))?;
        found.insert(id.to_owned(), members);
    }
    Ok(found)
}

fn by_id(mut members: Vec<WrittenMember>) -> Vec<WrittenMember> {
    members.sort_by(|one, other| one.id.cmp(&other.id));
    members
}

pub(super) fn check(looked: &Looked<'_>, mut next: JsonObject) -> Result<JsonObject, Refused> {
    let is_usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if looked.current.is_none() && (looked.key.len() > 64 || !looked.key.chars().all(is_usable)) {
        return Err(Refused::at("id", "must be up to 64 letters, digits, - and _"));
    }
    let users = take::<Vec<WrittenMember>>(&mut next, "users")?;
    let applications = take::<Vec<WrittenMember>>(&mut next, "applications")?;
    next.remove("id");
    let new: NewOrganization = read(&next)?;
    let organization = declared::draft(looked.tenant, looked.key, new);
    let mut members = shown(&organization, &["tenantId", "createdAt"])?;
    if let Some(users) = users {
        for (index, user) in users.iter().enumerate() {
            Names::check(&looked.names.users, &format!("users[{index}]"), "user", &user.id)?;
        }
        insert(&mut members, "users", &checked(looked, "users", users, RoleType::User)?)?;
    }
    if let Some(applications) = applications {
        for (index, one) in applications.iter().enumerate() {
            let path = format!("applications[{index}]");
            match looked.names.applications.get(&one.id) {
                Some(ApplicationType::MachineToMachine) => {}
                Some(_) => {
                    return Err(Refused::at(
                        &path,
                        "is no machine-to-machine application: others are no members",
                    ));
                }
                None => {
                    return Err(Refused::at(&path, format!("there is no application {}", one.id)));
                }
            }
        }
        let checked = checked(looked, "applications", applications, RoleType::MachineToMachine)?;
        insert(&mut members, "applications", &checked)?;
    }
    Ok(members)
}

fn checked(
    looked: &Looked<'_>,
    list: &str,
    members: Vec<WrittenMember>,
    holder: RoleType,
) -> Result<Vec<WrittenMember>, Refused> {
    let mut normal: BTreeMap<String, WrittenMember> = BTreeMap::new();
    for (index, one) in members.into_iter().enumerate() {
        let path = format!("{list}[{index}]");
        let roles = format!("{path}.roles");
        Names::check_roles(&looked.names.organization_roles, &roles, &one.roles, holder)?;
        let one = WrittenMember { roles: sorted(one.roles), ..one };
        if let Some(twice) = normal.insert(one.id.clone(), one) {
            return Err(Refused::at(&path, format!("{} is a member twice", twice.id)));
        }
    }
    Ok(normal.into_values().collect())
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let snapshot = tenant.snapshot();
    let mut next = change.next.clone();
    let mut members = |name: &str| -> Result<Option<Members>> {
        let written: Option<Vec<WrittenMember>> = member(&next, name)?;
        next.remove(name);
        let is_touched = change.touched.iter().any(|one| one == name);
        let ids = |one: WrittenMember| Ok((one.id, organization_role_ids(&snapshot, &one.roles)?));
        written.filter(|_| is_touched).map(|all| all.into_iter().map(ids).collect()).transpose()
    };
    let (users, applications) = (members("users")?, members("applications")?);
    next.remove("id");
    let is_new = change.action == Action::Create;
    let new = is_new.then(|| body(next)).transpose()?;
    let declared = Declared {
        id: change.key.clone(),
        new: new.map(|new| declared::draft(tenant, &change.key, new)),
        changes: body(touched(change, &["id", "users", "applications"]))?,
        users,
        applications,
    };
    declared::put(tenant, declared).await
}
