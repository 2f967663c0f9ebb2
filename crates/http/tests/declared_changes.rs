//! Files as they meet a tenant that others change too, and what is told when they cannot be applied.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use trinco_core::declared::{self, Action, Cause, Failure, Kind, Plan, With};
use trinco_testkit::{Server, World, text};

const HEAD: &str = "version: 1\n";

async fn plan(server: &Server, file: &str, prune: bool) -> Plan {
    declared::plan(server.tenant(), &format!("{HEAD}{file}"), prune)
        .await
        .unwrap_or_else(|failure| panic!("{failure:?}\n{file}"))
}

async fn carry_out(server: &Server, plan: &Plan) {
    declared::carry_out(server.tenant(), plan, &|| false).await.unwrap();
}

async fn apply(server: &Server, file: &str, prune: bool) -> Plan {
    let plan = plan(server, file, prune).await;
    carry_out(server, &plan).await;
    plan
}

/// The lines and phrases of what is wrong with a file.
async fn refused(server: &Server, file: &str, prune: bool) -> Vec<(usize, String)> {
    match declared::plan(server.tenant(), &format!("{HEAD}{file}"), prune).await {
        Err(Failure::File(problems)) => problems
            .into_iter()
            .map(|problem| {
                let phrase = match &problem.cause {
                    Cause::Phrase(phrase) => phrase.clone(),
                    Cause::Rule(error) => format!("{error:?}"),
                };
                (problem.line, format!("{}: {phrase}", problem.place))
            })
            .collect(),
        other => panic!("{other:?}\n{file}"),
    }
}

async fn shop(world: &World) -> String {
    let metadata =
        json!({ "redirectUris": ["https://shop.test/cb"], "postLogoutRedirectUris": [] });
    let shop = json!({ "name": "Shop", "type": "Traditional", "oidcClientMetadata": metadata });
    text(&world.admin.create("/api/applications", shop).await, "/id").to_owned()
}

async fn rule(world: &World, application: &str, users: &[&str], organizations: &[&str]) {
    let rules = json!({ "userIds": users, "userRoleIds": [], "organizationIds": organizations, "organizationRoleRules": [] });
    world
        .admin
        .put(&format!("/api/applications/{application}/access-control"), rules)
        .await
        .expect(200);
}

#[tokio::test]
async fn what_others_change_while_a_file_is_applied_stays() {
    let world = World::start().await;
    let (server, admin, user, organization) =
        (&world.server, &world.admin, &world.user_id, &world.organization_id);
    let shop = shop(&world).await;
    let script = "const getCustomJwtClaims = async () => ({ a: 1 });";
    let body = json!({ "script": script, "environmentVariables": { "KEY": "one" } });
    admin.put("/api/configs/jwt-customizer/access-token", body).await.expect(201);
    let file = format!(
        "users:\n  - id: {user}\n    customData: {{seen: true}}\n\
         organizations:\n  - id: {organization}\n    customData: {{seen: true}}\n\
         customClaims:\n  - tokens: access-token\n    blockIssuanceOnError: true\n\
         applications:\n  - id: {shop}\n    accessControl:\n      roles: [shopper]\n"
    );
    let planned = plan(server, &file, false).await;
    assert_eq!(planned.counts(), (0, 4, 0), "{}", planned.to_json());

    let suspended = json!({ "isSuspended": true });
    admin.patch(&format!("/api/users/{user}/is-suspended"), suspended).await.expect(200);
    admin.patch(&format!("/api/users/{user}"), json!({ "name": "Alice" })).await.expect(200);
    let required = json!({ "isMfaRequired": true, "description": "Other" });
    admin.patch(&format!("/api/organizations/{organization}"), required).await.expect(200);
    rule(&world, &shop, &[user], &[]).await;
    let key = json!({ "environmentVariables": { "KEY": "two" } });
    admin.patch("/api/configs/jwt-customizer/access-token", key).await.expect(200);

    carry_out(server, &planned).await;
    let seen = json!({ "seen": true });
    let is = admin.get(&format!("/api/users/{user}")).await.json();
    assert_eq!(
        (&is["isSuspended"], &is["name"], &is["customData"]),
        (&json!(true), &json!("Alice"), &seen)
    );
    let is = admin.get(&format!("/api/organizations/{organization}")).await.json();
    assert_eq!(
        (&is["isMfaRequired"], &is["description"], &is["customData"]),
        (&json!(true), &json!("Other"), &seen)
    );
    let is = admin.get(&format!("/api/applications/{shop}/access-control")).await.json();
    assert_eq!(is["userIds"], json!([user]));
    assert_eq!(is["userRoleIds"].as_array().unwrap().len(), 1, "{is}");
    let is = admin.get("/api/configs/jwt-customizer/access-token").await.json();
    assert_eq!(
        (&is["environmentVariables"]["KEY"], &is["blockIssuanceOnError"]),
        (&json!("two"), &json!(true))
    );
    assert!(plan(server, &file, false).await.changes.is_empty());
}

