//! Files in a folder of this machine.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::key::Key;

/// A folder that files are kept in.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder is made when the first file is kept.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A key is made of names that no file system reads anything into.
    fn path(&self, key: &Key) -> PathBuf {
        key.segments().fold(self.root.clone(), |path, segment| path.join(segment))
    }

    /// A file is there whole or not at all, and once this returns it is on the disk.
    pub(super) async fn put(&self, key: &Key, bytes: &[u8], suffix: &str) -> io::Result<()> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).await?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{suffix}.part"));
        let part = folder.join(name);
        let written = write(&part, bytes).await;
        let renamed = match written {
            Ok(()) => fs::rename(&part, &path).await,
            Err(error) => Err(error),
        };
        if renamed.is_err() {
            // What is left of it is of no use; whether it can be removed changes nothing.
            let _ = fs::remove_file(&part).await;
        }
        renamed
    }

    pub(super) async fn get(&self, key: &Key) -> io::Result<Option<Bytes>> {
        match fs::read(self.path(key)).await {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

async fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path).await?;
    file.write_all(bytes).await?;
    file.sync_all().await
}
