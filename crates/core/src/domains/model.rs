//! What an own domain is. The serde shape is the shape of the Management API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Files of a domain.
const MOST_FILES: usize = 10;
/// Bytes of such a file.
const LARGEST_FILE: usize = 16 * 1024;
/// Characters of the path of such a file.
const LONGEST_PATH: usize = 256;

/// A domain of the tenant's own, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// 21 characters.
    pub id: String,
    /// A host name, in lower case.
    pub domain: String,
    /// How far it has come.
    pub status: DomainStatus,
    /// What is missing.
    pub error_message: Option<String>,
    /// What to enter where the domain's names are kept.
    pub dns_records: Vec<DnsRecord>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// How far a domain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DomainStatus {
    /// It does not lead here yet.
    PendingVerification,
    /// It leads here, but not by https.
    PendingSsl,
    /// It leads here by https.
    Active,
    /// It cannot be looked at.
    Error,
}

impl DomainStatus {
    /// As it is stored and as the API says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingVerification => "PendingVerification",
            Self::PendingSsl => "PendingSsl",
            Self::Active => "Active",
            Self::Error => "Error",
        }
    }

    pub(super) fn from_stored(text: &str) -> Result<Self> {
        [Self::PendingVerification, Self::PendingSsl, Self::Active, Self::Error]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::Internal(format!("a stored domain has the status {text}")))
    }
}

/// A record of the domain name system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DnsRecord {
    /// `CNAME`, `A` or `AAAA`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name that gets it.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// A host name of at least three labels, in lower case (RFC 1123 §2.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct DomainName(String);

impl DomainName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DomainName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let is_label = |label: &str| {
            matches!(label.len(), 1..=63)
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let labels = name.split('.').count();
        let is_address = name
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if name.len() > 253 || labels < 3 || is_address || !name.split('.').all(is_label) {
            return Err("must be a host name of at least three parts, such as auth.example.com");
        }
        Ok(Self(name))
    }
}

/// A file by which somebody else makes sure whose domain it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationFile {
    /// A name with an extension at the top of the domain, or a path below `/.well-known/`.
    pub path: FilePath,
    /// What is in it: up to 16 KiB of text.
    pub content: String,
    /// What it is served as.
    pub content_type: FileType,
}

/// What a file is served as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FileType {
    #[serde(rename = "text/plain")]
    Text,
    #[serde(rename = "application/json")]
    Json,
}

impl FileType {
    /// The media type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// The path of a verification file: none that means something here already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct FilePath(String);

impl FilePath {
    /// The path, with its slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FilePath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let is_below =
            text.strip_prefix("/.well-known/").is_some_and(|rest| rest.split('/').all(is_name));
        let is_at_top = text
            .strip_prefix('/')
            .is_some_and(|name| is_name(name) && name.contains('.') && !name.ends_with('.'));
        if text.len() <= LONGEST_PATH && (is_below || is_at_top) {
            Ok(Self(text))
        } else {
            Err(
                "must be a file name with an extension such as /verify.txt, or a path below /.well-known/",
            )
        }
    }
}

/// The files of a domain, as a body of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<VerificationFile>")]
pub struct VerificationFiles(pub Vec<VerificationFile>);

impl TryFrom<Vec<VerificationFile>> for VerificationFiles {
    type Error = String;

    fn try_from(files: Vec<VerificationFile>) -> Result<Self, String> {
        if files.len() > MOST_FILES {
            return Err(format!("has more than {MOST_FILES} files"));
        }
        for (index, file) in files.iter().enumerate() {
            let path = file.path.as_str();
            if files[..index].iter().any(|other| other.path == file.path) {
                return Err(format!("has {path} twice"));
            }
            if file.content.len() > LARGEST_FILE {
                return Err(format!("has {path} with more than 16 KiB"));
            }
            let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(&file.content).is_ok();
            if file.content_type == FileType::Json && !is_json() {
                return Err(format!("has {path}, which is no JSON"));
            }
        }
        Ok(Self(files))
    }
}

/// What became of a cleanup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cleanup {
    /// How many domains there were.
    pub scanned_count: u64,
    /// How many were deleted.
    pub deleted_count: u64,
    /// How many lead here and stay.
    pub skipped_active_count: u64,
    /// How many could not be deleted.
    pub failed_count: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_domain_is_a_host_name_of_three_parts() {
        let read = |text: &str| DomainName::try_from(text.to_owned());
        assert_eq!(read("Auth.Example.COM.").unwrap().as_str(), "auth.example.com");
        assert!(read("a.b-c.co.uk").is_ok());
        let long = format!("{}.example.com", "a".repeat(64));
        for text in [
            "",
            "example.com",
            "a..com",
            "-a.b.com",
            "a_b.c.com",
            "1.2.3.4",
            "a.b.c/d",
            "ü.b.com",
            &long,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn files_stand_at_the_top_or_below_well_known() {
        for path in [
            "/google123.html",
            "/MP_verify.txt",
            "/.well-known/acme-challenge/abc_1",
            "/.well-known/x",
        ] {
            assert!(FilePath::try_from(path.to_owned()).is_ok(), "{path}");
        }
        for path in [
            "",
            "/",
            "/x",
            "x.txt",
            "/a/b.txt",
            "/../x.txt",
            "/.env",
            "/a%2e.txt",
            "/.well-known/",
            "/.well-known/../x",
            "/a?.txt",
        ] {
            assert!(FilePath::try_from(path.to_owned()).is_err(), "{path}");
        }
    }

    #[test]
    fn files_are_few_and_small_and_what_they_say_they_are() {
        let file = |path: &str, content: &str, kind: &str| json!({ "path": path, "content": content, "contentType": kind });
        let read = |files| serde_json::from_value::<VerificationFiles>(files);
        assert!(
            read(json!([
                file("/a.txt", "x", "text/plain"),
                file("/a.json", "{}", "application/json")
            ]))
            .is_ok()
        );
        let many: Vec<_> = (0..11).map(|n| file(&format!("/{n}.txt"), "x", "text/plain")).collect();
        for wrong in [
            json!([file("/a.json", "{", "application/json")]),
            json!([file("/a.txt", "x", "text/plain"), file("/a.txt", "y", "text/plain")]),
            json!([file("/a.txt", &"x".repeat(16 * 1024 + 1), "text/plain")]),
            json!([file("/a.txt", "x", "text/html")]),
            json!(many),
        ] {
            assert!(read(wrong).is_err());
        }
    }
}
