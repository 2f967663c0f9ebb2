use trinco_db::{Conn, Tx, params, sql};

use crate::section::Versions;
use crate::{Result, Section};

pub(super) async fn versions(conn: &mut Conn<'_>) -> Result<Versions> {
    let rows = conn
        .all(sql!("SELECT section, version FROM config_versions WHERE tenant_id = $1"), &[])
        .await?;
    let mut versions = Versions::default();
    for row in rows {
        let name: String = row.get(0)?;
        if let Some(index) = Section::ALL.iter().position(|section| section.name() == name) {
            versions[index] = row.get(1)?;
        }
    }
    Ok(versions)
}

pub(super) async fn bump(tx: &mut Tx<'_>, section: &str) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO config_versions (tenant_id, section, version) VALUES ($1, $2, 1)
             ON CONFLICT (tenant_id, section) DO UPDATE SET version = config_versions.version + 1"
        ),
        params![section],
    )
    .await?;
    Ok(())
}

pub(super) async fn get(conn: &mut Conn<'_>, key: &str) -> Result<Option<String>> {
    let row = conn
        .optional(sql!("SELECT value FROM configs WHERE tenant_id = $1 AND key = $2"), params![key])
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

pub(super) async fn insert_if_absent(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<()> {
    tx.execute(
        sql!("INSERT INTO configs (tenant_id, key, value) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, key) DO NOTHING"),
        params![key, value],
    )
    .await?;
    Ok(())
}

pub(super) async fn put(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO configs (tenant_id, key, value) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id, key) DO UPDATE SET value = $3"
        ),
        params![key, value],
    )
    .await?;
    Ok(())
}

pub(super) async fn take(tx: &mut Tx<'_>, key: &str) -> Result<Option<String>> {
    let row = tx
        .optional(
            sql!(
                "UPDATE configs SET value = value WHERE tenant_id = $1 AND key = $2 RETURNING value"
            ),
            params![key],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}
