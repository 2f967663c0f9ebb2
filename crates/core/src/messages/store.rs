//! One row for each recipient of messages.

use trinco_db::{Tx, params, sql};

use crate::{Result, TokenHash};

/// Counts a message; false, and nothing is counted, when `most` have been sent since the count began. Times in milliseconds.
pub(super) async fn count(
    tx: &mut Tx<'_>,
    recipient: &TokenHash,
    now: i64,
    until: i64,
    most: i64,
) -> Result<bool> {
    let counted = tx
        .execute(
            sql!(
                "INSERT INTO message_counts (tenant_id, recipient, sent, expires_at) VALUES ($1, $2, 1, $4)
                 ON CONFLICT (tenant_id, recipient) DO UPDATE SET
                     sent = CASE WHEN message_counts.expires_at <= $3 THEN 1 ELSE message_counts.sent + 1 END,
                     expires_at = CASE WHEN message_counts.expires_at <= $3 THEN $4
                                       ELSE message_counts.expires_at END
                 WHERE message_counts.expires_at <= $3 OR message_counts.sent < $5"
            ),
            params![recipient.as_str(), now, until, most],
        )
        .await?;
    Ok(counted > 0)
}
