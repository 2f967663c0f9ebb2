use trinco_db::{Conn, Row, Sql, Tx, params, sql};

use super::model::{EmailTemplate, Filter};
use crate::Result;
use crate::messages::MessageType;

pub(super) async fn list(conn: &mut Conn<'_>, filter: &Filter) -> Result<Vec<EmailTemplate>> {
    let select = Sql::from(sql!(
        "SELECT id, language_tag, template_type, details, created_at FROM email_templates
         WHERE tenant_id = $1"
    ));
    let select = filtered(select, filter).text(sql!(" ORDER BY created_at DESC, id"));
    let tenant = conn.tenant().to_owned();
    conn.all(&select, &[]).await?.into_iter().map(|row| read(&tenant, row)).collect()
}

fn filtered(mut query: Sql, filter: &Filter) -> Sql {
    if let Some(language) = &filter.language_tag {
        query = query.push(sql!(" AND language_tag = "), language.as_str());
    }
    if let Some(template_type) = filter.template_type {
        query = query.push(sql!(" AND template_type = "), template_type.as_str());
    }
    query
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<EmailTemplate>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, language_tag, template_type, details, created_at FROM email_templates
                 WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(|row| read(&tenant, row)).transpose()
}

/// As [`find`]; nobody else changes the template until the transaction ends.
pub(super) async fn find_for_change(tx: &mut Tx<'_>, id: &str) -> Result<Option<EmailTemplate>> {
    tx.execute(
        sql!("UPDATE email_templates SET created_at = created_at WHERE tenant_id = $1 AND id = $2"),
        params![id],
    )
    .await?;
    find(tx, id).await
}

/// The templates for an occasion and for every occasion, in these languages.
pub(super) async fn of_languages(
    conn: &mut Conn<'_>,
    message_type: MessageType,
    languages: &[String],
) -> Result<Vec<EmailTemplate>> {
    let tenant = conn.tenant().to_owned();
    let select = Sql::from(sql!(
        "SELECT id, language_tag, template_type, details, created_at FROM email_templates
         WHERE tenant_id = $1"
    ))
    .in_list(sql!(" AND template_type IN "), [message_type.as_str(), MessageType::Generic.as_str()])
    .in_list(sql!(" AND language_tag IN "), languages);
    conn.all(&select, &[]).await?.into_iter().map(|row| read(&tenant, row)).collect()
}

fn read(tenant: &str, row: Row) -> Result<EmailTemplate> {
    let mut cols = row.cols();
    Ok(EmailTemplate {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        language_tag: cols.next()?,
        template_type: MessageType::from_stored(&cols.next::<String>()?)?,
        details: serde_json::from_str(&cols.next::<String>()?)?,
        created_at: cols.next()?,
    })
}

/// Returns what stands there then.
pub(super) async fn put(tx: &mut Tx<'_>, template: &EmailTemplate) -> Result<EmailTemplate> {
    let details = serde_json::to_string(&template.details)?;
    tx.execute(
        sql!(
            "INSERT INTO email_templates (tenant_id, id, language_tag, template_type, details, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant_id, language_tag, template_type) DO UPDATE SET details = $5"
        ),
        params![
            &template.id,
            &template.language_tag,
            template.template_type.as_str(),
            &details,
            template.created_at
        ],
    )
    .await?;
    let row = tx
        .one(
            sql!(
                "SELECT id, language_tag, template_type, details, created_at FROM email_templates
                 WHERE tenant_id = $1 AND language_tag = $2 AND template_type = $3"
            ),
            params![&template.language_tag, template.template_type.as_str()],
        )
        .await?;
    read(&template.tenant_id, row)
}

pub(super) async fn update(tx: &mut Tx<'_>, template: &EmailTemplate) -> Result<()> {
    let details = serde_json::to_string(&template.details)?;
    tx.execute(
        sql!("UPDATE email_templates SET details = $3 WHERE tenant_id = $1 AND id = $2"),
        params![&template.id, &details],
    )
    .await?;
    Ok(())
}

/// False when there is none.
pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM email_templates WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

pub(super) async fn delete_all(tx: &mut Tx<'_>, filter: &Filter) -> Result<u64> {
    let delete = Sql::from(sql!("DELETE FROM email_templates WHERE tenant_id = $1"));
    Ok(tx.execute(&filtered(delete, filter), &[]).await?)
}
