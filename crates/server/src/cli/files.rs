//! The flags of `trinco export` and `trinco apply`, and the files they read and write.

use std::fs::{File, Permissions};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use trinco_core::declared::LARGEST_FILE;

use super::Failure;
use crate::command::{ApplyFile, ExportTenant, Part};

#[derive(Args)]
pub(super) struct ExportFlags {
    /// The tenant, default or admin.
    #[arg(long, default_value = "default", value_name = "ID")]
    tenant: String,
    /// What to write besides the configuration, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    with: Vec<Part>,
}

#[derive(Args)]
pub(super) struct ApplyFlags {
    /// The file; - for standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// The tenant, default or admin.
    #[arg(long, default_value = "default", value_name = "ID")]
    tenant: String,
    /// Only print what would change. Exit code 0 when nothing would, 2 when something would.
    #[arg(long)]
    dry_run: bool,
    /// Delete what is not in the file, of the kinds that are in it.
    #[arg(long)]
    prune: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl ExportFlags {
    pub(super) fn understand(self) -> ExportTenant {
        ExportTenant { tenant: self.tenant, with: self.with }
    }
}

impl ApplyFlags {
    pub(super) fn understand(self) -> Result<ApplyFile, Failure> {
        let text = read_file(&self.file)
            .map_err(|error| format!("the file {} cannot be read: {error}", self.file.display()))
            .map_err(Failure::Failed)?;
        Ok(ApplyFile {
            tenant: self.tenant,
            text,
            dry_run: self.dry_run,
            prune: self.prune,
            json: self.json,
        })
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let most = LARGEST_FILE as u64 + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_string(&mut text)?;
    } else {
        File::open(path)?.take(most).read_to_string(&mut text)?;
    }
    if text.len() as u64 == most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 32 MiB"));
    }
    Ok(text)
}

/// When standard output is a file, it becomes one that only its owner reads. The shell made it, and it is empty yet.
pub(super) fn keep_to_owner() -> io::Result<()> {
    let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}
