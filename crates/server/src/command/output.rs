//! What commands answer, and how it is shown: values that scripts read on standard output, words for people on standard error.

use std::fmt::Write as _;
use std::ops::Not;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a command answers. It has no `Debug`: it holds secrets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Output {
    Initialized {
        endpoint: String,
        app_id: String,
        app_secret: String,
        resource: String,
        token_endpoint: String,
    },
    AlreadyInitialized {
        endpoint: String,
    },
    App(CreatedApp),
    User {
        id: String,
        username: String,
    },
    /// Records of keys, as the Management API shows them.
    Keys(Vec<Value>),
    /// A tenant, written down.
    File {
        text: String,
        is_secret: bool,
    },
    /// What applying a file came to, or would.
    Applied {
        shown: String,
        is_pending: bool,
    },
}

/// A created application, with what its `.env.local` needs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedApp {
    pub(super) endpoint: String,
    pub(super) app_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cookie_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base_url: Option<String>,
    /// Whether it may use the Management API, as the one that `trinco init` creates.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(super) management_api: bool,
}

/// Texts for the two streams.
pub(crate) struct Shown {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Whether standard output holds secrets that outlive the moment, so that a file it goes to is for its owner only.
    pub(crate) const fn is_secret_file(&self) -> bool {
        matches!(self, Self::File { is_secret: true, .. })
    }

    /// Whether it was asked what would change, and something would.
    pub(crate) const fn is_pending(&self) -> bool {
        matches!(self, Self::Applied { is_pending: true, .. })
    }

    /// As one JSON object on standard output.
    pub(crate) fn as_json(&self) -> Shown {
        let value = match self {
            Self::Initialized { endpoint, app_id, app_secret, resource, token_endpoint } => json!({
                "endpoint": endpoint,
                "appId": app_id,
                "appSecret": app_secret,
                "resource": resource,
                "tokenEndpoint": token_endpoint,
            }),
            Self::AlreadyInitialized { endpoint } => {
                json!({ "alreadyInitialized": true, "endpoint": endpoint })
            }
            Self::App(app) => json!(app),
            Self::User { id, username } => json!({ "id": id, "username": username }),
            Self::Keys(records) => json!(records),
            // These are what was asked for already.
            Self::File { .. } | Self::Applied { .. } => return self.as_text(),
        };
        Shown { stdout: line(&value), stderr: String::new() }
    }

    /// As lines.
    pub(crate) fn as_text(&self) -> Shown {
        let mut stdout = String::new();
        let stderr = match self {
            Self::File { text: shown, .. } | Self::Applied { shown, .. } => {
                stdout.clone_from(shown);
                String::new()
            }
            Self::Initialized { endpoint, app_id, app_secret, resource, token_endpoint } => {
                assign(&mut stdout, "LOGTO_M2M_APP_ID", app_id);
                assign(&mut stdout, "LOGTO_M2M_APP_SECRET", app_secret);
                format!(
                    "These are the credentials of a machine-to-machine application that may use the whole Management API \
                     of {endpoint}. They are shown this once, so keep them where you keep secrets.\n\
                     For a token: POST {token_endpoint} with grant_type=client_credentials, resource={resource} and \
                     scope=all, the id and secret as HTTP Basic credentials.\n"
                )
            }
            Self::AlreadyInitialized { endpoint } => format!(
                "{endpoint} is initialised already, and its first credentials are not shown again. For others run: \
                 trinco app create --type machine-to-machine --management-api --name NAME\n"
            ),
            Self::App(app) => {
                assign(&mut stdout, "LOGTO_ENDPOINT", &app.endpoint);
                // A script that provisions stands beside an application whose names these are.
                let (id, secret) = if app.management_api {
                    ("LOGTO_M2M_APP_ID", "LOGTO_M2M_APP_SECRET")
                } else {
                    ("LOGTO_APP_ID", "LOGTO_APP_SECRET")
                };
                assign(&mut stdout, id, &app.app_id);
                for (name, value) in [
                    (secret, &app.app_secret),
                    ("LOGTO_COOKIE_SECRET", &app.cookie_secret),
                    ("BASE_URL", &app.base_url),
                ] {
                    if let Some(value) = value {
                        assign(&mut stdout, name, value);
                    }
                }
                String::new()
            }
            Self::User { id, username } => {
                stdout = format!("{id}\n");
                format!("The user {username} is there and can sign in.\n")
            }
            Self::Keys(records) => {
                for record in records {
                    let text = |name: &str| record[name].as_str().unwrap_or("-");
                    let (status, algorithm, id) = (text("status"), text("algorithm"), text("id"));
                    writeln!(stdout, "{id}  {status:8}  {algorithm}")
                        .expect("writing to a string works");
                }
                String::new()
            }
        };
        Shown { stdout, stderr }
    }
}

/// A line of an environment file. The values are ids, secrets and origins: letters, digits and `:/.-[]_`, which need no quotes.
fn assign(file: &mut String, name: &str, value: &str) {
    writeln!(file, "{name}={value}").expect("writing to a string works");
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(app_secret: Option<&str>, base_url: Option<&str>) -> Output {
        Output::App(CreatedApp {
            endpoint: "http://localhost:3001".to_owned(),
            app_id: "id".to_owned(),
            app_secret: app_secret.map(str::to_owned),
            cookie_secret: app_secret.map(|_| "cookie".to_owned()),
            base_url: base_url.map(str::to_owned),
            management_api: false,
        })
    }

    #[test]
    fn an_application_is_shown_as_an_environment_file() {
        assert_eq!(
            app(Some("secret"), Some("http://localhost:3000")).as_text().stdout,
            "LOGTO_ENDPOINT=http://localhost:3001\nLOGTO_APP_ID=id\nLOGTO_APP_SECRET=secret\n\
             LOGTO_COOKIE_SECRET=cookie\nBASE_URL=http://localhost:3000\n"
        );
        assert_eq!(
            app(None, None).as_text().stdout,
            "LOGTO_ENDPOINT=http://localhost:3001\nLOGTO_APP_ID=id\n"
        );
    }

    #[test]
    fn credentials_for_the_management_api_have_the_names_that_scripts_look_for() {
        let Output::App(app) = app(Some("secret"), None) else { unreachable!() };
        let app = CreatedApp { cookie_secret: None, management_api: true, ..app };
        assert_eq!(
            Output::App(app).as_text().stdout,
            "LOGTO_ENDPOINT=http://localhost:3001\nLOGTO_M2M_APP_ID=id\nLOGTO_M2M_APP_SECRET=secret\n"
        );
    }

    #[test]
    fn json_leaves_out_what_there_is_not() {
        assert_eq!(
            app(None, None).as_json().stdout,
            "{\"appId\":\"id\",\"endpoint\":\"http://localhost:3001\"}\n"
        );
    }
}
