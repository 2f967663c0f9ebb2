//! The pages that sign in a device (RFC 8628 §3.3).

use super::{Asked, Field};

/// The page that asks for the code a device shows. Posts `user_code` and [`super::XSRF_FIELD`].
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// Where the form goes.
    pub action: String,
    /// The anti-forgery token.
    pub xsrf: String,
    /// The code, prefilled from a link or as it was typed.
    pub user_code: Field,
    /// What is wrong with the whole.
    pub form_error: Option<String>,
}

/// "Is this the device in front of you?" Posts `decision` (`allow` or `deny`) and [`super::XSRF_FIELD`].
#[derive(Clone, Debug)]
pub struct DeviceConfirm {
    /// Where the form goes, `app_id` and all.
    pub action: String,
    /// The anti-forgery token.
    pub xsrf: String,
    /// What the application on the device is called.
    pub app_name: String,
    /// The code the device must show.
    pub user_code: String,
    /// What the application will see and do.
    pub asked: Vec<Asked>,
    /// Whose account it is about.
    pub user_name: String,
    /// Where someone else signs in.
    pub other_account_href: String,
}
