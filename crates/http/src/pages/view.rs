//! What each page shows: plain values, filled by a handler. Messages arrive already in the
//! reader's language; everything else is taken from the locale files by the templates.

mod device;

use trinco_locales::{Direction, Language, Texts};

pub use device::{DeviceCode, DeviceConfirm};

/// Name of the hidden field that carries the anti-forgery token.
pub const XSRF_FIELD: &str = "xsrf";

/// What every page has around its content.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The reader's language.
    pub language: Language,
    /// The texts in it.
    pub texts: Texts,
    /// The document's title; the page's heading when empty.
    pub title: String,
    /// Whose page it is.
    pub brand: Brand,
    /// The nonce of this response's Content-Security-Policy.
    pub csp_nonce: String,
    /// The direction of the page.
    pub dir: Direction,
    /// The tenant's own CSS, after everything else.
    pub custom_css: Option<String>,
}

impl Shell {
    /// A page in `language` for `brand`, titled by its heading, without custom CSS.
    pub fn new(language: Language, brand: Brand, csp_nonce: String) -> Self {
        Self {
            language,
            texts: Texts::of(language),
            title: String::new(),
            brand,
            csp_nonce,
            dir: language.direction(),
            custom_css: None,
        }
    }
}

/// How a tenant presents itself. [`Brand::default`] is Trinco's own.
#[derive(Clone, Debug, Default)]
pub struct Brand {
    /// `#rrggbb`; azulejo blue when empty or malformed.
    pub primary_color: String,
    /// `#rrggbb` for the dark theme; derived from `primary_color` when empty or malformed.
    pub dark_primary_color: String,
    /// Whether the pages follow a reader who prefers a dark theme.
    pub dark_mode_enabled: bool,
    /// The logo; the mark and `display_name` stand in for it.
    pub logo_url: Option<String>,
    /// The logo for the dark theme; `logo_url` when absent.
    pub dark_logo_url: Option<String>,
    /// The icon in the browser's tab.
    pub favicon_url: Option<String>,
    /// The tenant's name; `Trinco` when empty.
    pub display_name: String,
    /// Leaves out the mark and the line that names Trinco.
    pub hide_branding: bool,
    /// Terms of use.
    pub terms_url: Option<String>,
    /// Privacy policy.
    pub privacy_url: Option<String>,
}

/// Which identifiers the one field accepts; at least one is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identifiers {
    /// A username.
    pub username: bool,
    /// An email address.
    pub email: bool,
    /// A phone number.
    pub phone: bool,
}

impl Identifiers {
    /// The last part of the locale keys `identifier.…` and `missing.identifier.…`.
    pub const fn key(self) -> &'static str {
        match (self.username, self.email, self.phone) {
            (true, true, true) => "username_email_phone",
            (true, true, false) => "username_email",
            (true, false, true) => "username_phone",
            (false, true, true) => "email_phone",
            (false, true, false) => "email",
            (false, false, true) => "phone",
            (_, false, false) => "username",
        }
    }

    /// HTML's `inputmode`: which keyboard a phone shows.
    pub const fn inputmode(self) -> &'static str {
        match (self.username, self.email, self.phone) {
            (false, false, true) => "tel",
            (false, true, false) | (true, true, _) => "email",
            _ => "text",
        }
    }
}

/// A field's state after a submission.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// What was typed; never set for a password.
    pub value: String,
    /// What is wrong with it, as a sentence.
    pub error: Option<String>,
}

/// Identifier and password on one page. Posts `identifier`, `password` and [`XSRF_FIELD`].
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Where the form goes, `app_id` and all.
    pub action: String,
    /// The anti-forgery token.
    pub xsrf: String,
    /// The application's name, if it has one to show.
    pub app_name: Option<String>,
    /// What can be typed into the first field.
    pub identifiers: Identifiers,
    /// The first field.
    pub identifier: Field,
    /// What is wrong with the password, as a sentence.
    pub password_error: Option<String>,
    /// What is wrong with the whole, such as wrong credentials.
    pub form_error: Option<String>,
    /// The register page, where creating an account is allowed.
    pub register_href: Option<String>,
}

impl SignIn {
    /// The first field with an error, else the first that is empty.
    pub(crate) fn focuses_password(&self) -> bool {
        self.identifier.error.is_none()
            && (self.password_error.is_some() || !self.identifier.value.is_empty())
    }
}

/// A new account. Posts `identifier` (a username), `password` and [`XSRF_FIELD`].
#[derive(Clone, Debug)]
pub struct Register {
    /// Where the form goes, `app_id` and all.
    pub action: String,
    /// The anti-forgery token.
    pub xsrf: String,
    /// The application's name, if it has one to show.
    pub app_name: Option<String>,
    /// The username field.
    pub username: Field,
    /// What is wrong with the password, as a sentence.
    pub password_error: Option<String>,
    /// What is wrong with the whole.
    pub form_error: Option<String>,
    /// What the password has to meet, in the order shown.
    pub requirements: Vec<Requirement>,
    /// The sign-in page.
    pub sign_in_href: String,
}

