//! A tenant as a file: written down, applied elsewhere and again, with everything in it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_json::{Value, json};
use trinco_core::declared::{self, Action, Cause, Failure, Kind, Plan, With};
use trinco_testkit::{Server, USER, World, text};

const ALL: With = With { organizations: true, users: true, secrets: true };

/// A tenant with something of every kind, made by the doors people use.
async fn furnished() -> World {
    let world = World::start().await;
    let admin = &world.admin;
    let everything = json!({
        "name": "Shop", "description": "Sells", "type": "Traditional",
        "oidcClientMetadata": {
            "redirectUris": ["https://shop.test/callback"], "postLogoutRedirectUris": ["https://shop.test/"],
            "backchannelLogoutUri": "https://shop.test/logout", "backchannelLogoutSessionRequired": true,
            "jwks": { "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "a",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] },
            "logoUri": "https://shop.test/logo.png",
        },
        "customClientMetadata": {
            "corsAllowedOrigins": ["https://shop.test"], "idTokenTtl": 600, "refreshTokenTtlInDays": 7,
            "refreshTokenTtl": 604_800, "allowRefreshToken": true, "alwaysIssueRefreshToken": true,
            "rotateRefreshToken": false, "refreshTokenReuseWindow": 5, "requirePushedAuthorizationRequests": true,
            "dpopBoundAccessTokens": true, "securityProfile": "fapi2", "maxAccessTokenTtl": 900,
            "maxGrantTtlInDays": 30, "allowTokenExchange": true, "isDeviceFlow": false, "maxAllowedGrants": 3,
        },
        "customData": { "shelf": [1, 2.5, "three", null], "note": "a: b # c\n  d\n" },
    });
    let shop = admin.create("/api/applications", everything).await;
    let id = text(&shop, "/id");
    let role = &admin.get("/api/roles?type=User").await.json()[0];
    let organization_role = &admin.get("/api/organization-roles").await.json()[0];
    let rules = json!({
        "userIds": [world.user_id], "userRoleIds": [role["id"]], "organizationIds": [world.organization_id],
        "organizationRoleRules": [{ "organizationId": world.organization_id, "organizationRoleIds": [organization_role["id"]] }],
    });
    admin.put(&format!("/api/applications/{id}/access-control"), rules).await.expect(200);
    let on = json!({ "appLevelAccessControlEnabled": true });
    admin.patch(&format!("/api/applications/{id}"), on).await.expect(200);
    let secret = json!({ "name": "Second", "expiresAt": 4_000_000_000_000_i64 });
    admin.create(&format!("/api/applications/{id}/secrets"), secret).await;
    let pages = json!({ "displayName": "The shop", "color": { "primaryColor": "#123456" }, "branding": {} });
    admin.put(&format!("/api/applications/{id}/sign-in-experience"), pages).await.expect(201);

    let third = json!({ "name": "Partner", "type": "SPA", "isThirdParty": true });
    let third = admin.create("/api/applications", third).await;
    let resource = admin.get("/api/resources?includeScopes=true").await.json();
    let resource =
        resource.as_array().unwrap().iter().find(|one| one["name"] == "Shop").unwrap().clone();
    let scopes =
        admin.get(&format!("/api/resources/{}/scopes", text(&resource, "/id"))).await.json();
    let organization_scope = &admin.get("/api/organization-scopes").await.json()[0];
    let consent = json!({
        "userScopes": ["profile", "email"], "resourceScopes": [scopes[0]["id"]],
        "organizationScopes": [organization_scope["id"]], "organizationResourceScopes": [scopes[1]["id"]],
    });
    let path = format!("/api/applications/{}/user-consent-scopes", text(&third, "/id"));
    admin.post(&path, consent.clone()).await.expect(201);

    let machine = json!({ "name": "Robot", "type": "MachineToMachine" });
    let machine = admin.create("/api/applications", machine).await;
    let machine_id = text(&machine, "/id");
    let role = json!({ "name": "robot", "description": "Runs", "type": "MachineToMachine", "scopeIds": [scopes[0]["id"]] });
    let role = admin.create("/api/roles", role).await;
    let roles = json!({ "roleIds": [role["id"]] });
    admin.create(&format!("/api/applications/{machine_id}/roles"), roles).await;
    let members = format!("/api/organizations/{}/applications", world.organization_id);
    admin.create(&members, json!({ "applicationIds": [machine_id] })).await;
    let role = json!({ "name": "bot", "type": "MachineToMachine", "organizationScopeIds": [organization_scope["id"]] });
    let role = admin.create("/api/organization-roles", role).await;
    let roles = json!({ "organizationRoleIds": [role["id"]] });
    admin.put(&format!("{members}/{machine_id}/roles"), roles).await;

    let default = json!({ "isDefault": true });
    admin
        .patch(&format!("/api/resources/{}/is-default", text(&resource, "/id")), default)
        .await
        .expect(200);
    let experience = json!({ "color": { "primaryColor": "#abcdef", "isDarkModeEnabled": false, "darkPrimaryColor": "#fedcba" },
        "termsOfUseUrl": "https://shop.test/terms", "customCss": "body {\n  color: red;\n}\n" });
    admin.patch("/api/sign-in-exp", experience).await.expect(200);
    let tenant = world.server.tenant();
    let session = serde_json::from_value(json!({ "ttl": 7200 })).unwrap();
    trinco_core::oidc_settings::update_session(tenant, session).await.unwrap();
    let policy = json!({ "enabled": true, "applicationTypes": ["SPA"], "redirectUriHosts": ["*.shop.test"], "consentScopes": consent });
    trinco_core::registrations::update_policy(tenant, serde_json::from_value(policy).unwrap())
        .await
        .unwrap();
    let documents = serde_json::from_value(consent).unwrap();
    trinco_core::clients::settings::add_consent_scopes(tenant, documents).await.unwrap();
    let script = json!({ "script": "const getCustomJwtClaims = async () => {\n  return { a: 1 };\n};\n",
        "environmentVariables": { "KEY": "hunter2-is-secret" }, "blockIssuanceOnError": true, "contextSample": { "a": [] } });
    let customizer = serde_json::from_value(script).unwrap();
    let kind = trinco_core::token_customizers::TokenType::AccessToken;
    trinco_core::token_customizers::put(tenant, kind, &customizer).await.unwrap();
    let profile = json!({ "name": "Alice", "primaryEmail": "Alice@shop.test", "primaryPhone": "5511912345678",
        "avatar": "https://shop.test/a.png", "customData": { "no": "yes" },
        "profile": { "familyName": "A", "address": { "country": "BR" } } });
    admin.patch(&format!("/api/users/{}", world.user_id), profile).await.expect(200);
    world
}

async fn export(server: &Server) -> String {
    declared::export(server.tenant(), ALL).await.unwrap()
}

async fn apply(server: &Server, file: &str, prune: bool) -> Plan {
    declared::apply(server.tenant(), file, prune)
        .await
        .unwrap_or_else(|failure| panic!("{failure:?}\n{file}"))
}

/// The lines and phrases of what is wrong with a file.
async fn refused(server: &Server, file: &str, prune: bool) -> Vec<(usize, String)> {
    match declared::plan(server.tenant(), file, prune).await {
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

#[tokio::test]
async fn a_file_makes_an_empty_tenant_the_same_and_leaves_the_same_tenant_alone() {
    let world = furnished().await;
    let file = export(&world.server).await;
    let plan = declared::plan(world.server.tenant(), &file, true).await.unwrap();
    assert!(plan.changes.is_empty(), "{}", plan.to_json());
    assert!(plan.unchanged > 10 && plan.left.is_empty());

    let other = Server::start().await;
    let planned = declared::plan(other.tenant(), &file, true).await.unwrap();
    let before = export(&other).await;
    assert!(planned.counts().0 > 10, "{}", planned.to_json());
    let shown = planned.to_json().to_string();
    for secret in ["hunter2-is-secret", "$argon2id$"] {
        assert!(file.contains(secret) && !shown.contains(secret), "{secret}");
    }
    assert_eq!(export(&other).await, before, "a plan writes nothing");
    let done = apply(&other, &file, true).await;
    assert_eq!(done.counts(), planned.counts());
    assert_eq!(export(&other).await, file);
    assert!(apply(&other, &file, true).await.changes.is_empty());
    let (ours, theirs) = (&world.admin, other.admin().await);
    let members = format!("/api/organizations/{}/users", world.organization_id);
    for path in ["/api/users", "/api/organizations", &members] {
        let (here, there) = (ours.get(path).await, theirs.get(path).await);
        assert_eq!(here.header("total-number"), there.header("total-number"), "{path}");
        assert_ne!(here.header("total-number"), "0", "{path}");
    }

    // What was carried over works: the password, and the client's secret.
    let tenant = other.tenant();
    let password = trinco_core::Secret::new(USER.1.to_owned());
    trinco_core::users::verify_password(tenant, &world.user_id, &password).await.unwrap();
    assert!(!file.contains("PRIVATE") && !file.contains("createdAt") && !file.contains("tenantId"));
}

#[tokio::test]
async fn without_secrets_there_are_none_and_those_there_are_stay() {
    let world = furnished().await;
    let whole = export(&world.server).await;
    let with = With { secrets: false, ..ALL };
    let file = declared::export(world.server.tenant(), with).await.unwrap();
    for secret in ["hunter2-is-secret", "$argon2id$", "secrets:"] {
        assert!(whole.contains(secret) && !file.contains(secret), "{secret}");
    }
    assert!(apply(&world.server, &file, true).await.changes.is_empty());
    let changed = file.replace("name: Shop", "name: Store");
    assert_eq!(
        apply(&world.server, &changed, true).await.counts().1,
        2,
        "the resource and the application"
    );
    assert_eq!(export(&world.server).await, whole.replace("name: Shop", "name: Store"));

    let bare = declared::export(world.server.tenant(), With::default()).await.unwrap();
    assert!(!bare.contains(&world.user_id) && !bare.contains(&world.organization_id), "{bare}");
    let other = Server::start().await;
    apply(&other, &bare, false).await;
    assert!(apply(&other, &bare, false).await.changes.is_empty());
}

#[tokio::test]
async fn only_what_the_file_speaks_of_is_touched_and_only_a_prune_deletes() {
    let world = furnished().await;
    let server = &world.server;
    let before = export(server).await;
    let file = "version: 1\nroles: []\nresources:\n  - indicator: https://shopping.your-app.com/api\n    name: Shop\n";
    let plan = apply(server, file, false).await;
    assert!(plan.changes.is_empty());
    assert_eq!(plan.left.get(&Kind::Role), Some(&3), "{}", plan.to_json());
    assert_eq!(export(server).await, before);

    let plan = apply(server, file, true).await;
    let kinds: Vec<(Kind, Action)> =
        plan.changes.iter().map(|change| (change.kind, change.action)).collect();
    assert_eq!(kinds, [(Kind::Role, Action::Delete); 3]);
    let after = export(server).await;
    // Neither the scopes of the resource, nor anything of another kind.
    assert!(after.contains("read:orders") && after.contains("clerk") && !after.contains("shopper"));

    let file = "version: 1\nresources:\n  - indicator: https://shopping.your-app.com/api\n    name: Shop\n    scopes:\n      - name: read:orders\n";
    let plan = apply(server, file, true).await;
    assert_eq!(plan.counts(), (0, 0, 1), "{}", plan.to_json());
    assert!(!export(server).await.contains("name: write:orders"));
}

#[tokio::test]
async fn the_difference_names_each_member() {
    let world = furnished().await;
    let server = &world.server;
    let file = export(server)
        .await
        .replace("idTokenTtl: 600", "idTokenTtl: 700")
        .replace("hunter2-is-secret", "x");
    let plan = declared::plan(server.tenant(), &file, false).await.unwrap();
    let members: Vec<Value> = plan
        .changes
        .iter()
        .flat_map(|change| &change.members)
        .map(|member| json!(member))
        .collect();
    let ttl = json!({ "path": "customClientMetadata.idTokenTtl", "old": 600, "new": 700 });
    let secret = json!({ "path": "environmentVariables", "secret": true });
    assert_eq!(members, [secret, ttl]);
    let counts = |line: &str| line.contains("Configuration.Apply");
    apply(server, &file, false).await;
    let logged = server.installation().audit_counts().all();
    assert!(logged.iter().any(|(key, ..)| counts(key)), "{logged:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_is_refused_by_its_lines_before_anything_is_written() {
    let world = furnished().await;
    let server = &world.server;
    let before = export(server).await;
    for (file, line, says) in [
        ("resources: []\n", 1, "version"),
        ("version: 2\n", 1, "version"),
        ("version: 1\nresorces: []\n", 2, "resorces"),
        ("version: 1\nroles: {}\n", 2, "list"),
        ("version: 1\nroles:\n  - name: a\n    description: b\n    colour: red\n", 5, "colour"),
        ("version: 1\nroles:\n  - name: a\n    description: b\n    scopeIds: []\n", 5, "scopeIds"),
        ("version: 1\nroles:\n  - name: a\n    description: 5\n", 4, "description"),
        (
            "version: 1\nroles:\n  - name: a\n    description: b\n  - name: a\n    description: c\n",
            5,
            "twice",
        ),
        (
            "version: 1\nroles:\n  - name: a\n    description: b\n    scopes:\n      - resource: https://none.test\n        scopes: [x]\n",
            6,
            "no scope x",
        ),
        ("version: 1\nroles:\n  - name: shopper\n    type: MachineToMachine\n", 4, "never change"),
        ("version: 1\nroles:\n  - name: \"#internal:x\"\n    description: b\n", 3, "internal"),
        ("version: 1\nresources:\n  - indicator: not a uri\n    name: a\n", 3, "absolute URI"),
        ("version: 1\nresources:\n  - indicator: https://a.test\n    name: null\n", 4, "name"),
        (
            "version: 1\nresources:\n  - indicator: https://shopping.your-app.com/api\n    accessTokenTtl: null\n",
            4,
            "null",
        ),
        (
            "version: 1\napplications:\n  - id: a\n    name: A\n    type: SPA\n    oidcClientMetadata:\n      redirectUris:\n        - javascript:x\n      postLogoutRedirectUris: []\n",
            7,
            "redirectUris",
        ),
        (
            "version: 1\napplications:\n  - id: a\n    name: A\n    type: SPA\n    customClientMetadata:\n      idTokenTtl: soon\n",
            7,
            "idTokenTtl",
        ),
        (
            "version: 1\napplications:\n  - id: a\n    name: A\n    type: SPA\n    roles: [robot]\n",
            6,
            "machine",
        ),
        (
            "version: 1\ncustomClaims:\n  - tokens: access-token\n    script: \"const (\"\n",
            4,
            "script",
        ),
        ("version: 1\nusers:\n  - id: bob\n    username: alice\n", 4, "already"),
        (
            "version: 1\nusers:\n  - id: bob\n    primaryEmail: b@b.test\n  - id: eve\n    primaryEmail: B@b.test\n",
            6,
            "already",
        ),
        ("version: 1\nusers:\n  - id: bob\n    password: secret\n", 4, "password"),
        (
            "version: 1\nusers:\n  - id: bob\n    passwordDigest: $argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
            4,
            "Argon2id",
        ),
        (
            "version: 1\norganizations:\n  - id: o\n    name: O\n    users:\n      - id: nobody\n",
            6,
            "no user nobody",
        ),
        ("version: 1\noidcSettings:\n  sessionTtl: 0\n", 3, "1 to"),
        (
            "version: 1\nsignInExperience:\n  color: {primaryColor: red, isDarkModeEnabled: true, darkPrimaryColor: \"#000\"}\n",
            3,
            "color",
        ),
    ] {
        let problems = refused(server, file, false).await;
        let (at, phrase) = &problems[0];
        assert!(phrase.contains(says), "{file}\n{problems:?}");
        assert_eq!(*at, line, "{file}\n{problems:?}");
    }
    // A reference to what a prune deletes is one to nothing.
    let file = "version: 1\norganizationScopes: []\norganizationRoles:\n  - name: clerk\n    scopes: [invoices:read]\n";
    assert!(declared::plan(server.tenant(), file, false).await.is_ok());
    assert!(refused(server, file, true).await[0].1.contains("invoices:read"));
    assert_eq!(export(server).await, before);
}

#[tokio::test]
async fn a_file_that_breaks_off_says_how_far_it_came_and_goes_on_when_applied_again() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin.user("ana", "correct horse battery").await;
    admin.user("ANA", "correct horse battery").await;
    let pages = declared::export(server.tenant(), With::default()).await.unwrap();
    let file = pages.replace("caseSensitive: true", "caseSensitive: false");
    assert_ne!(file, pages);
    let file = format!("{file}\n")
        .replace("\norganizationScopes: []", "\norganizationScopes:\n  - name: first");
    let failure = declared::apply(server.tenant(), &file, false).await.unwrap_err();
    // Only the database knows that two user names would become one.
    let Failure::Half { change, error, done: 1, of: 2 } = failure else { panic!("{failure:?}") };
    assert_eq!(change.kind, Kind::SignInExperience);
    assert_eq!(error.code(), Some("sign_in_experiences.username_policy_case_conflicts_exist"));
    admin.delete(&format!("/api/users/{user}")).await.expect(204);
    assert_eq!(apply(&server, &file, false).await.counts(), (0, 1, 0));
    assert!(apply(&server, &file, false).await.changes.is_empty());
}

#[tokio::test]
async fn clients_that_came_by_themselves_and_trincos_own_things_are_in_no_file() {
    let server = Server::start().await;
    let policy = json!({ "enabled": true, "requiresInitialAccessToken": false });
    trinco_core::registrations::update_policy(
        server.tenant(),
        serde_json::from_value(policy).unwrap(),
    )
    .await
    .unwrap();
    let metadata =
        json!({ "client_name": "Stranger", "redirect_uris": ["https://stranger.test/cb"] });
    let Value::Object(metadata) = metadata else { unreachable!() };
    trinco_core::registrations::register(server.tenant(), None, &metadata).await.unwrap();
    let file = export(&server).await;
    assert!(
        !file.contains("Stranger")
            && !file.contains("#internal")
            && !file.contains("Logto Management API\n"),
        "{file}"
    );
    let plan = apply(&server, &file, true).await;
    assert!(plan.changes.is_empty(), "nor does a prune delete them: {}", plan.to_json());
}

/// The members that a body has, told by the type that reads it.
fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Asked<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Asked<'_> {
        type Error = de::value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("a body is a struct"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut found: &'static [&'static str] = &[];
    let _: Result<T, _> = T::deserialize(Asked(&mut found));
    assert!(!found.is_empty(), "{} is no struct", std::any::type_name::<T>());
    found
}

#[tokio::test]
async fn whatever_the_api_can_set_is_in_the_file() {
    use trinco_core::{
        application_experience as pages, applications, experience, organizations, resources, roles,
    };
    let world = furnished().await;
    let file = export(&world.server).await;
    let mut missing = Vec::new();
    let mut look = |what: &dyn fmt::Display, fields: &[&str]| {
        missing.extend(
            fields
                .iter()
                .filter(|name| !file.contains(&format!("{name}:")))
                .map(|name| format!("{what}: {name}")),
        );
    };
    look(&"application", fields::<applications::NewApplication>());
    look(&"application", fields::<applications::ApplicationChanges>());
    look(&"client metadata", fields::<applications::OidcClientMetadata>());
    look(&"custom metadata", fields::<applications::CustomClientMetadata>());
    look(&"pages", fields::<pages::NewApplicationSignInExperience>());
    look(&"resource", fields::<resources::NewResource>());
    look(&"role", fields::<roles::RoleChanges>());
    look(&"organization", fields::<organizations::NewOrganization>());
    look(&"policy", fields::<trinco_core::registrations::PolicyChanges>());
    let uploads = "customUiAssets";
    let of_pages: Vec<&str> = fields::<experience::SignInExperienceChanges>()
        .iter()
        .copied()
        .filter(|name| *name != uploads)
        .collect();
    look(&"experience", &of_pages);
    assert!(missing.is_empty(), "{missing:?}\n{file}");
}
