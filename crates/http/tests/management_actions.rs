//! `/api/configs/actions`, and what the scripts do when people sign in.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, Tokens, hidden, text};

const FIRST: &str = "/api/configs/actions/action.postFirstFactorVerification";
const LAST: &str = "/api/configs/actions/action.postSignIn";

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

fn returning(expression: &str) -> Value {
    let script =
        format!("const runAction = ({{ event, environmentVariables }}) => ({expression});");
    json!({ "script": script, "enabled": true })
}

async fn keys_of_log(server: &Server) -> Vec<String> {
    let db = server.installation().db().tenant("default");
    let page = trinco_core::audit::page(&db, (0, i64::MAX), None, 1000).await;
    page.expect("the audit log").into_iter().map(|entry| entry.key).collect()
}

/// The page after someone tried to sign in; a redirect when they did.
async fn try_sign_in(server: &Server, client_id: &str, user: (&str, &str)) -> Answer {
    let browser = server.browser();
    let url = server.authorization_url(client_id, "openid", &[]);
    let target = browser.get(&url).await.location().to_owned();
    let page = browser.get(&target).await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    browser.submit(&target, &[("xsrf", &xsrf), ("identifier", user.0), ("password", user.1)]).await
}

async fn user_named(admin: &Admin, username: &str) -> Value {
    let found = admin.get("/api/users").await.expect(200).json();
    let users = found.as_array().expect("a list").clone();
    users.into_iter().find(|user| user["username"] == username).unwrap_or_default()
}

#[tokio::test]
async fn an_action_is_put_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    assert_eq!(code(admin.get(LAST).await, 404), "entity.not_found");
    assert_eq!(code(admin.patch(LAST, json!({})).await, 404), "entity.not_found");
    let action = json!({
        "script": "const runAction = () => {};", "environmentVariables": { "KEY": "hunter2" },
        "contextSample": { "a": [1, null] }, "enabled": false, "onExecutionError": "allow",
    });
    assert_eq!(admin.put(LAST, action.clone()).await.expect(201).json(), action);
    assert_eq!(admin.put(LAST, action.clone()).await.expect(200).json(), action);
    assert_eq!(admin.get(LAST).await.expect(200).json(), action);
    let changes = json!({ "enabled": true, "contextSample": null });
    let changed = admin.patch(LAST, changes).await.expect(200).json();
    assert_eq!((&changed["enabled"], changed.get("contextSample")), (&json!(true), None));
    assert_eq!(changed["environmentVariables"], action["environmentVariables"]);
    let listed = admin.get("/api/configs/actions").await.expect(200).json();
    assert_eq!(listed, json!([{ "key": "action.postSignIn", "value": changed }]));
    let readings = keys_of_log(&server).await;
    let readings = readings.iter().filter(|key| *key == "Action.Secret.Read").count();
    assert_eq!(readings, 2, "of its variables: once by itself, once in the list");
    for (wrong, member) in [
        (json!({ "script": "const runAction = (" }), "script"),
        (json!({}), "script"),
        (json!({ "script": "x", "onExecutionError": "maybe" }), "onExecutionError"),
    ] {
        let refused = admin.put(LAST, wrong).await.expect(400).json();
        let path = &refused["data"]["issues"][0]["path"];
        assert!(path == &json!([member]) || path == &json!([]), "{refused}");
    }
    let unknown = admin.get("/api/configs/actions/action.other").await;
    assert_eq!(code(unknown, 400), "guard.invalid_input");
    admin.delete(LAST).await.expect(204);
    assert_eq!(code(admin.delete(LAST).await, 404), "entity.not_found");
}

#[tokio::test]
async fn a_script_is_tried_and_its_answer_is_held_against_its_step() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let test = |kind: &str, script: &str| {
        let body = json!({
            "actionType": kind, "script": script, "event": { "user": { "name": "Ada" } },
            "environmentVariables": { "SUFFIX": "!" },
        });
        let admin = admin.clone();
        async move { admin.post("/api/configs/actions/test", body).await }
    };
    let script = "const runAction = async ({ event, environmentVariables: { SUFFIX } }) => ({
        action: 'updateUser', user: { name: event.user.name + SUFFIX },
    });";
    let answer = test("action.postSignIn", script).await.expect(200).json();
    assert_eq!(answer, json!({ "action": "updateUser", "user": { "name": "Ada!" } }));
    test("action.postSignIn", "const runAction = () => {};").await.expect(204);
    for (script, says) in [
        ("const runAction = () => { throw new Error('no') };", "no"),
        ("const runAction = () => ({ action: 'createUser' });", "updateUser"),
        ("const runAction = () => ({ action: 'updateUser', user: { id: 'x' } });", "id"),
        ("const other = 1;", "runAction"),
    ] {
        let refused = test("action.postSignIn", script).await.expect(422).json();
        assert_eq!(refused["code"], "action.general");
        assert!(text(&refused, "/data/message").contains(says), "{refused}");
    }
}

