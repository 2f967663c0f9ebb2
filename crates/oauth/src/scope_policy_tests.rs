//! Scope policy as a whole: from what a request asks for, through what is granted, to what a token holds, nothing is ever added.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{
    authorization::{AuthorizationRequest, Context, validate},
    client::{ApplicationType, Client},
    consent::Ceiling,
    error::ErrorCode,
    grant::GrantedScopes,
    params::Params,
    scope::{OFFLINE_ACCESS, ORGANIZATIONS, ORGANIZATIONS_RESOURCE, RESERVED, Scope},
    token::{
        AccessTokenKind, ExchangedTarget, Membership, check_user_organization, exchanged_scope,
        narrow,
    },
};

const A: &str = "https://a.example";
const B: &str = "https://b.example";
/// Resources that there are, and what each offers. One permission is called like a reserved scope, and two share a name.
const OFFERED: [(&str, &str); 3] =
    [(A, "read write email"), (B, "read admin"), (ORGANIZATIONS_RESOURCE, "read invoices")];

/// Words that a request may hold: reserved scopes, permissions, and what nobody offers.
fn words() -> impl Strategy<Value = Vec<&'static str>> {
    let known = vec![
        "openid",
        "offline_access",
        "profile",
        "email",
        ORGANIZATIONS,
        "read",
        "write",
        "admin",
        "invoices",
        "unknown",
    ];
    prop::collection::vec(prop::sample::select(known), 0..8)
}

fn scope() -> impl Strategy<Value = Scope> {
    words().prop_map(Scope::from_iter)
}

fn resources() -> impl Strategy<Value = BTreeMap<String, Scope>> {
    let indicator = prop::sample::select(vec![A, B, ORGANIZATIONS_RESOURCE]);
    prop::collection::btree_map(indicator.prop_map(str::to_owned), scope(), 0..4)
}

fn granted() -> impl Strategy<Value = GrantedScopes> {
    (scope(), resources()).prop_map(|(scope, resources)| GrantedScopes { scope, resources })
}

fn kind() -> impl Strategy<Value = AccessTokenKind> {
    let organization = || prop::option::of(Just("o1".to_owned()));
    prop_oneof![
        Just(AccessTokenKind::Opaque),
        (prop::sample::select(vec![A, B]), organization()).prop_map(
            |(indicator, organization_id)| {
                AccessTokenKind::Resource { indicator: indicator.to_owned(), organization_id }
            }
        ),
        Just(AccessTokenKind::Organization { organization_id: "o1".to_owned() }),
    ]
}

/// What a grant holds on the target of a token.
fn on_target<'a>(granted: &'a GrantedScopes, kind: &AccessTokenKind) -> Option<&'a Scope> {
    match kind {
        AccessTokenKind::Opaque => Some(&granted.scope),
        AccessTokenKind::Resource { indicator, .. } => granted.resources.get(indicator),
        AccessTokenKind::Organization { .. } => granted.resources.get(ORGANIZATIONS_RESOURCE),
    }
}

fn offered(indicator: &str) -> Option<Scope> {
    let found = OFFERED.iter().find(|(known, _)| *known == indicator);
    found.map(|(_, names)| Scope::parse(names).unwrap())
}

