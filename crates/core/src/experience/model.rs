//! The sign-in settings of a tenant. The serde shape is the shape of the Management API, and of the stored document.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::details::{
    AdaptiveMfa, CaptchaPolicy, CustomUiAssets, CustomUiCsp, EmailBlocklistPolicy,
    ForgotPasswordMethod, Mfa, PasskeySignIn, PasswordExpiration, ProfileField, SentinelPolicy,
    SocialSignIn, VerificationCodePolicy,
};
use super::password_policy::PasswordPolicy;
use super::username_policy::UsernamePolicy;
use super::values::{
    EmailAddress, HexColor, LanguageTag, WebUrl, clearable_text, optional_text, text_of,
};
use crate::{Text, double_option};

/// The id of the one document of sign-in settings a tenant has.
const ID: &str = "default";
/// Azulejo blue, and the shade of it for dark pages.
const PRIMARY_COLOR: &str = "#1F4E9E";
const DARK_PRIMARY_COLOR: &str = "#7FA6E8";

/// How people sign in and sign up, and how the pages look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInExperience {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Always `default`.
    pub id: String,
    /// The colors of the pages.
    pub color: Color,
    /// Logos and icons. Trinco's own mark is used where there is none.
    #[serde(default)]
    pub branding: Branding,
    /// Leaves out the line that names Trinco.
    #[serde(default)]
    pub hide_logto_branding: bool,
    /// The language of the pages.
    pub language_info: LanguageInfo,
    /// Where the terms of use are.
    #[serde(default, deserialize_with = "optional_text::<WebUrl, _>")]
    pub terms_of_use_url: Option<String>,
    /// Where the privacy policy is.
    #[serde(default, deserialize_with = "optional_text::<WebUrl, _>")]
    pub privacy_policy_url: Option<String>,
    /// How people agree to the terms.
    #[serde(default)]
    pub agree_to_terms_policy: AgreeToTermsPolicy,
    /// How people sign in.
    pub sign_in: SignIn,
    /// How people sign up.
    pub sign_up: SignUp,
    /// How accounts of social connectors are treated.
    #[serde(default)]
    pub social_sign_in: SocialSignIn,
    /// The social connectors on the sign-in page, in order.
    #[serde(default)]
    pub social_sign_in_connector_targets: Vec<String>,
    /// Whether people may sign in, sign up, or both.
    pub sign_in_mode: SignInMode,
    /// CSS after the pages' own.
    #[serde(default)]
    pub custom_css: Option<String>,
    /// Content by the path of a page.
    #[serde(default)]
    pub custom_content: BTreeMap<String, String>,
    /// The tenant's own pages.
    #[serde(default)]
    pub custom_ui_assets: Option<CustomUiAssets>,
    /// What the tenant's own pages may load.
    #[serde(default)]
    pub custom_ui_csp: CustomUiCsp,
    /// What passwords must be like.
    #[serde(default)]
    pub password_policy: PasswordPolicy,
    /// The second step of signing in.
    #[serde(default)]
    pub mfa: Mfa,
    /// When to ask for the second step by circumstances.
    #[serde(default)]
    pub adaptive_mfa: AdaptiveMfa,
    /// Whether people of enterprises sign in at their own identity provider.
    #[serde(default)]
    pub single_sign_on_enabled: bool,
    /// Shown where something has gone wrong.
    #[serde(default, deserialize_with = "optional_text::<EmailAddress, _>")]
    pub support_email: Option<String>,
    /// Shown where something has gone wrong.
    #[serde(default, deserialize_with = "optional_text::<WebUrl, _>")]
    pub support_website_url: Option<String>,
    /// Where to send someone who arrives without a sign-in in progress.
    #[serde(default, deserialize_with = "optional_text::<WebUrl, _>")]
    pub unknown_session_redirect_url: Option<String>,
    /// Whether to ask whether someone is human.
    #[serde(default)]
    pub captcha_policy: CaptchaPolicy,
    /// When to lock out after failed attempts.
    #[serde(default)]
    pub sentinel_policy: SentinelPolicy,
    /// Which e-mail addresses may sign up.
    #[serde(default)]
    pub email_blocklist_policy: EmailBlocklistPolicy,
    /// How verification codes work.
    #[serde(default)]
    pub verification_code_policy: VerificationCodePolicy,
    /// How a forgotten password may be replaced.
    #[serde(default)]
    pub forgot_password_methods: Option<Vec<ForgotPasswordMethod>>,
    /// Signing in by passkey.
    #[serde(default)]
    pub passkey_sign_in: PasskeySignIn,
    /// What to ask for at sign-up.
    #[serde(default)]
    pub sign_up_profile_fields: Option<Vec<ProfileField>>,
    /// When passwords expire.
    #[serde(default)]
    pub password_expiration: PasswordExpiration,
    /// What user names must be like.
    #[serde(default)]
    pub username_policy: UsernamePolicy,
}

