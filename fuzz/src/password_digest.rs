//! Hashes of passwords that were made elsewhere.

use trinco_core::passwords::{PasswordAlgorithm, PasswordDigest};

use crate::check;

/// Reads the input as a digest after the name of its algorithm, or of Argon2id.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    if let Err(error) = PasswordDigest::imported(PasswordAlgorithm::Legacy, text) {
        let code = error.code().expect("a refusal");
        assert!(code.starts_with("password.") || code == "guard.invalid_input", "{code}");
    }
    let Some(digest) = PasswordDigest::from_text(text) else { return false };
    assert!(digest.as_str().len() <= 256);
    assert!(!format!("{digest:?}").contains(digest.as_str()), "it does not print");
    assert_eq!(PasswordDigest::from_text(&digest.to_text()).as_ref(), Some(&digest));
    let name = digest.algorithm().as_str();
    let stored = PasswordDigest::from_stored(name, digest.as_str().to_owned());
    assert_eq!(stored.expect("a known algorithm"), digest);
    true
}
