//! Typing the codes of devices: who may guess how often, and several devices at once, at the door.

mod television;

use serde_json::json;
use television::{
    allow, begin, decide, device_application, enter, enter_and_sign_in, error_of, poll, sign_in,
    television,
};
use trinco_db::sql;
use trinco_testkit::{Answer, Browser, USER, World, hidden, query_of, text};

/// Wrong codes of `count` browsers that are not signed in.
async fn strangers_guess(world: &World, count: usize) -> Vec<Answer> {
    let guess = async || {
        let browser = world.server.browser();
        enter(&browser, "BBBB-BBBB").await
    };
    let mut answers = Vec::new();
    for _ in 0..count / 20 {
        answers.extend(futures_util::future::join_all((0..20).map(|_| guess())).await);
    }
    answers
}

async fn counters(world: &World) -> i64 {
    let mut conn = world.server.tenant().read().await.expect("a connection");
    let count = sql!("SELECT count(*) FROM user_code_attempts WHERE tenant_id = $1");
    conn.one(count, &[]).await.expect("a row").get(0).expect("a number")
}

async fn type_into(browser: &Browser, page: &Answer, code: &str) -> Answer {
    let xsrf = hidden(&page.text, "xsrf");
    browser.submit("/device", &[("xsrf", &xsrf), ("user_code", code)]).await
}

/// RFC 8628 §5.1: the guesses of all strangers together are limited, and yet they shut nobody out.
#[tokio::test]
async fn when_strangers_have_guessed_too_often_people_sign_in_before_their_code_is_looked_at() {
    let (world, app) = television().await;
    let codes = begin(&world.server, &app).await;
    let code = text(&codes, "/user_code");
    let answers = strangers_guess(&world, 1000).await;
    assert!(answers.iter().all(|answer| answer.status == 422), "each is told it is wrong");
    let kept = counters(&world).await;
    assert_eq!(kept, 1001, "one for each browser, and the one they share");

    // Right or wrong, a stranger's code is not looked at any more, and nothing is counted for it.
    let mut pages = Vec::new();
    for typed in [code, "BBBB-BBBB"] {
        let browser = world.server.browser();
        let resume = enter(&browser, typed).await.location().to_owned();
        let page = browser.get(&resume).await.location().to_owned();
        assert!(page.contains("/sign-in?"), "{page}");
        let shown = browser.get(&page).await.expect(200).text;
        assert!(!shown.contains("Television"), "it tells nothing about the code: {shown}");
        pages.push((browser, page));
    }
    assert_eq!(counters(&world).await, kept);

    let (browser, page) = &pages[0];
    let next = sign_in(browser, page, USER).await;
    let page = browser.get(&next).await.expect(200);
    assert_eq!(hidden(&page.text, "user_code"), code, "nobody types twice");
    let resume = type_into(browser, &page, code).await.location().to_owned();
    let confirm = browser.get(&resume).await.location().to_owned();
    decide(browser, &confirm, "allow").await.expect(200);
    poll(&world.server, &app, &codes).await.expect(200);

    // Who has signed in guesses a handful, in however many browsers.
    let (browser, page) = &pages[1];
    let next = sign_in(browser, page, USER).await;
    assert_eq!(query_of(&next)["user_code"], "BBBB-BBBB");
    for _ in 0..3 {
        enter(browser, "BBBB-BBBB").await.expect(422);
    }
    let browser = &pages[0].0;
    for _ in 0..2 {
        enter(browser, "BBBB-BBBB").await.expect(422);
    }
    enter(browser, "BBBB-BBBB").await.expect(429);
    enter(&pages[1].0, "BBBB-BBBB").await.expect(429);

    // Ten minutes later strangers are asked again.
    world.server.clock().advance(601);
    enter(&world.server.browser(), "BBBB-BBBB").await.expect(422);
}

/// Guesses that one browser's own limit refuses take nothing from the other strangers.
#[tokio::test]
async fn a_browser_that_is_refused_does_not_use_up_the_guesses_of_others() {
    let (world, _) = television().await;
    let browser = world.server.browser();
    let page = browser.get("/device").await.expect(200);
    for status in [422, 422, 422, 422, 422, 429, 429] {
        type_into(&browser, &page, "BBBB-BBBB").await.expect(status);
    }
    let mut conn = world.server.tenant().read().await.expect("a connection");
    let shared =
        sql!("SELECT attempts FROM user_code_attempts WHERE tenant_id = $1 AND source = '-'");
    let attempts: i64 = conn.one(shared, &[]).await.expect("a row").get(0).expect("a number");
    assert_eq!(attempts, 5);
}

#[tokio::test]
async fn the_page_of_one_device_does_not_disturb_that_of_another() {
    let (world, app) = television().await;
    let radio = device_application(&world, json!({ "name": "Radio" })).await;
    let server = &world.server;
    let browser = server.browser();
    let first = begin(server, &app).await;
    let confirm = enter_and_sign_in(&browser, text(&first, "/user_code"), USER).await;

    // A second tab: the page is opened, then used for another device.
    browser.get("/device").await.expect(200);
    browser.get("/device?user_code=BBBB-BBBB").await.expect(200);
    let second = begin(server, &radio).await;
    allow(&browser, &second).await;
    poll(server, &radio, &second).await.expect(200);

    let shown = browser.get(&confirm).await.expect(200).text;
    assert!(shown.contains(text(&first, "/user_code")) && shown.contains("Television"));
    assert_eq!(error_of(poll(server, &app, &first).await), "authorization_pending");
    decide(&browser, &confirm, "allow").await.expect(200);
    poll(server, &app, &first).await.expect(200);
}
