//! Files that administrators and users upload: pictures, and pages of a tenant's own.
//!
//! They are kept in a folder of this machine or in a bucket, whichever the operator has set up; nodes that share a database share a
//! bucket. A name is random and never used again, so that what is served under it can be kept for ever.

mod archive;
mod disk;
mod key;
mod kind;
mod s3;

use bytes::Bytes;

pub use disk::Disk;
pub use key::Key;
pub use kind::ImageKind;
pub use s3::{S3, S3Settings};

use crate::audit::{self, Entry, Outcome};
use crate::{Alphabet, Error, Result, Tenant, tenants};

/// Bytes of a picture.
pub const LARGEST_IMAGE: usize = 8 * 1024 * 1024;
/// Bytes of an archive of pages.
pub const LARGEST_ARCHIVE: usize = 20 * 1024 * 1024;
/// Bytes of the largest file that is kept: one of an archive.
pub const LARGEST_FILE: usize = 10 * 1024 * 1024;
/// Where pictures are served, below the tenant's origin.
pub const IMAGES: &str = "/user-assets";
/// Characters of a picture's name before its extension.
const NAME_LENGTH: usize = 21;
/// Characters of the id of a tenant's own pages.
const PAGES_ID_LENGTH: usize = 8;

/// Where files are kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// A folder of this machine.
    Disk(Disk),
    /// A bucket.
    S3(Box<S3>),
}

impl Storage {
    async fn put(
        &self,
        tenant: &Tenant,
        key: &Key,
        media_type: &'static str,
        bytes: Bytes,
    ) -> Result<()> {
        let kept = match self {
            Self::Disk(disk) => {
                let put = disk.put(key, &bytes, &tenant.new_id()).await;
                put.map_err(|error| error.to_string())
            }
            Self::S3(bucket) => bucket.put(key, media_type, bytes, tenant.now_ms()).await,
        };
        kept.map_err(|problem| {
            tracing::error!(tenant = tenant.id(), %key, problem, "a file could not be kept");
            Error::refused("storage.upload_error")
        })
    }

    async fn get(&self, tenant: &Tenant, key: &Key) -> Result<Option<Bytes>> {
        let found = match self {
            Self::Disk(disk) => disk.get(key).await.map_err(|error| error.to_string()),
            Self::S3(bucket) => bucket.get(key, tenant.now_ms()).await,
        };
        found.map_err(|problem| {
            tracing::error!(tenant = tenant.id(), %key, problem, "a file could not be read");
            Error::refused("storage.download_error")
        })
    }
}

/// Whether files can be kept here.
pub fn is_ready(tenant: &Tenant) -> bool {
    tenant.storage().is_some()
}

/// Keeps a picture, and returns the URL it is served at.
///
/// # Errors
/// `storage.not_configured`; `guard.file_size_exceeded`; `guard.mime_type_not_allowed` when it is no picture of a known kind;
/// `storage.upload_error`.
pub async fn upload_image(tenant: &Tenant, bytes: Bytes) -> Result<String> {
    let storage = storage(tenant)?;
    if bytes.len() > LARGEST_IMAGE {
        return Err(Error::refused("guard.file_size_exceeded"));
    }
    let kind =
        ImageKind::of(&bytes).ok_or_else(|| Error::refused("guard.mime_type_not_allowed"))?;
    let id = Alphabet::Id.random(tenant.randomness(), NAME_LENGTH);
    let name = format!("{id}.{}", kind.extension());
    let key = image_key(tenant, &name)?;
    let size = bytes.len() as u64;
    storage.put(tenant, &key, kind.media_type(), bytes).await?;
    let entry = Entry::new(tenant, "UserAsset.Create", Outcome::Success)
        .fact("name", name.as_str())
        .fact("bytes", size);
    audit::record(tenant, entry).await?;
    Ok(format!("{}{IMAGES}/{name}", tenant.origin().base()))
}

/// The picture of this name, and its kind.
///
/// # Errors
/// `storage.download_error`. A name that cannot be one names nothing.
pub async fn image(tenant: &Tenant, name: &str) -> Result<Option<(ImageKind, Bytes)>> {
    let Some(storage) = tenant.storage() else { return Ok(None) };
    let Some((id, extension)) = name.split_once('.') else { return Ok(None) };
    let is_id = id.len() == NAME_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let Some(kind) = ImageKind::from_extension(extension).filter(|_| is_id) else {
        return Ok(None);
    };
    let key = image_key(tenant, name)?;
    Ok(storage.get(tenant, &key).await?.map(|bytes| (kind, bytes)))
}

/// Keeps the tenant's own sign-in pages, which come as an archive, and returns their id for the sign-in settings.
///
/// # Errors
/// `guard.not_allowed_for_admin_tenant`; `storage.not_configured`; `guard.file_size_exceeded`; `guard.invalid_input` when the archive
/// is not one that can be used; `storage.upload_error`.
pub async fn upload_pages(tenant: &Tenant, bytes: Bytes) -> Result<String> {
    // Pages that do not work would lock out those who could correct them.
    if tenant.id() == tenants::ADMIN {
        return Err(Error::refused("guard.not_allowed_for_admin_tenant"));
    }
    let storage = storage(tenant)?;
    if bytes.len() > LARGEST_ARCHIVE {
        return Err(Error::refused("guard.file_size_exceeded"));
    }
    let unpacking = tokio::task::spawn_blocking(move || archive::unpack(&bytes));
    let files = unpacking
        .await
        .map_err(|_| Error::Internal("an archive could not be unpacked".to_owned()))?
        .map_err(|rule| Error::invalid_field("file", &rule))?;
    let id = Alphabet::Id.random(tenant.randomness(), PAGES_ID_LENGTH);
    let count = files.len() as u64;
    for (path, bytes) in files {
        let key = key(&[tenant.id(), "pages", &id, &path])?;
        storage.put(tenant, &key, media_type(&path), bytes.into()).await?;
    }
    let entry = Entry::new(tenant, "CustomUiAssets.Create", Outcome::Success)
        .fact("id", id.as_str())
        .fact("files", count);
    audit::record(tenant, entry).await?;
    Ok(id)
}

/// What a file of the tenant's own pages is served as, by its name.
fn media_type(path: &str) -> &'static str {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        other => ImageKind::from_extension(if other == "jpeg" { "jpg" } else { other })
            .map_or("application/octet-stream", ImageKind::media_type),
    }
}

fn storage(tenant: &Tenant) -> Result<&Storage> {
    tenant.storage().ok_or_else(|| Error::refused("storage.not_configured"))
}

fn image_key(tenant: &Tenant, name: &str) -> Result<Key> {
    key(&[tenant.id(), "images", name])
}

fn key(parts: &[&str]) -> Result<Key> {
    Key::new(parts).map_err(|rule| Error::Internal(format!("the name of a file {rule}")))
}
