//! Copies everything from one database into another, of whatever engines.
//!
//! The source is read in one snapshot. The target says that it is incomplete from before the first row until all rows are counted, and
//! until then no program starts on it.

mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::dialect::{self, EngineKind};
use crate::error::refused;
use crate::standing::Standing;
use crate::tables::{self, Table};
use crate::waiting::Waiting;
use crate::{Conn, Db, Error, Kind, Migrating, Migration, Param, Value, migrate, params, sql};
use target::{Prepared, prepare, require_mark, unmark};

/// How a copy treats what is in the target.
#[derive(Clone, Copy, Debug)]
pub struct Copying {
    /// Delete what the target holds.
    pub force: bool,
    /// For how long a server of the target must have been silent to count as gone, as in [`Migrating`].
    pub watch: Duration,
}

impl Default for Copying {
    fn default() -> Copying {
        Copying { force: false, watch: Migrating::default().watch }
    }
}

/// What was copied of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// Rows that are read and written together: at first, and at most.
const ROWS: (usize, usize) = (64, 1024);
/// Bytes of values that are read together, about: it takes fewer rows when they are long.
const BYTES: usize = 4 << 20;
/// Batches that wait for the target.
const WAITING: usize = 2;
/// PostgreSQL ends a transaction in which nothing is asked for twice as long as a statement of it may take, so something is.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Parameters of one statement; SQLite takes no more than 32766.
const PARAMETERS: usize = 8_000;

enum Message {
    /// The source is at hand, and nobody changes its schema.
    Begun,
    Rows {
        table: usize,
        rows: Vec<Vec<Value>>,
    },
    /// All rows of a table have been sent.
    End {
        table: usize,
        rows: u64,
    },
}

/// Copies every table of the schema from `source` to `target` and gives the number of rows of each.
///
/// The source must have been brought up to date with `migrations`; the target is. `progress` hears how many rows of a table have been
/// written so far. Rows that the source gets after the beginning are not copied.
///
/// # Errors
/// [`Error::Refused`], with a sentence, when source and target do not suit: among others when the target holds rows and is not to be
/// cleared, when somebody else's tables are in it, or servers run on it. As long as the source cannot be read, the target is left as
/// whole as it was. After other failures it is incomplete and says so; a new copy clears it and begins again.
pub async fn copy(
    source: &Db,
    target: &Db,
    migrations: &[Migration],
    copying: Copying,
    now_ms: i64,
    mut progress: impl FnMut(&str, u64),
) -> Result<Vec<Copied>, Error> {
    let standing = source.standing(migrations).await?;
    require_same(&standing)?;
    let Prepared { tables, was_whole } =
        prepare(source, target, migrations, copying, now_ms).await?;
    let (send, mut receive) = mpsc::channel(WAITING);
    let reading = {
        let (system, tables) = (source.system(), tables.clone());
        let begun = Arc::new(AtomicBool::new(false));
        tokio::spawn(async move {
            let mut waiting = Waiting::begin();
            loop {
                let input = (tables.clone(), send.clone(), Arc::clone(&begun), standing.database);
                let read = system
                    .scan::<_, _, Error, _>(input, |conn, (tables, send, begun, version)| {
                        Box::pin(async move {
                            dialect::share_schema_reading(conn).await?;
                            if begun.swap(true, Ordering::Relaxed) {
                                // The engine wants to try again, but what was sent cannot be taken back.
                                return Err(Error::Busy);
                            }
                            read_all(conn, tables, *version, send).await
                        })
                    })
                    .await;
                match read {
                    Err(error) if !begun.load(Ordering::Relaxed) => waiting.after(error).await?,
                    read => return read,
                }
            }
        })
    };
    let mut copied = Vec::new();
    let mut so_far = 0;
    let mut is_whole = was_whole;
    let written = async {
        while let Some(message) = receive.recv().await {
            match message {
                Message::Begun => {
                    is_whole = false;
                    for table in tables.iter().rev() {
                        clear(target, table).await?;
                    }
                }
                Message::Rows { table, rows } => {
                    so_far += rows.len() as u64;
                    write(target, &tables[table], rows, now_ms).await?;
                    progress(&tables[table].name, so_far);
                }
                Message::End { table, rows } => {
                    copied.push(Copied { table: tables[table].name.clone(), rows });
                    so_far = 0;
                }
            }
        }
        Ok::<_, Error>(())
    }
    .await;
    // Whoever reads stops when nobody listens.
    drop(receive);
    let read = reading.await.unwrap_or(Err(Error::Panicked));
    if is_whole {
        unmark(target, now_ms).await?;
    }
    // When writing failed, reading did for no reason of its own.
    written?;
    read?;
    complete(target, &tables, &copied, now_ms).await?;
    Ok(copied)
}

fn require_same(standing: &Standing) -> Result<(), Error> {
    let Standing { database, program, .. } = standing;
    if !standing.is_up_to_date() {
        return refused(format!(
            "the source has schema {database} and this program schema {program}; bring the source up to date \
             first, with `trinco db migrate`"
        ));
    }
    if database != program {
        return refused(format!(
            "the source has schema {database} and this program only schema {program}; use the newer program"
        ));
    }
    Ok(())
}

/// What is read from one of them can be written to the other.
fn require_alike(source: &[Table], target: &[Table]) -> Result<(), Error> {
    let lacks = |tables: &[Table], one: &Table| !tables.iter().any(|t| t.holds_the_same(one));
    let mut odd: Vec<&str> = (target.iter().filter(|table| lacks(source, table)))
        .chain(source.iter().filter(|table| lacks(target, table)))
        .map(|table| table.name.as_str())
        .collect();
    if odd.is_empty() {
        return Ok(());
    }
    odd.sort_unstable();
    odd.dedup();
    refused(format!(
        "source and target are not made alike ({}), although both have the same schema",
        tables::listed(&odd)
    ))
}

