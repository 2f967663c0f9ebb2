//! The `prompt` parameter (OpenID Connect Core §3.1.2.1).

use serde::{Deserialize, Serialize};

use crate::error::OAuthError;

/// Which pages the client asks for. `none` stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompts {
    /// No page at all: answer or fail.
    pub none: bool,
    /// Authenticate again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Let the user choose an account.
    pub select_account: bool,
}

impl Prompts {
    /// The values, as discovery lists them.
    pub const SUPPORTED: [&str; 4] = ["none", "login", "consent", "select_account"];

    /// Parses a space-separated list.
    ///
    /// # Errors
    /// `invalid_request` for an unknown value, or for `none` together with another.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut prompts = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompts.none = true,
                "login" => prompts.login = true,
                "consent" => prompts.consent = true,
                "select_account" => prompts.select_account = true,
                _ => return Err(OAuthError::invalid_request("prompt value is not supported")),
            }
        }
        if prompts.none && (prompts.login || prompts.consent || prompts.select_account) {
            return Err(OAuthError::invalid_request("prompt none must be used alone"));
        }
        Ok(prompts)
    }
}
