use proptest::prelude::*;

use super::*;

fn issues(password: &str, personal: &[&str]) -> Vec<PasswordIssue> {
    PasswordPolicy::default().issues(password, personal)
}

#[test]
fn the_default_policy_names_what_is_wrong() {
    assert_eq!(issues("correct horse", &[]), []);
    assert_eq!(issues("short", &[]), [PasswordIssue::TooShort { min: 8 }]);
    assert_eq!(issues(&"x1".repeat(129), &[]), [PasswordIssue::TooLong { max: 256 }]);
    assert_eq!(issues("aaaaaaaaaa", &[]), [PasswordIssue::Repetition]);
    assert_eq!(issues("abcd1234", &[]), [PasswordIssue::Sequence]);
    assert_eq!(issues("QWERTYuiop", &[]), [PasswordIssue::Sequence]);
    assert_eq!(issues("87654321", &[]), [PasswordIssue::Sequence]);
    assert_eq!(issues("1112345678", &[]), [PasswordIssue::Repetition, PasswordIssue::Sequence]);
    assert_eq!(issues("good\u{7}enough", &[]), [PasswordIssue::UnsupportedCharacters]);
}

#[test]
fn personal_details_do_not_count() {
    assert_eq!(issues("Ana.Souza1", &["ana_x", "Ana Souza"]), [PasswordIssue::UserInfo]);
    assert_eq!(issues("maria2024", &["maria@example.com"]), [PasswordIssue::UserInfo]);
    // Enough is left beside them.
    assert_eq!(issues("bananas-on-my-roof", &["ana"]), []);
    // Two letters are in every other word.
    assert_eq!(issues("lovely day", &["Al Lo"]), []);
}

#[test]
fn a_forbidden_word_is_never_accepted() {
    let words = vec![Text::new("Trinco").unwrap()];
    let policy = PasswordPolicy {
        rejects: Some(Rejects { words, ..Rejects::default() }),
        ..PasswordPolicy::default()
    };
    assert_eq!(policy.issues("a very long phrase with tRINCO inside", &[]), [PasswordIssue::Words]);
}

#[test]
fn kinds_of_character_are_counted() {
    let policy = PasswordPolicy {
        character_types: Some(CharacterTypes { min: 3 }),
        ..PasswordPolicy::default()
    };
    assert_eq!(policy.issues("mostly letters", &[]), [PasswordIssue::CharacterTypes { min: 3 }]);
    assert_eq!(policy.issues("Mostly letters", &[]), []);
    assert_eq!(policy.issues("Ação9roupa", &[]), []);
}

#[test]
fn what_guessers_try_first_is_refused_unless_switched_off() {
    let default = PasswordPolicy::default();
    assert!(default.issues("Trustno1", &[]).contains(&PasswordIssue::Pwned));
    assert!(default.issues("deusefiel1", &[]).contains(&PasswordIssue::Pwned));
    assert!(!default.issues("correct horse battery", &[]).contains(&PasswordIssue::Pwned));
    let rejects = Rejects { pwned: false, ..Rejects::default() };
    let lenient = PasswordPolicy { rejects: Some(rejects), ..default };
    assert!(!lenient.issues("Trustno1", &[]).contains(&PasswordIssue::Pwned));
}

#[test]
fn the_refusal_lists_codes_and_limits() {
    let Err(Error::Refused(refusal)) = PasswordPolicy::default().check("short", &[]) else {
        panic!("accepted")
    };
    assert_eq!(refusal.code, "password.rejected");
    let expected = json!({ "issues": [{ "code": "password_rejected.too_short", "interpolation": { "min": 8 } }] });
    assert_eq!(refusal.data, Some(expected));
}

#[test]
fn a_policy_that_no_password_meets_is_refused() {
    let of = |min, max, kinds| PasswordPolicy {
        length: Some(PasswordLength { min, max }),
        character_types: Some(CharacterTypes { min: kinds }),
        rejects: None,
    };
    assert!(of(8, 256, 4).check_itself().is_ok());
    for wrong in [of(0, 256, 1), of(8, 257, 1), of(9, 8, 1), of(8, 256, 0), of(8, 256, 5)] {
        assert!(wrong.check_itself().is_err(), "{wrong:?}");
    }
}

#[test]
fn absent_members_have_defaults() {
    let policy: PasswordPolicy =
        serde_json::from_str(r#"{"length":{"min":12},"rejects":{"words":["x"]}}"#).unwrap();
    assert_eq!(policy.length, Some(PasswordLength { min: 12, max: 256 }));
    assert!(
        policy.rejects.is_some_and(|rejects| rejects.repetition_and_sequence && rejects.user_info)
    );
    assert_eq!(serde_json::to_string(&PasswordPolicy::default()).unwrap(), "{}");
}

proptest! {
    #[test]
    fn one_repeated_character_is_never_a_password(c in any::<char>(), count in 0_usize..300) {
        prop_assert!(!issues(&c.to_string().repeat(count), &[]).is_empty());
    }

    #[test]
    fn a_personal_detail_alone_is_never_a_password(detail in "[a-zA-Z0-9]{3,40}") {
        prop_assert!(!issues(&detail, &[&detail]).is_empty());
    }

    #[test]
    fn enough_strong_characters_outweigh_weak_parts(weak in "[a-z0-9]{0,40}") {
        // No two neighbours of these are neighbours in any row.
        prop_assert_eq!(issues(&format!("!m0!g7!t2{weak}"), &["ana", "Souza"]), []);
    }

    #[test]
    fn any_text_is_judged_and_limits_hold(password in "\\PC{0,300}", detail in "\\PC{0,30}") {
        let found = issues(&password, &[&detail]);
        let length = password.chars().count();
        prop_assert_eq!(length < 8, found.contains(&PasswordIssue::TooShort { min: 8 }));
        prop_assert_eq!(length > 256, found.contains(&PasswordIssue::TooLong { max: 256 }));
    }

    #[test]
    fn allowing_weak_parts_refuses_no_more(password in "[a-f0-9]{8,20}") {
        let rejects = Rejects { repetition_and_sequence: false, user_info: false, ..Rejects::default() };
        let lax = PasswordPolicy { rejects: Some(rejects), ..PasswordPolicy::default() };
        prop_assert_eq!(lax.issues(&password, &["abc"]), []);
    }
}
