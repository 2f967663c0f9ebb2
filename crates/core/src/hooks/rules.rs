//! What is allowed of webhooks: pure functions.

use super::event::Event;
use super::model::HookChanges;
use super::store::Stored;
use crate::{Error, Result};

/// Recent is what happened in a day: milliseconds.
pub(super) const RECENT_MS: i64 = 24 * 60 * 60 * 1000;

/// The events of a webhook, each once. `event` alone is enough, and is then read in their place.
pub(super) fn events(events: Option<&[Event]>, event: Option<Event>) -> Result<Vec<Event>> {
    match (events, event) {
        (Some([]), _) => Err(Error::invalid_field("events", "must not be empty")),
        (Some(events), _) => {
            let mut distinct = Vec::with_capacity(events.len().min(Event::ALL.len()));
            for event in events {
                if !distinct.contains(event) {
                    distinct.push(*event);
                }
            }
            Ok(distinct)
        }
        (None, Some(_)) => Ok(Vec::new()),
        (None, None) => Err(Error::refused("hook.missing_events")),
    }
}

/// Whatever is to be changed, what is asked of it alone.
pub(super) fn check_changes(changes: &HookChanges) -> Result<()> {
    changes.events.as_deref().map_or(Ok(()), |all| events(Some(all), None).map(drop))
}

pub(super) fn apply(changes: &HookChanges, stored: &mut Stored) -> Result<()> {
    if let Some(name) = &changes.name {
        name.as_str().clone_into(&mut stored.name);
    }
    if let Some(event) = changes.event {
        stored.event = event;
    }
    if let Some(all) = &changes.events {
        stored.events = events(Some(all), None)?;
    }
    if let Some(enabled) = changes.enabled {
        stored.enabled = enabled;
    }
    if stored.events.is_empty() && stored.event.is_none() {
        return Err(Error::refused("hook.missing_events"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_wants_something_and_nothing_twice() {
        let code = |result: Result<Vec<Event>>| result.unwrap_err().code();
        assert_eq!(code(events(None, None)), Some("hook.missing_events"));
        assert_eq!(code(events(Some(&[]), None)), Some("guard.invalid_input"));
        assert_eq!(events(None, Some(Event::PostSignIn)).unwrap(), []);
        let twice = [Event::UserCreated, Event::RoleCreated, Event::UserCreated];
        assert_eq!(events(Some(&twice), None).unwrap(), twice[..2]);
    }
}
