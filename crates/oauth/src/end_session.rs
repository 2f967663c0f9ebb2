//! Signing out at the request of a client (OpenID Connect RP-Initiated Logout §2 and §3).

use crate::{
    client::{Client, Provenance},
    error::OAuthError,
    params::Params,
    redirect_uri::RedirectUri,
    response::with_query,
};

/// A request to the end-session endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndSessionRequest {
    /// The client that asks.
    pub client_id: Option<String>,
    /// An ID token of the session to end; to be verified by the caller, expiry aside.
    pub id_token_hint: Option<String>,
    /// Where the user wants to land.
    pub post_logout_redirect_uri: Option<String>,
    /// Comes back with the redirect.
    pub state: Option<String>,
    /// Languages by preference.
    pub ui_locales: Vec<String>,
}

impl EndSessionRequest {
    /// Reads a request from its query or form.
    ///
    /// # Errors
    /// `invalid_request` for a value that is too long.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        let text = |name, limit| -> Result<Option<String>, OAuthError> {
            Ok(params.limited(name, limit)?.map(Into::into))
        };
        let ui_locales = params.limited("ui_locales", 256)?.unwrap_or_default();
        Ok(Self {
            client_id: text("client_id", 2048)?,
            id_token_hint: text("id_token_hint", 16 * 1024)?,
            post_logout_redirect_uri: text("post_logout_redirect_uri", 2048)?,
            state: text("state", 4096)?,
            ui_locales: ui_locales.split_ascii_whitespace().map(Into::into).collect(),
        })
    }

    /// The client to look up before [`decide`]: that of the parameter, else the audience of the hint.
    #[must_use]
    pub fn client_id<'a>(&'a self, hint: Option<HintFacts<'a>>) -> Option<&'a str> {
        self.client_id.as_deref().or(hint.map(|hint| hint.audience))
    }
}

/// What a verified `id_token_hint` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HintFacts<'a> {
    /// The user it is about.
    pub subject: &'a str,
    /// The client it was issued to.
    pub audience: &'a str,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSession {
    /// Whether the user is asked.
    pub confirmation: Confirmation,
    /// Where they land; without one, on a page of this server.
    pub landing: Option<Landing>,
}

/// Whether the user is asked before the session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// Nobody is signed in: go to the landing place.
    NotNeeded,
    /// End it with a form that posts itself: a known client asks for its own user, or does not say for whom.
    Automatic,
    /// Show the question: the asker is unknown, or means another user.
    Ask,
}

/// A landing place the client has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    uri: RedirectUri,
    state: Option<String>,
}

impl Landing {
    /// The URL to redirect to, `state` included.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.state {
            Some(state) => with_query(self.uri.as_str(), &[("state", state.clone())]),
            None => self.uri.as_str().to_owned(),
        }
    }

    /// The landing place itself, for `form-action`.
    #[must_use]
    pub fn uri(&self) -> &RedirectUri {
        &self.uri
    }
}

/// Decides a request. `client` is what [`EndSessionRequest::client_id`] names, if it exists and can be had; `session_subject` is
/// who is signed in. A client that is gone keeps nobody from signing out: the user is asked, and lands on a page of this server.
///
/// # Errors
/// `invalid_request`, always shown: a hint issued to another client, a landing place that is not registered or comes without a
/// client.
pub fn decide(
    request: &EndSessionRequest,
    client: Option<&Client>,
    hint: Option<HintFacts<'_>>,
    session_subject: Option<&str>,
) -> Result<EndSession, OAuthError> {
    if let (Some(named), Some(hint)) = (request.client_id.as_deref(), hint)
        && named != hint.audience
    {
        return Err(OAuthError::invalid_request("id_token_hint was issued to another client"));
    }
    let confirmation = confirmation(client, hint, session_subject);
    if request.client_id(hint).is_some() && client.is_none() {
        return Ok(EndSession { confirmation, landing: None });
    }
    Ok(EndSession { confirmation, landing: landing(request, client, hint)? })
}

fn confirmation(
    client: Option<&Client>,
    hint: Option<HintFacts<'_>>,
    session_subject: Option<&str>,
) -> Confirmation {
    let Some(subject) = session_subject else { return Confirmation::NotNeeded };
    // Anyone can make a client that nobody vetted, so naming one is no reason to sign somebody out.
    let is_trusted =
        client.is_some_and(|client| client.provenance == Provenance::Operator || hint.is_some());
    if !is_trusted || hint.is_some_and(|hint| hint.subject != subject) {
        return Confirmation::Ask;
    }
    Confirmation::Automatic
}