impl Register {
    /// The first field with an error, else the first that is empty.
    pub(crate) fn focuses_password(&self) -> bool {
        self.username.error.is_none()
            && (self.password_error.is_some() || !self.username.value.is_empty())
    }
}

/// One rule for a new password, shown in plain words and ticked off while typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// At least so many characters.
    MinLength(u32),
    /// At least so many (2 to 4) of: uppercase, lowercase, digits, symbols.
    CharacterTypes(u8),
    /// The username is not in it.
    NotUsername,
    /// Not common and not leaked; only the server can tell, so it is never ticked off.
    NotCommon,
}

impl Requirement {
    /// The rule's name for the form script.
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Self::MinLength(_) => "min-length",
            Self::CharacterTypes(_) => "character-types",
            Self::NotUsername => "not-username",
            Self::NotCommon => "",
        }
    }

    /// The rule's number for the form script and the sentence.
    pub(crate) fn min(self) -> u32 {
        match self {
            Self::MinLength(min) => min,
            Self::CharacterTypes(min) => u32::from(min),
            Self::NotUsername | Self::NotCommon => 0,
        }
    }

    /// The rule in words.
    pub(crate) fn text(self, texts: &Texts) -> String {
        let key = match self {
            Self::MinLength(_) => "password.rule_min_length",
            Self::CharacterTypes(4..) => "password.rule_all_character_types",
            Self::CharacterTypes(_) => "password.rule_character_types",
            Self::NotUsername => "password.rule_not_username",
            Self::NotCommon => "password.rule_not_common",
        };
        texts.format(key, &[("min", &self.min().to_string())]).into_owned()
    }
}

/// A hidden form field.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A link with its own words.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where it goes.
    pub href: String,
    /// What it says.
    pub label: String,
}

/// "Allow access?": what a third-party application asks a person for. Posts `decision` (`allow` or `deny`), an `organization_ids`
/// for each one chosen, and [`XSRF_FIELD`].
#[derive(Clone, Debug)]
pub struct Consent {
    /// Where the form goes, `app_id` and all.
    pub action: String,
    /// The anti-forgery token.
    pub xsrf: String,
    /// Whether it asked for something else when the person answered.
    pub has_changed: bool,
    /// What the application is called.
    pub app_name: String,
    /// Who says what it is called.
    pub vouched: Vouched,
    /// Who is asked.
    pub user_name: String,
    /// Where someone else signs in.
    pub other_account_href: String,
    /// Whether it asks for more than the person has allowed before.
    pub is_further: bool,
    /// What it will see and do.
    pub asked: Vec<Asked>,
    /// The organizations to choose from, when it asks to see some.
    pub organizations: Option<Vec<OrganizationChoice>>,
    /// The host, or the scheme of a native application, that the person goes on to; none for a device, which is confirmed next.
    pub next: Option<String>,
}

/// Things an application asks for, of one kind: what it sees, what it does with the account, on an API, or in organizations.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The kind, in words.
    pub heading: String,
    /// At least one thing, in words: the operator's, for permissions.
    pub items: Vec<String>,
}

/// Who says what an application is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// Whoever runs this server.
    Here,
    /// The application itself, which registered.
    Itself,
    /// A document at this host.
    By(String),
}

/// An organization to choose on the consent page.
#[derive(Clone, Debug)]
pub struct OrganizationChoice {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is chosen already.
    pub checked: bool,
}

/// "Sign out?" (OpenID Connect RP-Initiated Logout §2): asked, or sent at once when the request
/// carried a trusted hint. Posts `fields` (the anti-forgery token among them).
#[derive(Clone, Debug)]
pub struct SignOut {
    /// Where the form goes.
    pub action: String,
    /// What the form carries.
    pub fields: Vec<Hidden>,
    /// The application asked and may: sent without waiting; the button serves without JavaScript.
    pub auto_submit: bool,
    /// The way back for somebody who does not want to sign out.
    pub stay_href: Option<String>,
}

/// Signed out, and nowhere to go on to.
#[derive(Clone, Debug, Default)]
pub struct SignedOut {
    /// The application to go back to.
    pub back: Option<Link>,
}

/// Something is wrong, and only a page can say so.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What it is, in a few words.
    pub title: String,
    /// What happened.
    pub sentence: String,
    /// What to do.
    pub advice: String,
    /// The way back.
    pub back: Option<Link>,
    /// What support should be told.
    pub support: Option<String>,
}

/// A form that goes on by itself (OAuth 2.0 Form Post Response Mode).
#[derive(Clone, Debug)]
pub struct FormPost {
    /// Where the form goes: a validated redirect URI.
    pub action: String,
    /// What it carries.
    pub fields: Vec<Hidden>,
    /// The application's name, if it has one to show.
    pub app_name: Option<String>,
}
