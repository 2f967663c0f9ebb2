//! Refresh tokens: when they are issued, when they rotate, how long they live, and what a used one means.

use crate::{
    client::{ApplicationType, Client, GrantType, ReuseWindow},
    scope::{OFFLINE_ACCESS, Scope},
};

/// A refresh token that has been rotated for this long rotates no more: seconds (365.25 days).
pub const MAX_TOTAL_LIFETIME: i64 = 31_557_600;

/// What is kept of a refresh token. All times are Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedRefreshToken {
    /// When it was issued.
    pub issued_at: i64,
    /// When the first token of its rotation chain was issued.
    pub chain_started_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// When it was rotated away.
    pub consumed_at: Option<i64>,
}

/// Whether a grant comes with a refresh token: `offline_access` was granted (OpenID Connect Core §11), or the
/// client, not a native app, always gets one.
#[must_use]
pub fn is_issued(client: &Client, granted: &Scope) -> bool {
    let native = client.application_type == ApplicationType::Native;
    client.allows(GrantType::RefreshToken)
        && (granted.contains(OFFLINE_ACCESS) || (client.always_issue_refresh_token && !native))
}

/// Whether using the token now replaces it by a new one.
#[must_use]
pub fn rotates(client: &Client, token: &IssuedRefreshToken, now: i64) -> bool {
    // FAPI 2.0 §5.3.2.1: where the token is bound to a key, rotation protects nobody and loses sessions.
    if client.is_fapi2()
        || !client.rotate_refresh_token
        || now.saturating_sub(token.chain_started_at) >= MAX_TOTAL_LIFETIME
    {
        return false;
    }
    // RFC 9700 §2.2.2: refresh tokens of public clients must rotate.
    if !client.is_confidential() {
        return true;
    }
    let (elapsed, ttl) =
        (now.saturating_sub(token.issued_at), token.expires_at.saturating_sub(token.issued_at));
    // 70 % of its life, in whole numbers.
    elapsed.saturating_mul(10) >= ttl.saturating_mul(7)
}

/// When a new refresh token ends: Unix seconds. In a browser a successor keeps the end of its predecessor, so that
/// rotation never prolongs a session there.
#[must_use]
pub fn expires_at(client: &Client, predecessor: Option<&IssuedRefreshToken>, now: i64) -> i64 {
    match (client.application_type, predecessor) {
        (ApplicationType::SPA, Some(predecessor)) => predecessor.expires_at,
        _ => now.saturating_add(client.refresh_token_ttl.seconds()),
    }
}

/// What presenting a refresh token means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// Never rotated: go on.
    Fresh,
    /// Rotated a moment ago, by a parallel request: go on, with another successor.
    WithinReuse,
    /// Rotated before: someone has a copy. Refuse and revoke the grant (RFC 9700 §4.14.2).
    Replayed,
    /// Too old, rotated or not: refuse.
    Expired,
}

