//! What a second factor of a user is, as it is shown and as it is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::experience::MfaFactor;

/// A second factor of a user, without what is secret about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MfaVerification {
    /// 21 characters.
    pub id: String,
    /// When it was added, as ISO 8601 writes it.
    pub created_at: String,
    /// When it was last used, as ISO 8601 writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub factor: MfaFactor,
    /// How many backup codes are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remain_codes: Option<usize>,
}

/// The body that adds a second factor. What is absent is made here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum NewMfaVerification {
    /// An authenticator app.
    Totp {
        /// Base32, at least 80 bits.
        #[serde(default, deserialize_with = "some_secret")]
        #[schemars(with = "Option<String>")]
        secret: Option<Secret>,
    },
    /// Codes for when the other factors are not at hand.
    BackupCode {
        /// Ten of ten letters and digits each.
        #[serde(default, deserialize_with = "some_codes")]
        #[schemars(with = "Option<Vec<String>>")]
        codes: Option<Vec<Secret>>,
    },
}

/// A second factor that was added, with what the user needs of it.
#[derive(Clone, Debug, PartialEq)]
pub enum AddedMfaVerification {
    /// An authenticator app.
    Totp {
        /// Base32.
        secret: Secret,
        /// A `data:` URL of a picture that the app reads.
        secret_qr_code: String,
    },
    /// Codes for when the other factors are not at hand.
    BackupCode {
        /// All of them.
        codes: Vec<Secret>,
    },
}

/// A second factor as it is kept. Times in Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub(super) enum Kept {
    Totp {
        id: String,
        created_at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_used_at: Option<i64>,
        secret_sealed: String,
    },
    BackupCode {
        id: String,
        created_at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_used_at: Option<i64>,
        codes: Vec<KeptCode>,
    },
}

/// A backup code as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptCode {
    pub(super) sealed: String,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) used_at: Option<i64>,
}

impl Kept {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Totp { id, .. } | Self::BackupCode { id, .. } => id,
        }
    }

    pub(super) fn factor(&self) -> MfaFactor {
        match self {
            Self::Totp { .. } => MfaFactor::Totp,
            Self::BackupCode { .. } => MfaFactor::BackupCode,
        }
    }

    pub(super) fn shown(&self) -> MfaVerification {
        let (created_at, last_used_at) = match self {
            Self::Totp { created_at, last_used_at, .. }
            | Self::BackupCode { created_at, last_used_at, .. } => (*created_at, *last_used_at),
        };
        let remain_codes = match self {
            Self::Totp { .. } => None,
            Self::BackupCode { codes, .. } => {
                Some(codes.iter().filter(|code| code.used_at.is_none()).count())
            }
        };
        MfaVerification {
            id: self.id().to_owned(),
            created_at: crate::calendar::iso8601(created_at),
            last_used_at: last_used_at.map(crate::calendar::iso8601),
            factor: self.factor(),
            remain_codes,
        }
    }
}

fn some_secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    Ok(Some(Secret::new(String::deserialize(deserializer)?)))
}

fn some_codes<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Secret>>, D::Error> {
    let codes = Vec::<String>::deserialize(deserializer)?;
    Ok(Some(codes.into_iter().map(Secret::new).collect()))
}
