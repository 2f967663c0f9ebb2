use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trinco_oauth::ApplicationType;
use trinco_oauth::client::Provenance;

use super::{Looked, Refused, body, check_same, insert, member, read, shown, take, touched};
use crate::application_experience::{
    self, ApplicationSignInExperience, NewApplicationSignInExperience,
};
use crate::applications::declared::{self, Declared, DeclaredSecret, changed, draft, has_secrets};
use crate::applications::{self, Application, ApplicationChanges, NewApplication};
use crate::consents::{self, ConsentScopes};
use crate::declared::model::{Action, Change, With};
use crate::declared::names::{Consent, Names, role_ids, role_names, sorted};
use crate::roles::{MANAGEMENT_API_ROLE, RoleType};
use crate::{Error, JsonObject, Result, Secret, Tenant};

/// What the API shows of an application and a file leaves out: what is of one installation, and what nobody can set.
const LEFT_OUT: &[&str] = &["tenantId", "createdAt", "protectedAppMetadata", "registeredBy"];
/// What belongs to an application and has doors of its own in the API.
const BESIDE: &[&str] = &["isAdmin", "roles", "consentScopes", "signInExperience", "secrets"];
/// What is decided when an application is created.
const FIXED: &[&str] = &["id", "type", "isThirdParty"];

/// Characters of a secret: 20 random ones cannot be guessed within 2^128 attempts (RFC 6749 §10.10).
const SECRET_LENGTH: RangeInclusive<usize> = 20..=256;

const MACHINE: ApplicationType = ApplicationType::MachineToMachine;

/// A secret as the file writes it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenSecret {
    name: String,
    value: String,
    #[serde(default)]
    expires_at: Option<i64>,
}

pub(super) async fn gather(tenant: &Tenant, with: With) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let mut found = BTreeMap::new();
    for registered in snapshot.applications.iter() {
        let application = &registered.application;
        // What registered itself is not the operator's to declare.
        if application.provenance != Provenance::Operator {
            continue;
        }
        let mut members = shown(application, LEFT_OUT)?;
        let id = application.id.as_str();
        if application.application_type == MACHINE {
            let is_admin = snapshot.roles.of_application(id).any(|id| id == MANAGEMENT_API_ROLE);
            insert(&mut members, "isAdmin", &is_admin)?;
            let roles = role_names(&snapshot, snapshot.roles.of_application(id));
            insert(&mut members, "roles", &roles)?;
        } else {
            let experience = registered.experience.as_ref().map(of_file).transpose()?.flatten();
            insert(&mut members, "signInExperience", &experience)?;
        }
        if application.is_third_party {
            let listed = consents::listed(&registered.consent_scopes, &snapshot);
            insert(&mut members, "consentScopes", &Consent::of(listed))?;
        }
        if with.secrets && has_secrets(application.application_type) {
            let secret = |secret: applications::ApplicationSecret| WrittenSecret {
                name: secret.name,
                value: secret.value.reveal().clone(),
                expires_at: secret.expires_at,
            };
            let secrets =
                applications::secrets(tenant, id).await?.into_iter().map(secret).collect();
            insert(&mut members, "secrets", &by_name(secrets))?;
        }
        found.insert(id.to_owned(), members);
    }
    Ok(found)
}

fn by_name(mut secrets: Vec<WrittenSecret>) -> Vec<WrittenSecret> {
    secrets.sort_by(|one, other| one.name.cmp(&other.name));
    secrets
}

/// Settings that say nothing are none.
fn of_file(experience: &ApplicationSignInExperience) -> Result<Option<JsonObject>> {
    let members = shown(experience, &["tenantId", "applicationId"])?;
    let is_empty =
        |value: &Value| value.is_null() || value.as_object().is_some_and(JsonObject::is_empty);
    Ok(Some(members).filter(|members| !members.values().all(is_empty)))
}

pub(super) fn check(looked: &Looked<'_>, mut next: JsonObject) -> Result<JsonObject, Refused> {
    check_id(looked)?;
    let is_admin = take::<bool>(&mut next, "isAdmin")?;
    let roles = take::<Vec<String>>(&mut next, "roles")?;
    let consent = take::<Consent>(&mut next, "consentScopes")?;
    let experience = take::<Option<NewApplicationSignInExperience>>(&mut next, "signInExperience")?;
    let secrets = take::<Vec<WrittenSecret>>(&mut next, "secrets")?;
    next.remove("id");
    let application = understood(looked, &next)?;
    let kind = application.application_type;
    let mut members = shown(&application, LEFT_OUT)?;
    check_same(looked, &members, "type")?;
    check_same(looked, &members, "isThirdParty")?;
    let only = |path, whom: &str| Refused::at(path, format!("is for {whom} applications only"));
    if kind == MACHINE {
        let roles = roles.unwrap_or_default();
        Names::check_roles(&looked.names.roles, "roles", &roles, RoleType::MachineToMachine)?;
        insert(&mut members, "isAdmin", &is_admin.unwrap_or(false))?;
        insert(&mut members, "roles", &sorted(roles))?;
        if experience.flatten().is_some() {
            return Err(Refused::at(
                "signInExperience",
                "is for applications that people sign in to",
            ));
        }
    } else {
        if is_admin == Some(true) {
            return Err(only("isAdmin", "machine-to-machine"));
        }
        if roles.is_some_and(|roles| !roles.is_empty()) {
            return Err(only("roles", "machine-to-machine"));
        }
        let new = experience.flatten().unwrap_or_default();
        let experience = application_experience::of(looked.tenant, looked.key, new);
        insert(&mut members, "signInExperience", &of_file(&experience)?)?;
    }
    match consent {
        Some(consent) if application.is_third_party => {
            looked.names.check_consent("consentScopes", &consent)?;
            insert(&mut members, "consentScopes", &consent.normal())?;
        }
        Some(_) => return Err(only("consentScopes", "third-party")),
        None if application.is_third_party => {
            insert(&mut members, "consentScopes", &Consent::default())?;
        }
        None => {}
    }
    if let Some(secrets) = secrets {
        if !has_secrets(kind) && !secrets.is_empty() {
            return Err(Refused::at("secrets", format!("applications of type {kind:?} have none")));
        }
        check_secrets(&secrets)?;
        insert(&mut members, "secrets", &by_name(secrets))?;
    }
    Ok(members)
}

