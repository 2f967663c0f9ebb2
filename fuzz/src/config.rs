//! The settings file and the environment: lines before `---` are variables, what follows is `trinco.toml`.

use std::path::PathBuf;

use crate::check::{self, MARKER};

// The server is a binary, and its settings are nobody else's business: their code is taken in as it stands.
#[expect(dead_code, reason = "it is the server's code, of which a part is used here")]
#[path = "../../crates/server/src/config/mod.rs"]
mod settings;

use settings::{Settings, SettingsFile, Sources};

/// Resolves the input.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let (variables, file) = text.split_once("---\n").unwrap_or(("", text));
    let variables = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let file = SettingsFile { path: PathBuf::from("trinco.toml"), text: file.to_owned() };
    let sources = Sources { flags: Vec::new(), variables, file: Some(file) };
    match Settings::resolve(sources) {
        Ok(settings) => {
            sound(&settings);
            if secrets_alone_hold_the_marker(text) {
                assert!(!format!("{settings:?}").contains(MARKER), "a secret is printed");
            }
            true
        }
        Err(sentence) => {
            // It begins with where the mistake stands.
            let place = sentence.split([':', ' ']).next().unwrap_or_default();
            let is_variable = !place.is_empty() && text.contains(place);
            assert!(is_variable || sentence.starts_with("trinco.toml:"), "{sentence}");
            if secrets_alone_hold_the_marker(text) {
                assert!(!sentence.contains(MARKER), "{sentence}");
            }
            false
        }
    }
}

fn sound(settings: &Settings) {
    for origin in [settings.origin(settings.port), settings.admin_origin(settings.port)] {
        let base = origin.base();
        assert!(base.starts_with("http://") || base.starts_with("https://"));
        assert!(!base.ends_with('/') && !base.contains(['?', '#', '@']));
    }
    assert_ne!(settings.origin(1).base(), settings.admin_origin(1).base());
    let policy = &settings.key_policy;
    assert!((0..=90 * 86_400_000).contains(&policy.grace_ms));
    assert!(
        policy
            .rotate_every_ms
            .is_none_or(|every| (86_400_000..=3650 * 86_400_000).contains(&every))
    );
    for allow in settings.outbound_allow.iter().chain(&settings.documents_allow) {
        assert_eq!(allow.to_string().parse().ok().as_ref(), Some(allow));
    }
    assert!(!settings.data_dir.as_os_str().is_empty());
}

/// Whether the marker stands in passwords and keys only: everything else may be quoted to whoever made the mistake.
fn secrets_alone_hold_the_marker(text: &str) -> bool {
    let is_secret = |line: &str| {
        [
            "TRINCO_MASTER_KEY=",
            "TRINCO_DB_URL=postgres://u:",
            "DB_URL=postgres://u:",
            "db_url = \"postgres://u:",
        ]
        .iter()
        .any(|start| line.starts_with(start))
            && line.split('@').next().is_some_and(|start| start.contains(MARKER))
            && line.matches(MARKER).count() == 1
    };
    text.lines().filter(|line| line.contains(MARKER)).all(is_secret)
}