fn landing(
    request: &EndSessionRequest,
    client: Option<&Client>,
    hint: Option<HintFacts<'_>>,
) -> Result<Option<Landing>, OAuthError> {
    let Some(presented) = &request.post_logout_redirect_uri else { return Ok(None) };
    let Some(client) = client else {
        return Err(OAuthError::invalid_request(
            "post_logout_redirect_uri needs client_id or id_token_hint",
        ));
    };
    let uri = RedirectUri::post_logout(client, presented).ok_or_else(|| {
        OAuthError::invalid_request("post_logout_redirect_uri is not registered for this client")
    })?;
    // §3: without a hint the place must be confirmed otherwise. The operator's registration does that, a stranger's own does not.
    if client.provenance != Provenance::Operator && hint.is_none() {
        return Ok(None);
    }
    Ok(Some(Landing { uri, state: request.state.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ApplicationType;

    const HINT: HintFacts<'_> = HintFacts { subject: "ana", audience: "app" };

    fn client() -> Client {
        Client {
            post_logout_redirect_uris: vec!["http://localhost:9999/".into()],
            ..Client::new("app", ApplicationType::Traditional)
        }
    }

    fn request(query: &str) -> EndSessionRequest {
        EndSessionRequest::parse(&Params::from_query(query).unwrap()).unwrap()
    }

    #[test]
    fn the_request_of_the_trace_lands_with_its_state() {
        let request =
            request("client_id=app&post_logout_redirect_uri=http://localhost:9999/&state=bye");
        let decision = decide(&request, Some(&client()), Some(HINT), Some("ana")).unwrap();
        assert_eq!(decision.confirmation, Confirmation::Automatic);
        assert_eq!(decision.landing.unwrap().url(), "http://localhost:9999/?state=bye");
    }

    #[test]
    fn nobody_is_redirected_to_a_place_that_is_not_registered() {
        for uri in ["http://localhost:9999/x", "https://evil.example/", "http://localhost:1/"] {
            let request = request(&format!("client_id=app&post_logout_redirect_uri={uri}"));
            assert!(decide(&request, Some(&client()), None, Some("ana")).is_err(), "{uri}");
        }
        let anonymous = request("post_logout_redirect_uri=http://localhost:9999/");
        assert!(decide(&anonymous, None, None, Some("ana")).is_err());
    }

    #[test]
    fn a_client_may_ask_without_a_hint_and_without_a_landing_place() {
        let decision =
            decide(&request("client_id=app"), Some(&client()), None, Some("ana")).unwrap();
        assert_eq!(decision, EndSession { confirmation: Confirmation::Automatic, landing: None });
    }

    #[test]
    fn the_user_is_asked_when_the_asker_is_unknown_or_means_someone_else() {
        let ask = |client: Option<&Client>, hint, session| {
            decide(&request(""), client, hint, session).unwrap().confirmation
        };
        let client = client();
        assert_eq!(ask(None, None, Some("ana")), Confirmation::Ask);
        assert_eq!(ask(Some(&client), Some(HINT), Some("bia")), Confirmation::Ask);
        assert_eq!(ask(Some(&client), Some(HINT), None), Confirmation::NotNeeded);
    }

    #[test]
    fn a_client_that_nobody_vetted_signs_out_only_whom_it_holds_a_token_of() {
        for provenance in [Provenance::Registration, Provenance::Document] {
            let client = Client { provenance, ..client() };
            let named = request("client_id=app&post_logout_redirect_uri=http://localhost:9999/");
            let decision = |hint, session| decide(&named, Some(&client), hint, session).unwrap();
            assert_eq!(decision(None, Some("ana")).confirmation, Confirmation::Ask);
            assert_eq!(decision(Some(HINT), Some("ana")).confirmation, Confirmation::Automatic);
            // Nor does it send browsers anywhere by a link.
            for session in [None, Some("ana")] {
                assert_eq!(decision(None, session).landing, None);
                assert!(decision(Some(HINT), session).landing.is_some());
            }
        }
    }

    #[test]
    fn a_client_that_is_gone_keeps_nobody_from_signing_out() {
        let place = "post_logout_redirect_uri=http://localhost:9999/";
        for (query, hint) in [
            (format!("client_id=gone&{place}"), None),
            (place.to_owned(), Some(HINT)),
            (format!("client_id=app&{place}"), Some(HINT)),
        ] {
            let decision = decide(&request(&query), None, hint, Some("ana")).unwrap();
            assert_eq!(decision, EndSession { confirmation: Confirmation::Ask, landing: None });
            let decision = decide(&request(&query), None, hint, None).unwrap();
            assert_eq!(decision.confirmation, Confirmation::NotNeeded);
        }
    }

    #[test]
    fn a_hint_for_another_client_is_refused() {
        let foreign = HintFacts { audience: "other", ..HINT };
        for client in [Some(&client()), None] {
            assert!(decide(&request("client_id=app"), client, Some(foreign), None).is_err());
        }
    }

    #[test]
    fn the_client_to_look_up_is_that_of_the_parameter_before_that_of_the_hint() {
        assert_eq!(request("client_id=b").client_id(Some(HINT)), Some("b"));
        assert_eq!(request("").client_id(Some(HINT)), Some("app"));
        assert_eq!(request("").client_id(None), None);
    }
}
