//! Errors of use cases as sentences for a terminal.

use trinco_core::{Error, Refusal};
use trinco_locales::{Language, error_message};

pub(super) fn sentence(error: &Error) -> String {
    match error {
        Error::Refused(refusal) => refused(refusal),
        other => other.to_string(),
    }
}

fn refused(refusal: &Refusal) -> String {
    let value = |name: &str| {
        refusal.values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    };
    // What an API's caller reads from the members of the answer, a person reads from the sentence.
    if let (Some(path), Some(rule)) = (value("path"), value("rule")) {
        let field = path.rsplit('.').next().unwrap_or(path);
        return format!("{field} {rule}");
    }
    let values: Vec<(&str, &str)> =
        refusal.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    error_message(Language::En, refusal.code, &values).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_names_its_field() {
        let error =
            Error::invalid_field("oidcClientMetadata.redirectUris", "must hold absolute URIs");
        assert_eq!(sentence(&error), "redirectUris must hold absolute URIs");
    }

    #[test]
    fn a_refusal_reads_like_a_sentence() {
        let text = sentence(&Error::refused("user.username_already_in_use"));
        assert!(text.contains(' ') && !text.contains("username_already_in_use"), "{text}");
    }
}