/// Judges a presented refresh token. A window of 0 allows no second use, not even within the same second.
#[must_use]
pub fn presented(token: &IssuedRefreshToken, now: i64, window: ReuseWindow) -> Presented {
    let window = window.seconds();
    match token.consumed_at {
        _ if now >= token.expires_at => Presented::Expired,
        None => Presented::Fresh,
        Some(at) if window > 0 && now <= at.saturating_add(window) => Presented::WithinReuse,
        Some(_) => Presented::Replayed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::RefreshTokenTtl;

    const KINDS: [ApplicationType; 4] = [
        ApplicationType::Native,
        ApplicationType::SPA,
        ApplicationType::Traditional,
        ApplicationType::MachineToMachine,
    ];

    fn client(kind: ApplicationType) -> Client {
        Client::new("c", kind)
    }

    fn token(issued_at: i64, ttl: i64) -> IssuedRefreshToken {
        IssuedRefreshToken {
            issued_at,
            chain_started_at: issued_at,
            expires_at: issued_at + ttl,
            consumed_at: None,
        }
    }

    #[test]
    fn a_refresh_token_comes_with_offline_access_or_by_setting() {
        let (with, without) = (Scope::from_iter(["offline_access"]), Scope::from_iter(["openid"]));
        for (kind, by_scope, by_setting) in [
            (ApplicationType::Native, true, false),
            (ApplicationType::SPA, true, true),
            (ApplicationType::Traditional, true, true),
            (ApplicationType::MachineToMachine, false, false),
        ] {
            let always = Client { always_issue_refresh_token: true, ..client(kind) };
            assert_eq!(is_issued(&client(kind), &with), by_scope);
            assert!(!is_issued(&client(kind), &without));
            assert_eq!(is_issued(&always, &without), by_setting);
        }
    }

    #[test]
    fn a_confidential_clients_token_rotates_from_70_percent_of_its_life() {
        let (web, token) = (client(ApplicationType::Traditional), token(0, 1000));
        assert!(!rotates(&web, &token, 699));
        assert!(rotates(&web, &token, 700));
    }

    #[test]
    fn a_used_token_is_good_for_the_reuse_window_and_a_replay_after_it() {
        let used = IssuedRefreshToken { consumed_at: Some(100), ..token(0, 1000) };
        let window = ReuseWindow::default();
        assert_eq!(presented(&used, 110, window), Presented::WithinReuse);
        assert_eq!(presented(&used, 111, window), Presented::Replayed);
        assert_eq!(presented(&used, 1000, window), Presented::Expired);
        assert_eq!(presented(&token(0, 1000), 999, window), Presented::Fresh);
        let none = ReuseWindow::from_seconds(0).unwrap();
        assert_eq!(presented(&used, 100, none), Presented::Replayed);
    }

    proptest! {
        #[test]
        fn a_setting_and_a_year_end_rotation_for_everyone(
            kind in prop::sample::select(KINDS.to_vec()), age in 0i64..100_000_000, ttl in 1i64..20_000_000
        ) {
            let still = Client { rotate_refresh_token: false, ..client(kind) };
            prop_assert!(!rotates(&still, &token(0, ttl), age));
            let old = IssuedRefreshToken { chain_started_at: -MAX_TOTAL_LIFETIME, ..token(0, ttl) };
            prop_assert!(!rotates(&client(kind), &old, age));
        }

        #[test]
        fn a_public_clients_token_rotates_at_every_age_below_a_year(
            age in 0..MAX_TOTAL_LIFETIME, ttl in 1i64..20_000_000, native in any::<bool>()
        ) {
            let kind = if native { ApplicationType::Native } else { ApplicationType::SPA };
            prop_assert!(rotates(&client(kind), &token(0, ttl), age));
        }

        #[test]
        fn once_a_confidential_clients_token_rotates_it_keeps_rotating_until_it_ends(
            ttl in 1i64..15_552_000, a in 0i64..15_552_000, b in 0i64..15_552_000
        ) {
            let (web, token) = (client(ApplicationType::Traditional), token(0, ttl));
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(!rotates(&web, &token, early) || rotates(&web, &token, late));
            prop_assert_eq!(rotates(&web, &token, early), early * 10 >= ttl * 7);
        }

        #[test]
        fn rotation_in_a_browser_never_prolongs(
            days in 1u16..=180, steps in prop::collection::vec(0i64..1_000_000, 1..10)
        ) {
            let ttl = RefreshTokenTtl::from_days(days).unwrap();
            let spa = Client { refresh_token_ttl: ttl, ..client(ApplicationType::SPA) };
            let web = Client { refresh_token_ttl: ttl, ..client(ApplicationType::Traditional) };
            let end = expires_at(&spa, None, 0);
            prop_assert_eq!(end, ttl.seconds());
            let (mut now, mut current) = (0, token(0, end));
            for step in steps {
                now += step;
                prop_assert_eq!(expires_at(&spa, Some(&current), now), end);
                prop_assert_eq!(expires_at(&web, Some(&current), now), now + ttl.seconds());
                current = IssuedRefreshToken { issued_at: now, ..current };
            }
        }

        #[test]
        fn a_token_is_judged_by_its_end_its_use_and_the_window_only(
            expires_at in 0i64..1000, consumed in proptest::option::of(0i64..1000),
            now in 0i64..2000, window in 0u8..=60
        ) {
            let token = IssuedRefreshToken { expires_at, consumed_at: consumed, ..token(0, 1) };
            let judged = presented(&token, now, ReuseWindow::from_seconds(window).unwrap());
            let window = i64::from(window);
            prop_assert_eq!(judged == Presented::Expired, now >= expires_at);
            if now < expires_at {
                prop_assert_eq!(judged == Presented::Fresh, consumed.is_none());
                let late = consumed.is_some_and(|at| window == 0 || now - at > window);
                prop_assert_eq!(judged == Presented::Replayed, late);
            }
        }
    }
}
