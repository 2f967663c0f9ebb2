//! Rotation.

use trinco_jose::{
    Algorithm, JwkSet, KeyEntry, KeyState, Keyring, KeyringError, SigningKey, VerifyError,
};

use crate::{NOW, claims, expectation};

fn entry(id: &str) -> KeyEntry {
    let key = SigningKey::generate(Algorithm::EdDSA).unwrap();
    KeyEntry { id: id.to_owned(), created_at: NOW, key }
}

fn states(ring: &Keyring) -> Vec<(KeyState, &str)> {
    ring.entries().map(|(state, entry)| (state, entry.id.as_str())).collect()
}

#[test]
fn a_key_moves_from_next_to_current_to_previous() {
    use KeyState::{Current, Next, Previous};
    let mut ring = Keyring::new(entry("a"));
    assert_eq!(states(&ring), [(Current, "a")]);
    ring.stage(entry("b")).unwrap();
    assert_eq!(states(&ring), [(Current, "a"), (Next, "b")]);
    ring.rotate().unwrap();
    assert_eq!(states(&ring), [(Current, "b"), (Previous, "a")]);
    ring.stage(entry("c")).unwrap();
    ring.rotate_to(entry("d")).unwrap();
    assert_eq!(states(&ring), [(Current, "d"), (Next, "c"), (Previous, "b"), (Previous, "a")]);
    ring.rotate().unwrap();
    assert_eq!(ring.current().id, "c");
    assert_eq!(ring.remove("a").unwrap().id, "a");
    assert_eq!(states(&ring), [(Current, "c"), (Previous, "d"), (Previous, "b")]);
}

#[test]
fn a_change_that_is_not_allowed_leaves_the_ring_as_it_was() {
    let a = entry("a");
    let mut ring = Keyring::new(a.clone());
    assert_eq!(ring.rotate().unwrap_err(), KeyringError::NoNext);
    assert_eq!(ring.remove("a").unwrap_err(), KeyringError::CurrentInUse);
    assert_eq!(ring.remove("b").unwrap_err(), KeyringError::UnknownKey);
    assert_eq!(ring.rotate_to(a.clone()).unwrap_err(), KeyringError::Duplicate);
    let same_key = KeyEntry { id: "b".to_owned(), ..a.clone() };
    assert_eq!(ring.stage(same_key).unwrap_err(), KeyringError::Duplicate);
    assert_eq!(ring.stage(entry("a")).unwrap_err(), KeyringError::Duplicate);
    assert_eq!(states(&ring), [(KeyState::Current, "a")]);
    ring.stage(entry("b")).unwrap();
    assert_eq!(ring.stage(entry("c")).unwrap_err(), KeyringError::NextExists);
    ring.rotate().unwrap();
    // A retired key never signs again.
    assert_eq!(ring.rotate_to(a).unwrap_err(), KeyringError::Duplicate);
    assert_eq!(states(&ring), [(KeyState::Current, "b"), (KeyState::Previous, "a")]);
}

#[test]
fn a_stored_ring_must_have_exactly_one_current_key() {
    use KeyState::{Current, Next, Previous};
    let refused = |entries: Vec<(KeyState, KeyEntry)>| Keyring::from_entries(entries).unwrap_err();
    assert_eq!(refused(vec![]), KeyringError::NoCurrent);
    assert_eq!(refused(vec![(Previous, entry("a")), (Next, entry("b"))]), KeyringError::NoCurrent);
    assert_eq!(
        refused(vec![(Current, entry("a")), (Current, entry("b"))]),
        KeyringError::SeveralCurrent
    );
    assert_eq!(
        refused(vec![(Current, entry("a")), (Next, entry("b")), (Next, entry("c"))]),
        KeyringError::NextExists
    );
    assert_eq!(
        refused(vec![(Current, entry("a")), (Previous, entry("a"))]),
        KeyringError::Duplicate
    );
    let stored =
        [(Previous, entry("p")), (Next, entry("n")), (Current, entry("c")), (Previous, entry("q"))];
    let ring = Keyring::from_entries(stored).unwrap();
    assert_eq!(states(&ring), [(Current, "c"), (Next, "n"), (Previous, "p"), (Previous, "q")]);
}

#[test]
fn every_key_in_the_ring_is_published_and_a_removed_one_no_longer_verifies() {
    let mut ring = Keyring::new(entry("a"));
    let token = ring.current().key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    ring.stage(entry("b")).unwrap();
    ring.rotate().unwrap();
    ring.stage(entry("c")).unwrap();
    let published = ring.jwks();
    let expected: JwkSet = ring.entries().map(|(_, entry)| entry.key.public_jwk()).collect();
    assert_eq!(published, expected);
    assert_eq!(published.keys().len(), 3);
    assert_eq!(published.keys()[0].kid(), Some(ring.current().key.kid()));
    let verify = |ring: &Keyring| {
        ring.verifier().verify::<serde_json::Value>(&token, &expectation()).map(|_| ())
    };
    assert_eq!(verify(&ring), Ok(()));
    ring.remove("a").unwrap();
    assert_eq!(verify(&ring), Err(VerifyError::UnknownKey));
}