fn request(words: &[&str], resources: &[&str], prompt: &str) -> AuthorizationRequest {
    let mut client = Client::new("app", ApplicationType::Traditional);
    client.redirect_uris.push("https://app.example/cb".to_owned());
    let context = Context {
        client: Some(&client),
        resource_scopes: &offered,
        default_resource: None,
        is_pushed: false,
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([
        ("client_id", "app"),
        ("redirect_uri", "https://app.example/cb"),
        ("response_type", "code"),
        ("scope", &words.join(" ")),
        ("prompt", prompt),
    ]);
    form.extend_pairs(resources.iter().map(|resource| ("resource", *resource)));
    validate(&Params::from_query(&form.finish()).unwrap(), &context).unwrap()
}

fn is_within(few: &GrantedScopes, many: &GrantedScopes) -> bool {
    few.scope.is_subset_of(&many.scope)
        && few.resources.iter().all(|(indicator, scope)| {
            scope.is_empty()
                || many.resources.get(indicator).is_some_and(|many| scope.is_subset_of(many))
        })
}

proptest! {
    #[test]
    fn a_request_gets_what_it_names_and_what_is_offered_whatever_the_order(
        words in words(),
        resources in prop::sample::subsequence(vec![A, B, ORGANIZATIONS_RESOURCE], 0..=3),
        consent in any::<bool>(),
    ) {
        let prompt = if consent { "consent" } else { "login" };
        let asked = Scope::from_iter(&words);
        let found = request(&words, &resources, prompt);
        for token in RESERVED {
            let is_held_back = token == OFFLINE_ACCESS && !consent;
            prop_assert_eq!(found.scope.contains(token), asked.contains(token) && !is_held_back);
        }
        prop_assert!(found.scope.iter().all(|token| RESERVED.contains(&token)));
        prop_assert_eq!(found.resources.len(), resources.len());
        for resource in &found.resources {
            let offered = offered(&resource.indicator).unwrap();
            for token in asked.union(&offered).iter() {
                let both = asked.contains(token) && offered.contains(token);
                prop_assert_eq!(resource.scope.contains(token), both, "{}", token);
            }
        }

        // Backwards and twice, it is the same request.
        let again: Vec<&str> = words.iter().rev().chain(&words).copied().collect();
        let backwards: Vec<&str> = resources.iter().rev().chain(&resources).copied().collect();
        let same = request(&again, &backwards, prompt);
        prop_assert_eq!(GrantedScopes::of(&same), GrantedScopes::of(&found));
        prop_assert_eq!(same.all_scopes(), found.all_scopes());
    }

    #[test]
    fn what_is_missing_completes_a_grant_and_nothing_of_it_was_there(
        known in granted(), words in words(), consent in any::<bool>(),
    ) {
        let prompt = if consent { "consent" } else { "login" };
        let request = request(&words, &[A, ORGANIZATIONS_RESOURCE], prompt);
        let missing = known.missing(&request);
        prop_assert!(is_within(&missing, &GrantedScopes::of(&request)));
        prop_assert!(missing.scope.intersection(&known.scope).is_empty());
        for (indicator, scope) in &missing.resources {
            let known = known.resources.get(indicator).cloned().unwrap_or_default();
            prop_assert!(scope.intersection(&known).is_empty());
        }
        let complete = known.union(&missing);
        prop_assert!(complete.missing(&request).is_empty());
        prop_assert!(is_within(&known, &complete));
        prop_assert!(is_within(&complete, &known.union(&GrantedScopes::of(&request))));
        // A grant never loses by being added to, and adding it to itself adds nothing.
        prop_assert_eq!(known.union(&known), known);
    }

    #[test]
    fn the_ceiling_of_a_request_is_the_ceiling_of_its_grant(
        words in words(), scope in scope(), resources in resources(), only_listed in any::<bool>(),
    ) {
        let ceiling = Ceiling { scope, resources, only_listed };
        let request = request(&words, &[A, B, ORGANIZATIONS_RESOURCE], "consent");
        let granted = GrantedScopes::of(&request);
        let limited = ceiling.limit_request(request);
        prop_assert_eq!(GrantedScopes::of(&limited), ceiling.limit(&granted));
        prop_assert!(is_within(&GrantedScopes::of(&limited), &granted));
        for resource in &limited.resources {
            let most = ceiling.resources.get(&resource.indicator).cloned().unwrap_or_default();
            prop_assert!(resource.scope.is_subset_of(&most));
        }
        // What users allowed once is no way around a ceiling that was lowered since.
        prop_assert!(is_within(&ceiling.limit(&granted.union(&granted)), &ceiling.limit(&granted)));
    }

    #[test]
    fn a_refresh_is_refused_for_what_was_not_granted_and_names_just_that(
        granted in granted(), asked in scope(),
    ) {
        let all = granted.all();
        let excess: Vec<&str> = asked.iter().filter(|token| !all.contains(token)).collect();
        match narrow(&granted, Some(&asked)) {
            Ok(narrowed) => {
                prop_assert!(excess.is_empty());
                prop_assert_eq!(narrowed, asked);
            }
            Err(error) => {
                prop_assert_eq!(error.error, ErrorCode::InvalidScope);
                prop_assert_eq!(error.scope, Some(excess.join(" ")));
                prop_assert!(!excess.is_empty());
            }
        }
        prop_assert_eq!(narrow(&granted, None), Ok(all));
    }

    #[test]
    fn a_token_holds_what_is_granted_asked_for_and_permitted_on_its_own_target(
        granted in granted(), kind in kind(), asked in scope(), permitted in scope(),
    ) {
        let scope = kind.scope(&granted, &asked, &permitted);
        let empty = Scope::empty();
        let on_target = on_target(&granted, &kind).unwrap_or(&empty);
        for token in on_target.union(&asked).union(&permitted).iter() {
            let may = match kind {
                AccessTokenKind::Opaque => RESERVED.contains(&token),
                _ => permitted.contains(token),
            };
            let expected = on_target.contains(token) && asked.contains(token) && may;
            prop_assert_eq!(scope.contains(token), expected, "{} of {:?}", token, kind);
        }
    }

    #[test]
    fn less_granted_asked_for_or_permitted_never_gives_more(
        granted in granted(), cut in granted(), kind in kind(),
        asked in scope(), fewer in scope(), permitted in scope(), barred in scope(),
    ) {
        let many = kind.scope(&granted, &asked, &permitted);
        let ceiling =
            Ceiling { scope: cut.scope, resources: cut.resources, only_listed: false };
        prop_assert!(kind.scope(&ceiling.limit(&granted), &asked, &permitted).is_subset_of(&many));
        let asked_less = asked.intersection(&fewer);
        prop_assert!(kind.scope(&granted, &asked_less, &permitted).is_subset_of(&many));
        let permitted_less = permitted.difference(&barred);
        prop_assert!(kind.scope(&granted, &asked, &permitted_less).is_subset_of(&many));
    }

    #[test]
    fn a_resource_that_was_not_granted_is_no_target(
        granted in granted(), organization in prop::option::of(Just("o1")),
    ) {
        for indicator in [A, B] {
            let kind = AccessTokenKind::for_user(Some(indicator), organization, &granted);
            prop_assert_eq!(kind.is_ok(), granted.resources.contains_key(indicator));
        }
        let of_organization = AccessTokenKind::for_user(None, organization, &granted);
        if organization.is_some() {
            let kind = of_organization.unwrap();
            prop_assert_eq!(kind.organization_id(), organization);
            let member = Membership { is_member: true, mfa_satisfied: true };
            let allowed = check_user_organization(&granted, member).is_ok();
            prop_assert_eq!(allowed, granted.scope.contains(ORGANIZATIONS));
        } else if let Ok(AccessTokenKind::Resource { indicator, .. }) = of_organization {
            prop_assert!(granted.resources.contains_key(&indicator));
            prop_assert!(indicator != ORGANIZATIONS_RESOURCE);
        }
    }

    #[test]
    fn an_exchange_gives_no_refresh_and_stays_within_its_subject_on_every_target(
        kind in kind(), asked in scope(), permitted in scope(), own in scope(), grant in granted(),
    ) {
        let audience = kind.audience().unwrap_or_default();
        let organization_id = kind.organization_id_claim().map(str::to_owned);
        let jwt = ExchangedTarget::Jwt { audience, organization_id, scope: own.clone() };
        let opaque = ExchangedTarget::Opaque { scope: own.clone(), granted: grant.clone() };
        for subject in [&jwt, &opaque, &ExchangedTarget::User] {
            let scope = exchanged_scope(&kind, &asked, &permitted, subject);
            prop_assert!(scope.is_subset_of(&asked));
            if kind == AccessTokenKind::Opaque {
                prop_assert!(scope.reserved() == scope && !scope.contains(OFFLINE_ACCESS));
            } else {
                prop_assert!(scope.is_subset_of(&permitted));
            }
            match (subject, &kind) {
                (ExchangedTarget::Jwt { .. }, AccessTokenKind::Opaque) => {}
                (ExchangedTarget::Jwt { .. }, _)
                | (ExchangedTarget::Opaque { .. }, AccessTokenKind::Opaque) => {
                    prop_assert!(scope.is_subset_of(&own));
                }
                (ExchangedTarget::Opaque { .. }, AccessTokenKind::Resource { indicator, .. }) => {
                    let known = grant.resources.get(indicator);
                    prop_assert!(known.is_none_or(|known| scope.is_subset_of(known)));
                }
                _ => {}
            }
        }
    }
}