#[tokio::test]
async fn a_user_is_changed_at_the_end_of_signing_in() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (app, secret) = admin.traditional("Shop").await;
    admin.user("ada", "correct horse 1").await;
    let script = "{ action: 'updateUser', user: { name: 'Countess', customData: { said: event.user.username, of: event.key } } }";
    let mut action = returning(script);
    action["enabled"] = json!(false);
    admin.put(LAST, action.clone()).await.expect(201);
    let sign_in = || async {
        let user = ("ada", "correct horse 1");
        let browser = server.browser();
        server.sign_in(&browser, (&app, &secret), user, "openid profile", &[]).await
    };
    assert_eq!(Tokens::claims(sign_in().await.id()).get("name"), Some(&Value::Null), "it rests");
    admin.patch(LAST, json!({ "enabled": true })).await.expect(200);
    assert_eq!(Tokens::claims(sign_in().await.id())["name"], "Countess");
    let user = user_named(&admin, "ada").await;
    assert_eq!(user["customData"], json!({ "said": "ada", "of": "action.postSignIn" }));
}

#[tokio::test]
async fn a_script_that_fails_blocks_unless_it_is_told_not_to() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.single_page("App").await;
    admin.user("ada", "correct horse 1").await;
    let user = ("ada", "correct horse 1");
    admin.put(LAST, returning("nothing.there")).await.expect(201);
    let refused = try_sign_in(&server, &app, user).await;
    assert!(!refused.status.is_redirection(), "{}", refused.status);
    assert!(keys_of_log(&server).await.contains(&"Action.PostSignIn".to_owned()));
    admin.patch(LAST, json!({ "onExecutionError": "allow" })).await.expect(200);
    assert!(try_sign_in(&server, &app, user).await.status.is_redirection());
    let denying = json!({ "script": "const runAction = ({ api }) => api.denyAccess('no');" });
    admin.patch(LAST, denying).await.expect(200);
    let refused = try_sign_in(&server, &app, user).await;
    assert!(!refused.status.is_redirection(), "a refusal is no failure");
}

#[tokio::test]
async fn people_are_brought_over_from_elsewhere_with_their_passwords() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.single_page("App").await;
    let script = "event.password === 'old secret 1' && event.identifier.value === 'grace'
        ? { action: event.user ? 'updateUser' : 'createUser', user: { name: event.user ? 'Again' : 'New' }, passwordVerified: true }
        : undefined";
    admin.put(FIRST, returning(script)).await.expect(201);
    let (right, wrong) = (("grace", "old secret 1"), ("grace", "guess"));
    assert!(!try_sign_in(&server, &app, wrong).await.status.is_redirection());
    assert_eq!(user_named(&admin, "grace").await, Value::Null, "nobody is made of a guess");
    assert!(try_sign_in(&server, &app, right).await.status.is_redirection());
    assert_eq!(user_named(&admin, "grace").await["name"], "New");
    // The password is kept here now: the script is not asked for it again.
    admin.delete(FIRST).await.expect(204);
    assert!(try_sign_in(&server, &app, right).await.status.is_redirection());

    // Somebody who is known, with a password that only the script knows.
    let id = text(&user_named(&admin, "grace").await, "/id").to_owned();
    let other = json!({ "password": "another one 1" });
    admin.patch(&format!("/api/users/{id}/password"), other).await.expect(200);
    admin.put(FIRST, returning(script)).await.expect(201);
    assert!(try_sign_in(&server, &app, right).await.status.is_redirection());
    assert_eq!(user_named(&admin, "grace").await["name"], "Again");
    // Nobody who is suspended gets in that way.
    let suspended = json!({ "isSuspended": true });
    admin.patch(&format!("/api/users/{id}/is-suspended"), suspended).await.expect(200);
    let other = json!({ "password": "another one 1" });
    admin.patch(&format!("/api/users/{id}/password"), other).await.expect(200);
    assert!(!try_sign_in(&server, &app, right).await.status.is_redirection());
}

#[tokio::test]
async fn a_script_cannot_sign_in_someone_else() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.single_page("App").await;
    admin.user("ada", "correct horse 1").await;
    for user in ["{ username: 'mallory' }", "{ primaryEmail: 'no address' }"] {
        let script = format!("{{ action: 'createUser', user: {user}, passwordVerified: true }}");
        let put = admin.put(FIRST, returning(&script)).await;
        assert!(put.status.is_success());
        let answer = try_sign_in(&server, &app, ("grace", "whatever 1")).await;
        assert!(!answer.status.is_redirection(), "{user}");
        assert_eq!(user_named(&admin, "grace").await, Value::Null);
        assert_eq!(user_named(&admin, "mallory").await, Value::Null);
    }
    // Somebody who is known is not made again.
    let script = "{ action: 'createUser', passwordVerified: true }";
    admin.put(FIRST, returning(script)).await.expect(200);
    let answer = try_sign_in(&server, &app, ("ada", "whatever 1")).await;
    assert!(!answer.status.is_redirection());
}
