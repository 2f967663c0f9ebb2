use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{ActionType, stored_type};
use crate::{Bumped, Result};

/// An action as it is kept: its environment variables are sealed.
#[derive(Clone, Debug)]
pub(super) struct StoredAction {
    pub(super) kind: ActionType,
    pub(super) script: String,
    pub(super) environment_variables: Option<String>,
    pub(super) context_sample: Option<String>,
    pub(super) enabled: Option<bool>,
    pub(super) on_execution_error: Option<String>,
}

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<StoredAction>> {
    let rows = conn
        .all(
            sql!(
                "SELECT kind, script, environment_variables, context_sample, enabled, on_execution_error
                 FROM actions WHERE tenant_id = $1"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(action).collect()
}

fn action(row: Row) -> Result<StoredAction> {
    let mut cols = row.cols();
    Ok(StoredAction {
        kind: stored_type(&cols.next::<String>()?)?,
        script: cols.next()?,
        environment_variables: cols.next()?,
        context_sample: cols.next()?,
        enabled: cols.next()?,
        on_execution_error: cols.next()?,
    })
}

/// Puts an action in the place of whatever was there.
pub(super) async fn put(tx: &mut Tx<'_>, _: &Bumped, action: &StoredAction) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO actions (tenant_id, kind, script, environment_variables, context_sample,
                 enabled, on_execution_error)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (tenant_id, kind) DO UPDATE SET
                 script = $3, environment_variables = $4, context_sample = $5, enabled = $6,
                 on_execution_error = $7"
        ),
        params![
            action.kind.as_str(),
            action.script.as_str(),
            &action.environment_variables,
            &action.context_sample,
            action.enabled,
            &action.on_execution_error
        ],
    )
    .await?;
    Ok(())
}

/// False when there is none.
pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, kind: ActionType) -> Result<bool> {
    let delete = sql!("DELETE FROM actions WHERE tenant_id = $1 AND kind = $2");
    Ok(tx.execute(delete, params![kind.as_str()]).await? > 0)
}
