//! What a script may answer, and reading it.

use serde_json::Value;

use super::model::ActionType;
use crate::JsonObject;
use crate::users::{NewUser, UserChanges};

/// The members of a user that a script may set.
const MEMBERS: [&str; 7] =
    ["username", "primaryEmail", "primaryPhone", "name", "avatar", "customData", "profile"];

/// What a script wants done.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Nothing.
    Nothing,
    /// A user to be made of someone that nobody here knows.
    Create(Box<NewUser>, JsonObject),
    /// Changes of the user who signs in.
    Update(Box<UserChanges>, JsonObject),
}

/// Reads what the script of a step returned.
///
/// # Errors
/// What is wrong with it, for whoever writes the script.
pub(super) fn read(kind: ActionType, mut returned: JsonObject) -> Result<Answer, String> {
    if returned.is_empty() {
        return Ok(Answer::Nothing);
    }
    let action = returned.remove("action");
    let action = action.as_ref().and_then(Value::as_str).unwrap_or_default();
    let user = match returned.remove("user") {
        None => JsonObject::new(),
        Some(Value::Object(user)) => user,
        Some(_) => return Err("the member user of what it returns must be an object".to_owned()),
    };
    if let Some(other) = user.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(format!("the user it returns must not have the member {other}"));
    }
    if kind == ActionType::PostFirstFactorVerification
        && returned.get("passwordVerified") != Some(&Value::Bool(true))
    {
        return Err("passwordVerified must be true in what it returns".to_owned());
    }
    let wrong = |error: serde_json::Error| format!("the user it returns is not valid: {error}");
    let value = || Value::Object(user.clone());
    match (kind, action) {
        (ActionType::PostFirstFactorVerification, "createUser") => {
            let new = serde_json::from_value(value()).map_err(wrong)?;
            Ok(Answer::Create(Box::new(new), user))
        }
        (_, "updateUser") => {
            let changes = serde_json::from_value(value()).map_err(wrong)?;
            Ok(Answer::Update(Box::new(changes), user))
        }
        (ActionType::PostFirstFactorVerification, _) => {
            Err("the action it returns must be createUser or updateUser".to_owned())
        }
        (ActionType::PostSignIn, _) => Err("the action it returns must be updateUser".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(kind: ActionType, returned: Value) -> Result<&'static str, String> {
        let Value::Object(returned) = returned else { panic!("not an object") };
        read(kind, returned).map(|answer| match answer {
            Answer::Nothing => "nothing",
            Answer::Create(..) => "create",
            Answer::Update(..) => "update",
        })
    }

    #[test]
    fn each_step_has_answers_of_its_own() {
        use ActionType::{PostFirstFactorVerification as First, PostSignIn as Last};
        let name = json!({ "name": "Ada" });
        let said = |action: &str| json!({ "action": action, "user": name });
        let verified =
            |action: &str| json!({ "action": action, "user": name, "passwordVerified": true });
        assert_eq!(outcome(First, json!({})), Ok("nothing"));
        assert_eq!(outcome(First, verified("createUser")), Ok("create"));
        assert_eq!(outcome(First, verified("updateUser")), Ok("update"));
        assert_eq!(outcome(Last, said("updateUser")), Ok("update"));
        assert!(outcome(Last, said("createUser")).is_err());
        assert!(outcome(First, said("createUser")).is_err(), "the password was not verified");
        for user in [json!({ "isSuspended": false }), json!({ "name": 1 }), json!([])] {
            let returned = json!({ "action": "updateUser", "user": user });
            assert!(outcome(Last, returned.clone()).is_err(), "{returned}");
        }
    }
}
