//! Requests to sign out.

use trinco_oauth::end_session::{Confirmation, EndSessionRequest, HintFacts, decide};
use trinco_oauth::{Params, RedirectUri};
use url::Url;

use crate::{check, clients};

/// Decides the input, with and without a hint and a session.
pub fn run(data: &[u8]) -> bool {
    let Ok(params) = Params::from_form(data) else { return false };
    let request = match EndSessionRequest::parse(&params) {
        Ok(request) => request,
        Err(error) => {
            check::refusal(&error);
            return false;
        }
    };
    let short = |text: &Option<String>, limit| text.as_ref().is_none_or(|text| text.len() <= limit);
    assert!(short(&request.client_id, 2048) && short(&request.id_token_hint, 16 * 1024));
    assert!(short(&request.post_logout_redirect_uri, 2048) && short(&request.state, 4096));
    let mut landed = false;
    for hint in [None, Some(HintFacts { subject: "user", audience: "web" })] {
        let client = request.client_id(hint).and_then(clients::find);
        for session in [None, Some("user"), Some("other")] {
            let decided = match decide(&request, client, hint, session) {
                Ok(decided) => decided,
                Err(error) => {
                    check::refusal(&error);
                    continue;
                }
            };
            assert_eq!(decided.confirmation == Confirmation::NotNeeded, session.is_none());
            // Nobody's session ends without being asked, unless a known client speaks of its own user.
            if decided.confirmation == Confirmation::Automatic {
                assert!(client.is_some() && hint.is_none_or(|hint| Some(hint.subject) == session));
            }
            let Some(landing) = decided.landing else { continue };
            landed = true;
            let client = client.expect("a landing place is a client's");
            let uri = landing.uri().as_str();
            assert!(RedirectUri::post_logout(client, uri).is_some());
            let url = landing.url();
            assert!(url.starts_with(uri) && url.bytes().all(|byte| byte.is_ascii_graphic()));
            if let (Ok(to), Ok(home)) = (Url::parse(&url), Url::parse(uri)) {
                assert_eq!(to.scheme(), home.scheme());
                assert_eq!((to.host(), to.port()), (home.host(), home.port()));
            }
        }
    }
    landed
}
