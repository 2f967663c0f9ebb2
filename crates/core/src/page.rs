//! Pages of a list.

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows to pass over.
    pub offset: i64,
    /// Rows to return at most.
    pub limit: i64,
}

impl Page {
    /// Everything, for lists that are small by nature.
    pub const ALL: Self = Self { offset: 0, limit: i64::MAX };
}

/// A part of a list and the length of the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    /// The rows of the page.
    pub rows: Vec<T>,
    /// How many rows there are in all.
    pub total: i64,
}

impl<T> Listing<T> {
    /// The same part of the list, with each row as something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        Listing { rows: self.rows.into_iter().map(change).collect(), total: self.total }
    }

    /// The page of a list that is already in memory.
    pub fn of(rows: impl Iterator<Item = T>, page: Page) -> Self {
        let mut total = 0;
        let mut taken = Vec::new();
        for row in rows {
            if total >= page.offset && (taken.len() as i64) < page.limit {
                taken.push(row);
            }
            total += 1;
        }
        Self { rows: taken, total }
    }
}
