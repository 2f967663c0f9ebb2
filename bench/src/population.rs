//! Many users: the rows of the first one, as the server has made them, again for each of the others.
//!
//! Only what must differ from row to row is replaced, so that the rows weigh what real ones do: ids, hashes, names. What they are is
//! computed from the user's number, so that the tokens of any user can be presented without having been kept.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::Result;
use crate::installation::{Installation, address_of, person_named};

/// Members of one organization.
const MEMBERS: u64 = 10;
/// Users whose rows are written in one transaction.
const TOGETHER: u64 = 50_000;
/// Opaque access tokens live for an hour, which a measurement may outlast.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// A table with one or more rows for every user, and what must differ in them.
struct Kind {
    table: &'static str,
    /// The column by which the first user's rows are found, and by what of theirs.
    found_by: (&'static str, Owner),
    columns: &'static [(&'static str, Rule)],
}

/// What the first user's rows are found by.
#[derive(Clone, Copy)]
enum Owner {
    User,
    Organization,
    Grant,
}

/// What stands in a column of a user's row.
#[derive(Clone, Copy)]
enum Rule {
    /// An id as long as the first user's, of what the column names: the same wherever the same is named.
    Id(&'static str),
    /// An id that nothing else names.
    OwnId,
    /// The id of the user's organization.
    Organization,
    /// The hash of a token of this kind.
    Hash(Token),
    UserName,
    Email,
    Name,
    /// A day later than in the first user's row.
    DayLater,
}

/// Tokens that can be presented.
#[derive(Clone, Copy)]
pub(crate) enum Token {
    Cookie,
    Access,
    Refresh,
}

const USERS: Kind = Kind {
    table: "users",
    found_by: ("id", Owner::User),
    columns: &[
        ("id", Rule::Id("user")),
        ("username", Rule::UserName),
        ("username_folded", Rule::UserName),
        ("username_key", Rule::UserName),
        ("primary_email", Rule::Email),
        ("primary_email_folded", Rule::Email),
        ("name", Rule::Name),
        ("name_folded", Rule::Name),
    ],
};

/// One for each [`MEMBERS`] users.
const ORGANIZATIONS: Kind = Kind {
    table: "organizations",
    found_by: ("id", Owner::Organization),
    columns: &[("id", Rule::Organization), ("name", Rule::Name), ("name_folded", Rule::Name)],
};

/// What a user has who has signed in once.
const BELONGINGS: &[Kind] = &[
    Kind {
        table: "user_roles",
        found_by: ("user_id", Owner::User),
        columns: &[("user_id", Rule::Id("user"))],
    },
    Kind {
        table: "organization_users",
        found_by: ("user_id", Owner::User),
        columns: &[("user_id", Rule::Id("user")), ("organization_id", Rule::Organization)],
    },
    Kind {
        table: "sessions",
        found_by: ("user_id", Owner::User),
        columns: &[
            ("id", Rule::Id("session")),
            ("user_id", Rule::Id("user")),
            ("cookie_hash", Rule::Hash(Token::Cookie)),
        ],
    },
    Kind {
        table: "grants",
        found_by: ("user_id", Owner::User),
        columns: &[
            ("id", Rule::Id("grant")),
            ("user_id", Rule::Id("user")),
            ("session_id", Rule::Id("session")),
            ("counts_as", Rule::Id("session")),
        ],
    },
    Kind {
        table: "refresh_tokens",
        found_by: ("grant_id", Owner::Grant),
        columns: &[("hash", Rule::Hash(Token::Refresh)), ("grant_id", Rule::Id("grant"))],
    },
    Kind {
        table: "access_tokens",
        found_by: ("grant_id", Owner::Grant),
        columns: &[
            ("hash", Rule::Hash(Token::Access)),
            ("grant_id", Rule::Id("grant")),
            ("expires_at", Rule::DayLater),
        ],
    },
    Kind {
        table: "logs",
        found_by: ("user_id", Owner::User),
        columns: &[("id", Rule::OwnId), ("user_id", Rule::Id("user"))],
    },
];

/// The token of this kind that a user has: 43 characters, as the server makes them.
pub(crate) fn token(kind: Token, user: u64) -> String {
    let name = match kind {
        Token::Cookie => "cookie",
        Token::Access => "access token",
        Token::Refresh => "refresh token",
    };
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{name} {user}").as_bytes()))
}

/// The id of a user; the first one's is the server's.
pub(crate) fn user_id(installation: &Installation, user: u64) -> String {
    if user == 0 {
        return installation.user_id.clone();
    }
    id("user", user, installation.user_id.len())
}

/// Fills the SQLite file up to this many users. No server may run on it.
pub(crate) fn make(file: &Path, installation: &Installation, users: u64) -> Result<()> {
    fill(file, installation, users).map_err(|error| format!("the users cannot be made: {error}."))
}

fn fill(file: &Path, installation: &Installation, users: u64) -> rusqlite::Result<()> {
    let mut connection = Connection::open(file)?;
    // Nothing here needs to outlive a crash, and every row refers to one that is made with it: the end is checked instead.
    for (pragma, value) in [
        ("journal_mode", "MEMORY"),
        ("synchronous", "OFF"),
        ("foreign_keys", "OFF"),
        ("cache_size", "-2000000"),
    ] {
        connection.pragma_update(None, pragma, value)?;
    }
    let mut models = vec![Model::read(&connection, &USERS, installation)?];
    if let Some(organization) = &installation.organization_id {
        let organizations = Model::read(&connection, &ORGANIZATIONS, installation)?;
        let transaction = connection.transaction()?;
        for number in 1..users.div_ceil(MEMBERS) {
            organizations.write(&transaction, number, Some(organization.len()), number)?;
        }
        transaction.commit()?;
        for kind in BELONGINGS {
            models.push(Model::read(&connection, kind, installation)?);
        }
    }
    let length = installation.organization_id.as_ref().map(String::len);
    for begin in (1..users).step_by(TOGETHER as usize) {
        let transaction = connection.transaction()?;
        // Table by table, so that what is written together lies together.
        for model in &models {
            for user in begin..users.min(begin + TOGETHER) {
                model.write(&transaction, user, length, user / MEMBERS)?;
            }
        }
        transaction.commit()?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")
}

/// The first user's rows of a kind, and the statement that writes such rows.
struct Model {
    insert: String,
    rows: Vec<Vec<Value>>,
    rules: Vec<Option<Rule>>,
}

impl Model {
    fn read(
        connection: &Connection,
        kind: &Kind,
        installation: &Installation,
    ) -> rusqlite::Result<Self> {
        let Kind { table, found_by: (column, owner), columns } = kind;
        let condition = match owner {
            Owner::Grant => format!("{column} IN (SELECT id FROM grants WHERE user_id = ?1)"),
            Owner::User | Owner::Organization => format!("{column} = ?1"),
        };
        let owner = match owner {
            Owner::User | Owner::Grant => Some(&installation.user_id),
            Owner::Organization => installation.organization_id.as_ref(),
        };
        let mut select = connection.prepare(&format!("SELECT * FROM {table} WHERE {condition}"))?;
        let names: Vec<String> = select.column_names().map(str::to_owned).collect();
        let rules = names
            .iter()
            .map(|name| columns.iter().find(|(column, _)| column == name).map(|(_, rule)| *rule))
            .collect();
        let rows = select
            .query_map([owner], |row| (0..names.len()).map(|at| row.get(at)).collect())?
            .collect::<rusqlite::Result<Vec<Vec<Value>>>>()?;
        // Without a row to begin with, a table would stay empty and weigh nothing without anyone noticing.
        if rows.is_empty() {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        let marks = vec!["?"; names.len()].join(", ");
        let insert = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
        Ok(Self { insert, rows, rules })
    }

    fn write(
        &self,
        connection: &Connection,
        number: u64,
        organization_length: Option<usize>,
        organization: u64,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&self.insert)?;
        for (which, row) in self.rows.iter().enumerate() {
            let values = row.iter().zip(&self.rules).map(|(model, rule)| {
                let length = if let Value::Text(text) = model { text.len() } else { 0 };
                match rule {
                    None => model.clone(),
                    // What the first user has not, the others have not.
                    Some(_) if matches!(model, Value::Null) => Value::Null,
                    // The first organization has the id that the server gave it.
                    Some(Rule::Organization) if organization == 0 => model.clone(),
                    Some(Rule::Organization) => {
                        id("organization", organization, organization_length.unwrap_or(length))
                            .into()
                    }
                    Some(Rule::Id(of)) => id(of, number, length).into(),
                    Some(Rule::OwnId) => id(&format!("row {which}"), number, length).into(),
                    Some(Rule::Hash(kind)) => hash(&token(*kind, number)).into(),
                    Some(Rule::UserName) => person_named(number).into(),
                    Some(Rule::Email) => address_of(number).into(),
                    Some(Rule::Name) => format!("person {number}").into(),
                    Some(Rule::DayLater) => match model {
                        Value::Integer(time) => (time + DAY).into(),
                        other => other.clone(),
                    },
                }
            });
            statement.execute(params_from_iter(values))?;
        }
        Ok(())
    }
}

/// As tokens are stored.
fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

/// As random as the server's, of the same alphabet.
fn id(of: &str, number: u64, length: usize) -> String {
    const SYMBOLS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let bytes = digest(&SHA256, format!("{of} {number}").as_bytes());
    let bytes = bytes.as_ref().iter().cycle().take(length);
    bytes.map(|byte| char::from(SYMBOLS[usize::from(*byte) % SYMBOLS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_ids_differ_by_kind_and_user_and_look_like_the_servers() {
        assert_eq!(token(Token::Access, 7).len(), 43);
        assert_ne!(token(Token::Access, 7), token(Token::Refresh, 7));
        assert_ne!(token(Token::Access, 7), token(Token::Access, 8));
        assert_eq!(id("user", 1, 12).len(), 12);
        assert_ne!(id("user", 1, 12), id("grant", 1, 12));
        // RFC 4648 appendix: the hash is the plain SHA-256 of the token.
        assert_eq!(hash("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }
}
