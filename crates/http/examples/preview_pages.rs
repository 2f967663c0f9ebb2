//! Writes every state of the sign-in pages, with their assets, into a folder:
//! `cargo run -p trinco-http --example preview_pages -- OUT`.

use std::{env, error::Error, fs, path::Path};

use trinco_http::pages::{
    assets, render,
    view::{
        Asked, Brand, Consent, DeviceCode, DeviceConfirm, Field, FormPost, Hidden, Identifiers,
        Link, OrganizationChoice, Problem, Register, Requirement, Shell, SignIn, SignOut,
        SignedOut, Vouched,
    },
};
use trinco_locales::{Direction, Language, Texts, error_message};

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::args().nth(1).ok_or("give a folder to write into")?;
    let out = Path::new(&out);
    for asset in assets::all() {
        let path = out.join(asset.path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().ok_or("an asset has a folder")?)?;
        fs::write(path, asset.bytes)?;
    }
    for language in Language::ALL {
        for (name, html) in pages(language) {
            fs::write(out.join(format!("{name}.{}.html", language.tag())), html)?;
        }
    }
    Ok(())
}

fn pages(language: Language) -> Vec<(&'static str, String)> {
    let texts = Texts::of(language);
    let own = shell(language, "#1f4e9e");
    let green =
        Shell { brand: Brand { display_name: "Horta".into(), ..brand("#7bd389") }, ..own.clone() };
    let bare = Shell {
        brand: Brand {
            display_name: "Papelaria Lima".into(),
            hide_branding: true,
            terms_url: None,
            privacy_url: None,
            ..brand("#8e2b5f")
        },
        ..own.clone()
    };
    let acme =
        Shell { brand: Brand { display_name: "Acme".into(), ..own.brand.clone() }, ..own.clone() };
    let rtl = Shell { dir: Direction::Rtl, ..acme.clone() };
    let wrong = error_message(language, "session.invalid_credentials", &[]).into_owned();
    let back = Link {
        href: "https://app.example/".into(),
        label: texts.format("actions.back_to_app", &[("app", "Acme Notes")]).into_owned(),
    };
    let typed = Field { value: "ana".into(), error: None };
    vec![
        ("sign-in", render::sign_in(&acme, &sign_in())),
        ("sign-in-trinco", render::sign_in(&own, &sign_in())),
        (
            "sign-in-wrong",
            render::sign_in(
                &own,
                &SignIn { identifier: typed.clone(), form_error: Some(wrong), ..sign_in() },
            ),
        ),
        (
            "sign-in-missing",
            render::sign_in(
                &own,
                &SignIn {
                    identifier: Field {
                        value: String::new(),
                        error: Some(texts.get("missing.identifier.username_email").into()),
                    },
                    password_error: Some(texts.get("missing.password").into()),
                    ..sign_in()
                },
            ),
        ),
        ("sign-in-green", render::sign_in(&green, &sign_in())),
        (
            "sign-in-bare",
            render::sign_in(&bare, &SignIn { register_href: None, app_name: None, ..sign_in() }),
        ),
        ("sign-in-rtl", render::sign_in(&rtl, &sign_in())),
        ("register", render::register(&own, &register())),
        (
            "register-taken",
            render::register(
                &own,
                &Register {
                    username: Field {
                        error: Some(
                            error_message(language, "user.username_already_in_use", &[])
                                .into_owned(),
                        ),
                        ..typed
                    },
                    password_error: Some(
                        error_message(language, "password_rejected.pwned", &[]).into_owned(),
                    ),
                    ..register()
                },
            ),
        ),
        ("consent", render::consent(&own, &consent(&texts))),
        (
            "consent-device",
            render::consent(&own, &Consent { next: None, organizations: None, ..consent(&texts) }),
        ),
        ("unreadable", render::unreadable(&own)),
        ("still-signed-in", render::still_signed_in(&own)),
        ("device-code", render::device_code(&own, &device_code(&texts, None))),
        ("device-wrong", render::device_code(&own, &device_code(&texts, Some("device.wrong")))),
        ("device-confirm", render::device_confirm(&own, &device_confirm(&texts))),
        ("device-allowed", render::device_done(&own, true)),
        ("device-denied", render::device_done(&own, false)),
        ("sign-out", render::sign_out(&own, &sign_out(false))),
        ("sign-out-app", render::sign_out(&own, &sign_out(true))),
        ("signed-out", render::signed_out(&own, &SignedOut::default())),
        ("signed-out-back", render::signed_out(&own, &SignedOut { back: Some(back.clone()) })),
        (
            "error",
            render::error(
                &own,
                &Problem {
                    title: texts.get("error.title").into(),
                    sentence: error_message(language, "oidc.invalid_redirect_uri", &[])
                        .into_owned(),
                    advice: texts.get("not_found.advice").into(),
                    back: Some(back.clone()),
                    support: Some("0v5c8n2k1q7x".into()),
                },
            ),
        ),
        ("not-found", render::not_found(&own, None)),
        ("unknown-session", render::unknown_session(&own, Some(&back))),
        (
            "form-post",
            render::form_post(
                &own,
                &FormPost {
                    action: "/landing".into(),
                    fields: vec![Hidden { name: "code".into(), value: "abc".into() }],
                    app_name: Some("Acme Notes".into()),
                },
            ),
        ),
    ]
}