async fn clear(target: &Db, table: &Table) -> Result<(), Error> {
    target
        .system()
        .write(table.clear(), |tx, clear| {
            Box::pin(async move {
                tx.limit_statements(migrate::STATEMENT_LIMIT).await?;
                tx.execute(clear, &[]).await.map(drop)
            })
        })
        .await
}

/// Reads everything in the snapshot at hand, whose schema nobody changes.
async fn read_all(
    conn: &mut Conn<'_>,
    tables: &[Table],
    version: i64,
    send: &mpsc::Sender<Message>,
) -> Result<(), Error> {
    let newest = conn.one(sql!("SELECT max(version) FROM migrations"), &[]).await?;
    if newest.get::<i64>(0)? != version {
        return refused("the schema of the source was changed while it was copied");
    }
    require_alike(&tables::read(conn).await?, tables)?;
    say(conn, send, Message::Begun).await?;
    for (index, table) in tables.iter().enumerate() {
        let rows = read_table(conn, index, table, send).await?;
        say(conn, send, Message::End { table: index, rows }).await?;
    }
    Ok(())
}

async fn read_table(
    conn: &mut Conn<'_>,
    index: usize,
    table: &Table,
    send: &mpsc::Sender<Message>,
) -> Result<u64, Error> {
    let (first, next) = (table.first_page(), table.next_page());
    let mut last: Option<Vec<Param<'static>>> = None;
    let (mut limit, mut total) = (ROWS.0, 0);
    loop {
        let page = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = match &last {
            None => conn.all(&first, params![page]).await?,
            Some(key) => {
                let mut given = key.clone();
                given.push(page.into());
                conn.all(&next, &given).await?
            }
        };
        let rows: Vec<Vec<Value>> = found.into_iter().map(crate::Row::into_values).collect();
        let Some(end) = rows.last() else { return Ok(total) };
        let key = table.key.iter().map(|column| param(table, *column, end[*column].clone()));
        last = Some(key.collect::<Result<_, _>>()?);
        let (count, bytes) = (rows.len(), rows.iter().flatten().map(size).sum::<usize>());
        total += count as u64;
        say(conn, send, Message::Rows { table: index, rows }).await?;
        if count < limit {
            return Ok(total);
        }
        limit = if bytes > BYTES {
            limit / 2
        } else if bytes < BYTES / 2 {
            limit * 2
        } else {
            limit
        };
        limit = limit.clamp(1, ROWS.1);
    }
}

fn size(value: &Value) -> usize {
    if let Value::Text(text) = value { text.len() } else { 8 }
}

/// Hands something over, waiting for the other side as the engine of this connection can.
async fn say(
    conn: &mut Conn<'_>,
    send: &mpsc::Sender<Message>,
    message: Message,
) -> Result<(), Error> {
    if conn.engine() == EngineKind::Sqlite {
        // On a thread of its own.
        return send.blocking_send(message).map_err(|_| Error::Closed);
    }
    loop {
        if let Ok(place) = tokio::time::timeout(KEEP_ALIVE, send.reserve()).await {
            place.map_err(|_| Error::Closed)?.send(message);
            return Ok(());
        }
        // The other side is at something long, such as clearing a large table.
        conn.one(sql!("SELECT 1"), &[]).await?;
    }
}

/// A value as a parameter of its column's type: SQLite has no booleans.
fn param(table: &Table, column: usize, value: Value) -> Result<Param<'static>, Error> {
    let crate::tables::Column { name, kind } = &table.columns[column];
    match (value, kind) {
        (Value::Null, kind) => Ok(Param::Null(*kind)),
        (Value::Text(text), Kind::Text) => Ok(Param::from(text)),
        (Value::Int(value), Kind::Int) => Ok(Param::Int(value)),
        (Value::Int(value @ (0 | 1)), Kind::Bool) => Ok(Param::Bool(value == 1)),
        (Value::Bool(value), Kind::Bool) => Ok(Param::Bool(value)),
        _ => refused(format!("a row of {} has a {name} that is not of its type", table.name)),
    }
}

async fn write(
    target: &Db,
    table: &Table,
    rows: Vec<Vec<Value>>,
    begun_at: i64,
) -> Result<(), Error> {
    let width = table.columns.len();
    let most = (PARAMETERS / width).max(1);
    let mut values = Vec::with_capacity(rows.len() * width);
    for row in rows {
        for (column, value) in row.into_iter().enumerate() {
            values.push(param(table, column, value)?);
        }
    }
    let statements: Vec<_> = values
        .chunks(most * width)
        .map(|chunk| (table.insert(chunk.len() / width), chunk.to_vec()))
        .collect();
    target
        .system()
        .write((statements, begun_at), |tx, (statements, begun_at)| {
            Box::pin(async move {
                require_mark(tx, *begun_at).await?;
                for (insert, values) in statements {
                    tx.execute(insert, values).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Counts what has arrived, and takes the mark away when nothing is missing.
async fn complete(
    target: &Db,
    tables: &[Table],
    copied: &[Copied],
    begun_at: i64,
) -> Result<(), Error> {
    let system = target.system();
    for (table, copied) in tables.iter().zip(copied) {
        let count = table.count();
        let counted = system.scan::<_, _, Error, _>(count, |conn, count| {
            Box::pin(async move { conn.one(count, &[]).await?.get::<i64>(0) })
        });
        let counted = counted.await?;
        if u64::try_from(counted).ok() != Some(copied.rows) {
            return refused(format!(
                "the table {} has {} rows in the source and {counted} in the target; somebody else writes to the \
                 target, so the copy is not complete",
                table.name, copied.rows
            ));
        }
    }
    unmark(target, begun_at).await
}
