//! What the server deletes every minute, with a clock that is moved by hand.

use trinco_core::{Tenant, retention};
use trinco_db::{Sql, params, sql};
use trinco_testkit::Server;

const USER: (&str, &str) = ("ana", "correct horse battery");
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

async fn count(tenant: &Tenant, statement: &'static Sql) -> i64 {
    let mut conn = tenant.read().await.unwrap();
    conn.one(statement, &[]).await.unwrap().get(0).unwrap()
}

/// Interactions, codes, opaque access tokens, refresh tokens, sessions, grants.
async fn left(tenant: &Tenant) -> [i64; 6] {
    [
        count(tenant, sql!("SELECT count(*) FROM interactions WHERE tenant_id = $1")).await,
        count(tenant, sql!("SELECT count(*) FROM authorization_codes WHERE tenant_id = $1")).await,
        count(tenant, sql!("SELECT count(*) FROM access_tokens WHERE tenant_id = $1")).await,
        count(tenant, sql!("SELECT count(*) FROM refresh_tokens WHERE tenant_id = $1")).await,
        count(tenant, sql!("SELECT count(*) FROM sessions WHERE tenant_id = $1")).await,
        count(tenant, sql!("SELECT count(*) FROM grants WHERE tenant_id = $1")).await,
    ]
}

#[tokio::test]
async fn each_thing_goes_when_its_time_is_over_and_not_before() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (id, secret) = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    let client = (id.as_str(), secret.as_str());
    let scope = "openid offline_access";
    server.sign_in(&server.browser(), client, USER, scope, &[]).await;
    // Someone else goes to the sign-in page and leaves.
    server.browser().get(&server.authorization_url(&id, scope, &[])).await;
    let tenant = server.tenant();
    assert_eq!(left(tenant).await, [1, 1, 1, 1, 1, 1]);

    let mut elapsed = 0;
    for (until, expected) in [
        (120, [1, 1, 1, 1, 1, 1]),
        (2 * HOUR, [0, 0, 0, 1, 1, 1]),
        (13 * DAY, [0, 0, 0, 1, 1, 1]),
        (15 * DAY, [0, 0, 0, 0, 0, 1]),
        (179 * DAY, [0, 0, 0, 0, 0, 1]),
        (181 * DAY, [0, 0, 0, 0, 0, 0]),
    ] {
        server.clock().advance(until - elapsed);
        elapsed = until;
        let before = left(tenant).await;
        let deleted = retention::sweep(tenant, &retention::Policy::default(), 500).await.unwrap();
        let after = left(tenant).await;
        assert_eq!(after, expected, "{until} s after sign-in");
        let gone = before.iter().sum::<i64>() - after.iter().sum::<i64>();
        assert_eq!(i64::try_from(deleted).unwrap(), gone);
    }
}

#[tokio::test]
async fn what_is_set_to_be_kept_stays_that_long_and_is_good_for_nothing() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (id, secret) = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    let client = (id.as_str(), secret.as_str());
    let browser = server.browser();
    let tokens = server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let tenant = server.tenant();
    let logs = sql!("SELECT count(*) FROM logs WHERE tenant_id = $1");
    let policy = retention::Kind::ALL
        .into_iter()
        .fold(retention::Policy::default(), |policy, kind| policy.keeping(kind, 30 * DAY * 1000));
    server.clock().advance(29 * DAY);
    let written = count(tenant, logs).await;
    assert!(written > 0);
    retention::sweep(tenant, &policy, 500).await.unwrap();
    assert_eq!(left(tenant).await, [0, 1, 1, 1, 1, 1]);
    assert_eq!(count(tenant, logs).await, written);
    // The token ended after fourteen days, and so did the session.
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    server.token(client, &form).await.expect(400);
    let silent = server.authorization_url(&id, "openid", &[("prompt", "none")]);
    assert!(browser.get(&silent).await.location().contains("error=login_required"));

    let written = count(tenant, logs).await;
    server.clock().advance(2 * DAY);
    retention::sweep(tenant, &policy, 500).await.unwrap();
    let since = count(tenant, logs).await;
    assert!((1..written).contains(&since), "the new entries stay, the old are gone: {since}");
    assert_eq!(left(tenant).await, [0, 0, 0, 1, 1, 1]);
    server.clock().advance(13 * DAY);
    retention::sweep(tenant, &policy, 500).await.unwrap();
    assert_eq!(left(tenant).await, [0, 0, 0, 0, 0, 1]);
}

#[tokio::test]
async fn a_code_replayed_after_a_sweep_still_revokes_the_grant() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (id, secret) = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    let client = (id.as_str(), secret.as_str());
    let url = server.authorization_url(&id, "openid offline_access", &[]);
    let code = server.browser().authorize(&url, USER).await;
    server.exchange(client, &code).await.expect(200);
    server.clock().advance(600);
    retention::sweep(server.tenant(), &retention::Policy::default(), 500).await.unwrap();
    assert_eq!(left(server.tenant()).await[5], 1);

    server.exchange(client, &code).await.expect(400);
    assert_eq!(left(server.tenant()).await[5], 0, "the grant is gone");
}

