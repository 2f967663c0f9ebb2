//! What every page of a request shares: language, brand, and the headers that protect it.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use trinco_core::applications::RegisteredClient;
use trinco_core::organizations::PictureUrl;
use trinco_core::{Alphabet, Error, Tenant};
use trinco_locales::{Language, Texts, error_message, negotiate};
use trinco_oauth::OAuthError;

use super::render;
use super::view::{Brand, FormPost, Hidden, Problem, Shell, SignOut, SignedOut};
use crate::observe;

/// Makes the pages of one request.
pub(crate) struct PageContext<'a> {
    tenant: &'a Tenant,
    accept_language: Option<&'a str>,
    language: Language,
    nonce: String,
    request_id: Option<&'a str>,
}

impl<'a> PageContext<'a> {
    /// In the language the browser asks for.
    pub(crate) fn new(tenant: &'a Tenant, headers: &'a HeaderMap) -> Self {
        let accept_language = crate::language::accept(headers);
        let nonce = Alphabet::Secret.random(tenant.randomness(), 22);
        let language = choose(tenant, None, accept_language);
        Self { tenant, accept_language, language, nonce, request_id: observe::id_of(headers) }
    }

    /// In the language the application asks for, if there is one of them (`ui_locales`, OpenID Connect Core §3.1.2.1).
    pub(crate) fn with_locales(self, ui_locales: &[String]) -> Self {
        let language = choose(self.tenant, Some(&ui_locales.join(" ")), self.accept_language);
        Self { language, ..self }
    }

    /// The texts of the language.
    pub(crate) fn texts(&self) -> Texts {
        Texts::of(self.language)
    }

    /// The sentence of an error code.
    pub(crate) fn sentence(&self, code: &str, values: &[(&str, &str)]) -> String {
        error_message(self.language, code, values).into_owned()
    }

    /// What the page is framed with.
    pub(crate) fn shell(&self) -> Shell {
        let experience = &self.tenant.snapshot().experience;
        let mut shell = Shell::new(self.language, brand(experience), self.nonce.clone());
        shell.custom_css.clone_from(&experience.custom_css);
        shell
    }

    /// What a page about an application is framed with: the application's own settings go before the tenant's.
    pub(crate) fn shell_for(&self, registered: &RegisteredClient) -> Shell {
        let mut shell = self.shell();
        let Some(own) = &registered.experience else { return shell };
        let brand = &mut shell.brand;
        let color = &own.color;
        if let Some(primary) = &color.primary_color {
            primary.as_str().clone_into(&mut brand.primary_color);
            // The tenant's dark shade belongs to another colour: one is derived.
            brand.dark_primary_color.clear();
        }
        if let Some(dark) = &color.dark_primary_color {
            dark.as_str().clone_into(&mut brand.dark_primary_color);
        }
        brand.dark_mode_enabled = color.is_dark_mode_enabled.unwrap_or(brand.dark_mode_enabled);
        if own.branding.logo_url.is_some() || own.branding.dark_logo_url.is_some() {
            let url = |url: &PictureUrl| url.as_str().to_owned();
            brand.logo_url = own.branding.logo_url.as_ref().map(url);
            brand.dark_logo_url = own.branding.dark_logo_url.as_ref().map(url);
        }
        if let Some(favicon) = &own.branding.favicon {
            brand.favicon_url = Some(favicon.as_str().to_owned());
        }
        brand.terms_url = own.terms_of_use_url.clone().or(brand.terms_url.take());
        brand.privacy_url = own.privacy_policy_url.clone().or(brand.privacy_url.take());
        if let Some(css) = own.custom_css.as_ref().filter(|css| !css.is_empty()) {
            shell.custom_css = Some(css.clone());
        }
        shell
    }

    /// Sends a page. Forms may post to this server, and on to `form_target` after its redirect.
    pub(crate) fn send(
        &self,
        status: StatusCode,
        html: String,
        form_target: Option<&str>,
    ) -> Response {
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&self.policy(form_target)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// Browsers apply `form-action` to the redirects that follow a post as well, so the application's redirect URI is named.
    fn policy(&self, form_target: Option<&str>) -> String {
        let nonce = &self.nonce;
        let form_target = form_target.map(|target| format!(" {target}")).unwrap_or_default();
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: https:; \
             form-action 'self'{form_target}; frame-ancestors 'none'; base-uri 'none'"
        )
    }

    /// The sign-in has expired, or belongs to another browser.
    pub(crate) fn unknown_session(&self) -> Response {
        self.send(StatusCode::NOT_FOUND, render::unknown_session(&self.shell(), None), None)
    }

    /// The server is there.
    pub(crate) fn welcome(&self) -> Response {
        self.send(StatusCode::OK, render::welcome(&self.shell()), None)
    }