#[tokio::test]
async fn what_refers_to_users_and_organizations_outside_of_the_file_can_be_applied() {
    let world = World::start().await;
    let (server, user, organization) = (&world.server, &world.user_id, &world.organization_id);
    let shop = shop(&world).await;
    rule(&world, &shop, &[user], &[organization]).await;
    for with in [With::default(), With { organizations: true, ..With::default() }] {
        let file = declared::export(server.tenant(), with).await.unwrap();
        let plan = declared::plan(server.tenant(), &file, false).await.unwrap();
        assert!(plan.changes.is_empty(), "{}", plan.to_json());
    }
    let rename = format!("organizations:\n  - id: {organization}\n    name: Renamed\n");
    assert_eq!(apply(server, &rename, false).await.counts(), (0, 1, 0));
    let roles = format!("applications:\n  - id: {shop}\n    accessControl: {{roles: [shopper]}}\n");
    assert_eq!(apply(server, &roles, false).await.counts(), (0, 1, 0));
    // Unless the file has them deleted.
    let problems = refused(server, &format!("users: []\n{rename}"), true).await;
    assert!(problems[0].1.contains(user.as_str()), "{problems:?}");
}

#[tokio::test]
async fn a_name_is_given_up_before_it_is_taken() {
    let server = Server::start().await;
    let users = |names: &[(&str, &str)]| -> String {
        let one = |(id, name): &(&str, &str)| {
            format!("  - id: {id}\n    username: {name}\n    primaryEmail: {name}@a.test\n")
        };
        format!("users:\n{}", names.iter().map(one).collect::<String>())
    };
    apply(&server, &users(&[("u1", "alice"), ("u2", "bob")]), false).await;
    let plan =
        apply(&server, &users(&[("u1", "bob"), ("u2", "carol"), ("a", "alice")]), false).await;
    let order: Vec<&str> = plan.changes.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(order, ["u2", "u1", "a"]);

    let problems = refused(&server, &users(&[("u1", "carol"), ("u2", "bob")]), false).await;
    assert_eq!(problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 7], "{problems:?}");
    assert!(problems.iter().all(|(_, phrase)| phrase.contains("go round")), "{problems:?}");

    // Of those who are deleted, the names are free; of those who stay, not.
    let next = users(&[("new", "carol"), ("u1", "bob")]);
    assert!(refused(&server, &next, false).await[0].1.contains("already"));
    let plan = apply(&server, &next, true).await;
    assert_eq!((plan.changes[0].key.as_str(), plan.changes[0].action), ("u2", Action::Delete));
    assert_eq!(plan.counts(), (1, 0, 2), "{}", plan.to_json());
}

