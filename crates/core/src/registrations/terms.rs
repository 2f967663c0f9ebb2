//! What an operator decides about a registered client, told apart from what the client says about itself.
//!
//! A registration remembers what it has last given the application. Whatever the application has in its place by the time the client
//! registers anew (RFC 7592 §2.2) is the operator's decision, and is kept: until the operator changes it again, the client gets no more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_oauth::Scope;

use super::rules::Registrable;
use crate::Snapshot;
use crate::applications::{
    Application, ApplicationChanges, CustomClientMetadata, OidcClientMetadata,
};
use crate::consents::{self, ConsentScopes};

/// What is kept of all that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Terms {
    given: Given,
    decided: Decided,
}

/// What the application has by its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct Given {
    flags: Flags,
    scopes: ConsentScopes,
}

/// What the operator has decided about this client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct Decided {
    /// Those that are set are the operator's, whatever the client says.
    flags: Flags,
    /// The client's list of consent scopes as the operator left it: the most it gets. Without one the policy alone bounds it, and a
    /// policy that widens lets it ask for more.
    ceiling: Option<ConsentScopes>,
}

/// What a client may restrict itself to, and an operator may hold it to. Each is a restriction: true is less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct Flags {
    without_refresh_tokens: bool,
    dpop_bound_access_tokens: bool,
    pushed_requests: bool,
}

/// An application on its way to what its client says now.
pub(super) struct Renewed {
    pub(super) changes: ApplicationChanges,
    pub(super) scopes: ConsentScopes,
    pub(super) terms: Terms,
}

impl Terms {
    /// Of an application that begins with what its client says.
    pub(super) fn new(says: &CustomClientMetadata, scopes: ConsentScopes) -> Self {
        let given = Given { flags: Flags::of(says), scopes };
        Self { given, decided: Decided::default() }
    }
}

/// What becomes of a registration when its client registers anew. `listed` are the consent scopes the application has, `allowed` those of
/// the policy; `kept` is what the registration remembers.
pub(super) fn renewed(
    application: &Application,
    listed: &ConsentScopes,
    kept: Option<&Terms>,
    says: &Registrable,
    allowed: &ConsentScopes,
    snapshot: &Snapshot,
) -> Renewed {
    let decided = decided(application, listed, kept, snapshot);
    let flags = Flags::of(&says.custom).or(decided.flags);
    let most = match &decided.ceiling {
        Some(ceiling) => ceiling.intersection(allowed),
        None => allowed.clone(),
    };
    let scopes = consents::narrowed(&most, says.scope.as_ref(), snapshot);
    let oidc = &application.oidc_client_metadata;
    let changes = ApplicationChanges {
        name: Some(says.name.clone()),
        // A client states these and nothing else: lifetimes, bounds, the profile and the rest stay the operator's.
        oidc_client_metadata: Some(OidcClientMetadata {
            redirect_uris: says.oidc.redirect_uris.clone(),
            post_logout_redirect_uris: says.oidc.post_logout_redirect_uris.clone(),
            jwks: says.oidc.jwks.clone(),
            ..oidc.clone()
        }),
        custom_client_metadata: Some(CustomClientMetadata {
            allow_refresh_token: Some(!flags.without_refresh_tokens),
            dpop_bound_access_tokens: Some(flags.dpop_bound_access_tokens),
            require_pushed_authorization_requests: Some(flags.pushed_requests),
            ..application.custom_client_metadata.clone()
        }),
        ..ApplicationChanges::default()
    };
    let given = Given { flags, scopes: scopes.clone() };
    Renewed { changes, scopes, terms: Terms { given, decided } }
}

/// The operator's decisions as of now: what they were, and what has changed since the registration last gave something.
fn decided(
    application: &Application,
    listed: &ConsentScopes,
    kept: Option<&Terms>,
    snapshot: &Snapshot,
) -> Decided {
    let now = Flags::of(&application.custom_client_metadata);
    let Some(Terms { given, decided }) = kept else {
        return Decided { flags: now, ceiling: Some(listed.clone()) };
    };
    let decided_anew =
        |now: bool, given: bool, decided: bool| if now == given { decided } else { now };
    let (was, is) = (given.flags, decided.flags);
    // A scope that is no more was taken away by nobody.
    let existing = |scopes: &ConsentScopes| consents::narrowed(scopes, None::<&Scope>, snapshot);
    let is_as_given = are_same(&existing(listed), &existing(&given.scopes));
    Decided {
        flags: Flags {
            without_refresh_tokens: decided_anew(
                now.without_refresh_tokens,
                was.without_refresh_tokens,
                is.without_refresh_tokens,
            ),
            dpop_bound_access_tokens: decided_anew(
                now.dpop_bound_access_tokens,
                was.dpop_bound_access_tokens,
                is.dpop_bound_access_tokens,
            ),
            pushed_requests: decided_anew(
                now.pushed_requests,
                was.pushed_requests,
                is.pushed_requests,
            ),
        },
        ceiling: if is_as_given { decided.ceiling.clone() } else { Some(listed.clone()) },
    }
}

fn are_same(one: &ConsentScopes, other: &ConsentScopes) -> bool {
    one.intersection(other) == *one && other.intersection(one) == *other
}

impl Flags {
    fn of(custom: &CustomClientMetadata) -> Self {
        Self {
            without_refresh_tokens: !custom.allow_refresh_token.unwrap_or(true),
            dpop_bound_access_tokens: custom.dpop_bound_access_tokens.unwrap_or(false),
            pushed_requests: custom.require_pushed_authorization_requests.unwrap_or(false),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            without_refresh_tokens: self.without_refresh_tokens || other.without_refresh_tokens,
            dpop_bound_access_tokens: self.dpop_bound_access_tokens
                || other.dpop_bound_access_tokens,
            pushed_requests: self.pushed_requests || other.pushed_requests,
        }
    }
}
