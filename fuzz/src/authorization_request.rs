//! Authorization requests: in a query, pushed, and of devices.

use serde_json::Value;
use trinco_oauth::authorization::{
    AuthorizationRequest, Context, ResponseTarget, pushed, validate, validate_device,
};
use trinco_oauth::claims::{MAX_REQUEST, RequestedClaims};
use trinco_oauth::response::AuthorizationResponse;
use trinco_oauth::scope::{OFFLINE_ACCESS, ORGANIZATIONS_RESOURCE};
use trinco_oauth::{AuthorizationError, Client, OAuthError, Params, RedirectUri, Scope};
use url::Url;

use crate::{check, clients};

const CODE: &str = "o3Jz72CFO9fcN7cYYoFJL_-rNxNOpUb-mhfPLP84ieg";
const PAGE: &str = "https://id.example.com/device";

/// Validates the input as a query of each kind of request.
pub fn run(data: &[u8]) -> bool {
    let Ok(params) = Params::from_form(data) else { return false };
    let client = params.get("client_id").and_then(clients::find);
    let direct = request(&params, client, false);
    let as_pushed = client.is_some_and(|client| push(&params, client));
    let of_device = client.is_some_and(|client| device(&params, client));
    direct || as_pushed || of_device
}

fn context(client: Option<&Client>, is_pushed: bool) -> Context<'_> {
    Context { client, resource_scopes: &clients::offered, default_resource: None, is_pushed }
}

fn request(params: &Params, client: Option<&Client>, is_pushed: bool) -> bool {
    match validate(params, &context(client, is_pushed)) {
        Ok(request) => {
            let client = client.expect("a request of nobody is refused");
            assert!(!client.require_pushed_requests || is_pushed);
            let may_go_without = client.is_confidential() && !client.is_fapi2();
            assert!(may_go_without || request.code_challenge.is_some());
            asked_for(&request, params);
            let reserved = Scope::parse(params.get("scope").unwrap_or_default());
            let offline = request.scope.contains(OFFLINE_ACCESS);
            assert!(!offline || request.prompt.consent, "offline_access without consent");
            assert_eq!(request.scope, {
                let reserved = reserved.expect("a malformed scope is refused").reserved();
                if request.prompt.consent { reserved } else { reserved.without(OFFLINE_ACCESS) }
            });
            goes_home(&request.target, params, client);
            true
        }
        Err(AuthorizationError::Show { error, state }) => {
            check::refusal(&error);
            assert!(state.is_none_or(|state| Some(&*state) == params.get("state")));
            false
        }
        Err(AuthorizationError::Redirect { error, target }) => {
            check::refusal(&error);
            let client = client.expect("nobody's answer is shown, never redirected");
            goes_home(&target, params, client);
            answers(&target, &AuthorizationResponse::error(&target, &error, clients::ISSUER));
            false
        }
    }
}

fn push(params: &Params, client: &Client) -> bool {
    for proven in [None, Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")] {
        match pushed::request(params, client, proven) {
            Ok(pushed) => {
                assert_eq!(pushed.get("client_id"), Some(&*client.client_id));
                assert!(proven.is_none() || pushed.get("dpop_jkt") == proven);
                for name in
                    ["client_secret", "client_assertion", "client_assertion_type", "request_uri"]
                {
                    assert_eq!(pushed.get(name), None, "{name} is kept");
                }
                if proven.is_none() {
                    return request(&pushed, Some(client), true);
                }
            }
            Err(error) => check::refusal(&error),
        }
    }
    false
}

fn device(params: &Params, client: &Client) -> bool {
    let page = RedirectUri::try_from(PAGE.to_owned()).expect("a sound page");
    match validate_device(params, &context(Some(client), true), page) {
        Ok(request) => {
            assert!(client.is_device_flow && !request.prompt.none);
            assert_eq!(request.target.redirect_uri.as_str(), PAGE);
            asked_for(&request, params);
            true
        }
        Err(error) => {
            check::refusal(&error);
            false
        }
    }
}

