//! `/sign-in` and `/register`: one form each, complete without JavaScript.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use trinco_core::applications::RegisteredClient;
use trinco_core::experience::{SignInExperience, SignInIdentifier};
use trinco_core::interactions::{self, Interaction, SignedIn};
use trinco_core::{Error, Refusal, Result, Secret, Tenant, clients};

use super::context::PageContext;
use super::fields::{Fields, Pairs, Query, Whose};
use super::render;
use super::view::{Field, Identifiers, Register, Requirement, SignIn, XSRF_FIELD};
use crate::app::Here;
use crate::cookies::{self, Interactions};

/// Longest user name that is shown again, in characters.
const MAX_SHOWN: usize = 256;

/// A submitted form.
struct Submitted {
    identifier: String,
    password: String,
    xsrf: String,
}

impl Submitted {
    /// `None` when a field repeats.
    fn read(fields: &Pairs) -> Option<Self> {
        let [identifier, password, xsrf] = fields.once(["identifier", "password", XSRF_FIELD])?;
        Some(Self {
            identifier: identifier.to_owned(),
            password: password.to_owned(),
            xsrf: xsrf.to_owned(),
        })
    }
}

/// The sign-in in progress that a page belongs to.
struct Current {
    id: Secret,
    interaction: Interaction,
    registered: Arc<RegisteredClient>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    SignIn,
    Register,
}

impl Page {
    const fn path(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Register => "register",
        }
    }
}

/// What the person typed, and what is wrong with it.
#[derive(Default)]
struct State {
    identifier: Field,
    password_error: Option<String>,
    form_error: Option<String>,
}

pub(super) async fn show_sign_in(here: Here, query: Query, headers: HeaderMap) -> Response {
    show(Page::SignIn, &here.0, &query, &headers).await
}

pub(super) async fn show_register(here: Here, query: Query, headers: HeaderMap) -> Response {
    show(Page::Register, &here.0, &query, &headers).await
}

pub(super) async fn submit_sign_in(
    here: Here,
    query: Query,
    headers: HeaderMap,
    Fields(fields): Fields,
) -> Response {
    submit(Page::SignIn, &here.0, &query, &headers, &fields).await
}

pub(super) async fn submit_register(
    here: Here,
    query: Query,
    headers: HeaderMap,
    Fields(fields): Fields,
) -> Response {
    submit(Page::Register, &here.0, &query, &headers, &fields).await
}

async fn show(page: Page, tenant: &Tenant, query: &Query, headers: &HeaderMap) -> Response {
    let context = PageContext::new(tenant, headers);
    let Some(whose) = query.whose() else { return context.unreadable(StatusCode::BAD_REQUEST) };
    match current(tenant, whose, headers).await {
        Ok(Some(current)) => {
            let hint = current.interaction.request.hints.login_hint.clone().unwrap_or_default();
            let identifier = Field { value: hint.chars().take(MAX_SHOWN).collect(), error: None };
            draw(
                page,
                tenant,
                headers,
                &current,
                State { identifier, ..State::default() },
                StatusCode::OK,
            )
        }
        Ok(None) => context.unknown_session(),
        Err(error) => context.failed(&error),
    }
}

