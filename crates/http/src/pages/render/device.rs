use std::borrow::Cow;

use askama::Template;

use super::{Frame, MessagePage, app_line, finished, link};
use crate::pages::view::{DeviceCode, DeviceConfirm, Shell};

/// The page that asks for the code a device shows.
pub fn device_code(shell: &Shell, view: &DeviceCode) -> String {
    finished(&DeviceCodePage {
        frame: Frame::of(shell, shell.texts.get("device.title")),
        action: link(&view.action),
        view,
    })
}

/// "Is this the device in front of you?"
pub fn device_confirm(shell: &Shell, view: &DeviceConfirm) -> String {
    finished(&DeviceConfirmPage {
        frame: Frame::of(shell, shell.texts.get("device.confirm_title")),
        action: link(&view.action),
        app_line: app_line(shell.texts.get("device.confirm_app"), Some(&view.app_name)),
        account: shell.texts.format("consent.account", &[("user", &view.user_name)]),
        other_account_href: link(&view.other_account_href),
        view,
    })
}

/// What became of the device.
pub fn device_done(shell: &Shell, allowed: bool) -> String {
    let family = if allowed { "device_allowed" } else { "device_denied" };
    finished(&MessagePage::from_texts(shell, family, None))
}

#[derive(Template)]
#[template(path = "device_code.html")]
struct DeviceCodePage<'a> {
    frame: Frame<'a>,
    view: &'a DeviceCode,
    action: &'a str,
}

#[derive(Template)]
#[template(path = "device_confirm.html")]
struct DeviceConfirmPage<'a> {
    frame: Frame<'a>,
    view: &'a DeviceConfirm,
    action: &'a str,
    app_line: Option<(&'a str, &'a str, &'a str)>,
    account: Cow<'a, str>,
    other_account_href: &'a str,
}
