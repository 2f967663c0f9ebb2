//! Token revocation (RFC 7009). The request is a [`crate::introspection::PresentedToken`]; the answer to every
//! well-formed one is 200 with an empty body.

use crate::client::Client;

/// What revoking a token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Revoke the whole grant: every token it issued (RFC 7009 §2.1).
    Grant,
    /// Do nothing and say so to nobody: the token is unknown or another client's.
    Nothing,
}

/// Decides on a token; `token_client_id` is whom it was issued to, `None` when it is unknown.
#[must_use]
pub fn decide(client: &Client, token_client_id: Option<&str>) -> Revocation {
    // RFC 7009 §2.1: only the client the token was issued to.
    if token_client_id == Some(client.client_id.as_str()) {
        Revocation::Grant
    } else {
        Revocation::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ApplicationType;

    #[test]
    fn only_the_client_a_token_was_issued_to_revokes_it() {
        let client = Client::new("app", ApplicationType::Traditional);
        assert_eq!(decide(&client, Some("app")), Revocation::Grant);
        assert_eq!(decide(&client, Some("other")), Revocation::Nothing);
        assert_eq!(decide(&client, None), Revocation::Nothing);
    }
}