#[tokio::test]
async fn two_users_of_a_file_have_no_social_identity_in_common() {
    let server = Server::start().await;
    let identity = "    identities: {google: {userId: \"7\", details: {}}}\n";
    let file = format!("users:\n  - id: u1\n{identity}  - id: u2\n{identity}");
    let problems = refused(&server, &file, false).await;
    assert!(problems[0].0 == 6 && problems[0].1.contains("identities.google"), "{problems:?}");
    apply(&server, &file.replacen('7', "8", 1), false).await;
}

#[tokio::test]
async fn of_a_change_that_fails_nothing_is_done() {
    let world = World::start().await;
    let server = &world.server;
    let api = trinco_testkit::API;
    apply(
        server,
        &format!("resources:\n  - indicator: {api}\n    scopes: [{{name: \"refund:orders\"}}]\n"),
        false,
    )
    .await;
    let of_resource = format!("\n      - resource: {api}\n        scopes: [\"refund:orders\"]\n");
    for file in [
        format!("roles:\n  - name: shopper\n    description: Refunds\n    scopes:{of_resource}"),
        format!(
            "organizationRoles:\n  - name: clerk\n    description: Refunds\n    resourceScopes:{of_resource}"
        ),
    ] {
        let planned = plan(server, &file, false).await;
        // This node does not know yet that another has deleted the scope.
        let other = server.second_node().await;
        let scope = format!(
            "resources:\n  - indicator: {api}\n    scopes: [{{name: \"refund:orders\"}}]\n"
        );
        let without = "scopes: [{name: \"read:orders\"}, {name: \"write:orders\"}]";
        let without = scope.replace("scopes: [{name: \"refund:orders\"}]", without);
        assert_eq!(apply(&other, &without, true).await.counts(), (0, 0, 1));
        let failure = declared::carry_out(server.tenant(), &planned, &|| false).await.unwrap_err();
        assert!(matches!(failure, Failure::Half { done: 0, of: 1, .. }), "{failure:?}");
        let is = declared::export(server.tenant(), With::default()).await.unwrap();
        assert!(!is.contains("Refunds"), "{is}");
        apply(server, &scope, false).await;
    }
}

#[tokio::test]
async fn a_file_that_is_told_to_stop_says_how_far_it_came_and_leaves_its_traces() {
    let server = Server::start().await;
    let file = "organizationScopes:\n  - name: a\n  - name: b\n  - name: c\n";
    let planned = plan(&server, file, false).await;
    let looks = AtomicUsize::new(0);
    // The first look is before anything is done.
    let is_to_stop = || looks.fetch_add(1, Ordering::SeqCst) == 3;
    let stopped = declared::carry_out(server.tenant(), &planned, &is_to_stop).await.unwrap_err();
    assert!(matches!(stopped, Failure::Stopped { done: 2, of: 3 }), "{stopped:?}");
    let logged = format!("{:?}", server.installation().audit_counts().all());
    for entry in
        ["(\"Configuration.Apply.Begin\", Success, 1)", "(\"Configuration.Apply\", Error, 1)"]
    {
        assert!(logged.contains(entry), "{logged}");
    }
    assert_eq!(apply(&server, file, false).await.counts(), (1, 0, 0));

    let planned = plan(&server, "organizationScopes:\n  - name: d\n", false).await;
    let stopped = declared::carry_out(server.tenant(), &planned, &|| true).await.unwrap_err();
    assert!(matches!(stopped, Failure::Stopped { done: 0, of: 1 }), "{stopped:?}");
}

