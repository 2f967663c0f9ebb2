use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join3};
use tokio_postgres::types::{ToSql, Type};

use super::failure::{is_conflict, is_gone};
use super::{Mode, Object, connection, forget_idle, noting, within};
use crate::conn::Args;
use crate::dialect::EngineKind;
use crate::{Error, Param, Row, Sql, Value};

/// A PostgreSQL connection as a [`Conn`](crate::Conn) uses it.
pub(crate) struct Link<'c> {
    connection: Connection<'c>,
    limit: Duration,
    conflict: bool,
    broken: bool,
}

#[expect(clippy::large_enum_variant, reason = "one lives per read, and boxing would cost more")]
enum Connection<'c> {
    /// Each statement is a read-only transaction of its own. `None` after the connection was lost.
    Single(Option<Object>, Arc<Mode>),
    /// Somebody else has begun and will end the transaction.
    Transaction(&'c Object),
}

impl<'c> Link<'c> {
    pub(super) fn single(connection: Object, mode: Arc<Mode>) -> Link<'c> {
        let limit = mode.limit;
        let connection = Connection::Single(Some(connection), mode);
        Link { connection, limit, conflict: false, broken: false }
    }

    pub(super) fn in_transaction(connection: &'c Object, limit: Duration) -> Link<'c> {
        let connection = Connection::Transaction(connection);
        Link { connection, limit, conflict: false, broken: false }
    }

    /// Whether a statement failed only because of other transactions.
    pub(super) fn conflict(&self) -> bool {
        self.conflict
    }

    /// Whether the connection must not be used again.
    pub(super) fn broken(&self) -> bool {
        self.broken
    }

    pub(crate) async fn query(&mut self, sql: &Sql, args: &Args<'_>) -> Result<Vec<Row>, Error> {
        let text = sql.spelled_for(EngineKind::Postgres);
        let params = typed(args);
        let answer = match &mut self.connection {
            Connection::Transaction(connection) => {
                let run =
                    noting(&mut self.conflict, is_conflict, connection.query_typed(text, &params));
                within(self.limit, run).await
            }
            Connection::Single(held, mode) => {
                let mut gone = false;
                let answer = single(held, mode, text, &params, &mut gone).await;
                match held.take_if(|_| gone).map(|lost| (Object::pool(&lost), Object::take(lost))) {
                    // The connection was lost while it was idle, or just now. A read can be done again.
                    Some((Some(pool), _)) => {
                        // Boxed: it is rare, and every read would hold it in its own future.
                        let again: BoxFuture<'_, _> = Box::pin(async {
                            forget_idle(&pool);
                            *held = Some(connection(&pool).await?);
                            single(held, mode, text, &params, &mut gone).await
                        });
                        again.await
                    }
                    _ => answer,
                }
            }
        };
        let rows = self.noting_loss(answer)?;
        rows.iter().map(|row| self::row(sql, row)).collect()
    }

    pub(crate) async fn execute(&mut self, sql: &Sql, args: &Args<'_>) -> Result<u64, Error> {
        let Connection::Transaction(connection) = &self.connection else {
            return Err(Error::ReadOnly);
        };
        let text = sql.spelled_for(EngineKind::Postgres);
        let params = typed(args);
        let run = noting(&mut self.conflict, is_conflict, connection.execute_typed(text, &params));
        let answer = within(self.limit, run).await;
        self.noting_loss(answer)
    }

    pub(crate) async fn script(&mut self, script: &str) -> Result<(), Error> {
        let Connection::Transaction(connection) = &self.connection else {
            return Err(Error::ReadOnly);
        };
        let run = noting(&mut self.conflict, is_conflict, connection.batch_execute(script));
        let answer = within(self.limit, run).await;
        self.noting_loss(answer)
    }

    pub(crate) async fn limit_statements(&mut self, limit: Duration) -> Result<(), Error> {
        self.limit = limit;
        let ms = limit.as_millis().clamp(1, i32::MAX as u128);
        self.script(&format!("SET LOCAL statement_timeout = {ms}")).await
    }

    fn noting_loss<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        let in_transaction = matches!(self.connection, Connection::Transaction(_));
        let broken = match answer {
            Err(Error::Unavailable { .. }) => true,
            // This server was the primary when the pool connected to it, perhaps, and another one is now.
            Err(Error::ReadOnly) => in_transaction,
            _ => false,
        };
        if broken {
            self.broken = true;
            if let Connection::Single(connection, _) = &mut self.connection {
                drop(connection.take().map(Object::take));
            }
        }
        answer
    }
}

/// One statement in a read-only transaction of its own. Says whether the connection is `gone`.
async fn single(
    connection: &Option<Object>,
    mode: &Mode,
    text: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
    gone: &mut bool,
) -> Result<Vec<tokio_postgres::Row>, Error> {
    let Some(connection) = connection else {
        return Err(Error::Unavailable { why: None, source: None });
    };
    // Sent together and answered in one round trip. The first poll sends all three, so a caller that goes away leaves no
    // transaction open. A transaction pooler keeps them on one connection, since the server is between `BEGIN` and `COMMIT`.
    let all = join3(
        connection.batch_execute(&mode.begin),
        connection.query_typed(text, params),
        connection.batch_execute(mode.commit),
    );
    let answer = async {
        let (begun, answer, _) = all.await;
        begun.and(answer)
    };
    within(mode.limit, noting(gone, is_gone, answer)).await
}

/// With their types, the server need not be asked for them, and the statement needs no name.
fn typed<'a>(args: &'a Args<'_>) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    let typed = |param: &'a Param<'_>| -> (&'a (dyn ToSql + Sync), Type) {
        match param {
            Param::Null(crate::Kind::Text) => (&None::<&str>, Type::TEXT),
            Param::Null(crate::Kind::Int) => (&None::<i64>, Type::INT8),
            Param::Null(crate::Kind::Bool) => (&None::<bool>, Type::BOOL),
            Param::Text(text) => (text, Type::TEXT),
            Param::Int(value) => (value, Type::INT8),
            Param::Bool(value) => (value, Type::BOOL),
        }
    };
    args.iter().map(typed).collect()
}

fn row(sql: &Sql, row: &tokio_postgres::Row) -> Result<Row, Error> {
    let names =
        sql.columns(|| row.columns().iter().map(|column| column.name().to_owned()).collect());
    let values = (0..row.len()).map(|index| value(row, index)).collect::<Result<_, _>>()?;
    Ok(Row::new(names, values))
}

fn value(row: &tokio_postgres::Row, index: usize) -> Result<Value, Error> {
    let column = &row.columns()[index];
    let value = match *column.type_() {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            row.try_get::<_, Option<String>>(index).map(|text| text.map(Value::Text))
        }
        Type::INT8 => row.try_get::<_, Option<i64>>(index).map(|value| value.map(Value::Int)),
        Type::INT4 => {
            row.try_get::<_, Option<i32>>(index).map(|value| value.map(|v| Value::Int(v.into())))
        }
        Type::BOOL => row.try_get::<_, Option<bool>>(index).map(|value| value.map(Value::Bool)),
        _ => {
            return Err(Error::Column {
                column: column.name().to_owned(),
                expected: "TEXT, BIGINT or BOOLEAN",
                found: "another type",
            });
        }
    };
    value.map(|value| value.unwrap_or(Value::Null)).map_err(super::failure)
}
