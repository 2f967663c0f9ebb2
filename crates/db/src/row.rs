use std::sync::Arc;

use crate::Error;

/// A value read from a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL `NULL`
    Null,
    /// `TEXT`
    Text(String),
    /// `BIGINT`, and on SQLite also `BOOLEAN` (0 or 1).
    Int(i64),
    /// `BOOLEAN` on PostgreSQL.
    Bool(bool),
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub struct Row {
    names: Arc<[String]>,
    values: Vec<Value>,
}

/// Reads a row's columns from left to right. See [`Row::cols`].
#[derive(Debug)]
pub struct Cols {
    names: Arc<[String]>,
    values: std::vec::IntoIter<Value>,
    index: usize,
}

/// A Rust type that a column can be read as.
pub trait FromColumn: Sized {
    /// What to call it in an error.
    const NAME: &'static str;

    /// Reads the value, or gives it back when it is of another kind.
    fn from_column(value: Value) -> Result<Self, Value>;
}

impl Row {
    pub(crate) fn new(names: Arc<[String]>, values: Vec<Value>) -> Row {
        Row { names, values }
    }

    /// The column at `index`, counted from 0. [`Error::Column`] when it holds something else.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, Error> {
        read(&self.names, index, self.values.get(index).cloned())
    }

    pub(crate) fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Reads the columns in the order of the `SELECT`, which suits struct literals:
    /// `Ok(User { id: cols.next()?, name: cols.next()? })`.
    pub fn cols(self) -> Cols {
        Cols { names: self.names, values: self.values.into_iter(), index: 0 }
    }
}

impl Cols {
    /// The next column. [`Error::Column`] when it holds something else or there is none.
    #[expect(clippy::should_implement_trait, reason = "every call asks for another type")]
    pub fn next<T: FromColumn>(&mut self) -> Result<T, Error> {
        let index = self.index;
        self.index += 1;
        read(&self.names, index, self.values.next())
    }
}

fn read<T: FromColumn>(names: &[String], index: usize, value: Option<Value>) -> Result<T, Error> {
    let mismatch = |found| Error::Column {
        column: names.get(index).cloned().unwrap_or_else(|| format!("#{index}")),
        expected: T::NAME,
        found,
    };
    let value = value.ok_or_else(|| mismatch("nothing"))?;
    T::from_column(value).map_err(|value| {
        mismatch(match value {
            Value::Null => "NULL",
            Value::Text(_) => "text",
            Value::Int(_) => "an integer",
            Value::Bool(_) => "a boolean",
        })
    })
}

impl FromColumn for String {
    const NAME: &'static str = "text";

    fn from_column(value: Value) -> Result<String, Value> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(other),
        }
    }
}

impl FromColumn for i64 {
    const NAME: &'static str = "an integer";

    fn from_column(value: Value) -> Result<i64, Value> {
        match value {
            Value::Int(value) => Ok(value),
            other => Err(other),
        }
    }
}

impl FromColumn for bool {
    const NAME: &'static str = "a boolean";

    fn from_column(value: Value) -> Result<bool, Value> {
        match value {
            Value::Bool(value) => Ok(value),
            // SQLite has no boolean type.
            Value::Int(value @ (0 | 1)) => Ok(value == 1),
            other => Err(other),
        }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    const NAME: &'static str = T::NAME;

    fn from_column(value: Value) -> Result<Option<T>, Value> {
        match value {
            Value::Null => Ok(None),
            value => T::from_column(value).map(Some),
        }
    }
}
