use trinco_locales::{Direction, Language, Texts};

use super::*;
use crate::pages::view::{
    Asked, Brand, DeviceCode, DeviceConfirm, Field, Hidden, Identifiers, OrganizationChoice,
    Requirement, Vouched,
};

const NASTY: &str = "\"><script>alert('1')</script>&";

fn shell(language: Language) -> Shell {
    Shell::new(language, Brand { dark_mode_enabled: true, ..Brand::default() }, "n0nce".into())
}

fn sign_in_view() -> SignIn {
    SignIn {
        action: "/sign-in?app_id=acme&x=1".into(),
        xsrf: "token".into(),
        app_name: Some("Acme".into()),
        identifiers: Identifiers { username: true, ..Identifiers::default() },
        identifier: Field::default(),
        password_error: None,
        form_error: None,
        register_href: Some("/register".into()),
    }
}

fn register_view() -> Register {
    Register {
        action: "/register".into(),
        xsrf: "token".into(),
        app_name: None,
        username: Field::default(),
        password_error: None,
        form_error: None,
        requirements: vec![Requirement::MinLength(8), Requirement::CharacterTypes(3)],
        sign_in_href: "/sign-in".into(),
    }
}

fn nasty_shell() -> Shell {
    let url = || Some(format!("https://x.example/{NASTY}"));
    let brand = Brand {
        primary_color: NASTY.into(),
        dark_primary_color: NASTY.into(),
        dark_mode_enabled: true,
        logo_url: url(),
        dark_logo_url: url(),
        favicon_url: url(),
        display_name: NASTY.into(),
        hide_branding: false,
        terms_url: url(),
        privacy_url: url(),
    };
    Shell {
        custom_css: Some("p{color:red}</STYLE><img src=x onerror=alert(1)>".into()),
        ..Shell::new(Language::En, brand, NASTY.into())
    }
}

/// Every page, with hostile values wherever a value can be.
fn hostile_pages() -> Vec<String> {
    let shell = nasty_shell();
    let nasty = || NASTY.to_owned();
    let field = || Field { value: nasty(), error: Some(nasty()) };
    let fields = || vec![Hidden { name: nasty(), value: nasty() }];
    let back = Link { href: nasty(), label: nasty() };
    let asked = || vec![Asked { heading: nasty(), items: vec![nasty()] }];
    vec![
        sign_in(
            &shell,
            &SignIn {
                action: nasty(),
                xsrf: nasty(),
                app_name: Some(nasty()),
                identifiers: Identifiers::default(),
                identifier: field(),
                password_error: Some(nasty()),
                form_error: Some(nasty()),
                register_href: Some(nasty()),
            },
        ),
        register(
            &shell,
            &Register {
                action: nasty(),
                xsrf: nasty(),
                app_name: Some(nasty()),
                username: field(),
                password_error: Some(nasty()),
                form_error: Some(nasty()),
                requirements: vec![Requirement::MinLength(8), Requirement::NotCommon],
                sign_in_href: nasty(),
            },
        ),
        consent(
            &shell,
            &Consent {
                action: nasty(),
                xsrf: nasty(),
                has_changed: true,
                app_name: nasty(),
                vouched: Vouched::By(nasty()),
                user_name: nasty(),
                other_account_href: nasty(),
                is_further: true,
                asked: asked(),
                organizations: Some(vec![OrganizationChoice {
                    id: nasty(),
                    name: nasty(),
                    checked: true,
                }]),
                next: Some(nasty()),
            },
        ),
        device_code(
            &shell,
            &DeviceCode {
                action: nasty(),
                xsrf: nasty(),
                user_code: field(),
                form_error: Some(nasty()),
            },
        ),
        device_confirm(
            &shell,
            &DeviceConfirm {
                action: nasty(),
                xsrf: nasty(),
                app_name: nasty(),
                user_code: nasty(),
                asked: asked(),
                user_name: nasty(),
                other_account_href: nasty(),
            },
        ),
        sign_out(
            &shell,
            &SignOut {
                action: nasty(),
                fields: fields(),
                auto_submit: false,
                stay_href: Some(nasty()),
            },
        ),
        signed_out(&shell, &SignedOut { back: Some(back.clone()) }),
        error(
            &shell,
            &Problem {
                title: nasty(),
                sentence: nasty(),
                advice: nasty(),
                back: Some(back.clone()),
                support: Some(nasty()),
            },
        ),
        not_found(&shell, Some(&back)),
        unknown_session(&shell, Some(&back)),
        form_post(&shell, &FormPost { action: nasty(), fields: fields(), app_name: Some(nasty()) }),
    ]
}

