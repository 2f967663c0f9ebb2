//! What the engines disagree on, and nowhere else.
//!
//! - Parameters: `$n` becomes `?n` for SQLite, which otherwise numbers `$n` by first appearance.
//! - `COLLATE BYTES` orders and compares by bytes on both.
//! - `LIKE` is case-sensitive on both. Give it `ESCAPE '\'` and a pattern from [`like`].
//! - `REGEXP` is PostgreSQL's `~`, and a function of ours on SQLite. Give it a pattern that both read alike.
//! - `FOR UPDATE` takes the rows on PostgreSQL; on SQLite there is one writer, who has them all.
//! - How broken unique constraints are named, how migrations exclude each other, how transactions
//!   begin, and what the tables there are can be asked.

use std::time::Duration;

use crate::{Conn, Error, Sql, Tx, sql};

/// Which engine is running. For logs and operators; code must not branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// The embedded engine.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl EngineKind {
    /// What OpenTelemetry's `db.system.name` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// Patterns for `LIKE $n ESCAPE '\'`.
pub mod like {
    /// Makes `%`, `_` and `\` stand for themselves.
    pub fn escape(text: &str) -> String {
        let mut pattern = String::with_capacity(text.len() + 2);
        for c in text.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern
    }

    /// Matches what contains `text`.
    pub fn contains(text: &str) -> String {
        format!("%{}%", escape(text))
    }

    /// Matches what starts with `text`.
    pub fn starts_with(text: &str) -> String {
        format!("{}%", escape(text))
    }
}

/// SQLite: how the log of a database in use is kept.
pub(crate) const SQLITE_LOG: &str = "PRAGMA journal_mode = WAL";

/// SQLite: how every connection is set up.
pub(crate) const SQLITE_SETUP: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -16000;
    PRAGMA mmap_size = 268435456;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA case_sensitive_like = ON;
";

/// PostgreSQL: taken inside the transaction, so that it holds through a transaction pooler and ends
/// with it. The number is arbitrary and must never change.
///
/// It is one for all schemas of a database, which therefore wait for each other. A number for each schema would have to be taken
/// beside this one for as long as programs run that know only this one, and would spare nobody the wait until then; nothing but
/// patience depends on it, because whoever waits says so and no silence counts meanwhile ([`crate::nodes::watch`]).
pub(crate) const POSTGRES_MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7454293310147)";

/// PostgreSQL: how a transaction that has written ends. Its time limit is lifted first: it would end the wait for a synchronous
/// standby, and the server would then report a commit that the standby may never see.
pub(crate) const POSTGRES_COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";

/// As the lock above, beside others who take it so; only for as long as `lock_timeout`.
const POSTGRES_SHARED_LOCK: &str = "SELECT pg_advisory_xact_lock_shared(7454293310147)";

/// PostgreSQL: how long a migration waits for others. While it waits for a table, everybody else waits behind it.
const POSTGRES_LOCK_PATIENCE: &str = "SET LOCAL lock_timeout = 3000";

/// Until this transaction ends, nobody else changes the schema or relies on it not changing. [`Error::Busy`] when somebody does.
pub(crate) async fn own_schema(tx: &mut Tx<'_>) -> Result<(), Error> {
    match tx.engine() {
        // One process owns the file, and one thread of it writes.
        EngineKind::Sqlite => Ok(()),
        EngineKind::Postgres => {
            tx.script(POSTGRES_LOCK_PATIENCE).await?;
            tx.script(POSTGRES_MIGRATION_LOCK).await
        }
    }
}

/// Until this transaction ends, nobody changes the schema.
pub(crate) async fn share_schema(tx: &mut Tx<'_>) -> Result<(), Error> {
    match tx.engine() {
        EngineKind::Sqlite => Ok(()),
        EngineKind::Postgres => tx.script(POSTGRES_SHARED_LOCK).await,
    }
}

/// As [`share_schema`], for a long read, which does not wait: [`Error::Busy`] when the schema is being changed. On SQLite the
/// snapshot of a read has the schema of its moment.
pub(crate) async fn share_schema_reading(conn: &mut Conn<'_>) -> Result<(), Error> {
    match conn.engine() {
        EngineKind::Sqlite => Ok(()),
        EngineKind::Postgres => {
            let lock = sql!("SELECT pg_try_advisory_xact_lock_shared(7454293310147)");
            if conn.one(lock, &[]).await?.get(0)? { Ok(()) } else { Err(Error::Busy) }
        }
    }
}

