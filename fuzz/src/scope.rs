//! Scopes and prompts: lists of words.

use trinco_oauth::authorization::Prompts;
use trinco_oauth::scope::{MAX_TOKEN, MAX_TOKENS, RESERVED};
use trinco_oauth::{Scope, scope};

use crate::check;

/// Parses the input as a scope and as a prompt.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    if let Err(error) = Prompts::parse(text) {
        check::refusal(&error);
    }
    if let Some(id) = scope::parse_organization_urn(text) {
        assert_eq!(scope::organization_urn(id), text);
    }
    check::at_the_limit(data, 16 * 1024, 32, |long| {
        let _ = Scope::parse(&String::from_utf8_lossy(long));
    });
    let scope = match Scope::parse(text) {
        Ok(scope) => scope,
        Err(error) => {
            check::refusal(&error);
            return false;
        }
    };
    assert!(scope.len() <= MAX_TOKENS);
    let mut words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    for token in scope.iter() {
        assert!((1..=MAX_TOKEN).contains(&token.len()) && words.contains(&token));
    }
    let printed = scope.to_string();
    assert_eq!(Scope::parse(&printed).expect("what is printed is read").to_string(), printed);
    let kept = serde_json::to_string(&scope).expect("a scope can be kept");
    assert_eq!(serde_json::from_str::<Scope>(&kept).expect("what is kept is read"), scope);
    // Order and repetition mean nothing.
    words.reverse();
    words.extend(words.clone());
    assert_eq!(Scope::parse(&words.join(" ")).expect("the same words"), scope);
    assert!(scope.reserved().iter().all(|token| RESERVED.contains(&token)));
    assert!(scope.difference(&scope.reserved()).reserved().is_empty());
    true
}
