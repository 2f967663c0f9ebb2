//! From a view to a complete HTML document. Everything a view holds is escaped; URLs are
//! reduced to ones that cannot run script; only the palette and the tenant's own CSS are
//! written as they are, inside nonced `style` elements.

mod device;

use std::borrow::Cow;

use askama::Template;

use super::{
    assets,
    color::{AZULEJO, Color, Palette},
    view::{
        Consent, FormPost, Link, Problem, Register, Shell, SignIn, SignOut, SignedOut, Vouched,
    },
};

pub use device::{device_code, device_confirm, device_done};

/// The sign-in page.
pub fn sign_in(shell: &Shell, view: &SignIn) -> String {
    let texts = shell.texts;
    let label = format!("identifier.{}", view.identifiers.key());
    finished(&SignInPage {
        frame: Frame::of(shell, texts.get("sign_in.title")),
        action: link(&view.action),
        app_line: app_line(texts.get("sign_in.to_app"), view.app_name.as_deref()),
        identifier_label: texts.find(&label).unwrap_or_default(),
        register_href: view.register_href.as_deref().map(link),
        view,
    })
}

/// The page that creates an account.
pub fn register(shell: &Shell, view: &Register) -> String {
    finished(&RegisterPage {
        frame: Frame::of(shell, shell.texts.get("register.title")),
        action: link(&view.action),
        app_line: app_line(shell.texts.get("register.to_app"), view.app_name.as_deref()),
        sign_in_href: link(&view.sign_in_href),
        view,
    })
}

/// "Allow access?"
pub fn consent(shell: &Shell, view: &Consent) -> String {
    let texts = shell.texts;
    let asks = if view.is_further { "consent.asks_further" } else { "consent.asks" };
    finished(&ConsentPage {
        frame: Frame::of(shell, texts.get("consent.title")),
        action: link(&view.action),
        other_account_href: link(&view.other_account_href),
        app_line: app_line(texts.get(asks), Some(&view.app_name)),
        warning: match &view.vouched {
            Vouched::Here => None,
            Vouched::Itself => Some(texts.get("consent.self_registered").into()),
            Vouched::By(host) => Some(texts.format("consent.described_by", &[("host", host)])),
        },
        account: texts.format("consent.account", &[("user", &view.user_name)]),
        next: match &view.next {
            Some(host) => texts.format("consent.next", &[("host", host)]),
            None => Cow::Borrowed(texts.get("consent.next_device")),
        },
        view,
    })
}

/// "Sign out?", or the form that signs out by itself.
pub fn sign_out(shell: &Shell, view: &SignOut) -> String {
    let title = if view.auto_submit { "sign_out.app_title" } else { "sign_out.title" };
    finished(&SignOutPage {
        frame: Frame::of(shell, shell.texts.get(title)),
        action: link(&view.action),
        stay_href: view.stay_href.as_deref().map(link),
        view,
    })
}

/// "You are signed out."
pub fn signed_out(shell: &Shell, view: &SignedOut) -> String {
    let title = shell.texts.get("signed_out.title");
    let sentence = shell.texts.get("signed_out.body");
    finished(&MessagePage::of(shell, title, sentence, "", view.back.as_ref()))
}

/// "You are still signed in."
pub fn still_signed_in(shell: &Shell) -> String {
    finished(&MessagePage::from_texts(shell, "still_signed_in", None))
}

/// The page of an error.
pub fn error(shell: &Shell, view: &Problem) -> String {
    let back = view.back.as_ref();
    let page = MessagePage::of(shell, &view.title, &view.sentence, &view.advice, back);
    finished(&MessagePage { support: view.support.as_deref(), ..page })
}

/// The person has said no to an application that cannot be told.
pub fn denied(shell: &Shell) -> String {
    finished(&MessagePage::from_texts(shell, "denied", None))
}

/// Nothing is at this address. `back` leads to an application, if one is known.
pub fn not_found(shell: &Shell, back: Option<&Link>) -> String {
    finished(&MessagePage::from_texts(shell, "not_found", back))
}

/// The server is there, and has nothing to show at its root.
pub fn welcome(shell: &Shell) -> String {
    finished(&MessagePage::from_texts(shell, "welcome", None))
}

/// The sign-in in progress has expired or was started in another browser.
pub fn unknown_session(shell: &Shell, back: Option<&Link>) -> String {
    finished(&MessagePage::from_texts(shell, "unknown_session", back))
}

/// What was sent to a page is not what its form sends.
pub fn unreadable(shell: &Shell) -> String {
    finished(&MessagePage::from_texts(shell, "unreadable", None))
}