fn shell(language: Language, primary: &str) -> Shell {
    Shell::new(language, brand(primary), "preview".into())
}

fn brand(primary: &str) -> Brand {
    Brand {
        primary_color: primary.into(),
        dark_mode_enabled: true,
        terms_url: Some("/terms".into()),
        privacy_url: Some("/privacy".into()),
        ..Brand::default()
    }
}

fn sign_in() -> SignIn {
    SignIn {
        action: "/sign-in?app_id=acme".into(),
        xsrf: "x".repeat(43),
        app_name: Some("Acme Notes".into()),
        identifiers: Identifiers { username: true, email: true, phone: false },
        identifier: Field::default(),
        password_error: None,
        form_error: None,
        register_href: Some("/register?app_id=acme".into()),
    }
}

fn register() -> Register {
    Register {
        action: "/register?app_id=acme".into(),
        xsrf: "x".repeat(43),
        app_name: Some("Acme Notes".into()),
        username: Field::default(),
        password_error: None,
        form_error: None,
        requirements: vec![
            Requirement::MinLength(8),
            Requirement::CharacterTypes(3),
            Requirement::NotUsername,
        ],
        sign_in_href: "/sign-in?app_id=acme".into(),
    }
}

fn consent(texts: &Texts) -> Consent {
    let choice = |name: &str, checked| OrganizationChoice {
        id: name.to_lowercase(),
        name: name.to_owned(),
        checked,
    };
    Consent {
        action: "/consent?app_id=acme".into(),
        xsrf: "x".repeat(43),
        app_name: "Acme Notes".into(),
        has_changed: false,
        vouched: Vouched::Here,
        user_name: "ana".into(),
        other_account_href: "/sign-in?app_id=acme".into(),
        is_further: false,
        asked: asked(texts),
        organizations: Some(vec![choice("Horta", true), choice("Papelaria Lima", false)]),
        next: Some("notes.example.com".into()),
    }
}

fn asked(texts: &Texts) -> Vec<Asked> {
    let words = |name: &str| texts.get(&format!("consent.scope.{name}")).to_owned();
    let under = |heading: &str, items: Vec<String>| Asked { heading: heading.into(), items };
    let on = texts.format("consent.do_on", &[("resource", "Papelaria Lima")]);
    vec![
        under(texts.get("consent.see"), ["openid", "profile", "email"].map(words).into()),
        under(texts.get("consent.do"), vec![words("offline_access")]),
        under(&on, vec!["read:orders".into()]),
        under(texts.get("consent.do_in_organizations"), vec!["invoices:read".into()]),
    ]
}

fn device_code(texts: &Texts, error: Option<&str>) -> DeviceCode {
    DeviceCode {
        action: "/device".into(),
        xsrf: "x".repeat(43),
        user_code: Field {
            value: "BCDF-GHJK".into(),
            error: error.map(|key| texts.get(key).to_owned()),
        },
        form_error: None,
    }
}

fn device_confirm(texts: &Texts) -> DeviceConfirm {
    DeviceConfirm {
        action: "/device/confirm?app_id=acme".into(),
        xsrf: "x".repeat(43),
        app_name: "Acme TV".into(),
        user_code: "BCDF-GHJK".into(),
        asked: asked(texts).into_iter().take(3).collect(),
        user_name: "ana".into(),
        other_account_href: "/sign-in?app_id=acme".into(),
    }
}

fn sign_out(auto_submit: bool) -> SignOut {
    SignOut {
        action: "/oidc/session/end/confirm".into(),
        fields: vec![Hidden { name: "xsrf".into(), value: "x".repeat(43) }],
        auto_submit,
        stay_href: (!auto_submit).then(|| "/".into()),
    }
}
