//! What differs between two states of a thing.

use serde_json::Value;

use super::model::{Kind, MemberChange};
use crate::JsonObject;

/// The members that differ, those of objects one by one.
pub(super) fn members(kind: Kind, old: &JsonObject, new: &JsonObject) -> Vec<MemberChange> {
    let mut found = Vec::new();
    for name in names(old, new) {
        let (was, is) = (old.get(name), new.get(name));
        if kind.secrets().contains(&name.as_str()) {
            // No secret where there was none is nothing to tell.
            let is_none = was.is_none() && is.is_some_and(Value::is_null);
            if was != is && !is_none {
                found.push(MemberChange { path: name.clone(), old: None, new: None, secret: true });
            }
        } else {
            compare(name.clone(), was, is, &mut found);
        }
    }
    found
}

fn compare(path: String, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<MemberChange>) {
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for name in names(old, new) {
                compare(format!("{path}.{name}"), old.get(name), new.get(name), found);
            }
        }
        (old, new) => {
            found.push(MemberChange { path, old: old.cloned(), new: new.cloned(), secret: false });
        }
    }
}

fn names<'a>(old: &'a JsonObject, new: &'a JsonObject) -> impl Iterator<Item = &'a String> {
    old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)))
}
