//! Somebody guesses passwords (RFC 6749 §10.10), at the door.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use serde_json::{Value, json};
use trinco_db::{Row, params, sql};
use trinco_testkit::{Admin, Answer, Browser, Server, hidden};

const PASSWORD: &str = "correct horse battery";
/// What the page says to whoever is locked out.
const LOCKED: &str = "Too many attempts.";

/// Someone at the sign-in page of an application.
struct Guesser {
    browser: Browser,
    page: String,
    xsrf: String,
}

impl Guesser {
    async fn at(server: &Server, app: &str) -> Self {
        let browser = server.browser();
        let url = server.authorization_url(app, "openid", &[]);
        let page = browser.get(&url).await.location().to_owned();
        let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
        Self { browser, page, xsrf }
    }

    async fn tries(&self, name: &str, password: &str) -> Answer {
        let form = [("xsrf", self.xsrf.as_str()), ("identifier", name), ("password", password)];
        self.browser.submit(&self.page, &form).await
    }

    /// A wrong password that is looked at.
    async fn is_wrong(&self, name: &str) {
        let page = self.tries(name, "a wrong password").await.expect(422);
        assert!(!page.text.contains(LOCKED), "{}", page.text);
    }

    /// Which of these attempts were looked at.
    async fn looked_at(&self, names: &[&str]) -> Vec<bool> {
        let mut looked_at = Vec::new();
        for name in names {
            let page = self.tries(name, "a wrong password").await.expect(422);
            looked_at.push(!page.text.contains(LOCKED));
        }
        looked_at
    }

    /// Nothing is looked at any more: not even the right password.
    async fn is_locked_out(&self, name: &str, minutes: i64) {
        for password in ["a wrong password", PASSWORD] {
            let page = self.tries(name, password).await.expect(422);
            let sentence = format!("{LOCKED} Wait {minutes} min, then try again.");
            assert!(page.text.contains(&sentence), "{}", page.text);
        }
    }
}

async fn policy(admin: &Admin, max_attempts: u32, lockout_duration: u32) {
    let policy = json!({ "maxAttempts": max_attempts, "lockoutDuration": lockout_duration });
    admin.patch("/api/sign-in-exp", json!({ "sentinelPolicy": policy })).await.expect(200);
}

/// What the audit log says of passwords that were wrong.
async fn submitted(server: &Server) -> Vec<Value> {
    let entries =
        sql!("SELECT payload FROM logs WHERE tenant_id = $1 AND key = $2 ORDER BY created_at, id");
    let mut conn = server.tenant().read().await.unwrap();
    let rows = conn.all(entries, params!["Interaction.SignIn.Identifier.Submit"]).await.unwrap();
    let payload = |row: &Row| serde_json::from_str(&row.get::<String>(0).unwrap()).unwrap();
    rows.iter().map(payload).collect()
}

#[tokio::test]
async fn a_guesser_is_locked_out_and_the_owner_gets_in_when_the_time_is_over() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let id = admin.create("/api/users", body).await["id"].as_str().unwrap().to_owned();
    policy(&admin, 3, 10).await;
    let guesser = Guesser::at(&server, &app.0).await;
    guesser.is_wrong("alice").await;
    // From another browser too: the account is what counts.
    Guesser::at(&server, &app.0).await.is_wrong(" alice ").await;
    guesser.is_wrong("alice").await;
    guesser.is_locked_out("alice", 10).await;
    server.clock().advance(9 * 60);
    guesser.is_locked_out("alice", 1).await;
    server.clock().advance(60);
    guesser.tries("alice", PASSWORD).await.expect(303);

    // The audit log says once that the account was locked, and is not filled by those who go on.
    let entries = submitted(&server).await;
    assert!(entries.iter().all(|entry| entry["userId"] == id), "{entries:#?}");
    let locked: Vec<&Value> =
        entries.iter().filter(|entry| entry["lockedForMinutes"] == 10).collect();
    assert_eq!(locked.len(), 1, "{entries:#?}");
    let wrong =
        entries.iter().filter(|entry| entry["error"] == "session.invalid_credentials").count();
    assert_eq!(wrong, 3, "{entries:#?}");
}

#[tokio::test]
async fn a_name_that_is_nobodys_is_locked_like_an_account() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    policy(&admin, 2, 60).await;
    let guesser = Guesser::at(&server, &app.0).await;
    for name in ["nobody", " nobody"] {
        guesser.is_wrong(name).await;
    }
    guesser.is_locked_out("nobody ", 60).await;
    // One attempt may be all that is allowed.
    policy(&admin, 1, 90).await;
    guesser.is_wrong("anyone").await;
    guesser.is_locked_out("anyone", 90).await;
    // Others are not concerned.
    guesser.is_wrong("somebody").await;
}

