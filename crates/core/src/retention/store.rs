use trinco_db::{Sql, Tx, params, sql};

use super::Kind;
use crate::Result;

/// Tables whose rows have their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    Interactions,
    AuthorizationRequests,
    AuthorizationCodes,
    DeviceCodes,
    UserCodeAttempts,
    SignInAttempts,
    SubjectTokens,
    OneTimeTokens,
    AccessTokens,
    RefreshTokens,
    SpentProofs,
    MessageCounts,
    VerificationCodes,
    Sessions,
    Grants,
    Logs,
}

impl Expired {
    pub(super) const ALL: [Self; 16] = [
        Self::Interactions,
        Self::AuthorizationRequests,
        Self::AuthorizationCodes,
        Self::DeviceCodes,
        Self::UserCodeAttempts,
        Self::SignInAttempts,
        Self::SubjectTokens,
        Self::OneTimeTokens,
        Self::AccessTokens,
        Self::RefreshTokens,
        Self::SpentProofs,
        Self::MessageCounts,
        Self::VerificationCodes,
        Self::Sessions,
        Self::Grants,
        Self::Logs,
    ];

    pub(super) fn kind(self) -> Kind {
        match self {
            // What was counted and what was spent is of the moment, as an interaction is.
            Self::Interactions
            | Self::AuthorizationRequests
            | Self::UserCodeAttempts
            | Self::SignInAttempts
            | Self::SpentProofs
            | Self::MessageCounts
            | Self::VerificationCodes => Kind::Interactions,
            Self::AuthorizationCodes | Self::DeviceCodes => Kind::Codes,
            Self::SubjectTokens
            | Self::OneTimeTokens
            | Self::AccessTokens
            | Self::RefreshTokens => Kind::Tokens,
            Self::Sessions => Kind::Sessions,
            Self::Grants => Kind::Grants,
            Self::Logs => Kind::Logs,
        }
    }