/// Lists the tables there are.
pub(crate) fn tables(engine: EngineKind) -> &'static Sql {
    match engine {
        EngineKind::Sqlite => sql!(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'
             ORDER BY name"
        ),
        EngineKind::Postgres => sql!(
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1"
        ),
    }
}

/// Lists the columns of the table `$1` in their order: name, declared type, and the place in the primary key from 1, 0 for none.
pub(crate) fn columns(engine: EngineKind) -> &'static Sql {
    match engine {
        EngineKind::Sqlite => sql!("SELECT name, lower(type), pk FROM pragma_table_info($1) ORDER BY cid"),
        EngineKind::Postgres => sql!(
            "SELECT CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT),
                 CAST(COALESCE((SELECT k.ordinal_position FROM information_schema.key_column_usage k
                     JOIN information_schema.table_constraints t
                         ON t.constraint_name = k.constraint_name AND t.table_schema = k.table_schema
                         AND t.table_name = k.table_name
                     WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema
                         AND k.table_name = c.table_name AND k.column_name = c.column_name), 0) AS BIGINT)
             FROM information_schema.columns c
             WHERE c.table_schema = current_schema() AND c.table_name = $1
             ORDER BY c.ordinal_position"
        ),
    }
}

/// Lists the tables that rows of the table `$1` refer to.
pub(crate) fn parents(engine: EngineKind) -> &'static Sql {
    match engine {
        EngineKind::Sqlite => sql!("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)"),
        EngineKind::Postgres => sql!(
            "SELECT DISTINCT CAST(p.relname AS TEXT) FROM pg_constraint f
             JOIN pg_class c ON c.oid = f.conrelid
             JOIN pg_class p ON p.oid = f.confrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE f.contype = 'f' AND n.nspname = current_schema() AND c.relname = $1"
        ),
    }
}

/// Lists the tables of others whose rows refer to rows of ours.
pub(crate) fn foreign_children(engine: EngineKind) -> &'static Sql {
    match engine {
        // A file has one schema, and refers to no other file.
        EngineKind::Sqlite => sql!("SELECT name FROM sqlite_schema WHERE 1 = 0"),
        EngineKind::Postgres => sql!(
            "SELECT DISTINCT CAST(cn.nspname || '.' || c.relname AS TEXT) FROM pg_constraint f
             JOIN pg_class c ON c.oid = f.conrelid
             JOIN pg_namespace cn ON cn.oid = c.relnamespace
             JOIN pg_class p ON p.oid = f.confrelid
             JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE f.contype = 'f' AND pn.nspname = current_schema() AND cn.nspname <> current_schema()
             ORDER BY 1"
        ),
    }
}

/// PostgreSQL: how a transaction begins. Limits are set inside it, because session settings do not
/// survive a transaction pooler.
pub(crate) fn postgres_begin(mode: &str, statement_timeout: Duration) -> String {
    let ms = statement_timeout.as_millis().clamp(1, i32::MAX as u128 / 2);
    format!(
        "BEGIN ISOLATION LEVEL {mode}; SET LOCAL statement_timeout = {ms}; \
         SET LOCAL idle_in_transaction_session_timeout = {}",
        ms * 2
    )
}

/// Spells a statement for an engine.
pub(crate) fn spell(text: &str, engine: EngineKind) -> String {
    let bytes = text.as_bytes();
    let mut spelled = String::with_capacity(text.len() + 8);
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let end = opaque_end(bytes, at);
        if end > at {
            at = end.min(bytes.len());
        } else if bytes[at] == b'$' && engine == EngineKind::Sqlite {
            spelled.push_str(&text[copied..at]);
            spelled.push('?');
            at += 1;
            copied = at;
        } else if let Some((end, spelling)) = ours(bytes, at, engine) {
            spelled.push_str(&text[copied..at]);
            spelled.push_str(spelling);
            at = end;
            copied = end;
        } else {
            at += 1;
        }
    }
    spelled.push_str(&text[copied..]);
    spelled
}

