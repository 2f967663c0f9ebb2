//! Where uploaded files are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trinco_core::Secret;
use trinco_core::assets::S3Settings;
use url::Url;

use super::sources::Given;
use super::{Setting, read as setting, values};

/// Where uploaded files are kept.
#[derive(Clone, Debug)]
pub(crate) enum StorageSettings {
    /// Nowhere: nothing can be uploaded.
    Nowhere,
    /// In a folder.
    Disk(PathBuf),
    /// In a bucket.
    S3(S3Settings),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Disk,
    S3,
}

/// The settings of a bucket.
const OF_S3: [Setting; 4] = [
    Setting::StorageS3Url,
    Setting::StorageS3Region,
    Setting::StorageS3AccessKeyId,
    Setting::StorageS3SecretAccessKey,
];

/// Where files are kept. A server that owns its data keeps them beside it, unless it is told otherwise; several nodes have to be told.
pub(super) fn read(
    given: &BTreeMap<Setting, Given>,
    data_dir: &Path,
    owns_data: bool,
) -> Result<StorageSettings, String> {
    let default = if owns_data { Kind::Disk } else { Kind::None };
    let kind = setting(given, Setting::StorageKind, kind)?.unwrap_or(default);
    if kind != Kind::S3
        && let Some(other) = OF_S3.iter().find_map(|key| given.get(key))
    {
        return Err(format!("{}: is for storage.kind s3 alone", other.place));
    }
    let directory = setting(given, Setting::StorageDirectory, values::path)?;
    match kind {
        Kind::None => Ok(StorageSettings::Nowhere),
        Kind::Disk => {
            Ok(StorageSettings::Disk(directory.unwrap_or_else(|| data_dir.join("files"))))
        }
        Kind::S3 => Ok(StorageSettings::S3(S3Settings {
            url: needed(given, Setting::StorageS3Url, url)?,
            region: setting(given, Setting::StorageS3Region, word)?
                .unwrap_or_else(|| "us-east-1".to_owned()),
            access_key_id: needed(given, Setting::StorageS3AccessKeyId, word)?,
            secret_access_key: Secret::new(needed(
                given,
                Setting::StorageS3SecretAccessKey,
                secret,
            )?),
        })),
    }
}

/// A setting that files in a bucket cannot do without.
fn needed<T>(
    given: &BTreeMap<Setting, Given>,
    key: Setting,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, String> {
    setting(given, key, parse)?.ok_or_else(|| {
        let named = given.get(&Setting::StorageKind).map(|kind| kind.place.to_string());
        let place = named.unwrap_or_else(|| Setting::StorageKind.name().to_owned());
        format!("{place}: s3 needs {} too, such as by {}", key.name(), key.variable())
    })
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "none" => Ok(Kind::None),
        "disk" => Ok(Kind::Disk),
        "s3" => Ok(Kind::S3),
        _ => Err(format!("{text:?} is no kind of storage; choose none, disk or s3")),
    }
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|_| "is not a URL such as https://minio.example.com/bucket".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end after the bucket".to_owned());
    }
    // Signatures are made over the path as it is sent.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~/".contains(c);
    if !url.path().chars().all(is_plain) {
        return Err("must name the bucket by letters, digits, hyphens and dots".to_owned());
    }
    Ok(url)
}

fn word(text: &str) -> Result<String, String> {
    let is_word = !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,".contains(&byte));
    if is_word { Ok(text.to_owned()) } else { Err("must be one word".to_owned()) }
}

/// It is never quoted.
fn secret(text: &str) -> Result<String, String> {
    let is_key =
        !text.is_empty() && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_key { Ok(text.to_owned()) } else { Err("is no key: it must be one word".to_owned()) }
}
