//! Profile fields: what a tenant asks of its users besides how they sign in, at sign-up and in the account center.

mod model;
mod rules;
mod store;

use std::sync::{Arc, LazyLock};

use serde_json::json;
use trinco_db::{Conn, Tx};
use trinco_script::{Outcome, ScriptError, Secrets};

pub use model::{
    Catalogue, FieldConfig, FieldDefinition, FieldOption, FieldPart, FieldPlace, FieldType,
    NewProfileField, PartConfig, PartName, ProfileField,
};

use crate::{Error, JsonObject, Result, Section, Tenant, Text, account_center};

/// Every field, in the order of the pages.
pub fn list(tenant: &Tenant) -> Vec<ProfileField> {
    tenant.snapshot().profile_fields.iter().cloned().collect()
}

/// The field with this name.
///
/// # Errors
/// `entity.not_found`.
pub async fn get(tenant: &Tenant, name: &str) -> Result<ProfileField> {
    let found = tenant.find(|snapshot| snapshot.profile_fields.get(name).cloned()).await?;
    found.ok_or_else(not_found)
}

/// Creates fields, all or none, in the last places of the pages.
///
/// # Errors
/// `custom_profile_fields.*` when one breaks a rule or has the name of another.
pub async fn create(tenant: &Tenant, new: Vec<NewProfileField>) -> Result<Vec<ProfileField>> {
    let mut fields = Vec::with_capacity(new.len());
    for (name, definition) in new.into_iter().map(NewProfileField::into_parts) {
        rules::check_name(&name)?;
        fields.push(defined(tenant, name, definition).await?);
    }
    tenant
        .configure(&[Section::ProfileFields], fields, |tx, bumped, fields| {
            Box::pin(async move {
                let mut created = Vec::with_capacity(fields.len());
                for field in fields {
                    let name = field.name.as_str();
                    let sie_order = store::insert(tx, bumped, field)
                        .await
                        .map_err(|error| name_taken(error, name))?;
                    created.push(ProfileField { sie_order, ..field.clone() });
                }
                Ok(created)
            })
        })
        .await
}

/// Replaces what is said of a field. Its name and place stay.
///
/// # Errors
/// `entity.not_found`; `custom_profile_fields.*`.
pub async fn update(
    tenant: &Tenant,
    name: &str,
    definition: FieldDefinition,
) -> Result<ProfileField> {
    get(tenant, name).await?;
    let field = defined(tenant, name.to_owned(), definition).await?;
    tenant
        .configure(&[Section::ProfileFields], field, |tx, bumped, field| {
            Box::pin(async move {
                let known = store::all(tx).await?;
                let was = known.get(&field.name).ok_or_else(not_found)?;
                let field = ProfileField {
                    id: was.id.clone(),
                    created_at: was.created_at,
                    sie_order: was.sie_order,
                    ..field.clone()
                };
                store::update(tx, bumped, &field).await?;
                Ok(field)
            })
        })
        .await
}

/// Deletes a field. What users have said stays; the account center shows it no more.
///
/// # Errors
/// `entity.not_found`.
pub async fn delete(tenant: &Tenant, name: &str) -> Result<()> {
    let sections = &[Section::ProfileFields, Section::AccountCenter];
    tenant
        .configure(sections, name.to_owned(), |tx, bumped, name| {
            Box::pin(async move {
                if !store::delete(tx, bumped, name).await? {
                    return Err(not_found());
                }
                account_center::forget_profile_field(tx, bumped, name).await
            })
        })
        .await
}

/// Moves fields on the pages, and returns all of them in their order.
///
/// # Errors
/// `custom_profile_fields.entity_not_exists_with_names`, `custom_profile_fields.conflicted_sie_order`.
pub async fn arrange(tenant: &Tenant, places: Vec<FieldPlace>) -> Result<Vec<ProfileField>> {
    rules::check_places(&places)?;
    tenant
        .configure(&[Section::ProfileFields], places, |tx, bumped, places| {
            Box::pin(async move {
                let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
                check_known(tx, &names).await?;
                for place in places {
                    store::place(tx, bumped, place.name.as_str(), place.sie_order).await?;
                }
                Ok(store::all(tx).await?.iter().cloned().collect())
            })
        })
        .await
}

/// Refuses names of fields that do not exist.
///
/// # Errors
/// `custom_profile_fields.entity_not_exists_with_names`.
pub(crate) async fn check_known(tx: &mut Tx<'_>, names: &[&str]) -> Result<()> {
    let known = store::all(tx).await?;
    let unknown: Vec<&str> =
        names.iter().copied().filter(|name| known.get(name).is_none()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let code = "custom_profile_fields.entity_not_exists_with_names";
    Err(Error::refused_with(code, &[("names", &unknown.join(", "))]))
}

/// Reads the fields of a tenant.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<Catalogue> {
    store::all(conn).await
}

/// A field that has no place yet.
async fn defined(
    tenant: &Tenant,
    name: String,
    definition: FieldDefinition,
) -> Result<ProfileField> {
    let config = rules::checked_config(&definition)?;
    check_expressions(tenant, rules::expressions(definition.kind, &config)).await?;
    Ok(ProfileField {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name,
        kind: definition.kind,
        label: definition.label.map(Text::into_string).unwrap_or_default(),
        description: definition.description.map(Text::into_string),
        required: definition.required,
        config,
        created_at: tenant.now_ms(),
        sie_order: 0,
    })
}

/// The pages check what people type with JavaScript, so JavaScript says whether an expression is one.
static COMPILE: LazyLock<Arc<str>> = LazyLock::new(|| {
    Arc::from(
        "const compile = ({ expressions }) => { expressions.forEach((text) => new RegExp(text)); };",
    )
});

async fn check_expressions(tenant: &Tenant, expressions: Vec<String>) -> Result<()> {
    if expressions.is_empty() {
        return Ok(());
    }
    let mut payload = JsonObject::new();
    payload.insert("expressions".to_owned(), json!(expressions));
    let scripts = tenant.scripts();
    let run = scripts.run_function(&COMPILE, "compile", payload, Secrets::default()).await;
    match run.outcome {
        Ok(Outcome::Returned(_)) => Ok(()),
        Err(error @ (ScriptError::Busy | ScriptError::Engine(_))) => {
            Err(Error::Internal(format!("a regular expression could not be looked at: {error}")))
        }
        Ok(Outcome::Denied(_)) | Err(_) => {
            Err(Error::refused("custom_profile_fields.invalid_regex_format"))
        }
    }
}

fn not_found() -> Error {
    Error::refused("entity.not_found")
}

fn name_taken(error: Error, name: &str) -> Error {
    let code = "custom_profile_fields.name_exists";
    match error.if_taken("custom_profile_fields_name", code) {
        refused if refused.code() == Some(code) => Error::refused_with(code, &[("name", name)]),
        other => other,
    }
}
