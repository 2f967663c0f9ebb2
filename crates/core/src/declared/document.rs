//! Between the text of a file and the things in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::model::{Cause, Kind, Problem, Things, With};
use super::yaml::{self, Content, Node};
use crate::JsonObject;

/// Bytes of a file.
pub const LARGEST_FILE: usize = 32 * 1024 * 1024;
/// The version of the file's shape.
const VERSION: u64 = 1;

/// A file that was read.
pub(super) struct File {
    pub(super) things: Things,
    /// Kinds the file speaks of at all.
    pub(super) kinds: BTreeSet<Kind>,
    /// Resources whose scopes the file lists.
    pub(super) listed: BTreeSet<String>,
    nodes: BTreeMap<(Kind, String), Node>,
}

impl File {
    pub(super) fn line(&self, kind: Kind, key: &str, path: &str) -> usize {
        self.nodes.get(&(kind, key.to_owned())).map_or(1, |node| node.line_of(path))
    }

    /// Keeps a thing, unless there is one already.
    fn add(&mut self, kind: Kind, key: String, node: Node) -> Result<(), Problem> {
        let Value::Object(members) = node.to_value() else {
            return Err(mistake(node.line, "must be a mapping of members"));
        };
        if let Some(first) = self.nodes.get(&(kind, key.clone())) {
            let phrase =
                format!("{} {key} is here twice, first in line {}", kind.noun(), first.line);
            return Err(mistake(node.line, &phrase));
        }
        self.things.entry(kind).or_default().insert(key.clone(), members);
        self.nodes.insert((kind, key), node);
        Ok(())
    }
}

fn mistake(line: usize, phrase: &str) -> Problem {
    Problem { line, place: String::new(), cause: Cause::Phrase(phrase.to_owned()) }
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<File, Problem> {
    if text.len() > LARGEST_FILE {
        return Err(mistake(1, "the file is larger than 32 MiB"));
    }
    let root = yaml::read(text).map_err(|(line, phrase)| mistake(line, &phrase))?;
    let Content::Mapping(mut sections) = root.content else {
        return Err(mistake(root.line, "the file must be a mapping that begins with version: 1"));
    };
    match sections.remove("version") {
        Some(node) if node.to_value() == json!(VERSION) => {}
        Some(node) => return Err(mistake(node.line, "version must be 1")),
        None => return Err(mistake(root.line, "version: 1 is missing")),
    }
    let mut file = File {
        things: Things::new(),
        kinds: BTreeSet::new(),
        listed: BTreeSet::new(),
        nodes: BTreeMap::new(),
    };
    for (name, node) in sections {
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.section() == Some(&name)) else {
            let known: Vec<&str> = Kind::ALL.into_iter().filter_map(Kind::section).collect();
            let phrase = format!("{name} is not known; there are {}", known.join(", "));
            return Err(mistake(node.line, &phrase));
        };
        file.kinds.insert(kind);
        file.things.entry(kind).or_default();
        match (kind.key(), node.content) {
            (None, content) => file.add(kind, String::new(), Node { line: node.line, content })?,
            (Some(key), Content::Sequence(items)) => {
                for item in items {
                    read_item(&mut file, kind, key, item)?;
                }
            }
            (Some(_), Content::Scalar(_) | Content::Mapping(_)) => {
                return Err(mistake(
                    node.line,
                    &format!("{name} must be a list; [] for an empty one"),
                ));
            }
        }
    }
    Ok(file)
}

fn read_item(file: &mut File, kind: Kind, key: &str, mut item: Node) -> Result<(), Problem> {
    let line = item.line;
    let Content::Mapping(members) = &mut item.content else {
        return Err(mistake(line, "must be a mapping of members"));
    };
    let name = match members.get(key).map(Node::to_value) {
        Some(Value::String(name)) if !name.is_empty() => name,
        Some(_) => return Err(mistake(line, &format!("{key} must be a text that is not empty"))),
        None => {
            return Err(mistake(
                line,
                &format!("{key} is missing, by which a {} is known", kind.noun()),
            ));
        }
    };
    if kind == Kind::Resource
        && let Some(scopes) = members.remove("scopes")
    {
        file.kinds.insert(Kind::Scope);
        file.listed.insert(name.clone());
        let Content::Sequence(scopes) = scopes.content else {
            return Err(mistake(scopes.line, "scopes must be a list; [] for an empty one"));
        };
        for scope in scopes {
            let Content::Mapping(members) = &scope.content else {
                return Err(mistake(scope.line, "must be a mapping of members"));
            };
            let Some(Value::String(scope_name)) = members.get("name").map(Node::to_value) else {
                return Err(mistake(scope.line, "name is missing, by which a scope is known"));
            };
            file.add(Kind::Scope, scope_key(&name, &scope_name), scope)?;
        }
    }
    if kind == Kind::Application
        && let Some(rules) = members.remove("accessControl")
    {
        file.kinds.insert(Kind::AccessControl);
        file.add(Kind::AccessControl, name.clone(), rules)?;
    }
    file.add(kind, name, item)
}

/// Neither has white space.
pub(super) fn scope_key(indicator: &str, name: &str) -> String {
    format!("{indicator} {name}")
}

/// The opposite of [`scope_key`].
pub(super) fn split_scope_key(key: &str) -> (&str, &str) {
    key.split_once(' ').unwrap_or((key, ""))
}

/// The text of a file.
pub(super) fn write(mut things: Things, tenant: &str, with: With) -> String {
    let scopes = things.remove(&Kind::Scope).unwrap_or_default();
    let mut rules = things.remove(&Kind::AccessControl).unwrap_or_default();
    let mut text = format!("# The tenant {tenant} of a Trinco, for: trinco apply -f FILE\n");
    if with.secrets {
        text.push_str(
            "# This file holds SECRETS. Keep it where you keep secrets, and nowhere else.\n",
        );
    }
    yaml::write(&json!({ "version": VERSION }), &mut text);
    for (kind, things) in things {
        let Some(section) = kind.section() else { continue };
        let value = if kind.key().is_none() {
            things.into_values().next().map_or(Value::Null, Value::Object)
        } else {
            let item = |(key, mut members): (String, JsonObject)| {
                if kind == Kind::Resource {
                    let of_it = |(scope, _): &(&String, _)| split_scope_key(scope).0 == key;
                    let own = scopes.iter().filter(of_it).map(|(_, scope)| json!(scope));
                    members.insert("scopes".to_owned(), own.collect());
                }
                if let Some(rules) = rules.remove(&key).filter(|_| kind == Kind::Application) {
                    members.insert("accessControl".to_owned(), rules.into());
                }
                Value::Object(members)
            };
            things.into_iter().map(item).collect()
        };
        text.push('\n');
        yaml::write(&json!({ section: value }), &mut text);
    }
    text
}
