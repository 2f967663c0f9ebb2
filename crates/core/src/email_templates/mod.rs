//! E-mail templates: what e-mail says, by language and occasion, in place of what connectors would say.

mod model;
mod store;

use trinco_connectors::messages::Content;

pub use model::{
    ContentType, EmailTemplate, EmailTemplateDetails, EmailTemplateDetailsChanges, Filter,
    NewEmailTemplate,
};

use crate::messages::MessageType;
use crate::{Error, Result, Tenant};

/// So many templates are put at once: one of each occasion in a hundred languages.
const MOST_AT_ONCE: usize = 900;

/// The templates that pass the filter, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, filter: &Filter) -> Result<Vec<EmailTemplate>> {
    tenant
        .scan(filter.clone(), |conn, filter| {
            Box::pin(async move { store::list(conn, filter).await })
        })
        .await
}

/// The template with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<EmailTemplate> {
    store::find(&mut tenant.read().await?, id).await?.ok_or_else(|| not_found(id))
}

/// Puts templates: what stands under a language and an occasion keeps its id and gets the new details.
///
/// # Errors
/// `guard.invalid_input` when there are too many.
pub async fn put(tenant: &Tenant, templates: Vec<NewEmailTemplate>) -> Result<Vec<EmailTemplate>> {
    if templates.len() > MOST_AT_ONCE {
        let rule = format!("has more than {MOST_AT_ONCE} templates");
        return Err(Error::invalid_field("templates", &rule));
    }
    let templates: Vec<EmailTemplate> = templates
        .into_iter()
        .map(|new| EmailTemplate {
            tenant_id: tenant.id().to_owned(),
            id: tenant.new_id(),
            language_tag: new.language_tag.into_string(),
            template_type: new.template_type,
            details: new.details,
            created_at: tenant.now_ms(),
        })
        .collect();
    tenant
        .write(templates, |tx, templates| {
            Box::pin(async move {
                let mut put = Vec::new();
                for template in templates {
                    put.push(store::put(tx, template).await?);
                }
                Ok(put)
            })
        })
        .await
}

/// Changes members of a template's details.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn update_details(
    tenant: &Tenant,
    id: &str,
    changes: EmailTemplateDetailsChanges,
) -> Result<EmailTemplate> {
    tenant
        .write((id.to_owned(), changes), |tx, (id, changes)| {
            Box::pin(async move {
                let mut template =
                    store::find_for_change(tx, id).await?.ok_or_else(|| not_found(id))?;
                template.details.apply(changes.clone());
                store::update(tx, &template).await?;
                Ok(template)
            })
        })
        .await
}

/// Deletes a template.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    tenant
        .write(id.to_owned(), |tx, id| {
            Box::pin(async move {
                if store::delete(tx, id).await? { Ok(()) } else { Err(not_found(id)) }
            })
        })
        .await
}

/// Deletes the templates that pass the filter, and returns how many.
///
/// # Errors
/// `connector.email_connector.bulk_deletion_no_filter` when all would pass.
pub async fn delete_all(tenant: &Tenant, filter: Filter) -> Result<u64> {
    if filter.language_tag.is_none() && filter.template_type.is_none() {
        return Err(Error::refused("connector.email_connector.bulk_deletion_no_filter"));
    }
    tenant
        .write(filter, |tx, filter| Box::pin(async move { store::delete_all(tx, filter).await }))
        .await
}

/// What an e-mail says: the template in the language that is wanted, or the one it is a variety of, or else the tenant's; for the
/// occasion, or else for every occasion. `None` when there is none of these.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn content(
    tenant: &Tenant,
    message_type: MessageType,
    locale: Option<&str>,
) -> Result<Option<Content>> {
    let fallback = tenant.snapshot().experience.language_info.fallback_language.clone();
    let base = locale.and_then(|tag| tag.split('-').next()).map(str::to_owned);
    let mut languages = Vec::new();
    for language in [locale.map(str::to_owned), base, Some(fallback)].into_iter().flatten() {
        if !languages.contains(&language) {
            languages.push(language);
        }
    }
    let found = store::of_languages(&mut tenant.read().await?, message_type, &languages).await?;
    let best = [message_type, MessageType::Generic].into_iter().find_map(|wanted| {
        languages.iter().find_map(|language| {
            found.iter().find(|one| one.template_type == wanted && one.language_tag == *language)
        })
    });
    Ok(best.map(|template| template.details.content()))
}

fn not_found(id: &str) -> Error {
    Error::not_found("email_templates", id)
}