async fn submit(
    page: Page,
    tenant: &Tenant,
    query: &Query,
    headers: &HeaderMap,
    fields: &Pairs,
) -> Response {
    let (Some(whose), Some(form)) = (query.whose(), Submitted::read(fields)) else {
        return PageContext::new(tenant, headers).unreadable(StatusCode::BAD_REQUEST);
    };
    let current = match current(tenant, whose, headers).await {
        Ok(Some(current)) => current,
        Ok(None) => return PageContext::new(tenant, headers).unknown_session(),
        Err(error) => return PageContext::new(tenant, headers).failed(&error),
    };
    let context = context(tenant, headers, &current);
    if !cookies::xsrf_is_valid(tenant, page.path(), current.id.reveal(), &form.xsrf) {
        return context.unknown_session();
    }
    let missing = missing(page, &context, identifiers(&tenant.snapshot().experience), &form);
    if missing.identifier.error.is_some() || missing.password_error.is_some() {
        return draw(page, tenant, headers, &current, missing, StatusCode::UNPROCESSABLE_ENTITY);
    }
    match carry_out(page, tenant, headers, &current, &form).await {
        Ok(signed_in) => {
            let next = format!("{}/oidc/auth/{}", tenant.origin().base(), current.id.reveal());
            let mut response = Redirect::to(&next).into_response();
            cookies::set_session(response.headers_mut(), tenant, &signed_in.cookie);
            response
        }
        Err(Error::Refused(refusal)) if refusal.code == "session.not_found" => {
            context.unknown_session()
        }
        Err(Error::Refused(refusal)) => {
            let state = explain(&context, &refusal, &form);
            draw(page, tenant, headers, &current, state, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => context.failed(&error),
    }
}

async fn carry_out(
    page: Page,
    tenant: &Tenant,
    headers: &HeaderMap,
    current: &Current,
    form: &Submitted,
) -> Result<SignedIn> {
    let cookie = cookies::session(tenant, headers);
    let session = interactions::current_session(
        tenant,
        cookie.as_ref().map(|cookie| cookie.reveal().as_str()),
    )
    .await?;
    let password = Secret::new(form.password.clone());
    // What is shown again is what was tried.
    let identifier = shown(&form.identifier);
    let identifier = identifier.trim();
    match page {
        Page::SignIn => {
            interactions::sign_in(
                tenant,
                &current.interaction,
                session.as_ref(),
                identifier,
                &password,
            )
            .await
        }
        Page::Register => {
            interactions::register(
                tenant,
                &current.interaction,
                session.as_ref(),
                identifier,
                &password,
            )
            .await
        }
    }
}

async fn current(
    tenant: &Tenant,
    whose: Whose<'_>,
    headers: &HeaderMap,
) -> Result<Option<Current>> {
    let in_progress = Interactions::read(tenant, headers);
    let Some(id) = in_progress.of(whose.app_id, whose.interaction).cloned() else {
        return Ok(None);
    };
    let Some(interaction) = interactions::find(tenant, id.reveal()).await? else { return Ok(None) };
    let registered = clients::find(tenant, &interaction.request.client_id).await?;
    Ok(registered.map(|registered| Current { id, interaction, registered }))
}

fn context<'a>(tenant: &'a Tenant, headers: &'a HeaderMap, current: &Current) -> PageContext<'a> {
    PageContext::new(tenant, headers).with_locales(&current.interaction.request.hints.ui_locales)
}

/// Fields that were left empty.
fn missing(page: Page, context: &PageContext<'_>, kinds: Identifiers, form: &Submitted) -> State {
    let texts = context.texts();
    let (identifier_key, password_key) = match page {
        Page::SignIn => (format!("missing.identifier.{}", kinds.key()), "missing.password"),
        Page::Register => ("missing.new_username".to_owned(), "missing.new_password"),
    };
    let error = |text: &str, key: &str| text.is_empty().then(|| texts.get(key).to_owned());
    State {
        identifier: Field {
            value: shown(&form.identifier),
            error: error(form.identifier.trim(), &identifier_key),
        },
        password_error: error(&form.password, password_key),
        form_error: None,
    }
}

/// Puts a refusal where the person looks for it: under the field it is about.
fn explain(context: &PageContext<'_>, refusal: &Refusal, form: &Submitted) -> State {
    let mut state = State {
        identifier: Field { value: shown(&form.identifier), error: None },
        ..State::default()
    };
    let values: Vec<(&str, &str)> =
        refusal.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let sentence = context.sentence(refusal.code, &values);
    if refusal.code == "password.rejected" {
        state.password_error = Some(reasons(context, refusal).unwrap_or(sentence));
    } else if refusal.code.starts_with("user.username") {
        state.identifier.error = Some(sentence);
    } else {
        state.form_error = Some(sentence);
    }
    state
}

/// The first rule a password breaks, as a sentence.
fn reasons(context: &PageContext<'_>, refusal: &Refusal) -> Option<String> {
    let first = refusal.data.as_ref()?.pointer("/issues/0")?;
    let code = first.get("code")?.as_str()?;
    let numbers: Vec<(&str, String)> = ["min", "max"]
        .into_iter()
        .filter_map(|name| {
            Some((name, first.pointer(&format!("/interpolation/{name}"))?.to_string()))
        })
        .collect();
    let values: Vec<(&str, &str)> =
        numbers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Some(context.sentence(code, &values))
}

/// What the sign-in field takes.
fn identifiers(experience: &SignInExperience) -> Identifiers {
    let mut identifiers = Identifiers::default();
    for identifier in experience.sign_in_identifiers() {
        match identifier {
            SignInIdentifier::Username => identifiers.username = true,
            SignInIdentifier::Email => identifiers.email = true,
            SignInIdentifier::Phone => identifiers.phone = true,
        }
    }
    identifiers
}

/// The password policy in words that can be ticked off.
fn requirements(experience: &SignInExperience) -> Vec<Requirement> {
    let policy = &experience.password_policy;
    let mut requirements = vec![Requirement::MinLength(policy.length.unwrap_or_default().min)];
    if let Some(types) = policy.character_types.filter(|types| types.min > 1) {
        requirements.push(Requirement::CharacterTypes(u8::try_from(types.min).unwrap_or(4)));
    }
    if policy.rejects.as_ref().is_some_and(|rejects| rejects.user_info) {
        requirements.push(Requirement::NotUsername);
    }
    requirements
}

fn shown(identifier: &str) -> String {
    identifier.chars().filter(|symbol| !symbol.is_control()).take(MAX_SHOWN).collect()
}

fn draw(
    page: Page,
    tenant: &Tenant,
    headers: &HeaderMap,
    current: &Current,
    state: State,
    status: StatusCode,
) -> Response {
    let context = context(tenant, headers, current);
    let experience = &tenant.snapshot().experience;
    let app_id = &current.interaction.request.client_id;
    let href = |page: Page| super::address(tenant, page.path(), app_id, &current.id);
    let xsrf = cookies::xsrf(tenant, page.path(), current.id.reveal());
    // Before the code of a device is looked at, nobody knows which application it is for.
    let is_for_application = !interactions::comes_before_code(tenant, &current.interaction);
    let app_name = current.registered.vouched_name().filter(|_| is_for_application);
    let shell = match is_for_application {
        true => context.shell_for(&current.registered),
        false => context.shell(),
    };
    let html = match page {
        Page::SignIn => {
            let register_href = experience.allows_registration().then(|| href(Page::Register));
            let view = SignIn {
                action: href(page),
                xsrf,
                app_name,
                identifiers: identifiers(experience),
                identifier: state.identifier,
                password_error: state.password_error,
                form_error: state.form_error,
                register_href,
            };
            render::sign_in(&shell, &view)
        }
        Page::Register => {
            let view = Register {
                action: href(page),
                xsrf,
                app_name,
                username: state.identifier,
                password_error: state.password_error,
                form_error: state.form_error,
                requirements: requirements(experience),
                sign_in_href: href(Page::SignIn),
            };
            render::register(&shell, &view)
        }
    };
    let form_target = current.interaction.request.target.redirect_uri.form_action_source();
    context.send(status, html, Some(&form_target))
}
