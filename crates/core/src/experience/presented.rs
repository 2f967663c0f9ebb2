//! The settings as sign-in pages read them: with what they need besides, and as an application or an organization wants them to look.

use serde_json::{Value, json};

use super::PRIVATE_MEMBERS;
use super::model::{Branding, SignInExperience};
use crate::organizations::{self, OrganizationBranding, OrganizationColor, PictureUrl};
use crate::{Error, JsonObject, Result, Snapshot, Tenant, applications, captcha, profile_fields};

/// The settings as anyone may read them. An application's own go before the tenant's, an organization's before both; one that is not
/// there changes nothing.
///
/// # Errors
/// When the database does not answer, or the settings cannot be written as JSON.
pub async fn public(
    tenant: &Tenant,
    application_id: Option<&str>,
    organization_id: Option<&str>,
) -> Result<JsonObject> {
    let snapshot = tenant.snapshot();
    let mut experience = snapshot.experience.as_ref().clone();
    if let Some(id) = application_id
        && let Some(registered) = applications::find(tenant, id).await?
        && let Some(own) = &registered.experience
    {
        dress(&mut experience, &own.color, &own.branding, own.custom_css.as_deref());
        replace(&mut experience.terms_of_use_url, own.terms_of_use_url.as_deref());
        replace(&mut experience.privacy_policy_url, own.privacy_policy_url.as_deref());
    }
    if let Some(id) = organization_id {
        match organizations::get(tenant, id).await {
            Ok(own) => {
                dress(&mut experience, &own.color, &own.branding, own.custom_css.as_deref());
            }
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let Value::Object(mut shown) = serde_json::to_value(&experience)? else {
        return Err(Error::Internal("sign-in settings are not a JSON object".to_owned()));
    };
    for member in PRIVATE_MEMBERS {
        shown.remove(member);
    }
    for (member, value) in [
        ("socialConnectors", json!([])),
        ("ssoConnectors", json!([])),
        ("forgotPassword", json!({ "phone": false, "email": false })),
        ("isDevelopmentTenant", json!(false)),
        ("customProfileFields", serde_json::to_value(asked_at_sign_up(&snapshot))?),
        ("customProfileFieldCatalog", serde_json::to_value(profile_fields::list(tenant))?),
    ] {
        shown.insert(member.to_owned(), value);
    }
    if let Some(captcha) = captcha::public(tenant) {
        shown.insert("captchaConfig".to_owned(), serde_json::to_value(captcha)?);
    }
    Ok(shown)
}

/// Lays colours, pictures and CSS over those of the settings.
fn dress(
    experience: &mut SignInExperience,
    color: &OrganizationColor,
    branding: &OrganizationBranding,
    css: Option<&str>,
) {
    let shown = &mut experience.color;
    if let Some(primary) = &color.primary_color {
        primary.as_str().clone_into(&mut shown.primary_color);
        // The dark shade of before belongs to another colour.
        primary.as_str().clone_into(&mut shown.dark_primary_color);
    }
    if let Some(dark) = &color.dark_primary_color {
        dark.as_str().clone_into(&mut shown.dark_primary_color);
    }
    shown.is_dark_mode_enabled = color.is_dark_mode_enabled.unwrap_or(shown.is_dark_mode_enabled);
    let Branding { logo_url, dark_logo_url, favicon, dark_favicon } = &mut experience.branding;
    // A picture for light pages does not go with one of somebody else for dark pages.
    for (shown, own) in [
        ([logo_url, dark_logo_url], [&branding.logo_url, &branding.dark_logo_url]),
        ([favicon, dark_favicon], [&branding.favicon, &branding.dark_favicon]),
    ] {
        if own.iter().any(|url| url.is_some()) {
            for (shown, own) in shown.into_iter().zip(own) {
                *shown = own.as_ref().map(|url: &PictureUrl| url.as_str().to_owned());
            }
        }
    }
    replace(&mut experience.custom_css, css);
}

fn replace(shown: &mut Option<String>, own: Option<&str>) {
    if let Some(own) = own.filter(|own| !own.is_empty()) {
        *shown = Some(own.to_owned());
    }
}

/// The profile fields that sign-up asks for, in order: those the settings name, else all there are.
fn asked_at_sign_up(snapshot: &Snapshot) -> Vec<&profile_fields::ProfileField> {
    let known = &snapshot.profile_fields;
    match &snapshot.experience.sign_up_profile_fields {
        Some(named) => named.iter().filter_map(|field| known.get(field.name.as_str())).collect(),
        None => known.iter().collect(),
    }
}