/// Nothing is in a request that was not asked for, nothing is longer than it may be, and what is kept is read back.
fn asked_for(request: &AuthorizationRequest, params: &Params) {
    let asked = Scope::parse(params.get("scope").unwrap_or_default()).expect("it was read before");
    assert!(request.scope.is_subset_of(&asked.reserved()));
    assert!(request.resources.len() <= params.resources().len());
    for resource in &request.resources {
        assert!(params.resources().contains(&resource.indicator));
        let offered = clients::offered(&resource.indicator).unwrap_or_default();
        assert!(resource.scope.is_subset_of(&asked) && resource.scope.is_subset_of(&offered));
        assert!(clients::API == resource.indicator || resource.indicator == ORGANIZATIONS_RESOURCE);
    }
    assert!(request.all_scopes().is_subset_of(&asked));
    let short = |text: &Option<String>, limit| text.as_ref().is_none_or(|text| text.len() <= limit);
    assert!(short(&request.target.state, 4096) && short(&request.nonce, 512));
    assert!(short(&request.hints.login_hint, 256) && short(&request.dpop_jkt, 43));
    assert!(request.hints.ui_locales.len() <= 256 && request.hints.identifier.len() <= 64);
    assert!(request.max_age.is_none_or(|age| (0..=i64::from(u32::MAX)).contains(&age)));
    let prompt = request.prompt;
    assert!(!prompt.none || !(prompt.login || prompt.consent || prompt.select_account));
    claims(&request.claims, params);
    let kept = serde_json::to_string(request).expect("a request can be kept");
    let read: AuthorizationRequest = serde_json::from_str(&kept).expect("what is kept is read");
    assert_eq!(&read, request);
}

/// The claims asked for one by one are among those the parameter names.
fn claims(found: &RequestedClaims, params: &Params) {
    let Some(asked) = params.get("claims").filter(|asked| asked.len() <= MAX_REQUEST) else {
        assert!(found.is_empty());
        return;
    };
    let asked: Value = serde_json::from_str(asked).unwrap_or_default();
    for (place, names) in [("id_token", &found.id_token), ("userinfo", &found.userinfo)] {
        assert!(names.iter().all(|name| asked[place].get(name).is_some()));
    }
    for (names, values) in
        [(&found.id_token, &found.id_token_values), (&found.userinfo, &found.userinfo_values)]
    {
        assert!(values.iter().all(|(name, values)| names.contains(name) && !values.is_empty()));
    }
    let subject = found.subject.as_deref();
    assert!(
        subject.is_none_or(|subject| asked.to_string().contains(&Value::from(subject).to_string()))
    );
}

/// The answer goes to a redirect URI of the client, and to the one that was asked for.
fn goes_home(target: &ResponseTarget, params: &Params, client: &Client) {
    let uri = target.redirect_uri.as_str();
    assert_eq!(Some(uri), params.get("redirect_uri"));
    assert!(RedirectUri::registered(client, uri).is_some());
    assert_eq!(target.state.as_deref(), params.get("state"));
    answers(target, &AuthorizationResponse::success(target, CODE, clients::ISSUER));
    let error = OAuthError::invalid_request("no");
    answers(target, &AuthorizationResponse::error(target, &error, clients::ISSUER));
}

/// The answer reaches the redirect URI's own origin, with its members last and in one reading.
fn answers(target: &ResponseTarget, response: &AuthorizationResponse) {
    let uri = target.redirect_uri.as_str();
    let url = match response {
        AuthorizationResponse::FormPost { action, fields } => {
            assert_eq!(action, uri);
            assert_eq!(fields.last().map(|(name, _)| *name), Some("iss"));
            return;
        }
        AuthorizationResponse::Redirect(url) => url,
    };
    assert!(url.starts_with(uri) && url.bytes().all(|byte| byte.is_ascii_graphic()));
    if let (Ok(to), Ok(home)) = (Url::parse(url), Url::parse(uri)) {
        // The origin of a private scheme equals nothing, not even itself.
        assert_eq!((to.scheme(), to.host(), to.port()), (home.scheme(), home.host(), home.port()));
        assert_eq!(to.path(), home.path());
    }
    let added =
        form_urlencoded::parse(url[uri.len()..].trim_start_matches(['?', '#', '&']).as_bytes());
    let added: Vec<_> = added.collect();
    let value = |name: &str| {
        let mut values = added.iter().filter(|(found, _)| found == name).map(|(_, value)| &**value);
        (values.next(), values.next())
    };
    assert_eq!(value("iss"), (Some(clients::ISSUER), None));
    assert_eq!(value("state"), (target.state.as_deref(), None));
    assert!(value("code").0.is_some() != value("error").0.is_some());
}
