//! The rotation policy as a whole: chains of refresh tokens under random settings and uses, held against what they promise.
//!
//! The chain is kept here as the rules' caller keeps it. That the real caller does is shown at the door, in `oidc_refresh_chain.rs`.

use proptest::prelude::*;

use crate::{
    client::{ApplicationType, Client, RefreshTokenTtl, ReuseWindow},
    refresh::{IssuedRefreshToken, MAX_TOTAL_LIFETIME, Presented, expires_at, presented, rotates},
};

const DAY: i64 = 86_400;

/// A grant's refresh tokens, the oldest first.
struct Chain {
    client: Client,
    members: Vec<IssuedRefreshToken>,
    is_revoked: bool,
}

/// What was answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// This member.
    Member(usize),
    Refused,
}

impl Chain {
    fn begin(client: Client, now: i64) -> Self {
        let first = IssuedRefreshToken {
            issued_at: now,
            chain_started_at: now,
            expires_at: expires_at(&client, None, now),
            consumed_at: None,
        };
        Self { client, members: vec![first], is_revoked: false }
    }

    fn present(&mut self, at: usize, now: i64) -> Answer {
        if self.is_revoked {
            return Answer::Refused;
        }
        let token = self.members[at];
        match presented(&token, now, self.client.refresh_token_reuse_window) {
            Presented::Expired => Answer::Refused,
            Presented::Replayed => {
                self.is_revoked = true;
                Answer::Refused
            }
            Presented::WithinReuse => Answer::Member(self.members.len() - 1),
            Presented::Fresh if !rotates(&self.client, &token, now) => Answer::Member(at),
            Presented::Fresh => {
                let successor = IssuedRefreshToken {
                    issued_at: now,
                    chain_started_at: token.chain_started_at,
                    expires_at: expires_at(&self.client, Some(&token), now),
                    consumed_at: None,
                };
                self.members[at].consumed_at = Some(now);
                self.members.push(successor);
                Answer::Member(at + 1)
            }
        }
    }
}

fn client() -> impl Strategy<Value = Client> {
    let kinds = vec![ApplicationType::Native, ApplicationType::SPA, ApplicationType::Traditional];
    (prop::sample::select(kinds), prop::bool::weighted(0.8), 1u16..=180, 0u8..=60).prop_map(
        |(kind, rotate, days, window)| Client {
            rotate_refresh_token: rotate,
            refresh_token_ttl: RefreshTokenTtl::from_days(days).unwrap(),
            refresh_token_reuse_window: ReuseWindow::from_seconds(window).unwrap(),
            ..Client::new("c", kind)
        },
    )
}

/// Seconds between two uses: in parallel, about a window apart, days, months.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0i64..3, 0i64..70, 0..2 * DAY, 0..100 * DAY]
}

/// Steps, each with which member is presented: 0 is the newest.
fn uses() -> impl Strategy<Value = Vec<(i64, usize)>> {
    prop::collection::vec(
        (step(), prop_oneof![4 => Just(0usize), 2 => Just(1), 1 => 0usize..6]),
        1..40,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_chain_keeps_its_promises_whoever_uses_it_and_however(client in client(), uses in uses()) {
        let start = 1_800_000_000;
        let mut now = start;
        let mut chain = Chain::begin(client.clone(), now);
        let window = client.refresh_token_reuse_window.seconds();
        for (step, back) in uses {
            now += step;
            let newest = chain.members.len() - 1;
            let at = newest.saturating_sub(back);
            let (token, was_revoked) = (chain.members[at], chain.is_revoked);
            let answer = chain.present(at, now);

            // After a replay nothing is answered any more, whatever is presented.
            if was_revoked {
                prop_assert_eq!(&answer, &Answer::Refused);
                prop_assert_eq!(chain.members.len() - 1, newest);
                continue;
            }
            // Exactly the use of a spent token after its window is a replay: never that of the newest.
            let is_spent = token.consumed_at.is_some();
            let is_late = token.consumed_at.is_some_and(|at| window == 0 || now - at > window);
            prop_assert_eq!(chain.is_revoked, is_spent && is_late && now < token.expires_at);
            prop_assert!(!(chain.is_revoked && at == newest));
            match answer {
                // Never an old member: a parallel request arrives where the first one did.
                Answer::Member(given) => {
                    prop_assert_eq!(given, chain.members.len() - 1);
                    prop_assert!(now < token.expires_at);
                    prop_assert!(at == newest || chain.members.len() - 1 == newest, "a fork");
                }
                Answer::Refused => prop_assert!(chain.is_revoked || now >= token.expires_at),
            }
            // A setting that switches rotation off holds, and so does RFC 9700 §2.2.2 for public clients.
            let has_rotated = chain.members.len() - 1 > newest;
            prop_assert!(!has_rotated || client.rotate_refresh_token);
            if !client.is_confidential() && client.rotate_refresh_token && at == newest {
                let may = now < token.expires_at && now - start < MAX_TOTAL_LIFETIME;
                prop_assert_eq!(has_rotated, may);
            }

            let live = chain.members.iter().filter(|member| member.consumed_at.is_none()).count();
            prop_assert_eq!(live, 1, "one member is alive, no more and no less");
            let end = client.refresh_token_ttl.seconds();
            for member in &chain.members {
                prop_assert_eq!(member.chain_started_at, start);
                let ends = if client.application_type == ApplicationType::SPA { start } else { member.issued_at };
                prop_assert_eq!(member.expires_at, ends + end);
                prop_assert!(member.issued_at == start || member.issued_at - start < MAX_TOTAL_LIFETIME);
                prop_assert!(member.expires_at - start < MAX_TOTAL_LIFETIME + end);
            }
        }
    }

    #[test]
    fn a_shorter_window_never_forgives_more(
        consumed in 0i64..1000, now in 0i64..2000, one in 0u8..=60, other in 0u8..=60,
    ) {
        let token = IssuedRefreshToken {
            issued_at: 0,
            chain_started_at: 0,
            expires_at: 1500,
            consumed_at: Some(consumed),
        };
        let judged = |seconds| presented(&token, now, ReuseWindow::from_seconds(seconds).unwrap());
        let (short, long) = (judged(one.min(other)), judged(one.max(other)));
        prop_assert!(short != Presented::WithinReuse || long == Presented::WithinReuse);
        prop_assert!(long != Presented::Replayed || short == Presented::Replayed);
    }
}
