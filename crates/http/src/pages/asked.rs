//! What an application asks for, in words: for the consent page, and for the page that confirms a device.

use trinco_core::Snapshot;
use trinco_core::users::User;
use trinco_locales::Texts;
use trinco_oauth::Scope;
use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::scope::{
    OFFLINE_ACCESS, ORGANIZATIONS, ORGANIZATIONS_RESOURCE, SESSIONS, TRUSTED_DEVICES,
};

use super::view::Asked;

/// Which organizations an application that asks for some will see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Organizations {
    /// Those the person ticks on this page.
    ChosenHere,
    /// Those the person has chosen before.
    Chosen,
    /// Every one the person is a member of.
    All,
}

/// Everything in `scopes`, under headings.
pub(super) fn in_words(
    texts: Texts,
    snapshot: &Snapshot,
    scopes: &GrantedScopes,
    organizations: Organizations,
) -> Vec<Asked> {
    let (sees, does) = account_items(texts, &scopes.scope, organizations);
    let mut asked = vec![
        Asked { heading: texts.get("consent.see").to_owned(), items: sees },
        Asked { heading: texts.get("consent.do").to_owned(), items: does },
    ];
    asked.extend(resource_items(texts, snapshot, scopes));
    let heading = match organizations {
        Organizations::ChosenHere => "consent.do_in_organizations",
        Organizations::Chosen => "consent.do_in_chosen_organizations",
        Organizations::All => "consent.do_in_all_organizations",
    };
    let in_organizations = scopes.resources.get(ORGANIZATIONS_RESOURCE);
    asked.push(Asked {
        heading: texts.get(heading).to_owned(),
        items: in_organizations
            .map(|scope| organization_items(snapshot, scope))
            .unwrap_or_default(),
    });
    asked.retain(|asked| !asked.items.is_empty());
    asked
}

/// The reserved scopes in words: what the application sees of the account, and what it does with it.
fn account_items(
    texts: Texts,
    scope: &Scope,
    organizations: Organizations,
) -> (Vec<String>, Vec<String>) {
    let (mut sees, mut does) = (Vec::new(), Vec::new());
    for token in scope.iter() {
        let name = token.rsplit(':').next().unwrap_or(token);
        let key = match (token, organizations) {
            // The choice on the page says so.
            (ORGANIZATIONS, Organizations::ChosenHere) => continue,
            (ORGANIZATIONS, Organizations::Chosen) => {
                "consent.scope.organizations_chosen".to_owned()
            }
            _ => format!("consent.scope.{name}"),
        };
        let Some(words) = texts.find(&key) else { continue };
        match token {
            OFFLINE_ACCESS | SESSIONS | TRUSTED_DEVICES => does.push(words.to_owned()),
            _ => sees.push(words.to_owned()),
        }
    }
    (sees, does)
}

/// Permissions by resource, in the operator's words where there are some. Without any a token still says who the person is.
fn resource_items(texts: Texts, snapshot: &Snapshot, scopes: &GrantedScopes) -> Vec<Asked> {
    scopes
        .resources
        .iter()
        .filter_map(|(indicator, scope)| {
            let entry = snapshot.resources.by_indicator(indicator)?;
            let defined = entry.scopes.iter().filter(|defined| scope.contains(&defined.name));
            let words =
                defined.map(|defined| words_of(&defined.name, defined.description.as_deref()));
            let mut items: Vec<String> = words.collect();
            if items.is_empty() {
                items.push(texts.get("consent.identify").to_owned());
            }
            let name = [("resource", entry.resource.name.as_str())];
            let heading = texts.format("consent.do_on", &name).into_owned();
            Some(Asked { heading, items })
        })
        .collect()
}

fn organization_items(snapshot: &Snapshot, scope: &Scope) -> Vec<String> {
    let mut found: Vec<_> = snapshot
        .organization_template
        .scopes()
        .filter(|defined| scope.contains(&defined.name))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
        .into_iter()
        .map(|defined| words_of(&defined.name, defined.description.as_deref()))
        .collect()
}

fn words_of(name: &str, description: Option<&str>) -> String {
    description.filter(|text| !text.trim().is_empty()).unwrap_or(name).to_owned()
}

/// What a person knows the account by.
pub(super) fn name_of(user: &User) -> String {
    [&user.username, &user.primary_email, &user.primary_phone, &user.name]
        .into_iter()
        .find_map(Clone::clone)
        .unwrap_or_else(|| user.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reserved_scope_has_words() {
        use trinco_locales::Language;
        for language in Language::ALL {
            for token in trinco_oauth::scope::RESERVED {
                let name = token.rsplit(':').next().unwrap();
                assert!(Texts::of(language).find(&format!("consent.scope.{name}")).is_some());
            }
        }
    }
}