/// A form that posts itself to an application.
pub fn form_post(shell: &Shell, view: &FormPost) -> String {
    let sentence = match &view.app_name {
        Some(app) => shell.texts.format("form_post.body_app", &[("app", app)]),
        None => Cow::Borrowed(shell.texts.get("form_post.body")),
    };
    finished(&FormPostPage {
        frame: Frame::of(shell, shell.texts.get("form_post.title")),
        action: link(&view.action),
        sentence,
        view,
    })
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame<'a>,
    view: &'a SignIn,
    action: &'a str,
    app_line: Option<(&'a str, &'a str, &'a str)>,
    identifier_label: &'a str,
    register_href: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage<'a> {
    frame: Frame<'a>,
    view: &'a Register,
    action: &'a str,
    app_line: Option<(&'a str, &'a str, &'a str)>,
    sign_in_href: &'a str,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    frame: Frame<'a>,
    view: &'a Consent,
    action: &'a str,
    other_account_href: &'a str,
    app_line: Option<(&'a str, &'a str, &'a str)>,
    warning: Option<Cow<'a, str>>,
    account: Cow<'a, str>,
    next: Cow<'a, str>,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage<'a> {
    frame: Frame<'a>,
    view: &'a SignOut,
    action: &'a str,
    stay_href: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    frame: Frame<'a>,
    view: &'a FormPost,
    action: &'a str,
    sentence: Cow<'a, str>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    frame: Frame<'a>,
    title: &'a str,
    sentence: &'a str,
    advice: &'a str,
    back: Option<(&'a str, &'a str)>,
    support: Option<&'a str>,
}

impl<'a> MessagePage<'a> {
    fn of(
        shell: &'a Shell,
        title: &'a str,
        sentence: &'a str,
        advice: &'a str,
        back: Option<&'a Link>,
    ) -> Self {
        Self {
            frame: Frame::of(shell, title),
            title,
            sentence,
            advice,
            back: back.map(|back| (link(&back.href), back.label.as_str())),
            support: None,
        }
    }

    fn from_texts(shell: &'a Shell, family: &str, back: Option<&'a Link>) -> Self {
        let text = |name: &str| shell.texts.find(&format!("{family}.{name}")).unwrap_or_default();
        Self::of(shell, text("title"), text("body"), text("advice"), back)
    }
}

/// What the layout needs, worked out from the shell.
struct Frame<'a> {
    shell: &'a Shell,
    title: String,
    name: &'a str,
    /// Whether the page follows a reader who prefers a dark theme.
    dark: bool,
    /// Whether the brand is Trinco's own, whose mark has its second colour.
    own: bool,
    /// Whether the line that names Trinco is shown; not where the page carries its name already.
    secured: bool,
    variables: String,
    custom_css: Option<String>,
    logo: Option<&'a str>,
    dark_logo: Option<&'a str>,
    favicon: &'a str,
    terms: Option<&'a str>,
    privacy: Option<&'a str>,
    stylesheet: &'static str,
    form_script: &'static str,
    auto_submit_script: &'static str,
}

impl<'a> Frame<'a> {
    fn of(shell: &'a Shell, heading: &str) -> Self {
        let brand = &shell.brand;
        let primary = Color::parse(&brand.primary_color);
        let dark_primary = Color::parse(&brand.dark_primary_color);
        let name = if brand.display_name.is_empty() { "Trinco" } else { &brand.display_name };
        let heading = if shell.title.is_empty() { heading } else { &shell.title };
        let logo = brand.logo_url.as_deref().map(link);
        let dark_logo = brand.dark_logo_url.as_deref().map(link);
        let dark = brand.dark_mode_enabled;
        Self {
            title: format!("{heading} · {name}"),
            name,
            dark,
            own: primary.is_none_or(|primary| primary == AZULEJO),
            secured: !brand.hide_branding && (logo.is_some() || name != "Trinco"),
            variables: variables(primary.unwrap_or(AZULEJO), dark_primary, dark),
            custom_css: shell.custom_css.as_deref().map(inside_style),
            logo: logo.or(dark_logo),
            dark_logo: dark_logo.filter(|_| dark && logo.is_some()),
            favicon: brand.favicon_url.as_deref().map_or(&assets::favicon().path, link),
            terms: brand.terms_url.as_deref().map(link),
            privacy: brand.privacy_url.as_deref().map(link),
            stylesheet: &assets::stylesheet().path,
            form_script: &assets::form_script().path,
            auto_submit_script: &assets::auto_submit_script().path,
            shell,
        }
    }

    fn has_footer(&self) -> bool {
        self.secured || self.terms.is_some() || self.privacy.is_some()
    }
}

/// The `:root` rules that carry the tenant's palette.
fn variables(primary: Color, dark_primary: Option<Color>, dark: bool) -> String {
    let mut css = format!(":root{{{}}}", declarations(&Palette::light(primary)));
    if dark {
        let palette = Palette::dark(dark_primary.unwrap_or(primary));
        css += "@media (prefers-color-scheme:dark){:root{";
        css += &declarations(&palette);
        css += "}}";
    }
    css
}

fn declarations(palette: &Palette) -> String {
    let Palette { primary, primary_hover, on_primary, edge, accent, halo } = palette;
    format!(
        "--primary:{primary};--primary-hover:{primary_hover};--primary-ink:{on_primary};\
         --primary-edge:{edge};--accent:{accent};--halo:{halo}"
    )
}

/// A `style` element ends at the first `</style`, wherever it stands. In CSS, `<\/` means `</`.
fn inside_style(css: &str) -> String {
    css.replace("</", "<\\/")
}

/// A URL that is safe to put into a page: `#` instead of one that would run script. Native
/// applications' own schemes stay.
fn link(url: &str) -> &str {
    // URL Standard §4.4: browsers drop these wherever they stand in a scheme.
    let letters = url.chars().filter(|letter| *letter > ' ').take("javascript:".len());
    let start = letters.collect::<String>().to_ascii_lowercase();
    let runs = ["javascript:", "vbscript:", "data:"].iter().any(|scheme| start.starts_with(scheme));
    if runs { "#" } else { url }
}

/// A sentence around an application's name: what is before it, the name, what is after it.
fn app_line<'a>(sentence: &'a str, app: Option<&'a str>) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, after) = sentence.split_once("{app}")?;
    Some((before, app?, after))
}

fn finished(page: &impl Template) -> String {
    page.render().expect("writing into a string does not fail")
}

#[cfg(test)]
mod tests;