/// Refuses, while compiling, what a statement must not hold. Gives the highest `$n` and whether `$1`
/// appears.
pub(crate) const fn check(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut highest = 0;
    let mut names_first = false;
    let mut at = 0;
    assert!(
        !controls_transaction(bytes),
        "transactions are begun and ended by `write`, not by SQL"
    );
    while at < bytes.len() {
        let end = opaque_end(bytes, at);
        assert!(end <= bytes.len(), "a quote or comment in this SQL is not closed");
        if end > at {
            assert!(bytes[at] == b'\'' || bytes[at] == b'"', "comments belong outside the SQL");
            at = end;
            continue;
        }
        match bytes[at] {
            b';' => panic!("one statement at a time, without `;`"),
            b'?' => panic!("parameters are written $1, $2, …"),
            b'$' => {
                let mut number = 0;
                let mut digits = 0;
                while at + 1 < bytes.len() && bytes[at + 1].is_ascii_digit() {
                    at += 1;
                    digits += 1;
                    assert!(digits <= 5, "this SQL has a parameter number that is too large");
                    number = number * 10 + (bytes[at] - b'0') as usize;
                }
                assert!(number > 0, "parameters are written $1, $2, …");
                names_first |= number == 1;
                if number > highest {
                    highest = number;
                }
            }
            _ => {}
        }
        at += 1;
    }
    (highest, names_first)
}

const fn controls_transaction(bytes: &[u8]) -> bool {
    let words: &[&[u8]] = &[
        b"BEGIN",
        b"START",
        b"COMMIT",
        b"END",
        b"ROLLBACK",
        b"ABORT",
        b"SAVEPOINT",
        b"RELEASE",
        b"SET",
        b"RESET",
        b"PRAGMA",
        b"ATTACH",
        b"DETACH",
        b"VACUUM",
        b"LOCK",
    ];
    // From the first byte on: a piece that continues a statement (` SET name = `) starts with a space.
    let mut index = 0;
    while index < words.len() {
        let word = words[index];
        if let Some((first, rest)) = bytes.split_at_checked(word.len())
            && first.eq_ignore_ascii_case(word)
            && (rest.is_empty() || rest[0].is_ascii_whitespace())
        {
            return true;
        }
        index += 1;
    }
    false
}

/// Where the quoted text or comment that starts at `at` ends; `at` when none starts there, more than
/// the length when it does not end.
const fn opaque_end(bytes: &[u8], at: usize) -> usize {
    let next = if at + 1 < bytes.len() { bytes[at + 1] } else { 0 };
    let unclosed = bytes.len() + 1;
    let mut end = at + 1;
    match (bytes[at], next) {
        // A doubled quote reads as two neighbours, which comes to the same.
        (quote @ (b'\'' | b'"'), _) => {
            while end < bytes.len() {
                if bytes[end] == quote {
                    return end + 1;
                }
                end += 1;
            }
            unclosed
        }
        (b'-', b'-') => {
            while end < bytes.len() && bytes[end] != b'\n' {
                end += 1;
            }
            end
        }
        (b'/', b'*') => {
            end = at + 2;
            while end + 1 < bytes.len() {
                if bytes[end] == b'*' && bytes[end + 1] == b'/' {
                    return end + 2;
                }
                end += 1;
            }
            unclosed
        }
        _ => at,
    }
}

/// What only we write and starts at `at`: where it ends, and how an engine spells it.
fn ours(bytes: &[u8], at: usize, engine: EngineKind) -> Option<(usize, &'static str)> {
    if at > 0 && is_word(bytes[at - 1]) {
        return None;
    }
    let is_sqlite = engine == EngineKind::Sqlite;
    if let Some(end) = two_words(bytes, at, b"COLLATE", b"BYTES") {
        return Some((end, if is_sqlite { "COLLATE BINARY" } else { "COLLATE \"C\"" }));
    }
    if let Some(end) = two_words(bytes, at, b"FOR", b"UPDATE") {
        return Some((end, if is_sqlite { "" } else { "FOR UPDATE" }));
    }
    let end = word_end(bytes, at, b"REGEXP")?;
    Some((end, if is_sqlite { "REGEXP" } else { "~" }))
}

/// Where two words with space between them that start at `at` end.
fn two_words(bytes: &[u8], at: usize, first: &[u8], second: &[u8]) -> Option<usize> {
    let end = word_end(bytes, at, first)?;
    let space = bytes[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if space == 0 {
        return None;
    }
    word_end(bytes, end + space, second)
}

fn word_end(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let end = at + word.len();
    let found = bytes.get(at..end)?.eq_ignore_ascii_case(word);
    (found && !bytes.get(end).is_some_and(|byte| is_word(*byte))).then_some(end)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The words of a script outside quotes and comments.
pub(crate) fn words(script: &str) -> impl Iterator<Item = &str> {
    let bytes = script.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let end = opaque_end(bytes, at);
            if end > at {
                at = end.min(bytes.len());
            } else if is_word(bytes[at]) {
                let start = at;
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
                return Some(&script[start..at]);
            } else {
                at += 1;
            }
        }
        None
    })
}