/// The application itself, by the rules for a new one or for changing the one there is.
fn understood(looked: &Looked<'_>, next: &JsonObject) -> Result<Application, Refused> {
    let mut first = next.clone();
    let enabled = take::<bool>(&mut first, "appLevelAccessControlEnabled")?.unwrap_or(false);
    let new: NewApplication = read(&first)?;
    let drafted = draft(looked.tenant, looked.key, new)?;
    let Some(registered) = looked.tenant.snapshot().applications.get(looked.key).cloned() else {
        return Ok(Application { app_level_access_control_enabled: enabled, ..drafted });
    };
    if registered.application.provenance != Provenance::Operator {
        return Err(Refused::at(
            "id",
            "belongs to a client that registered itself; files do not declare those",
        ));
    }
    let mut again = next.clone();
    again.retain(|name, _| !FIXED.contains(&name.as_str()));
    let changes: ApplicationChanges = read(&again)?;
    let kind = (drafted.application_type, drafted.is_third_party);
    let changed = changed(registered.application.clone(), &changes)?;
    // Whether that differs is looked at next.
    Ok(Application { application_type: kind.0, is_third_party: kind.1, ..changed })
}

/// Client ids are part of URLs and of the names of tokens.
fn check_id(looked: &Looked<'_>) -> Result<(), Refused> {
    let is_usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if looked.current.is_some() || (looked.key.len() <= 64 && looked.key.chars().all(is_usable)) {
        return Ok(());
    }
    Err(Refused::at("id", "must be up to 64 letters, digits, - and _"))
}

fn check_secrets(secrets: &[WrittenSecret]) -> Result<(), Refused> {
    for (index, secret) in secrets.iter().enumerate() {
        let path = format!("secrets[{index}]");
        if secret.name.is_empty() || secret.name.chars().count() > 256 || secret.name.contains('\0')
        {
            return Err(Refused::at(&path, "needs a name of up to 256 characters"));
        }
        if secrets[..index].iter().any(|earlier| earlier.name == secret.name) {
            return Err(Refused::at(&path, format!("there is another secret {}", secret.name)));
        }
        let is_usable = |value: &str| {
            SECRET_LENGTH.contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !is_usable(&secret.value) {
            let (least, most) = (SECRET_LENGTH.start(), SECRET_LENGTH.end());
            let rule = format!(
                "needs a value of {least} to {most} printable ASCII characters without spaces"
            );
            return Err(Refused::at(&path, rule));
        }
    }
    Ok(())
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let snapshot = tenant.snapshot();
    let next = &change.next;
    let is_new = change.action == Action::Create;
    let is_touched = |name: &str| is_new || change.touched.iter().any(|one| one == name);
    let new = if is_new {
        let mut members = next.clone();
        members.retain(|name, _| !BESIDE.contains(&name.as_str()) && name != "id");
        members.remove("appLevelAccessControlEnabled");
        Some(body(members)?)
    } else {
        None
    };
    let mut changes = if is_new { JsonObject::new() } else { touched(change, FIXED) };
    changes.retain(|name, _| !BESIDE.contains(&name.as_str()));
    for name in ["isAdmin", "appLevelAccessControlEnabled"] {
        if let Some(value) = next.get(name).filter(|_| is_touched(name)) {
            changes.insert(name.to_owned(), value.clone());
        }
    }
    let roles: Option<Vec<String>> = member(next, "roles")?;
    let consent: Option<Consent> = member(next, "consentScopes")?;
    let experience: Option<Option<JsonObject>> = member(next, "signInExperience")?;
    let secrets: Option<Vec<WrittenSecret>> = member(next, "secrets")?;
    let secret = |secret: WrittenSecret| DeclaredSecret {
        name: secret.name,
        value: Secret::new(secret.value),
        expires_at: secret.expires_at,
    };
    let experience = match experience.filter(|_| is_touched("signInExperience")) {
        None => None,
        Some(None) if is_new => None,
        Some(settings) => {
            let new = body(settings.unwrap_or_default())?;
            Some(application_experience::of(tenant, &change.key, new))
        }
    };
    let declared = Declared {
        id: change.key.clone(),
        new,
        changes: body(changes)?,
        secrets: secrets
            .filter(|_| is_touched("secrets"))
            .map(|secrets| secrets.into_iter().map(secret).collect()),
        role_ids: roles
            .filter(|_| is_touched("roles"))
            .map(|names| role_ids(&snapshot, &names))
            .transpose()?,
        consent_scopes: consent
            .filter(|_| is_touched("consentScopes"))
            .map(|consent| {
                let mut scopes = ConsentScopes::default();
                scopes.add(&consent.ids(&snapshot)?);
                Ok::<_, Error>(scopes)
            })
            .transpose()?,
        experience,
    };
    declared::put(tenant, declared).await
}
