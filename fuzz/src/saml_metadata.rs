//! What a SAML identity provider says of itself.

use trinco_connectors::saml::{METADATA_LIMIT, parse};

/// Reads the input as metadata.
pub fn run(data: &[u8]) -> bool {
    let Ok(xml) = std::str::from_utf8(data) else { return false };
    match parse(xml) {
        Ok(found) => {
            assert!(xml.len() <= METADATA_LIMIT);
            assert!(!xml.contains("<!DOCTYPE"), "a document type was read");
            assert!(!found.entity_id.is_empty() && !found.sign_in_endpoint.is_empty());
            assert!(!found.certificates.is_empty());
            // Nothing grows: each of these stands in the document, in no fewer characters.
            let length: usize = found.certificates.iter().map(Vec::len).sum();
            let names: usize = found.name_id_formats.iter().map(String::len).sum();
            assert!(length + names + found.entity_id.len() <= 3 * xml.len());
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}
