use std::sync::Arc;

use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{Catalogue, FieldType, ProfileField};
use crate::{Bumped, Error, Result};

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Catalogue> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, type, label, description, required, config, created_at, sie_order
                 FROM custom_profile_fields WHERE tenant_id = $1 ORDER BY sie_order, name"
            ),
            &[],
        )
        .await?;
    let fields = rows.into_iter().map(|row| Ok(Arc::new(field(&tenant, row)?)));
    Ok(Catalogue(fields.collect::<Result<_>>()?))
}

fn field(tenant: &str, row: Row) -> Result<ProfileField> {
    let mut cols = row.cols();
    Ok(ProfileField {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        name: cols.next()?,
        kind: kind_from(&cols.next::<String>()?)?,
        label: cols.next()?,
        description: cols.next()?,
        required: cols.next()?,
        config: serde_json::from_str(&cols.next::<String>()?)?,
        created_at: cols.next()?,
        sie_order: cols.next()?,
    })
}

fn kind_from(text: &str) -> Result<FieldType> {
    serde_json::from_value(text.into())
        .map_err(|_| Error::Internal(format!("a stored profile field has the unknown type {text}")))
}

/// Returns its place, the last one.
pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, field: &ProfileField) -> Result<i64> {
    let config = serde_json::to_string(&field.config)?;
    let row = tx
        .optional(
            sql!(
                "INSERT INTO custom_profile_fields (tenant_id, id, name, type, label, description,
                     required, config, created_at, sie_order)
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, COALESCE(MAX(sie_order), 0) + 1
                 FROM custom_profile_fields WHERE tenant_id = $1
                 RETURNING sie_order"
            ),
            params![
                field.id.as_str(),
                field.name.as_str(),
                field.kind.as_str(),
                field.label.as_str(),
                &field.description,
                field.required,
                config,
                field.created_at
            ],
        )
        .await?;
    let row = row.ok_or_else(|| Error::Internal("a profile field was not kept".to_owned()))?;
    Ok(row.get(0)?)
}

pub(super) async fn update(tx: &mut Tx<'_>, _: &Bumped, field: &ProfileField) -> Result<()> {
    let config = serde_json::to_string(&field.config)?;
    tx.execute(
        sql!(
            "UPDATE custom_profile_fields
             SET type = $3, label = $4, description = $5, required = $6, config = $7
             WHERE tenant_id = $1 AND name = $2"
        ),
        params![
            field.name.as_str(),
            field.kind.as_str(),
            field.label.as_str(),
            &field.description,
            field.required,
            config
        ],
    )
    .await?;
    Ok(())
}

/// False when there is no such field.
pub(super) async fn place(tx: &mut Tx<'_>, _: &Bumped, name: &str, order: i64) -> Result<bool> {
    let update =
        sql!("UPDATE custom_profile_fields SET sie_order = $3 WHERE tenant_id = $1 AND name = $2");
    Ok(tx.execute(update, params![name, order]).await? > 0)
}

/// False when there is no such field.
pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, name: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM custom_profile_fields WHERE tenant_id = $1 AND name = $2");
    Ok(tx.execute(delete, params![name]).await? > 0)
}
