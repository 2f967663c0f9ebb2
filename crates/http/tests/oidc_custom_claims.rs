//! Claims that a tenant's script adds to tokens, at the door.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod customized;

use std::sync::atomic::{AtomicBool, Ordering};

use customized::{
    ACCESS, Customized, ID, MACHINE, asks, error_of, logged, machine_form, returning,
};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use trinco_testkit::{API, Tokens, USER, text};

/// Shows in a claim what the script is told.
const TELLING: &str = "const getCustomJwtClaims = ({ token, context, environmentVariables }) => ({
    told: { token, context, environmentVariables },
});";

#[tokio::test]
async fn access_tokens_of_every_grant_get_the_claims() {
    let it = Customized::start().await;
    it.put(ACCESS, &asks("{ roles: context.user.roles.map(({ name }) => name), gty: token.gty }"))
        .await;
    let check = |token: &str, grant_type: &str| {
        let claims = Tokens::claims(token);
        assert_eq!(claims["roles"], json!(["shopper"]), "{grant_type}");
        assert_eq!(claims["gty"], grant_type);
        // All that is there without a script is still there.
        for name in ["jti", "sub", "iat", "exp", "scope", "client_id", "iss", "aud"] {
            assert!(claims.get(name).is_some(), "{name} in {claims}");
        }
        assert_eq!((&claims["aud"], &claims["sub"]), (&json!(API), &json!(it.world.user_id)));
    };
    let code = it.code().await;
    let tokens = it.exchange(&code).await;
    check(tokens.access(), "authorization_code");
    let form = [("resource", API)];
    let refreshed = it.world.refresh(it.client(), tokens.refresh(), &form).await.expect(200);
    check(Tokens(refreshed.json()).access(), "refresh_token");
    let device = it.device_tokens().await.expect(200);
    check(Tokens(device.json()).access(), "urn:ietf:params:oauth:grant-type:device_code");
    let exchanged = it.exchange_subject_token(&it.subject_token().await).await.expect(200);
    check(Tokens(exchanged.json()).access(), "urn:ietf:params:oauth:grant-type:token-exchange");
}

#[tokio::test]
async fn id_tokens_get_the_claims_of_their_own_script() {
    let it = Customized::start().await;
    it.put(ID, &asks("{ groups: ['ops'], name: 'Ana', told: token }")).await;
    let code = it.code().await;
    let tokens = it.exchange(&code).await;
    let claims = Tokens::claims(tokens.id());
    assert_eq!((&claims["groups"], &claims["name"]), (&json!(["ops"]), &json!("Ana")));
    assert_eq!(claims["told"]["kind"], "IdToken");
    assert_eq!(claims["told"]["sub"], it.world.user_id);
    assert_eq!(claims["told"]["aud"], it.app.0);
    assert!(Tokens::claims(tokens.access()).get("groups").is_none());
    let refreshed = it.world.refresh(it.client(), tokens.refresh(), &[]).await.expect(200);
    assert_eq!(Tokens::claims(Tokens(refreshed.json()).id())["groups"], json!(["ops"]));
    let device = it.device_tokens().await.expect(200);
    assert_eq!(Tokens::claims(Tokens(device.json()).id())["groups"], json!(["ops"]));
}

