//! Someone at a browser without JavaScript, and the application they sign in to.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use crate::Result;

/// A page or a redirect with more than this is not one of a sign-in.
const LARGEST_BODY: u64 = 4 << 20;
/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A native application: a public client, whose refresh tokens rotate each time.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) redirect_uri: String,
    pub(crate) resource: String,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: String,
}

/// The cookies of one browser.
#[derive(Default)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    fn get(&mut self, agent: &Agent, url: &str) -> Result<Answer> {
        let sent =
            agent.get(url).header("accept", "text/html").header("cookie", self.cookies()).call();
        self.keep(read(url, sent)?)
    }

    fn submit(&mut self, agent: &Agent, url: &str, form: &str) -> Result<Answer> {
        let sent = agent
            .post(url)
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", self.cookies())
            .send(form);
        self.keep(read(url, sent)?)
    }

    fn cookies(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, (answer, response): (Answer, Response<()>)) -> Result<Answer> {
        for value in response.headers().get_all("set-cookie") {
            let pair =
                value.to_str().ok().and_then(|value| value.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

/// Signs in with a password, from the application's redirect to its tokens: six requests.
pub(crate) fn sign_in(
    agent: &Agent,
    base: &str,
    app: &App,
    username: &str,
    password: &str,
) -> Result<()> {
    let mut browser = Browser::default();
    let query = form(&[
        ("client_id", &app.id),
        ("redirect_uri", &app.redirect_uri),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "openid offline_access profile"),
        ("resource", &app.resource),
        ("prompt", "consent"),
        ("state", "state"),
    ]);
    let page =
        browser.get(agent, &format!("{base}/oidc/auth?{query}"))?.redirected("the sign-in")?;
    let url = absolute(base, &page);
    let shown = browser.get(agent, &url)?;
    let xsrf = hidden(&shown.body, "xsrf")
        .ok_or_else(|| format!("the sign-in page has no form: {} {}", shown.status, shown.body))?;
    let filled = form(&[("xsrf", &xsrf), ("identifier", username), ("password", password)]);
    let resumed = browser.submit(agent, &url, &filled)?.redirected("the password")?;
    let back = browser.get(agent, &absolute(base, &resumed))?.redirected("the interaction")?;
    let query = back.split_once('?').map_or("", |(_, query)| query);
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    let code = code.ok_or_else(|| format!("no code came back: {back}"))?.1;
    let tokens = token(
        agent,
        base,
        &[
            ("client_id", &app.id),
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &app.redirect_uri),
            ("code_verifier", VERIFIER),
        ],
    )?;
    if tokens["access_token"].is_string() {
        return Ok(());
    }
    Err(format!("a sign-in ended with {tokens}."))
}

/// Asks the token endpoint, which must agree.
pub(crate) fn token(agent: &Agent, base: &str, fields: &[(&str, &str)]) -> Result<Value> {
    let answer = post_form(agent, &format!("{base}/oidc/token"), fields)?;
    answer.json(200)
}

/// Posts a form and reads the answer.
pub(crate) fn post_form(agent: &Agent, url: &str, fields: &[(&str, &str)]) -> Result<Answer> {
    let sent = agent
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .send(form(fields));
    Ok(read(url, sent)?.0)
}

/// Reads an answer to its end, so that its connection serves the next request.
pub(crate) fn read(
    url: &str,
    sent: std::result::Result<Response<ureq::Body>, ureq::Error>,
) -> Result<(Answer, Response<()>)> {
    let (parts, mut body) = sent.map_err(|error| format!("{url}: {error}."))?.into_parts();
    let body = body.with_config().limit(LARGEST_BODY).read_to_string();
    let location = parts.headers.get("location").and_then(|value| value.to_str().ok());
    let answer = Answer {
        status: parts.status.as_u16(),
        location: location.unwrap_or_default().to_owned(),
        body: body.map_err(|error| format!("{url}: {error}."))?,
    };
    Ok((answer, Response::from_parts(parts, ())))
}

impl Answer {
    /// The body, when the status is this.
    pub(crate) fn json(&self, status: u16) -> Result<Value> {
        if self.status != status {
            return Err(format!("an answer is {} instead of {status}: {}", self.status, self.body));
        }
        serde_json::from_str(&self.body).map_err(|error| format!("an answer is not JSON: {error}."))
    }

    fn redirected(self, step: &str) -> Result<String> {
        if self.location.is_empty() {
            return Err(format!("{step} did not lead on: {} {}", self.status, self.body));
        }
        Ok(self.location)
    }
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn absolute(base: &str, target: &str) -> String {
    if target.starts_with('/') { format!("{base}{target}") } else { target.to_owned() }
}

/// The value of a hidden field.
fn hidden(html: &str, name: &str) -> Option<String> {
    let field = html.split("<input").find(|input| input.contains(&format!("name=\"{name}\"")))?;
    Some(field.split("value=\"").nth(1)?.split('"').next()?.to_owned())
}
