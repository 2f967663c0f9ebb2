use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::dialect::{self, EngineKind};
use crate::param::{Kind, Param, Typed};

/// A statement. Its text can only come from string literals: whole from [`sql!`](crate::sql), or put
/// together from several of them.
///
/// ```
/// # use trinco_db::{Sql, sql};
/// fn filtered(role: Option<&str>, ids: &[String]) -> Sql {
///     let mut query = Sql::from(sql!("SELECT id FROM users WHERE tenant_id = $1"));
///     if let Some(role) = role {
///         query = query.push(sql!(" AND role = "), role);
///     }
///     query.in_list(sql!(" AND id IN "), ids).text(sql!(" ORDER BY id COLLATE BYTES"))
/// }
/// ```
///
/// Pushed values are numbered after the `$n` of the text before the first of them and travel with the
/// statement; the values of those `$n` are passed with the call as always.
pub struct Sql {
    text: Cow<'static, str>,
    /// The highest `$n`.
    highest: usize,
    names_tenant: bool,
    pushed: Vec<Param<'static>>,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
    columns: OnceLock<Arc<[String]>>,
}

/// A statement, or a piece of one, as `&'static` [`Sql`]. Takes one string literal.
///
/// It does not compile when the literal holds an unclosed quote, a comment, `;`, `?`, or a `$` that
/// is not followed by a number from 1, or when it begins or ends a transaction.
///
/// ```compile_fail
/// trinco_db::sql!("SELECT 1; DELETE FROM users");
/// ```
/// ```compile_fail
/// let text = "SELECT 1";
/// trinco_db::sql!(text);
/// ```
/// ```compile_fail
/// trinco_db::sql!("SELECT id FROM users WHERE name = 'ana");
/// ```
/// ```compile_fail
/// trinco_db::sql!("COMMIT");
/// ```
#[macro_export]
macro_rules! sql {
    ($text:literal) => {{
        static SQL: $crate::Sql = $crate::Sql::__from_literal($text);
        &SQL
    }};
}

impl Sql {
    /// For [`sql!`](crate::sql) only.
    #[doc(hidden)]
    pub const fn __from_literal(text: &'static str) -> Sql {
        let (highest, names_tenant) = dialect::check(text);
        Sql {
            text: Cow::Borrowed(text),
            highest,
            names_tenant,
            pushed: Vec::new(),
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
            columns: OnceLock::new(),
        }
    }

    /// A statement made from the names of tables and columns, which the caller has looked at.
    pub(crate) fn generated(text: String) -> Sql {
        let (highest, names_tenant) = dialect::check(&text);
        Sql {
            text: Cow::Owned(text),
            highest,
            names_tenant,
            pushed: Vec::new(),
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
            columns: OnceLock::new(),
        }
    }

    /// The portable text, before either engine's spelling.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends a piece of text. It may mention any `$n` the statement already has.
    #[must_use]
    pub fn text(self, piece: &'static Sql) -> Sql {
        let mut sql = self.changed();
        sql.text.to_mut().push_str(&piece.text);
        sql.highest = sql.highest.max(piece.highest);
        sql.names_tenant |= piece.names_tenant;
        sql
    }