#[tokio::test]
async fn a_script_is_told_about_token_user_application_and_variables() {
    let it = Customized::start().await;
    let told = json!({ "script": TELLING, "environmentVariables": { "PLAN": "gold" } });
    it.world.admin.put(ACCESS, told.clone()).await.expect(201);
    it.world.admin.put(MACHINE, told).await.expect(201);
    let custom = json!({ "customData": { "tier": 3 } });
    it.world.admin.patch(&format!("/api/users/{}", it.world.user_id), custom).await.expect(200);

    let exchanged = it.exchange_subject_token(&it.subject_token().await).await.expect(200).json();
    let claims = Tokens::claims(text(&exchanged, "/access_token"));
    let told = &claims["told"];
    assert_eq!(told["environmentVariables"], json!({ "PLAN": "gold" }));
    let grant_type = "urn:ietf:params:oauth:grant-type:token-exchange";
    for (pointer, value) in [
        ("/token/kind", json!("AccessToken")),
        ("/token/jti", claims["jti"].clone()),
        ("/token/aud", json!(API)),
        ("/token/scope", claims["scope"].clone()),
        ("/token/clientId", json!(it.app.0)),
        ("/token/accountId", json!(it.world.user_id)),
        ("/token/gty", json!(grant_type)),
        ("/context/grant", json!({ "type": grant_type, "subjectTokenContext": { "ticket": 7 } })),
        ("/context/application/id", json!(it.app.0)),
        ("/context/application/type", json!("Traditional")),
        ("/context/user/id", json!(it.world.user_id)),
        ("/context/user/username", json!(USER.0)),
        ("/context/user/customData", json!({ "tier": 3 })),
        ("/context/user/hasPassword", json!(true)),
        ("/context/user/isSuspended", json!(false)),
        ("/context/user/ssoIdentities", json!([])),
        ("/context/user/mfaVerificationFactors", json!([])),
        ("/context/user/roles/0/name", json!("shopper")),
        ("/context/user/roles/0/scopes/0/name", json!("read:orders")),
        ("/context/user/roles/0/scopes/0/resource/indicator", json!(API)),
        ("/context/user/organizations/0/id", json!(it.world.organization_id)),
        ("/context/user/organizations/0/name", json!("Acme")),
        ("/context/user/organizationRoles/0/roleName", json!("clerk")),
        ("/context/user/organizationRoles/0/organizationId", json!(it.world.organization_id)),
    ] {
        assert_eq!(told.pointer(pointer), Some(&value), "{pointer} in {told}");
    }
    assert!(!claims.to_string().contains(&it.app.1), "no secret of the application");
    assert!(told["context"].get("organization").is_none());

    // In the name of an organization.
    let code = it.code().await;
    let tokens = it.exchange(&code).await;
    let form = [("organization_id", it.world.organization_id.as_str())];
    let answer = it.world.refresh(it.client(), tokens.refresh(), &form).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    let organization = json!({
        "id": it.world.organization_id, "name": "Acme", "description": "A company", "customData": {},
    });
    assert_eq!(claims["told"]["context"]["organization"], organization);
    assert!(claims["told"]["context"].get("grant").is_none());

    // A machine is no user.
    let answer = it.machine_token(&machine_form(API)).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(claims["told"]["token"]["kind"], "ClientCredentials");
    assert_eq!(claims["told"]["token"]["clientId"], it.machine.0);
    assert_eq!(claims["told"]["context"]["application"]["id"], it.machine.0);
    assert!(claims["told"]["context"].get("user").is_none());
}

#[tokio::test]
async fn protected_claims_cannot_be_set() {
    let it = Customized::start().await;
    let code = it.code().await;
    let before = it.exchange(&code).await;
    let names = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "client_id",
        "scope",
        "cnf",
        "act",
        "may_act",
        "sid",
        "nonce",
        "auth_time",
        "acr",
        "amr",
        "azp",
        "at_hash",
        "c_hash",
        "s_hash",
        "events",
        "typ",
        "organization_id",
    ];
    let all = names.iter().map(|name| ((*name).to_owned(), json!("forged"))).collect();
    let script = returning(&Value::Object(all));
    for path in [ACCESS, MACHINE, ID] {
        it.put(path, &script).await;
    }
    let code = it.code().await;
    let after = it.exchange(&code).await;
    for (before, after) in [(before.access(), after.access()), (before.id(), after.id())] {
        let (before, after) = (Tokens::claims(before), Tokens::claims(after));
        let members =
            |claims: &Value| claims.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(members(&before), members(&after));
        assert!(!after.to_string().contains("forged"), "{after}");
    }
    let machine = it.machine_token(&machine_form(API)).await.expect(200).json();
    assert!(!Tokens::claims(text(&machine, "/access_token")).to_string().contains("forged"));

    it.put(ID, &asks("{ email: 'root@example.com', email_verified: true, phone_number: '1' }"))
        .await;
    let code = it.code().await;
    assert!(!Tokens::claims(it.exchange(&code).await.id()).to_string().contains("root@"));
}