    /// The time is compared twice: on PostgreSQL the inner query may have seen a row before someone prolonged it, and only the
    /// outer condition is asked again once the row is held.
    fn statement(self) -> &'static Sql {
        match self {
            Self::Interactions => sql!(
                "DELETE FROM interactions WHERE tenant_id = $1 AND expires_at <= $2 AND id_hash IN
                 (SELECT id_hash FROM interactions WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::AuthorizationRequests => sql!(
                "DELETE FROM authorization_requests WHERE tenant_id = $1 AND expires_at <= $2 AND id_hash IN
                 (SELECT id_hash FROM authorization_requests WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::AuthorizationCodes => sql!(
                "DELETE FROM authorization_codes WHERE tenant_id = $1 AND expires_at <= $2 AND hash IN
                 (SELECT hash FROM authorization_codes WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::DeviceCodes => sql!(
                "DELETE FROM device_codes WHERE tenant_id = $1 AND expires_at <= $2 AND hash IN
                 (SELECT hash FROM device_codes WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::UserCodeAttempts => sql!(
                "DELETE FROM user_code_attempts WHERE tenant_id = $1 AND expires_at <= $2 AND source IN
                 (SELECT source FROM user_code_attempts WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::SignInAttempts => sql!(
                "DELETE FROM sign_in_attempts WHERE tenant_id = $1 AND expires_at <= $2 AND target IN
                 (SELECT target FROM sign_in_attempts WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::SubjectTokens => sql!(
                "DELETE FROM subject_tokens WHERE tenant_id = $1 AND expires_at <= $2 AND hash IN
                 (SELECT hash FROM subject_tokens WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            // Shown for thirty days more (2,592,000,000 ms): an operator may want to know what became of one.
            Self::OneTimeTokens => sql!(
                "DELETE FROM one_time_tokens WHERE tenant_id = $1 AND expires_at <= $2 - 2592000000 AND id IN
                 (SELECT id FROM one_time_tokens WHERE tenant_id = $1 AND expires_at <= $2 - 2592000000
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::AccessTokens => sql!(
                "DELETE FROM access_tokens WHERE tenant_id = $1 AND expires_at <= $2 AND hash IN
                 (SELECT hash FROM access_tokens WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::RefreshTokens => sql!(
                "DELETE FROM refresh_tokens WHERE tenant_id = $1 AND expires_at <= $2 AND hash IN
                 (SELECT hash FROM refresh_tokens WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::SpentProofs => sql!(
                "DELETE FROM spent_proofs WHERE tenant_id = $1 AND expires_at <= $2 AND id_hash IN
                 (SELECT id_hash FROM spent_proofs WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::MessageCounts => sql!(
                "DELETE FROM message_counts WHERE tenant_id = $1 AND expires_at <= $2 AND recipient IN
                 (SELECT recipient FROM message_counts WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::VerificationCodes => sql!(
                "DELETE FROM verification_codes WHERE tenant_id = $1 AND expires_at <= $2 AND target IN
                 (SELECT target FROM verification_codes WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            Self::Sessions => sql!(
                "DELETE FROM sessions WHERE tenant_id = $1 AND expires_at <= $2 AND id IN
                 (SELECT id FROM sessions WHERE tenant_id = $1 AND expires_at <= $2
                  ORDER BY expires_at LIMIT $3)"
            ),
            // Those that nothing hangs on any more, so that none takes along more than a statement can delete in its time.
            Self::Grants => sql!(
                "DELETE FROM grants WHERE tenant_id = $1 AND expires_at <= $2 AND id IN
                 (SELECT ended.id FROM
                      (SELECT id FROM grants WHERE tenant_id = $1 AND expires_at <= $2
                       ORDER BY expires_at LIMIT $3) ended
                  WHERE NOT EXISTS (SELECT 1 FROM authorization_codes
                                    WHERE tenant_id = $1 AND grant_id = ended.id)
                    AND NOT EXISTS (SELECT 1 FROM device_codes
                                    WHERE tenant_id = $1 AND grant_id = ended.id)
                    AND NOT EXISTS (SELECT 1 FROM access_tokens
                                    WHERE tenant_id = $1 AND grant_id = ended.id)
                    AND NOT EXISTS (SELECT 1 FROM refresh_tokens
                                    WHERE tenant_id = $1 AND grant_id = ended.id))"
            ),
            Self::Logs => sql!(
                "DELETE FROM logs WHERE tenant_id = $1 AND created_at <= $2 AND id IN
                 (SELECT id FROM logs WHERE tenant_id = $1 AND created_at <= $2
                  ORDER BY created_at, id LIMIT $3)"
            ),
        }
    }
}

/// What hangs on grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfGrants {
    AuthorizationCodes,
    DeviceCodes,
    AccessTokens,
    RefreshTokens,
}

impl OfGrants {
    pub(super) const ALL: [Self; 4] =
        [Self::AuthorizationCodes, Self::DeviceCodes, Self::AccessTokens, Self::RefreshTokens];

    /// Of the grants that are the next to go. Looked for grant by grant, of which there are no more than of the rows.
    fn statement(self) -> &'static Sql {
        match self {
            Self::AuthorizationCodes => sql!(
                "DELETE FROM authorization_codes WHERE tenant_id = $1 AND hash IN
                 (SELECT child.hash FROM
                      (SELECT id FROM grants WHERE tenant_id = $1 AND expires_at <= $2
                       ORDER BY expires_at LIMIT $3) ended
                  JOIN authorization_codes child ON child.tenant_id = $1 AND child.grant_id = ended.id
                  LIMIT $3)"
            ),
            Self::DeviceCodes => sql!(
                "DELETE FROM device_codes WHERE tenant_id = $1 AND hash IN
                 (SELECT child.hash FROM
                      (SELECT id FROM grants WHERE tenant_id = $1 AND expires_at <= $2
                       ORDER BY expires_at LIMIT $3) ended
                  JOIN device_codes child ON child.tenant_id = $1 AND child.grant_id = ended.id
                  LIMIT $3)"
            ),
            Self::AccessTokens => sql!(
                "DELETE FROM access_tokens WHERE tenant_id = $1 AND hash IN
                 (SELECT child.hash FROM
                      (SELECT id FROM grants WHERE tenant_id = $1 AND expires_at <= $2
                       ORDER BY expires_at LIMIT $3) ended
                  JOIN access_tokens child ON child.tenant_id = $1 AND child.grant_id = ended.id
                  LIMIT $3)"
            ),
            Self::RefreshTokens => sql!(
                "DELETE FROM refresh_tokens WHERE tenant_id = $1 AND hash IN
                 (SELECT child.hash FROM
                      (SELECT id FROM grants WHERE tenant_id = $1 AND expires_at <= $2
                       ORDER BY expires_at LIMIT $3) ended
                  JOIN refresh_tokens child ON child.tenant_id = $1 AND child.grant_id = ended.id
                  LIMIT $3)"
            ),
        }
    }
}

/// Deletes up to `limit` rows of grants whose time was over at `before` or earlier; returns how many.
pub(super) async fn delete_of_grants(
    tx: &mut Tx<'_>,
    what: OfGrants,
    before: i64,
    limit: u32,
) -> Result<u64> {
    Ok(tx.execute(what.statement(), params![before, limit]).await?)
}

/// Deletes up to `limit` rows whose time was over at `before` or earlier; returns how many.
pub(super) async fn delete(
    tx: &mut Tx<'_>,
    expired: Expired,
    before: i64,
    limit: u32,
) -> Result<u64> {
    Ok(tx.execute(expired.statement(), params![before, limit]).await?)
}