#[tokio::test]
async fn no_spelling_tells_an_account_from_a_name_that_is_nobodys() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let method = |identifier: &str| json!({ "identifier": identifier, "password": true, "verificationCode": false, "isPasswordPrimary": true });
    let methods: Vec<Value> = ["username", "email", "phone"].map(method).into();
    admin.patch("/api/sign-in-exp", json!({ "signIn": { "methods": methods } })).await.expect(200);
    let phone = "5511912345678";
    let body = json!({
        "username": "alice", "primaryEmail": "alice@example.com", "primaryPhone": phone, "password": PASSWORD,
    });
    let _ = admin.create("/api/users", body).await;
    policy(&admin, 4, 10).await;
    // What an account is called, and the same of nobody's.
    let spellings = |name: &str, digits: &str| {
        let upper = name.to_uppercase();
        let mail = [name, &upper].map(|name| format!("{name}@example.com"));
        let (first, last) = digits.split_at(4);
        [
            vec![
                name.to_owned(),
                upper.clone(),
                format!(" {name}"),
                upper.clone(),
                name.to_owned(),
                upper.clone(),
            ],
            vec![
                name.to_owned(),
                name.to_owned(),
                mail[0].clone(),
                mail[1].clone(),
                mail[0].clone(),
                name.to_owned(),
            ],
            vec![
                mail[1].clone(),
                mail[0].clone(),
                mail[1].clone(),
                upper,
                mail[0].clone(),
                mail[1].clone(),
            ],
            vec![
                digits.to_owned(),
                format!("+{digits}"),
                format!("{first} {last}"),
                format!("{first}-{last}"),
                format!("+{first}({last})"),
                digits.to_owned(),
            ],
        ]
    };
    for case_sensitive in [false, true] {
        let policy = json!({ "usernamePolicy": { "caseSensitive": case_sensitive } });
        server.admin().await.patch("/api/sign-in-exp", policy).await.expect(200);
        let somebodys = spellings("alice", phone);
        let nobodys = spellings("nobody", "5521987654321");
        for (known, unknown) in somebodys.iter().zip(&nobodys) {
            let guesser = Guesser::at(&server, &app.0).await;
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
            let looked_at = guesser.looked_at(&known).await;
            assert_eq!(looked_at, guesser.looked_at(&unknown).await, "{known:?}");
            // Everything is forgotten.
            server.clock().advance(3600);
        }
        // And every spelling that finds an account is locked with the others.
        let guesser = Guesser::at(&server, &app.0).await;
        assert_eq!(
            guesser.looked_at(&["alice@example.com"; 5]).await,
            [true, true, true, true, false]
        );
        guesser.is_locked_out("Alice@Example.com", 10).await;
        assert_eq!(guesser.looked_at(&[phone; 5]).await, [true, true, true, true, false]);
        guesser.is_locked_out("+55 (11) 91234-5678", 10).await;
        server.clock().advance(3600);
    }
}

#[tokio::test]
async fn the_right_password_begins_the_count_anew_and_an_hour_forgets_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("alice", PASSWORD).await;
    policy(&admin, 3, 60).await;
    for _ in 0..3 {
        let person = Guesser::at(&server, &app.0).await;
        person.is_wrong("alice").await;
        person.is_wrong("alice").await;
        person.tries("alice", PASSWORD).await.expect(303);
    }
    let person = Guesser::at(&server, &app.0).await;
    person.is_wrong("alice").await;
    person.is_wrong("alice").await;
    server.clock().advance(3600);
    let person = Guesser::at(&server, &app.0).await;
    person.is_wrong("alice").await;
    person.is_wrong("alice").await;
    person.tries("alice", PASSWORD).await.expect(303);
}

#[tokio::test]
async fn a_lock_is_told_in_the_minutes_of_the_settings_by_a_clock_that_is_a_second_slow_too() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    policy(&admin, 1, 10).await;
    let guesser = Guesser::at(&server, &app.0).await;
    guesser.is_wrong("alice").await;
    server.clock().step(-1);
    guesser.is_locked_out("alice", 10).await;
}

#[tokio::test]
async fn guessing_in_parallel_gains_no_attempt() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("alice", PASSWORD).await;
    policy(&admin, 4, 60).await;
    let guesser = Guesser::at(&server, &app.0).await;
    let guesses = (0..12).map(|_| guesser.tries("alice", "a wrong password"));
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| !answer.text.contains(LOCKED)).count();
    assert_eq!(looked_at, 4);
}

#[tokio::test]
async fn without_a_policy_a_hundred_wrong_passwords_lock_for_an_hour() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("alice", PASSWORD).await;
    let guesser = Guesser::at(&server, &app.0).await;
    let guesses = (0..100).map(|_| guesser.is_wrong("alice"));
    futures_util::future::join_all(guesses).await;
    guesser.is_locked_out("alice", 60).await;
}

#[tokio::test]
async fn whoever_goes_away_once_counted_has_cost_a_hash_and_left_an_entry() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    policy(&admin, 1, 10).await;
    let guesser = Guesser::at(&server, &app.0).await;
    let counted = async |names: i64| {
        let count = sql!("SELECT count(*) FROM sign_in_attempts WHERE tenant_id = $1");
        loop {
            let row = server.tenant().read().await.unwrap().one(count, &[]).await.unwrap();
            if row.get::<i64>(0).unwrap() == names {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let mut gone = 0;
    for names in 1..=5 {
        let name = format!("name{names}");
        tokio::select! {
            biased;
            // The connection is closed with what waits for its answer.
            () = counted(names) => gone += 1,
            _ = guesser.tries(&name, "a wrong password") => {}
        }
    }
    assert!(gone > 0, "every password was hashed in less than a millisecond");
    let recorded = async {
        while submitted(&server).await.len() < 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let recorded = tokio::time::timeout(Duration::from_secs(20), recorded).await;
    let entries = submitted(&server).await;
    assert!(
        recorded.is_ok(),
        "{gone} went away, and of 5 attempts {} left an entry",
        entries.len()
    );
    assert!(entries.iter().all(|entry| entry["lockedForMinutes"] == 10), "{entries:#?}");
}