    /// What the browser sent cannot be read.
    pub(crate) fn unreadable(&self, status: StatusCode) -> Response {
        self.send(status, render::unreadable(&self.shell()), None)
    }

    /// The request is not taken.
    pub(crate) fn refused(&self, status: StatusCode, code: &str) -> Response {
        let problem = Problem {
            title: self.texts().get("error.title").to_owned(),
            sentence: self.sentence(code, &[]),
            advice: String::new(),
            back: None,
            support: None,
        };
        self.send(status, render::error(&self.shell(), &problem), None)
    }

    /// The person has said no, and the application cannot be told.
    pub(crate) fn denied(&self) -> Response {
        self.send(StatusCode::OK, render::denied(&self.shell()), None)
    }

    /// Nothing is at this address.
    pub(crate) fn not_found(&self) -> Response {
        self.send(StatusCode::NOT_FOUND, render::not_found(&self.shell(), None), None)
    }

    /// The application's request cannot be carried out, and is not sent back to it. The person who reads it cannot mend the
    /// application: they learn what to do, and whom to tell what.
    pub(crate) fn request_refused(&self, error: &OAuthError) -> Response {
        let (texts, code) = (self.texts(), error.code());
        let key = format!("refused.{}", code.trim_start_matches("oidc."));
        let (sentence, advice) = match texts.find(&key) {
            Some(sentence) => (sentence.to_owned(), texts.get("refused.advice").to_owned()),
            None => (self.sentence(&code, &[]), String::new()),
        };
        let problem = Problem {
            title: texts.get("error.title").to_owned(),
            sentence,
            advice,
            back: None,
            support: Some(error.description.to_string()),
        };
        self.send(StatusCode::BAD_REQUEST, render::error(&self.shell(), &problem), None)
    }

    /// Something failed here.
    pub(crate) fn failed(&self, error: &Error) -> Response {
        // What a client says about itself has become unusable meanwhile: nothing failed here.
        if let Error::OAuth(error) = error {
            return self.request_refused(error);
        }
        let (status, _) = crate::failure::broken(error);
        let texts = self.texts();
        let problem = Problem {
            title: texts.get("error.title").to_owned(),
            sentence: texts.get("error.body").to_owned(),
            advice: texts.get("error.advice").to_owned(),
            back: None,
            support: self.request_id.map(str::to_owned),
        };
        self.send(status, render::error(&self.shell(), &problem), None)
    }

    /// A form that posts itself to the application.
    pub(crate) fn form_post(
        &self,
        action: String,
        fields: Vec<(&'static str, String)>,
    ) -> Response {
        let target = form_target_of(&action);
        let fields = fields
            .into_iter()
            .map(|(name, value)| Hidden { name: name.to_owned(), value })
            .collect();
        let view = FormPost { action, fields, app_name: None };
        self.send(StatusCode::OK, render::form_post(&self.shell(), &view), target.as_deref())
    }

    /// "Sign out?"
    pub(crate) fn sign_out(&self, view: &SignOut, form_target: Option<&str>) -> Response {
        self.send(StatusCode::OK, render::sign_out(&self.shell(), view), form_target)
    }

    /// "You are still signed in."
    pub(crate) fn still_signed_in(&self) -> Response {
        self.send(StatusCode::OK, render::still_signed_in(&self.shell()), None)
    }

    /// "You are signed out."
    pub(crate) fn signed_out(&self) -> Response {
        self.send(StatusCode::OK, render::signed_out(&self.shell(), &SignedOut::default()), None)
    }
}

/// Whether the request comes from someone who reads pages: a browser that navigates.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|range| range.trim().starts_with("text/html")))
}

/// A URL as a source expression of `form-action`: its origin, or the scheme of a native app.
fn form_target_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let origin = url.origin();
    Some(if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    })
}

fn choose(tenant: &Tenant, ui_locales: Option<&str>, accept_language: Option<&str>) -> Language {
    let languages = &tenant.snapshot().experience.language_info;
    let fallback = Language::from_tag(&languages.fallback_language).unwrap_or(Language::En);
    let accept_language = accept_language.filter(|_| languages.auto_detect);
    negotiate(ui_locales, accept_language, fallback)
}

fn brand(experience: &trinco_core::experience::SignInExperience) -> Brand {
    Brand {
        primary_color: experience.color.primary_color.clone(),
        dark_primary_color: experience.color.dark_primary_color.clone(),
        dark_mode_enabled: experience.color.is_dark_mode_enabled,
        logo_url: experience.branding.logo_url.clone(),
        dark_logo_url: experience.branding.dark_logo_url.clone(),
        favicon_url: experience.branding.favicon.clone(),
        display_name: String::new(),
        hide_branding: experience.hide_logto_branding,
        terms_url: experience.terms_of_use_url.clone(),
        privacy_url: experience.privacy_policy_url.clone(),
    }
}