#[tokio::test]
async fn secrets_are_not_in_what_is_said_of_them() {
    let world = World::start().await;
    let application = |secrets: &str| {
        format!(
            "applications:\n  - id: a\n    name: A\n    type: Traditional\n    secrets: {secrets}\n"
        )
    };
    let claims = |variables: &str| {
        format!(
            "customClaims:\n  - tokens: access-token\n    script: x\n    environmentVariables: {variables}\n"
        )
    };
    let user = |member: &str| format!("users:\n  - id: u\n    {member}\n");
    for (file, says) in [
        (application("998877665544"), "secrets"),
        (application("[998877665544]"), "secrets"),
        (application("[{name: a, value: 998877665544}]"), "secrets[0].value"),
        (application("[{name: a, valeu: 998877665544}]"), "secrets[0].valeu: is not known"),
        (application("[{name: a}]"), "missing field `value`"),
        (claims("998877665544"), "environmentVariables"),
        (claims("{K: 998877665544}"), "environmentVariables.K"),
        (user("passwordDigest: 998877665544"), "passwordDigest"),
        (user("password: 998877665544"), "password"),
        (application("[{name: a, value: \"1998877665544199887\"}]"), "20 to 256"),
    ] {
        let problems = refused(&world.server, &file, false).await;
        assert!(problems[0].1.contains(says), "{file}{problems:?}");
        assert!(!problems[0].1.contains("998877665544"), "{file}{problems:?}");
    }
    let plain = "roles:\n  - name: a\n    description: 998877665544\n";
    assert!(refused(&world.server, plain, false).await[0].1.contains("998877665544"));
    // No password is none that is not shown.
    let planned = plan(&world.server, &user("passwordDigest: null"), false).await;
    assert!(!planned.to_json().to_string().contains("passwordDigest"), "{}", planned.to_json());
}

#[tokio::test]
async fn who_is_no_longer_the_default_resource_is_told() {
    let server = Server::start().await;
    let resource = |name: &str, more: &str| {
        format!("  - indicator: https://{name}.test\n    name: {name}\n{more}")
    };
    let (is, is_not) = ("    isDefault: true\n", "    isDefault: false\n");
    let lost = json!({ "path": "isDefault", "old": true, "new": false });
    let changes = |plan: &Plan| -> Vec<(String, Vec<Value>)> {
        let of = |one: &declared::Change| {
            (one.key.clone(), one.members.iter().map(|member| json!(member)).collect())
        };
        plan.changes.iter().map(of).collect()
    };
    apply(&server, &format!("resources:\n{}", resource("a", is)), false).await;
    let file = format!("resources:\n{}", resource("b", is));
    let plan = apply(&server, &file, false).await;
    assert_eq!(changes(&plan)[1], ("https://a.test".to_owned(), vec![lost.clone()]));
    assert_eq!(
        (plan.counts(), plan.left.get(&Kind::Resource)),
        ((1, 1, 0), None),
        "{}",
        plan.to_json()
    );
    let again = apply(&server, &file, false).await;
    assert_eq!((again.counts(), again.left[&Kind::Resource]), ((0, 0, 0), 1));

    // The file may have the other, and say it or not.
    for more in ["", is_not] {
        let file = format!("resources:\n{}{}", resource("a", is), resource("b", more));
        let plan = apply(&server, &file, false).await;
        assert_eq!((plan.counts(), plan.unchanged), ((0, 2, 0), 0), "{}", plan.to_json());
        assert_eq!(changes(&plan)[1], ("https://b.test".to_owned(), vec![lost.clone()]));
        assert!(apply(&server, &file, false).await.changes.is_empty());
        apply(&server, &format!("resources:\n{}", resource("b", is)), false).await;
    }
    let plan = apply(&server, &format!("resources:\n{}", resource("c", is)), true).await;
    assert_eq!(plan.counts(), (1, 0, 2), "{}", plan.to_json());
}

#[tokio::test]
async fn every_new_tenant_is_as_its_own_file_says() {
    let server = Server::start().await;
    let installation = server.installation();
    for tenant in [installation.default_tenant(), installation.admin_tenant()] {
        let file = declared::export(tenant, With::default()).await.unwrap();
        let plan = declared::plan(tenant, &file, true).await.unwrap();
        assert!(plan.changes.is_empty(), "{}: {:?}", tenant.id(), plan.counts());
    }
}
