//! `trinco key list` and `trinco key rotate`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use trinco_core::keys::{self, KeyRecord, KeyType, Rotation};
use trinco_core::{Error, Result, Tenant};
use trinco_jose::Algorithm;

use super::Output;

/// The keys the command line works with, by the names of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyKind {
    /// Keys that sign tokens.
    PrivateKeys,
    /// Keys that authenticate cookies.
    CookieKeys,
}

/// A rotation to make.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RotateKeys {
    pub(crate) kind: KeyKind,
    /// A JWA name.
    pub(crate) algorithm: Option<String>,
    /// Seconds.
    pub(crate) grace_period: Option<i64>,
}

impl KeyKind {
    const fn key_type(self) -> KeyType {
        match self {
            Self::PrivateKeys => KeyType::PrivateKeys,
            Self::CookieKeys => KeyType::CookieKeys,
        }
    }
}

pub(super) fn list(tenant: &Tenant, kind: KeyKind) -> Result<Output> {
    shown(&keys::list(tenant, kind.key_type()))
}

pub(super) async fn rotate(tenant: &Tenant, wanted: RotateKeys) -> Result<Output> {
    let algorithm = wanted
        .algorithm
        .map(|name| name.parse::<Algorithm>())
        .transpose()
        .map_err(|_| Error::invalid_field("algorithm", "is not one that keys can have"))?;
    let rotation =
        Rotation { key_type: wanted.kind.key_type(), grace: wanted.grace_period, algorithm };
    shown(&keys::rotate(tenant, rotation).await?)
}

/// As the Management API shows them.
fn shown(records: &[KeyRecord]) -> Result<Output> {
    let rows: Result<Vec<_>, _> = records.iter().map(serde_json::to_value).collect();
    Ok(Output::Keys(rows?))
}
