use trinco_db::{Conn, Tx, params, sql};

use super::model::{Sample, TokenType, stored_token_type};
use crate::{Bumped, Result};

/// A script as it is kept: its environment variables are sealed.
#[derive(Clone, Debug)]
pub(super) struct StoredCustomizer {
    pub(super) token_type: TokenType,
    /// `None` in changes alone.
    pub(super) script: Option<String>,
    pub(super) environment_variables: Option<String>,
    pub(super) context_sample: Option<String>,
    pub(super) token_sample: Option<String>,
    pub(super) block_issuance_on_error: Option<bool>,
}

impl StoredCustomizer {
    /// With these members of another, called as in the API.
    pub(super) fn with(mut self, members: &[String], other: &Self) -> Self {
        for name in members {
            match name.as_str() {
                "script" => self.script.clone_from(&other.script),
                "environmentVariables" => {
                    self.environment_variables.clone_from(&other.environment_variables);
                }
                "contextSample" => self.context_sample.clone_from(&other.context_sample),
                "tokenSample" => self.token_sample.clone_from(&other.token_sample),
                "blockIssuanceOnError" => {
                    self.block_issuance_on_error = other.block_issuance_on_error;
                }
                _ => {}
            }
        }
        self
    }
}

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<StoredCustomizer>> {
    let rows = conn
        .all(
            sql!(
                "SELECT kind, script, environment_variables, context_sample, token_sample, block_issuance_on_error
                 FROM token_customizers WHERE tenant_id = $1"
            ),
            &[],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredCustomizer {
                token_type: stored_token_type(&row.get::<String>(0)?)?,
                script: row.get(1)?,
                environment_variables: row.get(2)?,
                context_sample: row.get(3)?,
                token_sample: row.get(4)?,
                block_issuance_on_error: row.get(5)?,
            })
        })
        .collect()
}

/// The script for these tokens. There are few, and none is long.
pub(super) async fn find(
    conn: &mut Conn<'_>,
    token_type: TokenType,
) -> Result<Option<StoredCustomizer>> {
    Ok(all(conn).await?.into_iter().find(|stored| stored.token_type == token_type))
}

/// Puts a script in the place of whatever was there.
pub(super) async fn put(tx: &mut Tx<'_>, _: &Bumped, customizer: &StoredCustomizer) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO token_customizers
                 (tenant_id, kind, script, environment_variables, context_sample, token_sample, block_issuance_on_error)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (tenant_id, kind) DO UPDATE SET
                 script = $3, environment_variables = $4, context_sample = $5, token_sample = $6,
                 block_issuance_on_error = $7"
        ),
        params![
            customizer.token_type.as_str(),
            &customizer.script,
            &customizer.environment_variables,
            &customizer.context_sample,
            &customizer.token_sample,
            customizer.block_issuance_on_error
        ],
    )
    .await?;
    Ok(())
}

/// Changes what is given; false when there is no such script.
pub(super) async fn update(
    tx: &mut Tx<'_>,
    _: &Bumped,
    changes: &StoredCustomizer,
) -> Result<bool> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE token_customizers SET
                     script = COALESCE($3, script),
                     environment_variables = COALESCE($4, environment_variables),
                     context_sample = COALESCE($5, context_sample),
                     token_sample = COALESCE($6, token_sample),
                     block_issuance_on_error = COALESCE($7, block_issuance_on_error)
                 WHERE tenant_id = $1 AND kind = $2"
            ),
            params![
                changes.token_type.as_str(),
                &changes.script,
                &changes.environment_variables,
                &changes.context_sample,
                &changes.token_sample,
                changes.block_issuance_on_error
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// Deletes a script; false when there is none.
pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, token_type: TokenType) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!("DELETE FROM token_customizers WHERE tenant_id = $1 AND kind = $2"),
            params![token_type.as_str()],
        )
        .await?;
    Ok(deleted > 0)
}

/// A sample as JSON text.
pub(super) fn sample_text(sample: Option<&Sample>) -> Result<Option<String>> {
    Ok(sample.map(|sample| serde_json::to_string(&sample.0)).transpose()?)
}
