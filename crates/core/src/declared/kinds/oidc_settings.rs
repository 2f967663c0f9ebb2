use std::collections::BTreeMap;

use serde_json::Value;

use super::{Looked, Refused, body, insert, member, read, shown, take};
use crate::consents::{self, ConsentScopes};
use crate::declared::model::Change;
use crate::declared::names::Consent;
use crate::oidc_settings::{self, OidcSettings, SessionTtl};
use crate::registrations::{self, Policy, PolicyChanges};
use crate::{Error, JsonObject, Result, Tenant};

/// The parts that have consent scopes.
const PARTS: [&str; 2] = ["documents", "registration"];

pub(super) fn gather(tenant: &Tenant) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let settings = snapshot.oidc_settings.as_ref();
    let mut members = shown(settings, &[])?;
    let scopes = [&settings.documents.consent_scopes, &settings.registration.consent_scopes];
    for (name, scopes) in PARTS.into_iter().zip(scopes) {
        let consent = Consent::of(consents::listed(scopes, &snapshot));
        if let Some(Value::Object(part)) = members.get_mut(name) {
            insert(part, "consentScopes", &consent)?;
        }
    }
    Ok(BTreeMap::from([(String::new(), members)]))
}

pub(super) fn check(looked: &Looked<'_>, mut next: JsonObject) -> Result<JsonObject, Refused> {
    let mut consents = Vec::new();
    for name in PARTS {
        let mut consent = Consent::default();
        if let Some(Value::Object(part)) = next.get_mut(name) {
            let within =
                |refused: Refused| Refused { path: format!("{name}.{}", refused.path), ..refused };
            consent = take(part, "consentScopes").map_err(within)?.unwrap_or_default();
        }
        looked.names.check_consent(&format!("{name}.consentScopes"), &consent)?;
        consents.push(consent.normal());
    }
    let mut settings: OidcSettings = read(&next)?;
    SessionTtl::try_from(settings.session_ttl).map_err(|rule| Refused::at("sessionTtl", rule))?;
    let changes: Option<PolicyChanges> = take(&mut next, "registration")?;
    settings.registration =
        registrations::changed_policy(Policy::default(), &changes.unwrap_or_default())
            .map_err(|error| Refused { path: "registration".to_owned(), cause: error.into() })?;
    let mut members = shown(&settings, &[])?;
    for (name, consent) in PARTS.into_iter().zip(consents) {
        if let Some(Value::Object(part)) = members.get_mut(name) {
            insert(part, "consentScopes", &consent)?;
        }
    }
    Ok(members)
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let is_touched = |name: &str| change.touched.iter().any(|one| one == name);
    let mut next = change.next.clone();
    let mut scopes = Vec::new();
    for name in PARTS {
        let Some(Value::Object(part)) = next.get_mut(name) else {
            return Err(Error::Internal(format!("{name} is missing among the settings")));
        };
        let consent: Consent = member(part, "consentScopes")?.unwrap_or_default();
        part.remove("consentScopes");
        let mut of_part = ConsentScopes::default();
        // What a part that stays refers to may be gone by now.
        if is_touched(name) {
            let new = consent.ids(&tenant.snapshot())?;
            consents::check_new(tenant, &new).await?;
            of_part.add(&new);
        }
        scopes.push(of_part);
    }
    let mut settings: OidcSettings = body(next)?;
    let mut scopes = scopes.into_iter();
    settings.documents.consent_scopes = scopes.next().unwrap_or_default();
    settings.registration.consent_scopes = scopes.next().unwrap_or_default();
    let input = (change.touched.clone(), settings);
    oidc_settings::change(tenant, input, |settings, (touched, new)| {
        let is_touched = |name: &str| touched.iter().any(|one| one == name);
        if is_touched("enabledExtendedClaims") {
            settings.enabled_extended_claims.clone_from(&new.enabled_extended_claims);
        }
        if is_touched("sessionTtl") {
            settings.session_ttl = new.session_ttl;
        }
        if is_touched("documents") {
            settings.documents = new.documents.clone();
        }
        if is_touched("registration") {
            settings.registration = new.registration.clone();
        }
        Ok(())
    })
    .await
}
