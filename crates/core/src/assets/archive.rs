//! Reading an uploaded archive of pages: what is in it is checked whole before anything of it is kept.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use zip::ZipArchive;

/// Files of an archive.
const MOST_FILES: usize = 2000;
/// Entries of an archive, folders and all.
const MOST_ENTRIES: usize = 5000;
/// Bytes of a file when it is unpacked.
const LARGEST_FILE: u64 = super::LARGEST_FILE as u64;
/// Bytes of all files when they are unpacked.
const LARGEST_ALL: u64 = 60 * 1024 * 1024;
/// The page that others are reached from.
const INDEX: &str = "index.html";

/// The files of an archive by their paths. What systems put beside them is left out.
///
/// # Errors
/// What is wrong with the archive, as a phrase.
pub(super) fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let unreadable =
        |error: zip::result::ZipError| format!("is no archive that can be read: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    if archive.len() > MOST_ENTRIES {
        return Err(format!("has more than {MOST_ENTRIES} entries"));
    }
    let mut files = BTreeMap::new();
    let mut left = LARGEST_ALL;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(unreadable)?;
        let path = entry.name().map_err(unreadable)?.into_owned();
        if entry.is_dir() || is_of_a_system(&path) {
            continue;
        }
        if !entry.is_file() {
            return Err(format!("holds {path:?}, which is no file"));
        }
        if entry.encrypted() {
            return Err(format!("holds {path:?}, which is encrypted"));
        }
        check_path(&path)?;
        if files.len() == MOST_FILES {
            return Err(format!("holds more than {MOST_FILES} files"));
        }
        // What an entry says of its size is a claim: what comes out is counted.
        let most = LARGEST_FILE.min(left);
        let mut unpacked = Vec::new();
        entry
            .take(most + 1)
            .read_to_end(&mut unpacked)
            .map_err(|error| format!("holds {path:?}, which cannot be unpacked: {error}"))?;
        if unpacked.len() as u64 > LARGEST_FILE {
            return Err(format!("holds {path:?}, which is larger than 10 MiB"));
        }
        left = left.checked_sub(unpacked.len() as u64).ok_or("unpacks to more than 60 MiB")?;
        if files.insert(path.clone(), unpacked).is_some() {
            return Err(format!("holds {path:?} twice"));
        }
    }
    if !files.contains_key(INDEX) {
        return Err("has no index.html at its top".to_owned());
    }
    Ok(files)
}

fn is_of_a_system(path: &str) -> bool {
    path.starts_with("__MACOSX/")
        || path.rsplit('/').next().is_some_and(|name| name == ".DS_Store" || name == "Thumbs.db")
}

fn check_path(path: &str) -> Result<(), String> {
    super::Key::new(&[path]).map(drop).map_err(|rule| format!("holds {path:?}, whose path {rule}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (path, bytes) in files {
            writer.start_file(*path, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn files_come_out_under_their_paths() {
        let files = [
            ("index.html", b"<!doctype html>".as_slice()),
            ("assets/app-1.2.js", b"go()"),
            ("__MACOSX/._index.html", b"x"),
            ("assets/.DS_Store", b"x"),
        ];
        let unpacked = unpack(&archive(&files)).unwrap();
        assert_eq!(unpacked.keys().collect::<Vec<_>>(), ["assets/app-1.2.js", "index.html"]);
        assert_eq!(unpacked["assets/app-1.2.js"], b"go()");
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in ["../x", "/etc/passwd", "a/../../x", "a\\..\\x", ".htaccess", "a//b", "ç.html"]
        {
            let refused = unpack(&archive(&[("index.html", b"x"), (path, b"x")])).unwrap_err();
            assert!(refused.contains("whose path"), "{path}: {refused}");
        }
    }

    #[test]
    fn what_grows_beyond_the_limits_is_refused_without_being_unpacked() {
        let zeros = vec![0; LARGEST_FILE as usize + 1];
        let one = archive(&[("index.html", b"x"), ("a.js", &zeros)]);
        assert!(one.len() < 64 * 1024, "a bomb is small: {}", one.len());
        assert!(unpack(&one).unwrap_err().contains("larger than 10 MiB"));
        let names: Vec<String> = (0..7).map(|number| format!("{number}.js")).collect();
        let mut files = vec![("index.html", b"x".as_slice())];
        files.extend(names.iter().map(|name| (name.as_str(), &zeros[1..])));
        assert!(unpack(&archive(&files)).unwrap_err().contains("more than 60 MiB"));
        let names: Vec<String> = (0..MOST_FILES).map(|number| format!("{number}.js")).collect();
        let mut files = vec![("index.html", b"x".as_slice())];
        files.extend(names.iter().map(|name| (name.as_str(), b"".as_slice())));
        assert!(unpack(&archive(&files)).unwrap_err().contains("more than 2000 files"));
    }

    #[test]
    fn what_is_no_archive_or_has_no_first_page_is_refused() {
        assert!(unpack(b"PK and no more").unwrap_err().contains("no archive"));
        assert!(
            unpack(&archive(&[("pages/index.html", b"x")])).unwrap_err().contains("index.html")
        );
        let mut damaged = archive(&[("index.html", b"hello hello hello hello")]);
        damaged[35] ^= 0xff;
        damaged[45] ^= 0xff;
        assert!(unpack(&damaged).is_err());
    }
}
