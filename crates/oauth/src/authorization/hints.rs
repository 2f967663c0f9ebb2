//! Parameters that only shape the sign-in pages. An unknown value is ignored, one that is too long is refused.

use serde::{Deserialize, Serialize};

use crate::{error::OAuthError, params::Params};

/// What the sign-in pages may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hints {
    /// Fills in the first field (OpenID Connect Core §3.1.2.1).
    pub login_hint: Option<String>,
    /// Languages by preference (OpenID Connect Core §3.1.2.1).
    pub ui_locales: Vec<String>,
    /// Which page comes first.
    pub first_screen: Option<FirstScreen>,
    /// The identifiers the first page asks for.
    pub identifier: Vec<Identifier>,
    /// Skip the first page and go to this provider.
    pub direct_sign_in: Option<DirectSignIn>,
    /// Whose branding the pages carry.
    pub organization_id: Option<String>,
    /// A one-time token (magic link) to sign in with.
    pub one_time_token: Option<String>,
}

impl Hints {
    /// Reads the hints of a request.
    ///
    /// # Errors
    /// `invalid_request` for a value that is too long.
    pub(super) fn parse(params: &Params) -> Result<Self, OAuthError> {
        let words = |text: Option<&str>| -> Vec<String> {
            text.unwrap_or_default().split_ascii_whitespace().map(Into::into).collect()
        };
        let first_screen = params.limited("first_screen", 64)?;
        // The older name is read only when the newer one says nothing.
        let first_screen = first_screen.or(params.limited("interaction_mode", 64)?);
        Ok(Self {
            login_hint: params.limited("login_hint", 256)?.map(Into::into),
            ui_locales: words(params.limited("ui_locales", 256)?),
            first_screen: first_screen.and_then(FirstScreen::parse),
            identifier: words(params.limited("identifier", 64)?)
                .iter()
                .filter_map(|word| Identifier::parse(word))
                .collect(),
            direct_sign_in: params.limited("direct_sign_in", 256)?.and_then(DirectSignIn::parse),
            organization_id: params.limited("organization_id", 64)?.map(Into::into),
            one_time_token: params.limited("one_time_token", 256)?.map(Into::into),
        })
    }
}

/// The page a sign-in starts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstScreen {
    /// All ways to sign in.
    SignIn,
    /// All ways to register.
    Register,
    /// Forgotten password.
    ResetPassword,
    /// Sign in with the identifiers asked for only.
    IdentifierSignIn,
    /// Register with the identifiers asked for only.
    IdentifierRegister,
    /// Enterprise single sign-on.
    SingleSignOn,
}

impl FirstScreen {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "sign_in" | "signIn" => Self::SignIn,
            "register" | "signUp" => Self::Register,
            "reset_password" => Self::ResetPassword,
            "identifier:sign_in" => Self::IdentifierSignIn,
            "identifier:register" => Self::IdentifierRegister,
            "single_sign_on" => Self::SingleSignOn,
            _ => return None,
        })
    }
}

/// What a user is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identifier {
    /// User name.
    Username,
    /// E-mail address.
    Email,
    /// Phone number.
    Phone,
}

impl Identifier {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "username" => Self::Username,
            "email" => Self::Email,
            "phone" => Self::Phone,
            _ => return None,
        })
    }
}

/// A provider to go to at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectSignIn {
    /// A social connector, by its target: `social:github`.
    Social(String),
    /// An enterprise connector, by its id: `sso:…`.
    Sso(String),
}

impl DirectSignIn {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            (_, "") => None,
            ("social", target) => Some(Self::Social(target.to_owned())),
            ("sso", id) => Some(Self::Sso(id.to_owned())),
            _ => None,
        }
    }
}
