//! Chains of refresh tokens at the door: random settings and uses, held against a model of what is promised.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;
use trinco_testkit::{REDIRECT_URI, Tokens, USER, World, text};

const DAY: i64 = 86_400;
/// A grant ends then, whatever its tokens say: seconds.
const GRANT: i64 = 180 * DAY;

#[derive(Clone, Debug)]
struct Settings {
    kind: &'static str,
    rotates: bool,
    ttl_days: i64,
    window: i64,
}

/// What an application may expect of its chain.
struct Model {
    settings: Settings,
    begun: i64,
    members: Vec<Member>,
    is_revoked: bool,
}

struct Member {
    token: String,
    issued: i64,
    ends: i64,
    spent: Option<i64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    /// This token again.
    Same(String),
    /// One that was never seen.
    New,
    Refused,
}

impl Model {
    /// What presenting a member means. Written down from the promise, not from the code.
    fn present(&mut self, at: usize, now: i64) -> Expected {
        let Settings { kind, rotates, ttl_days, window } = self.settings.clone();
        let newest = self.members.len() - 1;
        let member = &mut self.members[at];
        if self.is_revoked || now >= member.ends || now >= self.begun + GRANT {
            return Expected::Refused;
        }
        match member.spent {
            Some(spent) if window > 0 && now <= spent + window => {
                Expected::Same(self.members[newest].token.clone())
            }
            Some(_) => {
                self.is_revoked = true;
                Expected::Refused
            }
            None => {
                let is_old = (now - member.issued) * 10 >= (member.ends - member.issued) * 7;
                if rotates && (kind != "Traditional" || is_old) {
                    member.spent = Some(now);
                    let ends = if kind == "SPA" { member.ends } else { now + ttl_days * DAY };
                    let token = String::new();
                    self.members.push(Member { token, issued: now, ends, spent: None });
                    Expected::New
                } else {
                    Expected::Same(member.token.clone())
                }
            }
        }
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let kind = prop::sample::select(vec!["SPA", "Native", "Traditional"]);
    let window = prop_oneof![Just(0i64), Just(10), 1i64..=60];
    // Mostly short, so that chains outlive their first token.
    let ttl_days = prop_oneof![3 => 1i64..=3, 1 => 1i64..=90];
    (kind, prop::bool::weighted(0.9), ttl_days, window)
        .prop_map(|(kind, rotates, ttl_days, window)| Settings { kind, rotates, ttl_days, window })
}

/// Seconds that pass, and which member is presented then: 0 is the newest.
fn uses() -> impl Strategy<Value = Vec<(i64, usize)>> {
    let step =
        prop_oneof![3 => Just(0), 3 => 0i64..15, 2 => 0i64..70, 3 => 0..DAY, 1 => 0..30 * DAY];
    prop::collection::vec(
        (step, prop_oneof![4 => Just(0usize), 3 => Just(1), 1 => 0usize..5]),
        1..16,
    )
}

async fn run(
    world: &mut World,
    settings: Settings,
    uses: &[(i64, usize)],
) -> Result<(), TestCaseError> {
    world.admin.renew().await;
    let app = json!({
        "name": "App",
        "type": settings.kind,
        "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] },
        "customClientMetadata": {
            "rotateRefreshToken": settings.rotates,
            "refreshTokenTtlInDays": settings.ttl_days,
            "refreshTokenReuseWindow": settings.window,
        },
    });
    let id = text(&world.admin.create("/api/applications", app).await, "/id").to_owned();
    let secret = match settings.kind {
        "Traditional" => world.admin.secret_of(&id).await,
        _ => String::new(),
    };
    let client = (id.as_str(), secret.as_str());
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let begun = world.server.clock().now();
    let first = Member {
        token: tokens.refresh().to_owned(),
        issued: begun,
        ends: begun + settings.ttl_days * DAY,
        spent: None,
    };
    let mut model = Model { settings, begun, members: vec![first], is_revoked: false };
    for (step, back) in uses {
        world.server.clock().advance(*step);
        let at = (model.members.len() - 1).saturating_sub(*back);
        let presented = model.members[at].token.clone();
        let expected = model.present(at, world.server.clock().now());
        let answer = world.refresh(client, &presented, &[]).await;
        let given = match answer.status.as_u16() {
            200 => Some(Tokens(answer.json()).refresh().to_owned()),
            400 => None,
            other => panic!("{other}: {}", answer.text),
        };
        match (expected, given) {
            (Expected::Refused, None) => prop_assert_eq!(&answer.json()["error"], "invalid_grant"),
            (Expected::Same(token), Some(given)) => prop_assert_eq!(token, given),
            (Expected::New, Some(given)) => {
                let is_known = model.members.iter().any(|member| member.token == given);
                prop_assert!(!is_known && given.len() == 43);
                model.members.last_mut().expect("a chain").token = given;
            }
            (expected, given) => {
                return Err(TestCaseError::fail(format!("{expected:?} was given {given:?}")));
            }
        }
    }
    Ok(())
}

#[test]
fn a_chain_is_used_as_it_is_promised_in_every_order_and_at_every_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = std::cell::RefCell::new(runtime.block_on(World::start()));
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(settings(), uses()), |(settings, uses)| {
            runtime.block_on(run(&mut world.borrow_mut(), settings, &uses))
        })
        .unwrap();
}
