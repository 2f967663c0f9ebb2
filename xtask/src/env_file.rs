//! The environment file the example reads.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::Result;

const MARK: &str = "# Written by `cargo xtask demo` and overwritten by the next run. \
                    To keep your own values, delete this line.";

/// Writes `values` to `preferred`, or to `fallback` when `preferred` holds somebody's own values;
/// says where. Both are readable by their owner only: they hold secrets.
pub(crate) fn write(
    preferred: &Path,
    fallback: &Path,
    values: &[(&str, String)],
) -> Result<PathBuf> {
    let path = if is_hand_written(preferred)? { fallback } else { preferred };
    let failed = |error: std::io::Error| format!("{} cannot be written: {error}.", path.display());
    // Replaced rather than rewritten, so that an older file's looser permissions do not stay.
    let fresh = path.with_extension("new");
    drop(fs::remove_file(&fresh));
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| file.write_all(render(values)?.as_bytes()))
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(failed)?;
    Ok(path.to_owned())
}

fn is_hand_written(path: &Path) -> Result<bool> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(!text.starts_with(MARK)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{} cannot be read: {error}.", path.display())),
    }
}

fn render(values: &[(&str, String)]) -> std::io::Result<String> {
    let mut text = format!("{MARK}\n");
    for (name, value) in values {
        // The readers of such files disagree on quoting; the demo's values need none.
        if value.contains(|c: char| c.is_control() || c.is_whitespace() || "\"'`$\\#".contains(c)) {
            return Err(std::io::Error::other(format!("the value of {name} needs quoting")));
        }
        text.push_str(&format!("{name}={value}\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::process::TemporaryFolder;

    fn values(secret: &str) -> Vec<(&'static str, String)> {
        vec![("LOGTO_APP_ID", "app".to_owned()), ("LOGTO_APP_SECRET", secret.to_owned())]
    }

    #[test]
    fn its_own_file_is_overwritten_and_kept_private() {
        let folder = TemporaryFolder::create("env").expect("a folder");
        let (own, other) = (folder.path().join(".env.local"), folder.path().join("other"));
        for secret in ["first", "second"] {
            assert_eq!(write(&own, &other, &values(secret)), Ok(own.clone()));
        }
        let text = fs::read_to_string(&own).expect("the file");
        assert!(text.ends_with("\nLOGTO_APP_ID=app\nLOGTO_APP_SECRET=second\n"), "{text}");
        let mode = fs::metadata(&own).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!other.exists());
    }

    #[test]
    fn a_hand_written_file_is_left_alone() {
        let folder = TemporaryFolder::create("env").expect("a folder");
        let (own, other) = (folder.path().join(".env.local"), folder.path().join("other"));
        fs::write(&own, "LOGTO_APP_ID=mine\n").expect("a file");
        assert_eq!(write(&own, &other, &values("secret")), Ok(other.clone()));
        assert_eq!(fs::read_to_string(&own).expect("the file"), "LOGTO_APP_ID=mine\n");
        assert!(fs::read_to_string(&other).expect("the file").contains("LOGTO_APP_SECRET=secret"));
    }

    #[test]
    fn a_value_that_could_be_read_in_two_ways_is_refused() {
        let folder = TemporaryFolder::create("env").expect("a folder");
        let own = folder.path().join(".env.local");
        for value in ["two words", "a\nB=c", "$HOME", "x#y", "'q'"] {
            let error = write(&own, &own, &values(value)).expect_err(value);
            assert!(error.contains("LOGTO_APP_SECRET"), "{error}");
        }
        assert!(!own.exists());
    }
}
