//! The endpoints that are measured, each asked about another user every time.

use ureq::Agent;

use crate::installation::{self, Installation, PASSWORD, person_named};
use crate::person::{self, read};
use crate::population::{self, Token};
use crate::server::Server;
use crate::{Result, load};

/// An endpoint and how it is asked.
pub(crate) struct Endpoint<'a> {
    pub(crate) name: &'static str,
    pub(crate) ask: Box<load::Ask<'a>>,
}

/// What the endpoints are asked about.
struct Subject<'a> {
    installation: &'a Installation,
    base: String,
    users: u64,
    /// `authorization` headers.
    bearer: String,
    basic: String,
}

impl Subject<'_> {
    /// The user that a question is about: every one once before any comes again, in no order that the database keeps them in.
    fn user(&self, question: u64) -> u64 {
        spread(question, self.users - 1) + 1
    }

    fn get(&self, agent: &Agent, path: &str) -> Result<person::Answer> {
        let url = format!("{}{path}", self.base);
        let sent = agent.get(&url).header("authorization", &self.bearer).call();
        Ok(read(&url, sent)?.0)
    }
}

/// All endpoints; without sessions and grants, those that need none.
pub(crate) fn all<'a>(
    server: &Server,
    installation: &'a Installation,
    users: u64,
) -> Result<Vec<Endpoint<'a>>> {
    let subject = || {
        Ok::<_, String>(Subject {
            installation,
            base: server.base.clone(),
            users,
            bearer: installation.bearer(&load::agent(), server)?,
            basic: installation.basic(),
        })
    };
    let mut endpoints = Vec::new();
    if installation.organization_id.is_some() {
        endpoints.extend([
            endpoint("`refresh_token`: rotation, JWT, ID token", subject()?, refresh),
            endpoint("`/oidc/me`", subject()?, me),
            endpoint("introspection of an opaque token", subject()?, introspect),
        ]);
    }
    endpoints.extend([
        endpoint("sign-in with a password: six requests", subject()?, sign_in),
        endpoint("`client_credentials`: JWT", subject()?, client_credentials),
        endpoint("`GET /api/users/{id}`", subject()?, one_user),
        endpoint("`GET /api/users?page_size=20`", subject()?, first_users),
        endpoint("discovery", subject()?, discovery),
    ]);
    Ok(endpoints)
}

fn endpoint<'a>(
    name: &'static str,
    subject: Subject<'a>,
    ask: fn(&Subject<'_>, &Agent, u64) -> Result<()>,
) -> Endpoint<'a> {
    Endpoint { name, ask: Box::new(move |agent, question| ask(&subject, agent, question)) }
}

fn refresh(subject: &Subject<'_>, agent: &Agent, question: u64) -> Result<()> {
    let spent = population::token(Token::Refresh, subject.user(question));
    let app = &subject.installation.app;
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &app.id),
        ("refresh_token", &spent),
        ("resource", &app.resource),
    ];
    let tokens = person::token(agent, &subject.base, &fields)?;
    let whole = tokens["refresh_token"].as_str().is_some_and(|token| token != spent)
        && tokens["access_token"].as_str().is_some_and(|token| token.starts_with("ey"))
        && tokens["id_token"].is_string();
    if whole { Ok(()) } else { Err(format!("a refresh answered {tokens}.")) }
}

fn me(subject: &Subject<'_>, agent: &Agent, question: u64) -> Result<()> {
    let user = subject.user(question);
    let url = format!("{}/oidc/me", subject.base);
    let bearer = format!("Bearer {}", population::token(Token::Access, user));
    let sent = agent.get(&url).header("authorization", bearer).call();
    let claims = read(&url, sent)?.0.json(200)?;
    same(&claims["sub"], &population::user_id(subject.installation, user))
}

fn introspect(subject: &Subject<'_>, agent: &Agent, question: u64) -> Result<()> {
    let url = format!("{}/oidc/token/introspection", subject.base);
    let token = population::token(Token::Access, subject.user(question));
    let sent = agent
        .post(&url)
        .header("authorization", &subject.basic)
        .header("content-type", "application/x-www-form-urlencoded")
        .send(person::form(&[("token", &token)]));
    let answer = read(&url, sent)?.0.json(200)?;
    if answer["active"] == true { Ok(()) } else { Err(format!("a token is {answer}.")) }
}

fn sign_in(subject: &Subject<'_>, agent: &Agent, question: u64) -> Result<()> {
    let name = person_named(subject.user(question));
    let app = &subject.installation.app;
    person::sign_in(agent, &subject.base, app, &name, PASSWORD)
}

fn client_credentials(subject: &Subject<'_>, agent: &Agent, _: u64) -> Result<()> {
    installation::request_token(agent, &subject.base, &subject.basic).map(drop)
}

fn one_user(subject: &Subject<'_>, agent: &Agent, question: u64) -> Result<()> {
    let user = subject.user(question);
    let id = population::user_id(subject.installation, user);
    let found = subject.get(agent, &format!("/api/users/{id}"))?.json(200)?;
    same(&found["username"], &person_named(user))
}

fn first_users(subject: &Subject<'_>, agent: &Agent, _: u64) -> Result<()> {
    let found = subject.get(agent, "/api/users?page_size=20")?.json(200)?;
    if found.as_array().is_some_and(|users| users.len() == 20) {
        return Ok(());
    }
    Err(format!("a page of users is {found}."))
}

fn discovery(subject: &Subject<'_>, agent: &Agent, _: u64) -> Result<()> {
    subject.get(agent, "/oidc/.well-known/openid-configuration")?.json(200).map(drop)
}

fn same(found: &serde_json::Value, expected: &str) -> Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{expected} was asked for, and {found} answered."))
    }
}

/// A number below `count` for each number below it, far from its neighbours'.
fn spread(number: u64, count: u64) -> u64 {
    // A prime that divides no count that is tried, so that no number comes twice.
    const STRIDE: u128 = 1_000_000_007;
    let place = u128::from(number) * STRIDE % u128::from(count);
    u64::try_from(place).expect("a remainder of a u64 is one")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_user_is_asked_about_once() {
        for count in [1, 2, 999, 9_999] {
            let asked: BTreeSet<_> = (0..count).map(|number| spread(number, count)).collect();
            assert_eq!(asked.len() as u64, count);
            assert_eq!(asked.last(), Some(&(count - 1)));
        }
    }
}
