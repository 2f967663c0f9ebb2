//! Names and addresses that one user has at a time. Within a file they can change hands: who gives one up comes before who takes it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::model::{Action, Change, Kind, Things};
use crate::users::{self, Identifier};
use crate::{JsonObject, Result, Tenant};

/// The members that no two users share.
const UNIQUE: [&str; 3] = ["username", "primaryEmail", "primaryPhone"];

/// What a user cannot take.
pub(super) struct Taken {
    pub(super) user: String,
    pub(super) path: String,
    pub(super) phrase: String,
}

impl Taken {
    fn new(user: &str, path: &str, phrase: String) -> Self {
        Self { user: user.to_owned(), path: path.to_owned(), phrase }
    }
}

/// The users of a file and of the tenant, with regard to what they are called.
pub(super) struct UserNames<'a> {
    /// As far as they were looked up: those of the file, and all when the others are to go.
    before: Option<&'a BTreeMap<String, JsonObject>>,
    /// Those of the file.
    after: Option<&'a BTreeMap<String, JsonObject>>,
    /// Whether user names are the same in any case, once the file is applied.
    is_folded: bool,
}

impl<'a> UserNames<'a> {
    pub(super) fn new(tenant: &Tenant, current: &'a Things, after: &'a Things) -> Self {
        let experiences = after.get(&Kind::SignInExperience).into_iter().flatten();
        let policies = experiences.filter_map(|(_, experience)| experience.get("usernamePolicy"));
        let declared = policies.filter_map(|policy| policy.get("caseSensitive")?.as_bool()).next();
        let is_case_sensitive =
            declared.unwrap_or_else(|| tenant.snapshot().experience.username_policy.case_sensitive);
        Self {
            before: current.get(&Kind::User),
            after: after.get(&Kind::User),
            is_folded: !is_case_sensitive,
        }
    }

    /// Names and addresses that two users would have, whether both are in the file or one stays in the tenant; and social identities
    /// that two users of the file would have.
    pub(super) async fn check(&self, tenant: &Tenant, changes: &[Change]) -> Result<Vec<Taken>> {
        let mut found = Vec::new();
        let already = |id: &str, path: &str, other: &str| {
            Taken::new(id, path, format!("is that of the user {other} already"))
        };
        let mut seen: HashMap<(String, String), &str> = HashMap::new();
        for (id, members) in self.after.into_iter().flatten() {
            let names = UNIQUE
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), self.key(name, members)?)));
            for (path, text) in names.chain(identities(members)) {
                if let Some(other) = seen.insert((path.clone(), text), id) {
                    found.push(already(id, &path, other));
                }
            }
        }
        for change in of_users(changes).filter(|change| change.action != Action::Delete) {
            for name in &change.touched {
                let Some(text) = change.next.get(name).and_then(Value::as_str) else { continue };
                let identifier = match name.as_str() {
                    "username" => Identifier::Username(text.to_owned()),
                    "primaryEmail" => Identifier::Email(text.to_owned()),
                    "primaryPhone" => Identifier::Phone(text.to_owned()),
                    _ => continue,
                };
                // Those in the file have been compared as they will be, and those that were looked up without being in it go.
                let is_known = |id: &String| {
                    [self.after, self.before].into_iter().flatten().any(|all| all.contains_key(id))
                };
                let holder = users::find_by_identifier(tenant, &identifier).await?;
                if let Some((other, _)) = holder.filter(|(other, _)| !is_known(&other.id)) {
                    found.push(already(&change.key, name, &other.id));
                }
            }
        }
        Ok(found)
    }

    /// Moves changes of users forward so that a name or an address is free when it is taken. Answers with those that go round, which no
    /// order helps; nothing is moved then.
    pub(super) fn hand_over(&self, changes: &mut Vec<Change>) -> Vec<Taken> {
        let at: HashMap<&str, usize> = changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.kind == Kind::User)
            .map(|(index, change)| (change.key.as_str(), index))
            .collect();
        let mut held = HashMap::new();
        for (id, members) in self.before.into_iter().flatten() {
            for name in UNIQUE {
                if let Some(text) = self.key(name, members) {
                    held.insert((name, text), id.as_str());
                }
            }
        }
        // For each change, the changes that must come before it, and what they give up.
        let waits = |change: &Change| -> Vec<(usize, &'static str)> {
            let is_taking = change.kind == Kind::User && change.action != Action::Delete;
            let touched = |name: &&str| is_taking && change.touched.iter().any(|one| one == name);
            let giver = |name: &'static str| {
                let holder = held.get(&(name, self.key(name, &change.next)?))?;
                let is_other = *holder != change.key;
                Some((*at.get(holder).filter(|_| is_other)?, name))
            };
            UNIQUE.into_iter().filter(touched).filter_map(giver).collect()
        };
        let waits: Vec<_> = changes.iter().map(waits).collect();
        match in_order(&waits) {
            Ok(order) => {
                let mut moved: Vec<Option<Change>> = changes.drain(..).map(Some).collect();
                changes.extend(order.into_iter().filter_map(|index| moved[index].take()));
                Vec::new()
            }
            Err(round) => round
                .into_iter()
                .map(|(taker, giver, name)| {
                    let phrase = format!(
                        "is that of the user {}, and such names go round: nobody can give one up first; apply a file first in \
                         which one of these users has a name that nobody has",
                        changes[giver].key
                    );
                    Taken::new(&changes[taker].key, name, phrase)
                })
                .collect(),
        }
    }

    /// A name as it must be unique.
    fn key(&self, name: &str, members: &JsonObject) -> Option<String> {
        let text = members.get(name)?.as_str()?;
        let folds = name == "primaryEmail" || (name == "username" && self.is_folded);
        Some(if folds { text.to_lowercase() } else { text.to_owned() })
    }
}

