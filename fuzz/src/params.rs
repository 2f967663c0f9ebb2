//! Parameters of a request, as a form and as JSON.

use std::collections::BTreeSet;

use serde_json::Value;
use trinco_oauth::Params;
use trinco_oauth::params::{MAX_NAME, MAX_PARAMETERS, MAX_TOTAL, MAX_VALUE};

use crate::check;

/// Reads the input both ways.
pub fn run(data: &[u8]) -> bool {
    let form = Params::from_form(data);
    let json = Params::from_json(data);
    for read in [&form, &json] {
        match read {
            Ok(params) => sound(params),
            Err(error) => check::refusal(error),
        }
    }
    if let Ok(params) = &form {
        assert!(data.len() <= MAX_TOTAL);
        agrees_with_another_reader(params, data);
    }
    if let (Ok(params), Ok(Value::Object(members))) = (&json, serde_json::from_slice(data)) {
        for (name, value) in members.iter().filter(|(name, _)| *name != "resource") {
            if let Value::String(text) = value {
                assert_eq!(params.get(name).unwrap_or_default(), text);
            }
            assert!(!value.is_object() && !value.is_array());
        }
    }
    check::at_the_limit(data, MAX_TOTAL, 32, |long| {
        let _ = Params::from_form(long).map(|params| params.get("state").is_some());
    });
    form.is_ok() || json.is_ok()
}

/// Nothing is beyond a limit, nothing is there twice, and what is printed is read back.
fn sound(params: &Params) {
    let form = params.to_form();
    let mut names = BTreeSet::new();
    let mut resources = Vec::new();
    let mut count = 0;
    for (name, value) in form_urlencoded::parse(form.as_bytes()) {
        count += 1;
        assert!(name.len() <= MAX_NAME && (1..=MAX_VALUE).contains(&value.len()));
        assert!(!name.contains('\0') && !value.contains('\0'));
        if name == "resource" {
            resources.push(value.into_owned());
        } else {
            assert_eq!(params.get(&name), Some(&*value));
            assert!(names.insert(name.into_owned()), "twice the same name");
        }
    }
    assert!(count <= MAX_PARAMETERS);
    assert_eq!(params.resources(), resources);
    if form.len() <= MAX_TOTAL {
        let again = Params::from_form(form.as_bytes()).expect("what was printed is read");
        assert_eq!(again.to_form(), form);
    }
    let with = params.with("state", "x");
    assert_eq!(with.get("state"), Some("x"));
    assert_eq!(with.without(&["state"]).to_form(), params.without(&["state"]).to_form());
}

/// The WHATWG's reading of the same form: one server in front of another must not see other parameters.
fn agrees_with_another_reader(params: &Params, data: &[u8]) {
    for (name, value) in form_urlencoded::parse(data) {
        if name == "resource" {
            let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
            for part in parts {
                assert!(params.resources().iter().any(|known| known == part));
            }
        } else if !value.is_empty() {
            assert_eq!(params.get(&name), Some(&*value));
        }
    }
}