#[tokio::test]
async fn a_denial_is_told_and_spends_nothing() {
    let it = Customized::start().await;
    let code = it.code().await;
    let tokens = it.exchange(&code).await;
    let code = it.code().await;
    let subject_token = it.subject_token().await;
    let device = it.allowed_device().await;
    let deny = "const getCustomJwtClaims = ({ api, environmentVariables: { KEY } }) => {
        try { api.denyAccess(`Pay first, ${KEY}`) } catch {}
    }";
    for path in [ACCESS, MACHINE] {
        let body = json!({ "script": deny, "environmentVariables": { "KEY": "k-123456" } });
        it.world.admin.put(path, body).await.expect(201);
    }
    let form = [("resource", API)];
    for answer in [
        it.try_exchange(&code).await,
        it.world.refresh(it.client(), tokens.refresh(), &form).await,
        it.exchange_subject_token(&subject_token).await,
        it.poll(&device).await,
        it.machine_token(&machine_form(API)).await,
    ] {
        let (error, code, description) = error_of(answer);
        assert_eq!((error.as_str(), code.as_str()), ("access_denied", "oidc.access_denied"));
        assert_eq!(description, "Pay first, ***");
    }
    let entries = logged(&it.world.server, "JwtCustomizer.AccessToken").await;
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0]["denied"], "Pay first, ***");
    assert_eq!(
        (&entries[0]["result"], &entries[0]["userId"]),
        (&json!("Error"), &json!(it.world.user_id))
    );
    assert_eq!(logged(&it.world.server, "JwtCustomizer.ClientCredentials").await.len(), 1);

    for path in [ACCESS, MACHINE] {
        it.world.admin.delete(path).await.expect(204);
    }
    it.try_exchange(&code).await.expect(200);
    it.world.refresh(it.client(), tokens.refresh(), &form).await.expect(200);
    it.exchange_subject_token(&subject_token).await.expect(200);
    it.world.server.clock().advance(6);
    it.poll(&device).await.expect(200);
    it.machine_token(&machine_form(API)).await.expect(200);

    it.put(ID, "const getCustomJwtClaims = ({ api }) => api.denyAccess()").await;
    let code = it.code().await;
    assert_eq!(error_of(it.try_exchange(&code).await).2, "Access denied");
    it.world.admin.delete(ID).await.expect(204);
    it.try_exchange(&code).await.expect(200);
}

#[tokio::test]
async fn a_failing_script_adds_nothing_unless_it_is_set_to_block() {
    let it = Customized::start().await;
    let failing = "const getCustomJwtClaims = ({ environmentVariables }) => {
        throw new Error(`refused: ${environmentVariables.KEY}`);
    }";
    let mut body = json!({ "script": failing, "environmentVariables": { "KEY": "k-123456" } });
    it.world.admin.put(ACCESS, body.clone()).await.expect(201);
    let code = it.code().await;
    let tokens = it.exchange(&code).await;
    assert_eq!(Tokens::claims(tokens.access())["aud"], API);
    let entries = logged(&it.world.server, "JwtCustomizer.AccessToken").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["error"], "it threw Error: refused: *** (line 2)");
    assert_eq!(entries[0]["applicationId"], it.app.0);

    body["blockIssuanceOnError"] = json!(true);
    for path in [ACCESS, MACHINE, ID] {
        it.world.admin.put(path, body.clone()).await;
    }
    let code = it.code().await;
    let sentence = |of: &str| {
        format!(
            "the script for custom claims in {of} failed: it threw an error (line 2); the server's log says more"
        )
    };
    let form = [("resource", API)];
    for answer in [
        it.try_exchange(&code).await,
        it.world.refresh(it.client(), tokens.refresh(), &form).await,
        it.machine_token(&machine_form(API)).await,
    ] {
        assert!(!answer.text.contains("k-123456") && !answer.text.contains("refused"));
        let (error, code, description) = error_of(answer);
        assert_eq!(
            (error.as_str(), code.as_str()),
            ("invalid_request", "oidc.custom_claims_script_error")
        );
        assert_eq!(description, sentence("access tokens"));
    }
    it.world.admin.delete(ACCESS).await.expect(204);
    assert_eq!(error_of(it.try_exchange(&code).await).2, sentence("ID tokens"));
    it.world.admin.delete(ID).await.expect(204);
    it.try_exchange(&code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_scripts_are_ended_and_keep_nobody_waiting() {
    let it = Customized::start().await;
    let endless = json!({ "script": "const getCustomJwtClaims = () => { for (;;); }", "blockIssuanceOnError": true });
    it.world.admin.put(MACHINE, endless).await.expect(201);
    let ended = AtomicBool::new(false);
    // As many as the server has workers, and more.
    let stuck = async {
        let form = machine_form(API);
        let answers = join_all((0..4).map(|_| it.machine_token(&form))).await;
        ended.store(true, Ordering::SeqCst);
        answers
    };
    let others = async {
        for _ in 0..20 {
            let browser = it.world.server.browser();
            browser.get("/oidc/.well-known/openid-configuration").await.expect(200);
        }
        assert!(!ended.load(Ordering::SeqCst), "others are answered meanwhile");
    };
    let (answers, ()) = join(stuck, others).await;
    for answer in answers {
        assert!(error_of(answer).2.contains("it computed for more than 250 ms"));
    }
}

#[tokio::test]
async fn tokens_for_the_management_api_go_past_the_scripts() {
    let it = Customized::start().await;
    let deny = "const getCustomJwtClaims = ({ api }) => api.denyAccess('nobody')";
    it.put(MACHINE, deny).await;
    it.put(ACCESS, deny).await;
    let mut admin = it.world.admin.clone();
    admin.renew().await;
    admin.delete(MACHINE).await.expect(204);
}

/// What the server reads of tokens ends at 8 KiB, so no script makes them longer: it fails instead.
#[tokio::test]
async fn a_token_never_gets_longer_than_what_is_read_of_tokens() {
    let it = Customized::start().await;
    let long = |length: usize| asks(&format!("{{ long: 'x'.repeat({length}) }}"));
    let sentence = |of: &str| {
        format!(
            "the script for custom claims in {of} failed: the token is longer than 8 KiB with what it returns; \
             the server's log says more"
        )
    };
    let (mut had_room, mut had_none) = (0, 0);
    for length in [4000, 5000, 5200, 5400, 5600, 5800, 6000, 6100] {
        for path in [ACCESS, MACHINE, ID] {
            it.put(path, &long(length)).await;
        }
        let code = it.code().await;
        let tokens = it.exchange(&code).await;
        let machine = it.machine_token(&machine_form(API)).await.expect(200).json();
        for token in [tokens.access(), tokens.id(), text(&machine, "/access_token")] {
            assert!(token.len() <= 8192, "{}", token.len());
            if Tokens::claims(token).get("long").is_some() { had_room += 1 } else { had_none += 1 }
        }
        // Every door that reads tokens reads these.
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", tokens.access()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("resource", API),
        ];
        it.world.server.token(it.client(), &form).await.expect(200);
        let end = format!("/oidc/session/end?id_token_hint={}", tokens.id());
        it.world.server.browser().get(&end).await.expect(200);
    }
    assert!(had_room >= 9 && had_none >= 3, "{had_room} {had_none}");
    let logs = logged(&it.world.server, "JwtCustomizer.ClientCredentials").await;
    assert_eq!(logs[0]["error"], "the token is longer than 8 KiB with what it returns");

    let blocking = json!({ "script": long(6100), "blockIssuanceOnError": true });
    for (path, of) in [(MACHINE, "access tokens"), (ACCESS, "access tokens"), (ID, "ID tokens")] {
        let code = it.code().await;
        it.world.admin.put(path, blocking.clone()).await.expect(200);
        let answer = match path {
            MACHINE => it.machine_token(&machine_form(API)).await,
            _ => it.try_exchange(&code).await,
        };
        assert_eq!(error_of(answer).2, sentence(of));
        it.world.admin.delete(path).await.expect(204);
        // Nothing was spent.
        it.try_exchange(&code).await.expect(200);
    }
    // More than a token can hold is said to be too much, whatever else is in the token.
    it.world
        .admin
        .put(MACHINE, json!({ "script": long(6200), "blockIssuanceOnError": true }))
        .await;
    let says = error_of(it.machine_token(&machine_form(API)).await).2;
    assert!(says.contains("what it returns is longer than 6 KiB as JSON"), "{says}");
}