/// The colors of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Color {
    /// On light pages.
    #[serde(deserialize_with = "text_of::<HexColor, _>")]
    pub primary_color: String,
    /// Whether the pages follow a reader who prefers dark ones.
    pub is_dark_mode_enabled: bool,
    /// On dark pages.
    #[serde(deserialize_with = "text_of::<HexColor, _>")]
    pub dark_primary_color: String,
}

/// Logos and icons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Branding {
    /// The logo.
    #[serde(
        default,
        deserialize_with = "optional_text::<WebUrl, _>",
        skip_serializing_if = "Option::is_none"
    )]
    pub logo_url: Option<String>,
    /// The logo on dark pages.
    #[serde(
        default,
        deserialize_with = "optional_text::<WebUrl, _>",
        skip_serializing_if = "Option::is_none"
    )]
    pub dark_logo_url: Option<String>,
    /// The icon in the browser's tab.
    #[serde(
        default,
        deserialize_with = "optional_text::<WebUrl, _>",
        skip_serializing_if = "Option::is_none"
    )]
    pub favicon: Option<String>,
    /// The icon for dark browsers.
    #[serde(
        default,
        deserialize_with = "optional_text::<WebUrl, _>",
        skip_serializing_if = "Option::is_none"
    )]
    pub dark_favicon: Option<String>,
}

/// The language of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LanguageInfo {
    /// Whether to follow the reader's browser.
    pub auto_detect: bool,
    /// A BCP 47 tag.
    #[serde(deserialize_with = "text_of::<LanguageTag, _>")]
    pub fallback_language: String,
}

/// How people agree to the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AgreeToTermsPolicy {
    /// By going on.
    #[default]
    Automatic,
    /// By ticking a box when they sign up.
    ManualRegistrationOnly,
    /// By ticking a box when they sign in or sign up.
    Manual,
}

/// How people sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignIn {
    /// By which identifiers, in order.
    pub methods: Vec<SignInMethod>,
}

/// One identifier to sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInMethod {
    /// The identifier.
    pub identifier: SignInIdentifier,
    /// With a password.
    pub password: bool,
    /// With a code sent there.
    pub verification_code: bool,
    /// Whether the password is asked for first.
    pub is_password_primary: bool,
}

/// What identifies a person who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SignInIdentifier {
    /// A user name.
    Username,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
}

/// How people sign up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignUp {
    /// One of these is needed.
    pub identifiers: Vec<SignInIdentifier>,
    /// Whether a password is needed.
    pub password: bool,
    /// Whether the identifier is verified.
    pub verify: bool,
    /// All of these are needed as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_identifiers: Option<Vec<SecondaryIdentifier>>,
}

/// A further identifier asked for at sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondaryIdentifier {
    /// Which.
    pub identifier: SignUpIdentifier,
    /// Whether it is verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
}

/// What may be asked for at sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SignUpIdentifier {
    /// A user name.
    Username,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// One of the two.
    EmailOrPhone,
}

/// Whether people may sign in, sign up, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SignInMode {
    SignIn,
    Register,
    SignInAndRegister,
}

