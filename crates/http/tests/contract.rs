//! Every operation of the contract: it succeeds as the contract says, it needs a token, it says what is wrong with a request, and it
//! says so when something is not there.
//!
//! The walk does each operation once, with success; what must fail is made of what succeeded.

#[path = "contract/appearance.rs"]
mod appearance;
#[path = "contract/applications.rs"]
mod applications;
#[path = "contract/connectors.rs"]
mod connectors;
#[path = "contract/events.rs"]
mod events;
#[path = "contract/organizations.rs"]
mod organizations;
#[path = "settings/mod.rs"]
mod password_settings;
mod peer;
#[path = "contract/roles.rs"]
mod roles;
#[path = "contract/saml.rs"]
mod saml;
#[path = "contract/settings.rs"]
mod settings;
#[path = "contract/users.rs"]
mod users;
#[path = "contract/walk.rs"]
mod walk;

use std::collections::BTreeSet;

use trinco_testkit::contract;
use walk::Walk;

/// What answers something else than 404 to an id that nothing has, and why.
const ELSEWHERE: &[(&str, u16)] = &[
    // These name a kind of thing, of which there are a few.
    ("DELETE /api/cimd/user-consent-scopes/{scopeType}/{scopeId}", 400),
    ("DELETE /api/configs/actions/{actionType}", 400),
    ("GET /api/configs/actions/{actionType}", 400),
    ("PATCH /api/configs/actions/{actionType}", 400),
    ("PUT /api/configs/actions/{actionType}", 400),
    ("DELETE /api/custom-phrases/{languageTag}", 400),
    ("GET /api/custom-phrases/{languageTag}", 400),
    ("PUT /api/custom-phrases/{languageTag}", 400),
    ("DELETE /api/configs/jwt-customizer/{tokenTypePath}", 400),
    ("GET /api/configs/jwt-customizer/{tokenTypePath}", 400),
    ("PATCH /api/configs/jwt-customizer/{tokenTypePath}", 400),
    ("PUT /api/configs/jwt-customizer/{tokenTypePath}", 400),
    ("GET /api/configs/oidc/{keyType}", 400),
    ("POST /api/configs/oidc/{keyType}/rotate", 400),
    ("DELETE /api/configs/oidc/{keyType}/{keyId}", 400),
    // Relations: the reference does not tell which of the ids is wrong, and scripts look for its code.
    ("POST /api/organization-roles/{id}/resource-scopes", 422),
    ("PUT /api/organization-roles/{id}/resource-scopes", 422),
    ("POST /api/organization-roles/{id}/scopes", 422),
    ("PUT /api/organization-roles/{id}/scopes", 422),
    ("POST /api/organizations/{id}/applications", 422),
    ("PUT /api/organizations/{id}/applications", 422),
    ("POST /api/organizations/{id}/applications/roles", 422),
    ("POST /api/organizations/{id}/jit/email-domains", 422),
    ("PUT /api/organizations/{id}/jit/email-domains", 422),
    ("POST /api/organizations/{id}/jit/roles", 422),
    ("PUT /api/organizations/{id}/jit/roles", 422),
    ("POST /api/organizations/{id}/jit/sso-connectors", 422),
    ("PUT /api/organizations/{id}/jit/sso-connectors", 422),
    ("POST /api/organizations/{id}/users", 422),
    ("PUT /api/organizations/{id}/users", 422),
    ("POST /api/organizations/{id}/users/roles", 422),
    ("POST /api/users/{userId}/personal-access-tokens", 422),
    // Nobody has no sessions and has granted nothing.
    ("GET /api/users/{userId}/grants", 200),
    ("GET /api/users/{userId}/sessions", 200),
    // It has no permissions.
    ("GET /api/resources/{resourceId}/scopes", 200),
    // Nor has it e-mail domains.
    ("GET /api/organizations/{id}/jit/email-domains", 200),
    // Nobody is a member of what is not there.
    ("GET /api/organizations/{id}/applications/{applicationId}/roles", 422),
    ("POST /api/organizations/{id}/applications/{applicationId}/roles", 422),
    ("PUT /api/organizations/{id}/applications/{applicationId}/roles", 422),
    ("DELETE /api/organizations/{id}/applications/{applicationId}/roles/{organizationRoleId}", 422),
    ("GET /api/organizations/{id}/users/{userId}/roles", 422),
    ("POST /api/organizations/{id}/users/{userId}/roles", 422),
    ("PUT /api/organizations/{id}/users/{userId}/roles", 422),
    ("DELETE /api/organizations/{id}/users/{userId}/roles/{organizationRoleId}", 422),
    ("GET /api/organizations/{id}/users/{userId}/scopes", 422),
];

/// Members that the contract asks for and we do not, because they have an obvious default.
const WITH_DEFAULT: &[(&str, &str)] = &[
    ("PUT /api/applications/{applicationId}/sign-in-experience", "termsOfUseUrl"),
    ("PUT /api/applications/{applicationId}/sign-in-experience", "privacyPolicyUrl"),
    ("POST /api/organization-invitations", "messagePayload"),
    ("POST /api/organization-roles", "organizationScopeIds"),
    ("POST /api/sso-connectors/{id}/signing-keys", "active"),
    ("POST /api/organization-roles", "resourceScopeIds"),
];

/// The operations that are not there yet. Each goes with the commit that makes it; in the end there is none.
const MISSING: &str = include_str!("contract/missing.txt");

#[tokio::test]
async fn every_operation_of_the_contract_succeeds_and_fails_as_it_says() {
    let mut walk = Walk::begin().await;
    applications::walk(&mut walk).await;
    roles::walk(&mut walk).await;
    organizations::walk(&mut walk).await;
    connectors::walk(&mut walk).await;
    users::walk(&mut walk).await;
    settings::walk(&mut walk).await;
    events::walk(&mut walk).await;
    appearance::walk(&mut walk).await;
    saml::walk(&mut walk).await;

    let mut problems = walk.without_a_token().await;
    problems.extend(walk.of_nothing(ELSEWHERE).await);
    problems.extend(walk.with_nonsense(WITH_DEFAULT).await);

    let tried: BTreeSet<String> = walk.tried().into_iter().collect();
    let missing: BTreeSet<String> = MISSING.lines().map(str::to_owned).collect();
    for operation in contract::operations() {
        match (tried.contains(&operation), missing.contains(&operation)) {
            (false, false) => problems.push(format!("{operation} was not tried")),
            (true, true) => {
                problems.push(format!("{operation} is there: strike it from missing.txt"));
            }
            _ => {}
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
