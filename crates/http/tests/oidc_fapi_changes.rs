//! Applications held to the FAPI 2.0 Security Profile while keys rotate, and what was under way when an application was first held to it.

mod bank;

use bank::{Bank, CALLBACK, header, registration};
use serde_json::{Value, json};
use trinco_core::{Section, keys};
use trinco_db::sql;
use trinco_jose::{Algorithm, SigningKey};
use trinco_testkit::{ProofKey, USER, World, hidden, query_of, text};

const PRIVATE: &str = "/api/configs/oidc/private-keys";

impl Bank {
    async fn rotate(&self, algorithm: &str, grace: i64) {
        rotate(&self.world, algorithm, grace).await;
    }

    async fn algorithm(&self) -> Value {
        header(self.tokens().await.id())["alg"].clone()
    }
}

async fn rotate(world: &World, algorithm: &str, grace: i64) {
    let body = json!({ "signingKeyAlgorithm": algorithm, "rotationGracePeriod": grace });
    world.admin.post(&format!("{PRIVATE}/rotate"), body).await.expect(200);
}

#[tokio::test]
async fn fapi2_its_key_rotates_with_the_others_and_the_retired_one_still_verifies() {
    let bank = Bank::start(Algorithm::ES256).await;
    let before = bank.tokens().await;
    let rotate = json!({ "signingKeyAlgorithm": "EC", "rotationGracePeriod": 0 });
    bank.world.admin.post("/api/configs/oidc/private-keys/rotate", rotate).await.expect(200);
    let after = bank.tokens().await;
    assert_ne!(header(before.id())["kid"], header(after.id())["kid"]);
    let published = bank.published().await;
    for token in [before.id(), after.id()] {
        let kid = text(&header(token), "/kid").to_owned();
        assert!(published.contains(&(kid, "ES256".to_owned())), "{published:?}");
    }
    let listed = bank.world.admin.get("/api/configs/oidc/private-keys").await.expect(200).json();
    let profiles = listed.as_array().expect("keys").iter();
    let own = profiles.filter(|key| key["securityProfile"] == "fapi2").count();
    assert_eq!((own, listed.as_array().expect("keys").len()), (2, 4), "{listed}");

    // A staged key begins to sign together with the others'.
    let rotate = json!({ "signingKeyAlgorithm": "EC", "rotationGracePeriod": 60 });
    bank.world.admin.post("/api/configs/oidc/private-keys/rotate", rotate).await.expect(200);
    let current = header(bank.tokens().await.id())["kid"].clone();
    assert_eq!(current, header(after.id())["kid"]);
    bank.world.server.clock().advance(61);
    assert!(trinco_core::keys::advance(bank.world.server.tenant()).await.unwrap());
    assert_ne!(header(bank.tokens().await.id())["kid"], current);
}

/// A key that the profile does not know may have been staged before there was an application to think of.
#[tokio::test]
async fn fapi2_a_staged_key_outside_the_profile_leaves_no_application_without_a_key() {
    let world = World::start().await;
    rotate(&world, "ES256", 0).await;
    rotate(&world, "RS256", 60).await;
    let bank = Bank::in_world(world, Algorithm::ES256).await;
    // Published at once, so that everyone knows it by the time the staged one signs for the others.
    let published = bank.published().await;
    assert_eq!(published.iter().filter(|(_, algorithm)| algorithm == "ES256").count(), 2);
    let tenant = bank.world.server.tenant();
    bank.world.server.clock().advance(61);
    let (code, before) = (bank.code().await, bank.tokens().await);
    assert!(keys::advance(tenant).await.unwrap());
    assert_eq!(tenant.snapshot().keys.algorithm(), Algorithm::RS256);
    bank.exchange(&code).await.expect(200);
    bank.refresh(before.refresh()).await;
    assert_eq!(bank.algorithm().await, "ES256");
}

/// However it came about that there is no key for it: an application's code is not spent in vain.
#[tokio::test]
async fn fapi2_a_key_that_is_missing_when_tokens_are_to_be_signed_is_made() {
    let bank = Bank::start(Algorithm::ES256).await;
    let code = bank.code().await;
    let tenant = bank.world.server.tenant();
    tenant
        .configure(&[Section::Keys], (), |tx, _, ()| {
            Box::pin(async move {
                let delete =
                    sql!("DELETE FROM keys WHERE tenant_id = $1 AND purpose = 'signing_fapi2'");
                tx.execute(delete, &[]).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    bank.exchange(&code).await.expect(200);
    assert_eq!(bank.published().await.len(), 2);
}

#[tokio::test]
async fn fapi2_a_retired_key_can_be_deleted_whatever_others_there_are() {
    let mut bank = Bank::start(Algorithm::ES256).await;
    bank.rotate("EC", 0).await;
    // The token that asks is not to be signed by what is deleted.
    bank.world.admin.renew().await;
    let listed = bank.world.admin.get(PRIVATE).await.expect(200).json();
    let previous: Vec<&Value> =
        listed.as_array().expect("keys").iter().filter(|key| key["status"] == "Previous").collect();
    assert_eq!(previous.len(), 2, "{listed}");
    // That of the others first: one of theirs is left then.
    let (own, others): (Vec<&Value>, Vec<&Value>) =
        previous.into_iter().partition(|key| key["securityProfile"] == "fapi2");
    for key in others.into_iter().chain(own) {
        let path = format!("{PRIVATE}/{}", text(key, "/id"));
        bank.world.admin.delete(&path).await.expect(204);
    }
    assert_eq!(bank.published().await.len(), 2);
}

/// A confidential application like any other, with a key that it does not have to use yet.
async fn not_yet_a_bank() -> Bank {
    let world = World::start().await;
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    let mut body = registration("Traditional", &key, CALLBACK);
    body["customClientMetadata"] = json!({});
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    Bank { world, id, key, proof_key: ProofKey::new() }
}

/// A request that comes through the browser and has no `code_challenge`.
fn plain_request(bank: &Bank) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", &*bank.id),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
        ])
        .finish();
    format!("/oidc/auth?{query}")
}

async fn hold_to_profile(bank: &Bank) {
    let profile = json!({ "customClientMetadata": { "securityProfile": "fapi2" } });
    let path = format!("/api/applications/{}", bank.id);
    bank.world.admin.patch(&path, profile).await.expect(200);
}

#[tokio::test]
async fn fapi2_a_request_that_was_under_way_when_it_was_switched_on_comes_to_nothing() {
    let bank = not_yet_a_bank().await;
    let browser = bank.world.server.browser();
    let page = browser.get(&plain_request(&bank)).await.location().to_owned();
    hold_to_profile(&bank).await;
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let form = [("xsrf", &*xsrf), ("identifier", USER.0), ("password", USER.1)];
    let resume = browser.submit(&page, &form).await.location().to_owned();
    let answer = browser.get(&resume).await.location().to_owned();
    assert!(answer.starts_with(CALLBACK), "{answer}");
    let answer = query_of(&answer);
    assert_eq!(answer["error"], "invalid_request");
    assert!(answer["error_description"].contains("must push"), "{answer:?}");
    browser.get(&resume).await.expect(404);
}

#[tokio::test]
async fn fapi2_a_code_without_challenge_from_before_it_was_switched_on_is_refused() {
    let bank = not_yet_a_bank().await;
    let code = bank.world.server.browser().authorize(&plain_request(&bank), USER).await;
    hold_to_profile(&bank).await;
    let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    let refused = bank.post("/oidc/token", &form, json!({})).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    // What is pushed, with a challenge, works at once.
    bank.tokens().await;
}