#[test]
fn no_value_breaks_out_of_its_place() {
    for html in hostile_pages() {
        assert!(!html.contains("<script>"), "{html}");
        assert!(!html.contains("\"><script"), "{html}");
        assert_eq!(html.matches("</style>").count(), 2, "{html}");
        assert!(!html.contains("</STYLE>"), "{html}");
    }
}

#[test]
fn pages_carry_no_inline_script_and_no_style_attributes() {
    for html in hostile_pages() {
        assert!(
            !html.contains(" style=") && !html.contains(" onclick=") && !html.contains(" onload=")
        );
        for script in html.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"module\" src=\"/assets/"), "{script}");
            assert!(script.split_once("></script>").is_some(), "{script}");
        }
    }
}

#[test]
fn urls_that_would_run_script_lead_nowhere() {
    for url in
        ["javascript:x", " JavaScript:x", "java\tscript:x", "\u{1}vbscript:x", "data:text/html,x"]
    {
        assert_eq!(link(url), "#", "{url:?}");
    }
    for url in
        ["/sign-in?a=b", "https://x.example/", "com.example.app:/callback", "javascripts:x", ""]
    {
        assert_eq!(link(url), url);
    }
}

#[test]
fn the_sign_in_page_fits_its_budget() {
    let html = sign_in(&shell(Language::PtBr), &sign_in_view());
    let total = html.len() + assets::stylesheet().bytes.len() + assets::form_script().bytes.len();
    assert!(total <= 30_000, "{total} bytes");
}

#[test]
fn every_text_a_template_names_exists() {
    let templates = [
        include_str!("../templates/layout.html"),
        include_str!("../templates/fields.html"),
        include_str!("../templates/sign_in.html"),
        include_str!("../templates/register.html"),
        include_str!("../templates/consent.html"),
        include_str!("../templates/asked.html"),
        include_str!("../templates/device_code.html"),
        include_str!("../templates/device_confirm.html"),
        include_str!("../templates/sign_out.html"),
        include_str!("../templates/form_post.html"),
        include_str!("../templates/message.html"),
        include_str!("../render.rs"),
        include_str!("../view.rs"),
    ];
    let texts = Texts::of(Language::En);
    let mut named = 0;
    for template in templates {
        for part in template.split("texts.get(\"").chain(template.split("_key = \"")).skip(1) {
            let Some((key, _)) = part.split_once('"') else { continue };
            if key.contains('.')
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte))
            {
                assert!(texts.find(key).is_some(), "{key}");
                named += 1;
            }
        }
    }
    assert!(named > 20, "only {named} keys were seen: the scan has lost its marker");
}

#[test]
fn every_combination_of_identifiers_has_a_label_and_an_error() {
    let texts = Texts::of(Language::En);
    for bits in 0..8u8 {
        let identifiers =
            Identifiers { username: bits & 1 > 0, email: bits & 2 > 0, phone: bits & 4 > 0 };
        assert!(texts.find(&format!("identifier.{}", identifiers.key())).is_some());
        assert!(texts.find(&format!("missing.identifier.{}", identifiers.key())).is_some());
    }
}

#[test]
fn every_rule_for_a_password_has_words() {
    for language in Language::ALL {
        for requirement in [
            Requirement::MinLength(8),
            Requirement::CharacterTypes(2),
            Requirement::CharacterTypes(4),
            Requirement::NotUsername,
            Requirement::NotCommon,
        ] {
            let text = requirement.text(&Texts::of(language));
            assert!(!text.contains(['{', '.']), "{text}");
        }
    }
}

#[test]
fn the_message_pages_have_their_words() {
    for language in Language::ALL {
        let shell = shell(language);
        for (html, family) in [
            (not_found(&shell, None), "not_found"),
            (unknown_session(&shell, None), "unknown_session"),
        ] {
            for name in ["title", "body", "advice"] {
                let text = shell.texts.find(&format!("{family}.{name}")).unwrap();
                assert!(html.contains(text), "{family}.{name}");
            }
        }
    }
}

