//! What rows weigh on disk, with their share of every index.

use std::path::Path;

use rusqlite::Connection;
use tokio_postgres::NoTls;

use crate::Result;

/// The tables that grow with users, and what a row of them is.
const TABLES: &[(&str, &str)] = &[
    ("users", "user"),
    ("user_roles", "role of a user"),
    ("organizations", "organization"),
    ("organization_users", "membership of an organization"),
    ("sessions", "session"),
    ("grants", "grant"),
    ("refresh_tokens", "refresh token"),
    ("access_tokens", "opaque access token"),
    ("logs", "audit log entry"),
];

/// The weight of one table.
pub(crate) struct Size {
    /// What a row is.
    pub(crate) row: &'static str,
    pub(crate) rows: u64,
    /// With indexes.
    pub(crate) bytes: u64,
}

/// Everything together, and the tables that hold more than a handful of rows.
pub(crate) struct Sizes {
    pub(crate) bytes: u64,
    pub(crate) tables: Vec<Size>,
}

/// Of an SQLite file that no server has open.
pub(crate) fn of_sqlite(file: &Path) -> Result<Sizes> {
    let weigh = || {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "wal_checkpoint", "TRUNCATE")?;
        let mut tables = Vec::new();
        for (table, row) in TABLES {
            let rows =
                connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], number)?;
            let bytes = connection.query_row(
                "SELECT COALESCE(SUM(pgsize), 0) FROM dbstat
                 WHERE aggregate = TRUE AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?1)",
                [table],
                number,
            )?;
            tables.push(Size { row, rows, bytes });
        }
        let bytes = connection.query_row(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
            [],
            number,
        )?;
        Ok::<_, rusqlite::Error>(Sizes { bytes, tables })
    };
    weigh()
        .map(Sizes::with_many_rows)
        .map_err(|error| format!("the file cannot be weighed: {error}."))
}

/// Of a PostgreSQL database, after its dead rows were cleared away.
pub(crate) fn of_postgres(url: &str) -> Result<Sizes> {
    let weigh = async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let names: Vec<_> = TABLES.iter().map(|(table, _)| *table).collect();
        client.batch_execute(&format!("VACUUM {}", names.join(", "))).await?;
        let mut tables = Vec::new();
        for (table, row) in TABLES {
            let rows = client.query_one(&format!("SELECT COUNT(*) FROM {table}"), &[]).await?;
            let bytes = client
                .query_one("SELECT pg_total_relation_size(to_regclass($1))", &[table])
                .await?;
            tables.push(Size {
                row,
                rows: unsigned(rows.try_get(0)?),
                bytes: unsigned(bytes.try_get(0)?),
            });
        }
        let bytes = client.query_one("SELECT pg_database_size(current_database())", &[]).await?;
        Ok::<_, tokio_postgres::Error>(Sizes { bytes: unsigned(bytes.try_get(0)?), tables })
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}."))?;
    let sizes = runtime.block_on(weigh);
    sizes
        .map(Sizes::with_many_rows)
        .map_err(|error| format!("the database cannot be weighed: {error}."))
}

impl Sizes {
    /// Without the tables whose first pages would be taken for the weight of a few rows.
    fn with_many_rows(mut self) -> Self {
        self.tables.retain(|size| size.rows >= 100);
        self
    }
}

/// The number that a row consists of.
fn number(row: &rusqlite::Row<'_>) -> rusqlite::Result<u64> {
    Ok(unsigned(row.get(0)?))
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
