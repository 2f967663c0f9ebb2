//! What an authorization request still needs before it is answered (OpenID Connect Core §3.1.2.3 and §3.1.2.4).

use serde::{Deserialize, Serialize};

use crate::{
    authorization::AuthorizationRequest,
    client::{Client, Provenance},
    error::{ErrorCode, OAuthError},
    grant::GrantedScopes,
};

/// Everything the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The request.
    pub request: &'a AuthorizationRequest,
    /// Its client.
    pub client: &'a Client,
    /// Who is signed in, if anyone.
    pub session: Option<Session<'a>>,
    /// What became of the request's `id_token_hint`.
    pub id_token_hint: IdTokenHint<'a>,
    /// What the user granted this client before.
    pub granted: Option<&'a GrantedScopes>,
    /// What this interaction has done so far.
    pub progress: &'a Progress,
}

/// A signed-in user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session<'a> {
    /// The browser session.
    pub id: &'a str,
    /// The user.
    pub subject: &'a str,
    /// When they authenticated: Unix seconds.
    pub auth_time: i64,
}

/// A verified `id_token_hint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdTokenHint<'a> {
    /// The request has none.
    Absent,
    /// It is an ID token of this issuer, expired or not, for this user.
    Subject(&'a str),
    /// It is not an ID token of this issuer.
    Invalid,
}

/// What an interaction has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The browser session somebody signed in to within it. A sign-in counts for that session alone: with another's
    /// cookie, prompts for a sign-in stand as they did.
    #[serde(default)]
    pub login_session: Option<String>,
    /// Whether the user answered the consent page within it.
    #[serde(default)]
    pub consented: bool,
}

impl Progress {
    fn has_login(&self, session: &Session<'_>) -> bool {
        self.login_session.as_deref() == Some(session.id)
    }
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Show the sign-in pages.
    Login {
        /// Why, at least one.
        reasons: Vec<LoginReason>,
    },
    /// Show the consent page.
    Consent {
        /// What was not granted before; empty when the client asked for the page itself.
        missing: GrantedScopes,
    },
    /// Answer with a code.
    Issue,
    /// Answer with an error.
    Fail(OAuthError),
}

/// Why the user must sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginReason {
    /// Nobody is signed in.
    NoSession,
    /// `prompt=login`.
    PromptLogin,
    /// `prompt=select_account`.
    SelectAccount,
    /// The authentication is older than `max_age`.
    MaxAge,
    /// The client expects another user: by `id_token_hint`, or by `claims`.
    AnotherUser,
}

/// Decides the next step of an interaction. `now`: Unix seconds.
#[must_use]
pub fn next_step(facts: &Facts<'_>, now: i64) -> NextStep {
    if facts.id_token_hint == IdTokenHint::Invalid {
        return NextStep::Fail(OAuthError::invalid_request("id_token_hint is invalid"));
    }
    let reasons = login_reasons(facts, now);
    let has_login = facts.session.is_some_and(|session| facts.progress.has_login(&session));
    if !reasons.is_empty() {
        let another_user = reasons == [LoginReason::AnotherUser];
        return if facts.request.prompt.none {
            fail(ErrorCode::LoginRequired, "the user must sign in")
        } else if another_user && has_login {
            // OpenID Connect Core §3.1.2.1: they signed in, but as someone else.
            fail(ErrorCode::LoginRequired, "the expected user did not sign in")
        } else {
            NextStep::Login { reasons }
        };
    }
    match missing_consent(facts) {
        None => NextStep::Issue,
        Some(_) if facts.request.prompt.none => {
            fail(ErrorCode::ConsentRequired, "the user must consent")
        }
        Some(missing) => NextStep::Consent { missing },
    }
}

fn login_reasons(facts: &Facts<'_>, now: i64) -> Vec<LoginReason> {
    let Some(session) = facts.session else { return vec![LoginReason::NoSession] };
    let mut reasons = Vec::new();
    // A sign-in within this interaction satisfies every wish for a fresh one.
    if !facts.progress.has_login(&session) {
        let request = facts.request;
        if request.prompt.login {
            reasons.push(LoginReason::PromptLogin);
        }
        if request.prompt.select_account {
            reasons.push(LoginReason::SelectAccount);
        }
        let age = now.saturating_sub(session.auth_time);
        // `max_age=0` asks for a sign-in even within the same second (OpenID Connect Core §3.1.2.1).
        if request.max_age.is_some_and(|max_age| age > max_age || max_age == 0) {
            reasons.push(LoginReason::MaxAge);
        }
    }
    let hinted = match facts.id_token_hint {
        IdTokenHint::Subject(expected) => Some(expected),
        IdTokenHint::Absent | IdTokenHint::Invalid => None,
    };
    // OpenID Connect Core §5.5.1: `sub` with a value asks for that user, as a hint does.
    let asked = facts.request.claims.subject.as_deref();
    if hinted.into_iter().chain(asked).any(|expected| expected != session.subject) {
        reasons.push(LoginReason::AnotherUser);
    }
    reasons
}

/// What to ask the user for, if the consent page is needed. First-party clients have the consent of the operator
/// who registered them: everything is granted without a page, for `prompt=none` too.
fn missing_consent(facts: &Facts<'_>) -> Option<GrantedScopes> {
    if !facts.client.is_third_party || facts.progress.consented {
        return None;
    }
    // RFC 8252 §8.6: what another application may pose as is asked for as if nothing had been granted before.
    // A device has no redirect URI: its person compares a code and confirms it each time.
    let is_assured = facts.client.is_confidential()
        || facts.client.is_device_flow
        || facts.request.target.redirect_uri.is_claimed();
    let granted = facts.granted.filter(|_| is_assured);
    let missing = granted.unwrap_or(&GrantedScopes::default()).missing(facts.request);
    let never_asked = granted.is_none();
    // Nobody here knows a client that is known by its document alone: the person decides, every time.
    let always_asks = facts.client.provenance == Provenance::Document;
    (facts.request.prompt.consent || never_asked || always_asks || !missing.is_empty())
        .then_some(missing)
}

fn fail(error: ErrorCode, description: &'static str) -> NextStep {
    NextStep::Fail(OAuthError::new(error, description))
}

#[cfg(test)]
#[path = "interaction_tests.rs"]
mod tests;