/// The portable name of the constraint in SQLite's `UNIQUE constraint failed: t.tenant_id, t.name`.
/// PostgreSQL reports names that our migrations give by the same convention.
pub(crate) fn unique_name(message: &str) -> Option<String> {
    let listed = message.strip_prefix("UNIQUE constraint failed: ")?;
    if let Some(index) = listed.strip_prefix("index ") {
        return Some(index.trim_matches('\'').to_owned());
    }
    let pairs: Vec<_> = listed.split(", ").filter_map(|pair| pair.split_once('.')).collect();
    let (table, _) = pairs.first()?;
    let mut name = (*table).to_owned();
    for (_, column) in &pairs {
        if *column != "tenant_id" || pairs.len() == 1 {
            name.push('_');
            name.push_str(column);
        }
    }
    // PostgreSQL cuts names at 63 bytes.
    name.truncate(name.floor_char_boundary(63));
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_spelled_for_sqlite_outside_quotes_only() {
        let text = "SELECT '$1', \"$2\" FROM t WHERE a = $10 AND b = $1 AND c = $10";
        assert_eq!(
            spell(text, EngineKind::Sqlite),
            "SELECT '$1', \"$2\" FROM t WHERE a = ?10 AND b = ?1 AND c = ?10"
        );
        assert_eq!(spell(text, EngineKind::Postgres), text);
        assert_eq!(check(text), (10, true));
    }

    #[test]
    fn collate_bytes_is_one_whole_token_outside_quotes() {
        let text =
            "é collate\n bytes, xCOLLATE BYTES, COLLATE BYTESx 'COLLATE BYTES' -- COLLATE BYTES";
        assert_eq!(
            spell(text, EngineKind::Postgres),
            "é COLLATE \"C\", xCOLLATE BYTES, COLLATE BYTESx 'COLLATE BYTES' -- COLLATE BYTES"
        );
        assert_eq!(
            spell("ORDER BY a COLLATE BYTES", EngineKind::Sqlite),
            "ORDER BY a COLLATE BINARY"
        );
    }

    #[test]
    fn rows_are_taken_and_patterns_compared_as_each_engine_does() {
        let text = "SELECT a FROM t WHERE a REGEXP $2 AND b = 'REGEXP FOR UPDATE' FOR UPDATE";
        assert_eq!(
            spell(text, EngineKind::Sqlite),
            "SELECT a FROM t WHERE a REGEXP ?2 AND b = 'REGEXP FOR UPDATE' "
        );
        assert_eq!(
            spell(text, EngineKind::Postgres),
            "SELECT a FROM t WHERE a ~ $2 AND b = 'REGEXP FOR UPDATE' FOR UPDATE"
        );
    }

    #[test]
    fn a_doubled_quote_does_not_end_the_text() {
        assert_eq!(spell("'it''s $1' = $2", EngineKind::Sqlite), "'it''s $1' = ?2");
    }

    #[test]
    fn unique_names_leave_out_the_tenant() {
        let name = |message| unique_name(message).expect("a unique violation");
        assert_eq!(
            name("UNIQUE constraint failed: users.tenant_id, users.username"),
            "users_username"
        );
        assert_eq!(name("UNIQUE constraint failed: configs.tenant_id"), "configs_tenant_id");
        assert_eq!(name("UNIQUE constraint failed: index 'users_folded'"), "users_folded");
        assert_eq!(
            name(&format!("UNIQUE constraint failed: t.tenant_id, t.{}", "x".repeat(80))).len(),
            63
        );
    }

    #[test]
    fn words_skip_quotes_and_comments() {
        let found: Vec<_> =
            words("CREATE x -- INTEGER\n 'SERIAL' /* UUID */ \"BLOB\" y2").collect();
        assert_eq!(found, ["CREATE", "x", "y2"]);
    }

    #[test]
    fn escaped_patterns_stand_for_themselves() {
        assert_eq!(like::contains(r"50%_\"), r"%50\%\_\\%");
        assert_eq!(like::starts_with("a"), "a%");
    }
}