/// RFC 7662 §2.2 and RFC 7009 §2.2: a token that cannot be one of ours is unknown, not a mistake of the client's.
#[tokio::test]
async fn a_token_longer_than_any_of_ours_is_inactive_and_nothing_to_revoke() {
    let it = Customized::start().await;
    let long = "a".repeat(5000);
    for token in [format!("{long}{long}"), format!("{long}.{long}.{long}")] {
        let form = [("token", token.as_str())];
        let post = |path| it.world.server.post_as(it.client(), path, &form);
        let answer = post("/oidc/token/introspection").await.expect(200);
        assert_eq!(answer.json(), json!({ "active": false }));
        assert_eq!(post("/oidc/token/revocation").await.expect(200).text, "");
    }
}

/// The values of environment variables are taken out of what a script says before it is cut to a length.
#[tokio::test]
async fn no_part_of_a_secret_is_left_where_a_scripts_words_are_cut() {
    let it = Customized::start().await;
    let key = "k-0123456789-0123456789";
    for (script, error) in [
        ("api.denyAccess('x'.repeat(490) + environmentVariables.KEY)", "access_denied"),
        ("throw new Error('x'.repeat(480) + environmentVariables.KEY)", "invalid_request"),
    ] {
        let script = format!(
            "const getCustomJwtClaims = ({{ api, environmentVariables }}) => {{ {script} }}"
        );
        let body = json!({ "script": script, "environmentVariables": { "KEY": key }, "blockIssuanceOnError": true });
        it.world.admin.put(MACHINE, body).await;
        let answer = it.machine_token(&machine_form(API)).await;
        assert!(!answer.text.contains("k-0"), "{}", answer.text);
        assert_eq!(error_of(answer).0, error);
    }
    let logs = logged(&it.world.server, "JwtCustomizer.ClientCredentials").await;
    assert_eq!(logs.len(), 2);
    for entry in logs {
        assert!(entry.to_string().contains("xxx") && !entry.to_string().contains("k-0"), "{entry}");
    }
}