#[tokio::test]
async fn a_sweep_takes_the_oldest_first_and_no_more_than_a_batch() {
    let server = Server::start().await;
    let tenant = server.tenant();
    let now = tenant.now_ms();
    tenant
        .write(now, |tx, now| {
            Box::pin(async move {
                for n in 0..25 {
                    // 15 have expired, the last of them this very moment; 10 have not.
                    tx.execute(
                        sql!(
                            "INSERT INTO authorization_requests (tenant_id, id_hash, parameters, expires_at)
                             VALUES ($1, $2, '', $3)"
                        ),
                        params![format!("r{n}"), now - 14 + n],
                    )
                    .await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    let mut sweeps = Vec::new();
    loop {
        let deleted = retention::sweep(tenant, &retention::Policy::default(), 10).await.unwrap();
        let oldest =
            sql!("SELECT min(expires_at) FROM authorization_requests WHERE tenant_id = $1");
        sweeps.push((deleted, count(tenant, oldest).await - now));
        if deleted == 0 {
            break;
        }
    }
    assert_eq!(sweeps, [(10, -4), (5, 1), (0, 1)]);
}

/// Puts a grant that ended `ended_ago` milliseconds ago into the database, with so many opaque access tokens that end (or ended) at `until`.
async fn grant_with_tokens(server: &Server, ended_ago: i64, tokens: i64, until: i64) {
    let admin = server.admin().await;
    let (client, _) = admin.traditional("Shop").await;
    let user = admin.user(USER.0, USER.1).await;
    let tenant = server.tenant();
    let now = tenant.now_ms();
    tenant
        .write((user, client), move |tx, (user, client)| {
            Box::pin(async move {
                let grant = sql!(
                    "INSERT INTO grants (tenant_id, id, user_id, client_id, scope, resources, authenticated_at,
                         created_at, expires_at)
                     VALUES ($1, 'g', $2, $3, 'openid', '[]', 0, 0, $4)"
                );
                tx.execute(grant, params![user, client, now - ended_ago]).await?;
                for n in 0..tokens {
                    let token = sql!(
                        "INSERT INTO access_tokens (tenant_id, hash, grant_id, scope, created_at, expires_at)
                         VALUES ($1, $2, 'g', 'openid', 0, $3)"
                    );
                    tx.execute(token, params![n.to_string(), until]).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// Tokens and grants.
async fn tokens_and_grants(tenant: &Tenant) -> [i64; 2] {
    [
        count(tenant, sql!("SELECT count(*) FROM access_tokens WHERE tenant_id = $1")).await,
        count(tenant, sql!("SELECT count(*) FROM grants WHERE tenant_id = $1")).await,
    ]
}

#[tokio::test]
async fn a_grant_goes_after_its_tokens_however_many_they_are() {
    let server = Server::start().await;
    let tenant = server.tenant();
    // The tokens say of themselves that they are good for another day.
    let until = tenant.now_ms() + DAY * 1000;
    grant_with_tokens(&server, 2 * HOUR * 1000, 25, until).await;
    let mut sweeps = Vec::new();
    while sweeps.last() != Some(&(0, [0, 0])) && sweeps.len() < 9 {
        let deleted = retention::sweep(tenant, &retention::Policy::default(), 10).await.unwrap();
        sweeps.push((deleted, tokens_and_grants(tenant).await));
    }
    assert_eq!(sweeps, [(10, [15, 1]), (10, [5, 1]), (6, [0, 0]), (0, [0, 0])]);
}

#[tokio::test]
async fn tokens_that_are_to_be_kept_do_not_go_with_their_grant() {
    let server = Server::start().await;
    let tenant = server.tenant();
    let ended = tenant.now_ms() - DAY * 1000;
    grant_with_tokens(&server, 2 * DAY * 1000, 3, ended).await;
    let policy = retention::Policy::default().keeping(retention::Kind::Tokens, 30 * DAY * 1000);
    for (days, expected) in [(0, [3, 1]), (27, [3, 1]), (2, [0, 0])] {
        server.clock().advance(days * DAY);
        retention::sweep(tenant, &policy, 500).await.unwrap();
        assert_eq!(tokens_and_grants(tenant).await, expected, "{days} days on");
    }
}

#[tokio::test]
async fn what_cannot_be_deleted_keeps_nothing_else_from_it() {
    let server = Server::start().await;
    let tenant = server.tenant();
    grant_with_tokens(&server, 2 * HOUR * 1000, 25, 0).await;
    let broken: trinco_core::Result<u64> = (server.installation().db().system())
        .write((), |tx, ()| {
            Box::pin(async move {
                Ok(tx.execute(sql!("ALTER TABLE interactions RENAME TO elsewhere"), &[]).await?)
            })
        })
        .await;
    broken.unwrap();
    let policy = retention::Policy::default();
    let swept = retention::sweep_all(tenant, &policy, 10, 100, || true).await;
    assert!(swept.failure.is_some(), "it is reported all the same");
    assert_eq!(swept.deleted, 26);
    assert_eq!(tokens_and_grants(tenant).await, [0, 0]);
}
