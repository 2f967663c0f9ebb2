use std::{collections::BTreeSet, sync::LazyLock};

use super::*;

/// The user of the recorded trace.
fn user() -> UserClaims {
    UserClaims {
        sub: "6jyb0ep4w08v".into(),
        username: Some("load_2g4dy_0".into()),
        name: Some("Load User 0".into()),
        created_at: 1_795_429_946_986,
        updated_at: 1_795_429_967_878,
        roles: vec!["load-role-2g4dy".into()],
        organizations: vec![Organization {
            id: "0h4h7dw4hjq1".into(),
            name: "Load Org 2g4dy".into(),
            description: None,
        }],
        organization_roles: vec![OrganizationRole {
            organization_id: "0h4h7dw4hjq1".into(),
            role_name: "member-2g4dy".into(),
        }],
        ..UserClaims::default()
    }
}

fn trace_scope() -> Scope {
    Scope::parse(
        "openid offline_access profile email roles custom_data identities urn:logto:scope:organizations urn:logto:scope:organization_roles",
    )
    .unwrap()
}

static NOTHING: LazyLock<RequestedClaims> = LazyLock::new(RequestedClaims::default);

fn by_scope(scope: &Scope) -> Reveal<'_> {
    Reveal { scope, requested: &NOTHING, beyond_scopes: true }
}

const FACTS: IdTokenFacts<'_> = IdTokenFacts {
    issuer: "http://localhost:4001/oidc",
    client_id: "97ncqehzqqm7t9np8skw5",
    issued_at: 1_795_429_968,
    ttl: 3600,
    nonce: None,
    auth_time: None,
    session_id: None,
};

#[test]
fn the_id_token_of_the_trace_is_reproduced() {
    let claims =
        id_token(&user(), &by_scope(&trace_scope()), &ExtendedClaim::DEFAULT, &FACTS).unwrap();
    let expected = json!({
        "sub": "6jyb0ep4w08v",
        "name": "Load User 0",
        "preferred_username": "load_2g4dy_0",
        "picture": null,
        "updated_at": 1_795_429_967_878_i64,
        "username": "load_2g4dy_0",
        "created_at": 1_795_429_946_986_i64,
        "email": null,
        "email_verified": false,
        "roles": ["load-role-2g4dy"],
        "organizations": ["0h4h7dw4hjq1"],
        "organization_roles": ["0h4h7dw4hjq1:member-2g4dy"],
        "aud": "97ncqehzqqm7t9np8skw5",
        "exp": 1_795_433_568,
        "iat": 1_795_429_968,
        "iss": "http://localhost:4001/oidc"
    });
    assert_eq!(Value::Object(claims), expected);
}

#[test]
fn the_userinfo_of_the_trace_is_reproduced() {
    let expected = json!({
        "sub": "6jyb0ep4w08v",
        "name": "Load User 0",
        "preferred_username": "load_2g4dy_0",
        "picture": null,
        "updated_at": 1_795_429_967_878_i64,
        "username": "load_2g4dy_0",
        "created_at": 1_795_429_946_986_i64,
        "email": null,
        "email_verified": false,
        "roles": ["load-role-2g4dy"],
        "custom_data": {},
        "identities": {},
        "sso_identities": [],
        "organizations": ["0h4h7dw4hjq1"],
        "organization_data": [{"id": "0h4h7dw4hjq1", "name": "Load Org 2g4dy", "description": null}],
        "organization_roles": ["0h4h7dw4hjq1:member-2g4dy"]
    });
    assert_eq!(Value::Object(userinfo(&user(), &by_scope(&trace_scope()))), expected);
}

#[test]
fn without_openid_there_is_no_id_token() {
    let scope = Scope::parse("profile").unwrap();
    assert_eq!(id_token(&user(), &by_scope(&scope), &[], &FACTS), None);
}

#[test]
fn a_scope_that_was_not_granted_reveals_nothing() {
    let claims = userinfo(&user(), &by_scope(&Scope::parse("openid").unwrap()));
    assert_eq!(Value::Object(claims), json!({"sub": "6jyb0ep4w08v"}));
}

#[test]
fn extended_claims_enter_the_id_token_by_setting() {
    let names = |extended: &[ExtendedClaim]| -> BTreeSet<String> {
        id_token(&user(), &by_scope(&trace_scope()), extended, &FACTS)
            .unwrap()
            .into_iter()
            .map(|c| c.0)
            .collect()
    };
    assert!(!names(&[]).contains("roles"));
    let added: Vec<_> = names(&[ExtendedClaim::CustomData, ExtendedClaim::OrganizationData])
        .difference(&names(&[]))
        .cloned()
        .collect();
    assert_eq!(added, ["custom_data", "organization_data"]);
}

