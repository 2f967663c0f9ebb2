//! What a database consists of, read from the database itself: nothing here can be forgotten when a migration adds a table.

use crate::error::refused;
use crate::standing::{self, BOOKKEEPING};
use crate::{Conn, Error, Kind, Migration, Sql, dialect};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// Indexes of the columns of its primary key, in the key's order.
    pub(crate) key: Vec<usize>,
    /// The tables its rows refer to.
    parents: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Every table of the schema, parents before the tables that refer to them.
pub(crate) async fn read(conn: &mut Conn<'_>) -> Result<Vec<Table>, Error> {
    let mut tables = Vec::new();
    for name in standing::tables(conn).await? {
        if !BOOKKEEPING.contains(&name.as_str()) {
            tables.push(table(conn, name).await?);
        }
    }
    in_order(tables)
}

/// The names of the tables that migrations make, those included that later ones take away again.
pub(crate) fn made_by(migrations: &[Migration]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for migration in migrations {
        let words: Vec<&str> = dialect::words(migration.sql).collect();
        for (at, word) in words.iter().enumerate() {
            let is = |at: usize, what: &str| {
                words.get(at).is_some_and(|word| word.eq_ignore_ascii_case(what))
            };
            let mut name = at + 1;
            let makes = word.eq_ignore_ascii_case("CREATE") && is(name, "TABLE")
                || word.eq_ignore_ascii_case("RENAME") && is(name, "TO");
            if makes {
                name += if is(name + 1, "IF") { 4 } else { 1 };
                names.extend(words.get(name).copied());
            }
        }
    }
    names
}

/// Names for people: the first few.
pub(crate) fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> =
        names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
    let more = names.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}

async fn table(conn: &mut Conn<'_>, name: String) -> Result<Table, Error> {
    let engine = conn.engine();
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for row in conn.all(dialect::columns(engine), &[name.as_str().into()]).await? {
        let mut cols = row.cols();
        let (column, kind, place) =
            (cols.next::<String>()?, cols.next::<String>()?, cols.next::<i64>()?);
        let kind = match kind.as_str() {
            "text" => Kind::Text,
            "bigint" => Kind::Int,
            "boolean" => Kind::Bool,
            other => {
                return refused(format!(
                    "the column {name}.{column} is of the type {other}, which is none of Trinco's"
                ));
            }
        };
        if place > 0 {
            key.push((place, columns.len()));
        }
        columns.push(Column { name: column, kind });
    }
    if key.is_empty() {
        return refused(format!("the table {name} has no primary key, so it is none of Trinco's"));
    }
    key.sort_unstable();
    let key = key.into_iter().map(|(_, column)| column).collect();
    let parents = conn.all(dialect::parents(engine), &[name.as_str().into()]).await?;
    let parents = parents.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let table = Table { name, columns, key, parents };
    let names = table.columns.iter().map(|column| &column.name).chain([&table.name]);
    for name in names {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(plain) {
            return refused(format!("the database has a name that is none of Trinco's: {name:?}"));
        }
    }
    Ok(table)
}

/// Sorts tables so that rows can be written in their order.
fn in_order(mut tables: Vec<Table>) -> Result<Vec<Table>, Error> {
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    let mut ordered: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let is_there = |parent: &String| ordered.iter().any(|table| table.name == *parent);
        let Some(next) = tables.iter().position(|table| table.parents.iter().all(is_there)) else {
            let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
            return refused(format!("these tables refer to each other: {}", names.join(", ")));
        };
        ordered.push(tables.remove(next));
    }
    Ok(ordered)
}

impl Table {
    /// Whether both hold the same things, in whatever order of columns.
    pub(crate) fn holds_the_same(&self, other: &Table) -> bool {
        let sorted = |table: &Table| {
            let mut columns: Vec<_> =
                table.columns.iter().map(|c| (c.name.clone(), c.kind)).collect();
            columns.sort_by(|one, other| one.0.cmp(&other.0));
            columns
        };
        self.name == other.name && sorted(self) == sorted(other)
    }

    fn list(&self, columns: impl Iterator<Item = usize>) -> String {
        let names: Vec<String> =
            columns.map(|index| format!("\"{}\"", self.columns[index].name)).collect();
        names.join(", ")
    }

    fn all(&self) -> String {
        self.list(0..self.columns.len())
    }

    /// Reads the first rows by the primary key; their number is the only parameter.
    pub(crate) fn first_page(&self) -> Sql {
        let (all, name, key) = (self.all(), &self.name, self.list(self.key.iter().copied()));
        Sql::generated(format!("SELECT {all} FROM \"{name}\" ORDER BY {key} LIMIT $1"))
    }

    /// Reads the rows after the one whose key is given; the last parameter is their number.
    pub(crate) fn next_page(&self) -> Sql {
        let (all, name, key) = (self.all(), &self.name, self.list(self.key.iter().copied()));
        let last: Vec<String> = (1..=self.key.len()).map(|n| format!("${n}")).collect();
        let (last, limit) = (last.join(", "), self.key.len() + 1);
        Sql::generated(format!(
            "SELECT {all} FROM \"{name}\" WHERE ({key}) > ({last}) ORDER BY {key} LIMIT ${limit}"
        ))
    }

    /// Writes `rows` rows, all columns of the first, then all of the second.
    pub(crate) fn insert(&self, rows: usize) -> Sql {
        let (all, name, width) = (self.all(), &self.name, self.columns.len());
        let mut text = format!("INSERT INTO \"{name}\" ({all}) VALUES ");
        for row in 0..rows {
            let values: Vec<String> =
                (1..=width).map(|column| format!("${}", row * width + column)).collect();
            text.push_str(if row == 0 { "(" } else { ", (" });
            text.push_str(&values.join(", "));
            text.push(')');
        }
        Sql::generated(text)
    }

    pub(crate) fn count(&self) -> Sql {
        Sql::generated(format!("SELECT count(*) FROM \"{}\"", self.name))
    }

    pub(crate) fn clear(&self) -> Sql {
        Sql::generated(format!("DELETE FROM \"{}\"", self.name))
    }

    pub(crate) fn any(&self) -> Sql {
        Sql::generated(format!("SELECT 1 FROM \"{}\" LIMIT 1", self.name))
    }
}