fn of_users(changes: &[Change]) -> impl Iterator<Item = &Change> {
    changes.iter().filter(|change| change.kind == Kind::User)
}

/// The paths of a user's social identities, and who each is there.
fn identities(members: &JsonObject) -> impl Iterator<Item = (String, String)> {
    let all = members.get("identities").and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(target, identity)| {
        Some((format!("identities.{target}"), identity.get("userId")?.as_str()?.to_owned()))
    })
}

/// What waits, what for, and for which name.
type Wait = (usize, usize, &'static str);

/// The indices of `waits` so that each comes after those it waits for, and else as they are; or the first round.
fn in_order(waits: &[Vec<(usize, &'static str)>]) -> Result<Vec<usize>, Vec<Wait>> {
    let mut order = Vec::with_capacity(waits.len());
    let mut is_begun = vec![false; waits.len()];
    let mut is_done = vec![false; waits.len()];
    for first in 0..waits.len() {
        // Those who wait for each other, with how many of the ones each waits for have been looked at. A chain may be long.
        let mut chain: Vec<(usize, usize)> = vec![(first, 0)];
        while let Some((index, looked)) = chain.last_mut() {
            let index = *index;
            if is_done[index] {
                chain.pop();
                continue;
            }
            is_begun[index] = true;
            let Some((before, _)) = waits[index].get(*looked) else {
                is_done[index] = true;
                order.push(index);
                chain.pop();
                continue;
            };
            *looked += 1;
            if is_begun[*before] && !is_done[*before] {
                let start = chain.iter().position(|(index, _)| index == before).unwrap_or(0);
                let round = chain[start..].iter().map(|(index, looked)| {
                    let (giver, name) = waits[*index][looked - 1];
                    (*index, giver, name)
                });
                return Err(round.collect());
            }
            chain.push((*before, 0));
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_up_a_name_comes_before_who_takes_it() {
        let none = Vec::new;
        let wait = |for_it: usize| vec![(for_it, "username")];
        assert_eq!(in_order(&[none(), none()]), Ok(vec![0, 1]));
        assert_eq!(in_order(&[wait(2), none(), wait(3), none()]), Ok(vec![3, 2, 0, 1]));
        let both = vec![(1, "username"), (2, "primaryEmail")];
        assert_eq!(in_order(&[both, none(), wait(1)]), Ok(vec![1, 2, 0]));
        let long: Vec<_> = (1..100_001).map(wait).chain([none()]).collect();
        assert_eq!(in_order(&long).unwrap()[0], 100_000);
    }

    #[test]
    fn names_that_go_round_are_told() {
        let wait = |for_it: usize| vec![(for_it, "username")];
        let round = in_order(&[wait(1), wait(2), wait(1)]).unwrap_err();
        assert_eq!(round, [(1, 2, "username"), (2, 1, "username")]);
    }
}