    /// Appends a piece of text and a value after it.
    #[must_use]
    pub fn push<'p>(self, piece: &'static Sql, value: impl Into<Param<'p>>) -> Sql {
        let mut sql = self.text(piece);
        sql.value(value.into());
        sql
    }

    /// Appends a piece of text (`" AND id IN "`, `" AND id NOT IN "`) and a list of values in
    /// parentheses. An empty list contains nothing.
    #[must_use]
    pub fn in_list<'p, P: Into<Param<'p>> + Typed>(
        self,
        piece: &'static Sql,
        values: impl IntoIterator<Item = P>,
    ) -> Sql {
        let mut sql = self.text(piece);
        let mut open = '(';
        for value in values {
            sql.text.to_mut().push(open);
            sql.value(value.into());
            open = ',';
        }
        sql.text.to_mut().push_str(match (open, P::KIND) {
            (',', _) => ")",
            (_, Kind::Text) => "(SELECT CAST(NULL AS TEXT) WHERE 1 = 0)",
            (_, Kind::Int) => "(SELECT CAST(NULL AS BIGINT) WHERE 1 = 0)",
            (_, Kind::Bool) => "(SELECT CAST(NULL AS BOOLEAN) WHERE 1 = 0)",
        });
        sql
    }

    /// Appends ` VALUES ($1, …), ($1, …)`: each row is the tenant followed by its values. There must
    /// be at least one row.
    #[must_use]
    pub fn rows<'p, const N: usize>(self, rows: impl IntoIterator<Item = [Param<'p>; N]>) -> Sql {
        let mut sql = self.changed();
        let mut before = " VALUES ($1";
        for row in rows {
            sql.text.to_mut().push_str(before);
            for value in row {
                sql.text.to_mut().push_str(", ");
                sql.value(value);
            }
            sql.text.to_mut().push(')');
            before = ", ($1";
        }
        sql.names_tenant = true;
        sql
    }

    fn value(&mut self, value: Param<'_>) {
        // `$1` is the tenant even when no piece has named it yet.
        self.highest = self.highest.max(1) + 1;
        let number = format!("${}", self.highest);
        self.text.to_mut().push_str(&number);
        self.pushed.push(value.into_owned());
    }

    /// Forgets the engines' spellings of the text, which is about to change.
    fn changed(self) -> Sql {
        Sql { sqlite: OnceLock::new(), postgres: OnceLock::new(), columns: OnceLock::new(), ..self }
    }

    pub(crate) fn spelled_for(&self, engine: EngineKind) -> &str {
        let spelling = match engine {
            EngineKind::Sqlite => &self.sqlite,
            EngineKind::Postgres => &self.postgres,
        };
        spelling.get_or_init(|| dialect::spell(&self.text, engine))
    }

    /// The names of the columns it answers with, remembered from the first run.
    pub(crate) fn columns(&self, names: impl FnOnce() -> Arc<[String]>) -> Arc<[String]> {
        Arc::clone(self.columns.get_or_init(names))
    }

    pub(crate) fn highest(&self) -> usize {
        self.highest
    }

    pub(crate) fn names_tenant(&self) -> bool {
        self.names_tenant
    }

    pub(crate) fn pushed(&self) -> &[Param<'static>] {
        &self.pushed
    }
}

impl From<&Sql> for Sql {
    fn from(sql: &Sql) -> Sql {
        Sql {
            text: sql.text.clone(),
            highest: sql.highest,
            names_tenant: sql.names_tenant,
            pushed: sql.pushed.clone(),
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
            columns: OnceLock::new(),
        }
    }
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sql").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushed_values_are_numbered_after_the_texts_own() {
        let sql = Sql::from(sql!("SELECT id FROM t WHERE tenant_id = $1 AND a = $2"))
            .push(sql!(" AND b = "), 7_i64)
            .in_list(sql!(" AND c IN "), ["x", "y"])
            .text(sql!(" ORDER BY id"));
        assert_eq!(
            sql.as_str(),
            "SELECT id FROM t WHERE tenant_id = $1 AND a = $2 AND b = $3 AND c IN ($4,$5) ORDER BY id"
        );
        assert_eq!(sql.pushed(), [Param::Int(7), Param::from("x"), Param::from("y")]);
        assert_eq!(sql.highest(), 5);
    }

    #[test]
    fn rows_repeat_the_tenant() {
        let sql = Sql::from(sql!("INSERT INTO t (tenant_id, a, b)"))
            .rows([["x".into(), 1_i64.into()], ["y".into(), 2_i64.into()]]);
        assert_eq!(
            sql.as_str(),
            "INSERT INTO t (tenant_id, a, b) VALUES ($1, $2, $3), ($1, $4, $5)"
        );
        assert!(sql.names_tenant());
    }

    #[test]
    fn a_changed_statement_is_spelled_anew() {
        let sql = Sql::from(sql!("SELECT 1 WHERE $1 = $1"));
        assert_eq!(sql.spelled_for(EngineKind::Sqlite), "SELECT 1 WHERE ?1 = ?1");
        let sql = sql.push(sql!(" AND 1 = "), 1_i64);
        assert_eq!(sql.spelled_for(EngineKind::Sqlite), "SELECT 1 WHERE ?1 = ?1 AND 1 = ?2");
    }
}