/// The body that changes the settings: absent members stay as they are, present ones replace the old value whole.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in SignInExperience")]
pub struct SignInExperienceChanges {
    pub color: Option<Color>,
    pub branding: Option<Branding>,
    pub hide_logto_branding: Option<bool>,
    pub language_info: Option<LanguageInfo>,
    #[serde(deserialize_with = "clearable_text::<WebUrl, _>")]
    pub terms_of_use_url: Option<Option<String>>,
    #[serde(deserialize_with = "clearable_text::<WebUrl, _>")]
    pub privacy_policy_url: Option<Option<String>>,
    pub agree_to_terms_policy: Option<AgreeToTermsPolicy>,
    pub sign_in: Option<SignIn>,
    pub sign_up: Option<SignUp>,
    pub social_sign_in: Option<SocialSignIn>,
    pub social_sign_in_connector_targets: Option<Vec<String>>,
    pub sign_in_mode: Option<SignInMode>,
    #[serde(deserialize_with = "double_option")]
    pub custom_css: Option<Option<Text<0, 262_144>>>,
    pub custom_content: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "double_option")]
    pub custom_ui_assets: Option<Option<CustomUiAssets>>,
    pub custom_ui_csp: Option<CustomUiCsp>,
    pub password_policy: Option<PasswordPolicy>,
    pub mfa: Option<Mfa>,
    pub adaptive_mfa: Option<AdaptiveMfa>,
    pub single_sign_on_enabled: Option<bool>,
    #[serde(deserialize_with = "clearable_text::<EmailAddress, _>")]
    pub support_email: Option<Option<String>>,
    #[serde(deserialize_with = "clearable_text::<WebUrl, _>")]
    pub support_website_url: Option<Option<String>>,
    #[serde(deserialize_with = "clearable_text::<WebUrl, _>")]
    pub unknown_session_redirect_url: Option<Option<String>>,
    pub captcha_policy: Option<CaptchaPolicy>,
    pub sentinel_policy: Option<SentinelPolicy>,
    pub email_blocklist_policy: Option<EmailBlocklistPolicy>,
    pub verification_code_policy: Option<VerificationCodePolicy>,
    #[serde(deserialize_with = "double_option")]
    pub forgot_password_methods: Option<Option<Vec<ForgotPasswordMethod>>>,
    pub passkey_sign_in: Option<PasskeySignIn>,
    #[serde(deserialize_with = "double_option")]
    pub sign_up_profile_fields: Option<Option<Vec<ProfileField>>>,
    pub password_expiration: Option<PasswordExpiration>,
    pub username_policy: Option<UsernamePolicy>,
}

impl SignInExperience {
    /// What a new tenant has: sign-in and sign-up by user name and password, in Trinco's colors.
    pub fn of_new_tenant(tenant_id: &str, sign_in_mode: SignInMode) -> Self {
        let username = SignInMethod {
            identifier: SignInIdentifier::Username,
            password: true,
            verification_code: false,
            is_password_primary: true,
        };
        Self {
            tenant_id: tenant_id.to_owned(),
            id: ID.to_owned(),
            color: Color {
                primary_color: PRIMARY_COLOR.to_owned(),
                is_dark_mode_enabled: true,
                dark_primary_color: DARK_PRIMARY_COLOR.to_owned(),
            },
            branding: Branding::default(),
            hide_logto_branding: false,
            language_info: LanguageInfo { auto_detect: true, fallback_language: "en".to_owned() },
            terms_of_use_url: None,
            privacy_policy_url: None,
            agree_to_terms_policy: AgreeToTermsPolicy::Automatic,
            sign_in: SignIn { methods: vec![username] },
            sign_up: SignUp {
                identifiers: vec![SignInIdentifier::Username],
                password: true,
                verify: false,
                secondary_identifiers: None,
            },
            social_sign_in: SocialSignIn::default(),
            social_sign_in_connector_targets: Vec::new(),
            sign_in_mode,
            custom_css: None,
            custom_content: BTreeMap::new(),
            custom_ui_assets: None,
            custom_ui_csp: CustomUiCsp::default(),
            password_policy: PasswordPolicy::default(),
            mfa: Mfa::default(),
            adaptive_mfa: AdaptiveMfa::default(),
            single_sign_on_enabled: false,
            support_email: None,
            support_website_url: None,
            unknown_session_redirect_url: None,
            captcha_policy: CaptchaPolicy::default(),
            sentinel_policy: SentinelPolicy::default(),
            email_blocklist_policy: EmailBlocklistPolicy::default(),
            verification_code_policy: VerificationCodePolicy::default(),
            forgot_password_methods: Some(Vec::new()),
            passkey_sign_in: PasskeySignIn::default(),
            sign_up_profile_fields: None,
            password_expiration: PasswordExpiration::default(),
            username_policy: UsernamePolicy::default(),
        }
    }

    /// Whether people who have an account may sign in.
    pub fn allows_sign_in(&self) -> bool {
        self.sign_in_mode != SignInMode::Register
    }

    /// Whether people may create an account: the mode allows it, and there is something to sign up with.
    pub fn allows_registration(&self) -> bool {
        self.sign_in_mode != SignInMode::SignIn && !self.sign_up.identifiers.is_empty()
    }

    /// What people may sign in with, in the order of the settings.
    pub fn sign_in_identifiers(&self) -> impl Iterator<Item = SignInIdentifier> + '_ {
        self.sign_in.methods.iter().map(|method| method.identifier)
    }
}