#[test]
fn password_managers_find_the_fields_they_know() {
    let html = sign_in(&shell(Language::En), &sign_in_view());
    assert!(html.contains(r#"name="identifier""#) && html.contains(r#"autocomplete="username""#));
    assert!(html.contains(r#"name="password""#));
    assert!(html.contains(r#"autocomplete="current-password""#));
    let html = register(&shell(Language::En), &register_view());
    assert!(html.contains(r#"autocomplete="username""#));
    assert!(html.contains(r#"autocomplete="new-password""#));
    assert!(html.contains(r#"name="xsrf" value="token""#));
}

/// The id of the element that has `autofocus`.
fn focused(html: &str) -> &str {
    let (before, _) = html.split_once(" autofocus").unwrap();
    before.rsplit_once(" id=\"").unwrap().1.split_once('"').unwrap().0
}

#[test]
fn focus_starts_at_the_first_field_that_needs_the_reader() {
    let page = |value: &str, identifier_error: bool, password_error: bool| {
        let error = |on: bool| on.then(|| "Wrong.".to_owned());
        let identifier = Field { value: value.into(), error: error(identifier_error) };
        let password_error = error(password_error);
        sign_in(&shell(Language::En), &SignIn { identifier, password_error, ..sign_in_view() })
    };
    assert_eq!(focused(&page("", false, false)), "identifier");
    assert_eq!(focused(&page("ana", false, false)), "password");
    assert_eq!(focused(&page("ana", true, true)), "identifier");
    assert_eq!(focused(&page("", false, true)), "password");
    assert_eq!(page("", true, true).matches("autofocus").count(), 1);
}

#[test]
fn an_error_is_announced_and_tied_to_its_field() {
    let password_error = Some("Enter your password.".to_owned());
    let html = sign_in(&shell(Language::En), &SignIn { password_error, ..sign_in_view() });
    assert!(html.contains(r#"aria-describedby="password-error ""#));
    assert!(
        html.contains(
            r#"<p class="error" id="password-error" role="alert">Enter your password.</p>"#
        )
    );
    assert_eq!(html.matches("aria-invalid").count(), 1);
}

#[test]
fn every_page_has_one_heading_one_main_and_its_language() {
    for html in hostile_pages() {
        assert_eq!(html.matches("<h1").count(), 1);
        assert_eq!(html.matches("<main").count(), 1);
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\" dir=\"ltr\""), "{html}");
    }
    let rtl = Shell { dir: Direction::Rtl, ..shell(Language::PtBr) };
    assert!(not_found(&rtl, None).contains("<html lang=\"pt-BR\" dir=\"rtl\""));
}

#[test]
fn the_dark_theme_is_there_only_when_it_is_enabled() {
    let dark = shell(Language::En);
    assert!(not_found(&dark, None).contains("prefers-color-scheme:dark"));
    let light = Shell { brand: Brand::default(), ..dark };
    let html = not_found(&light, None);
    assert!(!html.contains("prefers-color-scheme") && !html.contains("data-theme"));
    assert!(html.contains(r#"content="light""#));
}

#[test]
fn hidden_branding_leaves_no_trace_of_trinco() {
    let brand = Brand {
        display_name: "Acme".into(),
        hide_branding: true,
        logo_url: Some("/l.svg".into()),
        ..Brand::default()
    };
    let html = signed_out(&Shell { brand, ..shell(Language::En) }, &SignedOut::default());
    assert!(!html.to_lowercase().contains("trinco") && !html.contains("<footer"), "{html}");
    assert!(html.contains(r#"<img src="/l.svg" alt="Acme">"#));
}

#[test]
fn an_automatic_form_has_a_button_for_readers_without_javascript() {
    let shell = shell(Language::En);
    let fields = vec![Hidden { name: "code".into(), value: "a&b".into() }];
    let post = FormPost { action: "https://app.example/cb".into(), fields, app_name: None };
    let leave =
        SignOut { action: "/end".into(), fields: vec![], auto_submit: true, stay_href: None };
    for html in [form_post(&shell, &post), sign_out(&shell, &leave)] {
        assert!(html.contains("data-auto-submit") && html.contains("auto-submit."));
        assert!(html.contains(r#"<button class="button primary" type="submit""#));
    }
    assert!(form_post(&shell, &post).contains(r#"name="code" value="a&#38;b""#));
    let ask = SignOut { auto_submit: false, ..leave };
    assert!(!sign_out(&shell, &ask).contains("auto-submit"));
}
