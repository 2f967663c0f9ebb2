//! `trinco db status`.

use std::fmt::Write as _;

use serde_json::{Value, json};
use trinco_core::{Clock as _, MIGRATIONS, tenants};
use trinco_db::{Db, EngineKind, Error, Standing};

use super::{Said, look_at, seen};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::master_key;

/// What is known of a database.
struct Status {
    database: String,
    engine: &'static str,
    /// The error is a sentence: why this program cannot use the database at all.
    standing: Result<Standing, String>,
    master_key: MasterKeyState,
    /// When it was looked: Unix milliseconds.
    now: i64,
}

/// Whether the master key at hand opens what the database seals.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MasterKeyState {
    Fits(String),
    Differs {
        at_hand: String,
        needed: String,
    },
    /// There is none at hand.
    Missing {
        needed: Option<String>,
    },
    /// Nothing is sealed yet.
    Unused,
    /// The database cannot be asked.
    Unknown,
}

pub(super) async fn run(settings: &Settings, json: bool) -> Result<Said, String> {
    let db = look_at(&settings.db_url).await?;
    let status = read(settings, &db).await;
    db.close().await;
    let status = status?;
    let stdout = if json { format!("{}\n", status.as_json()) } else { status.as_text() };
    Ok(Said { stdout, stderr: String::new(), is_good: status.is_good() })
}

async fn read(settings: &Settings, db: &Db) -> Result<Status, String> {
    let standing = match db.standing(MIGRATIONS).await {
        Ok(standing) => Ok(standing),
        Err(Error::Migration(sentence)) => Err(sentence),
        Err(error) => return Err(super::cannot_open(&settings.db_url, &error)),
    };
    let has_schema = standing.as_ref().is_ok_and(|standing| standing.database > 0);
    let sealed_under = if has_schema {
        tenants::sealed_under(db).await.map_err(|error| error.to_string())?
    } else {
        None
    };
    let at_hand = master_key::existing(settings)?.map(|key| key.fingerprint());
    let master_key = match (standing.is_err(), at_hand, sealed_under) {
        (true, _, _) => MasterKeyState::Unknown,
        (_, None, needed) => MasterKeyState::Missing { needed },
        (_, Some(_), None) => MasterKeyState::Unused,
        (_, Some(at_hand), Some(needed)) if at_hand == needed => MasterKeyState::Fits(needed),
        (_, Some(at_hand), Some(needed)) => MasterKeyState::Differs { at_hand, needed },
    };
    let engine = match db.engine() {
        EngineKind::Sqlite => "SQLite",
        EngineKind::Postgres => "PostgreSQL",
    };
    let (database, now) = (settings.db_url.to_string(), SystemClock.now_ms());
    Ok(Status { database, engine, standing, master_key, now })
}

impl Status {
    fn is_good(&self) -> bool {
        self.standing.as_ref().is_ok_and(Standing::is_up_to_date) && self.master_key.is_good()
    }

    fn as_json(&self) -> Value {
        let mut value = json!({
            "database": self.database,
            "engine": self.engine,
            "upToDate": self.standing.as_ref().is_ok_and(Standing::is_up_to_date),
            "masterKey": self.master_key.as_json(),
        });
        match &self.standing {
            Err(sentence) => value["refusal"] = json!(sentence),
            Ok(standing) => {
                value["schemaVersion"] = json!(standing.database);
                value["programVersion"] = json!(standing.program);
                value["oldestProgramVersion"] = json!(standing.oldest_program);
                value["pending"] = listed(standing.pending.iter().map(|(v, name)| (*v, *name)));
                value["newer"] = listed(standing.newer.iter().map(|(v, name)| (*v, name.as_str())));
                value["nodes"] = (standing.nodes.iter())
                    .map(|node| {
                        json!({
                            "id": node.id,
                            "label": node.label,
                            "schemaVersion": node.schema_version,
                            "startedAt": node.started_at,
                            "seenAt": node.seen_at,
                        })
                    })
                    .collect();
            }
        }
        value
    }

    fn as_text(&self) -> String {
        let mut text = format!("database    {} ({})\n", self.database, self.engine);
        let mut line = |name: &str, value: &str| {
            writeln!(text, "{name:11} {value}").expect("writing to a string works");
        };
        match &self.standing {
            Err(sentence) => line("schema", sentence),
            Ok(standing) => {
                let Standing { database, program, pending, newer, .. } = standing;
                line("schema", &format!("{database}; this program knows {program}"));
                for (version, name) in pending {
                    line("pending", &format!("{version} ({name})"));
                }
                for (version, name) in newer {
                    line("newer", &format!("{version} ({name}), which serves this program too"));
                }
                match (standing.is_up_to_date(), pending.is_empty()) {
                    (true, _) => line("up to date", "yes"),
                    (false, true) => line(
                        "up to date",
                        "no: tables beside the schema are missing; run `trinco db migrate`",
                    ),
                    (false, false) => line("up to date", "no: run `trinco db migrate`"),
                }
                for node in &standing.nodes {
                    let seen = seen(node.seen_at, self.now);
                    line(
                        "node",
                        &format!("{}, schema {}, {seen}", node.label, node.schema_version),
                    );
                }
            }
        }
        line("master key", &self.master_key.as_text());
        text
    }
}

fn listed<'a>(migrations: impl Iterator<Item = (i64, &'a str)>) -> Value {
    migrations.map(|(version, name)| json!({ "version": version, "name": name })).collect()
}

impl MasterKeyState {
    /// A key that is made on the first start need not be there before.
    const fn is_good(&self) -> bool {
        matches!(self, Self::Fits(_) | Self::Unused | Self::Missing { needed: None })
    }

    fn as_json(&self) -> Value {
        match self {
            Self::Fits(fingerprint) => json!({ "state": "fits", "fingerprint": fingerprint }),
            Self::Differs { at_hand, needed } => {
                json!({ "state": "differs", "fingerprint": at_hand, "needed": needed })
            }
            Self::Missing { needed } => json!({ "state": "missing", "needed": needed }),
            Self::Unused => json!({ "state": "unused" }),
            Self::Unknown => json!({ "state": "unknown" }),
        }
    }

    fn as_text(&self) -> String {
        match self {
            Self::Fits(fingerprint) => format!("fits ({fingerprint})"),
            Self::Differs { at_hand, needed } => {
                format!(
                    "does not fit: the database needs {needed}, and the one at hand is {at_hand}"
                )
            }
            Self::Missing { needed: Some(needed) } => {
                format!("is missing: the database needs {needed}")
            }
            Self::Missing { needed: None } => "is made on the first start".to_owned(),
            Self::Unused => "is there, and nothing is sealed under it yet".to_owned(),
            Self::Unknown => "not looked at".to_owned(),
        }
    }
}