#[test]
fn claims_that_were_asked_for_arrive_where_they_were_asked_for() {
    let scope = Scope::parse("openid email roles").unwrap();
    let requested = RequestedClaims::parse(
        r#"{"id_token": {"name": null, "custom_data": null, "roles": null}, "userinfo": {"username": null}}"#,
    )
    .unwrap();
    let names = |claims: Map<String, Value>| claims.into_iter().map(|c| c.0).collect::<Vec<_>>();
    let mut reveal = Reveal { scope: &scope, requested: &requested, beyond_scopes: true };
    let token = names(id_token(&user(), &reveal, &[], &FACTS).unwrap());
    for name in ["name", "custom_data", "roles", "email"] {
        assert!(token.iter().any(|found| found == name), "{name} in {token:?}");
    }
    assert!(!token.iter().any(|found| found == "username"));
    let info = names(userinfo(&user(), &reveal));
    assert!(
        info.iter().any(|found| found == "username") && !info.iter().any(|found| found == "name")
    );

    // A third-party client moves what its scopes give it, and gets no more.
    reveal.beyond_scopes = false;
    let token = names(id_token(&user(), &reveal, &[], &FACTS).unwrap());
    assert!(token.iter().any(|found| found == "roles"));
    assert!(!token.iter().any(|found| found == "name" || found == "custom_data"));
}

#[test]
fn nonce_auth_time_and_sid_appear_when_given() {
    let facts =
        IdTokenFacts { nonce: Some("n"), auth_time: Some(7), session_id: Some("s"), ..FACTS };
    let claims = id_token(&user(), &by_scope(&trace_scope()), &[], &facts).unwrap();
    assert_eq!((&claims["nonce"], &claims["auth_time"]), (&json!("n"), &json!(7)));
    assert_eq!(claims["sid"], "s");
    assert!(
        !id_token(&user(), &by_scope(&trace_scope()), &[], &FACTS).unwrap().contains_key("sid")
    );
}

#[test]
fn profile_members_are_left_out_when_absent_and_preferred_username_falls_back() {
    let mut user = user();
    user.profile = serde_json::from_value(json!({
        "givenName": "Ana",
        "preferredUsername": "ana",
        "address": {"formatted": "Rua A, 1", "streetAddress": "Rua A", "postalCode": "1000"}
    }))
    .unwrap();
    user.phone_number = Some("5511999990000".into());
    let scope = Scope::parse("openid profile phone address").unwrap();
    let claims = userinfo(&user, &by_scope(&scope));
    assert_eq!(claims["given_name"], "Ana");
    assert_eq!(claims["preferred_username"], "ana");
    assert!(!claims.contains_key("family_name"));
    assert_eq!(
        (&claims["phone_number"], &claims["phone_number_verified"]),
        (&json!("5511999990000"), &json!(true))
    );
    assert_eq!(claims["address"]["street_address"], "Rua A");
    assert_eq!(claims["address"]["streetAddress"], "Rua A");
    assert_eq!(claims["address"]["postal_code"], "1000");

    let nobody = userinfo(&UserClaims::default(), &by_scope(&scope));
    assert!(!nobody.contains_key("preferred_username") && !nobody.contains_key("address"));
    for null in ["name", "username", "picture", "phone_number"] {
        assert_eq!(nobody[null], Value::Null, "{null}");
    }
}

#[test]
fn every_claim_belongs_to_a_reserved_scope_and_is_listed_once() {
    let mut names = BTreeSet::new();
    for claim in table::CLAIMS {
        assert!(crate::scope::RESERVED.contains(&claim.scope), "{}", claim.name);
        assert!(names.insert(claim.name), "{}", claim.name);
    }
    assert_eq!(supported().count(), names.len() + 4);
}

#[test]
fn access_token_claims_have_the_members_and_order_of_the_trace() {
    let mut claims = AccessTokenClaims {
        jti: "j".into(),
        sub: "s".into(),
        iat: 1,
        exp: 2,
        scope: Scope::empty(),
        client_id: "c".into(),
        iss: "i".into(),
        aud: "a".into(),
        organization_id: None,
        act: None,
        cnf: None,
        custom: CustomClaims::default(),
    };
    assert_eq!(
        serde_json::to_string(&claims).unwrap(),
        r#"{"jti":"j","sub":"s","iat":1,"exp":2,"scope":"","client_id":"c","iss":"i","aud":"a"}"#
    );
    claims.organization_id = Some("o".into());
    assert_eq!(serde_json::to_value(&claims).unwrap()["organization_id"], "o");
    claims.act = Some(Actor { sub: "a".into() });
    assert_eq!(serde_json::to_value(&claims).unwrap()["act"]["sub"], "a");
    let custom = json!({ "groups": ["ops"], "sub": "x" });
    claims.custom = CustomClaims::of_access_token(custom.as_object().unwrap().clone());
    let written = serde_json::to_value(&claims).unwrap();
    assert_eq!((&written["groups"], &written["sub"]), (&json!(["ops"]), &json!("s")));
}
